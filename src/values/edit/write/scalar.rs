//! Scalars that every reader takes for what they are.
//!
//! A string is written without quotes only where YAML 1.1, YAML 1.2 and a person read the same
//! string. Numbers are written as Go writes them.

use std::fmt::Write as _;

use serde_json::Value;

use super::super::super::yaml::{go_float, is_plain_string};

/// How strings are quoted that replace a quoted string, or that are new among JSON.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in super::super) enum Quotes {
    /// Only where they are needed.
    #[default]
    Needed,
    /// `'`, where that can hold the string.
    Single,
    /// `"`
    Double,
}

/// A scalar as text.
pub(super) fn write_scalar(value: &Value, quotes: Quotes) -> String {
    match value {
        Value::String(text) => write_string(text, quotes),
        Value::Number(number) if number.is_f64() => number
            .as_f64()
            .and_then(go_float)
            .map_or_else(|| number.to_string(), |(text, _)| text),
        other => other.to_string(),
    }
}

/// A string as text.
pub(super) fn write_string(text: &str, quotes: Quotes) -> String {
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

    use super::super::super::super::{Limits, read_yaml};
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
            assert_eq!(write_scalar(&value, Quotes::Double), text);
        }
    }
}
