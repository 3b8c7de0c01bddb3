//! The chart of each version: our templates, the catalogue's defaults, and what sets the version
//! apart.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use distrogate::values;
use distrogate::vcluster::Catalogue;
use semver::Version;
use serde_json::{Map, Value, json};

use crate::support::file;

/// The charts that are tried, by era.
pub(super) const ERAS: [&[&str]; 4] = [
    &[
        "0.20.0", "0.20.6", "0.22.4", "0.22.6", "0.23.0", "0.24.1", "0.24.2",
    ],
    &["0.25.0", "0.25.2"],
    &[
        "0.26.0", "0.26.5", "0.27.0", "0.28.1", "0.29.3", "0.30.4", "0.32.3",
    ],
    &["0.33.0", "0.34.7", "0.36.1"],
];

/// What sets charts apart, in the words of the templates' annotations.
pub(super) struct Traits {
    /// The distros of which only one may be enabled.
    pub(super) distros: &'static [&'static str],
    /// The tag that counts as not set, where k8s has an image per component.
    pub(super) split: Option<&'static str>,
    /// Whether the host's version stands in for it.
    pub(super) host: bool,
    /// When private nodes take the full image.
    pub(super) full: &'static str,
}

/// The traits of a chart.
pub(super) fn traits(chart: &str) -> Traits {
    let minor = Version::parse(chart).unwrap().minor;
    Traits {
        distros: match minor {
            20..=25 => &["k3s", "k0s", "k8s"],
            26..=32 => &["k3s", "k8s"],
            _ => &[],
        },
        split: match minor {
            20 => Some("v1.30.2"),
            21 | 22 => Some("v1.31.1"),
            23 | 24 => Some("v1.32.1"),
            _ => None,
        },
        host: (21..=24).contains(&minor),
        full: match minor {
            ..=25 => "never",
            26 => "imported",
            _ => "always",
        },
    }
}

/// Charts in a folder of their own.
pub(crate) struct Charts {
    folder: tempfile::TempDir,
}

impl Charts {
    pub(crate) fn write(versions: &[&str]) -> Self {
        let charts = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for version in versions {
            let Traits {
                distros,
                split,
                host,
                full,
            } = traits(version);
            let chart = json!({
                "apiVersion": "v2",
                "name": "vcluster",
                "version": version,
                "annotations": {
                    "distros": distros.join(","),
                    "layout": if split.is_some() { "split" } else { "combined" },
                    "tag": split.unwrap_or_default(),
                    "host": host.to_string(),
                    "full": full,
                },
            });
            let folder = charts.of(version);
            fs::create_dir_all(folder.join("templates")).unwrap();
            fs::write(folder.join("Chart.yaml"), chart.to_string()).unwrap();
            fs::write(folder.join("values.yaml"), defaults(version).to_string()).unwrap();
            for template in fs::read_dir(file("tests/charts/vcluster/templates")).unwrap() {
                let template = template.unwrap();
                let copy = folder.join("templates").join(template.file_name());
                fs::copy(template.path(), copy).unwrap();
            }
        }
        charts
    }

    /// Where a chart is.
    pub(crate) fn of(&self, version: &str) -> PathBuf {
        self.folder.path().join(version)
    }

    /// A folder for one case.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        folder
    }
}

/// The catalogue's defaults of a chart.
fn defaults(version: &str) -> Value {
    let block = Catalogue::embedded().get(&Version::parse(version).unwrap());
    let leaves = block.unwrap().defaults.leaves(&values::Path::root());
    let leaves: BTreeMap<_, _> = leaves.into_iter().collect();
    let mut root = Value::Object(Map::new());
    for (path, known) in leaves {
        let mut value = &mut root;
        for key in path.as_keys().unwrap() {
            value = &mut value[key];
        }
        *value = known.data.to_json();
    }
    root
}
