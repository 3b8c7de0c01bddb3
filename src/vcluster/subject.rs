//! All that a rule sees.

use std::sync::Arc;

use super::{Config, Distro, Live};
use crate::values::Path;

/// One config under review: now, and before the change.
#[derive(Debug)]
pub struct Subject<'c> {
    /// What is being done to the carrier.
    pub operation: Operation,
    /// Who reads the values next, and how strictly.
    pub reading: Reading,
    /// Whether virtual clusters are made from this one, and what is wrong in it breaks none yet.
    pub is_template: bool,
    /// Whether these values are all that there are.
    pub completeness: Completeness,
    /// What changes the rendered objects after Helm, and cannot be seen through.
    pub renders_on: Option<Path>,
    /// The config as it will be.
    pub now: Config<'c>,
    /// The config as it was, where the carrier held the same release before.
    pub before: Option<Config<'c>>,
    /// The distro that vCluster's pod wrote down on the old object, for configs that do not tell.
    pub told_before: Option<Distro>,
    /// What the cluster itself holds of this virtual cluster, where the carrier has nothing from
    /// before.
    pub live: Option<Arc<Live>>,
}

/// What is done to a carrier; everything else is allowed without a look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation {
    /// It is new.
    Create,
    /// It is changed.
    Update,
}

/// Whether the values of a carrier are all that a release gets.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Completeness {
    /// They are.
    #[default]
    Whole,
    /// Another object, which is not seen, may bring more over them.
    Extended,
    /// They are some of several: others stand below them and over them.
    Fragment,
}

/// Who reads the values next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reading {
    /// Helm: the values are laid over the chart's defaults and checked against its schema; the
    /// last duplicate wins, keys are case-sensitive.
    Helm,
    /// vCluster's pod: the values are the whole config, read strictly (a duplicate is an error)
    /// and with Go's JSON field matching, which ignores case.
    Pod,
    /// The kubelet: what Helm rendered, told in values. Nothing of the chart is added to it.
    Rendered,
}
