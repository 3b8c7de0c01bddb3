//! Objects of one form, laid over each other field by field.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::super::dig::{dig, dig_str_at};
use crate::values::Path;

/// Places that hold the same kind of thing, the uppermost first: a field counts where it is first
/// found to hold something.
#[derive(Clone, Debug)]
pub(super) struct Roots<'a>(Vec<(Path, &'a RawValue)>);

impl<'a> Roots<'a> {
    /// One place.
    pub(super) fn of(at: Path, raw: &'a RawValue) -> Self {
        Self(vec![(at, raw)])
    }

    /// Several, the uppermost first.
    pub(super) fn over(roots: impl IntoIterator<Item = (Path, &'a RawValue)>) -> Self {
        Self(roots.into_iter().collect())
    }

    /// The field at a path of keys, and where it stands. An empty text or list counts as nothing,
    /// as Go takes zero values.
    pub(super) fn get(&self, keys: &[&str]) -> Option<(Path, &'a RawValue)> {
        self.0.iter().find_map(|(at, raw)| {
            let found = dig(raw, keys)?;
            let path = at.join(&Path::keys(keys.iter().copied()));
            (!["\"\"", "[]"].contains(&found.get())).then_some((path, found))
        })
    }

    /// The text at a path of keys.
    pub(super) fn str(&self, keys: &[&str]) -> Option<Cow<'a, str>> {
        dig_str_at(self.get(keys)?.1, &Path::root())
    }

    /// The same places, deeper.
    pub(super) fn below(&self, keys: &[&str]) -> Self {
        let below = self.0.iter().filter_map(|(at, raw)| {
            let found = dig(raw, keys)?;
            Some((at.join(&Path::keys(keys.iter().copied())), found))
        });
        Self(below.collect())
    }

    /// The uppermost place.
    pub(super) fn first(&self) -> Option<&(Path, &'a RawValue)> {
        self.0.first()
    }

    /// The place that a path lies in.
    pub(super) fn holder(&self, path: &Path) -> Option<&(Path, &'a RawValue)> {
        self.0.iter().find(|(at, _)| path.starts_with(at))
    }
}
