//! Servers that manage their own certificates and keep their webhooks registered, at a real API
//! server, with the rights of `cluster::RIGHTS` and no others.
//!
//! Whoever calls a server here verifies it as the API server does: by the `caBundle` that is stored.

mod calls;
mod replicas;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use distrogate::certs::{Overlap, Trust};
use distrogate::cluster::Pace;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use self::calls::{Follower, Load, call};
use self::replicas::{CONFIGURATIONS, NAMESPACE, Replicas};
use crate::harness::process::until;
use crate::support;

/// Generous: on an idle machine everything here takes seconds.
const PATIENCE: Duration = Duration::from_mins(2);

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS: the folder that holds kube-apiserver and etcd"]
fn replicas_share_one_ca_and_get_it_back() {
    let mut replicas = Replicas::prepare(false);
    replicas.install();
    // all at once: nobody waits for the other
    for _ in 0..3 {
        replicas.start();
    }
    replicas.all_are_ready();
    let first = replicas.secret();
    replicas.all_are_trusted();
    assert_eq!(replicas.signers(), 1, "one CA, and no other was made");

    commands_tell_how_it_stands(&replicas);

    // somebody takes it out of one webhook
    let kubectl = replicas.cluster.admin();
    let broken =
        r#"[{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": "TUFBPQ=="}]"#;
    for kind in CONFIGURATIONS {
        let versions = replicas.configuration(kind)["metadata"]["resourceVersion"].clone();
        kubectl.must(
            &["patch", kind[0], kind[1], "--type=json", "-p", broken],
            "",
        );
        let after = replicas.configuration(kind)["metadata"]["resourceVersion"].clone();
        assert_ne!(versions, after);
    }
    replicas.all_are_trusted();

    // somebody deletes it: the servers have it still
    kubectl.must(
        &["-n", NAMESPACE, "delete", "secret", "distrogate-authority"],
        "",
    );
    let again = until("the Secret written again", PATIENCE, || {
        replicas.find_secret()
    });
    assert_eq!(again["data"]["ca.crt"], first["data"]["ca.crt"]);
    replicas.all_are_trusted();

    // somebody damages it: the same, and the log says so
    let damaged = r#"{"data": {"ca.key": "TUFBPQ=="}}"#;
    let patch = [
        "-n",
        NAMESPACE,
        "patch",
        "secret",
        "distrogate-authority",
        "-p",
        damaged,
    ];
    kubectl.must(&patch, "");
    until("the Secret repaired", PATIENCE, || {
        let found = replicas.find_secret()?;
        let same = found["data"]["ca.key"] == first["data"]["ca.key"];
        same.then_some(()).ok_or_else(|| "another key".to_owned())
    });
    replicas.all_are_trusted();

    // all are gone, and so is the Secret: another CA, and that is trusted in the end
    replicas.servers.clear();
    kubectl.must(
        &["-n", NAMESPACE, "delete", "secret", "distrogate-authority"],
        "",
    );
    replicas.start();
    replicas.all_are_ready();
    replicas.all_are_trusted();
    assert_ne!(replicas.secret()["data"]["ca.crt"], first["data"]["ca.crt"]);
    let bundle = replicas.bundle().unwrap();
    assert_eq!(
        bundle.matches("BEGIN").count(),
        2,
        "the one before is trusted still"
    );

    // without an API server reviews are answered, and a newcomer says why it is not ready
    replicas.cluster.stop_api_server();
    let server = &replicas.servers[0];
    call(server.url(), &bundle).unwrap();
    until("a server that misses its API server", PATIENCE, || {
        let told = calls::get(server.admin(), "/readyz?verbose")?;
        let lines = "[+]cluster ok: the API server cannot be reached";
        let says = told.contains(lines) && told.contains("readyz check passed");
        says.then_some(()).ok_or(told)
    });
    call(server.url(), &bundle).unwrap();
    replicas.start();
    let newcomer = &replicas.servers[1];
    let told = calls::get(newcomer.admin(), "/readyz").unwrap();
    assert!(
        told.contains("certificate: none before the CA could be read or made"),
        "{told}"
    );
}

