//! Both webhook configurations are there, and no others that call the server.

use serde_json::Value;

use super::super::snapshot::{list, text, titled};
use super::super::{Check, Finding, Seen, Snapshot, Status, Wanted};
use super::mends::Mends;
use crate::cluster::Backend;

/// The domain of our names.
const DOMAIN: &str = ".distrogate.io";

/// Whether neither of the configurations is there.
pub(super) fn is_absent(snapshot: &Snapshot, wanted: &Wanted) -> bool {
    let is_seen = [&snapshot.validating, &snapshot.mutating]
        .iter()
        .all(|seen| matches!(seen, Seen::Is(_)));
    is_seen
        && wanted
            .objects
            .iter()
            .all(|one| present(snapshot, one).is_none())
}

/// Looks which configurations there are.
pub(super) fn look(snapshot: &Snapshot, wanted: &Wanted) -> Vec<Finding> {
    let check = Check::Configurations;
    let mut findings = Vec::new();
    if is_absent(snapshot, wanted) {
        let titles = wanted.objects.each_ref().map(titled).join(" nor ");
        findings.push(
            check
                .error(format!("not installed: there is neither {titles}"))
                .why("the API server asks nobody: nothing is refused, and nothing gets defaults")
                .mend_if(Mends { snapshot, wanted }.install()),
        );
    } else {
        for object in &wanted.objects {
            findings.push(one(snapshot, wanted, object));
        }
    }
    let others = snapshot.configurations().filter(|one| {
        let is_wanted = |object: &Value| titled(object) == titled(one);
        calls_us(one, wanted) && !wanted.objects.iter().any(is_wanted)
    });
    findings.extend(others.map(|one| left_over(one, wanted)));
    findings
}

/// The configuration of that kind and name as it is.
pub(super) fn present<'s>(snapshot: &'s Snapshot, object: &Value) -> Option<&'s Value> {
    snapshot.configuration(text(object, "/kind"), text(object, "/metadata/name"))
}

fn one(snapshot: &Snapshot, wanted: &Wanted, object: &Value) -> Finding {
    let check = Check::Configurations;
    let validates = text(object, "/kind").starts_with("Validating");
    let seen = if validates {
        &snapshot.validating
    } else {
        &snapshot.mutating
    };
    let title = titled(object);
    if let Some(hidden) = seen.hidden() {
        return check.not_seen(hidden).of(title);
    }
    if let Some(present) = present(snapshot, object) {
        let webhooks = list(present, "/webhooks").len();
        let plural = if webhooks == 1 { "" } else { "s" };
        return check
            .ok(format!("is there, with {webhooks} webhook{plural}"))
            .of(title);
    }
    check
        .error("is not there")
        .of(title)
        .why(if validates {
            "the API server asks nobody whether a config is right: nothing is refused"
        } else {
            "nothing gets defaults, and nobody is told"
        })
        .mend_if(Mends { snapshot, wanted }.configurations())
}

/// Whether a webhook is ours by its name.
pub(super) fn is_ours(webhook: &str) -> bool {
    webhook.ends_with(DOMAIN)
}

/// Whether a configuration is ours by the names of its webhooks, or by whom they call.
fn calls_us(configuration: &Value, wanted: &Wanted) -> bool {
    list(configuration, "/webhooks").iter().any(|webhook| {
        let service = |field: &str| text(webhook, &format!("/clientConfig/service/{field}"));
        let is_our_service = match &wanted.backend {
            Backend::Service {
                namespace,
                name,
                port: _,
            } => service("namespace") == namespace && service("name") == name,
            Backend::Url(_) => false,
        };
        is_our_service || is_ours(text(webhook, "/name"))
    })
}

