use super::*;
use crate::values::{Limits, read_yaml};

fn chart(version: &str) -> (Certainty, Option<Era>) {
    let catalogue = Catalogue::embedded();
    let chart = Chart::resolve(&ChartSource::version(version), catalogue);
    (chart.certainty(), chart.era())
}

#[test]
fn versions_and_ranges_are_as_certain_as_the_catalogue_allows() {
    for (version, certainty, era) in [
        ("0.20.0", Certainty::Exact, Some(Era::A)),
        ("v0.25.2", Certainty::Exact, Some(Era::B)),
        ("0.36.1", Certainty::Exact, Some(Era::D)),
        ("0.28.x", Certainty::Era, Some(Era::C)),
        (">=0.25.0 <0.26.0", Certainty::Era, Some(Era::B)),
        ("~0.24", Certainty::Era, Some(Era::A)),
        // takes charts to come
        (">=0.35", Certainty::Guess, Some(Era::D)),
        ("*", Certainty::Guess, None),
        ("", Certainty::Guess, None),
        ("{{ .version }}", Certainty::Guess, None),
        // takes charts of several eras
        (">=0.24 <0.26", Certainty::Guess, None),
        // newer than the catalogue, or not in it
        ("0.99.0", Certainty::Guess, None),
        ("0.30.99", Certainty::Guess, Some(Era::C)),
        ("0.30.4-rc.1", Certainty::Guess, Some(Era::C)),
        ("0.19.10", Certainty::Legacy, None),
        ("0.19.*", Certainty::Legacy, None),
        ("<0.20", Certainty::Legacy, None),
        ("0.20.0-beta.1", Certainty::Guess, Some(Era::A)),
    ] {
        assert_eq!(chart(version), (certainty, era), "{version}");
    }
}

#[test]
fn a_chart_of_a_distros_own_is_a_legacy_chart() {
    let catalogue = Catalogue::embedded();
    let source = ChartSource {
        name: Some("vcluster-k8s".into()),
        ..ChartSource::default()
    };
    let chart = Chart::resolve(&source, catalogue);
    assert_eq!(chart.certainty(), Certainty::Legacy);
    assert_eq!(chart.legacy_distro(), Some(Distro::K8s));
}

#[test]
fn the_era_of_a_guess_follows_from_keys_that_only_one_era_has_or_from_the_fallback() {
    let catalogue = Catalogue::embedded();
    let fallback = catalogue.get(&Version::new(0, 36, 0));
    for (values, fallback, era) in [
        (
            "controlPlane: {distro: {k8s: {apiServer: {image: {tag: v1}}}}}",
            None,
            Some(Era::A),
        ),
        (
            "controlPlane: {distro: {k0s: {}, k8s: {image: {}}}}",
            None,
            Some(Era::B),
        ),
        (
            "controlPlane: {distro: {k3s: {}, k8s: {scheduler: {enabled: true}}}}",
            None,
            Some(Era::C),
        ),
        ("controlPlane: {distro: {k8s: {enabled: true}}}", None, None),
        (
            "controlPlane: {distro: {k8s: {enabled: true}}}",
            fallback,
            Some(Era::D),
        ),
        (
            "controlPlane: {distro: {k8s: {apiServer: {image: {}}}}}",
            fallback,
            Some(Era::A),
        ),
        ("controlPlane: {distro: {nonsense: 1}}", None, None),
    ] {
        let mut chart = Chart::resolve(&ChartSource::default(), catalogue);
        let written = read_yaml(values.as_bytes(), &Limits::VALUES).unwrap();
        chart.infer(&written.root, fallback);
        assert_eq!((chart.era(), chart.is_certain()), (era, false), "{values}");
    }
}
