//! `deploy/monitoring/`: what Prometheus makes of the alerts, by its own tool.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use distrogate::values::{Limits, read_yaml};
use serde_json::{Value, json};

use crate::support::file;

/// Whether promtool is there. Where it is not, the caller returns, and a line on standard error
/// says so; in CI it has to be there.
pub(crate) fn has_promtool() -> bool {
    let found = Command::new("promtool").arg("--version").output().is_ok();
    assert!(
        found || std::env::var_os("CI").is_none(),
        "promtool has to be on PATH in CI: it comes with Debian's package prometheus"
    );
    if !found {
        eprintln!("skipped: promtool is not on PATH");
    }
    found
}

/// The rules of the `PrometheusRule`, as Prometheus itself takes them.
fn rules() -> Value {
    read_yaml_file("deploy/monitoring/prometheusrule.yaml")["spec"].clone()
}

fn read_yaml_file(path: &str) -> Value {
    let text = fs::read(file(path)).unwrap();
    read_yaml(&text, &Limits::VALUES).unwrap().root.to_json()
}

fn alerts(rules: &Value) -> Vec<&Value> {
    let groups = rules["groups"].as_array().unwrap().iter();
    groups
        .flat_map(|group| group["rules"].as_array().unwrap())
        .collect()
}

/// Every expression of the dashboard.
fn shown() -> Vec<String> {
    let dashboard = fs::read(file("deploy/monitoring/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_slice(&dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    panels
        .filter_map(|panel| panel["targets"].as_array())
        .flatten()
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect()
}

/// Runs promtool in a folder; what it says if it is not content.
fn promtool(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("promtool")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&said).into_owned())
    }
}

#[test]
fn every_alert_fires_when_it_should_and_only_then() {
    let rules = rules();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yaml"), rules.to_string()).unwrap();
    let has_promtool = has_promtool();
    for alert in alerts(&rules) {
        let name = alert["alert"].as_str().unwrap();
        let tests = format!("tests/data/alerts/{name}.yaml");
        let cases = read_yaml_file(&tests);
        let expected: Vec<_> = cases["tests"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|case| case["alert_rule_test"].as_array().unwrap())
            .map(|at| {
                assert_eq!(at["alertname"], name);
                !at["exp_alerts"].as_array().unwrap().is_empty()
            })
            .collect();
        assert!(
            expected.contains(&true) && expected.contains(&false),
            "{tests} has both"
        );
        fs::copy(file(&tests), folder.path().join("test.yaml")).unwrap();
        if has_promtool {
            promtool(folder.path(), &["test", "rules", "test.yaml"]).unwrap();
        }
    }
    let files = fs::read_dir(file("tests/data/alerts")).unwrap().count();
    assert_eq!(
        files,
        alerts(&rules).len(),
        "no test of an alert that is gone"
    );
}

#[test]
fn every_alert_has_its_section_in_the_runbook() {
    let runbook = fs::read_to_string(file("docs/operating.md")).unwrap();
    let sections: Vec<_> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    let rules = rules();
    let alerts = alerts(&rules);
    for alert in &alerts {
        let name = alert["alert"].as_str().unwrap();
        assert!(sections.contains(&name), "{name}");
        let anchor = format!("docs/operating.md#{}", name.to_lowercase());
        assert_eq!(alert["annotations"]["runbook"], anchor);
        assert!(alert["annotations"]["summary"].is_string(), "{name}");
        let severity = alert["labels"]["severity"].as_str().unwrap();
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{name}"
        );
    }
    assert_eq!(sections.len(), alerts.len(), "{sections:?}");
}

#[test]
fn alerts_and_dashboard_ask_for_metrics_that_there_are() {
    const API_SERVER: [&str; 3] = [
        "apiserver_admission_webhook_admission_duration_seconds_bucket",
        "apiserver_admission_webhook_fail_open_count",
        "apiserver_admission_webhook_rejection_count",
    ];
    let page = fs::read_to_string(file("docs/metrics.md")).unwrap();
    let ours: BTreeSet<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    let rules = rules();
    let asked = alerts(&rules)
        .into_iter()
        .map(|alert| alert["expr"].as_str().unwrap().to_owned())
        .chain(shown());
    let mut used = BTreeSet::new();
    for expression in asked {
        let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for word in words {
            let base = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| word.strip_suffix(suffix))
                .filter(|base| ours.contains(base));
            if word.starts_with("distrogate_") {
                let name = base.unwrap_or(word);
                assert!(ours.contains(name), "{word} in {expression}");
                used.insert(name.to_owned());
            }
            let is_known = !word.starts_with("apiserver_") || API_SERVER.contains(&word);
            assert!(is_known, "{word} in {expression}");
        }
    }
    let unused: Vec<_> = ours.iter().filter(|name| !used.contains(**name)).collect();
    assert!(unused.is_empty(), "nobody looks at {unused:?}");
}

#[test]
fn prometheus_understands_the_dashboard() {
    if !has_promtool() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let records: Vec<_> = shown()
        .iter()
        .enumerate()
        .map(|(number, expression)| {
            let expression = expression.replace("$__rate_interval", "5m");
            json!({"record": format!("panel_{number}"), "expr": expression})
        })
        .collect();
    let rules = json!({"groups": [{"name": "dashboard", "rules": records}]});
    fs::write(folder.path().join("rules.yaml"), rules.to_string()).unwrap();
    promtool(folder.path(), &["check", "rules", "rules.yaml"]).unwrap();
}
