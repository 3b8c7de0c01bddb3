//! `distrogate doctor` at a real API server: an installation whose Service leads to a server that
//! runs, broken in one way after the other. Each time the doctor has to name what is broken, and
//! its own command has to mend it.

mod breaks;
mod world;

use std::fs;

use insta::assert_snapshot;
use serde_json::{Value, json};

use self::breaks::BREAKS;
use self::world::{NAMESPACE, World};
use crate::harness::process::until;
use crate::support::{distrogate, run, stderr, stdout};

/// The page that says what is looked at.
const PAGE: &str = include_str!("../../docs/doctor.md");

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS: the folder that holds kube-apiserver and etcd"]
fn what_is_broken_is_named_and_mended_at_a_real_api_server() {
    let mut world = World::build();
    let good = world.settled();
    as_it_should_be(&world);
    for one in BREAKS {
        one.run(&mut world, &good);
    }
    let told = world.doctor(&["--format", "json"]);
    assert!(!told.stdout.contains("PRIVATE KEY"));
    only_what_a_role_may_see_is_seen(&world, &good);
    an_audit_is_no_fault(&mut world);
    nothing_is_kept(&world);
    uninstalled_is_not_installed(&world);
}

/// The whole of it, for people.
fn as_it_should_be(world: &World) {
    let told = world.doctor(&[]);
    assert_eq!(told.code, Some(0), "{}", told.stdout);
    // what an older API server cannot do is not what is tested
    let lines = told.stdout.lines();
    let lines: Vec<_> = lines
        .filter(|line| !line.contains(" api-server: ") && !line.contains("every Secret of every"))
        .collect();
    let (total, lines) = lines.split_last().unwrap();
    assert!(total.contains(" findings: "), "{total}");
    assert_snapshot!(world.anonymous(&lines.join("\n")), @"
    ok       configurations: ValidatingWebhookConfiguration validate.distrogate.io: is there, with 3 webhooks
    ok       configurations: MutatingWebhookConfiguration mutate.distrogate.io: is there, with 1 webhook
    ok       registration: as distrogate manifests --port PORT prints it
    ok       deadlock: kube-system, distrogate-system and what Pods and nodes need never wait for the server
    ok       certificates: ValidatingWebhookConfiguration validate.distrogate.io, webhooks[*].clientConfig.caBundle: is good until DATE, N days left, and fits what is served
    ok       certificates: MutatingWebhookConfiguration mutate.distrogate.io, webhooks[*].clientConfig.caBundle: is good until DATE, N days left, and fits what is served
    ok       certificates: certificate that is served: is good for distrogate.distrogate-system.svc until DATE, N days left
    ok       service: Service distrogate-system/distrogate: leads to 2 addresses that are ready
    ok       deployment: Deployment distrogate-system/distrogate: 2 of 2 replicas are available, and bear a drain
    ok       other-webhooks: there are none
    not-seen policies: what Pods distrogate-a, distrogate-b follow: not seen from here: address not allowed
    ok       charts: 1 virtual cluster runs here, of a chart that is known
    ok       canary: Secret default/vc-config-distrogate-canary: is refused by validate.distrogate.io, as it should be
    ok       canary: HelmRelease default/distrogate-canary: is refused by validate.distrogate.io, as it should be
    ok       canary: HelmRelease default/distrogate-canary-defaults: comes back with a wrong record of defaults taken out, as it should be
    ");
}

/// With no rights everything is not seen; with those of the page everything is.
fn only_what_a_role_may_see_is_seen(world: &World, good: &[Value]) {
    let tenant = ["--context", "tenant"];
    let told = world.doctor(&tenant);
    assert_eq!(told.code, Some(3), "{}", told.stdout);
    let lines = told.stdout.lines();
    let lines: Vec<_> = lines
        .filter(|line| !line.contains(" api-server: ") && !line.contains("every Secret of every"))
        .collect();
    let (_, lines) = lines.split_last().unwrap();
    assert_snapshot!(world.anonymous(&lines.join("\n")), @"
    not-seen configurations: ValidatingWebhookConfiguration validate.distrogate.io: needs the right to list validatingwebhookconfigurations.admissionregistration.k8s.io
    not-seen configurations: MutatingWebhookConfiguration mutate.distrogate.io: needs the right to list mutatingwebhookconfigurations.admissionregistration.k8s.io
    not-seen registration: there is no configuration to compare
    not-seen deadlock: there is no configuration to look at
    ok       certificates: certificate that is served: is good for distrogate.distrogate-system.svc until DATE, N days left
    not-seen service: Service distrogate-system/distrogate: needs the right to get services in the namespace distrogate-system
    not-seen deployment: needs the right to list deployments.apps in the namespace distrogate-system
    not-seen other-webhooks: needs the right to list validatingwebhookconfigurations.admissionregistration.k8s.io
    not-seen other-webhooks: needs the right to list mutatingwebhookconfigurations.admissionregistration.k8s.io
    not-seen policies: what is mounted: needs the right to list deployments.apps in the namespace distrogate-system
    not-seen charts: needs the right to list statefulsets.apps
    not-seen canary: Secret default/vc-config-distrogate-canary: needs the right to create secrets in the namespace default
    not-seen canary: HelmRelease default/distrogate-canary: needs the right to create helmreleases.helm.toolkit.fluxcd.io in the namespace default
    not-seen canary: HelmRelease default/distrogate-canary-defaults: needs the right to create helmreleases.helm.toolkit.fluxcd.io in the namespace default
    ");

    let (_, roles) = PAGE.split_once("## Rights\n").unwrap();
    let (_, roles) = roles.split_once("```yaml\n").unwrap();
    let (roles, _) = roles.split_once("```").unwrap();
    let admin = world.cluster.admin();
    // what decides over rules and canaries is in a ConfigMap
    let without_maps = roles.replace("configmaps, ", "");
    admin.must(&["apply", "-f", "-"], &without_maps);
    let name = "distrogate-doctor";
    let user = "--user=tenant";
    let role = format!("--clusterrole={name}");
    admin.must(&["create", "clusterrolebinding", name, &role, user], "");
    let role = format!("--role={name}");
    for namespace in [NAMESPACE, "default"] {
        let bind = ["-n", namespace, "create", "rolebinding", name, &role, user];
        admin.must(&bind, "");
    }
    until("a role without ConfigMaps counts", World::PATIENCE, || {
        let seen = world.findings(&tenant);
        let of = |check| {
            let all = seen.iter().filter(move |one| one["check"] == check);
            all.map(|one| {
                (
                    one["status"].as_str().unwrap(),
                    one["says"].as_str().unwrap(),
                )
            })
        };
        let why =
            "what is mounted: needs the right to get configmaps in the namespace distrogate-system";
        let unjudged = format!("rules, which follow from the policy: {why}");
        let is_told = of("registration").eq([("not-seen", &*unjudged)])
            && of("policies").any(|one| one == ("not-seen", why))
            && of("canary").all(|(status, _)| status == "ok");
        if is_told {
            Ok(())
        } else {
            Err(format!("{seen:#?}"))
        }
    });
    admin.must(&["apply", "-f", "-"], roles);
    until("a role counts", World::PATIENCE, || {
        let seen = world.findings(&tenant);
        if seen == good {
            Ok(())
        } else {
            Err(format!("{seen:#?}"))
        }
    });
}

/// Let through is a fault only where it should be refused.
fn an_audit_is_no_fault(world: &mut World) {
    world.serve(&["--enforcement=audit"]);
    let admin = world.cluster.admin();
    let expected = |status: &str, says: &str| {
        until("the canary is let through", World::PATIENCE, || {
            let told = world.findings(&[]);
            let of_secret = |one: &&Value| {
                one["check"] == "canary" && one["object"].as_str().unwrap().starts_with("Secret")
            };
            let finding = told.iter().find(of_secret).unwrap();
            if finding["status"] == status && finding["says"] == says {
                Ok(())
            } else {
                Err(finding.to_string())
            }
        });
    };
    expected(
        "error",
        "is let through: validate.distrogate.io was not asked, or not heard",
    );
    let set = ["-n", NAMESPACE, "set", "env", "deployment/distrogate"];
    admin.must(&[&set[..], &["DISTROGATE_ENFORCEMENT=audit"]].concat(), "");
    expected(
        "info",
        "is let through without a word: that is the enforcement",
    );
    let lie = world.findings(&[]);
    let says = lie.iter().map(|one| one["says"].as_str().unwrap());
    let taken_out = "comes back with a wrong record of defaults taken out, as it should be";
    assert_eq!(
        says.filter(|says| *says == taken_out).count(),
        1,
        "{lie:#?}"
    );
    assert_eq!(world.doctor(&[]).code, Some(0));
}

fn nothing_is_kept(world: &World) {
    let kinds = "secrets,helmreleases.helm.toolkit.fluxcd.io";
    let admin = world.cluster.admin();
    let all = admin.must(&["get", kinds, "--all-namespaces", "-o=name"], "");
    assert!(!all.contains("canary"), "{all}");
}

fn uninstalled_is_not_installed(world: &World) {
    let install = include_str!("../../docs/install.md");
    let (_, page) = install.split_once("\n## Uninstall\n").unwrap();
    let (_, commands) = page.split_once("```sh\n").unwrap();
    let (commands, _) = commands.split_once("```").unwrap();
    for command in commands.lines() {
        let words: Vec<_> = command.split(' ').collect();
        assert_eq!(words[..2], ["distrogate", "unregister"], "{command}");
        let output = distrogate()
            .args(&words[1..])
            .arg("--kubeconfig")
            .arg(world.cluster.kubeconfig())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    }
    let told = world.doctor(&[]);
    assert_eq!(told.code, Some(1));
    let lines = told
        .stdout
        .lines()
        .filter(|line| line.contains("configurations: "));
    let lines: Vec<_> = lines.collect();
    assert_snapshot!(lines.join("\n"), @"error    configurations: not installed: there is neither ValidatingWebhookConfiguration validate.distrogate.io nor MutatingWebhookConfiguration mutate.distrogate.io");
    let others = told.stdout.lines().filter(|line| line.starts_with("ok "));
    assert_eq!(others.count(), 1, "the API server's: {}", told.stdout);
}

#[test]
fn a_cluster_that_cannot_be_reached_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let kubeconfig = folder.path().join("kubeconfig");
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "a", "cluster": {"server": format!("http://{address}")}}],
        "users": [{"name": "a", "user": {}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "current-context": "a",
    });
    fs::write(&kubeconfig, config.to_string()).unwrap();
    let output = distrogate()
        .args(["doctor", "--kubeconfig"])
        .arg(&kubeconfig)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(stdout(&output), "");
    assert_snapshot!(stderr(&output).replace(&address.to_string(), "ADDRESS"), @"error: cannot reach the cluster: client error (Connect): tcp connect error: Connection refused (os error 111)");
}

