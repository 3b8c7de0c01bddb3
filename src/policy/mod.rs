//! What the platform team wants: documents, compiled, and what of them is in force for one config.
//!
//! `distrogate policy` prints the built-in document, which is read by the same code as any other
//! and counts where no other says anything.

mod choice;
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
mod wishes;
mod words;

use std::sync::Arc;

use semver::Version;

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
use self::words::{ACTIONS, DISTROS, STORES, TARGETS};
pub use self::words::{Action, Apply, Mode, On, Pin, Target};
use crate::carrier::{Declaration, Roads};
use crate::globs::Globs;
use crate::vcluster::{Block, Catalogue};

/// The built-in policy, as a document.
pub const BUILT_IN: &str = include_str!("built-in.yaml");

/// Everything that platform teams said: documents with the built-in one behind them.
#[derive(Debug)]
pub struct Policy {
    /// The documents, the one that counts first in front; the built-in one is the last.
    documents: Vec<Arc<Document>>,
    /// Which documents may be about what.
    index: matching::Index,
    /// No rule does more than this, whatever a document says.
    cap: Action,
    /// Whether one of them says which chart to assume.
    has_fallbacks: bool,
    /// Where configs are besides the known places.
    pub roads: Roads,
    /// The charts that are known.
    pub catalogue: &'static Catalogue,
}

/// Why documents cannot count together.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SetError {
    /// Nobody could tell which of the two counts.
    #[error("two policies have the name {0}: rename one of them")]
    SameName(String),
    /// Each is a pattern, but they are too many or too long for one set.
    #[error("the chart.paths of all policies together: {0}")]
    Paths(String),
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
        Ok(one.expect("no other name to clash with, and its paths are one set already"))
    }

    /// Several documents, with the built-in policy behind them.
    ///
    /// # Panics
    /// Never: the built-in document is part of the program.
    pub fn of(documents: Vec<Document>, catalogue: &'static Catalogue) -> Result<Self, SetError> {
        let mut documents: Vec<_> = documents.into_iter().map(Arc::new).collect();
        documents.sort_by(|a, b| {
            b.priority
                .cmp(&a.priority)
                .then_with(|| a.name.cmp(&b.name))
        });
        let mut names: Vec<_> = documents.iter().map(|document| &document.name).collect();
        names.sort_unstable();
        let mut pairs = names.iter().zip(names.iter().skip(1));
        if let Some((twice, _)) = pairs.find(|(a, b)| a == b) {
            return Err(SetError::SameName((*twice).clone()));
        }
        // the one that is part of the program comes behind everything
        let built_in = Document::parse(BUILT_IN, catalogue);
        let mut built_in = built_in.expect("the built-in policy is well-formed");
        // how its defaults go in is for others to say
        let Wishes {
            on,
            apply,
            mode,
            into,
            ..
        } = &mut built_in.wishes;
        (*on, *apply, *mode, *into) = (None, None, None, None);
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
                chart_paths: Globs::parse(paths).map_err(|(_, what)| SetError::Paths(what))?,
            },
            index: matching::Index::of(&documents),
            has_fallbacks: documents.iter().any(|one| one.fallback.is_some()),
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
        let (version, _) = self.fallback_said(applicant)?;
        self.catalogue.get(version)
    }

    /// The version of that chart, and the document that says so.
    pub fn fallback_said(&self, applicant: &Applicant<'_>) -> Option<(&Version, &str)> {
        if !self.has_fallbacks {
            return None;
        }
        // it is said before the chart is known
        let applicant = &Applicant {
            chart: None,
            ..*applicant
        };
        let candidates = self.index.candidates(applicant).into_iter();
        let mut documents = candidates.filter_map(|number| self.documents.get(number));
        documents.find_map(|document| {
            let fallback = document.fallback.as_ref()?;
            let fits = document.matching.fits(applicant) == matching::Fit::Yes;
            fits.then_some((fallback, &*document.name))
        })
    }

    /// The names of the documents that are about a config, the one that counts first in front.
    pub fn about(&self, applicant: &Applicant<'_>) -> Vec<&str> {
        let fits =
            |document: &&Arc<Document>| document.matching.fits(applicant) == matching::Fit::Yes;
        let documents = self.documents.iter().filter(fits);
        documents.map(|document| &*document.name).collect()
    }

    /// The names of the documents that may be about configs of a namespace, by who asks, or by its
    /// labels where they are not known.
    pub fn undecided_in(&self, namespace: &str, knows_labels: bool) -> Vec<&str> {
        let undecided = |document: &&Arc<Document>| {
            let matching = &document.matching;
            matching.depends_on_more_than(namespace, knows_labels)
        };
        let documents = self.documents.iter().filter(undecided);
        documents.map(|document| &*document.name).collect()
    }

    /// The names of the documents that declare carriers.
    pub fn documents_with_carriers(&self) -> impl Iterator<Item = &str> {
        let declare = |document: &&Arc<Document>| !document.custom.is_empty();
        let documents = self.documents.iter().filter(declare);
        documents.map(|document| &*document.name)
    }

    /// Whether some document wants defaults to go into this, for whatever configs.
    pub fn has_defaults_into(&self, target: Target) -> bool {
        self.documents.iter().any(|document| {
            let into = document.wishes.into.as_deref().unwrap_or_default();
            into.contains(&target)
        })
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

#[cfg(test)]
mod tests;
