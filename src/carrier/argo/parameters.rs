//! A source's parameters, which Argo CD hands to Helm one by one.
//!
//! Mirrors `Cmd.template` in `util/helm/cmd.go` and Helm's `values.Options.MergeValues`: of two
//! with one name the last counts; those of `--set` come before those of `--set-string`, and files
//! last. Among themselves they come in no order at all, so that where two meet on one path it is
//! open which one stays.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::super::declaration::ITEMS;
use super::super::dig::{dig, dig_list, dig_str};
use super::super::set::{assignment, pay_for, unseen};
use super::super::{Content, Part, Reference};
use super::source::is_substituted;
use crate::values::{Budget, Path};

/// `parameters[]`: those that are typed, then those that are forced to be strings.
pub(super) fn parameters<'a>(
    at: &Path,
    raw: &'a RawValue,
    templates: bool,
    budget: &Budget,
) -> Vec<Part<'a>> {
    let items = dig_list(raw, &[], ITEMS + 1).unwrap_or_default();
    if items.len() > ITEMS {
        return vec![elsewhere(at, raw)];
    }
    if let Err(too_many) = pay_for(items.len(), at, budget) {
        return vec![too_many];
    }
    // by kind and name: the last of one name counts
    let mut counting = BTreeMap::new();
    for (number, item) in items.into_iter().enumerate() {
        let name = dig_str(item, &["name"]).unwrap_or_default();
        let value = dig_str(item, &["value"]).unwrap_or_default();
        let forced = dig(item, &["forceString"]).is_some_and(|raw| raw.get() == "true");
        counting.insert((forced, name), (number, value, item));
    }
    let mut parts: Vec<(bool, Part<'a>)> = counting
        .into_iter()
        .map(|((forced, name), (number, value, item))| {
            let content = if templates && has_template(&name) {
                Content::Elsewhere(Reference::to(item))
            } else if is_substituted(&value, templates) {
                unseen(&name, item)
            } else {
                let text = format!("{name}={}", with_commas_escaped(&value));
                assignment(&text, !forced, budget)
            };
            let at = at.index(number);
            (forced, Part { at, content })
        })
        .collect();
    open_where_they_meet(&mut parts);
    parts.into_iter().map(|(_, part)| part).collect()
}

/// `fileParameters[]`: values from files, as strings.
pub(super) fn file_parameters<'a>(at: &Path, raw: &RawValue, budget: &Budget) -> Vec<Part<'a>> {
    let items = dig_list(raw, &[], ITEMS + 1).unwrap_or_default();
    if items.len() > ITEMS {
        return vec![elsewhere(at, raw)];
    }
    if let Err(too_many) = pay_for(items.len(), at, budget) {
        return vec![too_many];
    }
    let items = items.into_iter().enumerate().map(|(number, item)| Part {
        at: at.index(number),
        content: unseen(&dig_str(item, &["name"]).unwrap_or_default(), item),
    });
    items.collect()
}

/// Whether a template stands in a text.
pub(super) fn has_template(text: &str) -> bool {
    text.contains("{{")
}

fn elsewhere<'a>(at: &Path, raw: &RawValue) -> Part<'a> {
    Part {
        at: at.clone(),
        content: Content::Elsewhere(Reference::to(raw)),
    }
}

/// A comma begins no further assignment, unless the value is a list (`cleanSetParameters`).
fn with_commas_escaped(value: &str) -> String {
    if value.starts_with('{') && value.ends_with('}') {
        return value.to_owned();
    }
    let mut escaped = String::with_capacity(value.len());
    let mut before = None;
    for next in value.chars() {
        if next == ',' && before != Some('\\') {
            escaped.push('\\');
        }
        escaped.push(next);
        before = Some(next);
    }
    escaped
}

/// Where one parameter's path leads to, or through, another's, the order decides, and there is
/// none: what stands there is not known.
fn open_where_they_meet(parts: &mut [(bool, Part<'_>)]) {
    let mut paths: Vec<(bool, Path, usize)> = Vec::new();
    for (number, (forced, part)) in parts.iter().enumerate() {
        if let Content::Set(assignments) = &part.content {
            let assigned = assignments
                .iter()
                .map(|one| (*forced, one.path.clone(), number));
            paths.extend(assigned);
        }
    }
    paths.sort();
    let mut meeting = Vec::new();
    // sorted, a path stands right before those that lead on from it
    let mut above: Option<&(bool, Path, usize)> = None;
    for path in &paths {
        match above {
            Some(upper)
                if upper.0 == path.0 && path.1.starts_with(&upper.1) && upper.2 != path.2 =>
            {
                meeting.extend([(upper.2, upper.1.clone()), (path.2, upper.1.clone())]);
            }
            _ => above = Some(path),
        }
    }
    for (number, path) in meeting {
        if let Some((_, part)) = parts.get_mut(number) {
            part.content = Content::ElsewhereAt(path, Reference::default());
        }
    }
}
