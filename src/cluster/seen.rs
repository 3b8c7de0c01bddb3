//! Whom the webhook configurations were seen to trust, and for how long: what says when another
//! authority may sign.

use std::collections::HashMap;

use kube::core::DynamicObject;
use tokio::time::{Duration, Instant};

use super::live::{trusted, webhooks};
use crate::certs::{Certificate, Fingerprint};

/// Since when every configuration has been seen to trust an authority, without a break.
#[derive(Debug, Default)]
pub(super) struct Seen {
    since: HashMap<Fingerprint, Instant>,
    /// No configuration is there that could be wrong.
    nothing: bool,
}

impl Seen {
    /// Looks at the configurations that there are. By one without webhooks nobody is called.
    pub(super) fn look<'l>(&mut self, live: impl Iterator<Item = &'l DynamicObject>, now: Instant) {
        let live = live.filter(|live| webhooks(live).next().is_some());
        let mut all = live.map(trusted);
        let first = all.next();
        self.nothing = first.is_none();
        let mut common = first.unwrap_or_default();
        for one in all {
            common.retain(|certificate| one.contains(certificate));
        }
        let common: Vec<_> = common.iter().map(Certificate::fingerprint).collect();
        self.since.retain(|known, _| common.contains(known));
        for one in common {
            self.since.entry(one).or_insert(now);
        }
    }

    /// Nobody knows what happened since.
    pub(super) fn forget(&mut self) {
        self.since.clear();
        self.nothing = false;
    }

    /// Whether every API server trusts this authority by now.
    pub(super) fn is_settled(
        &self,
        authority: &Fingerprint,
        settle: Duration,
        now: Instant,
    ) -> bool {
        self.nothing
            || self
                .since
                .get(authority)
                .is_some_and(|since| now.saturating_duration_since(*since) >= settle)
    }

    /// Whether every configuration was seen with it at the last look.
    pub(super) fn is_trusted(&self, authority: &Fingerprint) -> bool {
        self.nothing || self.since.contains_key(authority)
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::super::live::tests::live;
    use super::*;
    use crate::certs::Authority;

    fn authority() -> Authority {
        Authority::generate(OffsetDateTime::now_utc()).unwrap()
    }

    #[test]
    fn an_authority_has_settled_when_all_have_had_it_for_long_enough() {
        let (one, two) = (authority(), authority());
        let (pem_one, pem_two) = (one.certificate_pem(), two.certificate_pem());
        let both = pem_one.clone() + &pem_two;
        let settle = Duration::from_mins(1);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut seen = Seen::default();
        let (with_both, with_one) = (live(&[&both, &both]), live(&[&both, &pem_one]));

        seen.look([&with_both, &with_one].into_iter(), at(0));
        assert!(seen.is_trusted(&one.fingerprint()));
        assert!(!seen.is_trusted(&two.fingerprint()));
        seen.look([&with_both, &with_both].into_iter(), at(30));
        assert!(!seen.is_settled(&one.fingerprint(), settle, at(59)));
        assert!(seen.is_settled(&one.fingerprint(), settle, at(60)));
        assert!(!seen.is_settled(&two.fingerprint(), settle, at(60)));
        assert!(seen.is_settled(&two.fingerprint(), settle, at(90)));

        // a break begins anew
        seen.look([&with_both, &with_one].into_iter(), at(91));
        seen.look([&with_both, &with_both].into_iter(), at(92));
        assert!(!seen.is_settled(&two.fingerprint(), settle, at(93)));
        seen.forget();
        assert!(!seen.is_settled(&one.fingerprint(), settle, at(93)));
        // one that calls nobody does not count
        seen.look([&with_both, &live(&[])].into_iter(), at(94));
        assert!(seen.is_trusted(&two.fingerprint()));
        // nobody to wait for
        seen.look([&live(&[])].into_iter(), at(94));
        assert!(seen.is_settled(&two.fingerprint(), settle, at(94)));
        seen.forget();
        seen.look(std::iter::empty(), at(94));
        assert!(seen.is_settled(&two.fingerprint(), settle, at(94)));
    }
}
