//! `wrong-type`: a value of another type than the chart's schema gives it.
//!
//! Helm refuses it by the schema. Where that check is skipped it is worse: a template takes the
//! string `"false"` for true, and `1.30` becomes the version 1.3.

use super::{Context, Example, FINDINGS_OF_A_RULE, Finding, Page, Rule, schema};
use crate::policy::Action;
use crate::values::{Data, Node};
use crate::vcluster::{Field, FieldType};

pub(super) const RULE: Rule = Rule {
    id: "wrong-type",
    action: Action::Deny,
    about: "a value of another type than the chart accepts",
    page: Page {
        why: "Go reads `\"false\"` as a text, `1.30` as the number 1.3 and `yes` as true. The \
              chart's schema refuses the wrong type, or a template takes it for something else: a \
              text is true, whatever it says.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      version: 1.30\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      version: v1.34.0\n",
        ),
        fix: "Quote what has to be a text, and leave the quotes from booleans.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let chart = &context.config.chart;
    schema::walk(context.config, &mut |written| {
        let value = &written.entry.value;
        if findings.len() >= FINDINGS_OF_A_RULE
            || written.is_unknown()
            || written
                .accepted
                .iter()
                .any(|field| field.takes(&value.data))
        {
            return;
        }
        let Some(wanted) = written.accepted.first() else {
            return;
        };
        let words = match wanted {
            Field::Leaf(kind) => kind.words(),
            Field::Map { .. } => "a map",
        };
        let key = written.key();
        let printable = is_printable(&key);
        let mut finding = Finding::new(
            written.value_place(),
            format!("has to be {words}, found {}", found(value, printable)),
        )
        .evidence(value.to_json());
        if let Some(fix) = fix(wanted, value, &key, printable) {
            finding = finding.fix(fix);
        }
        findings.push(if chart.is_certain() {
            finding
        } else {
            finding.at_most(Action::Warn)
        });
    });
}

/// Leaves whose values may appear in messages; everything else is named by its type only.
fn is_printable(key: &str) -> bool {
    matches!(
        key,
        "enabled"
            | "version"
            | "registry"
            | "repository"
            | "tag"
            | "imagePullPolicy"
            | "defaultImageRegistry"
    )
}

fn found(value: &Node, printable: bool) -> String {
    let shown = |text: &str| crate::text::printable(text, 40);
    match (&value.data, printable) {
        (Data::String(text), true) => format!("the string \"{}\"", shown(text)),
        (Data::Number(number), true) => match &value.plain {
            Some(plain) if **plain != number.to_string() => {
                format!("the number {number} (written {})", shown(plain))
            }
            _ => format!("the number {number}"),
        },
        (Data::Bool(bool), true) => match &value.plain {
            Some(plain) if **plain != bool.to_string() => {
                format!("the boolean {bool} (written {})", shown(plain))
            }
            _ => format!("the boolean {bool}"),
        },
        (data, _) => format!("a {}", data.type_name()),
    }
}

fn fix(wanted: &Field, value: &Node, key: &str, printable: bool) -> Option<String> {
    let Field::Leaf(wanted) = wanted else {
        return map_fix(key);
    };
    match (wanted, &value.data) {
        (FieldType::String, Data::Number(_)) if key == "version" || key == "tag" => Some(format!(
            "write it whole and in quotes, as {key}: \"v1.33.4\" (without them 1.30 is the number 1.3)"
        )),
        (FieldType::String, Data::Number(_) | Data::Bool(_)) if printable => {
            let text = value
                .plain
                .as_deref()
                .map_or_else(|| value.to_json().to_string(), str::to_owned);
            Some(format!(
                "put it in quotes, {key}: \"{}\"",
                crate::text::printable(&text, 40)
            ))
        }
        (FieldType::String, Data::Number(_) | Data::Bool(_)) => Some("put it in quotes".to_owned()),
        (FieldType::Boolean, Data::String(text)) => Some(match &*text.to_ascii_lowercase() {
            "true" | "yes" | "on" => format!("write {key}: true without quotes"),
            "false" | "no" | "off" => format!("write {key}: false without quotes"),
            _ => format!("write {key}: true or {key}: false"),
        }),
        (FieldType::Strings, _) => Some(format!("write a list, as {key}: [\"--v=2\"]")),
        _ => None,
    }
}

/// What a map looks like that something else stands in place of.
fn map_fix(key: &str) -> Option<String> {
    match key {
        "distro" => Some("write a map, as distro: {k8s: {enabled: true}}".to_owned()),
        "k8s" | "k3s" | "k0s" => Some(format!("write a map, as {key}: {{enabled: true}}")),
        "image" => Some("write a map, as image: {registry: …, repository: …, tag: …}".to_owned()),
        _ => None,
    }
}
