//! What several tests share: reviews, answers, the program itself.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use distrogate::admission::{self, Endpoint};
use distrogate::gate::{self, Cluster, Verdict};
use distrogate::policy::Policy;
use serde_json::{Value, json};

/// A file of the repository.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The program, with nothing of the caller's environment.
pub(crate) fn distrogate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_distrogate"));
    command
        .current_dir(file(""))
        .env_clear()
        .stdin(Stdio::null());
    command
}

/// Runs the program.
pub(crate) fn run(arguments: &[&str]) -> Output {
    distrogate().args(arguments).output().unwrap()
}

/// Runs the program with this on standard input.
pub(crate) fn run_on(input: &str, arguments: &[&str]) -> Output {
    let mut child = distrogate()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// Whether kubectl is there. Where it is not, the caller returns, and a line on standard error
/// says so; in CI it has to be there.
pub(crate) fn has_kubectl() -> bool {
    let found = Command::new("kubectl")
        .args(["version", "--client"])
        .output()
        .is_ok();
    assert!(
        found || std::env::var_os("CI").is_none(),
        "kubectl has to be on PATH in CI"
    );
    if !found {
        eprintln!("skipped: kubectl is not on PATH");
    }
    found
}

/// What it wrote to standard output.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What it wrote to standard error.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The verdict on a review, and what was answered.
pub(crate) fn review(body: &str, endpoint: Endpoint, policy: &Policy) -> (Verdict, Value) {
    let (answer, verdict) = admission::answer(body.as_bytes(), |request| {
        gate::review(request, endpoint, policy, &Cluster::default())
    })
    .unwrap();
    assert_eq!(answer.status, 200);
    let review: Value = serde_json::from_slice(&answer.body).unwrap();
    (verdict, review["response"].clone())
}

/// The review with the patch of a response applied to its object.
pub(crate) fn patched(body: &str, response: &Value) -> String {
    let Some(patch) = response["patch"].as_str() else {
        return body.to_owned();
    };
    let patch: json_patch::Patch =
        serde_json::from_slice(&STANDARD.decode(patch).unwrap()).unwrap();
    let mut review: Value = serde_json::from_str(body).unwrap();
    json_patch::patch(&mut review["request"]["object"], &patch).unwrap();
    review.to_string()
}

/// A review of an object.
pub(crate) fn envelope(object: &Value, old: Option<&Value>) -> String {
    let (group, version) = object["apiVersion"]
        .as_str()
        .unwrap()
        .split_once('/')
        .unwrap_or(("", object["apiVersion"].as_str().unwrap()));
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "0f3d0c5e-6a4f-4b3e-9a43-3f0f5a3b7b52",
            "kind": {"group": group, "version": version, "kind": object["kind"]},
            "namespace": object["metadata"]["namespace"],
            "name": object["metadata"]["name"],
            "operation": if old.is_some() { "UPDATE" } else { "CREATE" },
            "object": object,
            "oldObject": old,
            "dryRun": false,
        },
    })
    .to_string()
}

/// A HelmRelease of the vCluster chart.
pub(crate) fn release(chart: &str, values: &Value) -> Value {
    json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": {"name": "dev", "namespace": "team-a"},
        "spec": {
            "chart": {"spec": {"chart": "vcluster", "version": chart}},
            "values": values,
        },
    })
}

/// Cluster API's `VCluster`, with values as text.
pub(crate) fn cluster_api(chart: &str, values: &Value) -> Value {
    json!({
        "apiVersion": "infrastructure.cluster.x-k8s.io/v1alpha1",
        "kind": "VCluster",
        "metadata": {"name": "dev", "namespace": "team-a"},
        "spec": {"helmRelease": {"chart": {"version": chart}, "values": values}},
    })
}

/// The Secret that the chart renders its values into.
pub(crate) fn secret(chart: &str, config: &[u8]) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "vc-config-dev",
            "namespace": "team-a",
            "labels": {"chart": format!("vcluster-{chart}")},
        },
        "data": {"config.yaml": STANDARD.encode(config)},
    })
}
