//! The entries of a map: keys made strings, and merge keys merged.
//!
//! Mirrors `mapping`, `merge` and `isMerge` in `decode.go` of goyaml v2, and the keys' part of
//! `convertToJSONableObject` in `yaml.go` of `sigs.k8s.io/yaml`.

use super::super::super::map::MapBuilder;
use super::super::super::{Entry, NoteKind, ReadErrorKind, Step};
use super::super::number;
use super::super::scalar::{Resolved, Tag};
use super::super::tree::{Id, Raw, RawKind};
use super::{Decoder, Failure};

impl<'d> Decoder<'d, '_> {
    /// Sets the entries of a map's children, in their order: what comes later counts, merged
    /// entries included. That is goyaml's order, not that of the merge key's specification.
    pub(super) fn fill(
        &mut self,
        children: &'d [Id],
        into: &mut MapBuilder,
        merged: &mut bool,
        depth: usize,
    ) -> Result<(), Failure> {
        for pair in children.chunks(2) {
            let &[key, value] = pair else { continue };
            let raw_key = self.raw(key)?;
            if is_merge(raw_key) {
                if !*merged {
                    *merged = true;
                    self.notes.add(NoteKind::Merge, &self.path, raw_key.at);
                }
                self.merge(value, into, depth)?;
                continue;
            }
            let at = raw_key.at;
            let (key, coerced) = self.key(key)?;
            self.path.push(Step::Key(key.clone()));
            if coerced {
                self.notes.add(NoteKind::CoercedKey, &self.path, at);
            }
            let value = self.value(value, depth)?;
            let Some(Step::Key(key)) = self.path.last().cloned() else {
                continue;
            };
            let before = into.set(
                key,
                Entry {
                    at: Some(at),
                    value,
                },
            );
            if let Some(first) = before.and_then(|entry| entry.at) {
                self.notes
                    .add(NoteKind::Duplicate { first }, &self.path, at);
            }
            self.path.pop();
        }
        Ok(())
    }

    /// The value of a merge key: a map, an alias of one, or a list of either.
    fn merge(&mut self, id: Id, into: &mut MapBuilder, depth: usize) -> Result<(), Failure> {
        let raw = self.raw(id)?;
        match &raw.kind {
            RawKind::List(items) => {
                // From the last to the first, so that what stands earlier counts.
                for item in items.iter().rev() {
                    self.merge_map(*item, into, depth)?;
                }
                Ok(())
            }
            _ => self.merge_map(id, into, depth),
        }
    }

    fn merge_map(&mut self, id: Id, into: &mut MapBuilder, depth: usize) -> Result<(), Failure> {
        const WHY: &str = "a merge key (<<) needs a map or a list of maps";
        let raw = self.raw(id)?;
        let depth = self.deeper(depth, raw.at)?;
        let mut merged = true;
        match &raw.kind {
            RawKind::Map(children) => {
                self.count_value(raw.at)?;
                self.fill(children, into, &mut merged, depth)
            }
            RawKind::Alias(target) => {
                let RawKind::Map(children) = &self.raw(*target)?.kind else {
                    return Err((ReadErrorKind::NotJson(WHY), raw.at));
                };
                self.follow(id, raw.at)?;
                self.count_value(raw.at)?;
                self.fill(children, into, &mut merged, depth)?;
                self.following.pop();
                Ok(())
            }
            RawKind::List(_) | RawKind::Scalar(_) => Err((ReadErrorKind::NotJson(WHY), raw.at)),
        }
    }

    /// A key as a string, and whether it was something else.
    fn key(&mut self, id: Id) -> Result<(Box<str>, bool), Failure> {
        let raw = self.raw(id)?;
        let at = raw.at;
        let not_json = |why| Err((ReadErrorKind::NotJson(why), at));
        let scalar = match &raw.kind {
            RawKind::Scalar(scalar) => {
                self.visit(at)?;
                scalar
            }
            RawKind::Alias(target) => {
                self.follow(id, at)?;
                let RawKind::Scalar(scalar) = &self.raw(*target)?.kind else {
                    return not_json("a key is a map or a list");
                };
                self.visit(at)?;
                self.following.pop();
                scalar
            }
            RawKind::List(_) | RawKind::Map(_) => return not_json("a key is a map or a list"),
        };
        let text = match self.resolve(scalar, at)? {
            Resolved::Text => return Ok((scalar.value.as_ref().into(), false)),
            Resolved::Decoded(text) => return Ok((text.into(), false)),
            Resolved::Null => return not_json("a key is null"),
            // sigs.k8s.io/yaml knows no keys of Go's type uint64.
            Resolved::Uint(_) => return not_json("a key is a number beyond 64 bits with sign"),
            Resolved::Bool(value) => value.to_string(),
            Resolved::Int(value) => value.to_string(),
            Resolved::Float(value) => number::key_float(value),
        };
        Ok((text.into(), true))
    }
}

/// goyaml's `isMerge`.
fn is_merge(key: &Raw<'_>) -> bool {
    let RawKind::Scalar(scalar) = &key.kind else {
        return false;
    };
    scalar.value == "<<"
        && match scalar.tag {
            Tag::None => scalar.plain,
            Tag::Merge | Tag::NonSpecific => true,
            _ => false,
        }
}
