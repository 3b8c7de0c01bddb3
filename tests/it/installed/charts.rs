//! A tenant who deploys virtual clusters with Helm alone: what distrogate says there, and that all
//! ways back stay open.

use std::fs;
use std::path::Path;
use std::time::Duration;

use insta::{allow_duplicates, assert_snapshot};
use serde_json::json;

use crate::harness::cluster::Cluster;
use crate::harness::kubectl::Kubectl;
use crate::harness::manifests::{self, Target};
use crate::harness::process::until;
use crate::harness::server::Server;
use crate::helm::binary::{Helm, Helms};
use crate::helm::chart::Charts;
use crate::support::{file, secret};

/// The tenant's namespace.
pub(super) const NAMESPACE: &str = "team-a";

/// The API server takes seconds to follow a webhook configuration.
const ACTIVE_WITHIN: Duration = Duration::from_mins(1);

pub(super) fn a_tenant_with_helm(cluster: &Cluster, helms: &Helms) {
    let admin = cluster.admin();
    let role = ["-n", NAMESPACE, "create", "role", "tenant", "--verb=*"];
    let resources = "--resource=secrets,statefulsets.apps";
    admin.must(&[&role[..], &[resources]].concat(), "");
    let binding = [
        "create",
        "rolebinding",
        "tenant",
        "--role=tenant",
        "--user=tenant",
    ];
    admin.must(&[&["-n", NAMESPACE], &binding[..]].concat(), "");
    let server = Server::start(cluster.certificates(), cluster.dir());
    let ca = cluster.certificates().ca();
    let target = Target {
        url: server.url(),
        ca: &ca,
        minor_version: cluster.minor_version(),
    };
    let mut objects = manifests::build(&admin, &file("deploy"));
    objects.retain(|object| object["kind"].as_str().unwrap().ends_with("Configuration"));
    manifests::adapt(&mut objects, &target);
    admin.must(&["apply", "-f", "-"], &manifests::list(&objects));
    wait_until_active(&admin);

    let charts = Charts::write(&["0.30.4", "0.32.3"]);
    for helm in helms.each() {
        let tenant = Tenant {
            helm,
            config: cluster.kubeconfig(),
            name: format!("dev{}", helm.major()),
        };
        let kubectl = cluster.tenant();
        tenant.goes_through_all_of_it(&kubectl, &charts);
    }
    admin.must(&["delete", "-f", "-"], &manifests::list(&objects));
}

/// Who runs `helm` in the namespace.
struct Tenant<'a> {
    helm: &'a Helm,
    config: &'a Path,
    /// The release.
    name: String,
}

impl Tenant<'_> {
    fn run(&self, verb: &str, arguments: &[&str]) -> Result<String, String> {
        let config = self.config.to_str().unwrap();
        let on = [
            "--kubeconfig",
            config,
            "--kube-context=tenant",
            "-n",
            NAMESPACE,
        ];
        let all = [&[verb, &self.name], arguments, &on[..]].concat();
        // Helm 3 and 4 differ in what they say around the API server's words, and between two of them
        let words = |error: String| match error.split_once("admission webhook") {
            Some((_, words)) => {
                let first = words.split(" && ").next().unwrap_or_default();
                let first = first.split("\n\t*").next().unwrap_or_default().trim_end();
                format!("admission webhook{first}").replace(&self.name, "dev")
            }
            None => error,
        };
        self.helm.run(&all).map_err(words)
    }

    fn goes_through_all_of_it(&self, kubectl: &Kubectl, charts: &Charts) {
        let helm = self.helm;
        let k3s = "--set=controlPlane.distro.k3s.enabled=true";
        let k8s = "--set=controlPlane.distro.k8s.enabled=true";
        let chart = charts.of("0.30.4");
        let chart = chart.to_str().unwrap();

        // vCluster's chart looks for itself; a fork may not
        let fork = charts.scratch(&format!("fork{}", helm.major()));
        manifests::copy(Path::new(chart), &fork);
        let path = fork.join("Chart.yaml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"k3s,k8s\"", "\"\"")).unwrap();
        let told = self.run("install", &[fork.to_str().unwrap(), k3s, k8s]);
        allow_duplicates! {
            assert_snapshot!(told.unwrap_err(), @r#"
            admission webhook "validate.distrogate.io" denied the request: Secret team-a/vc-config-dev (vCluster chart 0.30.4) refused:
              controlPlane.distro (line 68 of data[config.yaml]): only one distro can be enabled at the same time, found k3s and k8s [only-one-distro]
                fix: set controlPlane.distro.k3s.enabled to false
              Helm writes this Secret: change the values of release dev
            "#);
        }
        self.run("uninstall", &[]).unwrap();

        self.run("install", &[chart, k8s]).unwrap();
        let stored = || {
            let secret = format!("secret/vc-config-{}", self.name);
            kubectl.stored(&["-n", NAMESPACE, &secret])["data"].clone()
        };
        let first = stored();
        assert_eq!(self.revisions(kubectl), 1, "{helm}");

        // another distro for what runs
        let told = self.run("upgrade", &[chart, k3s]);
        allow_duplicates! {
            assert_snapshot!(told.unwrap_err(), @r#"
            admission webhook "validate.distrogate.io" denied the request: Secret team-a/vc-config-dev (vCluster chart 0.30.4) refused:
              controlPlane.distro (line 68 of data[config.yaml]): the distro of a virtual cluster cannot be changed, it is k8s and would become k3s; vCluster has no migration from k8s to k3s [distro-change]
                fix: set controlPlane.distro.k8s.enabled to true and controlPlane.distro.k3s.enabled to false
              Helm writes this Secret: change the values of release dev
            "#);
        }
        assert_eq!(stored(), first, "{helm}: nothing has changed");

        self.run("rollback", &["1"]).unwrap();
        assert_eq!(stored(), first, "{helm}");

        // the same distro, and the next chart
        let next = charts.of("0.32.3");
        self.run("upgrade", &[next.to_str().unwrap(), k8s]).unwrap();
        let second = stored();
        assert_ne!(second, first, "{helm}");
        // and back over it
        self.run("rollback", &["1"]).unwrap();
        assert_eq!(stored(), first, "{helm}");

        self.run("uninstall", &[]).unwrap();
        assert_eq!(self.revisions(kubectl), 0, "{helm}");
        let workloads = kubectl.must(&["-n", NAMESPACE, "get", "statefulsets", "-o=name"], "");
        assert_eq!(workloads, "", "{helm}");
    }

    /// How many Helm remembers.
    fn revisions(&self, kubectl: &Kubectl) -> usize {
        let label = format!("owner=helm,name={}", self.name);
        let names = kubectl.must(
            &["-n", NAMESPACE, "get", "secrets", "-l", &label, "-o=name"],
            "",
        );
        names.lines().count()
    }
}

/// Until two distros in a Secret are refused.
fn wait_until_active(admin: &Kubectl) {
    let both = "controlPlane: {distro: {k3s: {enabled: true}, k8s: {enabled: true}}}";
    let mut bad = secret("0.30.4", both.as_bytes());
    bad["metadata"]["namespace"] = json!(NAMESPACE);
    until("validation active", ACTIVE_WITHIN, || {
        let arguments = ["create", "--dry-run=server", "-f", "-"];
        let outcome = admin.run(&arguments, &bad.to_string());
        if outcome.stderr.contains("[only-one-distro]") {
            Ok(())
        } else {
            Err(outcome.stdout + &outcome.stderr)
        }
    });
}
