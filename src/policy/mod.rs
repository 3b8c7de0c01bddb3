//! What the platform team wants: documents, compiled, and what of them is in force for one config.
//!
//! `distrogate policy` prints the built-in document, which is read by the same code as any other
//! and counts where no other says anything.

mod custom;
mod decode;
mod document;
mod exemption;
mod flags;
mod images;
mod in_force;
mod matching;
mod mistakes;
mod schema;
mod settings;
mod spec;

use std::fmt;
use std::sync::Arc;

pub use self::decode::{PolicyError, nearest};
pub use self::exemption::{Date, Exemption};
pub use self::flags::FlagPattern;
pub use self::images::ImagePatterns;
pub use self::in_force::{Defaults, InForce, Wish};
pub use self::matching::{Applicant, Labels, Match};
pub use self::mistakes::mistakes;
pub use self::schema::schema;
pub use self::settings::{Amount, Bound, BoundKind, RuleSettings, Transition};
pub use self::spec::{Document, Variant, Wishes};
use crate::carrier::{Declaration, Roads};
use crate::globs::Globs;
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

/// Everything that platform teams said: documents with the built-in one behind them.
#[derive(Debug)]
pub struct Policy {
    /// The documents, the one that counts first in front; the built-in one is the last.
    documents: Vec<Arc<Document>>,
    /// Which documents may be about what.
    index: matching::Index,
    /// No rule does more than this, whatever a document says.
    cap: Action,
    /// Where configs are besides the known places.
    pub roads: Roads,
    /// The charts that are known.
    pub catalogue: &'static Catalogue,
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
        Self::of(Vec::new(), Catalogue::embedded()).expect("no names to clash")
    }

    /// One document, with the built-in policy behind it.
    ///
    /// # Panics
    /// Never: one name clashes with no other.
    pub fn parse(text: &str, catalogue: &'static Catalogue) -> Result<Self, PolicyError> {
        let document = Document::parse(text, catalogue)?;
        let one = Self::of(vec![document], catalogue);
        Ok(one.expect("no other name to clash with"))
    }

    /// Several documents, with the built-in policy behind them.
    ///
    /// # Errors
    /// The name that two documents have: nobody could tell which of them counts.
    ///
    /// # Panics
    /// Never: the built-in document is part of the program.
    pub fn of(documents: Vec<Document>, catalogue: &'static Catalogue) -> Result<Self, String> {
        let mut documents: Vec<_> = documents.into_iter().map(Arc::new).collect();
        documents.sort_by(|a, b| {
            b.priority
                .cmp(&a.priority)
                .then_with(|| a.name.cmp(&b.name))
        });
        let mut names: Vec<_> = documents.iter().map(|document| &document.name).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair.first() == pair.last()) {
            return Err(twice
                .first()
                .map(|name| (*name).clone())
                .unwrap_or_default());
        }
        // the one that is part of the program comes behind everything
        let built_in = Document::parse(BUILT_IN, catalogue);
        let mut built_in = built_in.expect("the built-in policy is well-formed");
        // how its defaults go in is for others to say
        let Wishes {
            on, apply, mode, ..
        } = &mut built_in.wishes;
        (*on, *apply, *mode) = (None, None, None);
        documents.push(Arc::new(built_in));
        let custom = documents
            .iter()
            .flat_map(|document| document.custom.iter().cloned());
        let paths = documents
            .iter()
            .flat_map(|document| document.chart_paths.patterns());
        Ok(Self {
            roads: Roads {
                custom: custom.collect::<Vec<Arc<Declaration>>>(),
                chart_paths: Globs::parse(paths).unwrap_or_default(),
            },
            index: matching::Index::of(&documents),
            documents,
            cap: Action::Deny,
            catalogue,
        })
    }

    /// The same documents with at most this enforcement.
    #[must_use]
    pub fn capped(mut self, enforcement: Action) -> Self {
        self.cap = self.cap.min(enforcement);
        self
    }

    /// The documents' names, the one that counts first in front.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.documents.iter().map(|document| &*document.name)
    }

    /// Every exemption, with the name of its document.
    pub fn exemptions(&self) -> impl Iterator<Item = (&str, &Exemption)> {
        self.documents.iter().flat_map(|document| {
            let exemptions = document.exemptions.iter();
            exemptions.map(|exemption| (&*document.name, &**exemption))
        })
    }

    /// The chart to assume for a config whose chart is not known.
    pub fn fallback(&self, applicant: &Applicant<'_>) -> Option<&'static Block> {
        let candidates = self.index.candidates(applicant).into_iter();
        let mut documents = candidates.filter_map(|number| self.documents.get(number));
        let fallback = documents.find_map(|document| {
            let fallback = document.fallback.as_ref()?;
            (document.matching.fits(applicant) == matching::Fit::Yes).then_some(fallback)
        });
        self.catalogue.get(fallback?)
    }

    /// What is in force for a config.
    pub fn in_force(&self, applicant: &Applicant<'_>) -> InForce {
        let mut documents = Vec::new();
        let mut unsure = Vec::new();
        for number in self.index.candidates(applicant) {
            let Some(document) = self.documents.get(number) else {
                continue;
            };
            match document.matching.fits(applicant) {
                matching::Fit::Yes => documents.push(document),
                matching::Fit::No => {}
                matching::Fit::LabelsUnknown => unsure.push(document.name.clone()),
            }
        }
        InForce::of(&documents, applicant, self.cap, self.catalogue, unsure)
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
