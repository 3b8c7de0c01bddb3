use super::*;
use crate::vcluster::testing::{
    config, config_on_host, elsewhere, layered, pod_config, pod_config_on_host, values,
};

const K3S: &str = "controlPlane: {distro: {k3s: {enabled: true}}}";

/// Each difference in a line.
fn told(one: &Config<'_>, other: &Config<'_>) -> Vec<String> {
    let differences = one.sketch().differences(&other.sketch());
    let told = differences.iter();
    let told = told.map(|one| format!("{}: {} / {}", one.aspect, one.one, one.other));
    told.collect()
}

#[test]
fn two_of_the_same_do_not_differ() {
    for text in ["", K3S, "controlPlane: {distro: {k8s: {enabled: true}}}"] {
        assert_eq!(
            told(&config("0.30.4", text), &config("0.30.4", text)),
            [""; 0]
        );
    }
}

#[test]
fn what_both_see_and_say_otherwise_is_told() {
    let one = config("0.30.4", "");
    let etcd = "controlPlane: {backingStore: {etcd: {embedded: {enabled: true}}}, \
                distro: {k8s: {image: {registry: r.example, tag: v1.33.4}}}}";
    assert_eq!(
        told(&one, &config("0.29.1", etcd)),
        [
            "chart: 0.30.4 / 0.29.1",
            "store: embedded-database / embedded-etcd",
            "image k8s: ghcr.io/loft-sh/kubernetes:v1.34.0 / r.example/loft-sh/kubernetes:v1.33.4",
        ]
    );
    // of another distro the images are others anyway
    assert_eq!(told(&one, &config("0.30.4", K3S)), ["distro: k8s / k3s"]);
}

#[test]
fn what_is_unknown_differs_from_nothing() {
    let all = layered("0.30.4", vec![values(K3S), elsewhere()]);
    assert_eq!(told(&all, &config("0.30.4", "")), [""; 0]);
    let own = "controlPlane: {distro: {k8s: {image: {tag: v1.33.4}}}}";
    // which chart it is nobody knows: its own registry is a guess, the tag is not
    assert_eq!(
        told(
            &config(">=0.25", own),
            &pod_config(
                "0.30.4",
                "controlPlane: {distro: {k8s: {enabled: true, \
            image: {registry: r.example, repository: k, tag: v1.34.0}}}}"
            )
        ),
        ["image k8s: ?:v1.33.4 / r.example/k:v1.34.0"]
    );
}

#[test]
fn a_tag_that_follows_the_host_or_a_patch_release_is_not_known() {
    let api_server = |tag: &str| {
        format!(
            "controlPlane: {{distro: {{k8s: {{enabled: true, apiServer: {{enabled: true, image: \
             {{registry: registry.k8s.io, repository: kube-apiserver, tag: {tag}}}}}}}}}}}"
        )
    };
    let images = |config: &Config<'_>| {
        let ran = pod_config("0.20.0", &api_server("v1.30.9"));
        let mut told = told(config, &ran);
        told.retain(|line| line.starts_with("image apiServer"));
        told
    };
    // the chart's own tag, in values and merged
    let wanted = |text: &str| config_on_host("0.24.1", text, "v1.33.4");
    assert_eq!(images(&wanted("")), [""; 0]);
    let written = |tag| pod_config_on_host("0.24.1", &api_server(tag), "v1.33.4");
    assert_eq!(images(&written("v1.32.1")), [""; 0]);
    let own = ["image apiServer: registry.k8s.io/kube-apiserver:v1.33.9 / \
         registry.k8s.io/kube-apiserver:v1.30.9"];
    assert_eq!(images(&wanted(&api_server("v1.33.9"))), own);
    assert_eq!(images(&written("v1.33.9")), own);

    let later = "controlPlane: {distro: {k8s: {enabled: true, image: {registry: ghcr.io, \
                 repository: loft-sh/kubernetes, tag: v1.34.9}}}}";
    let later = pod_config("0.30.9", later);
    assert_eq!(told(&config("0.30.x", ""), &later), [""; 0]);
    let other = "controlPlane: {distro: {k8s: {image: {registry: r.example}}}}";
    assert_eq!(
        told(&config("0.30.x", other), &later),
        ["image k8s: r.example/loft-sh/kubernetes:? / ghcr.io/loft-sh/kubernetes:v1.34.9"]
    );
}

#[test]
fn a_range_holds_the_charts_that_lie_in_it() {
    for (one, other, differ) in [
        ("0.30.x", "0.30.4", false),
        ("0.30.x", "0.31.0", true),
        ("0.30.4", "0.30.x", false),
        (">=0.25", "<0.20", false),
        ("v0.30.4", "0.30.4+build", false),
        ("latest", "0.30.4", false),
    ] {
        let [one_sketch, other_sketch] =
            [one, other].map(|chart| config(chart, "").sketch().only_chart());
        let found = one_sketch.differences(&other_sketch);
        assert_eq!(!found.is_empty(), differ, "{one} {other}");
    }
}

#[test]
fn docker_hub_is_docker_hub_however_it_is_written() {
    let with = |registry: &str| {
        let text = format!(
            "controlPlane: {{distro: {{k3s: {{enabled: true, image: {{registry: '{registry}', \
             repository: rancher/k3s, tag: v1.30.2-k3s1}}}}}}}}"
        );
        config("0.30.4", &text)
    };
    assert_eq!(told(&with(""), &with("docker.io")), [""; 0]);
    assert_eq!(
        told(&with(""), &with("r.example")),
        ["image k3s: docker.io/rancher/k3s:v1.30.2-k3s1 / r.example/rancher/k3s:v1.30.2-k3s1"]
    );
}
