//! Values as text: collections in the style of what stands around them.

mod scalar;

use serde_json::{Map, Value};

pub(super) use self::scalar::Quotes;
use self::scalar::{write_scalar, write_string};

/// The style of new lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Columns from a key to the keys below it.
    pub(super) step: usize,
    /// Columns from a key to the dashes below it.
    pub(super) list_step: usize,
    /// Whether keys are quoted.
    pub(super) quoted_keys: bool,
}

/// The style of new entries of flow collections.
#[derive(Clone, Copy, Debug)]
pub(super) struct FlowStyle<'s> {
    /// Keys and strings are quoted, as in JSON.
    pub(super) json: bool,
    /// Nothing stands between a colon or comma and what follows.
    pub(super) tight: bool,
    /// Where every entry has a line of its own: line break with indentation of the entries, and by
    /// how much what is inside them is indented more.
    pub(super) lines: Option<(&'s str, &'s str)>,
}

/// The style of suggestions, and of texts that show none.
pub(super) const PLAIN: Style = Style {
    step: 2,
    list_step: 2,
    quoted_keys: false,
};

/// A scalar, or a collection on one line.
pub(super) fn inline(value: &Value, quotes: Quotes) -> String {
    let style = FlowStyle {
        json: quotes == Quotes::Double,
        tight: false,
        lines: None,
    };
    match value {
        Value::Array(_) | Value::Object(_) => flow(value, &style),
        scalar => write_scalar(scalar, quotes),
    }
}

/// A value inside a flow collection.
pub(super) fn flow(value: &Value, style: &FlowStyle<'_>) -> String {
    let mut text = String::new();
    let indent = style.lines.map(|(indent, _)| indent.to_owned());
    flow_into(&mut text, value, style, indent.as_deref());
    text
}

/// An entry of a flow map.
pub(super) fn flow_pair(key: &str, value: &Value, style: &FlowStyle<'_>) -> String {
    let space = if style.tight { "" } else { " " };
    format!(
        "{}:{space}{}",
        write_key(key, style.json),
        flow(value, style)
    )
}

fn flow_into(text: &mut String, value: &Value, style: &FlowStyle<'_>, indent: Option<&str>) {
    let space = if style.tight { "" } else { " " };
    let deeper = indent
        .zip(style.lines)
        .map(|(indent, (_, unit))| [indent, unit].concat());
    let separator = deeper.as_deref().unwrap_or(space);
    let quotes = if style.json {
        Quotes::Double
    } else {
        Quotes::Needed
    };
    let (open, close, count) = match value {
        Value::Object(map) => ('{', '}', map.len()),
        Value::Array(items) => ('[', ']', items.len()),
        scalar => return text.push_str(&write_scalar(scalar, quotes)),
    };
    text.push(open);
    if count > 0 {
        text.push_str(deeper.as_deref().unwrap_or(""));
        let join = |text: &mut String, number: usize| {
            if number > 0 {
                text.push(',');
                text.push_str(separator);
            }
        };
        match value {
            Value::Object(map) => {
                for (number, (key, value)) in map.iter().enumerate() {
                    join(text, number);
                    text.push_str(&write_key(key, style.json));
                    text.push(':');
                    text.push_str(space);
                    flow_into(text, value, style, deeper.as_deref());
                }
            }
            Value::Array(items) => {
                for (number, value) in items.iter().enumerate() {
                    join(text, number);
                    flow_into(text, value, style, deeper.as_deref());
                }
            }
            _ => {}
        }
        text.push_str(if deeper.is_some() {
            indent.unwrap_or("")
        } else {
            ""
        });
    }
    text.push(close);
}

/// The lines of an entry of a block map whose keys stand in `column`.
pub(super) fn pair_lines(key: &str, value: &Value, column: usize, style: &Style) -> Vec<String> {
    let mut lines = Vec::new();
    push_pair(&mut lines, &pad(column), key, value, column, style);
    lines
}

/// The lines below a key in `column` whose value is this collection, which is not empty.
pub(super) fn below_lines(value: &Value, column: usize, style: &Style) -> Vec<String> {
    let mut lines = Vec::new();
    push_below(&mut lines, value, column, style);
    lines
}

/// Whether block style can write the value in lines of its own.
pub(super) fn has_lines(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn push_below(lines: &mut Vec<String>, value: &Value, column: usize, style: &Style) {
    match value {
        Value::Object(map) => push_map(
            lines,
            &pad(column + style.step),
            map,
            column + style.step,
            style,
        ),
        Value::Array(items) => {
            let column = column + style.list_step;
            push_list(lines, &pad(column), items, column, style);
        }
        _ => {}
    }
}

/// `lead` stands before the first line, `column` spaces before the others.
fn push_map(
    lines: &mut Vec<String>,
    lead: &str,
    map: &Map<String, Value>,
    column: usize,
    style: &Style,
) {
    let indent = pad(column);
    for (number, (key, value)) in map.iter().enumerate() {
        let lead = if number == 0 { lead } else { &indent };
        push_pair(lines, lead, key, value, column, style);
    }
}

fn push_pair(
    lines: &mut Vec<String>,
    lead: &str,
    key: &str,
    value: &Value,
    column: usize,
    style: &Style,
) {
    let key = write_key(key, style.quoted_keys);
    if has_lines(value) {
        lines.push(format!("{lead}{key}:"));
        push_below(lines, value, column, style);
    } else {
        lines.push(format!("{lead}{key}: {}", inline(value, Quotes::Needed)));
    }
}

fn push_list(lines: &mut Vec<String>, lead: &str, items: &[Value], column: usize, style: &Style) {
    let indent = pad(column);
    for (number, item) in items.iter().enumerate() {
        let lead = if number == 0 { lead } else { &indent };
        let lead = format!("{lead}- ");
        match item {
            Value::Object(map) if !map.is_empty() => {
                push_map(lines, &lead, map, column + 2, style);
            }
            Value::Array(items) if !items.is_empty() => {
                push_list(lines, &lead, items, column + 2, style);
            }
            item => lines.push(format!("{lead}{}", inline(item, Quotes::Needed))),
        }
    }
}

/// Spaces up to a column.
pub(super) fn pad(column: usize) -> String {
    " ".repeat(column)
}

/// A key, plain where that is safe.
pub(super) fn write_key(key: &str, quoted: bool) -> String {
    let style = if quoted {
        Quotes::Double
    } else {
        Quotes::Needed
    };
    write_string(key, style)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn collections_have_the_style_that_is_asked_for() {
        let value = json!({"a": [{"b": 1, "c": [2, [3]]}, "y", []], "d": {"e": {}}});
        let style = Style {
            step: 4,
            list_step: 0,
            quoted_keys: false,
        };
        assert_eq!(
            pair_lines("k", &value, 2, &style).join("\n"),
            "  k:\n      a:\n      - b: 1\n        c:\n        - 2\n        - - 3\n      - \"y\"\n      - []\n      d:\n          e: {}"
        );
        let mut flow_style = FlowStyle {
            json: true,
            tight: true,
            lines: None,
        };
        assert_eq!(
            flow_pair("k", &value, &flow_style),
            r#""k":{"a":[{"b":1,"c":[2,[3]]},"y",[]],"d":{"e":{}}}"#
        );
        flow_style.tight = false;
        flow_style.lines = Some(("\n  ", "  "));
        assert_eq!(
            flow_pair("k", &json!({"a": {"b": [1]}}), &flow_style),
            "\"k\": {\n    \"a\": {\n      \"b\": [\n        1\n      ]\n    }\n  }"
        );
    }
}
