//! The form of `charts.json`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Block, CatalogueError};
use crate::values::{Limits, read_json};
use crate::vcluster::era::Era;
use crate::vcluster::tree::{Cause, Origin, Tree};
use crate::vcluster::{Field, FieldType};

#[derive(Deserialize)]
pub(super) struct File {
    pub(super) charts: Vec<FileChart>,
    pub(super) blocks: Vec<FileBlock>,
}

#[derive(Deserialize)]
pub(super) struct FileChart {
    pub(super) chart: String,
    pub(super) block: String,
}

#[derive(Deserialize)]
pub(super) struct FileBlock {
    pub(super) id: String,
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
    pub(super) fn compile(self) -> Result<Block, CatalogueError> {
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
