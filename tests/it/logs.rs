//! The log of the program: one line a review.

use serde_json::Value;

use crate::dev_server::DevServer;
use crate::support::file;

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
