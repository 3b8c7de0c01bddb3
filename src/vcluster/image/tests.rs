use super::super::testing::{config, config_on_host, elsewhere, layered, values};
use super::*;

fn references(config: &Config<'_>) -> Vec<String> {
    let shown = |image: &Image| image.reference().unwrap_or_else(|| "?".to_owned());
    config.images().iter().map(shown).collect()
}

fn k8s(text: &str) -> String {
    format!("controlPlane: {{distro: {{k8s: {text}}}}}")
}

#[test]
fn every_chart_runs_its_own_defaults_where_nothing_is_set() {
    let split = |tag: &str| {
        ["apiserver", "controller-manager", "scheduler"]
            .map(|name| format!("registry.k8s.io/kube-{name}:{tag}"))
            .to_vec()
    };
    let combined = |tag: &str| vec![format!("ghcr.io/loft-sh/kubernetes:{tag}")];
    for (chart, expected) in [
        ("0.20.6", split("v1.30.2")),
        ("0.25.0", combined("v1.32.1")),
        ("0.25.2", combined("v1.32.8")),
        ("0.26.1", combined("v1.32.8")),
        ("0.27.1", combined("v1.33.4")),
        ("0.29.0", combined("v1.33.4")),
        ("0.31.3", combined("v1.34.0")),
        ("0.32.0", combined("v1.35.0")),
        ("0.34.7", combined("v1.35.0")),
        ("0.36.1", combined("v1.36.0")),
    ] {
        assert_eq!(references(&config(chart, "")), expected, "{chart}");
    }
}

#[test]
fn charts_0_21_to_0_24_take_the_hosts_version_in_the_place_of_their_own_tag() {
    for chart in ["0.21.0", "0.22.6", "0.23.3", "0.24.2"] {
        assert_eq!(references(&config(chart, "")), ["?", "?", "?"], "{chart}");
        let on_host = config_on_host(chart, "", "v1.31.7+k3s1");
        assert_eq!(
            references(&on_host)[0],
            "registry.k8s.io/kube-apiserver:v1.31.7"
        );
        let set = config(chart, &k8s("{apiServer: {image: {tag: v1.29.0}}}"));
        assert_eq!(
            references(&set)[0],
            "registry.k8s.io/kube-apiserver:v1.29.0"
        );
        // not for the other distros
        let k3s = config(chart, "controlPlane: {distro: {k3s: {enabled: true}}}");
        assert!(
            references(&k3s)[0].starts_with("rancher/k3s:v1.3"),
            "{chart}"
        );
    }
    assert_eq!(
        references(&config_on_host("0.20.0", "", "v1.28.1"))[0],
        "registry.k8s.io/kube-apiserver:v1.30.2"
    );
}

#[test]
fn up_to_0_24_version_stands_in_for_tags_that_are_the_charts_own() {
    let documented = k8s("{version: v1.30.1, scheduler: {image: {tag: v1.31.0}}}");
    assert_eq!(
        references(&config("0.20.0", &documented)),
        [
            "registry.k8s.io/kube-apiserver:v1.30.1",
            "registry.k8s.io/kube-controller-manager:v1.30.1",
            "registry.k8s.io/kube-scheduler:v1.31.0",
        ],
    );
    // a tag that equals the chart's own cannot be told from none
    let same = k8s("{version: v1.30.1, apiServer: {image: {tag: v1.30.2}}}");
    assert_eq!(
        references(&config("0.20.0", &same))[0],
        "registry.k8s.io/kube-apiserver:v1.30.1"
    );
}

#[test]
fn from_0_25_on_version_always_beats_the_tag() {
    let both = k8s("{version: v1.30.999, image: {tag: v99912}}");
    for chart in ["0.25.0", "0.30.4", "0.36.1"] {
        assert_eq!(
            references(&config(chart, &both)),
            ["ghcr.io/loft-sh/kubernetes:v1.30.999"]
        );
    }
}

#[test]
fn default_image_registry_replaces_every_registry() {
    let text = "controlPlane: {advanced: {defaultImageRegistry: ecr.io/myteam}, distro: {k8s: {image: {registry: own.example}}}}";
    assert_eq!(
        references(&config("0.30.4", text)),
        ["ecr.io/myteam/loft-sh/kubernetes:v1.34.0"]
    );
    let k3s = "controlPlane: {advanced: {defaultImageRegistry: r.example}, distro: {k3s: {enabled: true}}}";
    assert_eq!(
        references(&config("0.30.4", k3s)),
        ["r.example/rancher/k3s:v1.34.1-k3s1"]
    );
}

#[test]
fn private_nodes_take_the_full_image() {
    let nodes = |rest: &str| format!("privateNodes: {{enabled: true{rest}}}");
    for (chart, text, tag) in [
        (
            "0.26.1",
            nodes(", importNodeBinaries: true"),
            "v1.32.8-full",
        ),
        ("0.26.1", nodes(", importNodeBinaries: false"), "v1.32.8"),
        ("0.27.1", nodes(""), "v1.33.4-full"),
        ("0.36.1", nodes(""), "v1.36.0-full"),
        ("0.25.2", nodes(""), "v1.32.8"),
        // a null takes the chart's value away, which is off to a template
        ("0.26.1", nodes(", importNodeBinaries: null"), "v1.32.8"),
        (
            "0.36.1",
            "privateNodes: {enabled: null}".to_owned(),
            "v1.36.0",
        ),
    ] {
        let expected = format!("ghcr.io/loft-sh/kubernetes:{tag}");
        assert_eq!(
            references(&config(chart, &text)),
            [expected],
            "{chart} {text}"
        );
    }
    assert_eq!(
        references(&config("0.26.1", &nodes(""))),
        ["?"],
        "not in the catalogue"
    );
}

#[test]
fn what_cannot_be_seen_is_not_guessed() {
    let below = layered(
        "0.30.4",
        vec![
            elsewhere(),
            values(&k8s("{enabled: true, image: {tag: v1.33.0}}")),
        ],
    );
    let [image] = below.images().try_into().unwrap();
    assert_eq!(image.reference(), None);
    assert_eq!(
        image.tag,
        ImagePart::Unknown,
        "version could be set elsewhere"
    );
    assert!(
        layered("0.30.4", vec![elsewhere()]).images().is_empty(),
        "the distro is unknown"
    );
    let range = config(">=0.30.0 <0.32.9", "");
    assert_eq!(
        range.images()[0].tag,
        ImagePart::Unknown,
        "the charts differ"
    );
    assert_eq!(
        references(&config("0.30.x", "")),
        ["ghcr.io/loft-sh/kubernetes:v1.34.0"]
    );
    // an empty tag is what a null leaves
    let null = config("0.30.4", &k8s("{image: {tag: null}}"));
    assert_eq!(references(&null), ["ghcr.io/loft-sh/kubernetes:"]);
    let number = config("0.30.4", &k8s("{version: 1.30}"));
    assert_eq!(references(&number), ["?"]);
}

#[test]
fn the_kubernetes_version_is_the_api_servers() {
    let version = |config: Config<'_>| config.kubernetes_version().map(|v| v.to_string());
    assert_eq!(version(config("0.36.1", "")).as_deref(), Some("v1.36.0"));
    assert_eq!(
        version(config("0.20.0", &k8s("{version: v1.29.6}"))).as_deref(),
        Some("v1.29.6")
    );
    assert_eq!(version(config("0.24.0", "")), None);
}
