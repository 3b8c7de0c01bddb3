//! The authorities that several servers share, and how one follows another so that no call fails.
//!
//! Pure: what a Secret holds goes in, what it has to hold comes out. A rotation has three steps.
//! A next authority is trusted first ([`Step::Staged`]), and signs nothing. When every API server
//! knows it, it becomes the current one ([`Step::Promoted`]). The one before stays trusted until
//! nobody can show a certificate of it any more ([`Step::Dropped`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::authority::{AUTHORITY_NAME, Authority, CertError, LoadError};
use super::fingerprint::{Certificate, Fingerprint};

/// The annotation that asks for a rotation. Its value is for people.
pub const ROTATE: &str = "distrogate.io/rotate";
/// The annotation that says until when the old authorities are trusted, in seconds since 1970.
const OLD_UNTIL: &str = "distrogate.io/old-until";
/// The keys of the Secret.
const CURRENT: [&str; 2] = ["ca.crt", "ca.key"];
const NEXT: [&str; 2] = ["next.crt", "next.key"];
const OLD: &str = "old.crt";

/// Old authorities that are kept at most; a rotation that is asked for waits until some are gone.
/// `caBundle` stays below 16 KiB.
const MAX_OLD: usize = 16;

/// How long an authority that signs no more is trusted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Overlap(pub Duration);

/// Every authority that there is.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The one that signs.
    pub current: Arc<Authority>,
    /// The one that will, trusted already.
    pub next: Option<Arc<Authority>>,
    /// Those that did, trusted still.
    pub old: Vec<Certificate>,
    /// Until when those are.
    pub old_until: Option<OffsetDateTime>,
    /// What asks for a rotation, as long as nobody has begun it.
    pub asked: Option<String>,
}

/// What was done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// A next authority is there.
    Staged,
    /// It is the current one.
    Promoted,
    /// The old ones are gone, or a next one that is over.
    Dropped,
}

/// Why a Secret holds no authority that can sign. What it holds is not quoted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Damage {
    /// A key of it is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Certificate and key are of no use.
    #[error("ca.crt and ca.key: {0}")]
    Load(#[from] LoadError),
    /// It is over.
    #[error("the authority in ca.crt has expired")]
    Expired,
    /// Whoever made it was ahead of us.
    #[error("the authority in ca.crt has not begun")]
    Early,
}

impl Damage {
    /// Whether it is one by the clock of whoever looks, and perhaps by no other.
    pub fn is_of_time(self) -> bool {
        matches!(self, Self::Expired | Self::Early)
    }
}

/// What a Secret holds, by key.
pub type Data = BTreeMap<String, Vec<u8>>;

impl Trust {
    /// A new authority, and those that were trusted before as far as anybody knows.
    pub fn fresh(
        before: Vec<Certificate>,
        now: OffsetDateTime,
        overlap: Overlap,
    ) -> Result<Self, CertError> {
        let mut trust = Self {
            current: Arc::new(Authority::generate(now)?),
            next: None,
            old: Vec::new(),
            old_until: None,
            asked: None,
        };
        for certificate in before {
            trust.keep(certificate, now, overlap);
        }
        Ok(trust)
    }

    /// Reads what a Secret holds. True with it if a part that nothing depends on is of no use, and
    /// was left out.
    pub fn read(
        data: &Data,
        annotations: &BTreeMap<String, String>,
        now: OffsetDateTime,
    ) -> Result<(Self, bool), Damage> {
        let current = load(data, CURRENT)?;
        if current.validity().is_over(now) {
            return Err(Damage::Expired);
        }
        if !current.validity().has_begun(now) {
            return Err(Damage::Early);
        }
        let mut flawed = false;
        let has_next = NEXT.iter().any(|key| data.contains_key(*key));
        let next = load(data, NEXT).ok();
        flawed |= has_next && next.is_none();
        let (old, whole) = Certificate::all(data.get(OLD).map_or(&[], Vec::as_slice));
        let until = annotations.get(OLD_UNTIL);
        let old_until = until
            .and_then(|seconds| seconds.parse().ok())
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
        flawed |= !whole || (until.is_some() && old_until.is_none());
        let trust = Self {
            current: Arc::new(current),
            next: next.map(Arc::new),
            old,
            old_until,
            asked: annotations.get(ROTATE).cloned(),
        };
        Ok((trust, flawed))
    }

