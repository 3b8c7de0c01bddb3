//! Values as far as they are known: each leaf Known with its origin, or Unknown with the cause.

mod layers;

use std::collections::BTreeMap;

use super::lookup::{Lookup, Presence};
use crate::values::{Assignment, Data, Node, Path, Position, Step, assign};

/// A piece of values: a leaf, a map, or something that cannot be seen.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// A scalar or a list (lists go in whole), or an explicit null.
    Leaf(Known),
    /// A map.
    Map(Branch),
    /// Anything could stand here, or nothing.
    Unknown(Cause),
}

/// A map of a [`Tree`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Branch {
    entries: BTreeMap<Box<str>, Tree>,
    /// Why keys that are not in `entries` may exist all the same; `None`: they do not.
    rest: Option<Cause>,
    /// Who wrote the map last; `None` for the chart.
    origin: Origin,
}

/// A value, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The value.
    pub data: Data,
    /// The source text, where Go reads a plain scalar as something else (see [`Node::plain`]).
    pub plain: Option<Box<str>>,
    /// Where the value comes from.
    pub origin: Origin,
}

/// Where a known value comes from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Origin {
    /// The chart's own `values.yaml`.
    #[default]
    Chart,
    /// A part of the carrier, by its number, and the place in its text.
    Part(usize, Option<Position>),
    /// A default that is about to go in.
    Default,
}

/// Why something is Unknown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Cause {
    /// A layer points at values that are kept elsewhere, in these words.
    Elsewhere(Box<str>),
    /// A part of the carrier could not be read.
    Unreadable,
    /// The chart version is not known, and the charts that it may be differ here.
    ChartVaries,
    /// The chart's catalogue does not cover this path.
    NotCatalogued,
}

impl Tree {
    /// A map without entries.
    pub const fn empty() -> Self {
        Self::Map(Branch {
            entries: BTreeMap::new(),
            rest: None,
            origin: Origin::Chart,
        })
    }

    /// A map with one key.
    pub fn of_key(key: &str, below: Self) -> Self {
        Self::Map(Branch {
            entries: [(key.into(), below)].into(),
            ..Branch::default()
        })
    }

    /// The values of one node; `origin` makes the origin of what stands at a place.
    pub fn from_node(node: &Node, origin: &impl Fn(Option<Position>) -> Origin) -> Self {
        match &node.data {
            Data::Map(map) => Self::Map(Branch {
                entries: map
                    .iter()
                    .map(|(key, entry)| {
                        let mut tree = Self::from_node(&entry.value, origin);
                        // a map is named by its key: that is where a person looks for it
                        if let Self::Map(branch) = &mut tree {
                            branch.origin = origin(entry.at);
                        }
                        (key.clone(), tree)
                    })
                    .collect(),
                rest: None,
                origin: origin(node.at),
            }),
            data => Self::Leaf(Known {
                data: data.clone(),
                plain: node.plain.clone(),
                origin: origin(node.at),
            }),
        }
    }

