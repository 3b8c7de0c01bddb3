//! A control plane with an installation in it: what a kubelet and controllers would do is written
//! by hand, the server behind the Service is real.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::cluster::Cluster;
use crate::harness::kubectl::Kubectl;
use crate::harness::manifests::{self, MATCH_CONDITIONS, Target};
use crate::harness::process::until;
use crate::harness::server::Server;
use crate::support::{distrogate, stderr, stdout};

/// The namespace of the manifests.
pub(super) const NAMESPACE: &str = "distrogate-system";
/// The Service's address: loopback, where the server listens.
const ADDRESS: &str = "127.55.0.10";
/// The name that the API server calls.
const NAME: &str = "distrogate.distrogate-system.svc";
/// A policy that is mounted.
pub(super) const POLICY: &str = "\
apiVersion: distrogate.io/v1alpha1
kind: DistroPolicy
metadata: {name: platform}
spec: {enforcement: Deny}
";

/// An installation.
pub(super) struct World {
    pub(super) cluster: Cluster,
    server: Option<Server>,
    port: u16,
}

/// What the doctor said.
pub(super) struct Told {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
}

impl World {
    /// The API server takes seconds to follow a webhook configuration.
    pub(super) const PATIENCE: Duration = Duration::from_mins(1);

    /// Installs everything.
    pub(super) fn build() -> Self {
        let cluster = Cluster::start();
        let mut world = Self {
            cluster,
            server: None,
            port: 0,
        };
        world.certify(&[]);
        world.serve(&[]);
        let admin = world.cluster.admin();
        let crd = include_str!("../../data/helmrelease-crd.yaml");
        admin.must(&["apply", "-f", "-"], crd);
        let name = "helmreleases.helm.toolkit.fluxcd.io";
        let established = [
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            "crd",
        ];
        admin.must(&[&established[..], &[name]].concat(), "");
        world.write_overlay();
        world.write_editor();
        world.install(&admin);
        admin.must(&["apply", "-k", world.overlay().to_str().unwrap()], "");
        world
    }

    /// Makes a CA and a certificate where the documents put them.
    pub(super) fn certify(&self, arguments: &[&str]) {
        let output = distrogate()
            .args(["certs", "init", "--force", "--dns", NAME, "--out"])
            .arg(self.overlay())
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }

    /// Serves, on the port of before.
    pub(super) fn serve(&mut self, arguments: &[&str]) {
        self.server = None;
        let overlay = self.overlay();
        let files = [overlay.join("tls.crt"), overlay.join("tls.key")];
        let listen = format!("{ADDRESS}:{}", self.port);
        let arguments = [&["--reload-interval=1s"], arguments].concat();
        let server = Server::start_at(&listen, &files, &arguments, self.cluster.dir());
        let (_, port) = server.url().rsplit_once(':').unwrap();
        self.port = port.parse().unwrap();
        self.server = Some(server);
    }

    /// Stops the server.
    pub(super) fn stop(&mut self) {
        self.server = None;
    }

    /// Asks the doctor.
    pub(super) fn doctor(&self, arguments: &[&str]) -> Told {
        let port = self.port.to_string();
        let mut command = distrogate();
        command
            .current_dir(self.cluster.dir())
            .args(["doctor", "--port", &port, "--kubeconfig"])
            .arg(self.cluster.kubeconfig())
            .args(["--ca-file", "certs/own-ca/ca.crt"])
            .args(["--via", &format!("{ADDRESS}:{port}"), "--check-timeout=20"])
            .args(arguments);
        let output = command.output().unwrap();
        assert_eq!(stderr(&output), "");
        Told {
            code: output.status.code(),
            stdout: stdout(&output),
        }
    }

    /// What it says, without what differs from one moment to the next.
    pub(super) fn findings(&self, arguments: &[&str]) -> Vec<Value> {
        let told = self.doctor(&[&["--format=json"], arguments].concat());
        let told: Value = serde_json::from_str(&told.stdout).unwrap();
        assert_eq!(told["version"], 1);
        told["findings"].as_array().unwrap().clone()
    }

