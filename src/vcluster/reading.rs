//! Values as their reader takes them: only what anything here is about, and for the pod with Go's
//! matching of keys.

use super::Field;
use crate::values::{Data, Entry, Map, Node, go_fold_eq};

/// The keys at the root of the values that anything here is about.
const RELEVANT: [&str; 2] = ["controlPlane", "privateNodes"];

/// And those below `controlPlane`.
const RELEVANT_OF_CONTROL_PLANE: [&str; 4] = ["distro", "advanced", "backingStore", "statefulSet"];

/// The part of the values that anything here is about: a tenant may write a thousand times more.
pub(super) fn relevant(root: &Node) -> Node {
    let mut relevant = only(root, &RELEVANT);
    match &mut relevant.data {
        Data::Map(map) => {
            for (key, entry) in map.iter_mut() {
                if go_fold_eq(key, "controlPlane") {
                    entry.value = only(&entry.value, &RELEVANT_OF_CONTROL_PLANE);
                }
            }
        }
        // a null document sets nothing
        data => *data = Data::Map(Map::new()),
    }
    relevant
}

/// A map with only some of its keys, in any case.
fn only(node: &Node, keys: &[&str]) -> Node {
    let data = match &node.data {
        Data::Map(map) => Data::Map(
            map.iter()
                .filter(|(key, _)| keys.iter().any(|wanted| go_fold_eq(key, wanted)))
                .map(|(key, entry)| (key.clone(), entry.clone()))
                .collect(),
        ),
        data => data.clone(),
    };
    Node {
        data,
        at: node.at,
        plain: node.plain.clone(),
    }
}

/// A node as Go's JSON decoding matches its keys with the fields of a struct: ignoring case, in
/// the order in which the converter from YAML writes keys, so that a later one wins.
pub(super) fn fold(node: &Node, fields: &[&Field]) -> Node {
    let Data::Map(map) = &node.data else {
        return node.clone();
    };
    let maps: Vec<_> = fields
        .iter()
        .filter_map(|field| match field {
            Field::Map { fields, .. } => Some(fields),
            Field::Leaf(_) => None,
        })
        .collect();
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    let mut folded = Map::new();
    for (key, entry) in entries {
        let exact = maps.iter().any(|map| map.contains_key(key));
        let field = maps
            .iter()
            .flat_map(|map| map.keys())
            .find(|field| !exact && go_fold_eq(field, key))
            .unwrap_or(key);
        let below: Vec<_> = maps.iter().filter_map(|map| map.get(field)).collect();
        let value = fold(&entry.value, &below);
        match folded.get_mut(field) {
            Some(Entry { value: earlier, .. }) => overlay(earlier, value),
            None => {
                folded.insert(
                    field.clone(),
                    Entry {
                        at: entry.at,
                        value,
                    },
                );
            }
        }
    }
    Node {
        data: Data::Map(folded),
        at: node.at,
        plain: None,
    }
}

/// Decoding into a struct that is filled already: maps are filled further, the rest is replaced.
fn overlay(earlier: &mut Node, later: Node) {
    match (&mut earlier.data, later.data) {
        (Data::Map(earlier), Data::Map(later)) => {
            for (key, entry) in later {
                match earlier.get_mut(&key) {
                    Some(before) => overlay(&mut before.value, entry.value),
                    None => {
                        earlier.insert(key, entry);
                    }
                }
            }
        }
        (_, Data::Null) => {}
        (earlier, later) => *earlier = later,
    }
}
