//! Where something is in an object: keys, and `*` for every item of a list.

use std::fmt;

use serde_json::value::RawValue;

use super::dig::{dig_at, dig_list};
use crate::values::Path;

/// A path of keys in which `*` stands for every item of a list: `spec.clusters.*.values`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pattern(Vec<Option<Box<str>>>);

/// What a [`Pattern`] finds: each place with what stands there.
pub(super) type Found<'a> = Vec<(Path, &'a RawValue)>;

impl Pattern {
    /// A pattern of keys that have no dots in them.
    pub fn dotted(text: &str) -> Self {
        Self::parse(text).unwrap_or_default()
    }

    /// A pattern as people write it, with `\.` for a dot in a key; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut keys = vec![String::new()];
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match (letter, keys.last_mut()) {
                ('.', _) => keys.push(String::new()),
                ('\\', Some(key)) => key.push(letters.next()?),
                (letter, Some(key)) => key.push(letter),
                (_, None) => {}
            }
        }
        let is_key = |key: &String| !key.is_empty() && (*key == "*" || !key.contains('*'));
        let keys = keys.iter().all(is_key).then_some(keys)?;
        Some(Self(
            keys.iter()
                .map(|key| (key != "*").then(|| key.as_str().into()))
                .collect(),
        ))
    }

    /// The part up to and with the last `*`, and the path of keys below that.
    pub fn split(&self) -> (Self, Path) {
        let lists = self.0.iter().rposition(Option::is_none);
        let (above, below) = self.0.split_at(lists.map_or(0, |last| last + 1));
        (
            Self(above.to_vec()),
            below.iter().flatten().map(|key| &**key).collect(),
        )
    }

    /// The path of keys below `above`, if this pattern begins so and has no further `*`.
    pub fn below(&self, above: &Self) -> Option<Path> {
        let rest = self.0.strip_prefix(above.0.as_slice())?;
        let keys = rest
            .iter()
            .map(|key| key.as_deref())
            .collect::<Option<Vec<_>>>()?;
        Some(Path::keys(keys))
    }

    /// Whether a `*` is in it.
    pub fn has_lists(&self) -> bool {
        self.0.contains(&None)
    }

    /// Everything that stands at such a place, at most `limit`, and whether there is more.
    pub(super) fn find<'a>(&self, object: &'a RawValue, limit: usize) -> (Found<'a>, bool) {
        let mut found = vec![(Path::root(), object)];
        let mut more = false;
        for key in &self.0 {
            let mut next = Found::new();
            for (at, raw) in found {
                if let Some(key) = key {
                    let below = dig_at(raw, &Path::keys([&**key]));
                    next.extend(below.map(|below| (at.key(key), below)));
                    continue;
                }
                let room = limit - next.len().min(limit);
                let items = dig_list(raw, &[], room + 1).unwrap_or_default();
                more |= items.len() > room;
                let items = items.into_iter().take(room).enumerate();
                next.extend(items.map(|(number, item)| (at.index(number), item)));
            }
            found = next;
        }
        (found, more)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self
            .0
            .iter()
            .map(|key| key.as_deref().unwrap_or("*"))
            .collect();
        f.write_str(&keys.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_of_every_list_is_found_up_to_a_limit() {
        let text = r#"{"a":[{"b":[{"c":1},{"d":0},{"c":2}]},{"b":[{"c":3}]},{}]}"#;
        let object: &RawValue = serde_json::from_str(text).unwrap();
        let pattern = Pattern::dotted("a.*.b.*.c");
        let found = |limit| {
            let (found, more) = pattern.find(object, limit);
            let found: Vec<_> = found
                .iter()
                .map(|(at, raw)| format!("{at}={raw}"))
                .collect();
            (found.join(" "), more)
        };
        assert_eq!(
            found(9),
            ("a[0].b[0].c=1 a[0].b[2].c=2 a[1].b[0].c=3".into(), false)
        );
        assert_eq!(found(2), ("a[0].b[0].c=1".into(), true));
        assert_eq!(pattern.to_string(), "a.*.b.*.c");
    }

    #[test]
    fn keys_may_have_dots_if_one_says_so() {
        let object: &RawValue = serde_json::from_str(r#"{"data":{"values.yaml":1}}"#).unwrap();
        let found = Pattern::parse(r"data.values\.yaml")
            .unwrap()
            .find(object, 9)
            .0;
        assert_eq!(found.first().unwrap().0.to_string(), "data[values.yaml]");
        for text in ["", ".a", "a..b", "a.", "a.b*", r"a\"] {
            assert_eq!(Pattern::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_pattern_is_split_at_its_last_list() {
        let pattern = Pattern::dotted("spec.clusters.*.helm.values");
        let (above, below) = pattern.split();
        assert_eq!(
            (above.to_string(), below.to_string()),
            ("spec.clusters.*".into(), "helm.values".into())
        );
        let chart = Pattern::dotted("spec.clusters.*.chart");
        assert_eq!(chart.below(&above), Some(Path::dotted("chart")));
        assert_eq!(Pattern::dotted("spec.chart").below(&above), None);
        assert_eq!(
            Pattern::dotted("spec.clusters.*.charts.*.x").below(&above),
            None
        );
    }
}
