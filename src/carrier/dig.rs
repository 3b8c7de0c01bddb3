//! Reading a few fields of a raw JSON object without building the rest.
//!
//! Whatever is not asked for is skipped by the JSON parser in one pass, without recursion and
//! without memory: an object may be 3 MiB of anything.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::values::{Path, Step};

/// The value at a path of keys; `None` where it is absent or null, or something above is no map.
pub(super) fn dig<'a>(object: &'a RawValue, keys: &[&str]) -> Option<&'a RawValue> {
    let mut value = object;
    for key in keys {
        value = field(value, key)?;
    }
    (value.get() != "null").then_some(value)
}

/// The string at a path of keys.
pub(super) fn dig_str<'a>(object: &'a RawValue, keys: &[&str]) -> Option<Cow<'a, str>> {
    serde_json::from_str::<BorrowedStr<'a>>(dig(object, keys)?.get())
        .ok()
        .map(|text| text.0)
}

/// The value at a path; `None` where it is absent or null.
pub(super) fn dig_at<'a>(object: &'a RawValue, path: &Path) -> Option<&'a RawValue> {
    let mut value = object;
    for step in path.steps() {
        value = match step {
            Step::Key(key) => field(value, key)?,
            Step::Index(index) => *dig_list(value, &[], index.checked_add(1)?)?.get(*index)?,
        };
    }
    (value.get() != "null").then_some(value)
}

/// The value at a path, parsed; null where there is none.
pub fn value_at(object: &RawValue, path: &Path) -> serde_json::Value {
    let raw = dig_at(object, path);
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}

/// The string at a path.
pub(super) fn dig_str_at<'a>(object: &'a RawValue, path: &Path) -> Option<Cow<'a, str>> {
    serde_json::from_str::<BorrowedStr<'a>>(dig_at(object, path)?.get())
        .ok()
        .map(|text| text.0)
}

/// The entries of a map, at most `limit`; none where it is no map.
pub(super) fn dig_map(object: &RawValue, limit: usize) -> Vec<(Cow<'_, str>, &RawValue)> {
    let mut deserializer = serde_json::Deserializer::from_str(object.get());
    let entries = serde::Deserializer::deserialize_map(&mut deserializer, Entries { limit });
    entries.unwrap_or_default()
}

/// The items of the list at a path of keys, at most `limit`; `None` where there is no list.
pub(super) fn dig_list<'a>(
    object: &'a RawValue,
    keys: &[&str],
    limit: usize,
) -> Option<Vec<&'a RawValue>> {
    let raw = dig(object, keys)?.get();
    let mut deserializer = serde_json::Deserializer::from_str(raw);
    serde::Deserializer::deserialize_seq(&mut deserializer, Items { limit }).ok()
}

/// The value of one key; of duplicates the last, as the API server's decoder has it.
fn field<'a>(object: &'a RawValue, key: &str) -> Option<&'a RawValue> {
    let mut deserializer = serde_json::Deserializer::from_str(object.get());
    OneField { key }
        .deserialize(&mut deserializer)
        .ok()
        .flatten()
}

#[derive(serde::Deserialize)]
#[serde(transparent)]
struct BorrowedStr<'a>(#[serde(borrow)] Cow<'a, str>);

struct OneField<'k> {
    key: &'k str,
}

impl<'de> DeserializeSeed<'de> for OneField<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneField<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<BorrowedStr<'de>>()? {
            if key.0 == self.key {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

struct Entries {
    limit: usize,
}

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<BorrowedStr<'de>, _>()? {
            if entries.len() < self.limit {
                entries.push((key.0, value));
            }
        }
        Ok(entries)
    }
}

struct Items {
    limit: usize,
}

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() < self.limit {
                items.push(item);
            }
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_without_building_the_rest() {
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        let text = format!(
            r#"{{"a":{deep},"b":{{"c.d":"x\ny","n":null,"l":[1,{{}},"z"]}},"b2":1,"c":1,"c":2}}"#
        );
        let raw: &RawValue = serde_json::from_str(&text).unwrap();
        assert_eq!(dig_str(raw, &["b", "c.d"]).as_deref(), Some("x\ny"));
        assert!(dig(raw, &["b", "n"]).is_none());
        assert!(dig(raw, &["b2", "x"]).is_none());
        assert!(dig(raw, &["missing"]).is_none());
        assert_eq!(dig(raw, &["c"]).map(RawValue::get), Some("2"));
        let items = dig_list(raw, &["b", "l"], 2).unwrap();
        assert_eq!(
            items.iter().map(|item| item.get()).collect::<Vec<_>>(),
            ["1", "{}"]
        );
        assert!(dig_list(raw, &["b"], 2).is_none());
        let item = Path::dotted("b").key("l").index(2);
        assert_eq!(dig_str_at(raw, &item).as_deref(), Some("z"));
        assert!(dig_at(raw, &item.index(0)).is_none());
        assert_eq!(dig_map(raw, 2).len(), 2);
    }
}
