//! Configs for unit tests.

use std::sync::Arc;

use super::{Catalogue, ChartSource, Config, KubeVersion, Layer, LayerContent, Parts, Reading};
use crate::values::{Limits, Path, read_yaml};

/// A layer of values, kept as text.
pub(crate) fn values(text: &str) -> Layer {
    let document = read_yaml(text.as_bytes(), &Limits::VALUES).unwrap();
    Layer {
        at: Path::dotted("spec.values"),
        text: true,
        content: LayerContent::Values(document),
        templated: Vec::new(),
        sets: Vec::new(),
        stands: Vec::new(),
        refers: 0,
    }
}

/// A layer that could set everything.
pub(crate) fn elsewhere() -> Layer {
    Layer {
        at: Path::dotted("spec.valuesFrom"),
        text: false,
        content: LayerContent::Elsewhere("spec.valuesFrom".into()),
        templated: Vec::new(),
        sets: Vec::new(),
        stands: Vec::new(),
        refers: 0,
    }
}

/// A config of these layers, lowest first, as Helm reads it.
pub(crate) fn layered(chart: &str, layers: Vec<Layer>) -> Config<'static> {
    compose(chart, layers, Reading::Helm, None)
}

/// A config of one layer, as Helm reads it.
pub(crate) fn config(chart: &str, text: &str) -> Config<'static> {
    layered(chart, vec![values(text)])
}

/// The same where the host cluster's version is known.
pub(crate) fn config_on_host(chart: &str, text: &str, host: &str) -> Config<'static> {
    compose(
        chart,
        vec![values(text)],
        Reading::Helm,
        KubeVersion::parse(host),
    )
}

/// A config as vCluster's pod reads it.
pub(crate) fn pod_config(chart: &str, text: &str) -> Config<'static> {
    compose(chart, vec![values(text)], Reading::Pod, None)
}

/// The same where the host cluster's version is known.
pub(crate) fn pod_config_on_host(chart: &str, text: &str, host: &str) -> Config<'static> {
    compose(
        chart,
        vec![values(text)],
        Reading::Pod,
        KubeVersion::parse(host),
    )
}

fn compose(
    chart: &str,
    layers: Vec<Layer>,
    reading: Reading,
    host_version: Option<KubeVersion>,
) -> Config<'static> {
    Config::compose(Parts {
        chart: &ChartSource::version(chart),
        layers: layers.into_iter().map(Arc::new).collect(),
        reading,
        catalogue: Catalogue::embedded(),
        fallback: None,
        host_version,
    })
}
