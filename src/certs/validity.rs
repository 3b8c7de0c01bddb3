//! From when until when a certificate is good, each number with its reason.

use time::{Duration, OffsetDateTime};

/// How long an authority is good, in days: ten years. It is trusted by being put into `caBundle`
/// by hand, so it should outlive what it signs by far.
pub const AUTHORITY_DAYS: u16 = 3_650;

/// How long a server certificate is good unless someone asks otherwise, in days: a year, so that
/// replacing it is practised.
pub const LEAF_DAYS: u16 = 365;

/// How long a server certificate that the server issues to itself is good, in days. It is renewed
/// when two thirds are over: with 40 days left, before anybody is told that it ends.
pub const ISSUED_DAYS: u16 = 120;

/// How far before now a certificate begins: the clocks of a cluster's nodes differ by seconds, a
/// freshly booted machine's by minutes, one with the wrong time zone by hours. Whoever makes a
/// certificate that others have to take must not be ahead of them by more.
pub const BACKDATE: Duration = Duration::DAY;

/// The dates of a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Validity {
    /// Not good before.
    pub not_before: OffsetDateTime,
    /// Not good after.
    pub not_after: OffsetDateTime,
}

impl Validity {
    /// Good for so many days from now, and for a little while already.
    pub fn starting(now: OffsetDateTime, days: u16) -> Self {
        Self {
            not_before: now.saturating_sub(BACKDATE),
            not_after: now.saturating_add(Duration::days(i64::from(days))),
        }
    }

    /// Whether it is time for the next one: two thirds are over, which leaves a third for whatever
    /// may go wrong.
    pub fn is_due(self, now: OffsetDateTime) -> bool {
        let whole = self.not_after - self.not_before;
        now - self.not_before >= whole * 2 / 3
    }

    /// Whether it is over.
    pub fn is_over(self, now: OffsetDateTime) -> bool {
        self.not_after <= now
    }

    /// Whether it has begun.
    pub fn has_begun(self, now: OffsetDateTime) -> bool {
        self.not_before <= now
    }

    /// Whether it has begun and is not over.
    pub fn is_good(self, now: OffsetDateTime) -> bool {
        self.has_begun(now) && !self.is_over(now)
    }

    /// The part of it that lies in another: what is signed cannot outlive its signer.
    #[must_use]
    pub fn within(self, outer: Self) -> Self {
        Self {
            not_before: self.not_before.max(outer.not_before),
            not_after: self.not_after.min(outer.not_after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_ahead_by_less_than_a_day_does_no_harm() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let ahead = |by| Validity::starting(now + by, AUTHORITY_DAYS);
        assert!(ahead(Duration::hours(23)).is_good(now));
        assert!(!ahead(Duration::hours(25)).is_good(now));
        let over = now + Duration::days(i64::from(AUTHORITY_DAYS));
        assert!(!ahead(Duration::ZERO).is_good(over));
    }
}
