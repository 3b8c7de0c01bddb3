//! What other webhooks of the cluster can do to the server and to what it judges. Told only where
//! it is certain, and never as a fault: they are somebody else's.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::snapshot::{Labels, list, text, titled};
use super::super::{Check, Finding, Snapshot, Wanted, selector};
use super::configurations::present;
use super::rules::{Covered, of_webhook};
use crate::text::printable;

/// Looks at what is not ours.
pub(super) fn look(snapshot: &Snapshot, wanted: &Wanted) -> Vec<Finding> {
    let check = Check::OtherWebhooks;
    let is_ours = |one: &&Value| {
        wanted
            .objects
            .iter()
            .any(|object| titled(object) == titled(one))
    };
    let others: Vec<_> = snapshot
        .configurations()
        .filter(|one| !is_ours(one))
        .collect();
    let mut findings = Vec::new();
    for configuration in &others {
        for webhook in list(configuration, "/webhooks") {
            let name = printable(text(webhook, "/name"), 253);
            let found = [
                before_our_pods(snapshot, wanted, webhook),
                after_us(snapshot, wanted, configuration, webhook),
            ];
            let found = found.into_iter().flatten();
            findings.extend(found.map(|one| {
                one.of(titled(configuration))
                    .at(format!("webhooks[{name}]"))
            }));
        }
    }
    for seen in [&snapshot.validating, &snapshot.mutating] {
        findings.extend(seen.hidden().map(|why| check.not_seen(why)));
    }
    if findings.is_empty() {
        findings.push(check.ok(match others.len() {
            0 => "there are none".to_owned(),
            1 => "1 configuration, which does nothing to the server".to_owned(),
            count => format!("{count} configurations, which do nothing to the server"),
        }));
    }
    findings
}

/// A webhook that our Pods do not start without.
fn before_our_pods(snapshot: &Snapshot, wanted: &Wanted, webhook: &Value) -> Option<Finding> {
    let asks = of_webhook(webhook)
        .iter()
        .any(|one| one.covers_new("", "pods"));
    // Fail is what counts if nothing is said
    let is_open = text(webhook, "/failurePolicy") == "Ignore";
    if !asks || is_open || !list(webhook, "/matchConditions").is_empty() {
        return None;
    }
    let namespace = snapshot.namespaces.get(&wanted.namespace)?.is()?;
    let deployments = snapshot.behind.as_ref()?.deployments.is()?;
    let template = &deployments.first()?.spec.as_ref()?.template;
    let labels = template
        .metadata
        .as_ref()?
        .labels
        .clone()
        .unwrap_or_default();
    let takes = |field: &str, labels: &Labels| {
        selector::matches(webhook.get(field).unwrap_or(&Value::Null), labels)
    };
    (takes("namespaceSelector", namespace) && takes("objectSelector", &labels)).then(|| {
        Check::OtherWebhooks
            .info("is asked about the server's own Pods, and fails closed")
            .why("while nobody answers there, no Pod of the server starts")
    })
}

/// A webhook that may change objects after defaults went in.
fn after_us(
    snapshot: &Snapshot,
    wanted: &Wanted,
    configuration: &Value,
    webhook: &Value,
) -> Option<Finding> {
    let [_, ours] = &wanted.objects;
    let ours = present(snapshot, ours)?;
    // in the order of their names
    let is_later = text(configuration, "/kind") == text(ours, "/kind")
        && text(configuration, "/metadata/name") > text(ours, "/metadata/name");
    let is_wide = ["objectSelector", "namespaceSelector"]
        .iter()
        .all(|field| selector::is_open(webhook.get(*field).unwrap_or(&Value::Null)));
    if !is_later || !is_wide || !list(webhook, "/matchConditions").is_empty() {
        return None;
    }
    let theirs = of_webhook(webhook);
    let both: BTreeSet<_> = list(ours, "/webhooks")
        .iter()
        .flat_map(of_webhook)
        .filter(|one| {
            theirs
                .iter()
                .any(|other| other.covers_new(&one.group, &one.resource))
        })
        .map(|one: Covered| one.name())
        .collect();
    if both.is_empty() {
        return None;
    }
    let both: Vec<_> = both.into_iter().collect();
    Some(
        Check::OtherWebhooks
            .info(format!("is asked after ours about {}", both.join(", ")))
            .why(
                "what it changes is judged, and where reinvocationPolicy is IfNeeded the defaults \
                 are looked at once more",
            ),
    )
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::json;

    use super::super::super::Seen;
    use super::super::testing::{installed, told, wanted};
    use super::*;

    fn with(kind: &str, name: &str, webhook: &Value) -> String {
        let mut snapshot = installed();
        let all = if kind.starts_with("Mutating") {
            &mut snapshot.mutating
        } else {
            &mut snapshot.validating
        };
        let Seen::Is(all) = all else {
            panic!("an installation");
        };
        all.push(json!({"kind": kind, "metadata": {"name": name}, "webhooks": [webhook]}));
        told(&look(&snapshot, &wanted()))
    }

    fn webhook(group: &str, resource: &str) -> Value {
        json!({"name": "x.example", "failurePolicy": "Fail", "rules": [{
            "apiGroups": [group], "apiVersions": ["*"], "operations": ["*"],
            "resources": [resource],
        }]})
    }

    #[test]
    fn what_our_pods_wait_for_is_told() {
        assert_snapshot!(told(&look(&installed(), &wanted())), @"ok: there are none");
        let kind = "ValidatingWebhookConfiguration";
        assert_snapshot!(with(kind, "guard", &webhook("", "pods")), @"
        info: ValidatingWebhookConfiguration guard webhooks[x.example] is asked about the server's own Pods, and fails closed
          why: while nobody answers there, no Pod of the server starts
        ");
        let mut open = webhook("", "pods");
        open["failurePolicy"] = json!("Ignore");
        let mut elsewhere = webhook("", "*");
        elsewhere["namespaceSelector"] = json!({"matchLabels": {"guarded": "yes"}});
        let mut uncertain = webhook("*", "*");
        uncertain["matchConditions"] = json!([{"name": "a", "expression": "false"}]);
        for webhook in [open, elsewhere, uncertain, webhook("apps", "deployments")] {
            let told = with(kind, "guard", &webhook);
            assert_eq!(
                told,
                "ok: 1 configuration, which does nothing to the server\n"
            );
        }
    }

    #[test]
    fn what_changes_objects_after_us_is_told() {
        let kind = "MutatingWebhookConfiguration";
        assert_snapshot!(with(kind, "patcher", &webhook("helm.toolkit.fluxcd.io", "helmreleases")), @"
        info: MutatingWebhookConfiguration patcher webhooks[x.example] is asked after ours about helmreleases.helm.toolkit.fluxcd.io
          why: what it changes is judged, and where reinvocationPolicy is IfNeeded the defaults are looked at once more
        ");
        let before = with(
            kind,
            "adder",
            &webhook("helm.toolkit.fluxcd.io", "helmreleases"),
        );
        assert!(before.starts_with("ok: "), "{before}");
    }
}
