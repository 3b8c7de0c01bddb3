//! Numbers as Go writes them: in JSON, and as keys of a map.

use serde_json::Number;

/// A float as the number that Go's JSON text of it reads as: `1e3` is written `1000`, an integer.
/// `None` for infinity and not-a-number, which JSON cannot hold.
pub(super) fn from_float(value: f64) -> Option<Number> {
    let text = json_float(value);
    if let Ok(integer) = text.parse::<i64>() {
        return Some(integer.into());
    }
    if let Ok(integer) = text.parse::<u64>() {
        return Some(integer.into());
    }
    Number::from_f64(value)
}

/// A float as `encoding/json` writes it: with an exponent only below 1e-6 and from 1e21 on.
pub(super) fn json_float(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, power)) if !power.starts_with('-') => format!("{digits}e+{power}"),
        _ => text,
    }
}

/// A float as `strconv.FormatFloat(value, 'g', -1, 32)`, which is how `sigs.k8s.io/yaml` turns a
/// key such as `1.5` into a string: in 32 bits, with an exponent below 1e-4 and from 1e6 on.
#[expect(
    clippy::cast_possible_truncation,
    reason = "Go rounds to 32 bits here, too"
)]
pub(super) fn key_float(value: f64) -> String {
    let value = value as f32;
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = format!("{value:e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    if value == 0.0 || (-4..6).contains(&power) {
        return value.to_string();
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", power.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_floats_are_written_as_go_writes_them() {
        for (value, text) in [
            (1.30, "1.3"),
            (1e3, "1000"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.234_567_890_123_456_8e22, "1.2345678901234568e+22"),
            (1e-6, "0.000001"),
            (1.5e-7, "1.5e-7"),
            (-0.0, "-0"),
        ] {
            assert_eq!(json_float(value), text);
        }
        assert_eq!(from_float(1e3), Some(1000.into()));
        assert_eq!(
            from_float(9_223_372_036_854_775_808.0),
            Some(9_223_372_036_854_776_000_u64.into())
        );
        assert_eq!(from_float(f64::INFINITY), None);
    }

    #[test]
    fn float_keys_are_written_in_32_bits() {
        for (value, text) in [
            (1.5, "1.5"),
            (1.0, "1"),
            (-0.0, "-0"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (16_777_216.5, "1.6777216e+07"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.123_456_789, "0.12345679"),
            (1e39, ".inf"),
            (f64::NEG_INFINITY, "-.inf"),
            (f64::NAN, ".nan"),
        ] {
            assert_eq!(key_float(value), text);
        }
    }
}
