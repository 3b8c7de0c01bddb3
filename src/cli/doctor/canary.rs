//! Objects that nobody would want, and what should become of them under a policy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::admission::{Endpoint, Operation};
use crate::carrier::RECORD;
use crate::cli::gate_args::GateArgs;
use crate::cli::objects;
use crate::cluster::doctor::{Bait, Expected};
use crate::gate::{self, Cluster, Decision, Verdict};
use crate::policy::{Action, Policy};

/// A chart that is known.
const CHART: &str = "0.30.4";
/// What the names of all of them have in them.
const NAME: &str = "distrogate-canary";
/// A record of a value that was never put in.
const LIE: &str = r#"{"":{"controlPlane.distro.k8s.image.tag":"distrogate-canary"}}"#;

/// What to ask for: two distros in a Secret and in a HelmRelease, and a HelmRelease whose record
/// of defaults is a lie, which nobody but the mutating webhook takes out.
pub(super) fn baits(
    namespace: &str,
    policy: &Policy,
    unseen: Option<&str>,
    gate: &GateArgs,
) -> anyhow::Result<Vec<Bait>> {
    let cluster = gate.cluster()?;
    let doubt = doubt(namespace, policy, unseen, &cluster);
    let two = json!({"controlPlane": {"distro": {
        "k3s": {"enabled": true},
        "k8s": {"enabled": true},
    }}});
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": format!("vc-config-{NAME}"),
            "namespace": namespace,
            "labels": {"app": "vcluster", "chart": format!("vcluster-{CHART}"), "release": NAME},
        },
        "data": {"config.yaml": STANDARD.encode(two.to_string())},
    });
    let bad = release(NAME, namespace, &two, &json!({}));
    let annotations = json!({RECORD: LIE});
    let values = json!({"controlPlane": {"distro": {"k8s": {"enabled": true}}}});
    let liar = release(
        &format!("{NAME}-defaults"),
        namespace,
        &values,
        &annotations,
    );

    let mut baits = Vec::new();
    for (object, is_secret) in [(secret, true), (bad, false)] {
        let verdict = review(&object, Endpoint::Validate, policy, &cluster)?;
        let expected = expected(&verdict);
        baits.push(bait(object, is_secret, expected, doubt.clone()));
    }
    let verdict = review(&liar, Endpoint::Mutate, policy, &cluster)?;
    if verdict.decision == Decision::Patched {
        let expected = Expected::Changed {
            annotation: RECORD,
            lie: LIE.to_owned(),
        };
        baits.push(bait(liar, false, expected, doubt));
    }
    Ok(baits)
}

/// Why it is not certain what should become of them: the API server says neither who one is to it
/// nor, without a right, what labels a namespace has.
fn doubt(
    namespace: &str,
    policy: &Policy,
    unseen: Option<&str>,
    cluster: &Cluster,
) -> Option<String> {
    let knows_labels = cluster.namespace_labels.contains_key(namespace);
    let undecided = policy.undecided_in(namespace, knows_labels);
    unseen.map(str::to_owned).or_else(|| {
        (!undecided.is_empty()).then(|| {
            format!(
                "users, groups or the labels of {namespace} decide over {}",
                undecided.join(", ")
            )
        })
    })
}

fn bait(object: Value, is_secret: bool, expected: Expected, doubt: Option<String>) -> Bait {
    let (group, versions, resource): (_, &[_], _) = if is_secret {
        ("", &["v1"], "secrets")
    } else {
        ("helm.toolkit.fluxcd.io", &["v2", "v2beta2"], "helmreleases")
    };
    Bait {
        group,
        versions,
        resource,
        object,
        expected,
        doubt,
    }
}

fn release(name: &str, namespace: &str, values: &Value, annotations: &Value) -> Value {
    json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "spec": {
            "interval": "10m",
            "chart": {"spec": {
                "chart": "vcluster",
                "version": CHART,
                "sourceRef": {"kind": "HelmRepository", "name": NAME},
            }},
            "values": values,
        },
    })
}

/// What the server would say.
fn review(
    object: &Value,
    endpoint: Endpoint,
    policy: &Policy,
    cluster: &Cluster,
) -> anyhow::Result<Verdict> {
    let raw: Box<RawValue> = serde_json::value::to_raw_value(object)?;
    let mut request = objects::request(object);
    request.operation = Operation::Create;
    request.object = Some(&raw);
    Ok(gate::review(&request, endpoint, policy, cluster))
}

fn expected(verdict: &Verdict) -> Expected {
    let mut findings = verdict.findings();
    if verdict.decision == Decision::Denied {
        Expected::Refused
    } else if findings.any(|one| one.rule == "only-one-distro" && one.action == Action::Warn) {
        Expected::Warned
    } else {
        Expected::Silence
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::vcluster::Catalogue;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        gate: GateArgs,
    }

    fn expectations(policy: &Policy) -> Vec<Expected> {
        let Cli { gate } = Cli::try_parse_from(["doctor"]).unwrap();
        let baits = baits("default", policy, None, &gate).unwrap();
        baits.into_iter().map(|bait| bait.expected).collect()
    }

    #[test]
    fn what_depends_on_who_asks_is_not_certain() {
        let doubts = |matching: &str| {
            let text = format!(
                "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {{name: team}}\n\
                 spec: {{match: {{{matching}}}, enforcement: Audit}}\n"
            );
            let policy = Policy::parse(&text, Catalogue::embedded()).unwrap();
            let Cli { gate } = Cli::try_parse_from(["doctor"]).unwrap();
            let baits = baits("default", &policy, None, &gate).unwrap();
            let mut doubts: Vec<_> = baits.into_iter().map(|bait| bait.doubt).collect();
            doubts.dedup();
            doubts
        };
        let doubt = "users, groups or the labels of default decide over team".to_owned();
        for (matching, expected) in [
            ("", None),
            ("namespaces: [default]", None),
            ("users: [ann], namespaces: [team-*]", None),
            ("users: [ann]", Some(&doubt)),
            ("groups: [ops]", Some(&doubt)),
            (
                "namespaceSelector: {matchLabels: {judged: \"no\"}}",
                Some(&doubt),
            ),
        ] {
            assert_eq!(doubts(matching), [expected.cloned()], "{matching}");
        }
    }

    #[test]
    fn what_is_expected_follows_the_enforcement() {
        let changed = Expected::Changed {
            annotation: RECORD,
            lie: LIE.to_owned(),
        };
        for (cap, expected) in [
            (Action::Deny, Expected::Refused),
            (Action::Warn, Expected::Warned),
            (Action::Audit, Expected::Silence),
        ] {
            assert_eq!(
                expectations(&Policy::built_in().capped(cap)),
                [expected.clone(), expected, changed.clone()]
            );
        }
    }
}
