//! What will really run under a config, and what decides it: one fact after another, each with
//! the place that it comes from.
//!
//! Says nothing that [`Config`] does not know: the images as `image.rs` has them, the distro and
//! the store as vCluster decides them. What cannot be seen is Unknown, with the reason.

mod facts;
mod resources;
#[cfg(test)]
mod tests;
mod why;

pub use self::why::Why;
use super::{Certainty, Component, Config, Place};
use crate::values::Path;

/// What will run under a config.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The distro in force.
    pub distro: Fact,
    /// The Kubernetes version that the API server will have.
    pub kubernetes: Fact,
    /// The images of the distro.
    pub images: Vec<ImageFacts>,
    /// Whether the virtual cluster schedules pods by itself.
    pub scheduler: Fact,
    /// Where its state is kept.
    pub store: Fact,
    /// The resources of the distro's containers, by path below `resources`; the root path stands
    /// for all of them.
    pub resources: Vec<(Path, Fact)>,
}

/// One image, part by part.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageFacts {
    /// What runs from it.
    pub component: Component,
    /// The reference that will be pulled, if all of it can be seen.
    pub reference: Option<String>,
    /// The registry; empty for Docker Hub.
    pub registry: Fact,
    /// The repository.
    pub repository: Fact,
    /// The tag, as it is written.
    pub tag: Fact,
    /// What the chart adds to the tag; `None` if that is nothing.
    pub suffix: Option<Fact>,
    /// Whether the chart renders it.
    pub rendered: Rendered,
}

/// Whether the chart renders a container for an image.
#[derive(Clone, Debug, PartialEq)]
pub enum Rendered {
    /// It does.
    Yes,
    /// This switch is off.
    No(Path, Source),
    /// This switch cannot be seen.
    Unknown(Path, Why),
}

/// A value, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// The value as it is; text of tenants still has to be made fit to be shown. `None` where it
    /// is Unknown, or is none of those that may be shown.
    pub value: Option<Box<str>>,
    /// Where it comes from.
    pub source: Source,
    /// Something else that the user set, and that has no say because of it.
    pub overrules: Option<Overruled>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The chart's own `values.yaml`.
    Chart,
    /// The chart's name, which told the distro before 0.20.
    ChartName,
    /// A default of the policy, at this path.
    Policy(Path),
    /// Nobody: this is what vCluster does where none of several is enabled.
    NoneEnabled,
    /// Nobody: the config is complete, and has nothing at this path.
    NotSet,
    /// The host cluster's Kubernetes version, which the chart follows.
    Host,
    /// The user.
    Set(Place),
    /// It cannot be seen.
    Unknown(Why),
}

/// A value of the user's that has no say.
#[derive(Clone, Debug, PartialEq)]
pub struct Overruled {
    /// The value.
    pub value: Box<str>,
    /// Where it stands.
    pub place: Place,
}

/// Explains a config.
pub fn explain(config: &Config<'_>) -> Explanation {
    let legacy = config.chart.certainty() == Certainty::Legacy;
    let unseen = |why: &Why| Fact::unknown(why.clone());
    if legacy || config.is_rendered() {
        let why = if legacy { Why::Legacy } else { Why::Rendered };
        return Explanation {
            distro: facts::distro(config),
            kubernetes: if legacy {
                unseen(&why)
            } else {
                facts::kubernetes(config)
            },
            images: facts::images(config),
            scheduler: unseen(&why),
            store: unseen(&why),
            resources: vec![(Path::root(), unseen(&why))],
        };
    }
    Explanation {
        distro: facts::distro(config),
        kubernetes: facts::kubernetes(config),
        images: facts::images(config),
        scheduler: facts::scheduler(config),
        store: facts::store(config),
        resources: resources::resources(config),
    }
}

impl Fact {
    fn known(value: impl Into<Box<str>>, source: Source) -> Self {
        Self {
            value: Some(value.into()),
            source,
            overrules: None,
        }
    }

    const fn unknown(why: Why) -> Self {
        Self {
            value: None,
            source: Source::Unknown(why),
            overrules: None,
        }
    }
}
