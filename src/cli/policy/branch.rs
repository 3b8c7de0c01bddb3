//! Default values by path, printed as a map.

use indexmap::IndexMap;
use serde_json::Value;

use super::show::Page;
use crate::policy::Wish;
use crate::values::in_line;

/// A map of values, or a value with the document that names it.
pub(super) enum Branch {
    Map(IndexMap<String, Self>),
    Leaf(String, String),
}

impl Default for Branch {
    fn default() -> Self {
        Self::Map(IndexMap::new())
    }
}

impl Branch {
    /// Whether no value is in it.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Map(map) if map.is_empty())
    }

    /// Takes a value up. False, and nothing done, if there is a value already on the way or below.
    pub(super) fn take(&mut self, wish: &Wish) -> bool {
        let keys = wish.path.as_keys().unwrap_or_default();
        let leaf = Self::Leaf(in_line(&wish.node.to_json()), wish.by.name.clone());
        self.put(&keys, leaf)
    }

    fn put(&mut self, keys: &[&str], leaf: Self) -> bool {
        match (self, keys) {
            (Self::Map(map), [last]) if !map.contains_key(*last) => {
                map.insert((*last).to_owned(), leaf);
                true
            }
            (Self::Map(map), [first, below @ ..]) if !below.is_empty() => {
                // a map that is new takes everything, and does not stay behind empty
                map.entry((*first).to_owned()).or_default().put(below, leaf)
            }
            _ => false,
        }
    }

    /// Prints the values, each with the document that names it.
    pub(super) fn print(&self, page: &mut Page, depth: usize) {
        let Self::Map(map) = self else { return };
        for (key, below) in map {
            let key = in_line(&Value::from(&**key));
            match below {
                Self::Leaf(value, by) => page.line(depth, format!("{key}: {value}"), by),
                Self::Map(_) => {
                    page.line(depth, format!("{key}:"), "");
                    below.print(page, depth + 1);
                }
            }
        }
    }
}
