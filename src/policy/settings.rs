//! What a policy says about one rule: its action, and the settings that some rules have.

use super::decode::{Field, PolicyError};
use super::{ACTIONS, Action, DISTROS, STORES};
use crate::rules::Rule;
use crate::vcluster::{Distro, Range, Store};

/// What a document says about one rule. Each rule has only some of the settings (`Rule::settings`).
#[derive(Clone, Debug, Default)]
pub struct RuleSettings {
    /// What it leads to, if the document says so.
    pub action: Option<Action>,
    /// Changes of the distro that are let through.
    pub allow: Vec<Transition<Distro>>,
    /// Changes of the backing store that are let through.
    pub allow_stores: Vec<Transition<Store>>,
}

impl RuleSettings {
    /// Nothing is said.
    pub(super) const NOTHING: Self = Self {
        action: None,
        allow: Vec::new(),
        allow_stores: Vec::new(),
    };
}

/// A change of the distro, or of the backing store, that is allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition<T> {
    /// What it was before.
    pub from: T,
    /// What it is after.
    pub to: T,
    /// The charts that it is allowed under; all, if it does not say.
    pub charts: Option<Range>,
}

/// Reads what a document says about a rule.
pub(super) fn read(field: &Field<'_>, rule: &Rule) -> Result<RuleSettings, PolicyError> {
    let known: Vec<_> = std::iter::once("action")
        .chain(rule.settings.iter().map(|setting| setting.key))
        .collect();
    let fields = field.fields(&known)?;
    let mut settings = RuleSettings::default();
    if let Some(action) = fields.get("action") {
        settings.action = Some(action.one_of(&ACTIONS)?);
    }
    if let Some(allow) = fields.get("allow") {
        match rule.id {
            "store-change" => settings.allow_stores = read_transitions(&allow, &STORES)?,
            _ => settings.allow = read_transitions(&allow, &DISTROS)?,
        }
    }
    Ok(settings)
}

fn read_transitions<T: Copy>(
    field: &Field<'_>,
    words: &[(&str, T)],
) -> Result<Vec<Transition<T>>, PolicyError> {
    let items = field.items()?;
    items
        .iter()
        .map(|item| read_transition(item, words))
        .collect()
}

fn read_transition<T: Copy>(
    field: &Field<'_>,
    words: &[(&str, T)],
) -> Result<Transition<T>, PolicyError> {
    let fields = field.fields(&["from", "to", "charts"])?;
    let charts = match fields.get("charts") {
        Some(field) => {
            let range = Range::parse(field.string()?);
            Some(range.map_err(|error| field.error(format!("{error}")))?)
        }
        None => None,
    };
    Ok(Transition {
        from: fields.required("from")?.one_of(words)?,
        to: fields.required("to")?.one_of(words)?,
        charts,
    })
}
