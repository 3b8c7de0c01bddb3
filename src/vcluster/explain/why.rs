//! Why something cannot be seen.

use std::fmt;

use crate::text::printable;
use crate::values::Path;
use crate::vcluster::{Cause, Config, LayerContent, Lookup, Place};

/// Why something is Unknown, for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Why {
    /// Values that are kept elsewhere could set it.
    Elsewhere(Box<str>),
    /// A template in this part decides.
    Template(Box<str>),
    /// This part cannot be read.
    Unreadable(Path),
    /// This part is missing.
    Missing(Path),
    /// Two parts exclude each other.
    Excluded(Path, Path),
    /// The charts that this may be differ: those that a version stands for, or all.
    ChartVaries(Option<Box<str>>),
    /// Nothing is known of the chart's own value.
    NotCatalogued,
    /// The chart follows the host's version, and nobody knows that.
    Host,
    /// The user's value has a type that the chart does not take.
    Type(Place, &'static str),
    /// The tag is none that tells a version.
    NoVersion,
    /// What Helm rendered does not tell.
    Rendered,
    /// The chart is one before 0.20.
    Legacy,
}

impl Why {
    /// Why what stands at a path of values cannot be seen.
    pub(super) fn at(config: &Config<'_>, path: &Path) -> Self {
        match config.get(path.as_keys().unwrap_or_default()) {
            Lookup::Unknown(cause) => Self::of(config, cause),
            Lookup::Known(known) => {
                let place = config.place(path);
                Self::Type(place, known.data.type_name())
            }
            Lookup::Map(_) => Self::Type(config.place(path), "map"),
            Lookup::Absent => Self::varies(config),
        }
    }

    /// The same for a cause.
    pub(super) fn of(config: &Config<'_>, cause: &Cause) -> Self {
        match cause {
            Cause::Elsewhere(what) => {
                let templated = config
                    .layers
                    .iter()
                    .any(|layer| !layer.templated.is_empty() && *layer.at.to_string() == **what);
                if templated {
                    Self::Template(what.clone())
                } else {
                    Self::Elsewhere(what.clone())
                }
            }
            Cause::Unreadable => Self::unreadable(config),
            Cause::ChartVaries => Self::varies(config),
            Cause::NotCatalogued => Self::NotCatalogued,
        }
    }

    /// The charts differ.
    pub(super) fn varies(config: &Config<'_>) -> Self {
        let chart = &config.chart;
        let written = chart.written().filter(|_| chart.is_certain());
        Self::ChartVaries(written.map(|text| printable(text, 40).into()))
    }

    /// Of several parts that cannot be read, the uppermost hides the others.
    fn unreadable(config: &Config<'_>) -> Self {
        let mut layers = config.layers.iter().rev();
        let found = layers.find_map(|layer| match &layer.content {
            LayerContent::Unreadable(_) => Some(Self::Unreadable(layer.at.clone())),
            LayerContent::Missing => Some(Self::Missing(layer.at.clone())),
            LayerContent::Excluded(other) => Some(Self::Excluded(other.clone(), layer.at.clone())),
            _ => None,
        });
        found.unwrap_or(Self::NotCatalogued)
    }

    /// A word for programs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Elsewhere(_) => "elsewhere",
            Self::Template(_) => "template",
            Self::Unreadable(_) => "unreadable",
            Self::Missing(_) => "missing",
            Self::Excluded(..) => "excluded",
            Self::ChartVaries(_) => "chart-varies",
            Self::NotCatalogued => "not-catalogued",
            Self::Host => "host-version",
            Self::Type(..) => "type",
            Self::NoVersion => "no-version",
            Self::Rendered => "rendered",
            Self::Legacy => "legacy",
        }
    }
}

impl fmt::Display for Why {
    /// What follows `unknown, because`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elsewhere(what) => write!(f, "values kept elsewhere at {what} may set it"),
            Self::Template(part) => write!(f, "a template in {part} decides"),
            Self::Unreadable(part) => write!(f, "{part} cannot be read"),
            Self::Missing(part) => write!(f, "{part} is missing"),
            Self::Excluded(one, other) => {
                write!(
                    f,
                    "{one} and {other} are both set, and the controller takes neither"
                )
            }
            Self::ChartVaries(Some(written)) => {
                write!(f, "the charts that {written} stands for differ")
            }
            Self::ChartVaries(None) => {
                f.write_str("the chart's version is not known, and its charts differ")
            }
            Self::NotCatalogued => f.write_str("the chart's own value is not known"),
            Self::Host => f.write_str(
                "the chart takes the host's Kubernetes version, and that is not known \
                 (--host-version)",
            ),
            Self::Type(place, found) => write!(f, "{place} is a {found}"),
            Self::NoVersion => f.write_str("the tag tells no version"),
            Self::Rendered => f.write_str("the workload does not tell"),
            Self::Legacy => f.write_str("configs of charts before 0.20 are not read"),
        }
    }
}
