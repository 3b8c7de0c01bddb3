//! The form of a policy document.

use std::collections::BTreeMap;
use std::sync::Arc;

use semver::Version;

use super::decode::{Field, PolicyError, hint};
use super::spec::Document;
use super::{ACTIONS, RuleSettings, choice, custom, exemption, settings, wishes};
use crate::rules;
use crate::values::{Data, Limits, Node, NoteKind, Path, ReadErrorKind, read_yaml};
use crate::vcluster::{Catalogue, Range};

/// The longest name of a Kubernetes object.
const NAME_BYTES: usize = 253;

/// Reads a document.
pub(super) fn read(text: &str, catalogue: &'static Catalogue) -> Result<Document, PolicyError> {
    read_root(&Field::root(&tree(text)?), catalogue)
}

/// The document as a tree, if it is one document, and nothing in it is set twice.
pub(super) fn tree(text: &str) -> Result<Node, PolicyError> {
    let document = read_yaml(text.as_bytes(), &Limits::VALUES).map_err(|error| PolicyError {
        at: error.at,
        path: Path::root(),
        message: match error.kind {
            ReadErrorKind::Syntax(what) => format!("not YAML: {what}"),
            kind => kind.to_string(),
        },
    })?;
    for note in &document.notes {
        let message = match &note.kind {
            NoteKind::Duplicate { first } => format!("set before, in line {}", first.line),
            NoteKind::ExtraDocument => "a second document; a file holds one policy".to_owned(),
            _ => continue,
        };
        return Err(PolicyError {
            at: Some(note.at),
            path: note.path.clone(),
            message,
        });
    }
    if document.root.data == Data::Null {
        let message = "the policy is empty".to_owned();
        return Err(PolicyError {
            at: None,
            path: Path::root(),
            message,
        });
    }
    Ok(document.root)
}

/// Reads a document that is a tree already.
pub(super) fn read_root(root: &Field<'_>, catalogue: &Catalogue) -> Result<Document, PolicyError> {
    let fields = root.fields(&["apiVersion", "kind", "metadata", "spec"])?;
    for (key, wanted) in [
        ("apiVersion", "distrogate.io/v1alpha1"),
        ("kind", "DistroPolicy"),
    ] {
        let field = fields.required(key)?;
        if field.node.as_str() != Some(wanted) {
            return Err(field.error(format!("has to be {wanted}")));
        }
    }
    let metadata = fields
        .required("metadata")?
        .fields(&["name", "labels", "annotations"])?;
    for key in ["labels", "annotations"] {
        if let Some(texts) = metadata.get(key) {
            for (_, entry, path) in texts.entries()? {
                let node = &entry.value;
                Field { node, path }.string()?;
            }
        }
    }
    let mut document = Document {
        name: read_name(&metadata.required("name")?)?,
        ..Document::default()
    };
    if let Some(spec) = fields.get("spec") {
        read_spec(&spec, &mut document, catalogue)?;
    }
    Ok(document)
}

/// A name as Kubernetes' objects have: documents are named in logs, audit entries and comments.
fn read_name(field: &Field<'_>) -> Result<String, PolicyError> {
    let name = field.string()?;
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_name = (1..=NAME_BYTES).contains(&name.len())
        && name.starts_with(inside)
        && name.ends_with(inside)
        && name.chars().all(|c| inside(c) || c == '-' || c == '.');
    if !is_name {
        return Err(field.error(
            "has to be a name as Kubernetes' objects have: lower-case letters, digits, - and .",
        ));
    }
    Ok(name.to_owned())
}

fn read_spec(
    spec: &Field<'_>,
    document: &mut Document,
    catalogue: &Catalogue,
) -> Result<(), PolicyError> {
    let fields = spec.fields(&[
        "priority",
        "enforcement",
        "match",
        "chart",
        "defaults",
        "rules",
        "exemptions",
        "customCarriers",
    ])?;
    if let Some(field) = fields.get("priority") {
        document.priority = field.integer()?;
    }
    if let Some(field) = fields.get("enforcement") {
        let [deny, warn, audit, _] = ACTIONS;
        document.enforcement = Some(field.one_of(&[deny, warn, audit])?);
    }
    if let Some(field) = fields.get("match") {
        document.matching = choice::read(&field)?;
    }
    if let Some(chart) = fields.get("chart") {
        let fields = chart.fields(&["fallback", "paths"])?;
        if let Some(fallback) = fields.get("fallback") {
            document.fallback = Some(read_fallback(&fallback, catalogue)?);
        }
        if let Some(paths) = fields.get("paths") {
            document.chart_paths = paths.globs()?;
        }
    }
    if let Some(defaults) = fields.get("defaults") {
        let charts = document.matching.charts.clone();
        document.wishes = wishes::read(&defaults, charts.as_ref(), catalogue)?;
    }
    if let Some(field) = fields.get("rules") {
        document.rules = read_rules(&field)?;
    }
    if let Some(field) = fields.get("exemptions") {
        let exemptions = field.items()?;
        let exemptions = exemptions
            .iter()
            .map(|item| exemption::read(item).map(Arc::new));
        document.exemptions = exemptions.collect::<Result<_, _>>()?;
    }
    if let Some(field) = fields.get("customCarriers") {
        let custom = custom::read(&field)?;
        document.custom = custom.into_iter().map(Arc::new).collect();
    }
    Ok(())
}

/// A chart of the catalogue: `0.36.1`, or `0.36` for the newest of its minor version.
fn read_fallback(field: &Field<'_>, catalogue: &Catalogue) -> Result<Version, PolicyError> {
    let range = Range::parse(field.string()?).map_err(|error| field.error(error.to_string()))?;
    let newest = catalogue.charts(|version| range.contains(version)).last();
    newest.map(|(version, _)| version.clone()).ok_or_else(|| {
        let name = |version: &Version| format!("{}.{}", version.major, version.minor);
        let first = catalogue
            .charts(|_| true)
            .next()
            .map(|(version, _)| name(version));
        let last = catalogue.newest().map(name);
        field.error(format!(
            "has to be a vCluster chart from {} to {}",
            first.unwrap_or_default(),
            last.unwrap_or_default(),
        ))
    })
}

fn read_rules(field: &Field<'_>) -> Result<BTreeMap<&'static str, Arc<RuleSettings>>, PolicyError> {
    let ids: Vec<_> = rules::RULES.iter().map(|rule| rule.id).collect();
    let mut said = BTreeMap::new();
    for (id, entry, path) in field.entries()? {
        let Some(rule) = rules::RULES.into_iter().find(|rule| rule.id == id) else {
            let message = format!("unknown rule; {}", hint(id, &ids));
            return Err(PolicyError {
                at: entry.at,
                path,
                message,
            });
        };
        let field = Field {
            node: &entry.value,
            path,
        };
        said.insert(rule.id, Arc::new(settings::read(&field, rule)?));
    }
    Ok(said)
}
