//! Carriers: the objects that hold vCluster configs, and how an edit gets back into them.
//!
//! Simple carriers are [`Declaration`]s; those with a precedence of their own have code. Every
//! carrier yields [`Carried`] configs, which are lowered into the domain's layers here. Nothing in
//! this room judges anything.

mod argo;
mod built_in;
mod carried;
mod declaration;
mod dig;
mod edit;
mod flux;
mod labelled;
mod ownership;
mod pattern;
mod read;
mod set;
mod workload;

use std::rc::Rc;
use std::sync::Arc;

use serde_json::value::RawValue;

pub use self::carried::{
    Alike, Carried, Content, EditAt, Encoding, Held, Part, Reference, Release, Templates,
};
pub use self::declaration::{
    At, ChartAt, ConfigAt, Declaration, Holds, MAX_CONFIGS, PartAt, ReleaseAt,
};
pub use self::dig::value_at;
pub use self::edit::{json_patch, put, take_out};
pub use self::labelled::LABEL as VALUES_LABEL;
pub use self::ownership::{Ownership, RECORD, record, record_path};
pub use self::pattern::Pattern;
use crate::admission::GroupVersionKind;
use crate::globs::Globs;
use crate::values::Budget;

/// A kind of object that holds configs.
#[derive(Clone, Copy, Debug)]
pub enum Carrier<'p> {
    /// One that a declaration describes.
    Declared(&'p Declaration),
    /// Flux' HelmRelease.
    HelmRelease,
    /// Argo CD's Application.
    Application,
    /// Argo CD's ApplicationSet, from which Applications are made.
    ApplicationSet,
    /// A ConfigMap or Secret with values for others, by its label.
    Labelled(labelled::Kind),
    /// What the chart renders: the control plane's StatefulSet or Deployment.
    Workload(workload::Kind),
}

/// What a policy says about where configs are.
#[derive(Debug, Default)]
pub struct Roads {
    /// Carriers that the policy declares.
    pub custom: Vec<Arc<Declaration>>,
    /// Paths in Git repositories that hold vCluster's chart: their name does not tell.
    pub chart_paths: Globs,
}

/// Where an object is found, and what is known of it beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'s> {
    /// Its namespace; empty for one without.
    pub namespace: &'s str,
    /// Whether it is known to hold a config, and is taken at that even where it no longer tells.
    pub known: bool,
    /// What the policy says about where configs are.
    pub roads: &'s Roads,
    /// What reading the object's values may ask.
    pub budget: &'s Rc<Budget>,
}

impl<'p> Carrier<'p> {
    /// The carriers that an object of this kind may be, in the order in which they are asked.
    pub fn of(kind: &GroupVersionKind<'_>, roads: &'p Roads) -> Vec<Self> {
        let (group, name) = (&*kind.group, &*kind.kind);
        let mut carriers: Vec<Self> = built_in::built_in()
            .iter()
            .chain(roads.custom.iter().map(|declaration| &**declaration))
            .filter(|declaration| declaration.matches(group, name))
            .map(Self::Declared)
            .collect();
        if (group, name) == flux::KIND {
            carriers.push(Self::HelmRelease);
        } else if (group, name) == argo::APPLICATION {
            carriers.push(Self::Application);
        } else if (group, name) == argo::APPLICATION_SET {
            carriers.push(Self::ApplicationSet);
        }
        carriers.extend(labelled::Kind::of(group, name).map(Self::Labelled));
        carriers.extend(workload::Kind::of(group, name).map(Self::Workload));
        carriers
    }

    /// Group and kind of every carrier that is known without a policy.
    pub fn kinds() -> Vec<(&'static str, &'static str)> {
        let declared = built_in::built_in().iter().flat_map(Declaration::kinds);
        let mut kinds: Vec<_> = [flux::KIND, argo::APPLICATION, argo::APPLICATION_SET]
            .into_iter()
            .chain(declared)
            .chain(labelled::Kind::ALL.iter().map(|kind| kind.name()))
            .chain(workload::Kind::ALL.iter().map(|kind| kind.name()))
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// Whether objects of this kind deploy to clusters that they do not tell: Fleet's Bundles to
    /// those that are its targets, the platform's instances to one that it chooses.
    pub fn deploys_elsewhere(kind: &GroupVersionKind<'_>) -> bool {
        built_in::ELSEWHERE.contains(&&*kind.group)
    }

    /// The configs that an object holds; none if it deploys something else.
    pub fn configs<'a>(self, object: &'a RawValue, seen: Seen<'_>) -> Held<'a> {
        match self {
            Self::Declared(declaration) => declaration.configs(object, seen),
            Self::HelmRelease => flux::configs(object, seen),
            Self::Application => argo::application(object, seen),
            Self::ApplicationSet => argo::application_set(object, seen),
            Self::Labelled(kind) => labelled::configs(kind, object, seen),
            Self::Workload(kind) => workload::configs(kind, object, seen),
        }
    }
}
