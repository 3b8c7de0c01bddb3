//! The commands of `docs/install.md` that try it out and that take it away.

use super::claims::NO_ANSWER;
use super::{ACTIVE_WITHIN, label_namespace};
use crate::harness::cluster::Cluster;
use crate::harness::kubectl::{Kubectl, Outcome};
use crate::harness::process::until;
use crate::support::{distrogate, stdout};

/// The page that says how to install.
const INSTALL: &str = include_str!("../../../docs/install.md");

/// The command of the page that tries it out.
fn canary(admin: &Kubectl) -> Outcome {
    let literal =
        "config.yaml=controlPlane: {distro: {k3s: {enabled: true}, k8s: {enabled: true}}}";
    let mut arguments = Vec::from(["-n", "default", "create", "secret", "generic"]);
    arguments.extend(["vc-config-canary", "--dry-run=server"]);
    let (key, value) = literal.split_once('=').unwrap();
    let documented = format!(
        "kubectl {} \\\n  --from-literal={key}='{value}'\n",
        arguments.join(" ")
    );
    assert!(INSTALL.contains(&documented), "{documented}");
    let literal = format!("--from-literal={literal}");
    arguments.push(&literal);
    admin.run(&arguments, "")
}

pub(super) fn the_documented_canary_is_refused(admin: &Kubectl) {
    label_namespace(admin, "default");
    until("the namespace's label counts", ACTIVE_WITHIN, || {
        let outcome = canary(admin);
        let first = outcome.stderr.lines().next().unwrap_or_default();
        if !outcome.ok && INSTALL.contains(&format!("```\n{first}\n```")) {
            Ok(())
        } else {
            Err(outcome.stdout + &outcome.stderr)
        }
    });
}

pub(super) fn uninstalled_as_documented_nothing_is_refused(cluster: &Cluster) {
    let admin = &cluster.admin();
    until("validation is active again", ACTIVE_WITHIN, || {
        let outcome = canary(admin);
        if outcome.stderr.contains(NO_ANSWER) {
            Ok(())
        } else {
            Err(outcome.stdout + &outcome.stderr)
        }
    });
    let (_, page) = INSTALL.split_once("\n## Uninstall\n").unwrap();
    let blocks: Vec<_> = page.split("```sh\n").skip(1).take(2).collect();
    let [program, commands] = [0, 1].map(|block| blocks[block].split("```").next().unwrap());
    // what is enough in an emergency
    for command in commands.lines() {
        let words: Vec<_> = command.split(' ').collect();
        assert_eq!(words[..2], ["kubectl", "delete"], "{command}");
        admin.must(&words[1..], "");
    }
    for kind in [
        "validatingwebhookconfigurations",
        "mutatingwebhookconfigurations",
    ] {
        assert_eq!(admin.must(&["get", kind, "-o=name"], ""), "");
    }
    until("nothing is asked for", ACTIVE_WITHIN, || {
        let outcome = canary(admin);
        if outcome.ok {
            assert_eq!(
                outcome.stdout,
                "secret/vc-config-canary created (server dry run)\n"
            );
            Ok(())
        } else {
            Err(outcome.stderr)
        }
    });
    let words: Vec<_> = program.trim_end().split(' ').collect();
    assert_eq!(words[0], "distrogate");
    let mut command = distrogate();
    command
        .args(&words[1..])
        .arg("--kubeconfig")
        .arg(cluster.kubeconfig());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}
