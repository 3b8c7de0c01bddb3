//! The command line as its user meets it.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{run, run_on, stderr, stdout};

const REFUSED: &str = "tests/fixtures/helmrelease-two-distros-k3s-k8s-0.30/request.json";
const DOCUMENTED: &str = "tests/fixtures/helmrelease-documented-k8s-0.20/request.json";

#[test]
fn a_refusal_is_told_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let request = folder.path().join("review.json");
    fs::copy(crate::support::file(REFUSED), &request).unwrap();
    let output = run(&["replay", request.to_str().unwrap()]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "a denial that nobody expected"
    );
    let text = stdout(&output).replace(folder.path().to_str().unwrap(), "DIR");
    assert_snapshot!(text, @"
    DIR/review.json: HelmRelease team-a/dev is refused
      HelmRelease team-a/dev (vCluster chart 0.30.4) refused:
        spec.values.controlPlane.distro: only one distro can be enabled at the same time, found k3s and k8s [only-one-distro]
          fix: set controlPlane.distro.k3s.enabled to false
    1 review: 0 allowed, 1 refused, 0 with defaults
    ");
}

#[test]
fn defaults_are_shown_as_a_diff() {
    let output = run(&["replay", DOCUMENTED]);
    assert_eq!(output.status.code(), Some(0));
    assert_snapshot!(stdout(&output), @r#"
    tests/fixtures/helmrelease-documented-k8s-0.20/request.json: HelmRelease team-a/dev is allowed, with defaults (as expected)
      + spec.values.controlPlane.distro.k8s.apiServer:
      +   image:
      +     registry: registry.k8s.io
      +     repository: kube-apiserver
      +     tag: v1.30.2
      + spec.values.controlPlane.distro.k8s.controllerManager:
      +   image:
      +     registry: registry.k8s.io
      +     repository: kube-controller-manager
      +     tag: v1.30.2
      + spec.values.controlPlane.distro.k8s.resources:
      +   limits:
      +     cpu: "100m"
      +     memory: "256Mi"
      +   requests:
      +     cpu: "40m"
      +     memory: "64Mi"
      + spec.values.controlPlane.distro.k8s.scheduler:
      +   image:
      +     registry: registry.k8s.io
      +     repository: kube-scheduler
      +     tag: v1.30.2
      (recorded in the annotation distrogate.io/defaults)
    1 review: 1 allowed, 0 refused, 1 with defaults; 1 file as expected
    "#);
}

#[test]
fn a_commented_text_gets_its_defaults_without_a_line_too_many() {
    for (case, text_at) in [
        ("cluster-api-values-text", "spec.helmRelease.values"),
        (
            "platform-instance-values",
            "spec.template.helmRelease.values",
        ),
        ("k3s-helm-chart-values", "spec.valuesContent"),
    ] {
        let output = run(&["replay", &format!("tests/fixtures/{case}")]);
        let text = stdout(&output);
        let diff: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(diff[0], format!("  {text_at}:"), "{case}");
        insta::allow_duplicates! {
            assert_snapshot!(diff[1..].join("\n"), @"
                        # no scheduler of its own: pods are scheduled by the host
                        scheduler: {}
              +         image:
              +           registry: ghcr.io
              +           repository: loft-sh/kubernetes
              +           tag: v1.34.0
              +         resources:
              +           limits:
              +             cpu: 100m
              +             memory: 256Mi
              +           requests:
              +             cpu: 40m
              +             memory: 64Mi
                  
                    # Embedded etcd since the outage of 2025-02-11.
              (recorded in the annotation distrogate.io/defaults)
            1 review: 1 allowed, 0 refused, 1 with defaults; 1 file as expected
            ");
        }
    }
    let template = run(&["replay", "tests/fixtures/platform-template-values"]);
    assert_snapshot!(stdout(&template), @"
    tests/fixtures/platform-template-values/request.json: VirtualClusterTemplate development is allowed, with defaults (as expected)
      spec.template.helmRelease.values:
                # no scheduler of its own: pods are scheduled by the host
                scheduler: {}
      +         image:
      +           registry: ghcr.io
      +           repository: loft-sh/kubernetes
      +           tag: v1.36.0
      +         resources:
      +           limits:
      +             cpu: 100m
      +             memory: 256Mi
      +           requests:
      +             cpu: 40m
      +             memory: 64Mi
          
            # Embedded etcd since the outage of 2025-02-11.
      spec.versions.0.template.helmRelease.values:
              k8s:
                enabled: true
      +         image:
      +           registry: ghcr.io
      +           repository: loft-sh/kubernetes
      +           tag: v1.34.0
      +         resources:
      +           limits:
      +             cpu: 100m
      +             memory: 256Mi
      +           requests:
      +             cpu: 40m
      +             memory: 64Mi
      spec.versions.1.template.helmRelease.values:
      +   controlPlane:
      +     distro:
      +       k8s:
      +         image:
      +           registry: ghcr.io
      +           repository: loft-sh/kubernetes
      +           tag: v1.36.0
      +         resources:
      +           limits:
      +             cpu: 100m
      +             memory: 256Mi
      +           requests:
      +             cpu: 40m
      +             memory: 64Mi
      (recorded in the annotation distrogate.io/defaults)
    1 review: 1 allowed, 0 refused, 1 with defaults; 1 file as expected
    ");
}

#[test]
fn a_response_beside_a_request_is_compared_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let request = folder.path().join("request.json");
    let response = folder.path().join("response.json");
    fs::copy(crate::support::file(REFUSED), &request).unwrap();
    let request = request.to_str().unwrap();
    assert_eq!(
        run(&["replay", request]).status.code(),
        Some(1),
        "nothing written down yet"
    );
    let written = run(&["replay", "--update", request]);
    assert_eq!(written.status.code(), Some(0));
    assert!(stdout(&written).contains("(response.json written)"));
    assert_eq!(
        run(&["replay", request]).status.code(),
        Some(0),
        "refused, as expected"
    );
    let text = fs::read_to_string(&response)
        .unwrap()
        .replace("k3s and k8s", "k8s and k3s");
    fs::write(&response, text).unwrap();
    let missed = run(&["replay", request]);
    assert_eq!(missed.status.code(), Some(1));
    assert!(stdout(&missed).contains("(NOT as response.json expects)"));
}

#[test]
fn reviews_come_from_standard_input_in_yaml_and_several_at_once() {
    let text = fs::read_to_string(crate::support::file(DOCUMENTED)).unwrap();
    let twice = format!("{text}\n{text}");
    let in_yaml = format!("# a comment\n---\n{text}\n---\n{text}");
    for input in [twice, in_yaml] {
        let output = run_on(&input, &["replay", "--format", "json", "-"]);
        assert_eq!(output.status.code(), Some(0));
        let replayed: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(replayed["version"], 1);
        let reviews = replayed["reviews"].as_array().unwrap();
        assert_eq!(reviews.len(), 2);
        for review in reviews {
            assert_eq!(review["mutate"]["decision"], "patched");
            assert_eq!(review["asExpected"], Value::Null);
        }
    }
}

#[test]
fn what_cannot_be_read_is_named_and_ends_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("broken.json"), "{\"apiVersion\": ").unwrap();
    fs::write(path("broken.yaml"), "a: 1\nb: [\n").unwrap();
    fs::write(path("secret.yaml"), "apiVersion: v1\nkind: Secret\n").unwrap();
    fs::write(path("empty.json"), "").unwrap();
    fs::write(path("policy.txt"), "kind: DistroPolicy\nspec: {}\n").unwrap();
    fs::create_dir(path("empty")).unwrap();
    let mut told = String::new();
    for arguments in [
        vec!["replay", "missing.json"],
        vec!["replay", &path("broken.json")],
        vec!["replay", &path("broken.yaml")],
        vec!["replay", &path("secret.yaml")],
        vec!["replay", &path("empty.json")],
        vec!["replay", &path("empty")],
        vec!["replay", "--policy", &path("policy.txt"), DOCUMENTED],
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert_eq!(stdout(&output), "");
        told.push_str(&stderr(&output));
    }
    assert_snapshot!(told.replace(folder.path().to_str().unwrap(), "DIR"), @"
    error: missing.json: No such file or directory (os error 2)
    error: DIR/broken.json: not JSON: EOF while parsing a value at line 1 column 15
    error: DIR/broken.yaml: YAML document 1, line 2: unclosed bracket '['
    error: DIR/secret.yaml, document 1: the body is no AdmissionReview of a known version: apiVersion has to be admission.k8s.io/v1 or admission.k8s.io/v1beta1, and kind AdmissionReview
    error: DIR/empty.json: empty
    error: DIR/empty: no .json, .yaml or .yml file in it
    error: policy DIR/policy.txt: line 1, column 1: apiVersion is missing
    ");
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [
        vec!["replay"],
        vec!["rules"],
        vec!["replay", "--enforcement", "maybe", "x"],
    ] {
        assert_eq!(run(&arguments).status.code(), Some(2), "{arguments:?}");
    }
    assert_eq!(run(&["--version"]).status.code(), Some(0));
    assert_eq!(run(&["replay", "--help"]).status.code(), Some(0));
}

#[test]
fn enforcement_caps_every_rule() {
    for (enforcement, decision, warnings, annotations) in [
        ("warn", "allowed", true, "warn: "),
        ("audit", "allowed", false, "audit: "),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let request = folder.path().join("review.json");
        fs::copy(crate::support::file(REFUSED), &request).unwrap();
        let output = run(&[
            "replay",
            "--format",
            "json",
            "--enforcement",
            enforcement,
            request.to_str().unwrap(),
        ]);
        assert_eq!(output.status.code(), Some(0));
        let replayed: Value = serde_json::from_str(&stdout(&output)).unwrap();
        let validate = &replayed["reviews"][0]["validate"];
        assert_eq!(validate["decision"], decision);
        assert_eq!(validate["response"]["warnings"].is_array(), warnings);
        let annotation = &validate["response"]["auditAnnotations"]["only-one-distro"];
        assert!(
            annotation.as_str().unwrap().starts_with(annotations),
            "{annotation}"
        );
    }
}

#[test]
fn the_built_in_policy_is_printed_and_can_be_given_back() {
    let output = run(&["policy"]);
    assert_eq!(output.status.code(), Some(0));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    fs::write(&file, &output.stdout).unwrap();
    let with = run(&["replay", "--policy", file.to_str().unwrap(), DOCUMENTED]);
    assert_eq!(stdout(&with), stdout(&run(&["replay", DOCUMENTED])));
}
