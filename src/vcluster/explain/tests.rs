use super::*;
use crate::values::{Data, Limits, Node, read_yaml};
use crate::vcluster::testing::{config, config_on_host, elsewhere, layered, pod_config, values};
use crate::vcluster::{Origin, Tree};

fn k8s(text: &str) -> String {
    format!("controlPlane: {{distro: {{k8s: {text}}}}}")
}

/// `k8s from line 1`, for whole answers at a glance.
fn said(fact: &Fact) -> String {
    let Fact {
        value,
        source,
        overrules,
    } = fact;
    let value = value.as_deref().unwrap_or("?");
    let at = |place: &Place| place.values.to_string();
    let source = match source {
        Source::Chart => "chart".to_owned(),
        Source::ChartName => "chart name".to_owned(),
        Source::Policy(path) => format!("policy {path}"),
        Source::NoneEnabled => "none enabled".to_owned(),
        Source::NotSet => "not set".to_owned(),
        Source::Host => "host".to_owned(),
        Source::Set(place) => at(place),
        Source::Unknown(why) => why.to_string(),
    };
    let over = overrules
        .as_ref()
        .map(|Overruled { value, place }| format!(" over {value} at {}", at(place)));
    format!("{value} from {source}{}", over.unwrap_or_default())
}

fn tags(config: &Config<'_>) -> Vec<String> {
    let images = explain(config).images;
    images.iter().map(|image| said(&image.tag)).collect()
}

#[test]
fn up_to_0_24_a_tag_of_ones_own_beats_version_and_the_charts_own_stands_for_none() {
    let text = k8s(
        "{version: v1.30.1, apiServer: {image: {tag: v1.31.0}}, scheduler: {image: {tag: v1.30.2}}}",
    );
    assert_eq!(
        tags(&config("0.20.0", &text)),
        [
            "v1.31.0 from controlPlane.distro.k8s.apiServer.image.tag over v1.30.1 at controlPlane.distro.k8s.version",
            "v1.30.1 from controlPlane.distro.k8s.version",
            "v1.30.1 from controlPlane.distro.k8s.version over v1.30.2 at controlPlane.distro.k8s.scheduler.image.tag",
        ],
    );
    let same = k8s("{apiServer: {image: {tag: v1.31.1}}, scheduler: {image: {tag: v1.29.0}}}");
    let on_host = config_on_host("0.22.0", &same, "v1.31.7");
    assert_eq!(
        tags(&on_host),
        [
            "v1.31.7 from host over v1.31.1 at controlPlane.distro.k8s.apiServer.image.tag",
            "v1.31.7 from host",
            "v1.29.0 from controlPlane.distro.k8s.scheduler.image.tag",
        ],
    );
    assert_eq!(
        said(&explain(&on_host).kubernetes),
        "v1.31.7 from host over v1.31.1 at controlPlane.distro.k8s.apiServer.image.tag"
    );
}

#[test]
fn up_to_0_24_components_that_are_off_are_not_rendered() {
    let text = "controlPlane: {advanced: {virtualScheduler: {enabled: true}}, distro: {k8s: {controllerManager: {enabled: false}}}}";
    let shown = |config: &Config<'_>| {
        let images = explain(config).images.into_iter();
        let images = images.map(|image| match image.rendered {
            Rendered::Yes => "yes".to_owned(),
            Rendered::No(path, _) => format!("{path} is off"),
            Rendered::Unknown(path, why) => format!("{path}: {why}"),
        });
        images.collect::<Vec<_>>()
    };
    let seen = config("0.24.0", text);
    assert_eq!(
        shown(&seen),
        [
            "yes",
            "controlPlane.distro.k8s.controllerManager.enabled is off",
            "yes"
        ],
    );
    assert_eq!(
        said(&explain(&seen).scheduler),
        "on from controlPlane.advanced.virtualScheduler.enabled"
    );
    let enabled = layered("0.24.0", vec![elsewhere(), values(&k8s("{enabled: true}"))]);
    assert_eq!(
        shown(&enabled)[2],
        "controlPlane.advanced.virtualScheduler.enabled: values kept elsewhere at spec.valuesFrom may set it"
    );
    assert_eq!(shown(&config("0.30.4", "")), ["yes"]);
}

