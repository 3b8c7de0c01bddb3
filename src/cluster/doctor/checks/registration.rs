//! The configurations say what `distrogate manifests` prints, field by field.

mod fields;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use self::fields::Differing;
use super::super::snapshot::{list, text, titled};
use super::super::{Check, Finding, Snapshot, Status, Wanted};
use super::configurations::present;
use super::mends::Mends;
use super::rules::{Covered, of_webhook, rule_operations};
use crate::text::printable;

/// Compares both configurations.
pub(super) fn look(snapshot: &Snapshot, wanted: &Wanted) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut compared = 0;
    for object in &wanted.objects {
        let Some(live) = present(snapshot, object) else {
            continue;
        };
        compared += 1;
        let comparison = Comparison {
            snapshot,
            wanted,
            live,
        };
        findings.extend(comparison.configuration(object));
    }
    if compared == 0 {
        findings.push(Check::Registration.not_seen("there is no configuration to compare"));
    } else if let Some(why) = &wanted.policies.unseen {
        findings.push(
            Check::Registration
                .not_seen(&format!("rules, which follow from the policy: {why}"))
                .why("with --policy they are compared with those of the files that it names"),
        );
    } else if findings.is_empty() {
        let says = match &wanted.commands.fetch {
            None => format!("as {} prints it", wanted.commands.manifests()),
            Some(_) => "as distrogate manifests prints it for what is mounted".to_owned(),
        };
        findings.push(Check::Registration.ok(says));
    }
    findings
}

/// One configuration as it is.
struct Comparison<'a> {
    snapshot: &'a Snapshot,
    wanted: &'a Wanted,
    live: &'a Value,
}

