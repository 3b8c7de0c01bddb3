//! One policy document, compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use semver::Version;

use super::{
    Action, Apply, Exemption, Match, Mode, On, Pin, PolicyError, RuleSettings, Target, document,
};
use crate::carrier::Declaration;
use crate::globs::Globs;
use crate::values::{Node, Path};
use crate::vcluster::{Catalogue, Distro, Range};

/// One document. What it does not mention is left to others.
#[derive(Debug, Default)]
pub struct Document {
    /// The document's name.
    pub name: String,
    /// Of two that mention a thing the one with the higher number counts; then by name.
    pub priority: i64,
    /// What it is about.
    pub matching: Match,
    /// No rule does more than this.
    pub enforcement: Option<Action>,
    /// The chart to assume where none is known.
    pub fallback: Option<Version>,
    /// What goes into configs.
    pub wishes: Wishes,
    /// What it says about single rules.
    pub rules: BTreeMap<&'static str, Arc<RuleSettings>>,
    /// Rules that are let off.
    pub exemptions: Vec<Arc<Exemption>>,
    /// Kinds of object that hold configs, besides the known ones. These count for all documents.
    pub custom: Vec<Arc<Declaration>>,
    /// Paths in Git that hold vCluster's chart. These count for all documents.
    pub chart_paths: Globs,
}

/// What a document says about defaults.
#[derive(Debug, Default)]
pub struct Wishes {
    /// When they go in.
    pub on: Option<On>,
    /// Over what.
    pub apply: Option<Apply>,
    /// How.
    pub mode: Option<Mode>,
    /// Into what.
    pub into: Option<Vec<Target>>,
    /// A piece of vcluster.yaml, leaf by leaf, in its own order.
    pub values: Vec<(Path, Arc<Node>)>,
    /// Others that count under some charts or distros only.
    pub variants: Vec<Variant>,
    /// Which of the chart's own defaults are written out.
    pub pin: Option<Vec<Pin>>,
}

/// Values that count under some charts or distros only, or go in at other times than the rest.
#[derive(Debug)]
pub struct Variant {
    /// The charts; all of them if it does not say.
    pub charts: Option<Range>,
    /// The distro in force; any if it does not say.
    pub distro: Option<Distro>,
    /// When they go in; as the document's others if it does not say.
    pub on: Option<On>,
    /// Over what; as the document's others if it does not say.
    pub apply: Option<Apply>,
    /// A piece of vcluster.yaml, leaf by leaf.
    pub values: Vec<(Path, Arc<Node>)>,
}

impl Document {
    /// Reads a document strictly: an unknown key is a mistake.
    pub fn parse(text: &str, catalogue: &'static Catalogue) -> Result<Self, PolicyError> {
        document::read(text, catalogue)
    }
}
