//! The Lease that says which replica rotates and writes the webhook configurations.
//!
//! As Kubernetes' own components do it: a holder that has not renewed for a while, by the clock of
//! whoever watches it, is taken to be gone. Two that both think they hold it do no harm, as every
//! write names the version that it follows on.

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta};
use kube::{Client, Error};
use time::OffsetDateTime;
use tokio::time::{Duration, Instant};

use super::rights::LEASE;
use super::store::manager;

/// One replica's view of the Lease.
pub(super) struct Election {
    leases: Api<Lease>,
    identity: String,
    duration: Duration,
    /// Version of the Lease, and when it was seen for the first time.
    seen: Option<(String, Instant)>,
}

impl Election {
    /// In this namespace, under a name that no other replica has.
    pub(super) fn new(
        client: &Client,
        namespace: &str,
        identity: String,
        duration: Duration,
    ) -> Self {
        Self {
            leases: Api::namespaced(client.clone(), namespace),
            identity,
            duration,
            seen: None,
        }
    }

    /// Whether this replica leads, which it then does for the duration of the Lease.
    pub(super) async fn leads(&mut self, now: OffsetDateTime) -> Result<bool, Error> {
        let Some(mut lease) = self.leases.get_opt(LEASE).await? else {
            let lease = Lease {
                metadata: ObjectMeta {
                    name: Some(LEASE.to_owned()),
                    ..ObjectMeta::default()
                },
                spec: Some(self.claim(None, now)),
            };
            return won(self.leases.create(&manager(), &lease).await);
        };
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let since = match &self.seen {
            Some((seen, since)) if *seen == version => *since,
            _ => {
                let now = Instant::now();
                self.seen = Some((version, now));
                now
            }
        };
        let spec = lease.spec.take();
        let holder = spec.as_ref().and_then(|spec| spec.holder_identity.clone());
        let is_ours = holder.as_ref() == Some(&self.identity);
        let is_free = holder.is_none_or(|holder| holder.is_empty());
        // every renewal is a write: not at each look
        if is_ours && since.elapsed() < self.duration / 4 {
            return Ok(true);
        }
        if !is_ours && !is_free && since.elapsed() < self.duration {
            return Ok(false);
        }
        lease.spec = Some(self.claim(spec, now));
        won(self.leases.replace(LEASE, &manager(), &lease).await)
    }

    fn claim(&self, before: Option<LeaseSpec>, now: OffsetDateTime) -> LeaseSpec {
        let now = Timestamp::from_second(now.unix_timestamp()).ok();
        let now = now.map(MicroTime);
        let before = before.unwrap_or_default();
        let was_ours = before.holder_identity.as_ref() == Some(&self.identity);
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(self.duration.as_secs()).ok(),
            acquire_time: before.acquire_time.filter(|_| was_ours).or(now.clone()),
            renew_time: now,
            lease_transitions: Some(
                before
                    .lease_transitions
                    .unwrap_or(0)
                    .saturating_add(i32::from(!was_ours)),
            ),
            ..before
        }
    }
}

/// Somebody else's write in between is an election that was lost.
fn won(written: Result<Lease, Error>) -> Result<bool, Error> {
    match written {
        Ok(_) => Ok(true),
        Err(Error::Api(status)) if status.is_conflict() || status.is_already_exists() => Ok(false),
        Err(error) => Err(error),
    }
}