#[test]
fn the_scheduler_has_a_switch_of_its_own_from_0_26_on_and_always_runs_with_private_nodes() {
    for (chart, text, expected) in [
        ("0.25.0", k8s("{}"), "off from chart"),
        (
            "0.26.0",
            k8s("{scheduler: {enabled: true}}"),
            "on from controlPlane.distro.k8s.scheduler.enabled",
        ),
        (
            "0.30.4",
            "controlPlane: {distro: {k3s: {enabled: true}, k8s: {scheduler: {enabled: true}}}}"
                .to_owned(),
            "off from chart",
        ),
        (
            "0.30.4",
            "privateNodes: {enabled: true}".to_owned(),
            "on from privateNodes.enabled",
        ),
        (
            "0.36.1",
            k8s("{scheduler: {enabled: false}}"),
            "off from controlPlane.distro.k8s.scheduler.enabled",
        ),
        (">=0.25 <0.27", k8s("{}"), "off from chart"),
    ] {
        let scheduler = explain(&config(chart, &text)).scheduler;
        assert_eq!(said(&scheduler), expected, "{chart} {text}");
    }
}

#[test]
fn what_a_null_deletes_comes_from_the_null() {
    for (text, expected) in [
        (
            "{resources: null}",
            [" none from controlPlane.distro.k8s.resources"].as_slice(),
        ),
        (
            "{resources: {requests: null, limits: {cpu: null, memory: 1}}}",
            &[
                "limits.cpu none from controlPlane.distro.k8s.resources.limits.cpu",
                "limits.memory 1 from controlPlane.distro.k8s.resources.limits.memory",
                "requests none from controlPlane.distro.k8s.resources.requests",
            ],
        ),
    ] {
        let resources = explain(&config("0.30.4", &k8s(text))).resources;
        let resources = resources
            .iter()
            .map(|(path, fact)| format!("{path} {}", said(fact)));
        assert_eq!(resources.collect::<Vec<_>>(), expected, "{text}");
    }
    let image = config("0.30.4", &k8s("{image: null}"));
    assert_eq!(tags(&image), [" from controlPlane.distro.k8s.image"]);
}

#[test]
fn why_something_is_unknown_is_said_of_what_hides_it() {
    let kubernetes = |config: &Config<'_>| said(&explain(config).kubernetes);
    for (config, expected) in [
        (
            config("0.22.0", ""),
            "? from the chart takes the host's Kubernetes version, and that is not known (--host-version)",
        ),
        (
            config("0.30.4", &k8s("{version: 1.30}")),
            "? from controlPlane.distro.k8s.version (line 1 of spec.values) is a number",
        ),
        (
            config("0.30.4", &k8s("{image: {tag: latest}}")),
            "? from the tag tells no version",
        ),
        (
            config("0.26 - 0.32", ""),
            "? from the charts that 0.26 - 0.32 stands for differ",
        ),
        (
            config("*", ""),
            "? from the chart's version is not known, and its charts differ",
        ),
        (
            layered("0.30.4", vec![elsewhere()]),
            "? from values kept elsewhere at spec.valuesFrom may set it",
        ),
        (
            config("0.19.0", ""),
            "? from configs of charts before 0.20 are not read",
        ),
        (
            config("0.30.4", "controlPlane: {distro: {k3s: {enabled: maybe}}}"),
            "? from controlPlane.distro.k3s.enabled (line 1 of spec.values) is a string",
        ),
    ] {
        assert_eq!(kubernetes(&config), expected);
    }
}

#[test]
fn the_pods_config_has_no_defaults_but_vclusters() {
    let Explanation {
        distro,
        kubernetes,
        images: _,
        scheduler,
        store,
        resources,
    } = explain(&pod_config(
        "0.30.4",
        "controlPlane: {distro: {K8S: {image: {TAG: v1.34.0}}}}",
    ));
    let all = [distro, kubernetes, scheduler, store];
    assert_eq!(
        all.iter().map(said).collect::<Vec<_>>(),
        [
            "k8s from none enabled",
            "v1.34.0 from controlPlane.distro.k8s.image.tag",
            "off from not set",
            "embedded-database from none enabled",
        ],
    );
    assert_eq!(resources.len(), 1);
}

#[test]
fn a_default_of_the_policy_is_told_from_what_the_user_set() {
    let read = read_yaml(k8s("{version: v1.33.0}").as_bytes(), &Limits::VALUES).unwrap();
    let defaults = Tree::from_node(&read.root, &|_| Origin::Default);
    let with = config("0.30.4", &k8s("{enabled: true}")).with(&defaults);
    assert_eq!(
        tags(&with),
        ["v1.33.0 from policy controlPlane.distro.k8s.version"]
    );
    assert_eq!(
        said(&explain(&with).distro),
        "k8s from controlPlane.distro.k8s.enabled"
    );
    // what is no quantity is not shown
    let odd = Node::new(Data::String("hunter2".into())).to_json();
    let text = k8s(&format!("{{resources: {{limits: {{cpu: {odd}}}}}}}"));
    let (_, cpu) = explain(&config("0.30.4", &text)).resources.swap_remove(0);
    assert_eq!(
        said(&cpu),
        "? from controlPlane.distro.k8s.resources.limits.cpu"
    );
}