    /// What it says once the API server follows: nothing is wrong.
    pub(super) fn settled(&self) -> Vec<Value> {
        until("nothing is wrong", Self::PATIENCE, || {
            let told = self.findings(&[]);
            let bad = told.iter().filter(|one| {
                let is_bad = ["error", "warning"].iter().any(|bad| one["status"] == *bad);
                // what an older API server cannot do
                is_bad && one["check"] != "api-server"
            });
            let bad: Vec<_> = bad.map(ToString::to_string).collect();
            if bad.is_empty() {
                Ok(told)
            } else {
                Err(bad.join("\n"))
            }
        })
    }

    /// Mounts another policy.
    pub(super) fn write_policy(&self, text: &str) {
        let data = json!({"data": {"platform.yaml": text}}).to_string();
        let map = [
            "configmap",
            "distrogate-policies",
            "--type=merge",
            "-p",
            &data,
        ];
        let admin = self.cluster.admin();
        admin.must(&[&["-n", NAMESPACE, "patch"], &map[..]].concat(), "");
    }

    /// Runs a command of the doctor's, as a person would.
    pub(super) fn mend(&self, command: &str) {
        let binary = Path::new(env!("CARGO_BIN_EXE_distrogate"));
        let mut path = binary.parent().unwrap().as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        let output = Command::new("sh")
            .args(["-eu", "-c", command])
            .current_dir(self.cluster.dir())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.cluster.dir())
            .env("KUBE_EDITOR", "bash editor.sh")
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {}", stderr(&output));
    }

    /// Text without what differs from one run to the next.
    pub(super) fn anonymous(&self, text: &str) -> String {
        let text = text
            .replace(&self.cluster.dir().display().to_string(), "DIR")
            .replace(&self.port.to_string(), "PORT");
        let is_date = |word: &str| word.len() == 10 && word.as_bytes().get(4) == Some(&b'-');
        let words = text.split(' ').map(|word| {
            let bare = word.trim_end_matches(',');
            let comma = if bare == word { "" } else { "," };
            if is_date(bare) {
                format!("DATE{comma}")
            } else {
                word.to_owned()
            }
        });
        let mut words: Vec<_> = words.collect();
        for number in 1..words.len() {
            if words[number] == "days" {
                "N".clone_into(&mut words[number - 1]);
            }
        }
        words.join(" ")
    }

    /// Whether the API server knows `matchConditions`.
    pub(super) fn is_old(&self) -> bool {
        self.cluster.minor_version() < MATCH_CONDITIONS
    }

    /// The folder of the documents, beside which the doctor is called.
    pub(super) fn overlay(&self) -> PathBuf {
        self.cluster.dir().join("certs/own-ca")
    }

    /// A kustomization as that of `certs/own-ca`, with the webhooks alone: this API server may be
    /// too old for all of them, and the server behind the Service is no Pod.
    fn write_overlay(&self) {
        let overlay = self.overlay();
        let port = self.port.to_string();
        let output = distrogate()
            .args(["manifests", "--format=json", "--port", &port])
            .output()
            .unwrap();
        let mut list: Value = serde_json::from_str(&stdout(&output)).unwrap();
        for object in list["items"].as_array_mut().unwrap() {
            for webhook in object["webhooks"].as_array_mut().unwrap() {
                if self.is_old() {
                    webhook.as_object_mut().unwrap().remove("matchConditions");
                }
            }
        }
        fs::write(overlay.join("webhooks.json"), list.to_string()).unwrap();
        let kustomization = include_str!("../../../certs/own-ca/kustomization.yaml");
        let kustomization = kustomization.replace("../../deploy/base", "webhooks.json");
        fs::write(overlay.join("kustomization.yaml"), kustomization).unwrap();
    }

    /// What a person does in `kubectl edit`: writes the policy as it was.
    fn write_editor(&self) {
        let lines: Vec<_> = POLICY.lines().map(|line| format!("    {line}")).collect();
        let script = format!(
            "sed -i 's|^    kind: DistroPolicy$|{}|' \"$1\"\n",
            lines.join("\\n")
        );
        fs::write(self.cluster.dir().join("editor.sh"), script).unwrap();
    }

    /// What `deploy/` has besides the webhooks, and what would come of it.
    fn install(&self, admin: &Kubectl) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut objects = manifests::build(admin, &root.join("deploy"));
        let target = Target {
            url: "",
            ca: &self.overlay().join("ca.crt"),
            minor_version: self.cluster.minor_version(),
        };
        manifests::adapt(&mut objects, &target);
        objects.retain(|object| object.get("webhooks").is_none());
        let of_kind: BTreeMap<String, usize> = objects
            .iter()
            .enumerate()
            .map(|(number, object)| (object["kind"].as_str().unwrap().to_owned(), number))
            .collect();
        let service = &mut objects[of_kind["Service"]]["spec"];
        service["clusterIP"] = json!(ADDRESS);
        service["ports"][0]["port"] = json!(self.port);
        let deployment = &mut objects[of_kind["Deployment"]]["spec"];
        let pod = &mut deployment["template"]["spec"];
        let container = &mut pod["containers"][0];
        let arguments = container["args"].as_array_mut().unwrap();
        arguments.push(json!("--policy=/policies"));
        let mounts = container["volumeMounts"].as_array_mut().unwrap();
        mounts.push(json!({"name": "policies", "mountPath": "/policies"}));
        let volumes = pod["volumes"].as_array_mut().unwrap();
        volumes.push(json!({"name": "policies", "configMap": {"name": "distrogate-policies"}}));
        let template = deployment["template"].clone();

        let config_map = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "distrogate-policies", "namespace": NAMESPACE},
            "data": {"platform.yaml": POLICY},
        });
        objects.push(config_map);
        objects.push(self.endpoints());
        // a virtual cluster that runs
        objects.push(json!({
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {
                "name": "dev",
                "namespace": "default",
                "labels": {"app": "vcluster", "chart": "vcluster-0.30.4", "release": "dev"},
            },
            "spec": {
                "serviceName": "dev",
                "selector": {"matchLabels": {"app": "vcluster"}},
                "template": {
                    "metadata": {"labels": {"app": "vcluster"}},
                    "spec": {"containers": [{"name": "syncer", "image": "vcluster"}]},
                },
            },
        }));
        admin.must(&["apply", "-f", "-"], &manifests::list(&objects));
        for name in ["kube-system", NAMESPACE] {
            label(admin, name);
        }
        let status = json!({"replicas": 2, "readyReplicas": 2, "availableReplicas": 2});
        status_of(admin, "deployment/distrogate", &status);
        for (name, node) in [("distrogate-a", "node-1"), ("distrogate-b", "node-2")] {
            let mut pod = template.clone();
            pod["apiVersion"] = json!("v1");
            pod["kind"] = json!("Pod");
            pod["metadata"]["name"] = json!(name);
            pod["metadata"]["namespace"] = json!(NAMESPACE);
            pod["spec"]["nodeName"] = json!(node);
            admin.must(&["create", "-f", "-"], &pod.to_string());
            // no API server goes to a Pod on loopback
            let status = json!({
                "phase": "Running",
                "podIP": "127.0.0.1",
                "podIPs": [{"ip": "127.0.0.1"}],
                "conditions": [{"type": "Ready", "status": "True"}],
            });
            status_of(admin, &format!("pod/{name}"), &status);
        }
    }

    /// Where the Service leads, in the form that this API server has.
    fn endpoints(&self) -> Value {
        let metadata = json!({
            "name": "distrogate",
            "namespace": NAMESPACE,
            "labels": {"kubernetes.io/service-name": "distrogate"},
        });
        let ports = json!([{"name": "https", "port": 8443}]);
        // the first that has EndpointSlices for good
        if self.cluster.minor_version() < 21 {
            let addresses = json!([{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]);
            return json!({
                "apiVersion": "v1",
                "kind": "Endpoints",
                "metadata": metadata,
                "subsets": [{"addresses": addresses, "ports": ports}],
            });
        }
        json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": metadata,
            "addressType": "IPv4",
            "ports": ports,
            "endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}],
        })
    }
}

/// What API servers from 1.21 on do by themselves.
pub(super) fn label(admin: &Kubectl, name: &str) {
    let label = format!("kubernetes.io/metadata.name={name}");
    admin.must(&["label", "--overwrite", "namespace", name, &label], "");
}

/// What a controller or kubelet would write.
fn status_of(admin: &Kubectl, object: &str, status: &Value) {
    let patch = json!({"status": status}).to_string();
    admin.must(
        &[
            "-n",
            NAMESPACE,
            "patch",
            object,
            "--subresource=status",
            "--type=merge",
            "-p",
            &patch,
        ],
        "",
    );
}
