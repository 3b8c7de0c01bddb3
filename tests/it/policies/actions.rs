//! Every rule with every action, on what is new, what is changed, and what was wrong before: from
//! the examples of the rules' own pages.

use distrogate::admission::{Reply as _, Response};
use distrogate::cli::explain::example::{HOLDERS, Holder, ask};
use distrogate::policy::{Action, Policy};
use distrogate::rules::{Example, RULES, Rule};
use distrogate::values::{Limits, read_yaml};
use distrogate::vcluster::Catalogue;
use serde_json::{Value, json};

const ACTIONS: [Action; 4] = [Action::Deny, Action::Warn, Action::Audit, Action::Disabled];

/// A policy in which one rule alone speaks, with what its example needs.
fn policy(rule: &Rule, action: Action) -> Policy {
    let mut rules: Value = RULES
        .into_iter()
        .map(|rule| (rule.id.to_owned(), json!({"action": "Disabled"})))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let settings = rule.page.refused.policy.unwrap_or("{}");
    let settings = read_yaml(settings.as_bytes(), &Limits::VALUES).unwrap();
    rules[rule.id] = settings.root.to_json();
    rules[rule.id]["action"] = json!(action.as_str());
    let document = json!({
        "apiVersion": "distrogate.io/v1alpha1",
        "kind": "DistroPolicy",
        "metadata": {"name": "p"},
        "spec": {"rules": rules},
    });
    Policy::parse(&document.to_string(), Catalogue::embedded()).unwrap()
}

/// What the rule's finding led to, and what was answered; none if there was none.
fn answer(rule: &Rule, example: &Example, holder: Holder, action: Action) -> Answer {
    let verdict = ask(example, holder, &policy(rule, action))
        .unwrap()
        .unwrap();
    let strictest = verdict.findings().map(|finding| {
        assert_eq!(finding.rule, rule.id, "the others are off");
        finding.action
    });
    let strictest = strictest.max();
    (strictest, verdict.response())
}

type Answer = (Option<Action>, Response);

/// A denial, a warning, an audit annotation only, or nothing.
fn check((strictest, response): &Answer, expected: Option<Action>, what: &str) {
    let Response {
        denial,
        patch,
        warnings,
        audit_annotations,
    } = response;
    let id = what.split(' ').next().unwrap();
    let tag = format!("[{id}]");
    let denial = denial.as_ref().map_or("", |denial| &denial.message);
    let is_warned = warnings.iter().any(|warning| warning.contains(&tag));
    assert_eq!(*strictest, expected, "{what}");
    assert_eq!(
        denial.contains(&tag),
        expected == Some(Action::Deny),
        "{what}: {denial}"
    );
    assert_eq!(
        denial.is_empty(),
        expected != Some(Action::Deny),
        "{what}: {denial}"
    );
    // milder findings of a refused object are warnings beside the denial
    if expected != Some(Action::Deny) {
        assert_eq!(
            is_warned,
            expected == Some(Action::Warn),
            "{what}: {warnings:?}"
        );
    }
    let told = audit_annotations.get(id).map_or("", String::as_str);
    assert_eq!(
        !told.is_empty(),
        expected.is_some(),
        "{what}: {audit_annotations:?}"
    );
    if let Some(action) = expected {
        assert!(told.contains(&format!("{action}: ")), "{what}: {told}");
    }
    assert!(patch.0.is_empty(), "{what}: /validate never patches");
}

/// The values with something that no rule looks at, so that the object is not untouched.
fn touched(values: &'static str) -> &'static str {
    let read = read_yaml(values.as_bytes(), &Limits::VALUES);
    let is_map = read.is_ok_and(|read| read.root.as_map().is_some());
    let more = if is_map { "sync: {}" } else { "# touched" };
    Box::leak(format!("{values}{more}\n").into_boxed_str())
}

#[test]
fn every_rule_does_what_its_action_says() {
    let mut updates = 0;
    for rule in RULES {
        let refused = rule.page.refused;
        let finds = |holder: &Holder| {
            let verdict = ask(&refused, *holder, &policy(rule, Action::Deny)).unwrap();
            verdict.is_some_and(|verdict| verdict.findings().next().is_some())
        };
        let holder = HOLDERS.into_iter().find(finds);
        let holder = holder.unwrap_or_else(|| panic!("{}: no object shows it", rule.id));
        // the most that the rule itself makes of its example
        let (most, _) = answer(rule, &refused, holder, Action::Deny);
        let most = most.unwrap();
        let by = |action: Action| {
            let action = action.min(most);
            (action != Action::Disabled).then_some(action)
        };
        for action in ACTIONS {
            let what = |operation: &str| format!("{} {action} {operation}", rule.id);
            let ask = |example: &Example| answer(rule, example, holder, action);
            if refused.before.is_some() {
                // a rule about changes: the change is what is found, however often
                check(&ask(&refused), by(action), &what("on a change"));
                continue;
            }
            updates += 1;
            check(&ask(&refused), by(action), &what("on a new object"));
            let changed = Example {
                before: Some(rule.page.allowed.values),
                ..refused
            };
            check(&ask(&changed), by(action), &what("on a change"));
            let ratchet = Example {
                values: touched(refused.values),
                before: Some(refused.values),
                ..refused
            };
            let milder = by(action).map(|action| {
                if rule.ratchet {
                    action.milder()
                } else {
                    action
                }
            });
            check(&ask(&ratchet), milder, &what("on what was so before"));
        }
    }
    assert!(updates >= 4 * 6, "{updates}");
}
