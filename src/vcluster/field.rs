//! What a chart's schema accepts, path by path.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::values::{Data, Node};

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

impl Field {
    /// Puts a field at a path, with the maps that lead there.
    pub(super) fn insert(&mut self, path: &[&str], field: Self) {
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
