//! Some servers with one CA, at an API server of their own.

use std::ffi::OsString;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use distrogate::cluster::{Need, RIGHTS, Reach};
use serde_json::{Value, json};

use super::PATIENCE;
use super::calls::{call, get, issuer_of};
use crate::harness::cluster::Cluster;
use crate::harness::process::{free_ports, until};
use crate::harness::server::Server;
use crate::support;

/// Where the servers run.
pub(super) const NAMESPACE: &str = "distrogate-system";

/// Kind and name for kubectl.
pub(super) const CONFIGURATIONS: [[&str; 2]; 2] = [
    ["validatingwebhookconfiguration", "validate.distrogate.io"],
    ["mutatingwebhookconfiguration", "mutate.distrogate.io"],
];

/// Servers, dropped before their API server.
pub(super) struct Replicas {
    pub(super) servers: Vec<Server>,
    pub(super) cluster: Cluster,
    /// Further arguments of those that are started from now on.
    pub(super) more: Vec<String>,
    register: bool,
    port: u16,
}

impl Replicas {
    /// An API server where the servers have their rights, and nothing else.
    pub(super) fn prepare(register: bool) -> Self {
        let cluster = Cluster::start();
        let kubectl = cluster.admin();
        // a label that API servers give by themselves from 1.21 on
        let labels = json!({"kubernetes.io/metadata.name": NAMESPACE});
        let metadata = json!({"name": NAMESPACE, "labels": labels});
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
        kubectl.must(&["create", "-f", "-"], &namespace.to_string());
        kubectl.must(&["create", "namespace", "team-a"], "");
        let rules = |reach| {
            let needs = [Need::SelfManaged, Need::Both];
            let rights = RIGHTS.iter().filter(|right| {
                right.reach == reach
                    && (needs.contains(&right.need) || (register && right.need == Need::Register))
            });
            rights
                .map(distrogate::cluster::Right::rule)
                .collect::<Vec<_>>()
        };
        let api = "rbac.authorization.k8s.io";
        let object = |kind: &str, more: Value| {
            let mut object = json!({
                "apiVersion": format!("{api}/v1"),
                "kind": kind,
                "metadata": {"name": "distrogate", "namespace": NAMESPACE},
            });
            let more = more.as_object().unwrap().clone();
            object.as_object_mut().unwrap().extend(more);
            object
        };
        let binding = |role: &str| {
            json!({
                "roleRef": {"apiGroup": api, "kind": role, "name": "distrogate"},
                "subjects": [{"apiGroup": api, "kind": "User", "name": "tenant"}],
            })
        };
        let team = json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}]);
        let mut team_role = object("Role", json!({"rules": team}));
        let mut team_binding = object("RoleBinding", binding("Role"));
        for object in [&mut team_role, &mut team_binding] {
            object["metadata"]["namespace"] = json!("team-a");
        }
        let objects = [
            object("Role", json!({"rules": rules(Reach::Namespace)})),
            object("RoleBinding", binding("Role")),
            object("ClusterRole", json!({"rules": rules(Reach::Cluster)})),
            object("ClusterRoleBinding", binding("ClusterRole")),
            team_role,
            team_binding,
        ];
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        kubectl.must(&["create", "-f", "-"], &list.to_string());
        let [port] = free_ports();
        Self {
            servers: Vec::new(),
            cluster,
            more: Vec::new(),
            register,
            port,
        }
    }

    /// Takes away or gives back the right to the Lease, without which nobody leads.
    pub(super) fn may_lead(&self, may: bool) {
        let kubectl = self.cluster.admin();
        let role = ["-n", NAMESPACE, "get", "role", "distrogate", "-o", "json"];
        let mut role: Value = serde_json::from_str(&kubectl.must(&role, "")).unwrap();
        for rule in role["rules"].as_array_mut().unwrap() {
            let resource = if may { "leases" } else { "nothing" };
            if rule["apiGroups"] == json!(["coordination.k8s.io"]) {
                rule["resources"] = json!([resource]);
            }
        }
        kubectl.must(&["replace", "-f", "-"], &role.to_string());
    }

    /// Both configurations, as somebody else applies them: without `caBundle`, for the first server.
    pub(super) fn install(&self) {
        let url = format!("https://127.0.0.1:{}", self.port);
        let output = support::run(&["manifests", "--format=json", "--url", &url]);
        let printed = support::stdout(&output);
        self.cluster
            .admin()
            .must(&["create", "--validate=false", "-f", "-"], &printed);
    }

    /// One more server.
    pub(super) fn start(&mut self) {
        let number = self.servers.len();
        let port = if number == 0 {
            self.port
        } else {
            let [port] = free_ports();
            port
        };
        let dir = self.cluster.dir().join(format!("server-{port}"));
        fs::create_dir_all(&dir).unwrap();
        let address = format!("127.0.0.1:{port}");
        let mut arguments: Vec<OsString> = [
            "--listen",
            &address,
            "--url",
            &format!("https://{address}"),
            "--certificates=self-managed",
            "--namespace",
            NAMESPACE,
            "--context=tenant",
            "--shutdown-delay=0s",
            "--hurry",
            "--kubeconfig",
        ]
        .map(OsString::from)
        .to_vec();
        arguments.push(self.cluster.kubeconfig().into());
        arguments.extend(self.register.then(|| "--register".into()));
        arguments.extend(self.more.iter().map(OsString::from));
        self.servers.push(Server::start_with(&arguments, &dir));
    }

    /// Waits until every server says so.
    pub(super) fn all_are_ready(&self) {
        for server in &self.servers {
            until("a server ready", PATIENCE, || {
                let told = get(server.admin(), "/readyz")?;
                told.ends_with("ok")
                    .then_some(())
                    .ok_or_else(|| format!("{told}\n{}", server.log_tail()))
            });
        }
    }

    /// Waits until every server is trusted by what both configurations hold.
    pub(super) fn all_are_trusted(&self) {
        for server in &self.servers {
            until("a server trusted", PATIENCE, || {
                call(server.url(), &self.bundle()?)
                    .map_err(|error| format!("{error}\n{}", self.logs()))
            });
        }
    }

    /// Waits until every server serves a certificate of this CA, as a Secret holds it.
    pub(super) fn all_serve_of(&self, authority: &Value) {
        let pem = STANDARD.decode(authority.as_str().unwrap()).unwrap();
        let pem = String::from_utf8(pem).unwrap();
        for server in &self.servers {
            until("a certificate of the last CA", PATIENCE, || {
                issuer_of(server.url(), &pem)
            });
        }
    }

    pub(super) fn urls(&self) -> Vec<String> {
        self.servers
            .iter()
            .map(|server| server.url().to_owned())
            .collect()
    }

    pub(super) fn logs(&self) -> String {
        let logs = self.servers.iter().map(Server::log_tail);
        logs.collect::<Vec<_>>().join("\n--\n")
    }

    /// The CA's Secret.
    pub(super) fn secret(&self) -> Value {
        self.find_secret().unwrap()
    }

    pub(super) fn find_secret(&self) -> Result<Value, String> {
        let arguments = [
            "-n",
            NAMESPACE,
            "get",
            "secret",
            "distrogate-authority",
            "-o",
            "json",
        ];
        let found = self.cluster.admin().run(&arguments, "");
        if !found.ok {
            return Err(found.stderr);
        }
        Ok(serde_json::from_str(&found.stdout).unwrap())
    }

    /// How many CAs were made and are trusted.
    pub(super) fn signers(&self) -> usize {
        self.bundle().unwrap().matches("BEGIN").count()
    }

    pub(super) fn configuration(&self, kind: [&str; 2]) -> Value {
        self.cluster.admin().stored(&kind)
    }

    /// The one bundle that all webhooks have.
    pub(super) fn bundle(&self) -> Result<String, String> {
        let found = self.cluster.admin().run(
            &[
                "get",
                "validatingwebhookconfigurations,mutatingwebhookconfigurations",
                "-o",
                "json",
            ],
            "",
        );
        if !found.ok {
            return Err(found.stderr);
        }
        bundle_of(&serde_json::from_str(&found.stdout).unwrap())
    }
}

/// The bundle in a list of configurations, if it is one.
pub(super) fn bundle_of(list: &Value) -> Result<String, String> {
    let configurations = list["items"].as_array().unwrap().iter();
    let webhooks = configurations.flat_map(|one| one["webhooks"].as_array().unwrap());
    let mut bundles: Vec<_> = webhooks
        .map(|webhook| {
            webhook["clientConfig"]["caBundle"]
                .as_str()
                .unwrap_or_default()
        })
        .collect();
    bundles.dedup();
    let [bundle] = bundles[..] else {
        return Err(format!("{} different bundles in a row", bundles.len()));
    };
    let pem = STANDARD.decode(bundle).unwrap();
    Ok(String::from_utf8(pem).unwrap())
}