impl Comparison<'_> {
    fn configuration(&self, object: &Value) -> Vec<Finding> {
        let live = list(self.live, "/webhooks");
        let position = |name: &str| live.iter().position(|one| text(one, "/name") == name);
        let mut findings = Vec::new();
        for webhook in list(object, "/webhooks") {
            let name = text(webhook, "/name");
            match position(name).and_then(|number| Some((number, live.get(number)?))) {
                Some((number, live)) => findings.extend(self.webhook(number, live, webhook)),
                None => findings.push(self.missing(webhook)),
            }
        }
        if self.wanted.policies.unseen.is_some() {
            // a policy may have webhooks of its own
            return findings;
        }
        for (number, webhook) in live.iter().enumerate() {
            let name = text(webhook, "/name");
            let is_wanted = |one: &Value| text(one, "/name") == name;
            if !list(object, "/webhooks").iter().any(is_wanted) {
                findings.push(self.beyond(number, name));
            }
        }
        findings
    }

    fn missing(&self, webhook: &Value) -> Finding {
        let mut add = webhook.clone();
        // it trusts what the others do
        let bundle = text(self.live, "/webhooks/0/clientConfig/caBundle");
        if let Some(way) = add.get_mut("clientConfig").and_then(Value::as_object_mut)
            && !bundle.is_empty()
        {
            way.insert("caBundle".to_owned(), bundle.into());
        }
        if let Some(fields) = add.as_object_mut()
            && !self.snapshot.knows_conditions()
        {
            fields.remove("matchConditions");
        }
        let has_others = self.live.pointer("/webhooks/0").is_some();
        let add = || self.wanted.commands.add_webhook(self.live, &add);
        self.finding(Status::Error, text(webhook, "/name"), "", "is not there")
            .why("what it asks about is not looked at")
            .mend_if(if has_others {
                Some(add())
            } else {
                let Self {
                    snapshot, wanted, ..
                } = *self;
                Mends { snapshot, wanted }.configurations()
            })
    }

    fn beyond(&self, number: usize, name: &str) -> Finding {
        let remove = vec![json!({"op": "remove", "path": ""})];
        self.finding(Status::Error, name, "", "is not one of ours")
            .why("it asks this server about what nobody meant it to be asked about")
            .mend(
                self.wanted
                    .commands
                    .patch_webhook(self.live, number, remove),
            )
    }

    fn webhook(&self, number: usize, live: &Value, wanted: &Value) -> Vec<Finding> {
        let name = text(wanted, "/name");
        let mut findings = Vec::new();
        for Differing {
            field,
            status,
            says,
            why,
        } in fields::differing(live, wanted)
        {
            let mend = self.set(number, &format!("/{field}"), wanted.get(field));
            let finding = self.finding(status, name, field, &says);
            findings.push(finding.why(why).mend(mend));
        }
        findings.extend(self.way(number, live, wanted));
        findings.extend(self.conditions(number, live, wanted));
        if self.wanted.policies.unseen.is_none() {
            findings.extend(self.rules(number, live, wanted));
        }
        findings
    }

    /// Where it calls; the certificates aside.
    fn way(&self, number: usize, live: &Value, wanted: &Value) -> Option<Finding> {
        let without_bundle = |webhook: &Value| {
            let mut way = webhook.get("clientConfig").cloned().unwrap_or_default();
            if let Some(way) = way.as_object_mut() {
                way.remove("caBundle");
            }
            way
        };
        let (is, has_to_be) = (without_bundle(live), without_bundle(wanted));
        if is == has_to_be {
            return None;
        }
        let operations = ["service", "url"].iter().filter_map(|field| {
            let path = format!("/clientConfig/{field}");
            match (is.get(field), has_to_be.get(field)) {
                (is, Some(wanted)) if is != Some(wanted) => {
                    Some(json!({"op": "add", "path": path, "value": wanted}))
                }
                (Some(_), None) => Some(json!({"op": "remove", "path": path})),
                _ => None,
            }
        });
        let commands = &self.wanted.commands;
        let mend = commands.patch_webhook(self.live, number, operations.collect());
        let says = fields::told(Some(&is), Some(&has_to_be));
        let finding = self.finding(Status::Error, text(wanted, "/name"), "clientConfig", &says);
        Some(
            finding
                .why("another server is asked, or another question")
                .mend(mend),
        )
    }

    fn conditions(&self, number: usize, live: &Value, wanted: &Value) -> Option<Finding> {
        // an older API server keeps nothing that it does not know
        if !self.snapshot.knows_conditions() {
            return None;
        }
        let field = "matchConditions";
        let conditions = |webhook: &Value| -> BTreeSet<(String, String)> {
            let all = list(webhook, "/matchConditions").iter();
            let pair = |one: &Value| {
                (
                    text(one, "/name").to_owned(),
                    text(one, "/expression").to_owned(),
                )
            };
            all.map(pair).collect()
        };
        let (is, has_to_be) = (conditions(live), conditions(wanted));
        if is == has_to_be {
            return None;
        }
        let names = |set: &BTreeSet<(String, String)>, but: &BTreeSet<(String, String)>| {
            let has = |wanted: &str| but.iter().any(|(name, _)| name == wanted);
            let names = set.iter().map(|(name, _)| printable(name, 63));
            names
                .filter(|name| !has(name))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut told = Vec::new();
        for (verb, names) in [
            ("lacks", names(&has_to_be, &is)),
            ("has beyond it", names(&is, &has_to_be)),
        ] {
            if !names.is_empty() {
                told.push(format!("{verb} {names}"));
            }
        }
        if told.is_empty() {
            told.push("has another expression".to_owned());
        }
        let finding = self.finding(
            Status::Error,
            text(wanted, "/name"),
            field,
            &told.join(" and "),
        );
        Some(
            finding
                .why("more is asked about than depends on the server, or less than it protects")
                .mend(self.set(number, "/matchConditions", wanted.get(field))),
        )
    }

    fn rules(&self, number: usize, live: &Value, wanted: &Value) -> Option<Finding> {
        let (is, has_to_be) = (of_webhook(live), of_webhook(wanted));
        if is == has_to_be {
            return None;
        }
        let names = |covered: &BTreeSet<Covered>| -> BTreeSet<String> {
            covered.iter().map(Covered::name).collect()
        };
        let (asked, has_to_ask) = (names(&is), names(&has_to_be));
        let joined = |names: Vec<&String>| {
            let names: Vec<_> = names.into_iter().map(|name| printable(name, 128)).collect();
            names.join(", ")
        };
        let mut told = Vec::new();
        for (words, names) in [
            (
                "does not ask about",
                joined(has_to_ask.difference(&asked).collect()),
            ),
            (
                "asks, too, about",
                joined(asked.difference(&has_to_ask).collect()),
            ),
        ] {
            if !names.is_empty() {
                told.push(format!("{words} {names}"));
            }
        }
        if told.is_empty() {
            let other: BTreeSet<_> = names(&is.symmetric_difference(&has_to_be).cloned().collect());
            let other = joined(other.iter().collect());
            told.push(format!(
                "asks with other versions, operations or scope about {other}"
            ));
        }
        let lacks = has_to_be.difference(&is).next().is_some();
        let why = if lacks {
            "configs in what is not asked about are not looked at"
        } else {
            "what nobody meant to depend on the server depends on it"
        };
        let name = text(wanted, "/name");
        let commands = &self.wanted.commands;
        let operations = rule_operations(list(live, "/rules"), list(wanted, "/rules"));
        Some(
            self.finding(Status::Error, name, "rules", &told.join(", and "))
                .why(why)
                .mend(commands.patch_webhook(self.live, number, operations)),
        )
    }

    fn finding(&self, status: Status, webhook: &str, field: &str, says: &str) -> Finding {
        let dot = if field.is_empty() { "" } else { "." };
        Check::Registration
            .finding(status, says)
            .of(titled(self.live))
            .at(format!("webhooks[{}]{dot}{field}", printable(webhook, 253)))
    }

    fn set(&self, number: usize, path: &str, value: Option<&Value>) -> String {
        let operation = match value {
            Some(value) => json!({"op": "add", "path": path, "value": value}),
            None => json!({"op": "remove", "path": path}),
        };
        self.wanted
            .commands
            .patch_webhook(self.live, number, vec![operation])
    }
}

#[cfg(test)]
mod tests;
