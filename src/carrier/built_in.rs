//! The carriers that are known without anybody declaring them.

use std::sync::LazyLock;

use super::Encoding;
use super::declaration::{ChartAt, ConfigAt, Declaration, Holds, PartAt, ReleaseAt};
use crate::values::Path;
use crate::vcluster::Reading;

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
/// (`chart/templates/config-secret.yaml`). Complete: chart defaults included, after Helm.
fn vcluster_secret() -> Declaration {
    Declaration {
        groups: &[""],
        kind: "Secret",
        name_prefix: "vc-config-",
        configs: vec![ConfigAt {
            root: Path::root(),
            in_items: false,
            parts: vec![PartAt {
                at: Path::keys(["data", "config.yaml"]),
                holds: Holds::RequiredValues(Encoding::Base64Yaml),
            }],
            exclusive: false,
            chart: ChartAt {
                name: None,
                is_vcluster_by_default: true,
                version: Some((Path::dotted("metadata.labels.chart"), "vcluster-")),
            },
            release: ReleaseAt::default(),
            edit: None,
        }],
        reading: Reading::Pod,
        is_template: false,
        is_completed_elsewhere: false,
    }
}

/// Cluster API's provider: `spec.helmRelease` with `values` or `valuesObject`; with both its
/// controller gives up (`vcluster_controller.go`).
fn cluster_api() -> Declaration {
    Declaration {
        groups: &[
            "infrastructure.cluster.x-k8s.io",
            "controlplane.cluster.x-k8s.io",
        ],
        kind: "VCluster",
        name_prefix: "",
        configs: vec![ConfigAt {
            root: Path::dotted("spec.helmRelease"),
            in_items: false,
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
        is_completed_elsewhere: false,
    }
}

/// The platform's groups: `storage` has the objects, `management` is its aggregated API.
const PLATFORM: &[&str] = &["storage.loft.sh", "management.loft.sh"];

/// The platform's instance: an inline template, or a reference to one.
fn virtual_cluster_instance() -> Declaration {
    Declaration {
        groups: PLATFORM,
        kind: "VirtualClusterInstance",
        name_prefix: "",
        configs: vec![ConfigAt {
            root: Path::dotted("spec"),
            in_items: false,
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
        is_completed_elsewhere: false,
    }
}

/// The platform's template, with versions of its own.
fn virtual_cluster_template() -> Declaration {
    let config = |root: &str, in_items| ConfigAt {
        root: Path::dotted(root),
        in_items,
        parts: vec![part(
            "template.helmRelease.values",
            Holds::Values(Encoding::TemplatedYaml),
        )],
        exclusive: false,
        chart: below("template.helmRelease", helm_release_chart()),
        release: ReleaseAt {
            item: in_items.then(|| Path::dotted("version")),
            ..ReleaseAt::default()
        },
        edit: Some(part(
            "template.helmRelease.values",
            Holds::Values(Encoding::TemplatedYaml),
        )),
    };
    Declaration {
        groups: PLATFORM,
        kind: "VirtualClusterTemplate",
        name_prefix: "",
        configs: vec![config("spec", false), config("spec.versions", true)],
        reading: Reading::Helm,
        is_template: true,
        is_completed_elsewhere: false,
    }
}

/// k3s' and RKE2's helm-controller: `set` over `valuesSecrets` over `values` over `valuesContent`
/// (`pkg/controllers/chart/chart.go`); a `HelmChartConfig` of the same name brings more.
fn k3s_helm_chart() -> Declaration {
    Declaration {
        groups: &["helm.cattle.io"],
        kind: "HelmChart",
        name_prefix: "",
        configs: vec![ConfigAt {
            root: Path::dotted("spec"),
            in_items: false,
            parts: vec![
                part("valuesContent", Holds::Values(Encoding::Yaml)),
                part("values", Holds::Values(Encoding::Object)),
                part("valuesSecrets", Holds::References),
                part("set", Holds::SetMap),
            ],
            exclusive: false,
            chart: ChartAt {
                name: Some(Path::dotted("chart")),
                is_vcluster_by_default: false,
                version: Some((Path::dotted("version"), "")),
            },
            release: ReleaseAt {
                namespace: Some(Path::dotted("spec.targetNamespace")),
                ..ReleaseAt::default()
            },
            edit: Some(part("valuesContent", Holds::Values(Encoding::Yaml))),
        }],
        reading: Reading::Helm,
        is_template: false,
        is_completed_elsewhere: true,
    }
}

/// More values for a `HelmChart` of the same name, which has the chart.
fn k3s_helm_chart_config() -> Declaration {
    Declaration {
        groups: &["helm.cattle.io"],
        kind: "HelmChartConfig",
        name_prefix: "",
        configs: vec![ConfigAt {
            root: Path::dotted("spec"),
            in_items: false,
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
        is_completed_elsewhere: false,
    }
}

/// Crossplane's provider-helm: `valuesFrom`, `values` over them, `set` over both
/// (`composeValuesFromSpec`).
fn crossplane_release() -> Declaration {
    Declaration {
        groups: &["helm.crossplane.io", "helm.m.crossplane.io"],
        kind: "Release",
        name_prefix: "",
        configs: vec![ConfigAt {
            root: Path::dotted("spec.forProvider"),
            in_items: false,
            parts: vec![
                part("valuesFrom", Holds::References),
                part("values", Holds::Values(Encoding::Object)),
                part("set", Holds::SetList),
            ],
            exclusive: false,
            chart: helm_release_chart_named(),
            release: ReleaseAt {
                cluster: Some(Path::dotted("spec.providerConfigRef.name")),
                namespace: Some(Path::dotted("spec.forProvider.namespace")),
                name: Some(Path::keys([
                    "metadata",
                    "annotations",
                    "crossplane.io/external-name",
                ])),
                item: None,
            },
            edit: Some(part("values", Holds::Values(Encoding::Object))),
        }],
        reading: Reading::Helm,
        is_template: false,
        is_completed_elsewhere: false,
    }
}

/// Fleet's Bundle: `valuesFrom` over `values` (`internal/helmdeployer/install.go`), which are
/// templates themselves, and targets that change both.
fn fleet_bundle() -> Declaration {
    Declaration {
        groups: &["fleet.cattle.io"],
        kind: "Bundle",
        name_prefix: "",
        configs: vec![ConfigAt {
            root: Path::dotted("spec"),
            in_items: false,
            parts: vec![
                part("helm.values", Holds::Values(Encoding::FleetObject)),
                // values that Fleet keeps in a Secret, and values that it renders
                part("valuesHash", Holds::References),
                part("helm.templateValues", Holds::References),
                part("helm.valuesFrom", Holds::References),
                part("targets", Holds::Overrides("helm")),
            ],
            exclusive: false,
            chart: ChartAt {
                name: Some(Path::dotted("helm.chart")),
                is_vcluster_by_default: false,
                version: Some((Path::dotted("helm.version"), "")),
            },
            release: ReleaseAt {
                namespace: Some(Path::dotted("spec.defaultNamespace")),
                name: Some(Path::dotted("spec.helm.releaseName")),
                ..ReleaseAt::default()
            },
            edit: Some(part("helm.values", Holds::Values(Encoding::FleetObject))),
        }],
        reading: Reading::Helm,
        is_template: false,
        is_completed_elsewhere: false,
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
        name: Some(Path::dotted("chart.name")),
        is_vcluster_by_default: false,
        version: Some((Path::dotted("chart.version"), "")),
    }
}

/// The same, deeper in the config.
fn below(root: &str, chart: ChartAt) -> ChartAt {
    let root = Path::dotted(root);
    ChartAt {
        name: chart.name.map(|path| root.join(&path)),
        version: chart
            .version
            .map(|(path, before)| (root.join(&path), before)),
        ..chart
    }
}
