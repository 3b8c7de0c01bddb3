//! What a read text consists of: nodes, each with its place, and the reader's notes.

use std::fmt;

use indexmap::IndexMap;

use super::Path;
use super::limits::MAP_NODES;

/// Where something stands in a text.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Position {
    /// Offset in bytes from the start of the text, from 0.
    pub byte: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One value of a document, with the place where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value, as Go reads it.
    pub data: Data,
    /// Where it starts; `None` for values that were kept as an object, not as text.
    pub at: Option<Position>,
    /// The source text of a plain scalar that Go reads as something else than that text:
    /// `yes` for true, `1.30` for the number 1.3, `017` for 15. `None` for everything else.
    pub plain: Option<Box<str>>,
}

/// The kinds of value, which are JSON's: Go converts every document to JSON first.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// `null`, `~`, or nothing at all.
    Null,
    /// A boolean; in YAML 1.1 also `yes`, `on`, `y`.
    Bool(bool),
    /// A number; integers that fit in 64 bits stay integers.
    Number(serde_json::Number),
    /// A string.
    String(Box<str>),
    /// A list.
    List(Vec<Node>),
    /// A map.
    Map(Map),
}

/// A map in the order of the text; of duplicate keys only the one that counts, the last.
pub type Map = IndexMap<Box<str>, Entry>;

/// One entry of a [`Map`]: where its key stands, and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Where the key starts; `None` for values that were kept as an object.
    pub at: Option<Position>,
    /// The value.
    pub value: Node,
}

/// A text as Go reads it: its value, and what a strict reader would not have liked.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The value of the (first) document.
    pub root: Node,
    /// What the reader noticed, in the order of the text.
    pub notes: Vec<Note>,
    /// How many steps (parser events and nodes copied for aliases) the reading took.
    pub steps: usize,
}

/// Something that the reader noticed and a strict reader would refuse or a person would doubt.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// What it is.
    pub kind: NoteKind,
    /// Path of the value concerned; for a duplicate, the path of the key.
    pub path: Path,
    /// Where it stands.
    pub at: Position,
}

/// The kinds of [`Note`].
#[derive(Clone, Debug, PartialEq)]
pub enum NoteKind {
    /// The key was set before in the same map, at `first`; the later one counts for Helm, and the
    /// strict reading of vCluster's pod fails.
    Duplicate {
        /// Where the earlier key stands.
        first: Position,
    },
    /// Another key of the same map differs only in case, and stands at `other`. Helm keeps both
    /// apart; Go's JSON decoding (vCluster's pod) takes them for one field.
    CaseVariant {
        /// Where the other key stands.
        other: Position,
    },
    /// A plain scalar that YAML 1.1 reads as something else than YAML 1.2 would, or a person
    /// expects: `yes`, `off`, `017`, `1_000`, or a number whose text changes (`1.30`).
    Coerced,
    /// A key that is not a string as written (`y:`, `1:`, `on:`) and was turned into one.
    CoercedKey,
    /// The map has values merged in through `<<`.
    Merge,
    /// The value comes from an alias (`*name`) of an anchor elsewhere.
    Alias,
    /// A further document begins here, and is not read.
    ExtraDocument,
}

impl Node {
    /// A node without a place, for values that were not written as text.
    pub const fn new(data: Data) -> Self {
        Self {
            data,
            at: None,
            plain: None,
        }
    }

    /// The map inside, if it is one.
    pub const fn as_map(&self) -> Option<&Map> {
        if let Data::Map(map) = &self.data {
            Some(map)
        } else {
            None
        }
    }

    /// The map inside, to be changed, if it is one.
    pub const fn as_map_mut(&mut self) -> Option<&mut Map> {
        if let Data::Map(map) = &mut self.data {
            Some(map)
        } else {
            None
        }
    }

    /// The string inside, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Data::String(text) = &self.data {
            Some(text)
        } else {
            None
        }
    }

    /// The boolean inside, if it is one.
    pub const fn as_bool(&self) -> Option<bool> {
        if let Data::Bool(value) = self.data {
            Some(value)
        } else {
            None
        }
    }

    /// The node at `keys` below this one, through maps only.
    pub fn get<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Option<&Self> {
        let mut node = self;
        for key in keys {
            node = &node.as_map()?.get(key)?.value;
        }
        Some(node)
    }

    /// The same value as plain JSON, without places.
    pub fn to_json(&self) -> serde_json::Value {
        self.data.to_json()
    }
}

impl Data {
    /// How many values there are, this one included, where a map counts as [`MAP_NODES`]; and how
    /// many bytes of text in them and in their keys.
    pub fn size(&self) -> (usize, usize) {
        let all = |sizes: &mut dyn Iterator<Item = (usize, usize)>, own: usize| {
            sizes.fold((own, 0), |(nodes, text), (more, more_text)| {
                (nodes + more, text + more_text)
            })
        };
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => (1, 0),
            Self::String(text) => (1, text.len()),
            Self::List(items) => all(&mut items.iter().map(|item| item.data.size()), 1),
            Self::Map(map) => {
                let sizes = map.iter().map(|(key, entry)| {
                    let (nodes, text) = entry.value.data.size();
                    (nodes, text + key.len())
                });
                all(&mut { sizes }, MAP_NODES)
            }
        }
    }

    /// What JSON Schema calls a value of this kind.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(number) if number.is_f64() => "number",
            Self::Number(_) => "integer",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }

    /// The same value as plain JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => serde_json::Value::Bool(*value),
            Self::Number(number) => serde_json::Value::Number(number.clone()),
            Self::String(text) => serde_json::Value::String(text.to_string()),
            Self::List(items) => items.iter().map(Node::to_json).collect(),
            Self::Map(map) => serde_json::Value::Object(
                map.iter()
                    .map(|(key, entry)| (key.to_string(), entry.value.to_json()))
                    .collect(),
            ),
        }
    }
}

impl From<i64> for Data {
    fn from(value: i64) -> Self {
        Self::Number(value.into())
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}
