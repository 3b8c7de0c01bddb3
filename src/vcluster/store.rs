//! Where the virtual cluster keeps its state.
//!
//! Mirrors `BackingStoreType()` of vCluster's `config/config.go`.

use std::fmt;

use super::{Config, Lookup};

/// A backing store, in the order in which vCluster decides between several that are enabled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Store {
    /// etcd inside vCluster's own pod.
    EmbeddedEtcd,
    /// An etcd that somebody else runs; from 0.25 on.
    ExternalEtcd,
    /// An etcd that the chart deploys; up to 0.24 vCluster calls this one `external-etcd` too.
    DeployedEtcd,
    /// `SQLite` through kine, and what a config without any enabled store means.
    EmbeddedDatabase,
    /// A `MySQL` or `PostgreSQL` server that somebody else runs.
    ExternalDatabase,
}

impl Store {
    /// Every store, in the order of decision.
    pub const ALL: [Self; 5] = [
        Self::EmbeddedEtcd,
        Self::ExternalEtcd,
        Self::DeployedEtcd,
        Self::EmbeddedDatabase,
        Self::ExternalDatabase,
    ];

    /// Where it is enabled, below `controlPlane.backingStore`.
    pub const fn keys(self) -> [&'static str; 2] {
        match self {
            Self::EmbeddedEtcd => ["etcd", "embedded"],
            Self::ExternalEtcd => ["etcd", "external"],
            Self::DeployedEtcd => ["etcd", "deploy"],
            Self::EmbeddedDatabase => ["database", "embedded"],
            Self::ExternalDatabase => ["database", "external"],
        }
    }
}

impl Config<'_> {
    /// The backing store in force, if it can be seen.
    pub fn store(&self) -> Option<Store> {
        for store in Store::ALL {
            let [kind, place] = store.keys();
            match self.get(["controlPlane", "backingStore", kind, place, "enabled"]) {
                lookup if lookup.bool() == Some(true) => return Some(store),
                Lookup::Unknown(cause) if !cause.is_charts() => return None,
                _ => {}
            }
        }
        Some(Store::EmbeddedDatabase)
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmbeddedEtcd => "embedded-etcd",
            Self::ExternalEtcd => "external-etcd",
            Self::DeployedEtcd => "deployed-etcd",
            Self::EmbeddedDatabase => "embedded-database",
            Self::ExternalDatabase => "external-database",
        })
    }
}
