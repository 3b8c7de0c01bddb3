//! Trees laid over each other.
//!
//! Mirrors Helm's merging (`pkg/chart/common/util/coalesce.go` and `pkg/cli/values`): layers that
//! a user gives replace each other leaf by leaf, where `null` is a value; then they are laid over
//! the chart's defaults, where `null` deletes.

use super::{Branch, Cause, Known, Origin, Tree};
use crate::values::Data;

impl Tree {
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
}
