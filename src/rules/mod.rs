//! The rules: one file each, with id, default action and words.
//!
//! A rule sees a [`Subject`] and the policy, and reports [`Finding`]s. What a finding leads to is
//! decided here, in one place: the policy's action for the rule, what the rule says it may at most
//! be, the policy's enforcement, and the ratchet.

mod command_override;
mod component_disabled;
mod component_skew;
mod deprecated_distro;
mod distro_change;
mod env_form;
mod extra_args;
mod finding;
mod ha_store;
mod host_compatibility;
mod inactive_distro;
mod legacy_values;
mod only_one_distro;
mod only_one_store;
mod opaque_values;
mod page;
mod pull_policy;
mod registry_allowed;
mod registry_form;
mod resources_bounds;
mod resources_form;
mod scheduler_unused;
mod schema;
mod security_context;
mod store_change;
mod tag_form;
mod unknown_distro;
mod unknown_field;
mod unreadable_values;
mod version_allowed;
mod version_conflict;
mod version_downgrade;
mod wrong_type;
use std::collections::HashSet;

pub use self::finding::Finding;
pub use self::page::{Example, Page, Setting};
use crate::policy::{Action, InForce, RuleSettings};
use crate::values::Path;
use crate::vcluster::{
    Certainty, Completeness, Config, Distro, HeldBy, Live, Operation, Reading, Subject,
};

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name, in messages and policies.
    pub id: &'static str,
    /// What it leads to if no policy says otherwise.
    pub action: Action,
    /// What it is about, in one line.
    pub about: &'static str,
    /// What its page says.
    pub page: Page,
    /// What a policy may set besides `action`.
    pub settings: &'static [Setting],
    /// Whether an UPDATE that keeps an old violation is let off (see [`judge`]).
    pub ratchet: bool,
    check: fn(&Context<'_>, &mut Vec<Finding>),
}

/// What a rule may look at.
#[derive(Clone, Copy)]
struct Context<'a> {
    /// The config that is judged.
    config: &'a Config<'a>,
    /// The config that the same virtual cluster had before.
    before: Option<&'a Config<'a>>,
    /// The distro that its pod wrote down.
    told_before: Option<Distro>,
    /// What the cluster itself holds of the virtual cluster; only where there is no config from
    /// before.
    live: Option<&'a Live>,
    reading: Reading,
    is_template: bool,
    /// What the policy says about the rule.
    settings: &'a RuleSettings,
    completeness: Completeness,
    /// What changes the rendered objects after Helm.
    renders_on: Option<&'a Path>,
    policy: &'a InForce,
}

impl Context<'_> {
    /// The most that may be said of what follows from several values together: of a chart that is
    /// not known for certain, or where other values stand over these, a warning.
    fn at_most(&self) -> Action {
        if self.config.chart.is_certain() && self.completeness != Completeness::Fragment {
            Action::Deny
        } else {
            Action::Warn
        }
    }

    /// The distro in force, where its settings can be judged: charts before 0.20 have another
    /// layout, and images do not tell settings.
    fn judged_distro(&self) -> Option<Distro> {
        let legacy = self.config.chart.certainty() == Certainty::Legacy;
        let judged = !legacy && !self.config.is_rendered();
        judged.then(|| self.config.distro()).flatten()
    }
}

/// Every rule, in the order in which findings are told.
pub const RULES: [&Rule; 30] = [
    &unreadable_values::RULE,
    &legacy_values::RULE,
    &only_one_distro::RULE,
    &distro_change::RULE,
    &only_one_store::RULE,
    &store_change::RULE,
    &unknown_distro::RULE,
    &unknown_field::RULE,
    &wrong_type::RULE,
    &registry_allowed::RULE,
    &registry_form::RULE,
    &tag_form::RULE,
    &version_conflict::RULE,
    &version_allowed::RULE,
    &version_downgrade::RULE,
    &component_skew::RULE,
    &host_compatibility::RULE,
    &deprecated_distro::RULE,
    &resources_form::RULE,
    &resources_bounds::RULE,
    &pull_policy::RULE,
    &ha_store::RULE,
    &component_disabled::RULE,
    &scheduler_unused::RULE,
    &inactive_distro::RULE,
    &command_override::RULE,
    &extra_args::RULE,
    &security_context::RULE,
    &env_form::RULE,
    &opaque_values::RULE,
];

