//! `extra-args`: flags that the policy denies or requires.
//!
//! Needs settings: without any, every flag may be given. Flags are named, their values are not.

use super::{Context, Example, FINDINGS_OF_A_RULE, Finding, Page, Rule, Setting};
use crate::policy::{Action, FlagPattern};
use crate::text::printable_key;
use crate::values::Path;
use crate::vcluster::{Completeness, Component, Flag, Presence};

pub(super) const RULE: Rule = Rule {
    id: "extra-args",
    action: Action::Deny,
    about: "flags that the policy denies, or requires and does not find",
    page: Page {
        why: "extraArgs reach the API server, the controller manager, the scheduler, k3s or k0s \
              as they are: they can open it to everybody, or leave out what an audit needs. What \
              is denied is looked for in a replaced command, too, and in what k3s hands on to its \
              components.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      apiServer:\n        extraArgs: [--anonymous-auth=true]\n",
        )
        .under("denied: [--anonymous-auth=true]"),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      apiServer:\n        extraArgs: [--anonymous-auth=false]\n",
        )
        .under("denied: [--anonymous-auth=true]"),
        fix: "Remove the denied flag, or add the required one.",
    },
    settings: &[
        Setting {
            key: "denied",
            about: "flags that no component may be given, a star stands for any text; with a \
                    value only those values are denied: [--anonymous-auth, \
                    \"--service-node-port-range=*\"]",
        },
        Setting {
            key: "required",
            about: "by component, flags of which each has to be given: {apiServer: \
                    [--audit-log-path, \"--audit-log-maxage=*\"], k3s: [--secrets-encryption]}",
        },
    ],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let settings = context.settings;
    let Some(distro) = context.judged_distro() else {
        return;
    };
    for (word, component) in Component::PROCESSES {
        let required = settings.required_flags.iter();
        let required = required.filter(|(of, _)| *of == component);
        let required: Vec<_> = required.flat_map(|(_, flags)| flags).collect();
        if !component.is_of(distro) || (settings.denied_flags.is_empty() && required.is_empty()) {
            continue;
        }
        let path = component.settings_path();
        let [arguments, command] = ["extraArgs", "command"].map(|key| path.key(key));
        let mut given = Vec::new();
        for path in [&arguments, &command] {
            let items = context.config.list(path).unwrap_or_default();
            let mut flags = Flag::parse(items);
            // a command begins with the name of a program
            flags.retain(|flag| flag.has_dashes || path == &arguments);
            denied(context, path, &flags, findings);
            given.extend(flags);
        }
        // where one of the lists is not seen, a flag may be in it
        let seen = |path: &Path| {
            !context
                .config
                .get(path.as_keys().unwrap_or_default())
                .is_unknown()
        };
        if component.is_of(distro)
            && context.config.runs(component) == Some(true)
            && seen(&arguments)
            && seen(&command)
        {
            missing(context, word, &arguments, &required, &given, findings);
        }
    }
}

fn denied(context: &Context<'_>, path: &Path, flags: &[Flag<'_>], findings: &mut Vec<Finding>) {
    for flag in flags {
        let mut patterns = context.settings.denied_flags.iter();
        let Some(pattern) = patterns.find(|pattern| pattern.matches(flag)) else {
            continue;
        };
        if findings.len() >= FINDINGS_OF_A_RULE {
            return;
        }
        let name = printable_key(&flag.name);
        let message = if pattern.is_about_values() {
            format!("the policy does not allow this value of --{name}")
        } else {
            format!("the policy does not allow the flag --{name}")
        };
        let place = context.config.place(&path.index(flag.item));
        findings.push(
            Finding::new(place, message)
                .fix(format!("remove it from {path}"))
                .evidence((&flag.name, flag.value))
                .somewhere_in(path),
        );
    }
}

fn missing(
    context: &Context<'_>,
    word: &str,
    path: &Path,
    required: &[&FlagPattern],
    given: &[Flag<'_>],
    findings: &mut Vec<Finding>,
) {
    // other values, which are not seen, may bring the whole list
    let unset = context
        .config
        .user_presence(&path.as_keys().unwrap_or_default())
        == Presence::Unset;
    let at_most = match context.completeness {
        Completeness::Fragment => Action::Warn,
        Completeness::Extended if unset => Action::Warn,
        Completeness::Whole | Completeness::Extended => Action::Deny,
    };
    for pattern in required {
        let has = |flag: &Flag<'_>| flag.has_dashes && pattern.matches(flag);
        if !given.iter().any(has) {
            findings.push(
                Finding::new(
                    context.config.place(path),
                    format!("the policy requires the flag {pattern} of {word}"),
                )
                .fix(format!("add it to {path}"))
                .at_most(at_most),
            );
        }
    }
}
