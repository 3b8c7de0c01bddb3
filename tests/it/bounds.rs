//! Hostile input: a clear error, in a bounded number of steps.

use distrogate::admission::{Endpoint, Request};
use distrogate::gate::Decision;
use distrogate::policy::Policy;
use distrogate::values::{Limits, ReadErrorKind, read_json, read_yaml};
use serde_json::{Value, json};

use crate::support::{envelope, release, review, secret};

/// Parser events and copied nodes that a text may cost: at most 16 for each value that the bounds allow: two
/// runs of the parser, starts and ends, and keys.
const STEPS: usize = 16 * Limits::VALUES.nodes + 16;

fn refused(object: &Value) -> String {
    let (verdict, response) = review(
        &envelope(object, None),
        Endpoint::Validate,
        &Policy::built_in(),
    );
    assert_eq!(verdict.decision, Decision::Denied);
    response["status"]["message"]
        .as_str()
        .unwrap()
        .lines()
        .nth(1)
        .unwrap()
        .trim()
        .to_owned()
}

/// Nine levels of nine aliases each: 380 bytes that stand for 400 million values.
fn alias_bomb() -> String {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..10 {
        let below = format!("*a{},", level - 1).repeat(9);
        text.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            below.trim_end_matches(',')
        ));
    }
    text
}

#[test]
fn each_bound_has_its_own_error() {
    for (config, message) in [
        (
            alias_bomb(),
            "data[config.yaml] (line 4): the values cannot be read: document contains excessive aliasing [unreadable-values]",
        ),
        (
            format!(
                "controlPlane: {}{}",
                "[".repeat(100_000),
                "]".repeat(100_000)
            ),
            "data[config.yaml] (line 1): the values cannot be read: maps and lists nest deeper than 100 levels [unreadable-values]",
        ),
        (
            format!("a: &a x\nb: [{}]", vec!["*a"; 2_000].join(",")),
            "data[config.yaml] (line 2): the values cannot be read: more than 1000 aliases [unreadable-values]",
        ),
        (
            format!("a: [{}]", vec!["x"; 300_000].join(",")),
            "data[config.yaml] (line 1): the values cannot be read: more than 100000 values in the object up to here, with those that aliases stand for; a map counts as 4, a parameter as 16 [unreadable-values]",
        ),
        (
            "#".repeat(Limits::VALUES.bytes + 1),
            "data[config.yaml]: the values cannot be read: larger than 1572864 bytes [unreadable-values]",
        ),
        (
            format!(
                "a: &a {}\nb: [{}]",
                "x".repeat(1_000_000),
                ["*a"; 9].join(",")
            ),
            "data[config.yaml] (line 2): the values cannot be read: more than 4194304 bytes of text in values, those that aliases stand for included [unreadable-values]",
        ),
    ] {
        let said = refused(&secret("0.30.4", config.as_bytes()));
        assert_eq!(said, message);
    }
}

#[test]
fn hostile_texts_take_no_more_steps_than_the_bounds_allow() {
    let texts = [
        alias_bomb(),
        "[".repeat(1_000_000),
        "{".repeat(1_000_000),
        "- ".repeat(500_000),
        "? ".repeat(500_000),
        "&a ".repeat(300_000),
        "*a ".repeat(300_000),
        "a: |\n".repeat(200_000),
        (0..100_000)
            .map(|n| format!("k{n}:"))
            .collect::<Vec<_>>()
            .join("\n"),
        "<<: {a: 1}\n".repeat(100_000),
        "\"\\".repeat(500_000),
        format!(
            "a: &a [{}]\nb: [{}]",
            vec!["1"; 1_000].join(","),
            vec!["*a"; 999].join(",")
        ),
    ];
    for text in texts {
        let steps = match read_yaml(text.as_bytes(), &Limits::VALUES) {
            Ok(document) => document.steps,
            Err(error) => error.steps,
        };
        let start: String = text.chars().take(12).collect();
        assert!(steps <= STEPS, "{steps} steps for {start:?}");
    }
}

#[test]
fn a_values_object_is_bounded_like_text() {
    let nested = |depth| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    assert!(read_json(&nested(99), &Limits::VALUES).is_ok());
    for depth in [101, 1_000, 100_000] {
        let error = read_json(&nested(depth), &Limits::VALUES).unwrap_err();
        assert_eq!(error.kind, ReadErrorKind::TooDeep { limit: 100 }, "{depth}");
    }
    let wide = format!("[{}]", vec!["0"; 300_000].join(","));
    let error = read_json(&wide, &Limits::VALUES).unwrap_err();
    assert_eq!(error.kind, ReadErrorKind::TooManyNodes { limit: 200_000 });
    assert!(error.steps <= STEPS);
    let object = release("0.30.4", &json!({"controlPlane": {"distro": "@"}}));
    let body = envelope(&object, None).replace("\"@\"", &nested(100_000));
    let (verdict, response) = review(&body, Endpoint::Validate, &Policy::built_in());
    assert_eq!(verdict.decision, Decision::Denied);
    assert!(response["status"]["message"].as_str().unwrap().contains(
        "spec.values: the values cannot be read: maps and lists nest deeper than 100 levels"
    ));
    let (verdict, _) = review(&body, Endpoint::Mutate, &Policy::built_in());
    assert!(verdict.patch.0.is_empty());
}

