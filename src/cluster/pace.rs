//! How fast things are looked after in the cluster; no other file of this room holds such a number,
//! but for the client's timeouts.

use std::time::Duration;

use tokio::time::Instant;

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
    /// How long an API server is taken to be too old for something that it did not take: control
    /// planes are upgraded under a server that runs on.
    pub try_anew: Duration,
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
        try_anew: Duration::from_hours(1),
        pause: Duration::from_millis(500),
        longest_pause: Duration::from_secs(30),
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
        try_anew: Duration::from_secs(5),
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

/// What makes looks slow down: an API server in trouble, or somebody who writes the same fields.
#[derive(Debug, Default)]
pub(super) struct Struggle {
    failures: u32,
    /// Changes that had to be put right, without a quiet time between them, and when the last was.
    changes: u32,
    changed_at: Option<Instant>,
}

impl Struggle {
    /// The API server did not do what was asked.
    pub(super) fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Something had to be written.
    pub(super) fn changed(&mut self, now: Instant) {
        self.failures = 0;
        self.changes = self.changes.saturating_add(1);
        self.changed_at = Some(now);
    }

    /// All was as it has to be. Right after a write of our own that says little: the struggle is
    /// over when it stays so for longer than we were slow.
    pub(super) fn was_right(&mut self, now: Instant, pace: &Pace) {
        self.failures = 0;
        let quiet = pace.resync + self.pause(pace);
        if self
            .changed_at
            .is_some_and(|at| now.saturating_duration_since(at) > quiet)
        {
            self.changes = 0;
            self.changed_at = None;
        }
    }

    /// Until the next look, at least.
    pub(super) fn pause(&self, pace: &Pace) -> Duration {
        pace.pause_after(self.failures.max(self.changes).max(1))
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
    fn pauses_double_up_to_half_a_minute() {
        let pause = |times| Pace::DEFAULT.pause_after(times).as_millis();
        assert_eq!(
            [1, 2, 3, 7, 8, 40, u32::MAX].map(pause),
            [500, 1_000, 2_000, 30_000, 30_000, 30_000, 30_000]
        );
    }

    #[test]
    fn a_struggle_slows_down_until_it_has_been_quiet_for_a_while() {
        let pace = Pace::DEFAULT;
        let start = Instant::now();
        let mut struggle = Struggle::default();
        let mut at = start;
        let mut pauses = vec![];
        // each write of ours is seen to be right before somebody else's comes
        for _ in 0..9 {
            struggle.changed(at);
            pauses.push(struggle.pause(&pace).as_millis());
            at += struggle.pause(&pace);
            struggle.was_right(at, &pace);
            at += Duration::from_secs(1);
        }
        let doubled = [
            500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
        ];
        assert_eq!(pauses, doubled);
        let quiet = at + Duration::from_secs(90);
        struggle.was_right(quiet, &pace);
        assert_eq!(struggle.pause(&pace), pace.pause);

        // an API server that is there again is asked at once
        (0..9).for_each(|_| struggle.failed());
        assert_eq!(struggle.pause(&pace), pace.longest_pause);
        struggle.was_right(quiet, &pace);
        assert_eq!(struggle.pause(&pace), pace.pause);
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
            assert!(pace.lease > (pace.resync + pace.longest_pause) * 6 / 5);
        }
    }
}
