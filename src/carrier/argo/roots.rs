//! Objects of one form, laid over each other field by field.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use serde_json::value::RawValue;

use super::super::dig::{dig, dig_str_at};
use crate::values::Path;

/// Places that hold the same kind of thing, the uppermost first: a field counts where it is first
/// found to hold something.
#[derive(Clone, Debug)]
pub(super) struct Roots<'a> {
    places: Vec<(Path, &'a RawValue)>,
    found: Rc<Found<'a>>,
}

/// What was found below each place. A template lies below many others, and is looked through once.
#[derive(Debug, Default)]
pub(super) struct Found<'a>(RefCell<HashMap<(usize, String), Option<&'a RawValue>>>);

impl<'a> Found<'a> {
    fn dig(&self, raw: &'a RawValue, keys: &[&str]) -> Option<&'a RawValue> {
        // no two values of one object begin at one place
        let place = raw.get().as_ptr().addr();
        let mut found = self.0.borrow_mut();
        *found
            .entry((place, keys.join("\0")))
            .or_insert_with(|| dig(raw, keys))
    }
}

impl<'a> Roots<'a> {
    /// One place.
    pub(super) fn of(at: Path, raw: &'a RawValue) -> Self {
        Self::over([(at, raw)], &Rc::default())
    }

    /// Several, the uppermost first; what is found is kept for others.
    pub(super) fn over(
        places: impl IntoIterator<Item = (Path, &'a RawValue)>,
        found: &Rc<Found<'a>>,
    ) -> Self {
        Self {
            places: places.into_iter().collect(),
            found: Rc::clone(found),
        }
    }

    /// The field at a path of keys, and where it stands. An empty text or list counts as nothing,
    /// as Go takes zero values.
    pub(super) fn get(&self, keys: &[&str]) -> Option<(Path, &'a RawValue)> {
        self.places.iter().find_map(|(at, raw)| {
            let found = self.found.dig(raw, keys)?;
            let path = at.join(&Path::keys(keys.iter().copied()));
            (!["\"\"", "[]"].contains(&found.get())).then_some((path, found))
        })
    }

    /// Another place of the same object.
    pub(super) fn elsewhere(&self, at: Path, raw: &'a RawValue) -> Self {
        Self::over([(at, raw)], &self.found)
    }

    /// The text at a path of keys.
    pub(super) fn str(&self, keys: &[&str]) -> Option<Cow<'a, str>> {
        dig_str_at(self.get(keys)?.1, &Path::root())
    }

    /// The same places, deeper.
    pub(super) fn below(&self, keys: &[&str]) -> Self {
        let below = self.places.iter().filter_map(|(at, raw)| {
            let found = self.found.dig(raw, keys)?;
            Some((at.join(&Path::keys(keys.iter().copied())), found))
        });
        Self::over(below, &self.found)
    }

    /// The uppermost place.
    pub(super) fn first(&self) -> Option<&(Path, &'a RawValue)> {
        self.places.first()
    }

    /// The place that a path lies in.
    pub(super) fn holder(&self, path: &Path) -> Option<&(Path, &'a RawValue)> {
        self.places.iter().find(|(at, _)| path.starts_with(at))
    }
}
