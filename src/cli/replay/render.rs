//! What `replay` prints: for people, and for programs.

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use super::outcome::{OF_SECRET, Outcome};
use super::{Expected, Replayed};
use crate::gate::Decision;
use crate::values::Path;

/// The version of the JSON form.
const JSON_VERSION: u32 = 1;

/// For people: one paragraph a review, and a line that sums up.
pub(super) fn text(replayed: &[Replayed]) -> String {
    let mut text = String::new();
    for Replayed {
        file,
        outcomes,
        expected,
    } in replayed
    {
        for (number, outcome) in outcomes.iter().enumerate() {
            let document = if outcomes.len() > 1 {
                format!(", document {}", number + 1)
            } else {
                String::new()
            };
            let expected = match expected {
                Expected::Nothing => "",
                Expected::Met => " (as expected)",
                Expected::Missed => " (NOT as response.json expects)",
                Expected::Updated => " (response.json written)",
            };
            let file = file.display();
            line(
                &mut text,
                format_args!("{file}{document}: {}{expected}", summary(outcome)),
            );
            describe(&mut text, outcome);
        }
    }
    text.push_str(&total(replayed));
    text
}

/// For programs.
pub(super) fn json(replayed: &[Replayed]) -> String {
    let reviews: Vec<_> = replayed
        .iter()
        .flat_map(|one| {
            one.outcomes
                .iter()
                .enumerate()
                .map(move |(number, outcome)| {
                    let mut review = json!({
                        "file": one.file.display().to_string(),
                        "document": number + 1,
                        "object": outcome.object,
                        "asExpected": match one.expected {
                            Expected::Nothing => Value::Null,
                            Expected::Met | Expected::Updated => Value::Bool(true),
                            Expected::Missed => Value::Bool(false),
                        },
                    });
                    if let (Some(review), Value::Object(answers)) =
                        (review.as_object_mut(), outcome.to_json())
                    {
                        review.extend(answers);
                    }
                    review
                })
        })
        .collect();
    format!(
        "{:#}\n",
        json!({ "version": JSON_VERSION, "reviews": reviews })
    )
}

fn summary(outcome: &Outcome) -> String {
    let object = &outcome.object;
    match (outcome.validate.decision, outcome.mutate.decision) {
        (Decision::Denied, _) => format!("{object} is refused"),
        (_, Decision::Patched) => format!("{object} is allowed, with defaults"),
        (Decision::Unchanged, _) => {
            format!("{object} is allowed, nothing of its vCluster config is changed")
        }
        (Decision::NotOurs, _) => format!("{object} is allowed, no vCluster config is written"),
        _ => format!("{object} is allowed"),
    }
}

fn describe(text: &mut String, outcome: &Outcome) {
    if let Some(Value::Array(patch)) = outcome.mutate.response.get("patch") {
        for operation in patch {
            diff(text, operation, &outcome.before);
        }
    }
    for warning in outcome
        .mutate
        .strings("warnings")
        .chain(outcome.validate.strings("warnings"))
    {
        line(text, format_args!("  warning: {warning}"));
    }
    let message = outcome
        .validate
        .response
        .pointer("/status/message")
        .and_then(Value::as_str);
    for said in message.into_iter().flat_map(str::lines) {
        line(text, format_args!("  {said}"));
    }
}

/// One operation of a patch, as lines that are taken away and put in.
fn diff(text: &mut String, operation: &Value, before: &Value) {
    let pointer = operation
        .get("path")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let keys: Vec<_> = pointer
        .split('/')
        .skip(1)
        .map(|key| key.replace("~1", "/").replace("~0", "~"))
        .collect();
    let path = Path::keys(keys.iter().map(String::as_str)).to_string();
    if let Some(changes) = operation.get("value").and_then(|new| new.get(OF_SECRET)) {
        return lines(text, "  + ", &path, changes);
    }
    let new_text = operation
        .get("value")
        .and_then(Value::as_str)
        .filter(|text| text.contains('\n'));
    if let Some(new) = new_text {
        let old = before
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default();
        return text_diff(text, &path, old, new);
    }
    if path.contains(crate::carrier::RECORD) || is_only_record(operation) {
        // a list of what stands above already
        return line(
            text,
            format_args!("  (recorded in the annotation {})", crate::carrier::RECORD),
        );
    }
    if let Some(old) = before.pointer(pointer) {
        lines(text, "  - ", &path, old);
    }
    if let Some(new) = operation.get("value") {
        lines(text, "  + ", &path, new);
    }
}

/// Whether an operation adds the annotations of an object that had none before.
fn is_only_record(operation: &Value) -> bool {
    operation
        .get("value")
        .and_then(Value::as_object)
        .is_some_and(|map| map.len() == 1 && map.contains_key(crate::carrier::RECORD))
}

/// Values that are kept as text: the lines that differ, and some around them.
fn text_diff(text: &mut String, path: &str, old: &str, new: &str) {
    line(text, format_args!("  {path}:"));
    let diff = TextDiff::from_lines(old, new);
    for (number, group) in diff.grouped_ops(2).iter().enumerate() {
        if number > 0 {
            line(text, format_args!("      …"));
        }
        for change in group
            .iter()
            .flat_map(|operation| diff.iter_changes(operation))
        {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let shown = change.value().trim_end_matches(['\n', '\r']);
            line(text, format_args!("  {sign}   {shown}"));
        }
    }
}

fn lines(text: &mut String, prefix: &str, key: &str, value: &Value) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            line(text, format_args!("{prefix}{key}:"));
            let prefix = format!("{prefix}  ");
            for (key, value) in map {
                lines(text, &prefix, key, value);
            }
        }
        Value::String(string) if is_plain(string) => {
            line(text, format_args!("{prefix}{key}: {string}"));
        }
        value => {
            line(text, format_args!("{prefix}{key}: {value}"));
        }
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.push_str(&line.to_string());
    text.push('\n');
}

/// `1 review`, `2 reviews`.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Whether a string reads as one without quotes.
fn is_plain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "./-_:".contains(c))
        && !text.ends_with(':')
}

fn total(replayed: &[Replayed]) -> String {
    let outcomes = || replayed.iter().flat_map(|one| &one.outcomes);
    let refused = outcomes().filter(|outcome| outcome.is_denied()).count();
    let defaulted = outcomes()
        .filter(|outcome| outcome.mutate.decision == Decision::Patched)
        .count();
    let files = |expected| {
        replayed
            .iter()
            .filter(|one| one.expected == expected)
            .count()
    };
    let mut text = format!(
        "{}: {} allowed, {refused} refused, {defaulted} with defaults",
        counted(outcomes().count(), "review"),
        outcomes().count() - refused,
    );
    for (expected, words) in [
        (Expected::Met, " as expected"),
        (Expected::Missed, " NOT as expected"),
        (Expected::Updated, " written"),
    ] {
        if files(expected) > 0 {
            text.push_str("; ");
            text.push_str(&counted(files(expected), "file"));
            text.push_str(words);
        }
    }
    text.push('\n');
    text
}
