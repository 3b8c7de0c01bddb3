//! Carriers that a declaration describes: where in an object the configs are, and what of them is
//! values, chart and release.

mod reading;

use super::{Encoding, Pattern};
use crate::globs::Globs;
use crate::values::Path;
use crate::vcluster::{Completeness, Reading};

/// More items of a list than anybody has: assignments, targets. What a longer list does is Unknown.
pub(super) const ITEMS: usize = 4_096;

/// How many configs of one object are looked at: each costs a whole review. What stands behind
/// them is let go with a warning.
pub const MAX_CONFIGS: usize = 256;

/// A kind of object that holds configs, described.
#[derive(Debug)]
pub struct Declaration {
    /// API groups that have it; the core group is empty.
    pub groups: Vec<Box<str>>,
    /// The kinds.
    pub kinds: Vec<Box<str>>,
    /// Objects are carriers only with a name that begins so; what follows names the release.
    pub name_prefix: Box<str>,
    /// Where the configs are.
    pub configs: Vec<ConfigAt>,
    /// Who reads the values next.
    pub reading: Reading,
    /// Whether other objects are made from this one: what is wrong in it breaks nothing yet.
    pub is_template: bool,
    /// Whether it is all that there is of a config.
    pub completeness: Completeness,
}

/// Where one config is, or one for each item of a list.
#[derive(Debug)]
pub struct ConfigAt {
    /// The part of the object that holds the config; most other paths start there.
    pub root: Pattern,
    /// What gives values, lowest first.
    pub parts: Vec<PartAt>,
    /// Which of several parts with values is there, where they exclude each other.
    pub exclusive: bool,
    /// The chart.
    pub chart: ChartAt,
    /// The release.
    pub release: ReleaseAt,
    /// Where defaults go when there are no values yet; `None`: nowhere, ever.
    pub edit: Option<PartAt>,
}

/// A part that gives values; its path starts at the config's root.
#[derive(Clone, Debug)]
pub struct PartAt {
    /// Where it is.
    pub at: Path,
    /// What it holds.
    pub holds: Holds,
}

/// What a [`PartAt`] holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Holds {
    /// Values.
    Values(Encoding),
    /// Values that the object has to have.
    RequiredValues(Encoding),
    /// A reference, or a list of references, to values that are kept elsewhere.
    References,
    /// Values of another object, which these are laid over.
    Base,
    /// What changes the objects that Helm rendered, and no values.
    Rendered,
    /// A list of targets, of which each may bring values under this key.
    Overrides(&'static str),
    /// A map from names to values, in the form of Helm's `--set` (k3s).
    SetMap,
    /// A list of `{name, value}` in the form of Helm's `--set` (Crossplane).
    SetList,
}

/// Where something is said about a config.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum At {
    /// In the config, from its root.
    Config(Path),
    /// In the object, for all of its configs.
    Object(Path),
}

/// Where the chart is named.
#[derive(Debug, Default)]
pub struct ChartAt {
    /// Its name, or a reference that ends with it.
    pub name: Option<At>,
    /// What counts before the name: an address, or the chart itself, of which nothing is seen.
    pub over: Option<At>,
    /// The names that are vCluster's, where they are not its own.
    pub names: Option<Globs>,
    /// Whether it is vCluster's where no name is given.
    pub is_vcluster_by_default: bool,
    /// Its version, and the text that stands before it.
    pub version: Option<(At, &'static str)>,
}

/// Where the release is named.
#[derive(Debug, Default)]
pub struct ReleaseAt {
    /// Another cluster than the object's own.
    pub cluster: Option<At>,
    /// The namespace, where it is not the object's own.
    pub namespace: Option<At>,
    /// The name, where it is not the object's own.
    pub name: Option<At>,
    /// What tells several configs of one object apart.
    pub item: Option<At>,
}

impl Declaration {
    /// Whether it describes this kind of object.
    pub fn matches(&self, group: &str, kind: &str) -> bool {
        self.groups.iter().any(|known| **known == *group)
            && self.kinds.iter().any(|known| **known == *kind)
    }

    /// Group and kind of everything that it describes.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, &str)> {
        let kinds = |group| self.kinds.iter().map(move |kind| (group, &**kind));
        self.groups.iter().flat_map(move |group| kinds(&**group))
    }
}
