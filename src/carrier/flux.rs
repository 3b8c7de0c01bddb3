//! Flux' HelmRelease (`helm.toolkit.fluxcd.io`): layers and precedence.
//!
//! Mirrors helm-controller's `docs/spec/v2/helmreleases.md`: `valuesFrom` in order, then `values`
//! over them; an entry with `targetPath` overwrites everything, inline values included. The chart
//! is named in `spec.chart.spec`, or kept elsewhere: behind `spec.chartRef`, or in a folder of a Git
//! repository or bucket.

use serde_json::value::RawValue;

use super::carried::{is_of_distro, name_of};
use super::declaration::ITEMS;
use super::dig::{dig, dig_list, dig_map, dig_str};
use super::set::unseen;
use super::{Carried, Content, EditAt, Encoding, Held, Part, Reference, Release, Seen};
use crate::values::Path;
use crate::vcluster::{ChartSource, Distro};

/// More entries of `valuesFrom` than anybody has; the rest is taken together.
const VALUES_FROM: usize = 64;

/// Everything of a HelmRelease that has a say in the config.
const PIECES: [&[&str]; 8] = [
    &["spec", "values"],
    &["spec", "valuesFrom"],
    &["spec", "chart"],
    &["spec", "chartRef"],
    &["spec", "releaseName"],
    &["spec", "targetNamespace"],
    &["spec", "kubeConfig"],
    &["spec", "postRenderers"],
];

/// Group and kind.
pub(super) const KIND: (&str, &str) = ("helm.toolkit.fluxcd.io", "HelmRelease");

/// The config in a HelmRelease, if it deploys vCluster.
pub(super) fn configs<'a>(object: &'a RawValue, seen: Seen<'_>) -> Held<'a> {
    let chart = chart(object);
    let looks_so = seen.known || chart.name.is_some() || looks_like_vcluster(object);
    if !chart.may_be_vcluster() || !looks_so {
        return Held::default();
    }
    Held::one(Some(Carried {
        edit_at: Some(EditAt {
            at: Path::dotted("spec.values"),
            within: (Path::root(), object),
            encoding: Encoding::Object,
            suggest: false,
        }),
        pieces: PIECES.iter().map(|keys| dig(object, keys)).collect(),
        renders_on: post_renderers(object),
        ..Carried::new(
            release(object, seen.namespace),
            chart,
            parts(object),
            seen.budget,
        )
    }))
}

/// `postRenderers` change what Helm rendered: the Secret and the workload, not the values.
fn post_renderers(object: &RawValue) -> Option<Path> {
    let given = dig(object, &["spec", "postRenderers"])?;
    (given.get() != "[]").then(|| Path::dotted("spec.postRenderers"))
}

fn chart(object: &RawValue) -> ChartSource {
    let Some(spec) = dig(object, &["spec", "chart", "spec"]) else {
        let elsewhere = dig(object, &["spec", "chartRef"]).map(|_| Path::dotted("spec.chartRef"));
        return ChartSource {
            elsewhere,
            ..ChartSource::default()
        };
    };
    // a chart in a Git repository or bucket has the version that its own Chart.yaml says
    let versioned = dig_str(spec, &["sourceRef", "kind"])
        .is_none_or(|kind| !matches!(&*kind, "GitRepository" | "Bucket"));
    let chart = ChartSource {
        name: dig_str(spec, &["chart"]).map(Into::into),
        version: dig_str(spec, &["version"])
            .filter(|_| versioned)
            .map(Into::into),
        elsewhere: None,
    };
    if versioned || chart.may_be_vcluster() {
        return chart;
    }
    // a folder may be called anything
    ChartSource {
        elsewhere: Some(Path::dotted("spec.chart.spec.chart")),
        ..ChartSource::default()
    }
}

/// Behind a `chartRef` and in a folder may be any chart: it is vCluster's if the reference is
/// called so, or if the values have what only vCluster's have.
fn looks_like_vcluster(object: &RawValue) -> bool {
    const BEHIND_REFERENCE: [&str; 3] = ["distro", "backingStore", "statefulSet"];

    let control_plane = |key| dig(object, &["spec", "values", "controlPlane", key]);
    if dig(object, &["spec", "chartRef"]).is_some() {
        let name = dig_str(object, &["spec", "chartRef", "name"]);
        if name.is_some_and(|name| name == "vcluster")
            || BEHIND_REFERENCE
                .iter()
                .any(|key| control_plane(key).is_some())
        {
            return true;
        }
    }
    let mut distros = control_plane("distro")
        .into_iter()
        .flat_map(|raw| dig_map(raw, ITEMS));
    distros.any(|(key, _)| Distro::from_key(&key).is_some())
        || parts(object).iter().any(|part| match &part.content {
            Content::ElsewhereAt(path, _) => is_of_distro(path),
            _ => false,
        })
}

/// `HelmRelease.GetReleaseName`: the release's own name, or target namespace and name.
fn release(object: &RawValue, namespace: &str) -> Release {
    let name = name_of(object);
    let target = dig_str(object, &["spec", "targetNamespace"]).filter(|name| !name.is_empty());
    let given = dig_str(object, &["spec", "releaseName"]).filter(|name| !name.is_empty());
    Release {
        cluster: dig(object, &["spec", "kubeConfig"]).map(|raw| raw.get().to_owned()),
        name: match (given, &target) {
            (Some(given), _) => given.into_owned(),
            (None, Some(target)) => format!("{target}-{name}"),
            (None, None) => name.into_owned(),
        },
        namespace: target.map_or_else(|| namespace.to_owned(), Into::into),
        item: None,
    }
}

