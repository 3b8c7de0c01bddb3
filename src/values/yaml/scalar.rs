//! What a scalar means: goyaml v2's resolver.
//!
//! Mirrors `resolve.go` of `go.yaml.in/yaml/v2`: YAML 1.1's booleans, `0b`, `0o` and legacy octal
//! integers, underscores in numbers, no base 60, and timestamps left as strings.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::number;

/// A scalar's tag, as far as it matters to what the scalar means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tag {
    /// No tag.
    None,
    /// `!!str`
    Str,
    /// `!!bool`
    Bool,
    /// `!!int`
    Int,
    /// `!!float`
    Float,
    /// `!!null`
    Null,
    /// `!!timestamp`
    Timestamp,
    /// `!!binary`
    Binary,
    /// `!!merge`
    Merge,
    /// `!` alone.
    NonSpecific,
    /// Any other.
    Other,
}

/// What a scalar resolves to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Resolved {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer beyond `i64`.
    Uint(u64),
    /// A float, infinity and not-a-number included.
    Float(f64),
    /// The scalar's own text.
    Text,
    /// Another text, which `!!binary` encodes.
    Decoded(String),
}

impl Tag {
    /// The tag of this full name, which is the handle's prefix followed by the suffix.
    pub(super) fn named(prefix: &str, suffix: &str) -> Self {
        let name = [prefix, suffix].concat();
        match name.strip_prefix("tag:yaml.org,2002:") {
            Some("str") => Self::Str,
            Some("bool") => Self::Bool,
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("null") => Self::Null,
            Some("timestamp") => Self::Timestamp,
            Some("binary") => Self::Binary,
            Some("merge") => Self::Merge,
            _ if name == "!" => Self::NonSpecific,
            _ => Self::Other,
        }
    }
}

/// What a scalar of `tag` and `text` means, which Go may refuse.
pub(super) fn resolve(tag: Tag, text: &str) -> Result<Resolved, &'static str> {
    let resolved = match tag {
        Tag::Str | Tag::Merge | Tag::NonSpecific | Tag::Other => return Ok(Resolved::Text),
        Tag::Binary => return decode_base64(text),
        _ => resolve_plain(text),
    };
    match (tag, resolved) {
        (Tag::Float, Resolved::Int(value)) => {
            #[expect(clippy::cast_precision_loss, reason = "Go converts with the same loss")]
            let value = value as f64;
            Ok(Resolved::Float(value))
        }
        (Tag::None, resolved)
        | (Tag::Bool, resolved @ Resolved::Bool(_))
        | (Tag::Int, resolved @ (Resolved::Int(_) | Resolved::Uint(_)))
        | (Tag::Float, resolved @ Resolved::Float(_))
        | (Tag::Null, resolved @ Resolved::Null) => Ok(resolved),
        (Tag::Timestamp, Resolved::Text) => {
            Err("values tagged !!timestamp are not supported; quote the date instead")
        }
        _ => Err("the value is not of the type that its tag says"),
    }
}

/// Whether a person, or YAML 1.2, would not read `text` as what it resolves to.
pub(super) fn is_coerced(text: &str, resolved: &Resolved) -> bool {
    match resolved {
        Resolved::Bool(_) => {
            !matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE")
        }
        Resolved::Int(_) | Resolved::Uint(_) => !is_core_integer(text),
        Resolved::Float(value) => value.is_finite() && number::json_float(*value) != text,
        Resolved::Null | Resolved::Text | Resolved::Decoded(_) => false,
    }
}

/// An integer of YAML 1.2's core schema that does not look like legacy octal.
fn is_core_integer(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0o") {
        return digits.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.bytes().all(|digit| digit.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}

fn resolve_plain(text: &str) -> Resolved {
    if let Some(resolved) = named_value(text) {
        return resolved;
    }
    match text.as_bytes().first() {
        // Here Go drops underscores between digits only, and has no integers in mind.
        Some(b'.') if has_stray_underscore(text) => Resolved::Text,
        Some(b'.') => decimal_float(&text.replace('_', "")),
        Some(b'+' | b'-' | b'0'..=b'9') => {
            let digits = text.replace('_', "");
            integer(&digits).unwrap_or_else(|| decimal_float(&digits))
        }
        _ => Resolved::Text,
    }
}

fn named_value(text: &str) -> Option<Resolved> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Resolved::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Resolved::Bool(false)
        }
        "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
        ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Resolved::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

/// `strconv.ParseInt` with base 0, then `ParseUint`.
fn integer(text: &str) -> Option<Resolved> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => ("-", text.strip_prefix('-')?),
        b'+' => ("+", text.strip_prefix('+')?),
        _ => ("", text),
    };
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, unsigned.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, unsigned.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, unsigned.get(2..)?),
        [b'0', _, ..] => (8, unsigned.get(1..)?),
        _ => (10, unsigned),
    };
    // Rust would take a second sign; Go does not.
    if !digits.bytes().all(|digit| digit.is_ascii_alphanumeric()) {
        return None;
    }
    if let Ok(value) = i64::from_str_radix(&[sign, digits].concat(), radix) {
        return Some(Resolved::Int(value));
    }
    if !sign.is_empty() {
        return None;
    }
    u64::from_str_radix(digits, radix).ok().map(Resolved::Uint)
}

