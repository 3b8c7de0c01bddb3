//! The chart catalogue: fields and defaults of every stable vCluster chart, as data.
//!
//! `charts.json` is made from the `values.schema.json` and `values.yaml` of each release. A new
//! chart is added by data alone: eras follow from the fields.

mod file;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use semver::Version;

use self::file::{File, FileChart};
use super::era::Era;
use super::tree::Tree;
use super::{Distro, Field};

/// All known charts, ordered by version.
#[derive(Debug)]
pub struct Catalogue {
    charts: Vec<(Version, usize)>,
    blocks: Vec<Block>,
}

/// What charts with the same fields and defaults share.
#[derive(Debug)]
pub struct Block {
    /// What the chart's schema accepts, from the root.
    pub fields: Field,
    /// What the chart's `values.yaml` sets, from the root.
    pub defaults: Tree,
    /// The era that follows from the fields.
    pub era: Era,
}

/// Why a catalogue could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Not JSON of the catalogue's form.
    #[error("not a chart catalogue: {0}")]
    Form(#[from] serde_json::Error),
    /// A chart's version is none.
    #[error("chart {0:?} is not a version")]
    Version(String),
    /// A chart names a block that is not there.
    #[error("chart {chart} names block {block:?}, which is not there")]
    Block {
        /// The chart.
        chart: String,
        /// The block.
        block: String,
    },
    /// A default is unreadable.
    #[error("defaults of block {0:?}: {1}")]
    Defaults(String, crate::values::ReadError),
}

impl Catalogue {
    /// The catalogue that is built in.
    pub fn embedded() -> &'static Self {
        static EMBEDDED: LazyLock<Catalogue> = LazyLock::new(|| {
            let catalogue = Catalogue::parse(include_str!("charts.json"));
            // not input: the file is part of the program, and a test reads it
            catalogue.expect("the embedded chart catalogue is well-formed")
        });
        &EMBEDDED
    }

    /// Reads a catalogue.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let file: File = serde_json::from_str(text)?;
        let mut numbers = BTreeMap::new();
        let mut blocks = Vec::new();
        for block in file.blocks {
            numbers.insert(block.id.clone(), blocks.len());
            blocks.push(block.compile()?);
        }
        let mut charts = Vec::new();
        for FileChart { chart, block } in file.charts {
            let version =
                Version::parse(&chart).map_err(|_| CatalogueError::Version(chart.clone()))?;
            let number = *numbers.get(&block).ok_or_else(|| CatalogueError::Block {
                chart,
                block: block.clone(),
            })?;
            charts.push((version, number));
        }
        charts.sort();
        Ok(Self { charts, blocks })
    }

    /// The fields and defaults of a chart, if it is known.
    pub fn get(&self, version: &Version) -> Option<&Block> {
        // build metadata has no say
        let version = &Version {
            build: semver::BuildMetadata::EMPTY,
            ..version.clone()
        };
        let index = self
            .charts
            .binary_search_by(|(known, _)| known.cmp(version))
            .ok()?;
        self.charts
            .get(index)
            .and_then(|(_, block)| self.blocks.get(*block))
    }

    /// All charts for which `wanted` holds, ordered by version.
    pub fn charts(
        &self,
        wanted: impl Fn(&Version) -> bool,
    ) -> impl Iterator<Item = (&Version, &Block)> {
        self.charts
            .iter()
            .filter(move |(version, _)| wanted(version))
            .filter_map(|(version, block)| Some((version, self.blocks.get(*block)?)))
    }

    /// Every block, oldest first.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The newest chart.
    pub fn newest(&self) -> Option<&Version> {
        self.charts.last().map(|(version, _)| version)
    }
}

impl Block {
    /// The distros that the chart's schema has.
    pub fn distros(&self) -> impl Iterator<Item = Distro> {
        let distros = self.fields.get(["controlPlane", "distro"]);
        Distro::ALL.into_iter().filter(move |distro| {
            matches!(distros, Some(Field::Map { fields, .. }) if fields.contains_key(distro.key()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vcluster::{Chart, ChartSource, Lookup};

    #[test]
    fn every_chart_is_there_and_its_era_follows_from_its_fields() {
        let catalogue = Catalogue::parse(include_str!("charts.json")).unwrap();
        assert_eq!(catalogue.charts(|_| true).count(), 81);
        for (version, block) in catalogue.charts(|_| true) {
            let expected = match version.minor {
                20..=24 => Era::A,
                25 => Era::B,
                26..=32 => Era::C,
                _ => Era::D,
            };
            assert_eq!(block.era, expected, "{version}");
        }
    }

    #[test]
    fn no_chart_enables_a_distro_of_its_own() {
        for block in Catalogue::embedded().blocks() {
            for distro in block.distros() {
                let path = ["controlPlane", "distro", distro.key(), "enabled"];
                assert_eq!(block.defaults.get(path).bool(), Some(false));
            }
        }
    }

    #[test]
    fn a_new_chart_is_added_by_data_alone() {
        let mut file: serde_json::Value =
            serde_json::from_str(include_str!("charts.json")).unwrap();
        let mut block = file["blocks"].as_array().unwrap().last().unwrap().clone();
        block["id"] = "new".into();
        block["defaults"]["controlPlane.distro"]["k8s"]["image"]["tag"] = "v1.38.0".into();
        file["blocks"].as_array_mut().unwrap().push(block);
        let chart = serde_json::json!({"chart": "0.40.0", "block": "new"});
        file["charts"].as_array_mut().unwrap().push(chart);
        let catalogue = Catalogue::parse(&file.to_string()).unwrap();
        let chart = Chart::resolve(&ChartSource::version("0.40.0"), &catalogue);
        assert_eq!(chart.era(), Some(Era::D));
        let tag = ["controlPlane", "distro", "k8s", "image", "tag"];
        assert_eq!(chart.defaults().get(tag).str(), Some("v1.38.0"));
    }

    #[test]
    fn what_stands_beside_a_catalogued_piece_is_unknown() {
        let catalogue = Catalogue::embedded();
        let block = catalogue.blocks().first().unwrap();
        assert!(
            block
                .defaults
                .get(["controlPlane", "advanced", "globalMetadata"])
                .is_unknown()
        );
        assert_eq!(
            block
                .defaults
                .get(["controlPlane", "distro", "k3s", "token"]),
            Lookup::Absent,
        );
        assert!(
            block
                .fields
                .accepts(["controlPlane", "distro", "k8s", "resources", "limits"])
        );
        assert!(
            !block
                .fields
                .accepts(["controlPlane", "distro", "k8s", "image"])
        );
    }

    #[test]
    fn a_broken_catalogue_says_what_is_wrong() {
        for (text, error) in [
            (
                r#"{"charts":[{"chart":"x","block":"b"}],"blocks":[]}"#,
                "chart \"x\" is not a version",
            ),
            (
                r#"{"charts":[{"chart":"1.0.0","block":"b"}],"blocks":[]}"#,
                "chart 1.0.0 names block \"b\", which is not there",
            ),
        ] {
            assert_eq!(Catalogue::parse(text).unwrap_err().to_string(), error);
        }
    }
}
