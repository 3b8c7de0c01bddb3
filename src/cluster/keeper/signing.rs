//! The Secret with the authority: reading, mending and rotating it, and serving what it signs.

use kube::core::DynamicObject;
use time::OffsetDateTime;
use tokio::time::Instant;
use tracing::{info, warn};

use super::super::issuer::Issuer;
use super::super::live::trusted;
use super::super::rights::AUTHORITY;
use super::super::store::Stored;
use super::{KeepError, Keeper};
use crate::certs::{Certificate, Step, Trust};
use crate::telemetry::metrics::Trouble;

impl Keeper {
    /// What the Secret holds, once that is of use.
    pub(super) async fn authority(
        &mut self,
        live: &[Option<DynamicObject>; 2],
        leads: bool,
    ) -> Result<(Stored, Trust), KeepError> {
        let now = (self.clock)();
        let overlap = self.pace.overlap;
        let Some(stored) = self.store.authority().await? else {
            let trust = self.recover(live, Vec::new(), now)?;
            let stored = self.store.create(&trust).await?;
            info!(
                authority = trust.current.fingerprint().short(),
                "Wrote the Secret {AUTHORITY}."
            );
            return Ok((stored, trust));
        };
        let data = stored.data();
        let (mut trust, mut differs) = match Trust::read(&data, &stored.annotations(), now) {
            Ok(read) => read,
            // by another clock than that of the one who leads it may be good
            Err(damage) if damage.is_of_time() && !leads => return Err(damage.into()),
            Err(damage) => {
                self.metrics.cluster_trouble(Trouble::Damaged);
                let error = damage.to_string();
                warn!(
                    error,
                    "The Secret {AUTHORITY} is of no use and is written anew."
                );
                (self.recover(live, Trust::remains(&data), now)?, true)
            }
        };
        if differs {
            info!("Leaving out what is of no use in the Secret {AUTHORITY}.");
        }
        // what is served has to stay trusted, whoever wrote the Secret
        let served = self.issuer.as_ref().and_then(Issuer::authority);
        if let Some(served) = served.filter(|served| !trust.trusts(&served.fingerprint())) {
            let served = Certificate::read(served.certificate().clone());
            differs |= served.is_some_and(|served| trust.keep(served, now, overlap));
        }
        if differs {
            let stored = self.store.update(&stored, &trust).await?;
            return Ok((stored, trust));
        }
        Ok((stored, trust))
    }

    /// What the Secret should hold where it holds nothing of use: what is remembered, else a new
    /// authority, and whoever the webhooks trust.
    fn recover(
        &self,
        live: &[Option<DynamicObject>; 2],
        remains: Vec<Certificate>,
        now: OffsetDateTime,
    ) -> Result<Trust, KeepError> {
        let overlap = self.pace.overlap;
        let known = live.iter().flatten().flat_map(trusted);
        let known: Vec<_> = remains.into_iter().chain(known).collect();
        let remembered = self.remembered.as_ref();
        let remembered = remembered.filter(|trust| trust.current.validity().is_good(now));
        let Some(mut trust) = remembered.cloned() else {
            return Ok(Trust::fresh(known, now, overlap)?);
        };
        for certificate in known {
            trust.keep(certificate, now, overlap);
        }
        Ok(trust)
    }

    /// Moves a rotation on; true if it did.
    pub(super) async fn step(
        &self,
        stored: &mut Stored,
        trust: &mut Trust,
    ) -> Result<bool, KeepError> {
        let settle = self.pace.settle;
        let now = Instant::now();
        let step = trust.step((self.clock)(), self.pace.overlap, |authority| {
            self.seen.is_settled(authority, settle, now)
        })?;
        let Some(step) = step else {
            return Ok(false);
        };
        *stored = self.store.update(stored, trust).await?;
        match step {
            Step::Staged => info!("A next CA is there, and has to become known before it signs."),
            Step::Promoted => info!(
                authority = trust.current.fingerprint().short(),
                "The next CA signs from now on; the one before is trusted still."
            ),
            Step::Dropped => info!("CAs of before are trusted no more."),
        }
        Ok(true)
    }

    /// Serves a certificate of the authority that signs now, as soon as everybody trusts it.
    pub(super) fn follow(&mut self, trust: &Trust) -> Result<(), KeepError> {
        let now = (self.clock)();
        let (settle, seen) = (self.pace.settle, &self.seen);
        let Some(issuer) = &mut self.issuer else {
            return Ok(());
        };
        let current = trust.current.fingerprint();
        if issuer.fingerprint().as_ref() == Some(&current) {
            return Ok(());
        }
        if !issuer.is_good(now) || seen.is_settled(&current, settle, Instant::now()) {
            issuer.issue(&trust.current, now)?;
        }
        Ok(())
    }
}
