//! The labels of namespaces, from their metadata. Pure.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use kube::runtime::watcher::Event;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::metadata::Metadata;
use crate::policy::Labels;

/// Labels by namespace.
pub(super) type ByNamespace = HashMap<String, Arc<Labels>>;

/// How much is held; the labels of further namespaces are not known. The names and what is told of
/// them take 3 MiB more.
const ROOM: Room = Room {
    namespaces: 10_000,
    label_bytes: 8 * 1_024 * 1_024,
};

#[derive(Clone, Copy, Debug)]
struct Room {
    namespaces: usize,
    /// What labels take in memory.
    label_bytes: usize,
}

/// What the labels of one namespace may take in memory: hundreds of labels.
const OF_ONE: usize = 64 * 1_024;

/// The labels of a namespace, if they are not more than are held of one.
#[derive(Debug)]
pub(super) struct Told(Option<Labels>);

/// What is known of each namespace.
#[derive(Debug)]
pub(super) struct Namespaces {
    known: HashMap<String, (Arc<Labels>, u32)>,
    /// What their labels take.
    bytes: usize,
    room: Room,
    /// Which listing is the last.
    round: u32,
    left_out: usize,
    is_changed: bool,
}

impl Namespaces {
    pub(super) fn new() -> Self {
        Self::bounded(ROOM)
    }

    fn bounded(room: Room) -> Self {
        Self {
            known: HashMap::new(),
            bytes: 0,
            room,
            round: 0,
            left_out: 0,
            is_changed: false,
        }
    }

    /// Something happened to a namespace.
    pub(super) fn namespace(&mut self, event: Event<Metadata<Told>>) {
        match event {
            Event::Init => {
                self.round = self.round.wrapping_add(1);
                self.left_out = 0;
            }
            Event::InitApply(meta) | Event::Apply(meta) => self.is(meta),
            Event::Delete(meta) => {
                let name = meta.name.get().unwrap_or_default();
                self.forget(name);
            }
            Event::InitDone => {
                let (before, round) = (self.known.len(), self.round);
                self.known.retain(|_, (_, seen)| *seen == round);
                self.bytes = self.known.values().map(|(labels, _)| size(labels)).sum();
                self.is_changed |= self.known.len() != before;
            }
        }
    }

    fn is(&mut self, meta: Metadata<Told>) {
        let Some(name) = meta.name.get() else {
            return;
        };
        let Told(labels) = meta.labels.unwrap_or_else(|| Told(Some(Labels::new())));
        let Some(labels) = labels else {
            self.forget(name);
            self.left_out += 1;
            return;
        };
        if let Some((known, round)) = self.known.get_mut(name)
            && **known == labels
        {
            *round = self.round;
            return;
        }
        self.forget(name);
        let bytes = self.bytes + size(&labels);
        let Room {
            namespaces,
            label_bytes,
        } = self.room;
        if self.known.len() >= namespaces || bytes > label_bytes {
            self.left_out += 1;
            return;
        }
        self.bytes = bytes;
        self.known
            .insert(name.to_owned(), (Arc::new(labels), self.round));
        self.is_changed = true;
    }

    fn forget(&mut self, name: &str) {
        if let Some((labels, _)) = self.known.remove(name) {
            self.bytes -= size(&labels);
            self.is_changed = true;
        }
    }

    /// All labels, if any differ from what was known when this was asked last.
    pub(super) fn changed(&mut self) -> Option<ByNamespace> {
        let known = || {
            let known = self.known.iter();
            known.map(|(name, (labels, _))| (name.clone(), Arc::clone(labels)))
        };
        std::mem::take(&mut self.is_changed).then(|| known().collect())
    }

    /// How many namespaces are held.
    pub(super) fn held(&self) -> usize {
        self.known.len()
    }

    /// How many were left out for want of room since the last listing.
    pub(super) const fn left_out(&self) -> usize {
        self.left_out
    }
}

/// What labels take in memory, about: each, and the map.
fn size(labels: &Labels) -> usize {
    let sizes = labels.iter().map(|(key, value)| size_of_label(key, value));
    sizes.sum::<usize>() + 600
}

