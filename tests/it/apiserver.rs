//! A tenant at a real API server, with distrogate registered by the manifests of
//! `deploy/`: what is stored, what is refused and in which words, and what
//! happens when distrogate is gone.
//!
//! One control plane serves all scenarios. Each uses objects of its own; what was
//! there before distrogate is in [`stored_before`]. All scenarios run, also after
//! one has failed.

mod carriers;
mod claims;
mod documented;
mod live;
mod managers;
mod objects;
mod outage;
mod rounds;
mod stored;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use self::claims::{CANARY, DENIED, create, is_absent, reference, said, stored_k8s};
use self::documented::{
    the_documented_canary_is_refused, uninstalled_as_documented_nothing_is_refused,
};
use self::objects::{NAMESPACE, merge, release, secret};
use self::outage::{
    without_an_answer_mutation_is_skipped, without_an_answer_other_secrets_go_on,
    without_an_answer_status_and_deletion_go_on, without_an_answer_validation_fails_closed,
};
use self::rounds::{
    apply_patch_and_put_leave_our_part_alone, exported_and_applied_it_is_the_users,
    our_lines_in_a_text_go_once_at_most, our_part_moves_with_the_chart,
    replace_after_apply_takes_our_part_out_once, replace_and_patch_leave_our_part_alone,
    replaced_by_the_users_own_it_stays_the_users_own, server_side_apply_converges,
    the_users_tag_does_not_move, two_distros_in_a_text_are_refused_by_line,
    what_the_next_chart_does_not_have_goes,
};
use crate::harness::cluster::Cluster;
use crate::harness::kubectl::{Kubectl, Outcome};
use crate::harness::manifests::{self, Target, text};
use crate::harness::process::until;
use crate::harness::server::Server;

/// The API server takes seconds to follow a webhook configuration.
const ACTIVE_WITHIN: Duration = Duration::from_mins(1);

/// The kinds that tenants keep configs in, Secrets aside.
const CRDS: [(&str, &str); 2] = [
    (
        "helmreleases.helm.toolkit.fluxcd.io",
        include_str!("../data/helmrelease-crd.yaml"),
    ),
    (
        "vclusters.infrastructure.cluster.x-k8s.io",
        include_str!("../data/vcluster-crd.yaml"),
    ),
];

/// What one scenario gets: the tenant's kubectl.
type Scenario = fn(&Kubectl);

/// Functions with their names.
macro_rules! scenarios {
    ($($scenario:ident,)*) => { &[$((stringify!($scenario), $scenario)),*] };
}

/// In this order, but none needs another.
const SCENARIOS: &[(&str, Scenario)] = scenarios![
    documented_release_gets_its_defaults,
    older_api_version_gets_them_too,
    two_distros_in_a_release_are_refused,
    generated_name_is_refused_too,
    dry_run_is_refused_too,
    two_distros_in_a_secret_are_refused,
    changed_distro_is_refused,
    metadata_of_a_bad_object_may_change,
    a_fault_of_before_is_a_warning,
    unrelated_secret_is_untouched,
    deleting_works,
    apply_patch_and_put_leave_our_part_alone,
    replace_and_patch_leave_our_part_alone,
    replace_after_apply_takes_our_part_out_once,
    server_side_apply_converges,
    replaced_by_the_users_own_it_stays_the_users_own,
    our_part_moves_with_the_chart,
    the_users_tag_does_not_move,
    what_the_next_chart_does_not_have_goes,
    our_lines_in_a_text_go_once_at_most,
    two_distros_in_a_text_are_refused_by_line,
    exported_and_applied_it_is_the_users,
];

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS: the folder that holds kube-apiserver and etcd"]
fn a_tenant_at_a_real_api_server() {
    let cluster = Cluster::start();
    let tenant = prepare(&cluster);
    stored_before(&tenant);
    let server = Server::start(cluster.certificates(), cluster.dir());
    install(&cluster, server.url());
    wait_until_active(&tenant);

    let passes = |scenario: Scenario| catch_unwind(AssertUnwindSafe(|| scenario(&tenant))).is_ok();
    let failed: Vec<_> = SCENARIOS
        .iter()
        .filter(|(_, scenario)| !passes(*scenario))
        .map(|(name, _)| name)
        .collect();
    assert!(
        failed.is_empty(),
        "failed: {failed:?}; the server's log:\n{}",
        server.log_tail()
    );

    carriers::fixtures_are_refused_in_their_own_words(&cluster.admin());
    the_documented_canary_is_refused(&cluster.admin());
    let url = server.url().to_owned();
    drop(server);
    without_an_answer_validation_fails_closed(&tenant);
    without_an_answer_status_and_deletion_go_on(&cluster, &tenant);
    without_an_answer_other_secrets_go_on(&cluster, &tenant);
    without_an_answer_mutation_is_skipped(&cluster, &tenant);
    // validation is gone for that
    install(&cluster, &url);
    uninstalled_as_documented_nothing_is_refused(&cluster);
}