fn left_over(configuration: &Value, wanted: &Wanted) -> Finding {
    let fails = list(configuration, "/webhooks")
        .iter()
        .any(|webhook| text(webhook, "/failurePolicy") == "Fail");
    let (status, why) = if fails {
        let why = "what it asks about is refused while no server answers it";
        (Status::Error, why)
    } else {
        (
            Status::Warning,
            "every write that it asks about waits for it",
        )
    };
    let kind = text(configuration, "/kind").to_lowercase();
    let name = text(configuration, "/metadata/name");
    Check::Configurations
        .finding(
            status,
            "is left over: it calls this server, and belongs to no installation",
        )
        .of(titled(configuration))
        .why(why)
        .mend(wanted.commands.kubectl(&format!("delete {kind} {name}")))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::json;

    use super::super::super::{Hidden, Right};
    use super::super::testing::{installed, snapshot, told, wanted};
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let snapshot = installed();
        assert_snapshot!(told(&look(&snapshot, &wanted())), @"
        ok: ValidatingWebhookConfiguration validate.distrogate.io is there, with 3 webhooks
        ok: MutatingWebhookConfiguration mutate.distrogate.io is there, with 1 webhook
        ");
        let mut without = snapshot.clone();
        without.validating = Seen::Is(Vec::new());
        assert_snapshot!(told(&look(&without, &wanted())), @"
        error: ValidatingWebhookConfiguration validate.distrogate.io is not there
          why: the API server asks nobody whether a config is right: nothing is refused
          mend: kubectl get mutatingwebhookconfiguration mutate.distrogate.io -o 'jsonpath={.webhooks[0].clientConfig.caBundle}' | base64 -d | distrogate manifests --ca-file /dev/stdin | kubectl apply -f -
        ok: MutatingWebhookConfiguration mutate.distrogate.io is there, with 1 webhook
        ");
        without.mutating = Seen::Is(Vec::new());
        assert!(is_absent(&without, &wanted()));
        assert_snapshot!(told(&look(&without, &wanted())), @"
        error: not installed: there is neither ValidatingWebhookConfiguration validate.distrogate.io nor MutatingWebhookConfiguration mutate.distrogate.io
          why: the API server asks nobody: nothing is refused, and nothing gets defaults
          mend: kubectl apply -k certs/cert-manager
        ");
    }

    #[test]
    fn what_is_left_over_is_named() {
        let mut snapshot = installed();
        let old = |name: &str, policy: &str, service: &str| {
            json!({
                "kind": "MutatingWebhookConfiguration",
                "metadata": {"name": name},
                "webhooks": [{
                    "name": "x.example",
                    "failurePolicy": policy,
                    "clientConfig": {
                        "service": {"namespace": "distrogate-system", "name": service},
                    },
                }],
            })
        };
        let Seen::Is(mutating) = &mut snapshot.mutating else {
            panic!("an installation");
        };
        mutating.push(old("older", "Fail", "distrogate"));
        mutating.push(old("oldest", "Ignore", "distrogate"));
        mutating.push(old("somebodys", "Fail", "other"));
        assert_snapshot!(told(&look(&snapshot, &wanted())[2..]), @"
        error: MutatingWebhookConfiguration older is left over: it calls this server, and belongs to no installation
          why: what it asks about is refused while no server answers it
          mend: kubectl delete mutatingwebhookconfiguration older
        warning: MutatingWebhookConfiguration oldest is left over: it calls this server, and belongs to no installation
          why: every write that it asks about waits for it
          mend: kubectl delete mutatingwebhookconfiguration oldest
        ");
    }

    #[test]
    fn what_may_not_be_seen_is_not_missing() {
        let mut snapshot = snapshot();
        let right = Right {
            verb: "list",
            resource: "validatingwebhookconfigurations.admissionregistration.k8s.io".to_owned(),
            namespace: None,
        };
        snapshot.validating = Seen::Hidden(Hidden::Forbidden(right));
        assert!(!is_absent(&snapshot, &wanted()));
        assert_snapshot!(told(&look(&snapshot, &wanted())[..1]), @"not-seen: ValidatingWebhookConfiguration validate.distrogate.io needs the right to list validatingwebhookconfigurations.admissionregistration.k8s.io");
    }
}
