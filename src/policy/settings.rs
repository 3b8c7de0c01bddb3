//! What a policy says about one rule: its action, and the settings that some rules have.

use std::sync::Arc;

use super::decode::{Field, PolicyError};
use super::{ACTIONS, Action, DISTROS};
use crate::rules::Rule;
use crate::values::Node;
use crate::vcluster::{Distro, Range};

/// What a document says about one rule. Each rule has only some of the settings (`Rule::settings`).
#[derive(Clone, Debug, Default)]
pub struct RuleSettings {
    /// All of it, as it was written.
    pub source: Option<Arc<Node>>,
    /// What it leads to, if the document says so.
    pub action: Option<Action>,
    /// Changes of the distro that are let through.
    pub allow: Vec<Transition>,
}

impl RuleSettings {
    /// Nothing is said.
    pub(super) const NOTHING: Self = Self {
        source: None,
        action: None,
        allow: Vec::new(),
    };
}

/// A change of the distro that is allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The distro before.
    pub from: Distro,
    /// The distro after.
    pub to: Distro,
    /// The charts that it is allowed under; all, if it does not say.
    pub charts: Option<Range>,
}

/// Reads what a document says about a rule.
pub(super) fn read(field: &Field<'_>, rule: &Rule) -> Result<RuleSettings, PolicyError> {
    let known: Vec<_> = std::iter::once("action")
        .chain(rule.settings.iter().map(|setting| setting.key))
        .collect();
    let fields = field.fields(&known)?;
    let mut settings = RuleSettings {
        source: Some(Arc::new(field.node.clone())),
        ..RuleSettings::default()
    };
    if let Some(action) = fields.get("action") {
        settings.action = Some(action.one_of(&ACTIONS)?);
    }
    if let Some(allow) = fields.get("allow") {
        settings.allow = allow
            .items()?
            .iter()
            .map(read_transition)
            .collect::<Result<_, _>>()?;
    }
    Ok(settings)
}

fn read_transition(field: &Field<'_>) -> Result<Transition, PolicyError> {
    let fields = field.fields(&["from", "to", "charts"])?;
    let charts = match fields.get("charts") {
        Some(field) => {
            let range = Range::parse(field.string()?);
            Some(range.map_err(|error| field.error(format!("{error}")))?)
        }
        None => None,
    };
    Ok(Transition {
        from: fields.required("from")?.one_of(&DISTROS)?,
        to: fields.required("to")?.one_of(&DISTROS)?,
        charts,
    })
}
