//! The form of `spec.match`: which configs a document is about.

use super::decode::{Field, PolicyError, nearest};
use super::matching::{Match, Names, Of, Requirement};
use crate::carrier::Carrier;
use crate::globs::Globs;
use crate::vcluster::Range;

/// What an operator of a label selector makes of its values; some take none.
#[derive(Clone, Copy)]
pub(super) enum Operator {
    WithValues(fn(Vec<Box<str>>) -> Of),
    Alone(fn() -> Of),
}

/// The words for operators of label selectors.
pub(super) const OPERATORS: [(&str, Operator); 4] = [
    ("In", Operator::WithValues(Of::In)),
    ("NotIn", Operator::WithValues(Of::NotIn)),
    ("Exists", Operator::Alone(|| Of::Exists)),
    ("DoesNotExist", Operator::Alone(|| Of::DoesNotExist)),
];

/// Reads `spec.match`.
pub(super) fn read(field: &Field<'_>) -> Result<Match, PolicyError> {
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
        Some(field) => field.some().and_then(|_| field.globs()).map(Some),
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
                .some()?
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
pub(super) fn read_names(field: &Field<'_>) -> Result<Names, PolicyError> {
    let (mut all, mut but) = (Vec::new(), Vec::new());
    let items = field.some()?;
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
    let fields = field.fields(&["key", "operator", "values"])?;
    let operator = fields.required("operator")?;
    let word = operator.one_of(&OPERATORS)?;
    let values: Vec<Box<str>> = match fields.get("values") {
        Some(values) => values
            .items()?
            .iter()
            .map(|value| value.string().map(Into::into))
            .collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let of = match (word, values.is_empty()) {
        (Operator::WithValues(_), true) => return Err(operator.error("needs values")),
        (Operator::Alone(_), false) => return Err(operator.error("takes no values")),
        (Operator::WithValues(with), false) => with(values),
        (Operator::Alone(of), true) => of(),
    };
    Ok(Requirement {
        key: fields.required("key")?.string()?.into(),
        of,
    })
}

/// A range of charts.
pub(super) fn read_charts(field: Option<Field<'_>>) -> Result<Option<Range>, PolicyError> {
    let Some(field) = field else { return Ok(None) };
    let range = Range::parse(field.string()?);
    range
        .map(Some)
        .map_err(|error| field.error(error.to_string()))
}
