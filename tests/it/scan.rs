//! `distrogate scan` over files: what is printed in each form, exit codes, and what is never
//! printed. [`cluster`] scans a real one.

mod cluster;

use std::collections::BTreeSet;
use std::fs;
use std::process::Output;

use distrogate::cluster::resources;
use distrogate::policy::Policy;
use distrogate::values::{Limits, read_yaml};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{file, release, run, run_on, secret, stderr, stdout};

const DUMPS: &str = "examples/dumps";

/// The blocks of a page that begin with this line, without their fences.
fn blocks(page: &str, first: &str) -> Vec<String> {
    let text = fs::read_to_string(file(page)).unwrap();
    let mut blocks = text.split("```");
    let mut found = Vec::new();
    while let (Some(_), Some(block)) = (blocks.next(), blocks.next()) {
        let (_, block) = block.split_once('\n').unwrap();
        if block
            .lines()
            .next()
            .is_some_and(|line| line.trim_end().starts_with(first))
        {
            found.push(block.to_owned());
        }
    }
    assert!(
        !found.is_empty(),
        "{page} has no block that begins with {first}"
    );
    found
}

/// Scans what is on standard input.
fn scan(input: &str, arguments: &[&str]) -> Output {
    run_on(input, &[&["scan", "-"], arguments].concat())
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).unwrap()
}

