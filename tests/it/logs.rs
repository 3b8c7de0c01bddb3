//! The log of the program: one line a review.

use serde_json::Value;

use std::time::Duration;

use crate::dev_server::DevServer;
use crate::fake_api::FakeApi;
use crate::harness::process::until;
use crate::support::{distrogate, file, stderr};

#[test]
fn a_review_is_one_line_with_all_that_names_it() {
    let server = DevServer::start(&["--log-format", "json"]);
    for case in ["helmrelease-two-distros-k3s-k8s-0.30", "connect-pod-exec"] {
        let request = file(&format!("tests/fixtures/{case}/request.json"));
        server.post("/validate", &std::fs::read_to_string(request).unwrap());
    }
    let (_, written) = server.stop();
    let reviews: Vec<Value> = written
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["fields"]["uid"].is_string())
        .collect();
    let [line] = &reviews[..] else {
        panic!("what is not ours is for debugging: {written}")
    };
    assert_eq!(line["level"], "INFO", "a denial is nobody's fault here");
    let mut fields = line["fields"].clone();
    assert!(fields["elapsed_us"].take().is_u64(), "{line}");
    assert!(
        fields["uid"]
            .take()
            .as_str()
            .is_some_and(|uid| uid.len() == 36)
    );
    assert_eq!(
        fields,
        serde_json::json!({
            "message": "Reviewed.",
            "uid": null,
            "endpoint": "Validate",
            "carrier": "HelmRelease",
            "object": "team-a/dev",
            "operation": "CREATE",
            "user": "system:serviceaccount:flux-system:kustomize-controller",
            "dry_run": false,
            "decision": "denied",
            "rules": "only-one-distro=deny at spec.values.controlPlane.distro",
            "edits": 0,
            "elapsed_us": null,
        })
    );
}

#[test]
fn an_answer_of_the_api_server_that_cannot_be_read_is_never_told() {
    const MARKER: &str = "hunter2canary";
    let api = FakeApi::start(|path, answer| {
        if path == "/version" {
            return write!(answer, r#""{MARKER}""#);
        }
        if path.contains("distrogate-authority") {
            return write!(answer, r#"{{"kind":"Secret","data":"{MARKER}"}}"#);
        }
        if path.contains("watch=true") {
            return write!(answer, r#"{{"type":"ADDED","object":"{MARKER}"}}"#);
        }
        if path.contains("persistentvolumeclaims") {
            let metadata = r#""metadata":{"resourceVersion":"1"}"#;
            return write!(answer, r#"{{{metadata},"items":[]}}"#);
        }
        write!(answer, r#"{{"kind":"List","items":"{MARKER}"}}"#)
    });
    let config = api.kubeconfig();
    let config = config.to_str().unwrap();
    let server = DevServer::start(&[
        "--watch-live",
        "--watch-host-version",
        "--register",
        "--kubeconfig",
        config,
        "--log-level",
        "trace,kube_client::client=trace,kube_runtime::watcher=trace",
    ]);
    until("all are told", Duration::from_mins(1), || {
        let page = server.admin("GET /readyz?verbose HTTP/1.1\r\n");
        let no_metadata = "the API server answers something else than metadata of objects";
        let told = [
            format!("watch-live secrets ok: not known: {no_metadata}"),
            "0 known, not followed for".to_owned(),
            "watch-host-version ok: not known: the API server answers something else".to_owned(),
            "cluster ok: the API server cannot be reached".to_owned(),
        ];
        let is_told = told.iter().all(|told| page.contains(told));
        if is_told { Ok(()) } else { Err(page) }
    });
    let page = server.admin("GET /readyz?verbose HTTP/1.1\r\n");
    let (_, written) = server.stop();
    assert!(written.contains("TRACE"), "everything else is logged");
    assert!(!written.contains(MARKER), "{written}");
    assert!(!page.contains(MARKER), "{page}");
    let mut command = distrogate();
    command.args(["certs", "show", "--kubeconfig", config]);
    let output = command.output().unwrap();
    assert!(!output.status.success());
    assert!(!stderr(&output).contains(MARKER), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("it has another form"),
        "{}",
        stderr(&output)
    );
}
