//! Values as text: scalars that every reader takes for what they are, and collections in the style
//! of what stands around them.
//!
//! A string is written without quotes only where YAML 1.1, YAML 1.2 and a person read the same
//! string. Numbers are written as Go writes them.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::super::yaml::{go_float, is_plain_string};

/// How strings are quoted that replace a quoted string, or that are new among JSON.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Quotes {
    /// Only where they are needed.
    #[default]
    Needed,
    /// `'`, where that can hold the string.
    Single,
    /// `"`
    Double,
}

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

fn write_scalar(value: &Value, quotes: Quotes) -> String {
    match value {
        Value::String(text) => write_string(text, quotes),
        Value::Number(number) if number.is_f64() => number
            .as_f64()
            .and_then(go_float)
            .map_or_else(|| number.to_string(), |(text, _)| text),
        other => other.to_string(),
    }
}

fn write_string(text: &str, quotes: Quotes) -> String {
    let printable = text
        .chars()
        .all(|c| matches!(c, ' '..='~' | '\u{a1}'..='\u{d7ff}'))
        && !text.contains(['\u{2028}', '\u{2029}']);
    match quotes {
        Quotes::Needed if is_safe_plain(text) => text.to_owned(),
        Quotes::Single if printable => format!("'{}'", text.replace('\'', "''")),
        _ => double_quoted(text),
    }
}

/// In double quotes, with escapes that JSON knows, too.
fn double_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            ' '..='~'
            | '\u{a1}'..='\u{2027}'
            | '\u{202a}'..='\u{fefe}'
            | '\u{ff00}'..='\u{fffd}'
            | '\u{10000}'.. => quoted.push(c),
            // Writing into a string cannot fail.
            _ => drop(write!(quoted, "\\u{:04x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// A string that needs no quotes anywhere: of letters that mean nothing in YAML, and nothing that
/// any version of YAML reads as a number, date, boolean or null.
fn is_safe_plain(text: &str) -> bool {
    const WORDS: [&str; 13] = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity", "=",
    ];
    let first = text.as_bytes().first().copied().unwrap_or(b' ');
    let number_like = (first.is_ascii_digit() || b"+-.".contains(&first))
        && text
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || b"+-.:_xXoOtTzZ".contains(&byte));
    let colons = text.bytes().zip(text.bytes().skip(1).chain([b' ']));
    (first.is_ascii_alphanumeric() || b"/_.".contains(&first))
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-/:+@=".contains(&byte))
        && colons
            .into_iter()
            .all(|(byte, next)| byte != b':' || next.is_ascii_alphanumeric() || next == b'/')
        && !number_like
        && !text.starts_with("...")
        && !WORDS
            .iter()
            .any(|word| text.trim_start_matches('.').eq_ignore_ascii_case(word))
        && is_plain_string(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::{Limits, read_yaml};
    use super::*;

    #[test]
    fn strings_are_plain_only_where_nobody_could_mistake_them() {
        for text in [
            "v1.30.2",
            "registry.example/team",
            "registry.example:5000/team/k3s",
            "256Mi",
            "a",
            "/bin/sh",
            "--x",
        ] {
            let plain = !text.starts_with('-');
            assert_eq!(write_string(text, Quotes::Needed) == text, plain, "{text}");
        }
        for text in [
            "y",
            "N",
            "on",
            "OFF",
            "Yes",
            "null",
            "~",
            "",
            " a",
            "a ",
            "1_000",
            "1.30",
            "017",
            "0o17",
            "0x1F",
            "1e3",
            "1:30",
            "2001-01-01",
            "2001-12-14t21:59:43.1Z",
            ".inf",
            ".NaN",
            "+1",
            "-",
            "---",
            "...",
            "a: b",
            "a:",
            "a #b",
            "#a",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "'",
            "\"",
            "%a",
            "@a",
            "`a",
            "<<",
            "=",
            "a,b",
            "[a",
            "{a",
            "?a",
            ": ",
            "a\nb",
            "a\tb",
            "\u{85}",
            "\u{7f}",
            "\u{feff}",
            "\u{2028}",
            "\u{fffe}",
            "é",
            "1.30.2",
            "12",
            "12345678901234567890123",
            ".5",
        ] {
            let written = write_string(text, Quotes::Needed);
            assert!(written.starts_with('"'), "{written}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in [
            "",
            "a",
            "y",
            "it's",
            "a\\b",
            "\"q\"",
            "a\nb\r\n\tc",
            "\u{0}\u{7f}\u{85}\u{a0}\u{2028}",
            "\u{feff}\u{fffe}\u{ffff}",
            "日本 😀",
            " x ",
            "a: b # c",
            "1.30",
            "C:\\x",
            "a:b",
            "0",
        ] {
            for quotes in [Quotes::Needed, Quotes::Single, Quotes::Double] {
                for (lead, tail) in [("k: ", "\n"), ("k: [", "]\n"), ("k: {a: ", "}")] {
                    let text_read = format!("{lead}{}{tail}", write_string(text, quotes));
                    let read = read_yaml(text_read.as_bytes(), &Limits::VALUES).expect(&text_read);
                    let value = read.root.to_json()["k"].clone();
                    let found = value.get(0).or(value.get("a")).unwrap_or(&value);
                    assert_eq!(found, &json!(text), "{text_read}");
                    assert!(read.notes.is_empty(), "{text_read}");
                }
            }
        }
    }

    #[test]
    fn numbers_are_those_of_go() {
        for (value, text) in [
            (json!(1.0), "1"),
            (json!(1e21), "1e+21"),
            (json!(0.5), "0.5"),
            (
                json!(18_446_744_073_709_551_615_u64),
                "18446744073709551615",
            ),
            (json!(true), "true"),
            (json!(null), "null"),
        ] {
            assert_eq!(inline(&value, Quotes::Double), text);
        }
    }

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
