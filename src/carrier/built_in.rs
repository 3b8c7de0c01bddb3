//! The carriers that are known without anybody declaring them.

use std::sync::LazyLock;

use super::{
    At, ChartAt, ConfigAt, Declaration, Encoding, Holds, PartAt, Pattern, ReleaseAt, Templates,
};
use crate::values::Path;
use crate::vcluster::{Completeness, Reading};

/// All of them. Flux' HelmRelease has code of its own.
pub(super) fn built_in() -> &'static [Declaration] {
    static BUILT_IN: LazyLock<Vec<Declaration>> = LazyLock::new(|| {
        vec![
            vcluster_secret(),
            cluster_api(),
            virtual_cluster_instance(),
            virtual_cluster_template(),
            k3s_helm_chart(),
            k3s_helm_chart_config(),
            crossplane_release(),
            fleet_bundle(),
        ]
    });
    &BUILT_IN
}

/// The Secret that the chart renders its merged values into, and the pod reads
/// (`chart/templates/config-secret.yaml`). Complete: chart defaults included, after Helm. The API server
/// has made `data` of a `stringData` before anybody is asked.
fn vcluster_secret() -> Declaration {
    Declaration {
        groups: names([""]),
        kinds: names(["Secret"]),
        name_prefix: "vc-config-".into(),
        configs: vec![ConfigAt {
            root: Pattern::default(),
            parts: vec![PartAt {
                at: Path::keys(["data", "config.yaml"]),
                holds: Holds::RequiredValues(Encoding::Base64Yaml),
            }],
            exclusive: false,
            chart: ChartAt {
                is_vcluster_by_default: true,
                version: Some((
                    At::Object(Path::dotted("metadata.labels.chart")),
                    "vcluster-",
                )),
                ..ChartAt::default()
            },
            release: ReleaseAt::default(),
            edit: Some(PartAt {
                at: Path::keys(["data", "config.yaml"]),
                holds: Holds::Values(Encoding::Base64Yaml),
            }),
        }],
        reading: Reading::Pod,
        is_template: false,
        completeness: Completeness::Whole,
    }
}

/// Cluster API's provider: `spec.helmRelease` with `values` or `valuesObject`; with both its
/// controller gives up (`vcluster_controller.go`).
fn cluster_api() -> Declaration {
    Declaration {
        groups: names([
            "infrastructure.cluster.x-k8s.io",
            "controlplane.cluster.x-k8s.io",
        ]),
        kinds: names(["VCluster"]),
        name_prefix: Box::default(),
        configs: vec![ConfigAt {
            root: Pattern::dotted("spec.helmRelease"),
            parts: vec![
                part("values", Holds::Values(Encoding::Yaml)),
                part("valuesObject", Holds::Values(Encoding::Object)),
            ],
            exclusive: true,
            chart: helm_release_chart(),
            release: ReleaseAt::default(),
            edit: Some(part("values", Holds::Values(Encoding::Yaml))),
        }],
        reading: Reading::Helm,
        is_template: false,
        completeness: Completeness::Whole,
    }
}

/// Groups whose objects deploy to clusters that they do not tell.
pub(super) const ELSEWHERE: [&str; 3] = ["fleet.cattle.io", PLATFORM[0], PLATFORM[1]];

/// The platform's groups: `storage` has the objects, `management` is its aggregated API.
const PLATFORM: [&str; 2] = ["storage.loft.sh", "management.loft.sh"];

/// The platform's instance: an inline template, or a reference to one.
fn virtual_cluster_instance() -> Declaration {
    Declaration {
        groups: names(PLATFORM),
        kinds: names(["VirtualClusterInstance"]),
        name_prefix: Box::default(),
        configs: vec![ConfigAt {
            root: Pattern::dotted("spec"),
            parts: vec![
                part("templateRef", Holds::References),
                part(
                    "template.helmRelease.values",
                    Holds::Values(Encoding::TemplatedYaml),
                ),
            ],
            exclusive: false,
            chart: below("template.helmRelease", helm_release_chart()),
            release: ReleaseAt::default(),
            edit: Some(part(
                "template.helmRelease.values",
                Holds::Values(Encoding::TemplatedYaml),
            )),
        }],
        reading: Reading::Helm,
        is_template: false,
        completeness: Completeness::Whole,
    }
}

