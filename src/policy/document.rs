//! The form of a policy document.

use std::collections::BTreeMap;
use std::sync::Arc;

use semver::Version;

use super::decode::{Field, PolicyError, hint, nearest};
use super::matching::{Match, Names, Of, Requirement};
use super::spec::{Document, Variant, Wishes};
use super::{
    ACTIONS, Apply, DISTROS, Date, Exemption, Mode, On, Pin, RuleSettings, custom, settings,
};
use crate::carrier::Carrier;
use crate::globs::Globs;
use crate::rules;
use crate::values::{Data, Limits, Node, NoteKind, Path, ReadErrorKind, read_yaml};
use crate::vcluster::{Catalogue, Range};

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
    let mut document = Document {
        name: metadata.required("name")?.string()?.to_owned(),
        ..Document::default()
    };
    if let Some(spec) = fields.get("spec") {
        read_spec(&spec, &mut document, catalogue)?;
    }
    Ok(document)
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
        document.matching = read_match(&field)?;
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
        document.wishes = read_defaults(&defaults, charts.as_ref(), catalogue)?;
    }
    if let Some(field) = fields.get("rules") {
        document.rules = read_rules(&field)?;
    }
    if let Some(field) = fields.get("exemptions") {
        let exemptions = field.items()?;
        let exemptions = exemptions
            .iter()
            .map(|item| read_exemption(item).map(Arc::new));
        document.exemptions = exemptions.collect::<Result<_, _>>()?;
    }
    if let Some(field) = fields.get("customCarriers") {
        let custom = custom::read(&field)?;
        document.custom = custom.into_iter().map(Arc::new).collect();
    }
    Ok(())
}

fn read_match(field: &Field<'_>) -> Result<Match, PolicyError> {
    let fields = field.fields(&[
        "namespaces",
        "targetNamespaces",
        "namespaceSelector",
        "carriers",
        "charts",
        "users",
        "groups",
    ])?;
    let names = |key| match fields.get(key) {
        Some(field) => read_names(&field),
        None => Ok(Names::default()),
    };
    let globs = |key| match fields.get(key) {
        Some(field) => field.globs().map(Some),
        None => Ok(None),
    };
    Ok(Match {
        namespaces: names("namespaces")?,
        target_namespaces: names("targetNamespaces")?,
        selector: match fields.get("namespaceSelector") {
            Some(selector) => read_selector(&selector)?,
            None => Vec::new(),
        },
        carriers: match fields.get("carriers") {
            Some(carriers) => carriers
                .items()?
                .iter()
                .map(read_kind)
                .collect::<Result<_, _>>()?,
            None => Vec::new(),
        },
        charts: read_charts(fields.get("charts"))?,
        users: globs("users")?,
        groups: globs("groups")?,
    })
}

/// A kind of object. One that is not known may be declared by another document, but nobody means
/// one that is spelled almost like a known one.
fn read_kind(field: &Field<'_>) -> Result<Box<str>, PolicyError> {
    let kind = field.string()?;
    let known = Carrier::kinds();
    let known = || known.iter().map(|(_, kind)| *kind);
    match nearest(kind, known()) {
        Some(near) if known().all(|known| known != kind) => {
            Err(field.error(format!("unknown kind of carrier; did you mean {near}?")))
        }
        _ => Ok(kind.into()),
    }
}

