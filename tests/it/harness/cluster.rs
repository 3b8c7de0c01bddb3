//! A control plane of etcd and kube-apiserver, as envtest has it: no kubelet, no
//! controllers. Both listen on 127.0.0.1 only and keep everything in a temporary
//! folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::certificates::Certificates;
use super::kubectl::Kubectl;
use super::process::{Process, free_ports, until};

/// The variable that names the folder with kube-apiserver and etcd.
const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// Generous: a loaded machine takes a minute, an idle one six seconds.
const READY_WITHIN: Duration = Duration::from_mins(3);

/// May do anything.
const ADMIN: &str = "admin";

/// May do what the test grants.
const TENANT: &str = "tenant";

/// A running control plane. Dropped in this order: the API server before its
/// etcd, both before their folder.
#[derive(Debug)]
pub(crate) struct Cluster {
    api_server: Process,
    etcd: Process,
    certificates: Certificates,
    kubectl: Kubectl,
    config: PathBuf,
    dir: TempDir,
}

impl Cluster {
    /// Starts one and waits until it is ready.
    pub(crate) fn start() -> Self {
        let assets = assets();
        let dir = TempDir::new().expect("a temporary folder");
        let path = dir.path();
        let certificates = Certificates::make(&path.join("certificates"));
        let [etcd_port, port] = free_ports();
        let etcd = start_etcd(&assets, path, etcd_port);
        let api_server = start_api_server(&assets, path, &certificates, etcd_port, port);
        let config = write_config(path, &certificates, port);
        let kubectl = Kubectl::offline(Some(&assets), path);
        let mut cluster = Self {
            api_server,
            etcd,
            certificates,
            kubectl,
            config,
            dir,
        };
        cluster.wait();
        cluster
    }

    /// `kubectl` as the cluster's administrator.
    pub(crate) fn admin(&self) -> Kubectl {
        self.kubectl.as_user(&self.config, ADMIN)
    }

    /// `kubectl` as somebody who has no rights yet.
    pub(crate) fn tenant(&self) -> Kubectl {
        self.kubectl.as_user(&self.config, TENANT)
    }

    /// A kubeconfig whose only context is a service account, called by its name.
    pub(crate) fn kubeconfig_of(&self, namespace: &str, account: &str) -> PathBuf {
        let config = fs::read(&self.config).expect("our own file");
        let mut config: serde_json::Value = serde_json::from_slice(&config).expect("our own JSON");
        let user = json!({
            "token": format!("{ADMIN}-token"),
            "as": format!("system:serviceaccount:{namespace}:{account}"),
        });
        for (key, value) in [
            ("users", json!([{"name": account, "user": user}])),
            (
                "contexts",
                json!([{"name": account, "context": {"cluster": "test", "user": account}}]),
            ),
            ("current-context", json!(account)),
        ] {
            config
                .as_object_mut()
                .expect("a JSON object")
                .insert(key.to_owned(), value);
        }
        let path = self.dir.path().join(format!("{namespace}.{account}"));
        fs::write(&path, config.to_string()).expect("a file in our own folder");
        path
    }

    /// A kubeconfig with the contexts `admin` and `tenant`, for other programs.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.config
    }

    /// Ends the API server, and not its etcd.
    pub(crate) fn stop_api_server(&mut self) {
        self.api_server.kill();
    }

    /// What the API server listens with; good for a webhook on loopback too.
    pub(crate) fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// A folder that is gone with the cluster.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The minor version of the API server, as in 1.MINOR.
    pub(crate) fn minor_version(&self) -> u32 {
        let version = self.admin().must(&["get", "--raw=/version"], "");
        let version: serde_json::Value = serde_json::from_str(&version).expect("JSON");
        let minor = version
            .get("minor")
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default();
        let digits = minor.trim_end_matches(|character: char| !character.is_ascii_digit());
        digits
            .parse()
            .unwrap_or_else(|_| panic!("no minor version in {version}"))
    }

    /// Ends the API server, and leaves everything else.
    pub(crate) fn kill_api_server(&mut self) {
        self.api_server.kill();
    }

    fn wait(&mut self) {
        let admin = self.admin();
        until("kube-apiserver ready", READY_WITHIN, || {
            self.etcd.assert_running();
            self.api_server.assert_running();
            let outcome = admin.run(&["get", "--raw=/readyz"], "");
            if outcome.ok {
                Ok(())
            } else {
                Err(outcome.stderr)
            }
        });
    }
}

