//! How much the ledger may hold, in all and of each namespace, and how much it does.

use std::collections::HashMap;

/// How much is held. With names as long as they may be that is 11 MiB as measured, with the inventory
/// made of it. What is more is not known.
const ALL: Room = Room {
    releases: 10_000,
    claims: 20_000,
};
/// How much of it one namespace may take, so that who may write there takes none from others.
const NAMESPACE: Room = Room {
    releases: 500,
    claims: 1_000,
};

/// How many virtual clusters and claims there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) releases: usize,
    pub(super) claims: usize,
}

/// A count for each kind of object.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::cluster) struct Count {
    pub(in crate::cluster) secrets: usize,
    pub(in crate::cluster) claims: usize,
}

/// How many virtual clusters there are, and objects of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Size {
    pub(super) releases: usize,
    pub(super) count: Count,
}

/// How much there is, in all and of each namespace.
#[derive(Debug)]
pub(super) struct Sizes {
    all: Size,
    by_namespace: HashMap<Box<str>, Size>,
    rooms: [Room; 2],
}

impl Sizes {
    pub(super) fn new() -> Self {
        Self::bounded([ALL, NAMESPACE])
    }

    /// Bounded as a whole, and in each namespace.
    pub(super) fn bounded(rooms: [Room; 2]) -> Self {
        Self {
            all: Size::default(),
            by_namespace: HashMap::new(),
            rooms,
        }
    }

    pub(super) const fn all(&self) -> Size {
        self.all
    }

    /// Whether a namespace may have so much more.
    pub(super) fn has_room(&self, namespace: &str, more: Room) -> bool {
        let of_namespace = self.by_namespace.get(namespace).copied();
        let sizes = [self.all, of_namespace.unwrap_or_default()];
        sizes.into_iter().zip(self.rooms).all(|(size, room)| {
            size.releases + more.releases <= room.releases
                && size.count.claims + more.claims <= room.claims
        })
    }

    /// A virtual cluster was so large before, and is so large now.
    pub(super) fn change(&mut self, namespace: &str, before: Size, after: Size) {
        if before == after {
            return;
        }
        self.all.change(before, after);
        let size = self.by_namespace.entry(namespace.into()).or_default();
        size.change(before, after);
        if *size == Size::default() {
            self.by_namespace.remove(namespace);
        }
    }
}

impl Size {
    const fn change(&mut self, before: Self, after: Self) {
        self.releases = self.releases + after.releases - before.releases;
        let (count, before, after) = (&mut self.count, before.count, after.count);
        count.secrets = count.secrets + after.secrets - before.secrets;
        count.claims = count.claims + after.claims - before.claims;
    }
}
