//! What the platform team wants: one document, compiled.
//!
//! `distrogate policy` prints the built-in document, which is read by the same code as any other.

mod custom;
mod decode;
mod document;
mod flags;
mod settings;

use std::collections::BTreeMap;
use std::fmt;

use semver::Version;

pub use self::decode::{PolicyError, nearest};
pub use self::flags::FlagPattern;
pub use self::settings::{RuleSettings, Transition};
use crate::carrier::Roads;
use crate::rules::Rule;
use crate::values::{Node, Path};
use crate::vcluster::{Block, Catalogue, Distro, Store};

/// The built-in policy, as a document.
pub const BUILT_IN: &str = include_str!("built-in.yaml");

/// What a finding leads to, from the mildest to the strictest.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Action {
    /// The rule is not looked at.
    Disabled,
    /// It is written to the audit log, and the user sees nothing.
    Audit,
    /// The user is warned.
    Warn,
    /// The request is refused.
    Deny,
}

/// The words for actions in documents.
const ACTIONS: [(&str, Action); 4] = [
    ("Deny", Action::Deny),
    ("Warn", Action::Warn),
    ("Audit", Action::Audit),
    ("Disabled", Action::Disabled),
];

/// The words for distros in documents.
const DISTROS: [(&str, Distro); 4] = [
    ("k3s", Distro::K3s),
    ("k0s", Distro::K0s),
    ("eks", Distro::Eks),
    ("k8s", Distro::K8s),
];

/// The words for backing stores in documents.
const STORES: [(&str, Store); 5] = {
    let [a, b, c, d, e] = Store::ALL;
    [
        (a.as_str(), a),
        (b.as_str(), b),
        (c.as_str(), c),
        (d.as_str(), d),
        (e.as_str(), e),
    ]
};

/// A compiled policy.
#[derive(Debug)]
pub struct Policy {
    /// The document's name.
    pub name: String,
    /// No rule does more than this.
    pub enforcement: Action,
    /// The chart to assume where none is known.
    pub fallback: Option<Version>,
    /// What goes into a config where nothing is set.
    pub defaults: Defaults,
    /// What the document says about single rules.
    rules: BTreeMap<&'static str, RuleSettings>,
    /// Where configs are besides the known places.
    pub roads: Roads,
    /// The charts that are known.
    pub catalogue: &'static Catalogue,
}

/// What goes into a config.
#[derive(Debug, Default)]
pub struct Defaults {
    /// When.
    pub on: On,
    /// Over what.
    pub apply: Apply,
    /// How.
    pub mode: Mode,
    /// A piece of vcluster.yaml, leaf by leaf, in its own order.
    pub values: Vec<(Path, Node)>,
    /// Which of the chart's own defaults are written out.
    pub pin: Vec<Pin>,
}

/// When defaults go in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum On {
    /// Into a new config only: an unrelated edit must not restart a control plane.
    #[default]
    Create,
    /// Into a changed config too.
    Always,
}

/// Over what defaults go in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Apply {
    /// Only where nothing is set.
    #[default]
    Missing,
    /// Over what is set, too.
    Always,
}

/// How defaults go in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// They are put in.
    #[default]
    Edit,
    /// The user is told what to add.
    Suggest,
}

/// A block of the chart's own defaults.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pin {
    /// Registry, repository and tag of the images of the distro in force.
    Images,
    /// The resources of the distro's init container.
    Resources,
}

impl Policy {
    /// The built-in policy.
    ///
    /// # Panics
    /// Never: the document is part of the program, and a test reads it.
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN, Catalogue::embedded()).expect("the built-in policy is well-formed")
    }

    /// Reads a policy document. What it leaves out is as in the built-in policy.
    pub fn parse(text: &str, catalogue: &'static Catalogue) -> Result<Self, PolicyError> {
        document::read(text, catalogue)
    }

    /// What a rule leads to: what the document says, else the rule's own action, and never more
    /// than the document's enforcement.
    pub fn action(&self, rule: &Rule) -> Action {
        self.settings(rule.id)
            .action
            .unwrap_or(rule.action)
            .min(self.enforcement)
    }

    /// What the document says about a rule.
    pub fn settings(&self, rule: &str) -> &RuleSettings {
        static NOTHING: RuleSettings = RuleSettings::NOTHING;
        self.rules.get(rule).unwrap_or(&NOTHING)
    }

    /// The same policy with at most this enforcement.
    #[must_use]
    pub fn capped(mut self, enforcement: Action) -> Self {
        self.enforcement = self.enforcement.min(enforcement);
        self
    }

    /// The chart to assume where none is known, in the catalogue.
    pub fn fallback_block(&self) -> Option<&'static Block> {
        self.catalogue.get(self.fallback.as_ref()?)
    }
}

impl Action {
    /// As a policy writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "Disabled",
            Self::Audit => "Audit",
            Self::Warn => "Warn",
            Self::Deny => "Deny",
        }
    }

    /// One step milder: a denial becomes a warning, a warning an entry in the audit log.
    #[must_use]
    pub const fn milder(self) -> Self {
        match self {
            Self::Deny => Self::Warn,
            Self::Warn | Self::Audit => Self::Audit,
            Self::Disabled => Self::Disabled,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disabled => "disabled",
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Deny => "deny",
        })
    }
}

#[cfg(test)]
mod tests;