fn documented_release_gets_its_defaults(tenant: &Kubectl) {
    create(tenant, &release("documented", "0.20.0", &["k8s"])).succeeds();
    let k8s = stored_k8s(tenant, "documented");
    for (component, repository) in [
        ("apiServer", "kube-apiserver"),
        ("controllerManager", "kube-controller-manager"),
        ("scheduler", "kube-scheduler"),
    ] {
        let image = k8s
            .pointer(&format!("/{component}/image"))
            .unwrap_or(&Value::Null);
        assert_eq!(
            reference(image),
            format!("registry.k8s.io/{repository}:v1.30.2")
        );
    }
    let resources = json!({
        "limits": {"cpu": "100m", "memory": "256Mi"},
        "requests": {"cpu": "40m", "memory": "64Mi"},
    });
    assert_eq!(k8s.get("resources"), Some(&resources));
}

fn older_api_version_gets_them_too(tenant: &Kubectl) {
    let mut older = release("older", "0.30.4", &["k8s"]);
    merge(
        &mut older,
        json!({"apiVersion": "helm.toolkit.fluxcd.io/v2beta2"}),
    );
    create(tenant, &older).succeeds();
    let k8s = stored_k8s(tenant, "older");
    let image = k8s.get("image").unwrap_or(&Value::Null);
    assert_eq!(reference(image), "ghcr.io/loft-sh/kubernetes:v1.34.0");
}

fn two_distros_in_a_release_are_refused(tenant: &Kubectl) {
    create(tenant, &release("dev", "0.30.4", &["k3s", "k8s"])).is_refused(concat!(
        "HelmRelease team-a/dev (vCluster chart 0.30.4) refused:\n",
        "  spec.values.controlPlane.distro: only one distro can be enabled at the same time, ",
        "found k3s and k8s [only-one-distro]\n",
        "    fix: set controlPlane.distro.k3s.enabled to false",
    ));
    is_absent(tenant, "helmrelease/dev");
}

fn generated_name_is_refused_too(tenant: &Kubectl) {
    let mut nameless = release("", "0.30.4", &["k3s", "k8s"]);
    let metadata = json!({"generateName": "generated-", "namespace": NAMESPACE});
    merge(&mut nameless, json!({"metadata": metadata}));
    create(tenant, &nameless).is_refused("HelmRelease team-a/generated-");
}

fn dry_run_is_refused_too(tenant: &Kubectl) {
    let dry = ["create", "--dry-run=server", "-f", "-"];
    let bad = release("dry", "0.30.4", &["k3s", "k8s"]);
    said(tenant.run(&dry, &bad.to_string())).is_refused("HelmRelease team-a/dry");
    let good = release("dry", "0.30.4", &["k8s"]);
    said(tenant.run(&dry, &good.to_string())).succeeds();
    is_absent(tenant, "helmrelease/dry");
}

fn two_distros_in_a_secret_are_refused(tenant: &Kubectl) {
    let outcome = create(tenant, &secret("two", &["k3s", "k8s"]));
    outcome.is_refused("[only-one-distro]");
    outcome.is_refused("vc-config-two");
    is_absent(tenant, "secret/vc-config-two");
}

fn changed_distro_is_refused(tenant: &Kubectl) {
    create(tenant, &secret("changed", &["k8s"])).succeeds();
    let k3s = secret("changed", &["k3s"]).to_string();
    said(tenant.run(&["replace", "-f", "-"], &k3s)).is_refused("[distro-change]");
    // The same config once more, with something else changed, is no change of it.
    let mut sealed = secret("changed", &["k8s"]);
    merge(&mut sealed, json!({"immutable": true}));
    said(tenant.run(&["replace", "-f", "-"], &sealed.to_string())).succeeds();
}

fn metadata_of_a_bad_object_may_change(tenant: &Kubectl) {
    for object in ["helmrelease/bad", "secret/vc-config-bad"] {
        said(tenant.run(&["annotate", "-n", NAMESPACE, object, "seen=yes"], "")).succeeds();
        let stored = tenant.stored(&["-n", NAMESPACE, object]);
        assert_eq!(
            text(&stored, "/metadata/annotations/seen"),
            "yes",
            "{object}"
        );
    }
}

fn unrelated_secret_is_untouched(tenant: &Kubectl) {
    let data = json!({"config.yaml": "not: [YAML", "password": CANARY});
    let unrelated = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "database", "namespace": NAMESPACE},
        "stringData": data,
    });
    create(tenant, &unrelated).succeeds();
    let stored = tenant.stored(&["-n", NAMESPACE, "secret/database"]);
    assert_eq!(stored.pointer("/metadata/annotations"), None);
}