/// How many findings one rule reports of one config: a tenant can make a hundred thousand faults,
/// and nobody reads more than some.
const FINDINGS_OF_A_RULE: usize = 100;

/// Judges one config: every rule, each finding with the action that it leads to.
///
/// The ratchet: on UPDATE a finding that the old config had too (same rule, place in the values
/// and value) becomes one step milder, so that an old fault does not stop an unrelated change.
pub fn judge(subject: &Subject<'_>, policy: &InForce) -> Vec<Finding> {
    let Subject {
        operation,
        reading,
        is_template,
        completeness,
        renders_on,
        now,
        before,
        told_before,
        live,
    } = subject;
    let before = before.as_ref();
    let context = Context {
        config: now,
        before,
        told_before: *told_before,
        live: live.as_deref(),
        reading: *reading,
        is_template: *is_template,
        completeness: *completeness,
        renders_on: renders_on.as_ref(),
        settings: policy.settings(""),
        policy,
    };
    let mut findings = check(&context);
    if let (Operation::Update, Some(before), false) = (operation, before, findings.is_empty()) {
        let old = check(&Context {
            config: before,
            before: None,
            live: None,
            ..context
        });
        let old: HashSet<_> = old.iter().map(Finding::fault).collect();
        for finding in &mut findings {
            let ratchet = RULES
                .iter()
                .any(|rule| rule.id == finding.rule && rule.ratchet);
            if ratchet && old.contains(&finding.fault()) {
                finding.action = finding.action.milder();
            }
        }
    }
    for finding in &mut findings {
        if let Some(exemption) = policy.exemption(finding.rule) {
            finding.action = finding.action.min(Action::Audit);
            finding.exemption = Some(exemption.to_string());
        }
    }
    findings
}

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES {
        let action = context.policy.action(rule);
        if action == Action::Disabled {
            continue;
        }
        let mut found = Vec::new();
        let context = Context {
            settings: context.policy.settings(rule.id),
            ..*context
        };
        (rule.check)(&context, &mut found);
        // the strictest first, so that what is cut off is not what decides
        found.sort_by_key(|finding| std::cmp::Reverse(finding.action));
        found.truncate(FINDINGS_OF_A_RULE);
        for mut finding in found {
            finding.rule = rule.id;
            finding.action = finding.action.min(action);
            findings.push(finding);
        }
    }
    findings
}

/// What is said of what another namespace holds, and what is not.
const ELSEWHERE: &str = "the namespace that this is deployed to holds a virtual cluster of this \
                         name already, or its data";
const ELSEWHERE_UNTOLD: &str = "what it is, is told in that namespace only";
const ELSEWHERE_FIX: &str = "keep what the virtual cluster there has, or take another name";

/// Whether all that is known is of a namespace that whoever asks may not look into.
fn is_elsewhere(live: Option<&Live>) -> bool {
    live.is_some_and(|live| matches!(live.held_by, HeldBy::Elsewhere { .. }))
}

/// A way back, with the other one that there is where data outlived its virtual cluster.
fn or_delete(way_back: String, live: Option<&Live>) -> String {
    match live.map(|live| &live.held_by) {
        Some(claim @ HeldBy::Claim(_)) => {
            format!("{way_back}; or delete {claim} too, if its data may go")
        }
        _ => way_back,
    }
}

/// What stands below a path, in short: `image.tag, command and 3 more`.
fn below(path: &Path, below: &[Path]) -> String {
    const NAMED: usize = 4;
    let prefix = format!("{path}.");
    let mut words: Vec<_> = below
        .iter()
        .take(NAMED)
        .map(|path| path.to_string().trim_start_matches(&prefix).to_owned())
        .collect();
    match below.len().saturating_sub(NAMED) {
        0 => {}
        more => words.push(format!("{more} more")),
    }
    list(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// `k3s`, `k3s and k8s`, `k3s, k0s and k8s`.
fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests;