    /// What can still be trusted of a Secret that is damaged.
    pub fn remains(data: &Data) -> Vec<Certificate> {
        let texts = [CURRENT[0], NEXT[0], OLD].map(|key| data.get(key));
        let texts = texts.into_iter().flatten();
        texts.flat_map(|pem| Certificate::all(pem).0).collect()
    }

    /// What a Secret has to hold.
    pub fn data(&self) -> Data {
        let mut data = Data::new();
        let mut put = |[certificate, key]: [&str; 2], authority: &Authority| {
            data.insert(certificate.to_owned(), authority.certificate_pem().into());
            data.insert(key.to_owned(), authority.key_pem().into());
        };
        put(CURRENT, &self.current);
        if let Some(next) = &self.next {
            put(NEXT, next);
        }
        if !self.old.is_empty() {
            let old: String = self.old.iter().map(Certificate::pem).collect();
            data.insert(OLD.to_owned(), old.into());
        }
        data
    }

    /// Puts our annotations among those of a Secret.
    pub fn annotate(&self, annotations: &mut BTreeMap<String, String>) {
        let until = self.old_until.filter(|_| !self.old.is_empty());
        let until = until.map(|until| until.unix_timestamp().to_string());
        for (key, value) in [(ROTATE, self.asked.clone()), (OLD_UNTIL, until)] {
            match value {
                Some(value) => annotations.insert(key.to_owned(), value),
                None => annotations.remove(key),
            };
        }
    }

    /// Everything that is trusted, PEM, for `caBundle`.
    pub fn bundle(&self) -> String {
        let signers = [Some(&self.current), self.next.as_ref()];
        let signers = signers.into_iter().flatten();
        let signers = signers.map(|authority| authority.certificate_pem());
        signers
            .chain(self.old.iter().map(Certificate::pem))
            .collect()
    }

    /// Whether certificates of this authority are trusted.
    pub fn trusts(&self, authority: &Fingerprint) -> bool {
        let signers = [Some(&self.current), self.next.as_ref()];
        let mut signers = signers.into_iter().flatten();
        signers.any(|one| one.fingerprint() == *authority)
            || self.old.iter().any(|one| one.fingerprint() == *authority)
    }

    /// Trusts one more that signed before, unless it is over or not ours; true if it does. Where
    /// there is no room the oldest goes.
    pub fn keep(
        &mut self,
        certificate: Certificate,
        now: OffsetDateTime,
        overlap: Overlap,
    ) -> bool {
        let is_ours = certificate.names == [AUTHORITY_NAME];
        if !is_ours || certificate.validity.is_over(now) || self.trusts(&certificate.fingerprint())
        {
            return false;
        }
        if self.old.len() >= MAX_OLD {
            self.old.remove(0);
        }
        self.old.push(certificate);
        self.old_until = Some(now.saturating_add(overlap.0));
        true
    }

    /// Does what is due, one step at a time. `is_known` says of an authority whether every API
    /// server trusts it by now.
    pub fn step(
        &mut self,
        now: OffsetDateTime,
        overlap: Overlap,
        is_known: impl Fn(&Fingerprint) -> bool,
    ) -> Result<Option<Step>, CertError> {
        let is_over = |next: &mut Arc<Authority>| next.validity().is_over(now);
        if self.next.take_if(is_over).is_some() {
            return Ok(Some(Step::Dropped));
        }
        let is_ready =
            |next: &Authority| next.validity().has_begun(now) && is_known(&next.fingerprint());
        if let Some(next) = self.next.take_if(|next| is_ready(next)) {
            let before = std::mem::replace(&mut self.current, next);
            if let Some(certificate) = Certificate::read(before.certificate().clone()) {
                self.keep(certificate, now, overlap);
            }
            return Ok(Some(Step::Promoted));
        }
        let is_due = self.current.validity().is_due(now);
        let is_asked = self.asked.is_some() && self.old.len() < MAX_OLD;
        if self.next.is_none() && (is_due || is_asked) {
            self.next = Some(Arc::new(Authority::generate(now)?));
            self.asked = None;
            return Ok(Some(Step::Staged));
        }
        let before = self.old.len();
        if self.old_until.is_none_or(|until| until <= now) {
            self.old.clear();
        }
        self.old.retain(|one| !one.validity.is_over(now));
        Ok((self.old.len() < before).then_some(Step::Dropped))
    }
}

fn load(data: &Data, [certificate, key]: [&'static str; 2]) -> Result<Authority, Damage> {
    let part = |key: &'static str| data.get(key).ok_or(Damage::Missing(key));
    Ok(Authority::load(part(certificate)?, part(key)?)?)
}

#[cfg(test)]
mod tests;
