//! Values as far as they are known: each leaf Known with its origin, or Unknown with the cause.
//!
//! Mirrors Helm's merging (`pkg/chart/common/util/coalesce.go` and `pkg/cli/values`): layers that
//! a user gives replace each other leaf by leaf, where `null` is a value; then they are laid over
//! the chart's defaults, where `null` deletes.

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

    /// This layer with another over it, both given by the user: the upper one replaces, leaf by
    /// leaf, and its `null` is a value like any other.
    #[must_use]
    pub fn under(self, upper: Self) -> Self {
        match (self, upper) {
            (lower, Self::Map(upper)) => {
                let mut merged = match lower {
                    Self::Map(lower) => lower,
                    Self::Unknown(cause) => Branch {
                        rest: Some(cause),
                        ..Branch::default()
                    },
                    Self::Leaf(_) => Branch::default(),
                };
                if upper.rest.is_some() {
                    // the upper layer may hold any key, so whatever it does not name is open
                    merged = Branch {
                        rest: upper.rest,
                        ..Branch::default()
                    };
                }
                merged.origin = upper.origin;
                for (key, above) in upper.entries {
                    let below = merged
                        .entries
                        .remove(&key)
                        .or_else(|| merged.rest.clone().map(Self::Unknown));
                    let tree = match below {
                        Some(below) => below.under(above),
                        None => above,
                    };
                    merged.entries.insert(key, tree);
                }
                Self::Map(merged)
            }
            (_, upper) => upper,
        }
    }

    /// The chart's defaults (`self`) with all that the user gives over them: `null` deletes, and
    /// a user's scalar stays where the chart has a map.
    #[must_use]
    pub fn coalesce(self, user: Self) -> Self {
        match (self, user) {
            (chart, Self::Map(user)) => {
                let mut merged = match chart {
                    Self::Map(chart) => chart,
                    Self::Unknown(cause) => Branch {
                        rest: Some(cause),
                        ..Branch::default()
                    },
                    Self::Leaf(_) => Branch::default(),
                };
                if user.rest.is_some() {
                    merged = Branch {
                        rest: user.rest,
                        ..Branch::default()
                    };
                }
                merged.origin = user.origin;
                for (key, above) in user.entries {
                    let below = merged
                        .entries
                        .remove(&key)
                        .or_else(|| merged.rest.clone().map(Self::Unknown));
                    if matches!(
                        &above,
                        Self::Leaf(Known {
                            data: Data::Null,
                            ..
                        })
                    ) {
                        if merged.rest.is_some() {
                            // deleted for certain, although other keys of the map are open
                            merged.entries.insert(key, above);
                        }
                        continue;
                    }
                    let below = below.unwrap_or_else(Self::empty);
                    merged.entries.insert(key, below.coalesce(above));
                }
                Self::Map(merged)
            }
            (_, user) => user,
        }
    }

    /// What several sets of defaults agree on; where they differ, or not all have a value, Unknown.
    pub fn common(trees: &[&Self]) -> Self {
        let Some((first, rest)) = trees.split_first() else {
            return Self::Unknown(Cause::ChartVaries);
        };
        if rest.is_empty() {
            return Self::clone(first);
        }
        let branches: Vec<&Branch> = trees
            .iter()
            .filter_map(|tree| {
                if let Self::Map(branch) = tree {
                    Some(branch)
                } else {
                    None
                }
            })
            .collect();
        if branches.len() == trees.len() {
            let mut keys: Vec<_> = branches.iter().flat_map(|map| map.entries.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            let entries = keys.into_iter().map(|key| {
                let below: Vec<_> = branches
                    .iter()
                    .filter_map(|map| map.entries.get(key))
                    .collect();
                let common = if below.len() == branches.len() {
                    Self::common(&below)
                } else {
                    Self::Unknown(Cause::ChartVaries)
                };
                (key.clone(), common)
            });
            return Self::Map(Branch {
                entries: entries.collect(),
                rest: branches.iter().find_map(|map| map.rest.clone()),
                origin: Origin::Chart,
            });
        }
        match first {
            Self::Leaf(known)
                if rest
                    .iter()
                    .all(|tree| matches!(tree, Self::Leaf(other) if other.data == known.data)) =>
            {
                Self::clone(first)
            }
            _ => Self::Unknown(Cause::ChartVaries),
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