/// The platform's template, with versions of its own.
fn virtual_cluster_template() -> Declaration {
    let version = |root: &str| ConfigAt {
        root: Pattern::dotted(root),
        parts: vec![part(
            "template.helmRelease.values",
            Holds::Values(Encoding::TemplatedYaml),
        )],
        exclusive: false,
        chart: below("template.helmRelease", helm_release_chart()),
        release: ReleaseAt {
            item: root
                .ends_with('*')
                .then(|| At::Config(Path::dotted("version"))),
            ..ReleaseAt::default()
        },
        edit: Some(part(
            "template.helmRelease.values",
            Holds::Values(Encoding::TemplatedYaml),
        )),
    };
    Declaration {
        groups: names(PLATFORM),
        kinds: names(["VirtualClusterTemplate"]),
        name_prefix: Box::default(),
        configs: vec![version("spec"), version("spec.versions.*")],
        reading: Reading::Helm,
        is_template: true,
        completeness: Completeness::Whole,
    }
}

/// k3s' and RKE2's helm-controller: `set` over `valuesSecrets` over `values` over `valuesContent`
/// (`pkg/controllers/chart/chart.go`); a `HelmChartConfig` of the same name brings more. A chart that
/// the object brings along counts before the one that it names.
fn k3s_helm_chart() -> Declaration {
    Declaration {
        groups: names(["helm.cattle.io"]),
        kinds: names(["HelmChart"]),
        name_prefix: Box::default(),
        configs: vec![ConfigAt {
            root: Pattern::dotted("spec"),
            parts: vec![
                part("valuesContent", Holds::Values(Encoding::Yaml)),
                part("values", Holds::Values(Encoding::Object)),
                part("valuesSecrets", Holds::References),
                part("set", Holds::SetMap),
            ],
            exclusive: false,
            chart: ChartAt {
                name: Some(config("chart")),
                over: Some(config("chartContent")),
                version: Some((config("version"), "")),
                ..ChartAt::default()
            },
            release: ReleaseAt {
                namespace: Some(At::Object(Path::dotted("spec.targetNamespace"))),
                ..ReleaseAt::default()
            },
            edit: Some(part("valuesContent", Holds::Values(Encoding::Yaml))),
        }],
        reading: Reading::Helm,
        is_template: false,
        completeness: Completeness::Extended,
    }
}

/// More values for a `HelmChart` of the same name, which has the chart.
fn k3s_helm_chart_config() -> Declaration {
    Declaration {
        groups: names(["helm.cattle.io"]),
        kinds: names(["HelmChartConfig"]),
        name_prefix: Box::default(),
        configs: vec![ConfigAt {
            root: Pattern::dotted("spec"),
            parts: vec![
                part("", Holds::Base),
                part("valuesContent", Holds::Values(Encoding::Yaml)),
                part("values", Holds::Values(Encoding::Object)),
                part("valuesSecrets", Holds::References),
            ],
            exclusive: false,
            chart: ChartAt::default(),
            release: ReleaseAt::default(),
            edit: None,
        }],
        reading: Reading::Helm,
        is_template: false,
        completeness: Completeness::Whole,
    }
}

