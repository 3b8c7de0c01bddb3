//! `env-form`: environment variables that the API server refuses, or that hide one another.
//!
//! Mirrors `ValidateEnv` of Kubernetes' `pkg/apis/core/validation`. `env` goes to the control
//! plane's main container, so that with a wrong one the whole workload is refused.

use std::collections::HashMap;

use super::{Context, Example, FINDINGS_OF_A_RULE, Finding, Page, Rule};
use crate::policy::Action;
use crate::text::printable_key;
use crate::values::{Data, Map, Path};

pub(super) const RULE: Rule = Rule {
    id: "env-form",
    action: Action::Deny,
    about: "an environment variable without a proper name or with two values, or one that is \
            there twice",
    page: Page {
        why: "env goes to the control plane's main container as it is written. The chart's schema \
              takes any list of maps; the host's API server then refuses the whole workload for \
              one wrong item. Of two variables of one name the last counts.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      env:\n      - name: TOKEN\n        value: abc\n        valueFrom:\n          secretKeyRef:\n            name: token\n            key: token\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      env:\n      - name: TOKEN\n        valueFrom:\n          secretKeyRef:\n            name: token\n            key: token\n",
        ),
        fix: "Give each variable one name, and either value (a text, in quotes where it looks \
              like something else) or valueFrom.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(distro) = context.judged_distro() else {
        return;
    };
    let list = Path::keys(["controlPlane", "distro", distro.key(), "env"]);
    let mut names: HashMap<&str, usize> = HashMap::new();
    for (number, item) in context
        .config
        .list(&list)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        if findings.len() >= FINDINGS_OF_A_RULE {
            return;
        }
        // what is no map is told by another rule
        let Data::Map(map) = &item.data else {
            continue;
        };
        let path = list.index(number);
        let mut push = |fault: Fault| {
            let Fault {
                message,
                fix,
                action,
            } = fault;
            findings.push(
                Finding::new(context.config.place(&path), message)
                    .evidence((&fix, item.to_json()))
                    .somewhere_in(&list)
                    .fix(fix)
                    .at_most(action),
            );
        };
        if let Some(fault) = name_fault(context, map) {
            push(fault);
        } else if let Some(name) = string(map, "name") {
            if let Some(first) = names.get(name) {
                let name = printable_key(name);
                push(Fault {
                    message: format!("{name} is set before, in env[{first}], and the last counts"),
                    fix: "keep one of them".to_owned(),
                    action: Action::Warn,
                });
            }
            names.insert(name, number);
        }
        if let Some(fault) = value_fault(map) {
            push(fault);
        }
    }
}

struct Fault {
    message: String,
    fix: String,
    action: Action,
}

impl Fault {
    fn new(message: &str, fix: &str) -> Self {
        Self {
            message: message.to_owned(),
            fix: fix.to_owned(),
            action: Action::Deny,
        }
    }
}

fn string<'m>(map: &'m Map, key: &str) -> Option<&'m str> {
    map.get(key)?.value.as_str()
}

/// What is written under a key; null is as if nothing were.
fn written<'m>(map: &'m Map, key: &str) -> Option<&'m Data> {
    let data = &map.get(key)?.value.data;
    (*data != Data::Null).then_some(data)
}

/// A name that is wrong may hold a value (`TOKEN=abc`), so it is not shown.
fn name_fault(context: &Context<'_>, map: &Map) -> Option<Fault> {
    let name = match written(map, "name") {
        None => "",
        Some(Data::String(name)) => name,
        Some(_) => {
            return Some(Fault::new(
                "the name of an environment variable has to be a string",
                "put the name in quotes",
            ));
        }
    };
    if name.is_empty() {
        return Some(Fault::new(
            "an environment variable has to have a name",
            "give it a name, or remove it",
        ));
    }
    if !is_relaxed(name) {
        return Some(Fault::new(
            "the name of an environment variable has only printable ASCII characters and no =",
            "name it as LOG_LEVEL, and put what follows = into value",
        ));
    }
    // the API server has been less strict by default since then
    let host = context.config.host_version();
    let since = (1, 32);
    if is_strict(name) || host.is_some_and(|host| (host.major, host.minor) >= since) {
        return None;
    }
    Some(Fault {
        message:
            "hosts before Kubernetes 1.32 take names of letters, digits, - _ and . only, that \
                  do not begin with a digit or .."
                .to_owned(),
        fix: "name it as LOG_LEVEL".to_owned(),
        action: if host.is_some() {
            Action::Deny
        } else {
            Action::Warn
        },
    })
}

fn value_fault(map: &Map) -> Option<Fault> {
    let value = written(map, "value")?;
    match value {
        Data::String(text) if text.is_empty() => None,
        Data::String(_) => written(map, "valueFrom").map(|_| {
            Fault::new(
                "value and valueFrom exclude each other",
                "remove one of the two",
            )
        }),
        _ => Some(Fault::new(
            &format!(
                "the value of an environment variable has to be a string, found a {}",
                match value {
                    Data::Bool(_) => "boolean",
                    Data::Number(_) => "number",
                    Data::List(_) => "list",
                    _ => "map",
                }
            ),
            "put the value in quotes",
        )),
    }
}

/// What the API server takes for a name by default from 1.32 on (`IsRelaxedEnvVarName`).
fn is_relaxed(name: &str) -> bool {
    name.chars()
        .all(|c| (c.is_ascii_graphic() || c == ' ') && c != '=')
}

/// What it took before (`IsEnvVarName`).
fn is_strict(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    name.chars().all(is_plain)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name != "."
        && !name.starts_with("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_api_servers_take() {
        for (name, strict, relaxed) in [
            ("LOG_LEVEL", true, true),
            ("my-app.port_1", true, true),
            (".a", true, true),
            ("1A", false, true),
            (".", false, true),
            ("..a", false, true),
            ("a b", false, true),
            ("a:b", false, true),
            ("A=b", false, false),
            ("ä", false, false),
            ("a\tb", false, false),
        ] {
            assert_eq!(
                (is_strict(name), is_relaxed(name)),
                (strict, relaxed),
                "{name}"
            );
        }
    }
}