#[test]
fn the_documented_dumps_are_told_as_documented() {
    let output = run(&["scan", DUMPS]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(stderr(&output), "", "no progress where nobody looks");
    for page in ["README.md", "docs/scan.md"] {
        assert_eq!(blocks(page, "NAMESPACE"), [stdout(&output)], "{page}");
    }
}

#[test]
fn a_junit_report_is_xml_with_the_counts_that_it_tells() {
    let output = run(&["scan", DUMPS, "--format", "junit"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    let expected = blocks("docs/scan.md", "<?xml");
    assert_eq!(expected.concat(), text);
    let report = roxmltree::Document::parse(&text).unwrap();
    let root = report.root_element();
    let count = |of: roxmltree::Node<'_, '_>, name: &str| {
        of.descendants()
            .filter(|node| node.has_tag_name(name))
            .count()
            .to_string()
    };
    for suites in report
        .descendants()
        .filter(|node| node.has_tag_name("testsuite") || node.has_tag_name("testsuites"))
    {
        assert_eq!(
            suites.attribute("tests").unwrap(),
            count(suites, "testcase")
        );
        assert_eq!(
            suites.attribute("failures").unwrap(),
            count(suites, "failure")
        );
        assert_eq!(suites.attribute("errors").unwrap(), count(suites, "error"));
    }
    assert_eq!(
        root.attribute("tests"),
        Some("8"),
        "six configs, two disagreements"
    );
    let failure = root
        .descendants()
        .find(|node| node.has_tag_name("failure"))
        .unwrap();
    assert_eq!(failure.attribute("type"), Some("only-one-distro"));
    assert!(failure.text().unwrap().contains("fix: set"), "{text}");
}

#[test]
fn a_junit_report_holds_whatever_a_tenant_writes() {
    let mut hostile = release(
        "0.30.4",
        &json!({"controlPlane": {"distro": {
            "k3s": {"enabled": true, "image": {"tag": "<a>&\"'\u{1b}[2K]]>"}},
            "k8s": {"enabled": true},
        }}}),
    );
    hostile["metadata"]["name"] = json!("]]><b>&\"'\u{7}\u{ffff}");
    let output = scan(&hostile.to_string(), &["--format", "junit"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stdout(&output);
    let report = roxmltree::Document::parse(&text).unwrap();
    let case = report
        .descendants()
        .find(|node| node.has_tag_name("testcase"))
        .unwrap();
    assert_eq!(case.attribute("name"), Some("]]><b>&\"'"));
    assert_eq!(case.attribute("classname"), Some("team-a.HelmRelease"));
    assert_eq!(case.attribute("file"), Some("standard input"));
}

#[test]
fn the_form_for_programs_is_documented_key_by_key() {
    fn keys(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    found.insert(key.clone());
                    // components are named by the chart
                    if key != "images" {
                        keys(value, found);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
            _ => {}
        }
    }
    let output = run(&["scan", DUMPS, "docs/nowhere.yaml", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let printed = json(&output);
    let page = fs::read_to_string(file("docs/scan.md")).unwrap();
    let mut found = BTreeSet::new();
    keys(&printed, &mut found);
    for key in found {
        assert!(
            page.contains(&format!("`{key}`")),
            "{key} is not documented"
        );
    }
    assert_eq!(printed["version"], 1);
    let sum = json!({"lookedAt": 8, "objects": 6, "refused": 1, "warned": 1, "disagreements": 2,
        "unread": 1});
    assert_eq!(printed["summary"], sum);
    assert_eq!(
        printed["unread"],
        json!([{"what": "docs/nowhere.yaml", "why": "No such file or directory (os error 2)"}])
    );
    let object = &printed["objects"][3];
    assert_eq!(
        object["configs"][0]["findings"],
        json!([{
            "rule": "only-one-distro",
            "action": "deny",
            "field": "spec.values.controlPlane.distro",
            "line": null,
            "message": "only one distro can be enabled at the same time, found k3s and k8s",
            "fix": "set controlPlane.distro.k3s.enabled to false",
            "exemption": null,
        }])
    );
    assert_eq!(
        (&object["file"], &object["document"]),
        (&json!("examples/dumps/releases.yaml"), &json!(2))
    );
    assert_eq!(
        printed["disagreements"][0],
        json!({
            "release": {"namespace": "team-a", "name": "dev"},
            "between": ["HelmRelease team-a/dev", "Secret team-a/vc-config-dev"],
            "differences": [
                {"what": "chart", "values": ["0.30.4", "0.29.1"]},
                {"what": "distro", "values": ["k8s", "k3s"]},
            ],
            "meaning": "not-in-secret",
            "message": "the Secret is what Helm wrote last: the first is not reconciled yet (look at its \
                status), or the Secret was changed by hand",
        })
    );
}

#[test]
fn what_fails_is_chosen() {
    let code = |arguments: &[&str]| run(&[&["scan", DUMPS], arguments].concat()).status.code();
    let secrets = ["--namespace", "team-a"];
    let running = ["--namespace", "team-c"];
    assert_eq!(code(&["--fail-on", "never"]), Some(0));
    assert_eq!(code(&["--fail-on", "warn"]), Some(1), "more than a warning");
    assert_eq!(
        code(&["--enforcement", "warn"]),
        Some(0),
        "nothing is refused"
    );
    assert_eq!(code(&secrets), Some(0), "it is warned of only");
    assert_eq!(
        code(&[&secrets[..], &["--fail-on", "warn"]].concat()),
        Some(1)
    );
    assert_eq!(
        code(&[&running[..], &["--fail-on", "deny,warn"]].concat()),
        Some(0)
    );
    assert_eq!(
        code(&[&running[..], &["--fail-on", "deny,difference"]].concat()),
        Some(1)
    );
    assert_eq!(code(&["--fail-on", "error"]), Some(2));
    assert_eq!(
        code(&["--kubeconfig", "config"]),
        Some(2),
        "files or a cluster"
    );
    assert_eq!(code(&["--namespace", "team/a"]), Some(2));
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    put("a.json", "{\"kind\": ");
    put(
        "b.yaml",
        "kind: [\n---\nkind: Secret\napiVersion: v1\nmetadata: {name: vc-config-x}\n",
    );
    put("c.json", r#"{"kind": "List", "items": {"a": 1}}"#);
    put(
        "d.json",
        r#"{"kind": "List", "items": [{"kind": "List", "items": []}]}"#,
    );
    let review = fs::read_to_string(file(
        "tests/fixtures/helmrelease-two-distros-k3s-k8s-0.30/request.json",
    ));
    put("e.json", &review.unwrap());
    fs::write(folder.path().join("f.yaml"), b"\xff\xfe").unwrap();
    put(
        "g.yaml",
        "- 1\n---\n# nothing\n---\nvalues: {}\n---\nkind: null\n---\nkind: 5\n",
    );
    put(
        "h.json",
        r#"{"kind": "Secret", "apiVersion": "v1", "apiVersion": "v1"}"#,
    );
    put(
        "h2.json",
        r#"{"kind": "SecretList", "apiVersion": "v1", "items": [{"metadata": {}, "metadata": {}}]}"#,
    );
    put(
        "i.json",
        r#"{"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a", "name": "b"}}"#,
    );
    let shown = folder.path().to_str().unwrap();
    let output = run(&["scan", shown]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_snapshot!(stdout(&output).replace(shown, "DIR"), @"
    not read: DIR/a.json: not JSON: EOF while parsing a value at line 1 column 9
    not read: DIR/b.yaml: YAML document 1, line 1: unclosed bracket '['
    not read: DIR/c.json, document 1: items is no list
    not read: DIR/d.json, document 1, item 1: a list in a list, which kubectl never prints
    not read: DIR/e.json, document 1: an AdmissionReview is no object of a cluster: distrogate replay answers it
    not read: DIR/f.yaml: stream did not contain valid UTF-8
    not read: DIR/h.json, document 1: apiVersion has to be a text, and each field there once
    not read: DIR/h2.json, document 1, item 1: apiVersion has to be a text, and each field there once
    not read: DIR/i.json, document 1: metadata: name and namespace have to be texts, each there once

    1 object looked at, 0 with a vCluster config: 0 would be refused, 0 warned of, 0 neither; 9 not read
    ");
}

#[test]
fn a_files_name_stays_in_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let two = json!({"controlPlane": {"distro": {
        "k8s": {"enabled": true}, "k3s": {"enabled": true},
    }}});
    let name = "a\n::error::b\u{1b}[2K\u{9b}c.json";
    let file = folder.path().join(name);
    fs::write(&file, release("0.30.4", &two).to_string()).unwrap();
    let folder = folder.path().to_str().unwrap();
    for (format, expected) in [
        ("table", "a::error::b[2Kc.json, document 1\n"),
        ("json", "a::error::b[2Kc.json\""),
        ("junit", "a::error::b[2Kc.json\""),
    ] {
        let printed = stdout(&run(&["scan", folder, "--format", format]));
        assert!(printed.contains(expected), "{printed}");
    }
}

#[test]
fn lists_of_any_kind_and_secrets_as_people_write_them_are_read() {
    let text = "controlPlane: {distro: {k8s: {enabled: true}, k3s: {enabled: true}}}";
    let raw = json!({
        "kind": "SecretList",
        "apiVersion": "v1",
        "items": [{
            "metadata": {"name": "vc-config-dev", "namespace": "team-a"},
            "stringData": {"config.yaml": text},
        }],
    });
    let output = scan(&raw.to_string(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    let printed = json(&output);
    let object = &printed["objects"][0];
    assert_eq!(
        (&object["apiVersion"], &object["kind"]),
        (&json!("v1"), &json!("Secret"))
    );
    assert_eq!(
        object["configs"][0]["findings"][0]["rule"],
        "only-one-distro"
    );

    // kubectl takes anything with items for a list
    let two = json!({"controlPlane": {"distro": {
        "k8s": {"enabled": true}, "k3s": {"enabled": true},
    }}});
    let two = release("0.30.4", &two);
    for list in [
        json!([two]),
        json!({"kind": "ConfigMap", "apiVersion": "v1", "items": [two]}),
        json!({"kind": "List", "apiVersion": "v1", "items": [{"kind": "A", "apiVersion": 5}, two]}),
    ] {
        let output = scan(&list.to_string(), &["--format", "json"]);
        let printed = json(&output);
        let action = &printed["objects"][0]["action"];
        assert_eq!(action, "deny", "{list}: {printed}");
        let unread = u64::from(list["kind"] == "List");
        assert_eq!(printed["summary"]["unread"], unread, "{list}");
    }
    // and one that is also something itself is both
    let mut both = two.clone();
    both["items"] = json!([two]);
    let printed = json(&scan(&both.to_string(), &["--format", "json"]));
    assert_eq!(printed["summary"]["refused"], 2);

    // a hundred thousand lists in each other are an error, not the end of the stack
    let nested = format!(
        "{}{}",
        "{\"kind\":\"List\",\"items\":[".repeat(100_000),
        "]}".repeat(100_000)
    );
    assert_eq!(scan(&nested, &[]).status.code(), Some(3));
}

#[test]
fn nothing_of_a_secret_is_printed_but_what_may_be() {
    let config = "controlPlane:\n  distro: {k3s: {enabled: true, imag: canary-1}, k8s: {enabled: true, \
                  image: {tag: '1.2'}, env: [{name: A, value: canary-2}]}}\n  proxy: {extraSANs: [canary-3]}\n\
                  canary-4: {canary-5: canary-6}\n";
    let mut object = secret("0.30.4", config.as_bytes());
    object["data"]["other"] = json!("Y2FuYXJ5LTc=");
    object["metadata"]["annotations"] = json!({"note": "canary-8"});
    let broken = secret("0.30.4", b"controlPlane: {canary-9: [");
    for format in ["table", "json", "junit"] {
        for object in [&object, &broken] {
            let output = scan(&object.to_string(), &["--format", format]);
            assert_eq!(output.status.code(), Some(1), "{format}");
            let printed = stdout(&output) + &stderr(&output);
            assert!(printed.contains("vc-config-dev"), "{printed}");
            assert!(!printed.contains("canary"), "{printed}");
            assert!(!printed.contains("Y2FuY"), "{printed}");
        }
        let dumps = stdout(&run(&["scan", DUMPS, "--format", format]));
        assert!(!dumps.contains("hidden.corp.example"), "{dumps}");
        assert!(!dumps.contains("staple"), "{dumps}");
    }
}

/// The role of `docs/scan.md`, as YAML.
fn role() -> String {
    let page = "docs/scan.md";
    let [role] = &blocks(page, "apiVersion: rbac.authorization.k8s.io/v1")[..] else {
        panic!("{page} has one role")
    };
    role.clone()
}

#[test]
fn the_documented_role_reads_what_is_scanned_and_no_more() {
    let role = read_yaml(role().as_bytes(), &Limits::VALUES)
        .unwrap()
        .root
        .to_json();
    let mut granted = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        let texts = |key: &str| {
            let list = rule[key].as_array().unwrap().clone();
            list.into_iter()
                .map(|text| text.as_str().unwrap().to_owned())
        };
        for group in texts("apiGroups") {
            for resource in texts("resources") {
                for verb in texts("verbs") {
                    granted.insert((group.clone(), resource.clone(), verb));
                }
            }
        }
    }
    let mut needed = BTreeSet::new();
    for resource in resources(&Policy::built_in()).unwrap() {
        needed.insert((resource.group, resource.resource, "list".to_owned()));
    }
    for (resource, verb) in [
        ("secrets", "get"),
        ("namespaces", "get"),
        ("namespaces", "list"),
    ] {
        needed.insert((String::new(), resource.to_owned(), verb.to_owned()));
    }
    assert_eq!(granted, needed);
}
