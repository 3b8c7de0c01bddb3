//! What a policy says about one rule: its action, and the settings that some rules have.

use super::decode::{Field, PolicyError};
use super::{ACTIONS, Action, DISTROS, FlagPattern, STORES};
use crate::rules::Rule;
use crate::vcluster::{Component, Distro, Privilege, Range, Store};

/// What a document says about one rule. Each rule has only some of the settings (`Rule::settings`).
#[derive(Clone, Debug, Default)]
pub struct RuleSettings {
    /// What it leads to, if the document says so.
    pub action: Option<Action>,
    /// Changes of the distro that are let through.
    pub allow: Vec<Transition<Distro>>,
    /// Changes of the backing store that are let through.
    pub allow_stores: Vec<Transition<Store>>,
    /// Components whose command must not be replaced.
    pub denied_commands: Vec<Component>,
    /// Flags that must not be given.
    pub denied_flags: Vec<FlagPattern>,
    /// Flags that each component has to be given.
    pub required_flags: Vec<(Component, Vec<FlagPattern>)>,
    /// What a security context must not ask for.
    pub denied_privileges: Vec<Privilege>,
}

impl RuleSettings {
    /// Nothing is said.
    pub(super) const NOTHING: Self = Self {
        action: None,
        allow: Vec::new(),
        allow_stores: Vec::new(),
        denied_commands: Vec::new(),
        denied_flags: Vec::new(),
        required_flags: Vec::new(),
        denied_privileges: Vec::new(),
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
    if let Some(denied) = fields.get("denied") {
        match rule.id {
            "command-override" => {
                settings.denied_commands = read_words(&denied, &Component::PROCESSES)?;
            }
            "security-context" => {
                settings.denied_privileges = read_words(&denied, &Privilege::WORDS)?;
            }
            _ => settings.denied_flags = read_flags(&denied)?,
        }
    }
    if let Some(required) = fields.get("required") {
        let words = Component::PROCESSES;
        let fields = required.fields(&words.map(|(word, _)| word))?;
        for (word, component) in words {
            if let Some(flags) = fields.get(word) {
                settings
                    .required_flags
                    .push((component, read_flags(&flags)?));
            }
        }
    }
    Ok(settings)
}

fn read_words<T: Copy>(field: &Field<'_>, words: &[(&str, T)]) -> Result<Vec<T>, PolicyError> {
    let items = field.items()?;
    items.iter().map(|item| item.one_of(words)).collect()
}

fn read_flags(field: &Field<'_>) -> Result<Vec<FlagPattern>, PolicyError> {
    let items = field.items()?;
    items
        .iter()
        .map(|item| {
            let text = item.string()?;
            if !text.starts_with('-') {
                return Err(item.error("a flag begins with --, as --anonymous-auth"));
            }
            FlagPattern::parse(text).map_err(|what| item.error(format!("not a pattern: {what}")))
        })
        .collect()
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
