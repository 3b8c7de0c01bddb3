//! Where a path leads in a text.

use super::super::yaml::is_plain_string;
use super::super::{Data, Limits, Node, read_yaml};
use super::State;
use super::layout::{Id, Item, Pair, Shape, behind_colon};

/// One entry on the way to a value, from the root.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hop {
    /// The map.
    pub(super) map: Id,
    pub(super) pair: Pair,
    /// How many entries the map has in the text.
    pub(super) entries: usize,
}

/// Where a path ends in a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Spot {
    /// At a value, which is that of the last hop.
    Present,
    /// In this map, which lacks the key, unless it is `merged` in.
    Missing { map: Id, merged: bool },
    /// At the last hop's value, which is null and would have to be a map.
    Null,
    /// In a document that is empty, or null.
    Empty,
}

pub(super) const SHARED: &str = "an anchor stands on it or on a map around it, and an alias \
    elsewhere would change with it";
const ALIAS: &str = "the map around it comes from an alias, and would change elsewhere, too";
const MERGED: &str = "the map around it comes from a merge key, and would change elsewhere, too";
const OVERRULED: &str = "a merge key that stands behind it overrules it";
/// `1` and `"1"` are two keys to goyaml, and one in JSON: which of them counts is not defined.
const NO_STRING: &str = "it is merged in under a key that is not a string as it is written";
const NOT_A_MAP: &str = "a value on the way to it is not a map";

/// Follows a path as far as the text goes.
pub(super) fn find(state: &State, keys: &[&str]) -> Result<(Vec<Hop>, Spot), &'static str> {
    let mut hops: Vec<Hop> = Vec::new();
    let Some(mut id) = state.layout.root else {
        return Ok((hops, Spot::Empty));
    };
    let mut node: &Node = &state.document.root;
    for (number, key) in keys.iter().enumerate() {
        let item = state.layout.item(id).ok_or(NOT_A_MAP)?;
        if matches!(item.shape, Shape::Alias) {
            return Err(ALIAS);
        }
        if item.aliased {
            return Err(SHARED);
        }
        let Some((_, _, pairs)) = state.layout.map(id) else {
            return match node.data {
                Data::Null if hops.is_empty() => Ok((hops, Spot::Empty)),
                Data::Null => Ok((hops, Spot::Null)),
                _ => Err(NOT_A_MAP),
            };
        };
        let missing = |merged| Spot::Missing { map: id, merged };
        let Some(entry) = node.as_map().ok_or(NOT_A_MAP)?.get(*key) else {
            return Ok((hops, missing(false)));
        };
        let at = entry.at.map(|at| at.byte);
        let pair = pairs.iter().find(|pair| {
            let key = state.layout.item(pair.key);
            key.map(|key| key.start) == at
        });
        let Some(pair) = pair else {
            if pairs.iter().any(|pair| state.is_key(pair.key, key)) {
                return Err(OVERRULED);
            }
            return if number + 1 < keys.len() {
                Err(MERGED)
            } else if at.is_some_and(|at| state.is_string_key(at)) {
                Ok((hops, missing(true)))
            } else {
                Err(NO_STRING)
            };
        };
        hops.push(Hop {
            map: id,
            pair: *pair,
            entries: pairs.len(),
        });
        id = pair.value;
        node = &entry.value;
    }
    Ok((hops, Spot::Present))
}

impl State {
    /// The key and the value of an entry.
    pub(super) fn pair(&self, pair: Pair) -> Option<(&Item, &Item)> {
        self.layout.item(pair.key).zip(self.layout.item(pair.value))
    }

    /// The byte behind the colon, anchor and tag of an entry, where its value can begin; `None` for
    /// a key without a colon.
    pub(super) fn behind_key(&self, pair: Pair) -> Option<usize> {
        let (key, value) = self.pair(pair)?;
        let colon = behind_colon(&self.text, key)?;
        Some(value.behind_properties().unwrap_or(colon).max(colon))
    }

    /// Whether a key in the text is this key to Go.
    fn is_key(&self, id: Id, key: &str) -> bool {
        let source = self.layout.item(id).map(|item| item.first()..item.end);
        let source = source.and_then(|range| self.text.get(range)).unwrap_or("");
        let alone = ["? ", source, "\n"].concat();
        read_yaml(alone.as_bytes(), &Limits::VALUES)
            .is_ok_and(|read| read.root.get([key]).is_some())
    }

    /// Whether the scalar that starts at a byte is a string as it is written.
    fn is_string_key(&self, at: usize) -> bool {
        self.layout.scalar_at(at).is_some_and(|item| {
            let text = self.text.get(item.start..item.end).unwrap_or("");
            let plain = matches!(item.shape, Shape::Plain);
            item.tag.is_none() && (!plain || is_plain_string(text))
        })
    }

    pub(super) fn is_flow(&self, map: Id) -> bool {
        self.layout.map(map).is_some_and(|(_, flow, _)| flow)
    }

    /// Whether a map has entries merged in.
    pub(super) fn has_merge(&self, map: Id) -> bool {
        let pairs = self.layout.map(map).map_or(&[][..], |(_, _, pairs)| pairs);
        pairs
            .iter()
            .filter_map(|pair| self.layout.item(pair.key))
            .any(|key| self.text.get(key.start..key.end) == Some("<<"))
    }
}
