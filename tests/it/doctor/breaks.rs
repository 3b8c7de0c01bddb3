//! What can be broken, how the doctor tells it, and what there is to do besides its command.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::world::{NAMESPACE, POLICY, World};
use crate::harness::certificates::Certificates;
use crate::harness::kubectl::Kubectl;
use crate::harness::process::until;

const VALIDATING: &str = "validatingwebhookconfiguration/validate.distrogate.io";
const MUTATING: &str = "mutatingwebhookconfiguration/mutate.distrogate.io";

/// What has cert-manager write the certificates in.
const INJECTED: &str = "cert-manager.io/inject-ca-from=distrogate-system/distrogate-tls";

/// One way to break an installation.
pub(super) struct Break {
    what: &'static str,
    breaks: fn(&mut World, &Kubectl),
    /// Check, status, field and the beginning of the words of what has to be told.
    told: &'static [(&'static str, &'static str, &'static str, &'static str)],
    /// What no command of the doctor's can do here: there is no kubelet.
    after: fn(&mut World),
}

fn nothing(_: &mut World) {}

/// Every way, one after the other.
pub(super) const BREAKS: &[Break] = &[
    Break {
        what: "another authority is trusted",
        breaks: |world, admin| {
            let other = Certificates::make(&world.cluster.dir().join("other"));
            let bundle = STANDARD.encode(fs::read(other.ca()).unwrap());
            for number in 0..3 {
                let path = format!("/webhooks/{number}/clientConfig/caBundle");
                patch(
                    admin,
                    VALIDATING,
                    &json!([{"op": "replace", "path": path, "value": bundle}]),
                );
            }
        },
        told: &[
            (
                "certificates",
                "error",
                "webhooks[*].clientConfig.caBundle",
                "lacks a certificate that --ca-file has",
            ),
            (
                "certificates",
                "error",
                "webhooks[*].clientConfig.caBundle",
                "is not of the authority that signed the certificate that is served",
            ),
            (
                "canary",
                "error",
                "",
                "cannot be judged: validate.distrogate.io does not answer:",
            ),
        ],
        after: nothing,
    },
    Break {
        what: "nobody validates",
        breaks: |_, admin| {
            admin.must(&["delete", VALIDATING], "");
        },
        told: &[
            ("configurations", "error", "", "is not there"),
            (
                "canary",
                "error",
                "",
                "is let through: validate.distrogate.io was not asked",
            ),
        ],
        after: nothing,
    },
    Break {
        what: "nobody fills in defaults",
        breaks: |_, admin| {
            admin.must(&["delete", MUTATING], "");
        },
        told: &[("configurations", "error", "", "is not there")],
        after: nothing,
    },
    Break {
        what: "a webhook fails open",
        breaks: |_, admin| {
            let open =
                json!([{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]);
            patch(admin, VALIDATING, &open);
        },
        told: &[(
            "registration",
            "error",
            "webhooks[validate.distrogate.io].failurePolicy",
            "is Ignore, has to be Fail",
        )],
        after: nothing,
    },
    Break {
        what: "the rules ask about Pods and no HelmRelease",
        breaks: |_, admin| {
            let stored = admin.stored(&[VALIDATING]);
            let rules = stored["webhooks"][0]["rules"].as_array().unwrap();
            let flux = |rule: &Value| rule["apiGroups"] == json!(["helm.toolkit.fluxcd.io"]);
            let number = rules.iter().position(flux).unwrap();
            let pods = json!({
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                "resources": ["pods"], "scope": "Namespaced",
            });
            patch(
                admin,
                VALIDATING,
                &json!([
                    {"op": "remove", "path": format!("/webhooks/0/rules/{number}")},
                    {"op": "add", "path": "/webhooks/0/rules/-", "value": pods},
                ]),
            );
        },
        told: &[
            (
                "registration",
                "error",
                "webhooks[validate.distrogate.io].rules",
                "does not ask about helmreleases.helm.toolkit.fluxcd.io, and asks, too, about pods",
            ),
            (
                "deadlock",
                "error",
                "webhooks[validate.distrogate.io].rules",
                "asks about pods",
            ),
        ],
        after: nothing,
    },
    Break {
        what: "the server's own namespace is not left alone",
        breaks: |_, admin| {
            let path = "/webhooks/2/namespaceSelector";
            patch(
                admin,
                VALIDATING,
                &json!([{"op": "replace", "path": path, "value": {}}]),
            );
        },
        told: &[
            (
                "deadlock",
                "error",
                "webhooks[workloads.distrogate.io].namespaceSelector",
                "takes the namespace distrogate-system",
            ),
            (
                "registration",
                "error",
                "webhooks[workloads.distrogate.io].namespaceSelector",
                "is {}, has to be",
            ),
        ],
        after: nothing,
    },
    Break {
        what: "another path is called",
        breaks: |_, admin| {
            let path = "/webhooks/0/clientConfig/service/path";
            patch(
                admin,
                MUTATING,
                &json!([{"op": "replace", "path": path, "value": "/validate"}]),
            );
        },
        told: &[(
            "registration",
            "error",
            "webhooks[mutate.distrogate.io].clientConfig",
            "is {\"service\":",
        )],
        after: nothing,
    },
    Break {
        what: "something of an older installation is left over",
        breaks: |_, admin| {
            let mut old = admin.stored(&[VALIDATING]);
            old["metadata"] = json!({"name": "distrogate"});
            admin.must(&["create", "-f", "-"], &old.to_string());
        },
        told: &[("configurations", "error", "", "is left over")],
        after: nothing,
    },
    Break {
        what: "the certificate ends soon",
        breaks: |world, admin| {
            world.certify(&["--days=5"]);
            let overlay = world.overlay();
            admin.must(&["apply", "-k", overlay.to_str().unwrap()], "");
        },
        told: &[("certificates", "warning", "", "ends on ")],
        after: nothing,
    },
    Break {
        what: "the server is gone",
        breaks: |world, _| world.stop(),
        told: &[(
            "canary",
            "error",
            "",
            "cannot be judged: validate.distrogate.io does not answer:",
        )],
        after: |world| world.serve(&[]),
    },
    Break {
        what: "there is one replica",
        breaks: |_, admin| {
            scale(admin, 1);
        },
        told: &[
            (
                "deployment",
                "warning",
                "spec.replicas",
                "is 1, and validation fails closed",
            ),
            (
                "deployment",
                "warning",
                "spec.minAvailable",
                "is 1, of 1 in all",
            ),
        ],
        after: nothing,
    },
    Break {
        what: "no replica may go",
        breaks: |_, admin| {
            let bound = r#"{"spec": {"minAvailable": 2}}"#;
            let budget = [
                "poddisruptionbudget",
                "distrogate",
                "--type=merge",
                "-p",
                bound,
            ];
            admin.must(&[&["-n", NAMESPACE, "patch"], &budget[..]].concat(), "");
        },
        told: &[(
            "deployment",
            "warning",
            "spec.minAvailable",
            "is 2, of 2 in all",
        )],
        after: nothing,
    },
    Break {
        what: "the Service has another port",
        breaks: |_, admin| {
            let port = r#"[{"op": "replace", "path": "/spec/ports/0/port", "value": 444}]"#;
            let service = ["service", "distrogate", "--type=json", "-p", port];
            admin.must(&[&["-n", NAMESPACE, "patch"], &service[..]].concat(), "");
        },
        told: &[(
            "service",
            "error",
            "spec.ports",
            "has the port 444, and the webhooks call ",
        )],
        after: nothing,
    },
    Break {
        what: "a policy that does not compile is mounted",
        breaks: |world, _| world.write_policy("kind: DistroPolicy\n"),
        told: &[
            (
                "policies",
                "error",
                "",
                "those that are mounted cannot be used: policy /policies/platform.yaml: ",
            ),
            (
                "registration",
                "not-seen",
                "",
                "rules, which follow from the policy: those that are mounted cannot be used",
            ),
        ],
        after: nothing,
    },
    Break {
        what: "the canary is let through with a warning",
        breaks: |world, _| world.serve(&["--enforcement=warn"]),
        told: &[(
            "canary",
            "error",
            "",
            "is let through with our warning, and should be refused",
        )],
        after: |world| world.serve(&[]),
    },
    Break {
        what: "a chart that nobody knows runs",
        breaks: |_, admin| {
            let label = [
                "label",
                "--overwrite",
                "statefulset/dev",
                "chart=vcluster-0.99.0",
            ];
            admin.must(&label, "");
        },
        told: &[(
            "charts",
            "warning",
            "",
            "vcluster 0.99.0 is not known, the newest is ",
        )],
        after: |world| {
            let label = [
                "label",
                "--overwrite",
                "statefulset/dev",
                "chart=vcluster-0.30.4",
            ];
            world.cluster.admin().must(&label, "");
        },
    },
    Break {
        what: "a webhook is gone",
        breaks: |_, admin| {
            let gone = json!([{"op": "remove", "path": "/webhooks/1"}]);
            patch(admin, VALIDATING, &gone);
        },
        told: &[(
            "registration",
            "error",
            "webhooks[values.distrogate.io]",
            "is not there",
        )],
        after: nothing,
    },
    Break {
        what: "nobody validates, and somebody else writes the certificates in",
        breaks: |_, admin| {
            admin.must(&["annotate", VALIDATING, MUTATING, INJECTED], "");
            admin.must(&["delete", VALIDATING], "");
        },
        told: &[("configurations", "error", "", "is not there")],
        after: |world| {
            let admin = world.cluster.admin();
            for object in [VALIDATING, MUTATING] {
                let stored = admin.stored(&[object]);
                let (name, value) = INJECTED.split_once('=').unwrap();
                assert_eq!(stored["metadata"]["annotations"][name], value, "{stored}");
                // nobody does write them in here
                admin.must(&["annotate", object, &format!("{name}-")], "");
            }
            admin.must(&["apply", "-k", world.overlay().to_str().unwrap()], "");
        },
    },
    Break {
        what: "nobody fills in defaults, and what they go into is said in the cluster alone",
        breaks: |world, admin| {
            let into = "spec: {defaults: {into: [Values, Secret]}, enforcement: Deny}";
            world.write_policy(&POLICY.replace("spec: {enforcement: Deny}", into));
            admin.must(&["delete", MUTATING], "");
        },
        told: &[("configurations", "error", "", "is not there")],
        after: |world| {
            let stored = world.cluster.admin().stored(&[MUTATING]);
            let name = "mutate-secrets.distrogate.io";
            assert_eq!(stored["webhooks"][1]["name"], name, "{stored}");
            world.write_policy(POLICY);
            let gone = json!([{"op": "remove", "path": "/webhooks/1"}]);
            patch(&world.cluster.admin(), MUTATING, &gone);
        },
    },
];

impl Break {
    /// Breaks it, waits until all is told, runs the first command, and waits until all is good.
    pub(super) fn run(&self, world: &mut World, good: &[Value]) {
        let Self {
            what,
            breaks,
            told,
            after,
        } = self;
        breaks(world, &world.cluster.admin());
        let found = until(what, World::PATIENCE, || {
            let findings = world.findings(&[]);
            let mut found = Vec::new();
            for (check, status, field, says) in *told {
                let is_it = |one: &&Value| {
                    one["check"] == *check
                        && one["status"] == *status
                        && one["field"] == *field
                        && one["says"].as_str().unwrap().starts_with(says)
                };
                let one = findings.iter().find(is_it);
                let one = one.ok_or_else(|| format!("{says} is not in {findings:#?}"))?;
                found.push(one.clone());
            }
            Ok(found)
        });
        codes_follow(world, what);
        assert!(found.iter().all(|one| one["why"].is_string()), "{found:#?}");
        if let Some(command) = found[0]["mend"].as_str() {
            world.mend(command);
        }
        after(world);
        let settled = world.settled();
        // certificates that are made anew end on the same day, or the next
        assert_eq!(settled.len(), good.len(), "{what}: {settled:#?}");
    }
}

/// Exit codes are those of what is told in the same breath.
fn codes_follow(world: &World, what: &str) {
    for (arguments, bad) in [
        (&[][..], &["error"][..]),
        (&["--fail-on=warning"], &["error", "warning"]),
    ] {
        let told = world.doctor(arguments);
        let starts = |line: &str| bad.iter().any(|status| line.starts_with(status));
        let is_bad = told.stdout.lines().any(starts);
        let text = &told.stdout;
        assert_eq!(told.code, Some(i32::from(is_bad)), "{what}: {text}");
    }
}

fn patch(admin: &Kubectl, object: &str, operations: &Value) {
    let operations = operations.to_string();
    admin.must(&["patch", object, "--type=json", "-p", &operations], "");
}

fn scale(admin: &Kubectl, replicas: u8) {
    let replicas = format!("--replicas={replicas}");
    admin.must(
        &["-n", NAMESPACE, "scale", "deployment/distrogate", &replicas],
        "",
    );
}