fn assets() -> PathBuf {
    let Some(assets) = std::env::var_os(ASSETS).map(PathBuf::from) else {
        panic!("{ASSETS} is not set: it names the folder that holds kube-apiserver and etcd");
    };
    for program in ["etcd", "kube-apiserver"] {
        assert!(
            assets.join(program).exists(),
            "{ASSETS} holds no {program}: {}",
            assets.display()
        );
    }
    assets
}

fn start_etcd(assets: &Path, dir: &Path, port: u16) -> Process {
    let mut command = Command::new(assets.join("etcd"));
    command
        .args([
            "--name=test",
            "--unsafe-no-fsync",
            "--initial-cluster=test=http://127.0.0.1:0",
        ])
        .args(["--listen-peer-urls", "http://127.0.0.1:0"])
        .args(["--initial-advertise-peer-urls", "http://127.0.0.1:0"])
        .arg(format!("--listen-client-urls=http://127.0.0.1:{port}"))
        .arg(format!("--advertise-client-urls=http://127.0.0.1:{port}"))
        .arg(flag("data-dir", &dir.join("etcd")));
    Process::start("etcd", &mut command, dir)
}

fn start_api_server(
    assets: &Path,
    dir: &Path,
    certificates: &Certificates,
    etcd_port: u16,
    port: u16,
) -> Process {
    let tokens = dir.join("tokens.csv");
    let lines = format!(
        "{ADMIN}-token,{ADMIN},{ADMIN},system:masters\n{TENANT}-token,{TENANT},{TENANT},tenants\n"
    );
    fs::write(&tokens, lines).expect("a file in our own folder");
    let mut command = Command::new(assets.join("kube-apiserver"));
    command
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        .args([
            "--authorization-mode=RBAC",
            "--endpoint-reconciler-type=none",
        ])
        // Loopback: without a kube-proxy a Service leads to whoever listens on its address.
        .args(["--service-cluster-ip-range=127.55.0.0/24"])
        // There is no controller that would make the service accounts.
        .arg("--disable-admission-plugins=ServiceAccount")
        .arg(format!("--etcd-servers=http://127.0.0.1:{etcd_port}"))
        .arg(format!("--secure-port={port}"))
        .arg(format!("--service-account-issuer=https://127.0.0.1:{port}"))
        .arg(flag(
            "service-account-signing-key-file",
            &certificates.key(),
        ))
        // The public half: a PKCS #8 private key would not be read here.
        .arg(flag(
            "service-account-key-file",
            &certificates.certificate(),
        ))
        .arg(flag("tls-cert-file", &certificates.certificate()))
        .arg(flag("tls-private-key-file", &certificates.key()))
        .arg(flag("token-auth-file", &tokens))
        .arg(flag("cert-dir", dir));
    Process::start("kube-apiserver", &mut command, dir)
}

fn flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

fn write_config(dir: &Path, certificates: &Certificates, port: u16) -> PathBuf {
    let user = |name| json!({"name": name, "user": {"token": format!("{name}-token")}});
    let context = |name| json!({"name": name, "context": {"cluster": "test", "user": name}});
    let cluster = json!({
        "server": format!("https://127.0.0.1:{port}"),
        "certificate-authority": certificates.ca(),
    });
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [user(ADMIN), user(TENANT)],
        "contexts": [context(ADMIN), context(TENANT)],
        "current-context": ADMIN,
    });
    let path = dir.join("kubeconfig");
    fs::write(&path, config.to_string()).expect("a file in our own folder");
    path
}
