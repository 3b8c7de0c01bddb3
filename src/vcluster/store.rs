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

#[cfg(test)]
mod tests {
    use super::super::testing::{config, elsewhere, layered, values};
    use super::*;

    #[test]
    fn the_first_enabled_store_counts_and_none_means_the_embedded_database() {
        let store = |text: &str| {
            config("0.30.4", &format!("controlPlane: {{backingStore: {text}}}")).store()
        };
        assert_eq!(store("{}"), Some(Store::EmbeddedDatabase));
        assert_eq!(
            store("{etcd: {deploy: {enabled: true}}}"),
            Some(Store::DeployedEtcd)
        );
        assert_eq!(
            store("{etcd: {external: {enabled: true}}}"),
            Some(Store::ExternalEtcd)
        );
        assert_eq!(
            store("{database: {external: {enabled: true}}}"),
            Some(Store::ExternalDatabase)
        );
        assert_eq!(
            store("{database: {external: {enabled: true}}, etcd: {embedded: {enabled: true}}}"),
            Some(Store::EmbeddedEtcd),
        );
    }

    #[test]
    fn a_store_that_could_be_set_elsewhere_is_unknown() {
        assert_eq!(layered("0.30.4", vec![elsewhere()]).store(), None);
        let text = "controlPlane: {backingStore: {etcd: {embedded: {enabled: true}}}}";
        let seen = layered("0.30.4", vec![elsewhere(), values(text)]);
        assert_eq!(seen.store(), Some(Store::EmbeddedEtcd));
    }
}