/// `certs show` and `certs verify`, as the administrator.
fn commands_tell_how_it_stands(replicas: &Replicas) {
    let kubeconfig = replicas.cluster.kubeconfig().to_str().unwrap();
    let certs = |arguments: &[&str]| {
        let arguments = [&["certs"], arguments, &["--kubeconfig", kubeconfig]].concat();
        let output = support::run(&arguments);
        let told = support::stdout(&output) + &support::stderr(&output);
        (output.status.code(), told)
    };
    let (code, told) = certs(&["show"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.starts_with("signs: distrogate CA\n  good from "),
        "{told}"
    );
    assert!(!told.contains("PRIVATE"), "{told}");
    let (code, told) = certs(&["show", "--namespace=team-a"]);
    let nothing = "error: no Secret distrogate-authority in namespace team-a: nothing is self-managed \
                   there\n";
    assert_eq!((code, &*told), (Some(3), nothing));

    let url = replicas.servers[0].url();
    let trusted =
        format!("validate.distrogate.io trusts {url}/\nmutate.distrogate.io trusts {url}/\n");
    assert_eq!(certs(&["verify", "--url", url]), (Some(0), trusted));
    let (code, told) = certs(&["verify", "--url", url, "--server-name=other.example"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.starts_with("validate.distrogate.io does not trust "),
        "{told}"
    );
    let stranger = replicas.cluster.certificates().ca();
    let stranger = stranger.to_str().unwrap();
    let (code, told) = certs(&["verify", "--url", url, "--ca-file", stranger]);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.starts_with(&format!("{stranger} does not trust {url}/: ")),
        "{told}"
    );
}

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS: the folder that holds kube-apiserver and etcd"]
fn ten_rotations_lose_no_call() {
    let mut replicas = Replicas::prepare(false);
    replicas.install();
    replicas.start();
    replicas.start();
    replicas.all_are_ready();
    replicas.all_are_trusted();
    let mut signed = vec![replicas.secret()["data"]["ca.crt"].clone()];

    let follower = Follower::start(&replicas);
    let load = Load::start(&follower, replicas.urls(), replicas.cluster.tenant());
    for _ in 0..10 {
        let kubeconfig = replicas.cluster.kubeconfig().to_str().unwrap().to_owned();
        let arguments = [
            "certs",
            "rotate",
            "--kubeconfig",
            &kubeconfig,
            "--timeout=2m",
        ];
        let output = support::run(&arguments);
        let (told, wrong) = (support::stdout(&output), support::stderr(&output));
        assert_eq!(output.status.code(), Some(0), "{told}{wrong}");
        signed.push(replicas.secret()["data"]["ca.crt"].clone());
    }
    replicas.all_serve_of(&signed[10]);
    let done = load.stop();
    follower.stop();
    eprintln!(
        "ten rotations: {} calls with the bundle of {:?} ago, {} by the API server itself",
        done.calls,
        calls::DELAY,
        done.writes
    );
    assert_eq!(done.failed, Vec::<String>::new(), "{}", replicas.logs());
    assert!(done.calls > 100 && done.writes > 10, "{done:?}");
    let count = signed.len();
    signed.dedup();
    assert_eq!(signed.len(), count, "each rotation has another CA");
}

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS: the folder that holds kube-apiserver and etcd"]
fn what_is_registered_is_what_manifests_prints_and_stays_so() {
    let mut replicas = Replicas::prepare(true);
    let policy = replicas.cluster.dir().join("policy.yaml");
    let empty = "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {name: a}\n\
                 spec: {}\n";
    std::fs::write(&policy, empty).unwrap();
    let policy_path = policy.to_str().unwrap().to_owned();
    replicas.more = ["--policy", &policy_path, "--reload-interval=1s"]
        .map(String::from)
        .to_vec();
    replicas.start();
    replicas.all_are_ready();
    replicas.all_are_trusted();
    let url = replicas.servers[0].url().to_owned();
    let printed = || {
        let arguments = [
            "manifests",
            "--format=json",
            "--policy",
            &policy_path,
            "--url",
            &url,
        ];
        let output = support::run(&arguments);
        let list: Value = serde_json::from_str(&support::stdout(&output)).unwrap();
        list["items"].as_array().unwrap().clone()
    };
    let is_as_printed = |replicas: &Replicas| {
        for (kind, printed) in CONFIGURATIONS.into_iter().zip(printed()) {
            let found = without_what_differs(replicas.configuration(kind));
            let printed = without_what_differs(printed);
            if found != printed {
                return Err(format!("{found:#}\n{printed:#}"));
            }
        }
        Ok(())
    };
    is_as_printed(&replicas).unwrap();

    // somebody edits one, and deletes the other
    let kubectl = replicas.cluster.admin();
    let edit = r#"[{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"},
        {"op": "replace", "path": "/webhooks/0/rules", "value": []}]"#;
    let [validating, mutating] = CONFIGURATIONS;
    kubectl.must(
        &[
            "patch",
            validating[0],
            validating[1],
            "--type=json",
            "-p",
            edit,
        ],
        "",
    );
    kubectl.must(&["delete", mutating[0], mutating[1]], "");
    let back = || {
        let found = kubectl.run(&["get", mutating[0], mutating[1]], "");
        if !found.ok {
            return Err(found.stderr);
        }
        is_as_printed(&replicas)
    };
    until("both as they were", PATIENCE, back);

    // somebody narrows down what is sent here, and leaves ours as it is
    let narrow = r#"[
        {"op": "add", "path": "/webhooks/0/objectSelector/matchLabels", "value": {"a": "b"}},
        {"op": "add", "path": "/webhooks/0/namespaceSelector/matchLabels", "value": {"a": "b"}}]"#;
    let patch = ["--type=json", "-p", narrow];
    let patch = [&["patch"], &validating[..], &patch[..]].concat();
    kubectl.must(&patch, "");
    until("nothing kept away", PATIENCE, || is_as_printed(&replicas));
    let log = replicas.servers[0].log_tail();
    assert!(log.contains("Somebody keeps reviews away"), "{log}");

    // another policy has a carrier of its own
    let custom = empty.replace(
        "spec: {}",
        "spec: {customCarriers: [{group: platform.example, kinds: [TenantCluster], \
         values: [{path: spec.values}]}]}",
    );
    std::fs::write(&policy, custom).unwrap();
    until("registered for another policy", PATIENCE, || {
        let found = replicas.configuration(validating).to_string();
        let has = found.contains("tenantclusters");
        has.then_some(()).ok_or(found)
    });
    until("both as printed", PATIENCE, || is_as_printed(&replicas));

    // one has a webhook more, and the next does not
    let more = empty.replace("spec: {}", "spec: {defaults: {into: [Values, Secret]}}");
    let count = |policy: &str| {
        std::fs::write(&policy_path, policy).unwrap();
        until("as printed for the policy", PATIENCE, || {
            is_as_printed(&replicas)
        });
        let found = replicas.configuration(mutating);
        found["webhooks"].as_array().unwrap().len()
    };
    assert_eq!([count(&more), count(empty)], [2, 1]);

    replicas.all_are_trusted();
    // it leaves them
    replicas.servers.clear();
    is_as_printed(&replicas).unwrap();
}

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS: the folder that holds kube-apiserver and etcd"]
fn a_server_answers_first_and_is_registered_then() {
    let mut replicas = Replicas::prepare(true);
    // who cannot lead has a certificate all the same
    replicas.may_lead(false);
    replicas.start();
    replicas.all_are_ready();
    let server = &replicas.servers[0];
    let authority = &replicas.secret()["data"]["ca.crt"];
    replicas.all_serve_of(authority);
    until("a server that may not lead", PATIENCE, || {
        let told = calls::get(server.admin(), "/readyz?verbose")?;
        let says = told.contains("leases.coordination.k8s.io") && told.contains("check passed");
        says.then_some(()).ok_or(told)
    });
    assert!(replicas.bundle().is_err(), "nothing is registered");

    // the next begins on a cluster that has nothing of ours
    replicas.servers.clear();
    let secret = ["-n", NAMESPACE, "delete", "secret", "distrogate-authority"];
    replicas.cluster.admin().must(&secret, "");
    replicas.may_lead(true);
    replicas.start();
    replicas.all_are_trusted();
    let log = replicas.servers[0].log_tail();
    let at = |words| -> Timestamp {
        let line = log.lines().find(|line| line.contains(words));
        let line = line.unwrap_or_else(|| panic!("{words}: {log}"));
        line.split(' ').next().unwrap().parse().unwrap()
    };
    let issued = at("Serving a certificate that was just issued.");
    let until_written = at("Wrote a webhook configuration.").duration_since(issued);
    let least = Pace::HURRIED.answers;
    assert!(until_written >= least.try_into().unwrap(), "{log}");
}

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS: the folder that holds kube-apiserver and etcd"]
fn a_ca_of_a_clock_that_was_wrong_is_replaced_by_who_leads() {
    let mut replicas = Replicas::prepare(true);
    let put = |replicas: &Replicas, days: i64| {
        let made = OffsetDateTime::now_utc() + time::Duration::days(days);
        let trust = Trust::fresh(vec![], made, Overlap(time::Duration::DAY)).unwrap();
        let metadata = json!({"name": "distrogate-authority", "namespace": NAMESPACE});
        let data = trust.data().into_iter();
        let data: Map<_, _> = data
            .map(|(key, value)| (key, json!(STANDARD.encode(value))))
            .collect();
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data,
        });
        let kubectl = replicas.cluster.admin();
        kubectl.must(&["apply", "-f", "-"], &secret.to_string());
        replicas.secret()["data"]["ca.crt"].clone()
    };
    // ahead by days, and behind by more than a CA's life
    for days in [9, -4_000] {
        let wrong = put(&replicas, days);
        // without a leader nobody decides whose clock is right
        replicas.may_lead(false);
        replicas.start();
        until("a server that does not take it", PATIENCE, || {
            let told = calls::get(replicas.servers[0].admin(), "/readyz?verbose")?;
            let says = told.contains("the authority in ca.crt has");
            says.then_some(()).ok_or(told)
        });
        assert_eq!(replicas.secret()["data"]["ca.crt"], wrong);
        replicas.may_lead(true);
        replicas.all_are_ready();
        replicas.all_are_trusted();
        assert_ne!(replicas.secret()["data"]["ca.crt"], wrong);
        replicas.servers.clear();
    }
}

/// `caBundle` comes from the cluster; what an old API server does not know it leaves out, and what
/// the API server adds is not ours.
fn without_what_differs(mut configuration: Value) -> Value {
    for webhook in configuration["webhooks"].as_array_mut().unwrap() {
        let webhook = webhook.as_object_mut().unwrap();
        webhook.remove("matchConditions");
        webhook["clientConfig"]
            .as_object_mut()
            .unwrap()
            .remove("caBundle");
    }
    json!({"kind": configuration["kind"], "webhooks": configuration["webhooks"]})
}
