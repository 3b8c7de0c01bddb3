//! Walking what is written under `controlPlane` along the schemas of the charts that it may be
//! for: shared by the rules about unknown keys and wrong types.

use std::rc::Rc;

use crate::text::printable_key;
use crate::values::{Data, Entry, Node, Path};
use crate::vcluster::{Config, Field, Layer};

/// The paths whose keys and types are judged; below them the catalogue is complete.
const JUDGED: [&str; 2] = [
    "controlPlane.distro",
    "controlPlane.advanced.defaultImageRegistry",
];

/// One written value, and what the charts accept there.
pub(super) struct Written<'a> {
    pub(super) layer: &'a Layer,
    pub(super) path: Path,
    /// The entry of the key that leads here.
    pub(super) entry: &'a Entry,
    /// What each chart that this may be accepts here; empty if none has such a key.
    pub(super) accepted: Vec<&'a Field>,
    /// The keys that the charts have where this one stands.
    pub(super) siblings: Rc<[&'a str]>,
}

/// Calls `visit` for everything that is written at or below a judged path, from the root. What
/// stands below an unknown key or in place of a map is not visited.
pub(super) fn walk<'a>(config: &'a Config<'_>, visit: &mut impl FnMut(&Written<'a>)) {
    // what was rendered has passed the chart's schema already
    if config.is_rendered() {
        return;
    }
    let fields: Vec<&'a Field> = config.chart.fields().collect();
    if fields.is_empty() {
        return;
    }
    for (layer, document) in config.documents() {
        for judged in JUDGED {
            let path = Path::dotted(judged);
            if let Some(entry) = find(&document.root, &path) {
                let keys = path.as_keys().unwrap_or_default();
                let accepted = fields
                    .iter()
                    .filter_map(|field| field.get(keys.iter().copied()))
                    .collect();
                let written = Written {
                    layer,
                    path,
                    entry,
                    accepted,
                    siblings: Rc::from([]),
                };
                step(&written, visit);
            }
        }
    }
}

fn step<'a>(written: &Written<'a>, visit: &mut impl FnMut(&Written<'a>)) {
    visit(written);
    let Data::Map(map) = &written.entry.value.data else {
        return;
    };
    let maps: Vec<_> = written
        .accepted
        .iter()
        .filter_map(|field| match field {
            Field::Map { fields, .. } => Some(fields),
            Field::Leaf(_) => None,
        })
        .collect();
    if maps.is_empty() {
        return;
    }
    let mut siblings: Vec<&'a str> = maps
        .iter()
        .flat_map(|fields| fields.keys().map(|key| &**key))
        .collect();
    siblings.sort_unstable();
    siblings.dedup();
    let siblings: Rc<[&'a str]> = siblings.into();
    for (key, entry) in map {
        let accepted = maps.iter().filter_map(|fields| fields.get(key)).collect();
        step(
            &Written {
                layer: written.layer,
                path: written.path.key(key),
                entry,
                accepted,
                siblings: Rc::clone(&siblings),
            },
            visit,
        );
    }
}

fn find<'a>(root: &'a Node, path: &Path) -> Option<&'a Entry> {
    let mut entry = None;
    let mut node = root;
    for key in path.as_keys()? {
        let found = node.as_map()?.get(key)?;
        node = &found.value;
        entry = Some(found);
    }
    entry
}

impl Written<'_> {
    /// Whether no chart that this may be has such a key.
    pub(super) const fn is_unknown(&self) -> bool {
        self.accepted.is_empty()
    }

    /// The place of the key.
    pub(super) fn place(&self) -> crate::vcluster::Place {
        self.layer.place(self.path.clone(), self.entry.at)
    }

    /// The place of the value.
    pub(super) fn value_place(&self) -> crate::vcluster::Place {
        self.layer
            .place(self.path.clone(), self.entry.value.at.or(self.entry.at))
    }

    /// The last key, as it may be shown.
    pub(super) fn key(&self) -> String {
        printable_key(self.path.last_key().unwrap_or_default())
    }
}