#[test]
fn seven_mebibytes_of_rubbish_are_an_error_only() {
    let size = 7 * 1_024 * 1_024;
    for body in [
        vec![b'['; size],
        vec![b'{'; size],
        vec![0xff; size],
        vec![b' '; size],
        b"[1,".repeat(size / 3),
    ] {
        let error = Request::parse(&body).unwrap_err();
        assert!((400..=422).contains(&error.answer().status));
    }
}

#[test]
fn a_hundred_thousand_faults_are_told_as_some() {
    // 60 000 unknown keys before and after: what is compared must not grow with their square
    let faults: serde_json::Map<String, Value> =
        (0..60_000).map(|n| (format!("k{n}"), json!(0))).collect();
    let mut values = json!({"controlPlane": {"distro": {"k8s": faults}}});
    let old = release("0.30.4", &values);
    values["controlPlane"]["distro"]["k8s"]["more"] = json!(1);
    let body = envelope(&release("0.30.4", &values), Some(&old));
    let (verdict, response) = review(&body, Endpoint::Validate, &Policy::built_in());
    assert!(
        verdict.findings().count() <= 200,
        "{}",
        verdict.findings().count()
    );
    assert!(response.to_string().len() < 64 * 1_024);
}

#[test]
fn of_a_templates_versions_the_first_256_are_looked_at() {
    let with_two_distros_at = |faulty: usize| {
        let version = |number: usize| {
            let k3s = number == faulty;
            json!({
                "version": format!("{number}.0.0"),
                "template": {"helmRelease": {
                    "chart": {"version": "0.30.4"},
                    "values": format!("controlPlane: {{distro: {{k8s: {{enabled: true}}, k3s: {{enabled: {k3s}}}}}}}"),
                }},
            })
        };
        let object = json!({
            "apiVersion": "storage.loft.sh/v1",
            "kind": "VirtualClusterTemplate",
            "metadata": {"name": "development"},
            "spec": {"versions": (0..1_000).map(version).collect::<Vec<_>>()},
        });
        let envelope = envelope(&object, None);
        let (verdict, _) = review(&envelope, Endpoint::Validate, &Policy::built_in());
        assert_eq!(
            verdict.remarks,
            [
                "VirtualClusterTemplate development: it holds more than 256 vCluster configs; those \
                 behind the first 256 are not judged and get no defaults",
            ],
        );
        verdict.decision
    };
    assert_eq!(with_two_distros_at(254), Decision::Denied);
    assert_eq!(with_two_distros_at(256), Decision::Allowed);
}

/// As many configs as are looked at, each of a size that people write.
#[test]
fn many_configs_of_usual_size_are_all_judged() {
    let section = |number: usize| {
        format!(
            "  section{number}:\n    enabled: true\n    image: {{repository: a/b, tag: v1.{number}}}\n\
             \x20   resources:\n      limits: {{memory: 512Mi, cpu: 500m}}\n      requests: {{cpu: 20m}}\n"
        )
    };
    let sections: String = (0..12).map(section).collect();
    let values = format!(
        "controlPlane:\n  distro:\n    k8s: {{enabled: true}}\n    k3s: {{enabled: true}}\nsync:\n{sections}"
    );
    assert!(values.len() > 1_500, "{}", values.len());
    let versions: Vec<_> = (0..255)
        .map(|number| {
            json!({
                "version": format!("1.0.{number}"),
                "template": {"helmRelease": {"chart": {"version": "0.30.4"}, "values": values}},
            })
        })
        .collect();
    let object = json!({
        "apiVersion": "storage.loft.sh/v1",
        "kind": "VirtualClusterTemplate",
        "metadata": {"name": "dev"},
        "spec": {"versions": versions},
    });
    let body = envelope(&object, None);
    let (verdict, _) = review(&body, Endpoint::Validate, &Policy::built_in());
    assert_eq!(verdict.configs.len(), 255);
    for config in &verdict.configs {
        let rules: Vec<_> = config.findings.iter().map(|finding| finding.rule).collect();
        assert!(rules.contains(&"only-one-distro"), "{rules:?}");
        assert!(!rules.contains(&"unreadable-values"), "{rules:?}");
    }
}
