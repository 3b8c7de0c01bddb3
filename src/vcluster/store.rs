//! Where the virtual cluster keeps its state.
//!
//! Mirrors `BackingStoreType()` of vCluster's `config/config.go`.

use std::fmt;

use super::{Certainty, Config, Lookup};
use crate::values::{Data, Path};

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

    /// The store's name, as vCluster writes it from 0.25 on.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmbeddedEtcd => "embedded-etcd",
            Self::ExternalEtcd => "external-etcd",
            Self::DeployedEtcd => "deployed-etcd",
            Self::EmbeddedDatabase => "embedded-database",
            Self::ExternalDatabase => "external-database",
        }
    }

    /// Where it is enabled.
    pub fn enabled_path(self) -> Path {
        Path::keys(self.switch())
    }

    /// The charts under which vCluster accepts this store after another one; none if it never
    /// does. Mirrors `ValidateStoreChanges` in `pkg/config/validation.go`, release by release; it
    /// runs in the command line only, and until 0.32 in the pod.
    pub const fn accepted_after(self, before: Self) -> Option<&'static str> {
        use Store::{DeployedEtcd, EmbeddedDatabase, EmbeddedEtcd, ExternalDatabase, ExternalEtcd};
        match (before, self) {
            (DeployedEtcd | EmbeddedDatabase, EmbeddedEtcd) => Some(">=0.20.0"),
            // an external etcd came with 0.25
            (ExternalEtcd, EmbeddedEtcd) | (ExternalEtcd | EmbeddedDatabase, DeployedEtcd) => {
                Some(">=0.25.0")
            }
            // 0.25.0 forgot it
            (EmbeddedDatabase, ExternalDatabase) => Some("~0.24.2 || >=0.25.1"),
            _ => None,
        }
    }

    /// The keys that lead to its switch.
    const fn switch(self) -> [&'static str; 5] {
        let (kind, place) = match self {
            Self::EmbeddedEtcd => ("etcd", "embedded"),
            Self::ExternalEtcd => ("etcd", "external"),
            Self::DeployedEtcd => ("etcd", "deploy"),
            Self::EmbeddedDatabase => ("database", "embedded"),
            Self::ExternalDatabase => ("database", "external"),
        };
        ["controlPlane", "backingStore", kind, place, "enabled"]
    }
}

impl Config<'_> {
    /// Stores that are enabled, in vCluster's order of decision. A store that the chart does not
    /// have is none, if that is certain; nor does a chart before 0.20, or an image, tell of one.
    pub fn stores(&self) -> Vec<Store> {
        self.possible_stores()
            .filter(|store| self.get(store.switch()).bool() == Some(true))
            .collect()
    }

    /// The backing store in force, if it can be seen. None enabled means the embedded database.
    pub fn store(&self) -> Option<Store> {
        if self.is_rendered() || self.chart.certainty() == Certainty::Legacy {
            return None;
        }
        for store in self.possible_stores() {
            match self.get(store.switch()) {
                Lookup::Unknown(cause) if !cause.is_charts() => return None,
                Lookup::Known(known) => match known.data {
                    Data::Bool(true) => return Some(store),
                    Data::Bool(false) | Data::Null => {}
                    // something that is no boolean: what it does depends on who looks
                    _ => return None,
                },
                Lookup::Unknown(_) | Lookup::Map(_) | Lookup::Absent => {}
            }
        }
        Some(Store::EmbeddedDatabase)
    }

    fn possible_stores(&self) -> impl Iterator<Item = Store> {
        let told = !self.is_rendered() && self.chart.certainty() != Certainty::Legacy;
        let has = move |store: &Store| {
            let mut fields = self.chart.fields();
            !self.chart.is_certain() || fields.any(|field| field.get(store.switch()).is_some())
        };
        Store::ALL
            .into_iter()
            .filter(move |store| told && has(store))
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Range;
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

    #[test]
    fn what_does_not_tell_of_a_store_is_not_guessed() {
        let external = "controlPlane: {backingStore: {etcd: {external: {enabled: true}}}}";
        let old = config("0.24.2", external);
        assert_eq!(old.store(), Some(Store::EmbeddedDatabase), "came with 0.25");
        assert_eq!(old.stores(), []);
        assert_eq!(config("0.19.10", external).store(), None);
        let text = "controlPlane: {backingStore: {etcd: {deploy: {enabled: \"false\"}}}}";
        assert_eq!(config("0.30.4", text).store(), None);
    }

    #[test]
    fn changes_are_accepted_as_upstream_accepts_them() {
        for before in Store::ALL {
            assert_eq!(Store::ExternalEtcd.accepted_after(before), None, "{before}");
            assert_eq!(
                Store::EmbeddedDatabase.accepted_after(before),
                None,
                "{before}"
            );
        }
        for store in Store::ALL {
            assert_eq!(store.accepted_after(Store::EmbeddedEtcd), None, "{store}");
            assert_eq!(
                store.accepted_after(Store::ExternalDatabase),
                None,
                "{store}"
            );
            for before in Store::ALL {
                if let Some(charts) = store.accepted_after(before) {
                    assert!(Range::parse(charts).is_ok(), "{charts}");
                }
            }
        }
    }
}
