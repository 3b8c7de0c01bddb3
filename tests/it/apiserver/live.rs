//! What the cluster holds, watched: a virtual cluster that is there, or has left its data, does not
//! come under another distro; and what is not known refuses nobody.

use std::io::{Read as _, Write as _};

use serde_json::{Value, json};

use super::claims::{create, said};
use super::objects::{NAMESPACE, release, secret};
use super::{ACTIVE_WITHIN, install, prepare, wait_until_active};
use crate::dev_server::connect;
use crate::harness::cluster::Cluster;
use crate::harness::kubectl::{Kubectl, Outcome};
use crate::harness::process::until;
use crate::harness::server::Server;
use crate::support::envelope;

const FLAGS: [&str; 3] = ["--watch-live", "--watch-namespaces", "--watch-host-version"];

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS: the folder that holds kube-apiserver and etcd"]
fn another_distro_on_data_that_is_still_there_is_refused() {
    let mut cluster = Cluster::start();
    let (tenant, admin) = (prepare(&cluster), cluster.admin());
    let server = watching(&cluster, "admin");
    install(&cluster, server.url());
    wait_until_active(&tenant);
    is_known(&server);

    runs(&admin, &tenant, "dev");
    until("the live distro is known", ACTIVE_WITHIN, || {
        refusal(
            &tenant,
            &release("dev", "0.30.4", &["k8s"]),
            concat!(
                "this virtual cluster is there already, and its distro cannot be changed: it is k3s ",
                "(Secret team-a/vc-config-dev) and would become k8s; ",
            ),
        )
    });
    deleted(&tenant, "secret/vc-config-dev");
    let left = concat!(
        "Secret team-a/vc-config-dev (vCluster chart 0.30.4) refused:\n",
        "  controlPlane.distro (line 83 of data[config.yaml]): the data of this virtual cluster is ",
        "still there, made by k3s (PersistentVolumeClaim team-a/data-dev-0), and would come under ",
        "k8s; ",
    );
    until(
        "the data is known without its Secret",
        ACTIVE_WITHIN,
        || refusal(&tenant, &secret("dev", &["k8s"]), left),
    );
    create(&tenant, &secret("dev", &["k8s"]))
        .is_refused("; or delete PersistentVolumeClaim team-a/data-dev-0 too");
    create(&tenant, &secret("dev", &["k3s"])).succeeds();
    deleted(&tenant, "secret/vc-config-dev");
    deleted(&admin, "persistentvolumeclaim/data-dev-0");
    until("the data is known to be gone", ACTIVE_WITHIN, || {
        let Outcome { ok, stderr, .. } = dry_run(&tenant, &secret("dev", &["k8s"]));
        if ok { Ok(()) } else { Err(stderr) }
    });

    // whoever begins with a claim alone knows nothing of it
    runs(&admin, &tenant, "left");
    runs(&admin, &tenant, "stays");
    until("the other one is known", ACTIVE_WITHIN, || {
        refusal(
            &tenant,
            &release("left", "0.30.4", &["k8s"]),
            "(Secret team-a/vc-config-left)",
        )
    });
    deleted(&tenant, "secret/vc-config-left");
    until("its data is known", ACTIVE_WITHIN, || {
        refusal(&tenant, &secret("left", &["k8s"]), "made by k3s")
    });
    drop(server);
    let server = watching(&cluster, "admin");
    install(&cluster, server.url());
    wait_until_active(&tenant);
    is_known(&server);
    said(dry_run(&tenant, &secret("left", &["k8s"]))).succeeds();
    said(dry_run(&tenant, &release("stays", "0.30.4", &["k8s"])))
        .is_refused("(Secret team-a/vc-config-stays)");

    cluster.kill_api_server();
    until("the silence is noticed", ACTIVE_WITHIN, || {
        let page = server.admin_page("/readyz?verbose");
        if page.contains("[+]watch-live secrets ok: 1 known, not followed for ") {
            assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
            Ok(())
        } else {
            Err(page)
        }
    });
    let answer = ask(&server, &cluster, &release("stays", "0.30.4", &["k8s"]));
    assert!(
        answer.contains("(Secret team-a/vc-config-stays)"),
        "{answer}"
    );
}

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS: the folder that holds kube-apiserver and etcd"]
fn without_rights_nothing_is_known_and_nobody_is_refused_for_it() {
    let cluster = Cluster::start();
    let (tenant, admin) = (prepare(&cluster), cluster.admin());
    runs(&admin, &tenant, "dev");
    let server = watching(&cluster, "tenant");
    until("it is told", ACTIVE_WITHIN, || {
        let page = server.admin_page("/readyz?verbose");
        let told = [
            "[+]watch-live secrets ok: not known: secrets is forbidden: ",
            "[+]watch-live claims ok: not known: persistentvolumeclaims is forbidden: ",
            "[+]watch-namespaces ok: not known: namespaces is forbidden: ",
            "[+]watch-host-version ok: 1 known",
        ];
        if told.iter().all(|told| page.contains(told)) {
            assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
            Ok(())
        } else {
            Err(page)
        }
    });
    assert!(
        server.log_tail().contains("Cannot watch"),
        "{}",
        server.log_tail()
    );
    let answer = ask(&server, &cluster, &release("dev", "0.30.4", &["k8s"]));
    assert!(answer.contains(r#""allowed":true"#), "{answer}");
}

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS: the folder that holds kube-apiserver and etcd"]
fn labels_of_namespaces_choose_policies() {
    let cluster = Cluster::start();
    prepare(&cluster);
    let policy = cluster.dir().join("policy.yaml");
    let text = "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {name: prod}\n\
                spec:\n  match: {namespaceSelector: {matchLabels: {tier: prod}}}\n  \
                rules: {version-allowed: {action: Deny, versions: \">=99\"}}\n";
    std::fs::write(&policy, text).unwrap();
    let policy = policy.to_str().unwrap();
    let server = with_flags(&cluster, "admin", &["--policy", policy]);
    is_known(&server);
    let object = release("dev", "0.30.4", &["k8s"]);
    let answer = ask(&server, &cluster, &object);
    assert!(answer.contains(r#""allowed":true"#), "{answer}");
    cluster
        .admin()
        .must(&["label", "namespace", NAMESPACE, "tier=prod"], "");
    until("the label counts", ACTIVE_WITHIN, || {
        let answer = ask(&server, &cluster, &object);
        if answer.contains("[version-allowed]") {
            Ok(())
        } else {
            Err(answer)
        }
    });
}

fn watching(cluster: &Cluster, user: &str) -> Server {
    with_flags(cluster, user, &[])
}

fn with_flags(cluster: &Cluster, user: &str, more: &[&str]) -> Server {
    let config = cluster.kubeconfig().to_str().unwrap();
    let whose = ["--kubeconfig", config, "--context", user];
    let flags = [&FLAGS, &whose[..], more].concat();
    Server::start_also(cluster.certificates(), cluster.dir(), &flags)
}

/// Until the server has seen all that there is.
fn is_known(server: &Server) {
    until("the cluster is known", ACTIVE_WITHIN, || {
        let page = server.admin_page("/metrics");
        let known = ["secrets", "claims", "namespaces", "host_version"]
            .map(|watch| format!("distrogate_watch_followed{{watch=\"{watch}\"}} 1\n"));
        if known.iter().all(|line| page.contains(line)) {
            Ok(())
        } else {
            Err(page)
        }
    });
}

/// A virtual cluster of k3s as the chart, its StatefulSet and its pod leave it.
fn runs(admin: &Kubectl, tenant: &Kubectl, name: &str) {
    create(tenant, &secret(name, &["k3s"])).succeeds();
    let object = format!("secret/vc-config-{name}");
    let told = [
        "vcluster.loft.sh/distro=k3s",
        "vcluster.loft.sh/store=embedded-database",
    ];
    admin.must(
        &[&["annotate", "-n", NAMESPACE, &*object], &told[..]].concat(),
        "",
    );
    let claim = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": format!("data-{name}-0"),
            "namespace": NAMESPACE,
            "labels": {"app": "vcluster", "release": name},
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "5Gi"}},
        },
    });
    create(admin, &claim).succeeds();
}

/// Nobody takes the finalizer off a claim here: it stays, about to be deleted.
fn deleted(user: &Kubectl, object: &str) {
    user.must(&["delete", "-n", NAMESPACE, "--wait=false", object], "");
}

fn dry_run(tenant: &Kubectl, object: &Value) -> Outcome {
    tenant.run(
        &["create", "--dry-run=server", "-f", "-"],
        &object.to_string(),
    )
}

fn refusal(tenant: &Kubectl, object: &Value, words: &str) -> Result<(), String> {
    let Outcome { ok, stdout, stderr } = dry_run(tenant, object);
    if !ok && stderr.contains(words) {
        Ok(())
    } else {
        Err(stdout + &stderr)
    }
}

/// What the server answers to a review of a new object, without an API server in between.
fn ask(server: &Server, cluster: &Cluster, object: &Value) -> String {
    let body = envelope(object, None);
    let address = server.url().trim_start_matches("https://").parse().unwrap();
    let ca = cluster.certificates().ca();
    let mut stream = connect(address, ca.to_str().unwrap());
    let request = format!(
        "POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // an end without a TLS goodbye is an end
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}
