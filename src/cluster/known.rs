//! What a cluster tells of itself while the server runs: virtual clusters, labels of namespaces,
//! its version.
//!
//! Whoever asks gets what is known at once; nobody ever waits for the API server. What is not known
//! for certain any more is not known.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Secret};
use kube::Client;
use tokio::time::Instant;

use super::client::told;
use super::follow::{Pauses, follow};
use super::health::Health;
use super::ledger::{CLAIMS, Ledger, SECRETS};
use super::namespaces::{ByNamespace, Namespaces};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Watch;
use crate::vcluster::{Inventory, KubeVersion};

/// How often the version is asked for: a control plane is updated once in weeks.
const VERSION_EVERY: Duration = Duration::from_mins(10);

/// What is to be watched.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Watches {
    /// Virtual clusters: the chart's Secrets and the claims of control planes.
    pub live: bool,
    /// Labels of namespaces.
    pub namespaces: bool,
    /// The host's version.
    pub host_version: bool,
}

/// What is known of a cluster.
#[derive(Debug)]
pub struct Known {
    watches: Watches,
    ledger: Mutex<Ledger>,
    inventory: RwLock<Inventory>,
    labels: RwLock<Arc<ByNamespace>>,
    version: RwLock<Option<KubeVersion>>,
    secrets: Health,
    claims: Health,
    namespaces: Health,
    host: Health,
}

impl Watches {
    /// Whether there is anything.
    pub fn any(self) -> bool {
        self != Self::default()
    }
}

impl Known {
    /// Nothing, yet.
    pub fn new(watches: Watches, metrics: &Metrics) -> Self {
        let health = |watch| Health::new(watch, metrics.clone());
        Self {
            watches,
            ledger: Mutex::new(Ledger::new()),
            inventory: RwLock::default(),
            labels: RwLock::default(),
            version: RwLock::default(),
            secrets: health(Watch::Secrets),
            claims: health(Watch::Claims),
            namespaces: health(Watch::Namespaces),
            host: health(Watch::HostVersion),
        }
    }

    /// The virtual clusters that are there or have left data. None while Secrets or claims are not
    /// known, or have not been for a while.
    pub fn inventory(&self, now: Instant) -> Inventory {
        if self.secrets.is_known(now) && self.claims.is_known(now) {
            read(&self.inventory)
        } else {
            Inventory::default()
        }
    }

    /// Labels by namespace, as they were known last: they change seldom, and a policy that does not
    /// count is worse than one that counts for a label of an hour ago.
    pub fn namespace_labels(&self) -> Arc<ByNamespace> {
        read(&self.labels)
    }

    /// The host's version, as it was known last.
    pub fn host_version(&self) -> Option<KubeVersion> {
        read(&self.version)
    }

    /// How well each is known, by its name in the metrics.
    pub fn says(&self, now: Instant) -> Vec<(&'static str, String)> {
        let Watches {
            live,
            namespaces,
            host_version,
        } = self.watches;
        let all = [
            (live, "watch-live secrets", &self.secrets),
            (live, "watch-live claims", &self.claims),
            (namespaces, "watch-namespaces", &self.namespaces),
            (host_version, "watch-host-version", &self.host),
        ];
        let watched = all.into_iter().filter(|(is_watched, ..)| *is_watched);
        watched
            .map(|(_, name, health)| (name, health.says(now)))
            .collect()
    }

    /// Follows the cluster for good.
    pub async fn follow(&self, client: Client) -> Infallible {
        let Watches {
            live,
            namespaces,
            host_version,
        } = self.watches;
        tokio::join!(
            only(live, self.follow_secrets(&client)),
            only(live, self.follow_claims(&client)),
            only(namespaces, self.follow_namespaces(&client)),
            only(host_version, self.follow_version(&client)),
        )
        .0
    }

    async fn follow_secrets(&self, client: &Client) -> Infallible {
        follow::<Secret, _>(client, SECRETS, &self.secrets, |events| {
            let mut ledger = self.ledger();
            for event in events {
                ledger.secret(event);
            }
            self.publish(&mut ledger);
            (ledger.held().secrets, ledger.left_out().secrets)
        })
        .await
    }

    async fn follow_claims(&self, client: &Client) -> Infallible {
        follow::<PersistentVolumeClaim, _>(client, CLAIMS, &self.claims, |events| {
            let mut ledger = self.ledger();
            for event in events {
                ledger.claim(event);
            }
            self.publish(&mut ledger);
            (ledger.held().claims, ledger.left_out().claims)
        })
        .await
    }

    async fn follow_namespaces(&self, client: &Client) -> Infallible {
        let mut namespaces = Namespaces::new();
        follow::<Namespace, _>(client, "", &self.namespaces, |events| {
            for event in events {
                namespaces.namespace(event);
            }
            if let Some(labels) = namespaces.changed() {
                write(&self.labels, Arc::new(labels));
            }
            (namespaces.held(), namespaces.left_out())
        })
        .await
    }

    async fn follow_version(&self, client: &Client) -> Infallible {
        self.host.begins();
        let mut pauses = Pauses::default();
        loop {
            let asked = client.apiserver_version().await;
            let pause = match asked.map(|info| KubeVersion::parse(&info.git_version)) {
                Ok(Some(version)) => {
                    write(&self.version, Some(version.release()));
                    self.host.holds(1, 0);
                    self.host.follows();
                    pauses = Pauses::default();
                    VERSION_EVERY
                }
                Ok(None) => {
                    self.host
                        .fails("the API server tells a version without three numbers");
                    VERSION_EVERY
                }
                Err(error) => {
                    self.host.fails(&told(&error));
                    pauses.next(Duration::ZERO)
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, ledger: &mut Ledger) {
        if let Some(inventory) = ledger.changed() {
            write(&self.inventory, inventory);
        }
    }
}

/// Something, or nothing for ever.
async fn only(wanted: bool, future: impl Future<Output = Infallible>) -> Infallible {
    if wanted {
        future.await
    } else {
        pending().await
    }
}

fn read<T: Clone>(from: &RwLock<T>) -> T {
    from.read().unwrap_or_else(PoisonError::into_inner).clone()
}

fn write<T>(to: &RwLock<T>, value: T) {
    *to.write().unwrap_or_else(PoisonError::into_inner) = value;
}
