//! How fast things are looked after in the cluster; no other file of this room holds such a number,
//! but for the client's timeouts.

use std::time::Duration;

use crate::certs::Overlap;

/// Times and pauses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pace {
    /// From one look at everything to the next, if nothing is heard of a change before.
    pub resync: Duration,
    /// How long a webhook configuration has to be seen with an authority before something is
    /// served that only this authority makes trusted. API servers follow the configurations by a
    /// watch, each in its own time: seconds, unless it is about to be replaced.
    pub settle: Duration,
    /// How long a server has to have had a certificate before it makes a webhook configuration that
    /// is missing. Its readiness is asked for every 2 s, and the Service follows within seconds.
    pub answers: Duration,
    /// How long an authority that signs no more stays in `caBundle`.
    pub overlap: Overlap,
    /// How long the replica that rotates may be silent before another takes over.
    pub lease: Duration,
    /// The first pause after a failure or a change, doubled with every further one in a row.
    pub pause: Duration,
    /// The longest such pause.
    pub longest_pause: Duration,
    /// How long one look at everything may take.
    pub look: Duration,
    /// How often to see whether another policy is in force, which costs no call.
    pub policy: Duration,
}

impl Pace {
    /// What a cluster needs.
    pub const DEFAULT: Self = Self {
        resync: Duration::from_secs(30),
        settle: Duration::from_mins(1),
        answers: Duration::from_secs(15),
        // a replica that cannot reach the API server for a day is not called by it either
        overlap: Overlap(time::Duration::DAY),
        lease: Duration::from_secs(90),
        pause: Duration::from_millis(500),
        longest_pause: Duration::from_mins(1),
        look: Duration::from_secs(30),
        policy: Duration::from_secs(2),
    };

    /// What a test has the patience for: years in a minute. An API server on the same machine
    /// follows within the second.
    pub const HURRIED: Self = Self {
        resync: Duration::from_millis(500),
        settle: Duration::from_secs(2),
        answers: Duration::from_secs(1),
        overlap: Overlap(time::Duration::seconds(60)),
        lease: Duration::from_secs(3),
        pause: Duration::from_millis(100),
        longest_pause: Duration::from_secs(1),
        ..Self::DEFAULT
    };

    /// The pause after so many failures in a row, the first one with 1.
    pub fn pause_after(&self, times: u32) -> Duration {
        let factor = 2_u32.saturating_pow(times.saturating_sub(1));
        self.pause.saturating_mul(factor).min(self.longest_pause)
    }
}

/// Some time between four and six fifths of a pause, given any number: replicas that begin
/// together do not ask together for ever.
pub(super) fn jittered(pause: Duration, random: u64) -> Duration {
    let percent = u32::try_from(random % 41).unwrap_or(0) + 80;
    pause.saturating_mul(percent) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let pause = |times| Pace::DEFAULT.pause_after(times).as_millis();
        assert_eq!(
            [1, 2, 3, 7, 8, 40, u32::MAX].map(pause),
            [500, 1_000, 2_000, 32_000, 60_000, 60_000, 60_000]
        );
    }

    #[test]
    fn jitter_is_a_fifth_either_way() {
        let second = Duration::from_secs(1);
        let all: Vec<_> = (0..1_000).map(|random| jittered(second, random)).collect();
        assert_eq!(all.iter().min(), Some(&Duration::from_millis(800)));
        assert_eq!(all.iter().max(), Some(&Duration::from_millis(1_200)));
    }

    #[test]
    fn old_authorities_are_trusted_far_longer_than_the_new_take() {
        for pace in [Pace::DEFAULT, Pace::HURRIED] {
            assert!(pace.overlap.0 > (pace.settle + pace.resync) * 2);
            assert!(pace.lease > pace.resync * 2);
        }
    }
}
