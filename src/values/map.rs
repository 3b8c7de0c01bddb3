//! Building a [`Map`] of which keys may be set more than once.

use super::{Entry, Map};

/// A map under construction: the last value of a key counts, at the last one's place in order.
#[derive(Default)]
pub(super) struct MapBuilder {
    map: Map,
    /// For each entry of `map` the number of the call that set it.
    set_by: Vec<usize>,
    calls: usize,
    replaced: bool,
}

impl MapBuilder {
    /// Sets `key`. Returns the entry that this replaces.
    pub(super) fn set(&mut self, key: Box<str>, entry: Entry) -> Option<Entry> {
        self.calls += 1;
        let (index, before) = self.map.insert_full(key, entry);
        match self.set_by.get_mut(index) {
            Some(set_by) => *set_by = self.calls,
            None => self.set_by.push(self.calls),
        }
        self.replaced |= before.is_some();
        before
    }

    /// The map, in the order of the calls that count.
    pub(super) fn finish(self) -> Map {
        let Self {
            map,
            set_by,
            calls: _,
            replaced,
        } = self;
        if !replaced {
            return map;
        }
        let mut entries: Vec<_> = set_by.into_iter().zip(map).collect();
        entries.sort_unstable_by_key(|(set_by, _)| *set_by);
        entries.into_iter().map(|(_, entry)| entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Data, Node, Position};
    use super::*;

    #[test]
    fn the_last_value_counts_and_gives_the_order() {
        let mut map = MapBuilder::default();
        for (key, value, column) in [("a", 1, 1), ("b", 2, 2), ("a", 3, 3)] {
            let at = Some(Position {
                byte: column - 1,
                line: 1,
                column,
            });
            let before = map.set(
                key.into(),
                Entry {
                    at,
                    value: Node::new(Data::from(value)),
                },
            );
            assert_eq!(before.is_some(), column == 3);
        }
        let map = map.finish();
        assert_eq!(map.keys().map(|key| &**key).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(map["a"].value.data, Data::from(3));
    }
}
