use super::super::testing::{config, elsewhere, layered, pod_config, values};
use super::*;

fn distro(text: &str) -> String {
    format!("controlPlane: {{distro: {text}}}")
}

#[test]
fn none_enabled_means_k8s_and_several_are_decided_in_vclusters_order() {
    for (text, expected) in [
        ("{}", Distro::K8s),
        ("{k8s: {enabled: false}}", Distro::K8s),
        ("{k3s: {enabled: true}}", Distro::K3s),
        ("{k8s: {enabled: true}, k0s: {enabled: true}}", Distro::K0s),
        (
            "{k8s: {enabled: true}, k0s: {enabled: true}, k3s: {enabled: yes}}",
            Distro::K3s,
        ),
    ] {
        assert_eq!(
            config("0.24.2", &distro(text)).distro(),
            Some(expected),
            "{text}"
        );
    }
    // the chart does not know k3s any more
    assert_eq!(
        config("0.33.0", &distro("{k3s: {enabled: true}}")).distro(),
        Some(Distro::K8s)
    );
}

#[test]
fn a_distro_that_could_be_set_elsewhere_is_unknown() {
    assert_eq!(layered("0.30.4", vec![elsewhere()]).distro(), None);
    let k8s = values(&distro("{k8s: {enabled: true}}"));
    assert_eq!(
        layered("0.30.4", vec![elsewhere(), k8s]).distro(),
        Some(Distro::K8s)
    );
    let text = distro("{k3s: {enabled: \"true\"}}");
    assert_eq!(
        config("0.30.4", &text).distro(),
        None,
        "a template and the pod differ"
    );
}

#[test]
fn the_pod_matches_keys_without_case_in_gos_order() {
    // Go's converter sorts keys, so the lower case comes last and wins
    let text = distro("{k3s: {enabled: false}, K3S: {enabled: true}}");
    assert_eq!(pod_config("0.30.4", &text).distro(), Some(Distro::K8s));
    for text in [
        distro("{K3S: {enabled: true}}"),
        distro("{k3s: {ENABLED: true}}"),
        distro("{K3S: {enabled: true}, k3s: {image: {}}}"),
        "ControlPlane: {Distro: {k3s: {enabled: true}}}".to_owned(),
    ] {
        assert_eq!(
            pod_config("0.30.4", &text).distro(),
            Some(Distro::K3s),
            "{text}"
        );
        let as_helm = config("0.30.4", &text).distro();
        assert_eq!(as_helm, Some(Distro::K8s), "Helm keeps cases apart: {text}");
    }
}

#[test]
fn places_are_those_of_the_uppermost_layer_that_has_the_path() {
    let path = Path::dotted("controlPlane.distro.k3s.enabled");
    let text = "controlPlane:\n  distro:\n    k3s:\n      enabled: true\n";
    let place = config("0.30.4", text).place(&path);
    assert_eq!(
        place.to_string(),
        "controlPlane.distro.k3s.enabled (line 4 of spec.values)"
    );
    assert_eq!(place.field(), "spec.values.controlPlane.distro.k3s.enabled");
    let layers = vec![values(text), values("controlPlane: {}")];
    let below = layered("0.30.4", layers).place(&path);
    assert_eq!(below.position.map(|at| at.line), Some(4));
    let nowhere = config("0.30.4", "controlPlane:\n  advanced: {}\n").place(&path);
    assert_eq!(
        nowhere.position.map(|at| at.line),
        Some(1),
        "the nearest key above"
    );
}
