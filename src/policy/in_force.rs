//! What is in force for one config: of every rule and every default path, what the first matching
//! document says that mentions it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::spec::Document;
use super::{Action, Applicant, Apply, Exemption, Mode, On, Pin, RuleSettings, Target};
use crate::rules::Rule;
use crate::values::{Node, Path};
use crate::vcluster::{Catalogue, Distro};

/// What is in force for one config.
#[derive(Debug)]
pub struct InForce {
    /// No rule does more than this.
    pub enforcement: Action,
    /// What goes into the config.
    pub defaults: Defaults,
    /// Rules that are let off here, with the document that says so.
    pub exemptions: Vec<(Arc<Exemption>, Arc<Document>)>,
    /// Documents of which it cannot be told whether they count: the labels of the namespace are
    /// not known.
    pub unsure: Vec<String>,
    /// The charts that are known.
    pub catalogue: &'static Catalogue,
    rules: BTreeMap<&'static str, (Arc<RuleSettings>, Arc<Document>)>,
    /// Which document said how rules are enforced.
    enforced_by: Option<Arc<Document>>,
    cap: Action,
}

/// What goes into a config.
#[derive(Debug, Default)]
pub struct Defaults {
    /// How.
    pub mode: Mode,
    /// Into what.
    pub into: Vec<Target>,
    /// Values, those that count first in front: of two for one path the first counts whose distro
    /// is in force.
    pub values: Vec<Wish>,
    /// Which of the chart's own defaults are written out, and when.
    pub pin: Vec<(Pin, On)>,
    mode_by: Option<Arc<Document>>,
    into_by: Option<Arc<Document>>,
    pin_by: Option<Arc<Document>>,
}

/// One value that goes into a config.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Where.
    pub path: Path,
    /// What.
    pub node: Arc<Node>,
    /// When.
    pub on: On,
    /// Over what.
    pub apply: Apply,
    /// Only where this distro is in force.
    pub distro: Option<Distro>,
    /// The document that says so.
    pub by: Arc<Document>,
}

impl InForce {
    /// Of the documents that are about an applicant, the one that counts first in front.
    pub(super) fn of(
        documents: &[&Arc<Document>],
        applicant: &Applicant<'_>,
        cap: Action,
        catalogue: &'static Catalogue,
        unsure: Vec<String>,
    ) -> Self {
        let mut in_force = Self {
            enforcement: cap,
            defaults: Defaults {
                into: vec![Target::Values],
                ..Defaults::default()
            },
            exemptions: Vec::new(),
            unsure,
            catalogue,
            rules: BTreeMap::new(),
            enforced_by: None,
            cap,
        };
        let wishes = || documents.iter().map(|document| &document.wishes);
        // for defaults of a document that does not say it itself
        let on = wishes().find_map(|wishes| wishes.on).unwrap_or_default();
        let apply = wishes().find_map(|wishes| wishes.apply).unwrap_or_default();
        for document in documents {
            in_force.add(document, applicant, on, apply);
        }
        in_force
    }

    /// What a document says where none before it has said anything.
    fn add(&mut self, document: &Arc<Document>, applicant: &Applicant<'_>, on: On, apply: Apply) {
        let Document {
            name: _,
            priority: _,
            matching: _,
            enforcement,
            fallback: _,
            wishes,
            rules,
            exemptions,
            custom: _,
            chart_paths: _,
        } = &**document;
        if let (Some(enforcement), None) = (enforcement, &self.enforced_by) {
            self.enforcement = self.cap.min(*enforcement);
            self.enforced_by = Some(Arc::clone(document));
        }
        for (rule, settings) in rules {
            self.rules
                .entry(rule)
                .or_insert_with(|| (Arc::clone(settings), Arc::clone(document)));
        }
        let in_effect = |exemption: &&Arc<Exemption>| exemption.is_in_effect(applicant);
        let exemptions = exemptions.iter().filter(in_effect);
        self.exemptions
            .extend(exemptions.map(|one| (Arc::clone(one), Arc::clone(document))));
        let (on, apply) = (wishes.on.unwrap_or(on), wishes.apply.unwrap_or(apply));
        if let (Some(mode), None) = (wishes.mode, &self.defaults.mode_by) {
            self.defaults.mode = mode;
            self.defaults.mode_by = Some(Arc::clone(document));
        }
        if let (Some(into), None) = (&wishes.into, &self.defaults.into_by) {
            self.defaults.into.clone_from(into);
            self.defaults.into_by = Some(Arc::clone(document));
        }
        if let (Some(pin), None) = (&wishes.pin, &self.defaults.pin_by) {
            self.defaults.pin = pin.iter().map(|pin| (*pin, on)).collect();
            self.defaults.pin_by = Some(Arc::clone(document));
        }
        // what counts under some charts or distros only says more than what counts always
        let variants = wishes.variants.iter().filter(|variant| {
            let fits = |range| applicant.chart.is_none_or(|chart| chart.lies_in(range));
            variant.charts.as_ref().is_none_or(fits)
        });
        let variants = variants.map(|variant| {
            let (on, apply) = (variant.on.unwrap_or(on), variant.apply.unwrap_or(apply));
            (variant.distro, on, apply, &variant.values)
        });
        for (distro, on, apply, values) in variants.chain([(None, on, apply, &wishes.values)]) {
            self.defaults
                .values
                .extend(values.iter().map(|(path, node)| Wish {
                    path: path.clone(),
                    node: Arc::clone(node),
                    on,
                    apply,
                    distro,
                    by: Arc::clone(document),
                }));
        }
    }

    /// What a rule leads to: what is said, else the rule's own action, and never more than the
    /// enforcement.
    pub fn action(&self, rule: &Rule) -> Action {
        self.settings(rule.id)
            .action
            .unwrap_or(rule.action)
            .min(self.enforcement)
    }

    /// What is said about a rule.
    pub fn settings(&self, rule: &str) -> &RuleSettings {
        static NOTHING: RuleSettings = RuleSettings::NOTHING;
        self.rules
            .get(rule)
            .map_or(&NOTHING, |(settings, _)| settings)
    }

    /// The document that speaks about a rule.
    pub fn said_by(&self, rule: &str) -> Option<&str> {
        self.rules.get(rule).map(|(_, document)| &*document.name)
    }

    /// The document that says how rules are enforced; `None` where only the program's flag does.
    pub fn enforced_by(&self) -> Option<&str> {
        let by = self.enforced_by.as_ref()?;
        (by.enforcement == Some(self.enforcement)).then_some(&*by.name)
    }

    /// The exemption that lets a rule off, if one does.
    pub fn exemption(&self, rule: &str) -> Option<&Exemption> {
        let mut exemptions = self.exemptions.iter().map(|(exemption, _)| &**exemption);
        exemptions.find(|exemption| exemption.is_about(rule))
    }
}

impl Defaults {
    /// Whether any of them goes into a config that is only changed.
    pub fn goes_in_on_update(&self) -> bool {
        self.values.iter().any(|wish| wish.on == On::Always)
            || self.pin.iter().any(|(_, on)| *on == On::Always)
    }

    /// The document that says how defaults go in, the one that says into what, and the one that
    /// says which of the chart's own.
    pub fn said_by(&self) -> [Option<&str>; 3] {
        [&self.mode_by, &self.into_by, &self.pin_by]
            .map(|by| by.as_ref().map(|document| &*document.name))
    }
}
