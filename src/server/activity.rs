//! What a connection is doing, and since when: the clock behind its timers.
//!
//! hyper's own `header_read_timeout` starts when hyper begins to wait for a request, so it closes
//! idle keep-alive connections too, and an API server that reuses one at that moment sees its
//! review fail. Here the timer for a head starts at the head's first byte ([`Stream`] reports it),
//! and a connection without a request under way has the longer idle time. Bodies have timers of
//! their own, where they are read.
//!
//! [`Stream`]: super::stream::Stream

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::limits::Limits;

/// A handle on a connection's phase; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<watch::Sender<Phase>>);

impl Activity {
    /// A fresh connection, and the watch over it. Clients open connections ahead of need, so a
    /// fresh one has the idle time, not the head's.
    pub(super) fn new(limits: &Limits) -> (Self, Watchdog) {
        let (sender, receiver) = watch::channel(Phase::Idle {
            since: Instant::now(),
            is_fresh: true,
        });
        (
            Self(Arc::new(sender)),
            Watchdog {
                phase: receiver,
                limits: *limits,
            },
        )
    }

    /// Bytes came in: the first of a request if none is under way.
    pub(super) fn received(&self) {
        self.0.send_if_modified(|phase| {
            let first = matches!(phase, Phase::Idle { .. });
            if first {
                *phase = Phase::Head {
                    since: Instant::now(),
                };
            }
            first
        });
    }

    /// A request's head is complete; the request is under way until the guard goes.
    pub(super) fn request(&self) -> UnderWay {
        self.0.send_modify(|phase| {
            *phase = match *phase {
                Phase::Busy { requests } => Phase::Busy {
                    requests: requests.saturating_add(1),
                },
                Phase::Idle { .. } | Phase::Head { .. } => Phase::Busy { requests: 1 },
            };
        });
        UnderWay(self.clone())
    }

    /// Waits until a request has begun, ever.
    pub(super) async fn used(&self) {
        self.reaches(|phase| {
            !matches!(
                phase,
                Phase::Idle { is_fresh: true, .. } | Phase::Head { .. }
            )
        })
        .await;
    }

    /// Waits until no request is under way, nor part of one.
    pub(super) async fn idle(&self) {
        self.reaches(|phase| matches!(phase, Phase::Idle { .. }))
            .await;
    }

    async fn reaches(&self, wanted: impl FnMut(&Phase) -> bool) {
        // There is a sender: this one.
        drop(self.0.subscribe().wait_for(wanted).await);
    }

    fn finished(&self) {
        self.0.send_modify(|phase| {
            *phase = match *phase {
                Phase::Busy { requests } if requests > 1 => Phase::Busy {
                    requests: requests - 1,
                },
                _ => Phase::Idle {
                    since: Instant::now(),
                    is_fresh: false,
                },
            };
        });
    }
}

/// One request under way. A request ends when its answer is handed to hyper: a client that does
/// not read it is then cut off as idle.
#[derive(Debug)]
pub(super) struct UnderWay(Activity);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.finished();
    }
}

/// Waits for a phase to last too long.
#[derive(Debug)]
pub(super) struct Watchdog {
    phase: watch::Receiver<Phase>,
    limits: Limits,
}

impl Watchdog {
    /// Returns when the connection's time is up. Safe to call again after cancellation.
    pub(super) async fn expired(&mut self) -> Expired {
        loop {
            let phase = *self.phase.borrow_and_update();
            let (deadline, expired) = match phase {
                Phase::Idle { since, .. } => (since + self.limits.idle, Expired::Idle),
                Phase::Head { since } => (since + self.limits.head, Expired::Head),
                Phase::Busy { .. } => {
                    self.changed().await;
                    continue;
                }
            };
            tokio::select! {
                biased;
                () = self.changed() => {}
                () = sleep_until(deadline) => return expired,
            }
        }
    }

    /// Waits for the next phase; forever if there will be none, as the connection itself then ends.
    async fn changed(&mut self) {
        if self.phase.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Which time is up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Expired {
    /// No request for [`Limits::idle`].
    Idle,
    /// A head begun but not ended within [`Limits::head`].
    Head,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// No request under way.
    Idle {
        since: Instant,
        /// Nor has there been one.
        is_fresh: bool,
    },
    /// A request's first bytes are in, its head is not complete (HTTP/1.1 only).
    Head { since: Instant },
    /// Requests under way.
    Busy { requests: usize },
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: Limits = Limits {
        idle: Duration::from_mins(2),
        head: Duration::from_secs(10),
        ..Limits::DEFAULT
    };

    /// What expires next and how many seconds from now.
    async fn next(watchdog: &mut Watchdog) -> (Expired, u64) {
        let start = Instant::now();
        (watchdog.expired().await, start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_its_time_from_its_first_byte_only() {
        let (activity, mut watchdog) = Activity::new(&LIMITS);
        tokio::time::advance(Duration::from_secs(100)).await;
        activity.received();
        tokio::time::advance(Duration::from_secs(4)).await;
        activity.received();
        assert_eq!(next(&mut watchdog).await, (Expired::Head, 6));
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_watchdog_notices_the_first_byte() {
        let (activity, mut watchdog) = Activity::new(&LIMITS);
        let waiting = tokio::spawn(async move { next(&mut watchdog).await });
        tokio::time::sleep(Duration::from_mins(1)).await;
        activity.received();
        assert_eq!(waiting.await.unwrap(), (Expired::Head, 70));
    }

    #[tokio::test(start_paused = true)]
    async fn the_idle_time_starts_after_the_last_request() {
        let (activity, mut watchdog) = Activity::new(&LIMITS);
        activity.received();
        let first = activity.request();
        let second = activity.request();
        activity.received();
        drop(first);
        tokio::time::timeout(Duration::from_secs(1_000), watchdog.expired())
            .await
            .unwrap_err();
        drop(second);
        assert_eq!(next(&mut watchdog).await, (Expired::Idle, 120));
    }
}
