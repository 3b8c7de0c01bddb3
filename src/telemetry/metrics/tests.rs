use std::fs;
use std::path::Path;

use super::*;
use crate::gate::{self, Cluster};

/// What a metric's samples say: `name{labels} value` of all lines that begin so.
fn samples(metrics: &Metrics, name: &str) -> Vec<String> {
    let text = metrics.encode_classic();
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("distrogate_"));
    let lines = lines.filter(|line| line.starts_with(name) && !line.ends_with(" 0"));
    lines.map(str::to_owned).collect()
}

fn reviewed(metrics: &Metrics, fixture: &str, endpoint: Endpoint) {
    let at = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let body = fs::read(at.join(fixture).join("request.json")).unwrap();
    let request = Request::parse(&body).unwrap();
    let verdict = gate::review(&request, endpoint, &Policy::built_in(), &Cluster::default());
    metrics.reviewed(endpoint, &request, &verdict, Duration::from_micros(300));
}

#[test]
fn reviews_are_counted_with_what_they_found_and_put_in() {
    let metrics = Metrics::new();
    let refused = "helmrelease-two-distros-k3s-k8s-0.30";
    reviewed(&metrics, refused, Endpoint::Validate);
    reviewed(&metrics, refused, Endpoint::Validate);
    reviewed(
        &metrics,
        "helmrelease-documented-k8s-0.20",
        Endpoint::Mutate,
    );
    reviewed(&metrics, "connect-pod-exec", Endpoint::Validate);
    let mut reviews = samples(&metrics, "reviews_total");
    reviews.sort();
    assert_eq!(
        reviews,
        [
            r#"reviews_total{endpoint="mutate",carrier="HelmRelease",operation="CREATE",decision="patched"} 1"#,
            r#"reviews_total{endpoint="validate",carrier="HelmRelease",operation="CREATE",decision="denied"} 2"#,
            r#"reviews_total{endpoint="validate",carrier="none",operation="CONNECT",decision="not-ours"} 1"#,
        ]
    );
    assert_eq!(
        samples(&metrics, "findings_total"),
        [r#"findings_total{rule="only-one-distro",action="Deny"} 2"#]
    );
    let mut defaults = samples(&metrics, "defaults_total");
    defaults.sort();
    assert_eq!(
        defaults,
        [
            r#"defaults_total{family="image"} 9"#,
            r#"defaults_total{family="resources"} 4"#,
        ]
    );
    let mut buckets = samples(&metrics, "review_duration_seconds_bucket");
    buckets.retain(|line| line.contains("0.0005\"") || line.contains("+Inf"));
    buckets.sort();
    assert_eq!(
        buckets,
        [
            r#"review_duration_seconds_bucket{le="+Inf",endpoint="mutate"} 1"#,
            r#"review_duration_seconds_bucket{le="+Inf",endpoint="validate"} 3"#,
            r#"review_duration_seconds_bucket{le="0.0005",endpoint="mutate"} 1"#,
            r#"review_duration_seconds_bucket{le="0.0005",endpoint="validate"} 3"#,
        ]
    );
}

#[test]
fn what_is_held_is_counted_as_long_as_it_is() {
    let metrics = Metrics::new();
    let first = metrics.bytes_in_flight(5);
    let second = metrics.bytes_in_flight(70);
    first.grow(3);
    let open = metrics.connection();
    assert_eq!(samples(&metrics, "in_flight_bytes"), ["in_flight_bytes 78"]);
    assert_eq!(
        samples(&metrics, "connections_open"),
        ["connections_open 1"]
    );
    drop((first, open));
    assert_eq!(samples(&metrics, "in_flight_bytes"), ["in_flight_bytes 70"]);
    drop(second);
    assert_eq!(samples(&metrics, "in_flight_bytes"), [""; 0]);
    assert_eq!(
        samples(&metrics, "connections"),
        ["connections_accepted_total 1"]
    );
}

#[test]
fn one_policy_is_in_force_at_a_time() {
    let metrics = Metrics::new();
    metrics.policy("aa".to_owned());
    metrics.policy("aa".to_owned());
    metrics.policy("bb".to_owned());
    assert_eq!(
        samples(&metrics, "policy_info"),
        [r#"policy_info{revision="bb"} 1"#]
    );
    metrics.loaded(Files::Policy);
    metrics.reloaded(Files::Policy, true);
    metrics.reloaded(Files::Policy, false);
    assert!(
        metrics
            .encode()
            .contains("distrogate_files_usable{files=\"policy\"} 0\n")
    );
    let mut reloads = samples(&metrics, "reloads_total");
    reloads.sort();
    assert_eq!(
        reloads,
        [
            r#"reloads_total{files="policy",outcome="refused"} 1"#,
            r#"reloads_total{files="policy",outcome="taken"} 1"#,
        ]
    );
}

#[test]
fn the_page_about_the_metrics_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let page = Metrics::new().page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page,
        "docs/metrics.md is not what the program says: run UPDATE_DOCS=1 cargo test metrics"
    );
}

#[test]
fn every_metric_is_shown_before_anything_happens() {
    let metrics = Metrics::new();
    metrics.loaded(Files::Policy);
    metrics.policy(String::new());
    metrics.watch_begins(Watch::Secrets);
    let text = metrics.encode_classic();
    for name in metrics.registered.1.iter().map(Entry::name) {
        // a review has too many combinations to show those that never are
        if name == "distrogate_reviews_total" {
            continue;
        }
        assert!(text.contains(&format!("# HELP {name} ")), "{name}");
        let mut samples = text.lines().filter(|line| !line.starts_with('#'));
        assert!(samples.any(|line| line.starts_with(name)), "{name}\n{text}");
    }
    assert!(metrics.encode().ends_with("# EOF\n"));
}
