//! What a policy may say of each rule.

use serde_json::{Value, json};

use super::form::{at_least_one, described, list, map, one_of, string, strings, words};
use crate::policy::{ACTIONS, DISTROS, STORES};
use crate::rules::Rule;
use crate::vcluster::{Component, Privilege};

/// The form of what a policy may set for a rule, besides `action`.
struct Setting {
    rule: &'static str,
    key: &'static str,
    form: fn() -> Value,
}

/// Every setting of every rule.
const SETTINGS: &[Setting] = &[
    Setting {
        rule: "distro-change",
        key: "allow",
        form: || transitions(&words(DISTROS)),
    },
    Setting {
        rule: "version-allowed",
        key: "versions",
        form: || string(""),
    },
    Setting {
        rule: "registry-allowed",
        key: "registries",
        form: || at_least_one(strings("")),
    },
    Setting {
        rule: "resources-bounds",
        key: "bounds",
        form: || {
            let quantity = json!({"type": ["string", "number"]});
            let mut bound = map(&[], ["min", "max"].map(|key| (key, quantity.clone())));
            if let Some(bound) = bound.as_object_mut() {
                bound.insert("minProperties".to_owned(), 1.into());
            }
            let resources = json!({"type": "object", "additionalProperties": bound});
            map(
                &[],
                [("limits", resources.clone()), ("requests", resources)],
            )
        },
    },
    Setting {
        rule: "store-change",
        key: "allow",
        form: || transitions(&words(STORES)),
    },
    Setting {
        rule: "command-override",
        key: "denied",
        form: || list(&json!({"enum": words(Component::PROCESSES)})),
    },
    Setting {
        rule: "extra-args",
        key: "denied",
        form: flags,
    },
    Setting {
        rule: "extra-args",
        key: "required",
        form: || {
            map(
                &[],
                words(Component::PROCESSES)
                    .into_iter()
                    .map(|word| (word, flags())),
            )
        },
    },
    Setting {
        rule: "security-context",
        key: "denied",
        form: || list(&json!({"enum": words(Privilege::WORDS)})),
    },
];

/// What a policy says of a rule.
pub(super) fn settings(rule: &Rule) -> Value {
    let default = rule.action.as_str();
    let about = format!("What it leads to; {default}, if no policy says otherwise.");
    let action = one_of(&about, &words(ACTIONS));
    let settings = rule.settings.iter().map(|setting| {
        let form = SETTINGS
            .iter()
            .find(|form| form.rule == rule.id && form.key == setting.key);
        let form = form.map_or_else(|| json!({}), |setting| (setting.form)());
        (setting.key, described(form, setting.about))
    });
    let all = map(&[], std::iter::once(("action", action)).chain(settings));
    described(all, rule.about)
}

/// Flags, with a value or without.
fn flags() -> Value {
    list(&json!({"type": "string", "pattern": "^-"}))
}

/// Changes that are let through.
fn transitions(words: &[&str]) -> Value {
    list(&map(
        &["from", "to"],
        [
            ("from", one_of("What it was before.", words)),
            ("to", one_of("What it is after.", words)),
            ("charts", string("The charts that it is allowed under.")),
        ],
    ))
}
