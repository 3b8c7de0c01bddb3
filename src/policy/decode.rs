//! Reading a document strictly, field by field, with the place of every mistake.

use std::fmt;

use crate::globs::Globs;
use crate::values::{Data, Entry, Map, Node, Path, Position};

/// A mistake in a policy document.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct PolicyError {
    /// Where it stands.
    pub at: Option<Position>,
    /// Path of the field; the root for the document as a whole.
    pub path: Path,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for PolicyError {
    /// `line 5, column 3: spec.enforcment: unknown key; did you mean enforcement?`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, path, message } = self;
        if let Some(at) = at {
            write!(f, "line {}, column {}: ", at.line, at.column)?;
        }
        if !path.steps().is_empty() {
            write!(f, "{path}: ")?;
        }
        f.write_str(message)
    }
}

/// A node of the document with its path.
#[derive(Clone)]
pub(super) struct Field<'n> {
    pub(super) node: &'n Node,
    pub(super) path: Path,
}

impl<'n> Field<'n> {
    /// The document itself.
    pub(super) const fn root(node: &'n Node) -> Self {
        Self {
            node,
            path: Path::root(),
        }
    }

    /// A mistake at this place.
    pub(super) fn error(&self, message: impl Into<String>) -> PolicyError {
        PolicyError {
            at: self.node.at,
            path: self.path.clone(),
            message: message.into(),
        }
    }

    /// The entries of a map, each with the place of its key.
    pub(super) fn entries(&self) -> Result<Vec<(&'n str, &'n Entry, Path)>, PolicyError> {
        let map = self.map()?;
        Ok(map
            .iter()
            .map(|(key, entry)| (&**key, entry, self.path.key(key)))
            .collect())
    }

    /// The fields of a map that may have these keys only.
    pub(super) fn fields(&self, known: &[&str]) -> Result<Fields<'n>, PolicyError> {
        for (key, entry, path) in self.entries()? {
            if !known.contains(&key) {
                let message = format!("unknown key; {}", hint(key, known));
                return Err(PolicyError {
                    at: entry.at,
                    path,
                    message,
                });
            }
        }
        Ok(Fields {
            map: self.map()?,
            field: self.clone(),
        })
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Result<Vec<Self>, PolicyError> {
        match &self.node.data {
            Data::List(items) => Ok(items
                .iter()
                .enumerate()
                .map(|(number, node)| Self {
                    node,
                    path: self.path.index(number),
                })
                .collect()),
            _ => Err(self.error("has to be a list")),
        }
    }

    /// The items of a list that has some: an empty list could be all as well as none.
    pub(super) fn some(&self) -> Result<Vec<Self>, PolicyError> {
        let items = self.items()?;
        if items.is_empty() {
            return Err(self.error("has to name at least one; leave it out for all"));
        }
        Ok(items)
    }

    /// A whole number.
    pub(super) fn integer(&self) -> Result<i64, PolicyError> {
        match &self.node.data {
            Data::Number(number) => number.as_i64(),
            _ => None,
        }
        .ok_or_else(|| self.error("has to be a whole number"))
    }

    /// A string.
    pub(super) fn string(&self) -> Result<&'n str, PolicyError> {
        self.node.as_str().ok_or_else(|| {
            self.error(match &self.node.plain {
                Some(plain) => format!("has to be a string; quote it: \"{plain}\""),
                None => "has to be a string".to_owned(),
            })
        })
    }

    /// One of several words.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, PolicyError> {
        let found = self.node.as_str();
        words
            .iter()
            .find(|(word, _)| Some(*word) == found)
            .map(|(_, value)| *value)
            .ok_or_else(|| {
                let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                self.error(format!("has to be one of {}", words.join(", ")))
            })
    }

    /// A list of names in which `*` stands for any text.
    pub(super) fn globs(&self) -> Result<Globs, PolicyError> {
        let items = self.items()?;
        let patterns: Vec<_> = items.iter().map(Self::string).collect::<Result<_, _>>()?;
        Globs::parse(patterns).map_err(|(number, what)| {
            let field = items.get(number).unwrap_or(self);
            field.error(format!("not a pattern: {what}"))
        })
    }

    fn map(&self) -> Result<&'n Map, PolicyError> {
        self.node
            .as_map()
            .ok_or_else(|| self.error("has to be a map"))
    }
}

/// The fields of a map whose keys were checked.
pub(super) struct Fields<'n> {
    map: &'n Map,
    field: Field<'n>,
}

impl<'n> Fields<'n> {
    /// The field of a key, if it is there; null is as if it were not.
    pub(super) fn get(&self, key: &str) -> Option<Field<'n>> {
        let entry = self.map.get(key)?;
        let path = self.field.path.key(key);
        (entry.value.data != Data::Null).then_some(Field {
            node: &entry.value,
            path,
        })
    }

    /// The field of a key that has to be there.
    pub(super) fn required(&self, key: &str) -> Result<Field<'n>, PolicyError> {
        self.get(key)
            .ok_or_else(|| self.field.error(format!("{key} is missing")))
    }
}

/// What is near an unknown word, or what there is.
pub(super) fn hint(word: &str, known: &[&str]) -> String {
    if let Some(near) = nearest(word, known.iter().copied()) {
        return format!("did you mean {near}?");
    }
    match known {
        [only] => format!("there is only {only}"),
        _ => format!("there are {}", known.join(", ")),
    }
}

/// The known word that a mistyped one is nearest to, if it is near enough.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // longer words are no slips of the pen, and comparing costs the product of the lengths
    if word.len() > 64 {
        return None;
    }
    known
        .into_iter()
        .map(|known| {
            (
                strsim::osa_distance(&word.to_lowercase(), &known.to_lowercase()),
                known,
            )
        })
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}
