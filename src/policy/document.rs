//! The form of a policy document.

use semver::Version;

use super::decode::{Field, PolicyError, hint};
use super::{ACTIONS, Action, Apply, BUILT_IN, Defaults, Mode, On, Pin, Policy, custom, settings};
use crate::carrier::Roads;
use crate::rules;
use crate::values::{Data, Limits, Node, NoteKind, Path, ReadErrorKind, read_yaml};
use crate::vcluster::{Catalogue, Range};

/// Reads a document.
pub(super) fn read(text: &str, catalogue: &'static Catalogue) -> Result<Policy, PolicyError> {
    read_root(&Field::root(&tree(text)?), text == BUILT_IN, catalogue)
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
pub(super) fn read_root(
    root: &Field<'_>,
    built_in: bool,
    catalogue: &'static Catalogue,
) -> Result<Policy, PolicyError> {
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
    let mut policy = if built_in {
        Policy {
            name: String::new(),
            enforcement: Action::Deny,
            fallback: None,
            defaults: Defaults::default(),
            rules: std::collections::BTreeMap::new(),
            roads: Roads::default(),
            catalogue,
        }
    } else {
        // what the document leaves out is as in the built-in policy
        Policy {
            catalogue,
            ..Policy::built_in()
        }
    };
    metadata
        .required("name")?
        .string()?
        .clone_into(&mut policy.name);
    if let Some(spec) = fields.get("spec") {
        read_spec(&spec, &mut policy)?;
    }
    Ok(policy)
}

fn read_spec(spec: &Field<'_>, policy: &mut Policy) -> Result<(), PolicyError> {
    let fields = spec.fields(&[
        "enforcement",
        "chart",
        "defaults",
        "rules",
        "customCarriers",
    ])?;
    if let Some(field) = fields.get("enforcement") {
        let [deny, warn, audit, _] = ACTIONS;
        policy.enforcement = field.one_of(&[deny, warn, audit])?;
    }
    if let Some(chart) = fields.get("chart") {
        let fields = chart.fields(&["fallback", "paths"])?;
        if let Some(fallback) = fields.get("fallback") {
            policy.fallback = Some(read_fallback(&fallback, policy.catalogue)?);
        }
        if let Some(paths) = fields.get("paths") {
            policy.roads.chart_paths = paths.globs()?;
        }
    }
    if let Some(defaults) = fields.get("defaults") {
        read_defaults(&defaults, &mut policy.defaults, policy.catalogue)?;
    }
    if let Some(field) = fields.get("rules") {
        read_rules(&field, policy)?;
    }
    if let Some(field) = fields.get("customCarriers") {
        policy.roads.custom = custom::read(&field)?;
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

fn read_defaults(
    field: &Field<'_>,
    defaults: &mut Defaults,
    catalogue: &Catalogue,
) -> Result<(), PolicyError> {
    // YAML 1.1, and so Go and kubectl, read the key `on` as the boolean true
    let fields = field.fields(&["on", "true", "apply", "mode", "values", "pinChartDefaults"])?;
    let on = fields.get("true").map(|on| Field {
        path: field.path.key("on"),
        ..on
    });
    if let Some(field) = fields.get("on").or(on) {
        defaults.on = field.one_of(&[("Create", On::Create), ("Always", On::Always)])?;
    }
    if let Some(field) = fields.get("apply") {
        defaults.apply = field.one_of(&[("Missing", Apply::Missing), ("Always", Apply::Always)])?;
    }
    if let Some(field) = fields.get("mode") {
        defaults.mode = field.one_of(&[("Edit", Mode::Edit), ("Suggest", Mode::Suggest)])?;
    }
    if let Some(field) = fields.get("values") {
        defaults.values.clear();
        let fields: Vec<_> = catalogue
            .blocks()
            .iter()
            .map(|block| &block.fields)
            .collect();
        read_values(&field, &Path::root(), &fields, &mut defaults.values)?;
    }
    if let Some(field) = fields.get("pinChartDefaults") {
        let words = [("images", Pin::Images), ("resources", Pin::Resources)];
        defaults.pin = field
            .items()?
            .iter()
            .map(|item| item.one_of(&words))
            .collect::<Result<_, _>>()?;
    }
    Ok(())
}

/// The leaves of a piece of vcluster.yaml, each of which some chart has to accept.
fn read_values(
    field: &Field<'_>,
    values_path: &Path,
    schemas: &[&crate::vcluster::Field],
    leaves: &mut Vec<(Path, Node)>,
) -> Result<(), PolicyError> {
    use crate::vcluster::{Field as Schema, FieldType};

    let maps: Vec<_> = schemas
        .iter()
        .filter_map(|schema| match schema {
            Schema::Map { fields, .. } => Some(fields),
            Schema::Leaf(_) => None,
        })
        .collect();
    let open = schemas.contains(&&Schema::Leaf(FieldType::Object));
    if open {
        flatten(field.node, values_path, leaves);
        return Ok(());
    }
    if maps.is_empty() {
        let fits = schemas.iter().any(|schema| schema.takes(&field.node.data));
        if !fits && schemas.contains(&&Schema::Leaf(FieldType::String)) {
            field.string()?;
        }
        if !fits {
            let wanted = schemas.iter().find_map(|schema| match schema {
                Schema::Leaf(kind) => Some(kind.words()),
                Schema::Map { .. } => None,
            });
            return Err(field.error(format!("has to be {}", wanted.unwrap_or("a map"))));
        }
        leaves.push((values_path.clone(), field.node.clone()));
        return Ok(());
    }
    for (key, entry, path) in field.entries()? {
        let below: Vec<_> = maps.iter().filter_map(|fields| fields.get(key)).collect();
        if below.is_empty() {
            let mut known: Vec<_> = maps
                .iter()
                .flat_map(|fields| fields.keys().map(|key| &**key))
                .collect();
            known.sort_unstable();
            known.dedup();
            let message = if values_path.steps().is_empty() {
                format!(
                    "defaults are known only for what is below {}",
                    known.join(" and ")
                )
            } else {
                format!("no vCluster chart has this field; {}", hint(key, &known))
            };
            return Err(PolicyError {
                at: entry.at,
                path,
                message,
            });
        }
        read_values(
            &Field {
                node: &entry.value,
                path,
            },
            &values_path.key(key),
            &below,
            leaves,
        )?;
    }
    Ok(())
}

/// The leaves inside a map that may hold anything.
fn flatten(node: &Node, path: &Path, leaves: &mut Vec<(Path, Node)>) {
    match node.as_map() {
        Some(map) => {
            for (key, entry) in map {
                flatten(&entry.value, &path.key(key), leaves);
            }
        }
        None => leaves.push((path.clone(), node.clone())),
    }
}

fn read_rules(field: &Field<'_>, policy: &mut Policy) -> Result<(), PolicyError> {
    let ids: Vec<_> = rules::RULES.iter().map(|rule| rule.id).collect();
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
        policy.rules.insert(rule.id, settings::read(&field, rule)?);
    }
    Ok(())
}