/// Two texts, with what it costs to keep them.
const fn size_of_label(key: &str, value: &str) -> usize {
    key.len() + value.len() + 150
}

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded;

        impl<'de> Visitor<'de> for Bounded {
            type Value = Told;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("labels")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Told, A::Error> {
                let (mut labels, mut bytes) = (Labels::new(), 0);
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    bytes += size_of_label(&key, &value);
                    if bytes > OF_ONE {
                        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                        return Ok(Told(None));
                    }
                    labels.insert(key, value);
                }
                Ok(Told(Some(labels)))
            }
        }

        deserializer.deserialize_map(Bounded)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn namespace(name: &str, tier: &str) -> Metadata<Told> {
        let meta = json!({"name": name, "labels": {"tier": tier}});
        serde_json::from_value(meta).unwrap()
    }

    fn tiers(known: Option<&ByNamespace>) -> Option<Vec<String>> {
        let tier = |(name, labels): (&String, &Arc<Labels>)| format!("{name}: {}", labels["tier"]);
        let mut tiers: Vec<_> = known?.iter().map(tier).collect();
        tiers.sort();
        Some(tiers)
    }

    #[test]
    fn labels_are_those_of_the_last_event_and_of_what_is_listed() {
        let mut namespaces = Namespaces::new();
        namespaces.namespace(Event::Init);
        namespaces.namespace(Event::InitApply(namespace("a", "prod")));
        namespaces.namespace(Event::InitApply(namespace("b", "prod")));
        namespaces.namespace(Event::InitDone);
        let changed = namespaces.changed();
        assert_eq!(tiers(changed.as_ref()).unwrap(), ["a: prod", "b: prod"]);
        namespaces.namespace(Event::Apply(namespace("a", "prod")));
        assert_eq!(tiers(namespaces.changed().as_ref()), None, "nothing new");
        namespaces.namespace(Event::Apply(namespace("a", "test")));
        namespaces.namespace(Event::Delete(namespace("b", "prod")));
        assert_eq!(tiers(namespaces.changed().as_ref()).unwrap(), ["a: test"]);
        namespaces.namespace(Event::Init);
        namespaces.namespace(Event::InitApply(namespace("c", "prod")));
        namespaces.namespace(Event::InitDone);
        assert_eq!(tiers(namespaces.changed().as_ref()).unwrap(), ["c: prod"]);
    }

    #[test]
    fn one_namespace_does_not_fill_what_is_held_of_all() {
        let with = |labels: usize| {
            let labels: Labels = (0..labels)
                .map(|n| (format!("l{n}"), String::new()))
                .collect();
            let meta = json!({"name": "a", "labels": labels, "uid": "u"});
            serde_json::from_value::<Metadata<Told>>(meta).unwrap()
        };
        assert_eq!(with(100_000).uid.get(), Some("u"), "the rest is read on");
        let mut namespaces = Namespaces::new();
        namespaces.namespace(Event::Apply(with(400)));
        assert_eq!((namespaces.held(), namespaces.left_out()), (1, 0));
        namespaces.namespace(Event::Apply(with(500)));
        assert_eq!((namespaces.held(), namespaces.left_out()), (0, 1));
        assert_eq!(namespaces.bytes, 0);
    }

    #[test]
    fn beyond_the_bound_labels_are_not_known_and_that_is_counted() {
        let mut namespaces = Namespaces::bounded(Room {
            namespaces: 1,
            label_bytes: 1_000,
        });
        namespaces.namespace(Event::Apply(namespace("a", "prod")));
        namespaces.namespace(Event::Apply(namespace("b", "prod")));
        namespaces.namespace(Event::Apply(namespace("a", "test")));
        assert_eq!(tiers(namespaces.changed().as_ref()).unwrap(), ["a: test"]);
        assert_eq!((namespaces.held(), namespaces.left_out()), (1, 1));
        namespaces.namespace(Event::Apply(namespace("a", &"x".repeat(1_000))));
        assert_eq!(tiers(namespaces.changed().as_ref()).unwrap(), [""; 0]);
        assert_eq!((namespaces.held(), namespaces.left_out()), (0, 2));
        namespaces.namespace(Event::Apply(namespace("b", "prod")));
        assert_eq!((namespaces.held(), namespaces.left_out()), (1, 2));
    }
}
