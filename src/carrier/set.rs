//! Assignments in Helm's `--set` grammar, as carriers keep them.

use serde_json::value::RawValue;

use super::declaration::ITEMS;
use super::dig::{dig_at, dig_list, dig_map, dig_str, dig_str_at};
use super::{Content, Part, Reference};
use crate::values::{Assignment, Budget, Path, ReadError, ReadErrorKind, read_set, read_set_name};

/// One assignment, `name=value`. What Helm does not read stops it altogether.
pub(super) fn assignment<'a>(text: &str, typed: bool, budget: &Budget) -> Content<'a> {
    match read_set(text, typed) {
        Ok(assignments) => {
            let (mut nodes, mut scalar_bytes) = (0, 0);
            for (below, text) in assignments.iter().map(Assignment::size) {
                nodes += below;
                scalar_bytes += text;
            }
            match budget.spend(nodes, scalar_bytes) {
                Ok(()) => Content::Set(assignments),
                Err(error) => Content::Unreadable(error),
            }
        }
        Err(error) => Content::Unreadable(ReadError {
            kind: ReadErrorKind::Syntax(error.to_string()),
            at: None,
            steps: 0,
        }),
    }
}

/// Pays for parts that are assignments or references, or gives the one part that says why not.
pub(super) fn pay_for<'a>(count: usize, at: &Path, budget: &Budget) -> Result<(), Part<'a>> {
    budget.parts(count).map_err(|error| Part {
        at: at.clone(),
        content: Content::Unreadable(error),
    })
}

/// A name whose value is not seen: it may be anything, below that path.
pub(super) fn unseen<'a>(name: &str, reference: &RawValue) -> Content<'a> {
    let reference = Reference::to(reference);
    match read_set_name(name) {
        Some(path) => Content::ElsewhereAt(path, reference),
        None => Content::Elsewhere(reference),
    }
}

/// `set: {a.b: c}`: in the order of the names, typed if they look typed, as k3s' helm-controller
/// hands them to Helm.
pub(super) fn set_map<'a>(at: &Path, raw: &'a RawValue, budget: &Budget) -> Vec<Part<'a>> {
    let mut entries = dig_map(raw, ITEMS + 1);
    if entries.len() > ITEMS {
        return vec![Part {
            at: at.clone(),
            content: Content::Elsewhere(Reference::to(raw)),
        }];
    }
    if let Err(too_many) = pay_for(entries.len(), at, budget) {
        return vec![too_many];
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    entries
        .into_iter()
        .map(|(name, value)| {
            let text = dig_str_at(value, &Path::root());
            let typed = text.as_deref().is_none_or(|text| {
                ["true", "false", "null"]
                    .iter()
                    .any(|word| text.eq_ignore_ascii_case(word))
            });
            // what is no string is a whole number, in the form of JSON
            let text = text.unwrap_or_else(|| value.get().into());
            let text = if typed {
                text.into_owned()
            } else {
                text.replace(',', "\\,")
            };
            Part {
                at: at.key(&name),
                content: assignment(&format!("{name}={text}"), typed, budget),
            }
        })
        .collect()
}

/// `set: [{name, value}, {name, valueFrom}]`, as Crossplane's provider hands them to Helm.
pub(super) fn set_list<'a>(at: &Path, raw: &'a RawValue, budget: &Budget) -> Vec<Part<'a>> {
    let items = dig_list(raw, &[], ITEMS + 1).unwrap_or_default();
    if let Err(too_many) = pay_for(items.len(), at, budget) {
        return vec![too_many];
    }
    items
        .into_iter()
        .enumerate()
        .map(|(number, item)| {
            let name = dig_str(item, &["name"]).unwrap_or_default();
            let value = dig_str(item, &["value"]);
            let content = match (value, dig_at(item, &Path::keys(["valueFrom"]))) {
                _ if number == ITEMS => Content::Elsewhere(Reference::to(raw)),
                (Some(value), None) => assignment(&format!("{name}={value}"), true, budget),
                // the value is not seen, the name tells where it goes
                _ => unseen(&name, item),
            };
            Part {
                at: at.index(number),
                content,
            }
        })
        .collect()
}