    /// What stands at a path of keys.
    pub fn get<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Lookup<'_> {
        let mut tree = self;
        for key in keys {
            match tree {
                Self::Leaf(_) => return Lookup::Absent,
                Self::Unknown(cause) => return Lookup::Unknown(cause),
                Self::Map(branch) => match (branch.entries.get(key), &branch.rest) {
                    (Some(below), _) => tree = below,
                    (None, Some(cause)) => return Lookup::Unknown(cause),
                    (None, None) => return Lookup::Absent,
                },
            }
        }
        match tree {
            Self::Leaf(known) => Lookup::Known(known),
            Self::Map(branch) => Lookup::Map(branch),
            Self::Unknown(cause) => Lookup::Unknown(cause),
        }
    }

    /// Whether something is set at a path of keys. A leaf above it counts, null included: whoever
    /// wrote it decided about everything below.
    pub fn presence(&self, keys: &[&str]) -> Presence<'_> {
        let mut tree = self;
        for key in keys {
            match tree {
                Self::Leaf(_) => return Presence::Set(None),
                Self::Unknown(_) => return Presence::Unknown,
                Self::Map(branch) => match (branch.entries.get(*key), &branch.rest) {
                    (Some(below), _) => tree = below,
                    (None, Some(_)) => return Presence::Unknown,
                    (None, None) => return Presence::Unset,
                },
            }
        }
        match tree {
            Self::Leaf(known) => Presence::Set(Some(known)),
            Self::Map(_) => Presence::Set(None),
            Self::Unknown(_) => Presence::Unknown,
        }
    }

    /// Every known leaf at or below a path of keys, in the order of their paths.
    pub fn leaves(&self, at: &Path) -> Vec<(Path, &Known)> {
        let mut tree = self;
        for key in at.as_keys().unwrap_or_default() {
            match tree {
                Self::Map(branch) => match branch.entries.get(key) {
                    Some(below) => tree = below,
                    None => return Vec::new(),
                },
                _ => return Vec::new(),
            }
        }
        match tree {
            Self::Leaf(known) => vec![(at.clone(), known)],
            Self::Unknown(_) => Vec::new(),
            Self::Map(branch) => branch
                .entries
                .iter()
                .flat_map(|(key, below)| {
                    let leaves = below.leaves(&Path::root());
                    let key = at.key(key);
                    leaves
                        .into_iter()
                        .map(move |(path, known)| (key.join(&path), known))
                })
                .collect(),
        }
    }

    /// Takes out what stands at a path of keys, and the maps that are empty then.
    pub fn remove(&mut self, keys: &[&str]) {
        let (Self::Map(branch), Some((key, below))) = (self, keys.split_first()) else {
            return;
        };
        if below.is_empty() {
            branch.entries.remove(*key);
        } else if let Some(tree) = branch.entries.get_mut(*key) {
            tree.remove(below);
            if matches!(tree, Self::Map(Branch { entries, rest: None, .. }) if entries.is_empty()) {
                branch.entries.remove(*key);
            }
        }
    }

    /// Assigns as Helm's `--set` does, into lists too. What is assigned into something Unknown stays
    /// so where it is a list.
    pub(super) fn assign(&mut self, assignment: &Assignment, origin: Origin) {
        let steps = assignment.path.steps();
        let keys: Vec<_> = steps.iter().map_while(Step::as_key).collect();
        if keys.last() == Some(&"") {
            return;
        }
        let data = if keys.len() == steps.len() {
            assignment.value.clone()
        } else {
            if self.get(keys.iter().copied()).is_unknown() {
                return;
            }
            // taken, not copied: a list may be assigned into as often as it is long
            let list = self.take_list(&keys).unwrap_or_default();
            let mut list = Node::new(Data::List(list));
            // what Helm cannot assign it does not render at all: what was there stays
            match assign(&mut list, &assignment.inside(keys.len())) {
                Err(_) if list.data == Data::List(Vec::new()) => return,
                Ok(()) | Err(_) => list.data,
            }
        };
        let leaf = Self::Leaf(Known {
            data,
            plain: None,
            origin,
        });
        let tree = keys.iter().rev().fold(leaf, |below, key| {
            Self::Map(Branch {
                entries: [((*key).into(), below)].into(),
                rest: None,
                origin,
            })
        });
        *self = std::mem::replace(self, Self::empty()).under(tree);
    }

    /// Takes the items of the list at a path of keys, and leaves none.
    fn take_list(&mut self, keys: &[&str]) -> Option<Vec<Node>> {
        match (self, keys.split_first()) {
            (Self::Map(branch), Some((key, below))) => {
                branch.entries.get_mut(*key)?.take_list(below)
            }
            (
                Self::Leaf(Known {
                    data: Data::List(items),
                    ..
                }),
                None,
            ) => Some(std::mem::take(items)),
            _ => None,
        }
    }

    /// Makes everything Unknown that stands at or below a path of keys.
    pub fn obscure(&mut self, keys: &[&str], cause: &Cause) {
        match keys.split_first() {
            None => *self = Self::Unknown(cause.clone()),
            Some((key, below)) => match self {
                Self::Unknown(_) => {}
                Self::Leaf(_) => {
                    *self = Self::empty();
                    self.obscure(keys, cause);
                }
                Self::Map(branch) => branch
                    .entries
                    .entry((*key).into())
                    .or_insert_with(Self::empty)
                    .obscure(below, cause),
            },
        }
    }
}

impl Branch {
    /// Who wrote the map last.
    pub const fn origin(&self) -> Origin {
        self.origin
    }

    /// The entry of a key, to change.
    pub(super) fn entry_mut(&mut self, key: &str) -> Option<&mut Tree> {
        self.entries.get_mut(key)
    }

    /// Says that keys which are not among the entries may exist all the same.
    pub fn open(&mut self, cause: Cause) {
        self.rest = Some(cause);
    }
}

impl Origin {
    /// Whether the user wrote it, in any part of the carrier.
    pub const fn is_user(self) -> bool {
        matches!(self, Self::Part(..))
    }
}

#[cfg(test)]
mod tests;
