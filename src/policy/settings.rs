//! What a policy says about one rule: its action, and the settings that some rules have.

use std::fmt;

use super::decode::{Field, PolicyError};
use super::{ACTIONS, Action, DISTROS, FlagPattern, ImagePatterns, STORES};
use crate::rules::Rule;
use crate::values::Data;
use crate::vcluster::{Component, Distro, Privilege, Quantity, Range, Store};

/// What a document says about one rule. Each rule has only some of the settings (`Rule::settings`).
#[derive(Clone, Debug, Default)]
pub struct RuleSettings {
    /// What it leads to, if the document says so.
    pub action: Option<Action>,
    /// The Kubernetes versions that are allowed.
    pub versions: Option<Range>,
    /// The images that are allowed.
    pub registries: Option<ImagePatterns>,
    /// The least and the most of resources.
    pub bounds: Vec<Bound>,
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
        versions: None,
        registries: None,
        bounds: Vec::new(),
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

/// The least and the most of one resource, of which at least one is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// Of what.
    pub kind: BoundKind,
    /// The resource: `memory`.
    pub resource: Box<str>,
    /// The least.
    pub min: Option<Amount>,
    /// The most.
    pub max: Option<Amount>,
}

/// What a [`Bound`] is of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BoundKind {
    /// What may be used.
    Limits,
    /// What is set aside.
    Requests,
}

/// A quantity as a policy writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Amount {
    /// The quantity.
    pub quantity: Quantity,
    written: Box<str>,
}

impl BoundKind {
    const ALL: [Self; 2] = [Self::Limits, Self::Requests];

    /// The key in Kubernetes' resources.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Limits => "limits",
            Self::Requests => "requests",
        }
    }

    /// Whether it is of requests.
    pub const fn is_requests(self) -> bool {
        matches!(self, Self::Requests)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
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
    if let Some(field) = fields.get("versions") {
        let example = "has to be a range of Kubernetes versions, for example \">=1.31 <1.35\"";
        let range = Range::parse(field.string()?).map_err(|_| field.error(example))?;
        settings.versions = Some(range);
    }
    if let Some(field) = fields.get("registries") {
        settings.registries = Some(read_registries(&field)?);
    }
    if let Some(field) = fields.get("bounds") {
        settings.bounds = read_bounds(&field)?;
    }
    Ok(settings)
}

fn read_registries(field: &Field<'_>) -> Result<ImagePatterns, PolicyError> {
    let items = field.items()?;
    if items.is_empty() {
        return Err(field.error("has to name at least one pattern, or be left out"));
    }
    let patterns: Vec<_> = items.iter().map(Field::string).collect::<Result<_, _>>()?;
    ImagePatterns::parse(patterns)
        .map_err(|(number, what)| items.get(number).unwrap_or(field).error(what))
}

fn read_bounds(field: &Field<'_>) -> Result<Vec<Bound>, PolicyError> {
    let kinds = field.fields(&BoundKind::ALL.map(BoundKind::key))?;
    let mut bounds = Vec::new();
    for kind in BoundKind::ALL {
        let Some(resources) = kinds.get(kind.key()) else {
            continue;
        };
        for (resource, entry, path) in resources.entries()? {
            let bound = Field {
                node: &entry.value,
                path,
            };
            let fields = bound.fields(&["min", "max"])?;
            let [min, max] =
                ["min", "max"].map(|key| fields.get(key).map(|field| read_amount(&field)));
            let (min, max) = (min.transpose()?, max.transpose()?);
            match (&min, &max) {
                (None, None) => return Err(bound.error("has to have min, max or both")),
                (Some(min), Some(max)) if min.quantity > max.quantity => {
                    return Err(bound.error(format!("min {min} is above max {max}")));
                }
                _ => {}
            }
            bounds.push(Bound {
                kind,
                resource: resource.into(),
                min,
                max,
            });
        }
    }
    Ok(bounds)
}

fn read_amount(field: &Field<'_>) -> Result<Amount, PolicyError> {
    let written = match &field.node.data {
        Data::String(text) => text.clone(),
        Data::Number(number) => number.to_string().into(),
        _ => return Err(field.error("has to be a quantity, for example 256Mi")),
    };
    match Quantity::parse(&written) {
        Ok(quantity) if !quantity.is_negative() => Ok(Amount { quantity, written }),
        _ => Err(field.error("has to be a quantity, for example 256Mi")),
    }
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