/// Crossplane's provider-helm: `valuesFrom`, `values` over them, `set` over both
/// (`composeValuesFromSpec`). `chart.url` counts before `chart.name`; `patchesFrom` change what Helm
/// rendered.
fn crossplane_release() -> Declaration {
    Declaration {
        groups: names(["helm.crossplane.io", "helm.m.crossplane.io"]),
        kinds: names(["Release"]),
        name_prefix: Box::default(),
        configs: vec![ConfigAt {
            root: Pattern::dotted("spec.forProvider"),
            parts: vec![
                part("valuesFrom", Holds::References),
                part("values", Holds::Values(Encoding::Object)),
                part("set", Holds::SetList),
                part("patchesFrom", Holds::Rendered),
            ],
            exclusive: false,
            chart: ChartAt {
                over: Some(config("chart.url")),
                ..helm_release_chart_named()
            },
            release: ReleaseAt {
                cluster: Some(At::Object(Path::dotted("spec.providerConfigRef.name"))),
                namespace: Some(At::Object(Path::dotted("spec.forProvider.namespace"))),
                name: Some(At::Object(Path::keys([
                    "metadata",
                    "annotations",
                    "crossplane.io/external-name",
                ]))),
                item: None,
            },
            edit: Some(part("values", Holds::Values(Encoding::Object))),
        }],
        reading: Reading::Helm,
        is_template: false,
        completeness: Completeness::Whole,
    }
}

/// Fleet's Bundle: `valuesFrom` over `values` (`internal/helmdeployer/install.go`), which are
/// templates themselves, and targets that change both. `kustomize` changes what Helm rendered.
fn fleet_bundle() -> Declaration {
    Declaration {
        groups: names(["fleet.cattle.io"]),
        kinds: names(["Bundle"]),
        name_prefix: Box::default(),
        configs: vec![ConfigAt {
            root: Pattern::dotted("spec"),
            parts: vec![
                part(
                    "helm.values",
                    Holds::Values(Encoding::TemplatedObject(Templates::Fleet)),
                ),
                // values that Fleet keeps in a Secret, and values that it renders
                part("valuesHash", Holds::References),
                part("helm.templateValues", Holds::References),
                part("helm.valuesFrom", Holds::References),
                part("targets", Holds::Overrides("helm")),
                part("kustomize", Holds::Rendered),
            ],
            exclusive: false,
            chart: ChartAt {
                name: Some(config("helm.chart")),
                version: Some((config("helm.version"), "")),
                ..ChartAt::default()
            },
            release: ReleaseAt {
                namespace: Some(At::Object(Path::dotted("spec.defaultNamespace"))),
                name: Some(At::Object(Path::dotted("spec.helm.releaseName"))),
                ..ReleaseAt::default()
            },
            edit: Some(part(
                "helm.values",
                Holds::Values(Encoding::TemplatedObject(Templates::Fleet)),
            )),
        }],
        reading: Reading::Helm,
        is_template: false,
        completeness: Completeness::Whole,
    }
}

fn part(at: &str, holds: Holds) -> PartAt {
    PartAt {
        at: Path::dotted(at),
        holds,
    }
}

/// `chart: {name, version}` beside the values, vCluster's where no name is given.
fn helm_release_chart() -> ChartAt {
    ChartAt {
        is_vcluster_by_default: true,
        ..helm_release_chart_named()
    }
}

/// The same where a name has to be given.
fn helm_release_chart_named() -> ChartAt {
    ChartAt {
        name: Some(config("chart.name")),
        version: Some((config("chart.version"), "")),
        ..ChartAt::default()
    }
}

/// The same, deeper in the config.
fn below(root: &str, chart: ChartAt) -> ChartAt {
    let root = Path::dotted(root);
    let deeper = |at| match at {
        At::Config(path) => At::Config(root.join(&path)),
        of_object @ At::Object(_) => of_object,
    };
    ChartAt {
        name: chart.name.map(deeper),
        version: chart.version.map(|(at, before)| (deeper(at), before)),
        ..chart
    }
}

fn config(at: &str) -> At {
    At::Config(Path::dotted(at))
}

fn names<const N: usize>(names: [&str; N]) -> Vec<Box<str>> {
    names.map(Into::into).to_vec()
}
