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
use crate::certs::BACKDATE;

/// One replica's view of the Lease.
pub(super) struct Election {
    leases: Api<Lease>,
    identity: String,
    duration: Duration,
    /// Version of the Lease, and when it was seen for the first time.
    seen: Option<(String, Instant)>,
    clock: TheirClock,
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
            clock: TheirClock::default(),
        }
    }

    /// How far this machine's clock is from the API server's, where that is far enough to make
    /// certificates that nobody takes, or to take good ones for expired.
    pub(super) fn astray(&self, now: OffsetDateTime) -> Option<time::Duration> {
        self.clock.astray(now, Instant::now())
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
            return self.won(self.leases.create(&manager(), &lease).await);
        };
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let since = match &self.seen {
            Some((seen, since)) if *seen == version => *since,
            before => {
                let now = Instant::now();
                // the first that is seen may be old
                if before.is_some() {
                    self.clock.heard(&lease, now);
                }
                self.seen = Some((version, now));
                now
            }
        };
        let spec = lease.spec.take();
        let holder = spec.as_ref().and_then(|spec| spec.holder_identity.clone());
        let is_ours = holder.as_ref() == Some(&self.identity);
        let is_free = holder.is_none_or(|holder| holder.is_empty());
        // whoever does not know the time lets others lead, and learns it when nobody does
        let may_renew = is_ours && self.astray(now).is_none();
        // every renewal is a write: not at each look
        if may_renew && since.elapsed() < self.duration / 4 {
            return Ok(true);
        }
        if !may_renew && !is_free && since.elapsed() < self.duration {
            return Ok(false);
        }
        lease.spec = Some(self.claim(spec, now));
        self.won(self.leases.replace(LEASE, &manager(), &lease).await)
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

    /// Somebody else's write in between is an election that was lost.
    fn won(&mut self, written: Result<Lease, Error>) -> Result<bool, Error> {
        match written {
            Ok(lease) => {
                self.clock.heard(&lease, Instant::now());
                Ok(true)
            }
            Err(Error::Api(status)) if status.is_conflict() || status.is_already_exists() => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// What time it is at the API server, as far as its Lease tells.
#[derive(Debug, Default)]
struct TheirClock(Option<(OffsetDateTime, Instant)>);

impl TheirClock {
    /// A Lease was written just now. When, is told by the API server's clock in `managedFields`; all
    /// other times in it are by the holder's.
    fn heard(&mut self, lease: &Lease, now: Instant) {
        let writes = lease.metadata.managed_fields.iter().flatten();
        let last = writes.filter_map(|write| write.time.as_ref()).max();
        let last =
            last.and_then(|last| OffsetDateTime::from_unix_timestamp(last.0.as_second()).ok());
        self.0 = last.map(|last| (last, now));
    }

    fn astray(&self, ours: OffsetDateTime, now: Instant) -> Option<time::Duration> {
        let (told, at) = self.0?;
        let since = now.saturating_duration_since(at).try_into().ok()?;
        let by = ours - told.saturating_add(since);
        (by.abs() > BACKDATE / 2).then_some(by)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, Time};

    use super::*;

    #[test]
    fn a_clock_is_compared_with_the_last_write() {
        let write = |second| ManagedFieldsEntry {
            time: Timestamp::from_second(second).ok().map(Time),
            ..ManagedFieldsEntry::default()
        };
        let mut lease = Lease::default();
        let mut clock = TheirClock::default();
        let (day, now) = (86_400, Instant::now());
        let ours = |second| OffsetDateTime::from_unix_timestamp(second).unwrap();
        let later = now + Duration::from_hours(24);
        clock.heard(&lease, now);
        assert_eq!(clock.astray(ours(9 * day), now), None, "nobody knows");
        lease.metadata.managed_fields = Some(vec![write(day), write(2 * day), write(day)]);
        clock.heard(&lease, now);
        assert_eq!(clock.astray(ours(2 * day + 3_600), now), None);
        assert_eq!(clock.astray(ours(3 * day), now), Some(time::Duration::DAY));
        assert_eq!(clock.astray(ours(0), now), Some(time::Duration::days(-2)));
        // time goes on at both
        assert_eq!(clock.astray(ours(3 * day), later), None);
        assert_eq!(
            clock.astray(ours(2 * day), later),
            Some(-time::Duration::DAY)
        );
    }
}
