//! The chart catalogue: fields and defaults of every stable vCluster chart, as data.
//!
//! `charts.json` is made from the `values.schema.json` and `values.yaml` of each release. A new
//! chart is added by data alone: eras follow from the fields.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use semver::Version;
use serde::Deserialize;

use super::tree::{Cause, Origin, Tree};
use super::{Distro, Era};
use crate::values::{Data, Limits, Node, read_json};

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

/// What a chart's schema accepts at a path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Field {
    /// A value of this JSON type; objects of this kind hold anything.
    Leaf(FieldType),
    /// A map with these keys.
    Map {
        /// The keys and what each accepts.
        fields: BTreeMap<Box<str>, Self>,
        /// Whether no other key is accepted; otherwise the catalogue leaves the others out.
        complete: bool,
    },
}

/// The JSON types of leaves.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
pub enum FieldType {
    /// A boolean.
    #[serde(rename = "boolean")]
    Boolean,
    /// A string.
    #[serde(rename = "string")]
    String,
    /// A whole number.
    #[serde(rename = "integer")]
    Integer,
    /// A map with any keys.
    #[serde(rename = "object")]
    Object,
    /// A list of anything.
    #[serde(rename = "array")]
    Array,
    /// A list of strings.
    #[serde(rename = "array of string")]
    Strings,
    /// A list of maps.
    #[serde(rename = "array of object")]
    Objects,
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

impl Field {
    /// What is accepted at a path; below an open object nothing is said.
    pub fn get<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Option<&Self> {
        let mut field = self;
        for key in keys {
            match field {
                Self::Map { fields, .. } => field = fields.get(key)?,
                Self::Leaf(_) => return None,
            }
        }
        Some(field)
    }

    /// Whether a value fits what is accepted here. Null always does: it deletes.
    pub fn takes(&self, data: &Data) -> bool {
        let Self::Leaf(kind) = self else {
            return matches!(data, Data::Map(_) | Data::Null);
        };
        let all =
            |items: &[Node], fits: fn(&Data) -> bool| items.iter().all(|item| fits(&item.data));
        match (kind, data) {
            (_, Data::Null)
            | (FieldType::Boolean, Data::Bool(_))
            | (FieldType::String, Data::String(_))
            | (FieldType::Object, Data::Map(_))
            | (FieldType::Array, Data::List(_)) => true,
            // JSON Schema calls 1.0 an integer, too
            (FieldType::Integer, Data::Number(number)) => {
                number.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            (FieldType::Strings, Data::List(items)) => {
                all(items, |data| matches!(data, Data::String(_)))
            }
            (FieldType::Objects, Data::List(items)) => {
                all(items, |data| matches!(data, Data::Map(_)))
            }
            _ => false,
        }
    }

    /// Whether a path is accepted for certain: a field, or a place inside an open object.
    pub fn accepts<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> bool {
        let mut field = self;
        for key in keys {
            match field {
                Self::Map { fields, .. } => match fields.get(key) {
                    Some(below) => field = below,
                    None => return false,
                },
                Self::Leaf(kind) => return *kind == FieldType::Object,
            }
        }
        true
    }
}

impl FieldType {
    /// The type in words, for messages.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Boolean => "true or false",
            Self::String => "a string",
            Self::Integer => "a whole number",
            Self::Object => "a map",
            Self::Array => "a list",
            Self::Strings => "a list of strings",
            Self::Objects => "a list of maps",
        }
    }
}

#[derive(Deserialize)]
struct File {
    charts: Vec<FileChart>,
    blocks: Vec<FileBlock>,
}

#[derive(Deserialize)]
struct FileChart {
    chart: String,
    block: String,
}

#[derive(Deserialize)]
struct FileBlock {
    id: String,
    /// By dotted path of the piece of schema.
    fields: BTreeMap<String, FileField>,
    /// By dotted path of the piece of values.
    defaults: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FileField {
    Leaf(FieldType),
    Map(BTreeMap<Box<str>, Self>),
}

impl FileBlock {
    fn compile(self) -> Result<Block, CatalogueError> {
        let mut fields = Field::Map {
            fields: BTreeMap::new(),
            complete: false,
        };
        for (path, field) in self.fields {
            fields.insert(&path.split('.').collect::<Vec<_>>(), field.compile());
        }
        let mut defaults = serde_json::Map::new();
        for (path, value) in self.defaults {
            insert_json(&mut defaults, &path.split('.').collect::<Vec<_>>(), value);
        }
        let defaults = serde_json::Value::Object(defaults);
        let document = read_json(&defaults.to_string(), &Limits::VALUES)
            .map_err(|error| CatalogueError::Defaults(self.id, error))?;
        let mut defaults = Tree::from_node(&document.root, &|_| Origin::Chart);
        open_partial_maps(&mut defaults, &fields);
        let era = Era::of_fields(&fields);
        Ok(Block {
            fields,
            defaults,
            era,
        })
    }
}

fn insert_json(
    map: &mut serde_json::Map<String, serde_json::Value>,
    path: &[&str],
    value: serde_json::Value,
) {
    match path.split_first() {
        None => {}
        Some((key, [])) => {
            map.insert((*key).to_owned(), value);
        }
        Some((key, below)) => {
            let entry = map
                .entry(*key)
                .or_insert_with(|| serde_json::Map::new().into());
            if let Some(map) = entry.as_object_mut() {
                insert_json(map, below, value);
            }
        }
    }
}

/// The catalogue holds pieces of the values; what stands beside a piece is not known.
fn open_partial_maps(tree: &mut Tree, field: &Field) {
    if let (
        Tree::Map(branch),
        Field::Map {
            fields,
            complete: false,
        },
    ) = (tree, field)
    {
        branch.open(Cause::NotCatalogued);
        for (key, field) in fields {
            if let Some(tree) = branch.entry_mut(key) {
                open_partial_maps(tree, field);
            }
        }
    }
}

impl FileField {
    fn compile(self) -> Field {
        match self {
            Self::Leaf(kind) => Field::Leaf(kind),
            Self::Map(fields) => Field::Map {
                fields: fields
                    .into_iter()
                    .map(|(key, field)| (key, field.compile()))
                    .collect(),
                complete: true,
            },
        }
    }
}

impl Field {
    fn insert(&mut self, path: &[&str], field: Self) {
        match (path.split_first(), self) {
            (None, place) => *place = field,
            (Some((key, below)), Self::Map { fields, .. }) => fields
                .entry((*key).into())
                .or_insert_with(|| Self::Map {
                    fields: BTreeMap::new(),
                    complete: false,
                })
                .insert(below, field),
            (Some(_), Self::Leaf(_)) => {}
        }
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