/// A float of the shape `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?` that fits in 64 bits.
fn decimal_float(text: &str) -> Resolved {
    // Rust's own syntax is that shape and a few words, none of which get here: they start with a
    // letter, or with a sign and a letter.
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !number.starts_with(|c: char| c == '.' || c.is_ascii_digit()) {
        return Resolved::Text;
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Resolved::Float(value),
        _ => Resolved::Text,
    }
}

fn has_stray_underscore(text: &str) -> bool {
    let digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    text.match_indices('_').any(|(at, _)| {
        let byte = |at: usize| text.as_bytes().get(at).copied();
        !digit(at.checked_sub(1).and_then(byte)) || !digit(byte(at + 1))
    })
}

/// Go's `base64.StdEncoding`: padded, line breaks ignored, the unused last bits not looked at.
fn decode_base64(text: &str) -> Result<Resolved, &'static str> {
    const GO: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    let bytes = GO
        .decode(text.replace(['\r', '\n'], ""))
        .map_err(|_| "a value tagged !!binary is not base64")?;
    // Go's JSON has one U+FFFD for every byte that is not UTF-8.
    let mut decoded = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        decoded.push_str(chunk.valid());
        decoded.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Ok(Resolved::Decoded(decoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Resolved {
        resolve(Tag::None, text).expect("untagged scalars always resolve")
    }

    #[test]
    fn booleans_are_those_of_yaml_1_1() {
        for text in ["y", "Y", "yes", "On", "TRUE"] {
            assert_eq!(plain(text), Resolved::Bool(true), "{text}");
        }
        for text in ["n", "NO", "off", "False"] {
            assert_eq!(plain(text), Resolved::Bool(false), "{text}");
        }
        for text in ["nO", "yEs", "tRUE", "oN"] {
            assert_eq!(plain(text), Resolved::Text, "{text}");
        }
    }

    #[test]
    fn integers_have_every_base_and_underscores() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("+12", 12),
            ("017", 15),
            ("-017", -15),
            ("0o17", 15),
            ("0O17", 15),
            ("0x1F", 31),
            ("-0x1f", -31),
            ("0b101", 5),
            ("1_000", 1000),
            ("1_", 1),
            ("0_7", 7),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(plain(text), Resolved::Int(value), "{text}");
        }
        assert_eq!(plain("18446744073709551615"), Resolved::Uint(u64::MAX));
        assert_eq!(plain("0xFFFFFFFFFFFFFFFF"), Resolved::Uint(u64::MAX));
    }

    #[test]
    fn floats_are_decimal_and_finite() {
        for (text, value) in [
            ("1.30", 1.3),
            (".5", 0.5),
            ("+.5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("1e+3", 1000.0),
            ("089", 89.0),
            ("1_0.5", 10.5),
            (".1_0", 0.1),
            ("12345678901234567890123", 1.234_567_890_123_456_8e22),
            ("-99999999999999999999", -1e20),
            ("0777777777777777777777777", 7.777_777_777_777_778e23),
            ("1e-400", 0.0),
        ] {
            assert_eq!(plain(text), Resolved::Float(value), "{text}");
        }
        for text in [
            "1e400",
            ".",
            "-",
            "+",
            "..",
            "0x",
            "0b2",
            "0o8",
            "1:30",
            "2001-01-01",
            "._5",
            "_1",
            ".1_",
            "+inf",
            "-infinity",
            "+nan",
            "+-1",
            "0x-1",
            "--1",
            "1e",
            "1.2.3",
            "0x1.8p1",
            "0x1FFFFFFFFFFFFFFFFFFFF",
            "1 2",
        ] {
            assert_eq!(plain(text), Resolved::Text, "{text}");
        }
    }

    #[test]
    fn tags_force_or_forbid() {
        assert_eq!(resolve(Tag::Str, "1"), Ok(Resolved::Text));
        assert_eq!(resolve(Tag::Other, "1"), Ok(Resolved::Text));
        assert_eq!(resolve(Tag::NonSpecific, "12"), Ok(Resolved::Text));
        assert_eq!(resolve(Tag::Float, "1"), Ok(Resolved::Float(1.0)));
        assert_eq!(
            resolve(Tag::Binary, "aGk="),
            Ok(Resolved::Decoded("hi".to_owned()))
        );
        assert_eq!(
            resolve(Tag::Binary, "/w=="),
            Ok(Resolved::Decoded("\u{fffd}".to_owned()))
        );
        assert!(resolve(Tag::Binary, "aGk").is_err());
        assert!(resolve(Tag::Int, "1.5").is_err());
        assert!(resolve(Tag::Bool, "1").is_err());
        assert!(resolve(Tag::Null, "x").is_err());
    }

    #[test]
    fn coerced_is_what_surprises() {
        for text in [
            "yes", "off", "y", "017", "-017", "1_000", "0b1", "1.30", "1e3", ".5", "089",
        ] {
            assert!(is_coerced(text, &plain(text)), "{text}");
        }
        for text in [
            "true", "False", "1", "-1", "+12", "0", "0x1F", "0o17", "1.5", "null", "a",
        ] {
            assert!(!is_coerced(text, &plain(text)), "{text}");
        }
    }
}