fn deleting_works(tenant: &Kubectl) {
    create(tenant, &secret("deleted", &["k8s"])).succeeds();
    for object in ["helmrelease/doomed", "secret/vc-config-deleted"] {
        said(tenant.run(&["delete", "-n", NAMESPACE, object], "")).succeeds();
        is_absent(tenant, object);
    }
}

/// The ratchet: it was there before, so it is a warning now.
fn a_fault_of_before_is_a_warning(tenant: &Kubectl) {
    let values = json!({"sync": {"toHost": {"ingresses": {"enabled": true}}}});
    let patch = json!({"spec": {"values": values}}).to_string();
    let arguments = [
        "patch",
        "-n",
        NAMESPACE,
        "helmrelease",
        "bad",
        "--type=merge",
        "-p",
    ];
    let outcome = tenant.run(&[&arguments[..], &[&patch]].concat(), "");
    assert!(outcome.ok, "{}", outcome.stderr);
    assert_snapshot!(outcome.stderr, @"Warning: HelmRelease team-a/bad (vCluster chart 0.30.4): spec.values.controlPlane.distro: only one distro can be enabled at the same time, found k3s and k8s [only-one-distro]; fix: set controlPlane.distro.k8s.enabled to false");
}

/// The CRDs, the namespace, and a tenant's rights in it.
fn prepare(cluster: &Cluster) -> Kubectl {
    let admin = cluster.admin();
    let established = "--for=condition=Established";
    for (name, crd) in CRDS {
        admin.must(&["apply", "-f", "-"], crd);
        admin.must(&["wait", established, "--timeout=60s", "crd", name], "");
    }
    admin.must(&["create", "namespace", NAMESPACE], "");
    label_namespace(&admin, NAMESPACE);
    let resources = format!(
        "--resource=secrets,{}",
        CRDS.map(|(name, _)| name).join(",")
    );
    admin.must(
        &[
            "-n", NAMESPACE, "create", "role", "tenant", "--verb=*", &resources,
        ],
        "",
    );
    let binding = [
        "create",
        "rolebinding",
        "tenant",
        "--role=tenant",
        "--user=tenant",
    ];
    admin.must(&[&["-n", NAMESPACE], &binding[..]].concat(), "");
    cluster.tenant()
}

/// Objects of a time before distrogate, none of which it would let in.
fn stored_before(tenant: &Kubectl) {
    for name in ["bad", "doomed"] {
        let release = release(name, "0.30.4", &["k3s", "k8s"]);
        // A new CRD takes a moment to be served everywhere.
        until("a HelmRelease", ACTIVE_WITHIN, || {
            let Outcome { ok, stderr, .. } = create(tenant, &release).outcome;
            if ok { Ok(()) } else { Err(stderr) }
        });
    }
    create(tenant, &secret("bad", &["k3s", "k8s"])).succeeds();
}

/// Everything in `deploy/`, adapted to this API server and this test.
fn install(cluster: &Cluster, url: &str) {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let admin = cluster.admin();
    let ca = cluster.certificates().ca();
    let target = Target {
        url,
        ca: &ca,
        minor_version: cluster.minor_version(),
    };
    let mut objects = manifests::build(&admin, &deploy);
    manifests::adapt(&mut objects, &target);
    admin.must(&["apply", "-f", "-"], &manifests::list(&objects));
    label_namespace(&admin, "distrogate-system");
}

/// What API servers from 1.21 on do by themselves.
fn label_namespace(admin: &Kubectl, name: &str) {
    let label = format!("kubernetes.io/metadata.name={name}");
    admin.must(&["label", "--overwrite", "namespace", name, &label], "");
}

/// Until both hooks answer for what the scenarios touch.
fn wait_until_active(tenant: &Kubectl) {
    let dry_run = |object: &Value| {
        tenant.run(
            &["create", "--dry-run=server", "-o=json", "-f=-"],
            &object.to_string(),
        )
    };
    let bad = [
        release("canary", "0.30.4", &["k3s", "k8s"]),
        secret("canary", &["k3s", "k8s"]),
    ];
    for bad in bad {
        until("validation active", ACTIVE_WITHIN, || {
            let Outcome { stdout, stderr, .. } = dry_run(&bad);
            if stderr.contains(DENIED) {
                Ok(())
            } else {
                Err(stdout + &stderr)
            }
        });
    }
    let good = release("canary", "0.30.4", &["k8s"]);
    until("mutation active", ACTIVE_WITHIN, || {
        let Outcome { stdout, stderr, .. } = dry_run(&good);
        if stdout.contains("loft-sh/kubernetes") {
            Ok(())
        } else {
            Err(stdout + &stderr)
        }
    });
}
