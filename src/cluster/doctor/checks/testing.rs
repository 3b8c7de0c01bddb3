//! An installation that is as it should be, for tests to break.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::super::{
    Behind, Commands, Endpoint, Finding, Labels, Policies, Seen, Snapshot, Wanted, Workload,
};
use crate::certs::{Authority, Names};
use crate::cluster::{Backend, FailurePolicies, Registration};
use crate::policy::Policy;

/// The name that the API server calls.
pub(super) const NAME: &str = "distrogate.distrogate-system.svc";

/// A good deal of days after the epoch.
pub(super) fn now() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::days(20_000)
}

/// Findings as text.
pub(super) fn told(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let words = [&finding.object, &finding.field, &finding.says];
        let words: Vec<_> = words.into_iter().filter(|one| !one.is_empty()).collect();
        let words: Vec<_> = words.into_iter().map(String::as_str).collect();
        writeln!(text, "{}: {}", finding.status.word(), words.join(" ")).unwrap();
        for (label, line) in [("why", &finding.why), ("mend", &finding.mend)] {
            if let Some(line) = line {
                writeln!(text, "  {label}: {line}").unwrap();
            }
        }
    }
    text
}

/// What `distrogate manifests` prints.
pub(super) fn registration(ca_bundle: Option<String>) -> [Value; 2] {
    let registration = Registration {
        backend: backend(),
        ca_bundle,
        failure_policies: FailurePolicies {
            validate: "Fail",
            mutate: "Ignore",
        },
        timeout: 5,
        exempt: vec!["kube-system".to_owned(), "distrogate-system".to_owned()],
    };
    registration.objects(&Policy::built_in()).unwrap()
}

fn backend() -> Backend {
    Backend::Service {
        namespace: "distrogate-system".to_owned(),
        name: "distrogate".to_owned(),
        port: 443,
    }
}

/// How it should be.
pub(super) fn wanted() -> Wanted {
    Wanted {
        backend: backend(),
        namespace: "distrogate-system".to_owned(),
        objects: registration(None),
        authorities: Vec::new(),
        policies: Policies {
            mounted: Some(Ok("00000000000000aa".to_owned())),
            files: None,
            paths: String::new(),
            is_same: None,
            unseen: None,
        },
        commands: Commands {
            kubectl: "kubectl".to_owned(),
            helm: "helm".to_owned(),
            manifests: "distrogate manifests".to_owned(),
            policies: String::new(),
            fetch: None,
            ca_file: None,
        },
    }
}

/// A cluster without anything in it.
pub(super) fn snapshot() -> Snapshot {
    Snapshot {
        now: now(),
        ahead: Duration::ZERO,
        version: "v1.33.4".to_owned(),
        minor: 33,
        validating: Seen::Is(Vec::new()),
        mutating: Seen::Is(Vec::new()),
        namespaces: ["kube-system", "distrogate-system"]
            .map(|name| (name.to_owned(), Seen::Is(named(name))))
            .into(),
        behind: None,
        served: Seen::Absent,
        workloads: Seen::Is(Vec::new()),
        canaries: Vec::new(),
    }
}

/// The label that every namespace has.
pub(super) fn named(name: &str) -> Labels {
    [("kubernetes.io/metadata.name".to_owned(), name.to_owned())].into()
}

/// An installation.
pub(super) fn installed() -> Snapshot {
    let mut snapshot = snapshot();
    let authority = Authority::generate(now()).unwrap();
    serve(&mut snapshot, &authority, NAME, 365);
    trust(&mut snapshot, &authority.certificate_pem());
    let labels = json!({"app.kubernetes.io/name": "distrogate"});
    snapshot.behind = Some(Behind {
        service: read(json!({
            "metadata": {"name": "distrogate", "namespace": "distrogate-system"},
            "spec": {
                "selector": labels,
                "ports": [{"name": "https", "port": 443, "targetPort": "https"}],
            },
        })),
        endpoints: Seen::Is(["10.0.0.1", "10.0.0.2"].map(endpoint).into()),
        deployments: read(json!([deployment(2)])),
        pods: read(json!([pod("a", "node-1"), pod("b", "node-2")])),
        budgets: read(json!([budget(&json!({"minAvailable": 1}))])),
        pages: BTreeMap::from(["a", "b"].map(|name| {
            let page = "[+]policy ok: revision 00000000000000aa\n[+]draining ok: no\n";
            (name.to_owned(), Seen::Is(page.to_owned()))
        })),
        mounted: Seen::Is(Vec::new()),
    });
    snapshot.workloads = Seen::Is(vec![Workload {
        object: "StatefulSet team-a/dev".to_owned(),
        chart: "vcluster-0.30.4".to_owned(),
    }]);
    snapshot
}

/// Lets the server show a certificate of an authority.
pub(super) fn serve(snapshot: &mut Snapshot, authority: &Authority, name: &str, days: u16) {
    let names = Names {
        dns: vec![name.parse().unwrap()],
        ip: Vec::new(),
    };
    let leaf = authority.issue(&names, now(), days).unwrap();
    snapshot.served = Seen::Is(leaf.chain());
}

/// Registers with these certificates.
pub(super) fn trust(snapshot: &mut Snapshot, pem: &str) {
    let [validating, mutating] = registration(Some(pem.to_owned()));
    snapshot.validating = Seen::Is(vec![validating]);
    snapshot.mutating = Seen::Is(vec![mutating]);
}

/// Changes the webhooks of a configuration.
pub(super) fn change(snapshot: &mut Snapshot, which: &str, change: impl FnOnce(&mut Value)) {
    let seen = match which {
        "validating" => &mut snapshot.validating,
        _ => &mut snapshot.mutating,
    };
    let Seen::Is(all) = seen else {
        panic!("no configurations");
    };
    change(&mut all[0]["webhooks"]);
}

/// What is there as a typed object.
pub(super) fn read<T: serde::de::DeserializeOwned>(object: Value) -> Seen<T> {
    Seen::Is(serde_json::from_value(object).unwrap())
}

/// An address that is ready.
pub(super) fn endpoint(address: &str) -> Endpoint {
    Endpoint {
        address: address.to_owned(),
        is_ready: true,
    }
}

/// A Deployment that is up to date.
pub(super) fn deployment(replicas: u32) -> Value {
    let labels = json!({"app.kubernetes.io/name": "distrogate"});
    let ports = json!([
        {"name": "https", "containerPort": 8443}, {"name": "admin", "containerPort": 8080},
    ]);
    json!({
        "metadata": {"name": "distrogate", "namespace": "distrogate-system"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "priorityClassName": "distrogate",
                    "containers": [{"name": "distrogate", "args": ["serve"], "ports": ports}],
                },
            },
        },
        "status": {"availableReplicas": replicas, "readyReplicas": replicas},
    })
}

/// A Pod that is ready.
pub(super) fn pod(name: &str, node: &str) -> Value {
    let mut pod = deployment(1)["spec"]["template"].take();
    pod["metadata"]["name"] = json!(name);
    pod["spec"]["nodeName"] = json!(node);
    pod["status"] = json!({"conditions": [{"type": "Ready", "status": "True"}]});
    pod
}

/// A budget of the Deployment's Pods.
pub(super) fn budget(bounds: &Value) -> Value {
    let mut spec = bounds.clone();
    spec["selector"] = json!({"matchLabels": {"app.kubernetes.io/name": "distrogate"}});
    json!({"metadata": {"name": "distrogate", "namespace": "distrogate-system"}, "spec": spec})
}

/// PEM as it is in a configuration.
pub(super) fn bundle(pem: &str) -> Value {
    json!(STANDARD.encode(pem))
}