fn parts(object: &RawValue) -> Vec<Part<'_>> {
    let at = Path::dotted("spec.valuesFrom");
    let mut below = Vec::new();
    let mut above = Vec::new();
    // files of the chart's repository that stand in for its own values.yaml
    for files in ["valuesFiles", "valuesFile"] {
        if let Some(raw) = dig(object, &["spec", "chart", "spec", files]) {
            let at = Path::dotted("spec.chart.spec").key(files);
            below.push(Part {
                at,
                content: Content::Elsewhere(Reference::to(raw)),
            });
        }
    }
    let from = dig_list(object, &["spec", "valuesFrom"], VALUES_FROM + 1).unwrap_or_default();
    for (number, entry) in from.into_iter().enumerate() {
        if number == VALUES_FROM {
            above.push(Part {
                at: at.clone(),
                content: Content::Elsewhere(Reference::to(entry)),
            });
            break;
        }
        let at = at.index(number);
        match dig_str(entry, &["targetPath"]).filter(|path| !path.is_empty()) {
            None => below.push(Part {
                at,
                content: Content::Elsewhere(Reference::to(entry)),
            }),
            Some(path) => {
                above.push(Part {
                    at,
                    content: unseen(&path, entry),
                });
            }
        }
    }
    if let Some(raw) = dig(object, &["spec", "values"]) {
        let content = Content::Values(Encoding::Object, raw);
        below.push(Part {
            at: Path::dotted("spec.values"),
            content,
        });
    }
    below.extend(above);
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(spec: &str) -> Option<(Release, ChartSource, Vec<String>)> {
        let text = format!(r#"{{"metadata":{{"name":"dev"}},"spec":{spec}}}"#);
        let raw: &RawValue = serde_json::from_str(&text).unwrap();
        let roads = super::super::Roads::default();
        let seen = Seen {
            namespace: "team-a",
            known: false,
            roads: &roads,
            budget: &std::rc::Rc::default(),
        };
        configs(raw, seen).configs.pop().map(|carried| {
            let parts = carried.parts.iter().map(|part| {
                let keys = match &part.content {
                    Content::ElsewhereAt(path, _) => format!(" {path}"),
                    _ => String::new(),
                };
                format!("{}{keys}", part.at)
            });
            (carried.release, carried.chart, parts.collect())
        })
    }

    #[test]
    fn layers_stand_in_fluxs_order() {
        let (_, _, parts) = carried(
            r#"{"chart":{"spec":{"chart":"vcluster","version":"0.30.x"}},"values":{},"valuesFrom":[
                {"kind":"ConfigMap","name":"a"},
                {"kind":"Secret","name":"b","targetPath":"controlPlane.distro.k3s.enabled"},
                {"kind":"ConfigMap","name":"c","targetPath":"controlPlane.x[0].y"}]}"#,
        )
        .unwrap();
        assert_eq!(
            parts,
            [
                "spec.valuesFrom[0]",
                "spec.values",
                "spec.valuesFrom[1] controlPlane.distro.k3s.enabled",
                "spec.valuesFrom[2] controlPlane.x[0].y",
            ],
        );
    }

    #[test]
    fn releases_are_named_as_flux_names_them() {
        for (spec, namespace, name) in [
            ("", "team-a", "dev"),
            (r#","targetNamespace":"vc""#, "vc", "vc-dev"),
            (r#","targetNamespace":"vc","releaseName":"r""#, "vc", "r"),
        ] {
            let spec = format!(r#"{{"chart":{{"spec":{{"chart":"vcluster"}}}}{spec}}}"#);
            let (release, ..) = carried(&spec).unwrap();
            assert_eq!(
                (release.namespace.as_str(), release.name.as_str()),
                (namespace, name)
            );
        }
    }

    #[test]
    fn the_chart_is_as_known_as_flux_lets_it_be() {
        let chart = |spec: &str| carried(spec).map(|(_, chart, _)| chart);
        assert_eq!(chart(r#"{"chart":{"spec":{"chart":"podinfo"}}}"#), None);
        assert_eq!(
            chart(r#"{"chartRef":{"kind":"OCIRepository","name":"podinfo"}}"#),
            None
        );
        let elsewhere = Some(Path::dotted("spec.chartRef"));
        let behind_reference = ChartSource {
            elsewhere,
            ..ChartSource::default()
        };
        assert_eq!(
            chart(r#"{"chartRef":{"name":"x"},"values":{"controlPlane":{"distro":{}}}}"#),
            Some(behind_reference.clone()),
        );
        assert_eq!(
            chart(r#"{"chartRef":{"kind":"OCIRepository","name":"vcluster"}}"#),
            Some(behind_reference.clone()),
        );
        let git = r#"{"chart":{"spec":{"chart":"./charts/vcluster","version":"0.30.0",
            "sourceRef":{"kind":"GitRepository"}}}}"#;
        assert_eq!(chart(git).unwrap().version, None);
    }
}