/// Patterns, and those to leave out with a `!` before them.
fn read_names(field: &Field<'_>) -> Result<Names, PolicyError> {
    let (mut all, mut but) = (Vec::new(), Vec::new());
    let items = field.items()?;
    for item in &items {
        let text = item.string()?;
        match text.strip_prefix('!') {
            Some(left_out) => but.push((item, left_out)),
            None => all.push((item, text)),
        }
    }
    let globs = |patterns: &[(&Field<'_>, &str)]| {
        let texts = patterns.iter().map(|(_, text)| *text);
        Globs::parse(texts).map_err(|(number, what)| {
            let field = patterns.get(number).map_or(field, |(field, _)| field);
            field.error(format!("not a pattern: {what}"))
        })
    };
    Ok(Names {
        all: if all.is_empty() {
            None
        } else {
            Some(globs(&all)?)
        },
        but: globs(&but)?,
    })
}

fn read_selector(field: &Field<'_>) -> Result<Vec<Requirement>, PolicyError> {
    let fields = field.fields(&["matchLabels", "matchExpressions"])?;
    let mut selector = Vec::new();
    if let Some(labels) = fields.get("matchLabels") {
        for (key, entry, path) in labels.entries()? {
            let value = Field {
                node: &entry.value,
                path,
            };
            selector.push(Requirement {
                key: key.into(),
                of: Of::In(vec![value.string()?.into()]),
            });
        }
    }
    if let Some(expressions) = fields.get("matchExpressions") {
        for item in expressions.items()? {
            selector.push(read_requirement(&item)?);
        }
    }
    Ok(selector)
}

fn read_requirement(field: &Field<'_>) -> Result<Requirement, PolicyError> {
    type WithValues = fn(Vec<Box<str>>) -> Of;
    const OPERATORS: [(&str, Result<WithValues, ()>); 4] = [
        ("In", Ok(Of::In)),
        ("NotIn", Ok(Of::NotIn)),
        ("Exists", Err(())),
        ("DoesNotExist", Err(())),
    ];

    let fields = field.fields(&["key", "operator", "values"])?;
    let operator = fields.required("operator")?;
    let with_values = operator.one_of(&OPERATORS)?;
    let values: Vec<Box<str>> = match fields.get("values") {
        Some(values) => values
            .items()?
            .iter()
            .map(|value| value.string().map(Into::into))
            .collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let of = match (with_values, values.is_empty()) {
        (Ok(_), true) => return Err(operator.error("needs values")),
        (Err(()), false) => return Err(operator.error("takes no values")),
        (Ok(with), false) => with(values),
        (Err(()), true) if operator.node.as_str() == Some("Exists") => Of::Exists,
        (Err(()), true) => Of::DoesNotExist,
    };
    Ok(Requirement {
        key: fields.required("key")?.string()?.into(),
        of,
    })
}

fn read_charts(field: Option<Field<'_>>) -> Result<Option<Range>, PolicyError> {
    let Some(field) = field else { return Ok(None) };
    let range = Range::parse(field.string()?);
    range
        .map(Some)
        .map_err(|error| field.error(error.to_string()))
}

fn read_exemption(field: &Field<'_>) -> Result<Exemption, PolicyError> {
    let fields = field.fields(&["rules", "namespaces", "until", "owner", "reason"])?;
    let ids: Vec<_> = rules::RULES.iter().map(|rule| rule.id).collect();
    let mut exempt = Vec::new();
    for rule in fields.required("rules")?.items()? {
        match rule.string()? {
            "*" => {}
            id if ids.contains(&id) => exempt.push(id.into()),
            id => return Err(rule.error(format!("unknown rule; {}", hint(id, &ids)))),
        }
    }
    let until = match fields.get("until") {
        Some(until) => {
            let date = Date::parse(until.string()?);
            Some(date.ok_or_else(|| until.error("has to be a day, as 2027-03-31"))?)
        }
        None => None,
    };
    Ok(Exemption {
        rules: exempt,
        namespaces: match fields.get("namespaces") {
            Some(namespaces) => Some(namespaces.globs()?),
            None => None,
        },
        until,
        owner: fields.required("owner")?.string()?.into(),
        reason: fields.required("reason")?.string()?.into(),
    })
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
    charts: Option<&Range>,
    catalogue: &Catalogue,
) -> Result<Wishes, PolicyError> {
    // YAML 1.1, and so Go and kubectl, read the key `on` as the boolean true
    let fields = field.fields(&[
        "on",
        "true",
        "apply",
        "mode",
        "values",
        "variants",
        "pinChartDefaults",
    ])?;
    let mut wishes = Wishes::default();
    let on = fields.get("true").map(|on| Field {
        path: field.path.key("on"),
        ..on
    });
    if let Some(field) = fields.get("on").or(on) {
        wishes.on = Some(field.one_of(&[("Create", On::Create), ("Always", On::Always)])?);
    }
    if let Some(field) = fields.get("apply") {
        let words = [("Missing", Apply::Missing), ("Always", Apply::Always)];
        wishes.apply = Some(field.one_of(&words)?);
    }
    if let Some(field) = fields.get("mode") {
        wishes.mode = Some(field.one_of(&[("Edit", Mode::Edit), ("Suggest", Mode::Suggest)])?);
    }
    if let Some(field) = fields.get("values") {
        wishes.values = read_leaves(&field, charts, catalogue)?;
    }
    if let Some(field) = fields.get("variants") {
        for item in field.items()? {
            wishes
                .variants
                .push(read_variant(&item, charts, catalogue)?);
        }
    }
    if let Some(field) = fields.get("pinChartDefaults") {
        let words = [("images", Pin::Images), ("resources", Pin::Resources)];
        let pins = field.items()?;
        let pins = pins.iter().map(|item| item.one_of(&words));
        wishes.pin = Some(pins.collect::<Result<_, _>>()?);
    }
    Ok(wishes)
}

fn read_variant(
    field: &Field<'_>,
    charts: Option<&Range>,
    catalogue: &Catalogue,
) -> Result<Variant, PolicyError> {
    let fields = field.fields(&["whenChart", "whenDistro", "values"])?;
    let own = read_charts(fields.get("whenChart"))?;
    let distro = match fields.get("whenDistro") {
        Some(distro) => Some(distro.one_of(&DISTROS)?),
        None => None,
    };
    if own.is_none() && distro.is_none() {
        return Err(field.error("needs whenChart or whenDistro; without them it belongs to values"));
    }
    let values = read_leaves(
        &fields.required("values")?,
        own.as_ref().or(charts),
        catalogue,
    )?;
    Ok(Variant {
        charts: own,
        distro,
        values,
    })
}

/// The leaves of a piece of vcluster.yaml. Where it is for one known chart, that chart has to have
/// them; else some chart has to.
fn read_leaves(
    field: &Field<'_>,
    charts: Option<&Range>,
    catalogue: &Catalogue,
) -> Result<Vec<(Path, Arc<Node>)>, PolicyError> {
    let fixed = charts
        .and_then(Range::exact)
        .and_then(|chart| catalogue.get(chart));
    let schemas: Vec<_> = match fixed {
        Some(block) => vec![&block.fields],
        None => catalogue
            .blocks()
            .iter()
            .map(|block| &block.fields)
            .collect(),
    };
    let mut leaves = Vec::new();
    read_values(field, &Path::root(), &schemas, &mut leaves)?;
    Ok(leaves)
}

/// The leaves of a piece of vcluster.yaml, each of which some chart has to accept.
fn read_values(
    field: &Field<'_>,
    values_path: &Path,
    schemas: &[&crate::vcluster::Field],
    leaves: &mut Vec<(Path, Arc<Node>)>,
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
        leaves.push((values_path.clone(), Arc::new(field.node.clone())));
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
fn flatten(node: &Node, path: &Path, leaves: &mut Vec<(Path, Arc<Node>)>) {
    match node.as_map() {
        Some(map) => {
            for (key, entry) in map {
                flatten(&entry.value, &path.key(key), leaves);
            }
        }
        None => leaves.push((path.clone(), Arc::new(node.clone()))),
    }
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