#[test]
fn a_canary_where_nothing_is_looked_at_is_wrong_usage() {
    for arguments in [
        &["doctor", "--canary-namespace=kube-system"][..],
        &["doctor", "--namespace=a", "--canary-namespace=a"],
        &["doctor", "--exempt-namespace=b", "--canary-namespace=b"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let name = arguments[arguments.len() - 1].rsplit('=').next().unwrap();
        assert_eq!(
            stderr(&output),
            format!(
                "error: --canary-namespace: nothing in {name} is looked at, so nothing is refused \
                 there: name another namespace\n"
            )
        );
    }
    for arguments in [
        &["doctor", "--check-timeout=0"][..],
        &["doctor", "--fail-on=info"],
        &["doctor", "--format=yaml"],
    ] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

/// The example of the page is what a program gets: same fields, same words.
#[test]
fn the_page_has_the_form_for_programs_and_every_check() {
    let (_, json) = PAGE.split_once("```json\n").unwrap();
    let (json, _) = json.split_once("```").unwrap();
    let example: Value = serde_json::from_str(json).unwrap();
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let mut expected = vec!["findings", "kubernetes", "status", "version"];
    expected.sort_unstable();
    let mut found = keys(&example);
    found.sort();
    assert_eq!(found, expected);
    let mut found = keys(&example["findings"][0]);
    found.sort();
    assert_eq!(
        found,
        ["check", "field", "mend", "object", "says", "status", "why"]
    );
    for check in distrogate::cluster::doctor::Check::ALL {
        let row = format!("\n| `{}` |", check.id());
        assert!(PAGE.contains(&row), "{row}");
    }
}
