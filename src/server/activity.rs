//! What a connection is doing, and since when: the clock behind its timers, and what it is judged by
//! when there is no room for another.
//!
//! hyper's own `header_read_timeout` starts when hyper begins to wait for a request, so it closes
//! idle keep-alive connections too, and an API server that reuses one at that moment sees its
//! review fail. Here the timer for a head starts at the head's first byte ([`Stream`] reports it),
//! and a connection without a request under way has the longer idle time. Bodies have timers of
//! their own, where they are read; here is noted only whether they come fast enough to keep their
//! place.
//!
//! [`Stream`]: super::stream::Stream

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::limits::Limits;

/// A handle on what a connection does; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<watch::Sender<State>>);

impl Activity {
    /// A connection that was just accepted, and the watch over it.
    pub(super) fn new(limits: &Limits) -> (Self, Watchdog) {
        let (sender, receiver) = watch::channel(State {
            phase: Phase::Handshake {
                since: Instant::now(),
            },
            unread: None,
            bodies: Bodies {
                count: 0,
                behind: Instant::now(),
            },
            answers: Answers {
                count: 0,
                since: Instant::now(),
            },
            is_unwanted: false,
        });
        (
            Self(Arc::new(sender)),
            Watchdog {
                state: receiver,
                limits: *limits,
            },
        )
    }

    /// The handshake is done. Clients open connections ahead of need, so that from here on it has
    /// the idle time, not the head's.
    pub(super) fn greeted(&self) {
        self.0.send_modify(|state| {
            state.is_unwanted = false;
            state.phase = Phase::Idle {
                since: Instant::now(),
                is_fresh: true,
            };
        });
    }

    /// Bytes came in: the first of a request if none is under way.
    pub(super) fn received(&self) {
        self.0.send_if_modified(|state| {
            let first = matches!(state.phase, Phase::Idle { .. });
            if first {
                state.phase = Phase::Head {
                    since: Instant::now(),
                };
            }
            first
        });
    }

    /// A request's head is complete; the request is under way until the guard goes.
    pub(super) fn request(&self) -> UnderWay {
        self.0.send_modify(|state| {
            state.is_unwanted = false;
            state.phase = match state.phase {
                Phase::Busy { requests } => Phase::Busy {
                    requests: requests.saturating_add(1),
                },
                Phase::Handshake { .. } | Phase::Idle { .. } | Phase::Head { .. } => {
                    Phase::Busy { requests: 1 }
                }
            };
        });
        UnderWay(self.clone())
    }

    /// The body of a request under way is read from here on until the guard goes.
    pub(super) fn body(&self, limits: &Limits) -> Reading {
        self.0.send_modify(|state| {
            let bodies = &mut state.bodies;
            if bodies.count == 0 {
                bodies.behind = Instant::now();
            }
            bodies.count += 1;
        });
        Reading {
            activity: self.clone(),
            rate: limits.body_rate,
        }
    }

    /// The system takes no more of an answer, as the client does not read it; or has taken it all.
    pub(super) fn unread(&self, is_unread: bool) {
        self.0
            .send_modify(|state| state.unread = is_unread.then(Instant::now));
    }

    /// An answer is to be taken by the client from here on until the guard goes. Over HTTP/2 the
    /// system takes more of a connection whose client takes no answer.
    pub(super) fn answer(&self) -> Answering {
        self.0.send_modify(|state| state.answers.change(1));
        Answering(self.clone())
    }

    /// Waits until a request has begun, ever.
    pub(super) async fn used(&self) {
        self.reaches(|phase| {
            !matches!(
                phase,
                Phase::Handshake { .. } | Phase::Idle { is_fresh: true, .. } | Phase::Head { .. }
            )
        })
        .await;
    }

    /// Waits until no request is under way, nor part of one.
    pub(super) async fn idle(&self) {
        self.reaches(|phase| matches!(phase, Phase::Idle { .. }))
            .await;
    }

    /// How little the connection gives, and since when; nothing while a request under way is
    /// answered, or if it is to end already.
    pub(super) fn standing(&self) -> Option<(Standing, Instant)> {
        let state = *self.0.borrow();
        if state.is_unwanted {
            return None;
        }
        match (state.phase, state.unread_since()) {
            (Phase::Busy { requests }, _) if requests == state.bodies.count => {
                Some((Standing::Owing, state.bodies.behind))
            }
            (Phase::Busy { .. }, _) => None,
            (Phase::Handshake { since } | Phase::Head { since }, _) | (_, Some(since)) => {
                Some((Standing::Owing, since))
            }
            (Phase::Idle { since, is_fresh }, None) if is_fresh => Some((Standing::Unused, since)),
            (Phase::Idle { since, .. }, None) => Some((Standing::Idle, since)),
        }
    }

    /// Since when a body has come too slowly, if bodies are all that the connection is about.
    pub(super) fn slow_body(&self) -> Option<Instant> {
        let state = *self.0.borrow();
        match state.phase {
            Phase::Busy { requests } if requests == state.bodies.count && !state.is_unwanted => {
                Some(state.bodies.behind)
            }
            _ => None,
        }
    }

    /// Tells the connection to end, unless a request is under way that has come in whole; a request
    /// that comes before it has ended is answered, and the connection stays.
    pub(super) fn evict(&self) -> bool {
        self.0.send_if_modified(|state| {
            state.is_unwanted = match state.phase {
                Phase::Busy { requests } => requests == state.bodies.count,
                Phase::Handshake { .. } | Phase::Idle { .. } | Phase::Head { .. } => true,
            };
            state.is_unwanted
        })
    }

    /// Whether the connection is to end for another's sake.
    pub(super) fn is_unwanted(&self) -> bool {
        self.0.borrow().is_unwanted
    }

    async fn reaches(&self, mut wanted: impl FnMut(&Phase) -> bool) {
        // There is a sender: this one.
        drop(
            self.0
                .subscribe()
                .wait_for(|state| wanted(&state.phase))
                .await,
        );
    }

    fn finished(&self) {
        self.0.send_modify(|state| {
            state.phase = match state.phase {
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

/// How little a connection gives, the least first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Standing {
    /// A handshake, a head or a body is not done, or an answer not read.
    Owing,
    /// There has been no request.
    Unused,
    /// There is no request now.
    Idle,
}

/// One request under way. A request ends when its answer is handed to hyper: a client that does
/// not read it is cut off for that.
#[derive(Debug)]
pub(super) struct UnderWay(Activity);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.finished();
    }
}

/// One body that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    activity: Activity,
    /// Bytes that are to come in a second.
    rate: u32,
}

impl Reading {
    /// So many bytes more have come.
    pub(super) fn received(&self, bytes: usize) {
        let time = Duration::from_secs(bytes as u64) / self.rate;
        // Nobody waits for this: it is looked at where there is no room for another.
        self.activity.0.send_if_modified(|state| {
            let bodies = &mut state.bodies;
            bodies.behind = Instant::now().min(bodies.behind + time);
            false
        });
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.activity.0.send_if_modified(|state| {
            state.bodies.count = state.bodies.count.saturating_sub(1);
            false
        });
    }
}

/// One answer that the client has not taken yet.
#[derive(Debug)]
pub(super) struct Answering(Activity);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.answers.change(-1));
    }
}

/// Waits for something to last too long.
#[derive(Debug)]
pub(super) struct Watchdog {
    state: watch::Receiver<State>,
    limits: Limits,
}

impl Watchdog {
    /// Returns when the connection's time is up. Safe to call again after cancellation.
    pub(super) async fn expired(&mut self) -> Expired {
        loop {
            let state = *self.state.borrow_and_update();
            let Some((deadline, expired)) = self.next(state) else {
                self.changed().await;
                continue;
            };
            tokio::select! {
                biased;
                () = self.changed() => {}
                () = sleep_until(deadline) => return expired,
            }
        }
    }

    /// What will be over first, and when.
    fn next(&self, state: State) -> Option<(Instant, Expired)> {
        let limits = &self.limits;
        let of_phase = match state.phase {
            Phase::Handshake { since } => Some((since + limits.handshake, Expired::Handshake)),
            Phase::Idle { since, .. } => Some((since + limits.idle, Expired::Idle)),
            Phase::Head { since } => Some((since + limits.head, Expired::Head)),
            Phase::Busy { .. } => None,
        };
        let of_answer = state
            .unread_since()
            .map(|since| (since + limits.unread, Expired::Unread));
        let evicted = state.is_unwanted.then(|| {
            let is_idle =
                matches!(state.phase, Phase::Idle { .. }) && state.unread_since().is_none();
            (Instant::now(), Expired::Evicted { is_idle })
        });
        let all = [evicted, of_answer, of_phase];
        all.into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// Waits for the next change; forever if there will be none, as the connection itself then ends.
    async fn changed(&mut self) {
        if self.state.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Which time is up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Expired {
    /// No end of the handshake within [`Limits::handshake`].
    Handshake,
    /// No request for [`Limits::idle`].
    Idle,
    /// A head begun but not ended within [`Limits::head`].
    Head,
    /// An answer not read within [`Limits::unread`].
    Unread,
    /// Another needs the room.
    Evicted {
        /// Whether nothing is owed: then it gets a farewell.
        is_idle: bool,
    },
}

#[derive(Clone, Copy, Debug)]
struct State {
    phase: Phase,
    /// Since when an answer cannot be sent.
    unread: Option<Instant>,
    bodies: Bodies,
    answers: Answers,
    /// Another needs the room.
    is_unwanted: bool,
}

/// What is being read of requests under way.
#[derive(Clone, Copy, Debug)]
struct Bodies {
    count: usize,
    /// When as much as there is should have been there: bodies come too slowly since then.
    behind: Instant,
}

/// What the client has to take of answers.
#[derive(Clone, Copy, Debug)]
struct Answers {
    count: usize,
    /// When the last one was taken, or the first one was there.
    since: Instant,
}

impl Answers {
    fn change(&mut self, by: isize) {
        if self.count == 0 || by < 0 {
            self.since = Instant::now();
        }
        self.count = self.count.saturating_add_signed(by);
    }
}

impl State {
    /// Since when an answer is not read.
    fn unread_since(&self) -> Option<Instant> {
        let answers = self.answers;
        let of_answers = (answers.count > 0).then_some(answers.since);
        [self.unread, of_answers].into_iter().flatten().min()
    }
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// TLS is not there yet.
    Handshake { since: Instant },
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
    use super::*;

    const LIMITS: Limits = Limits {
        handshake: Duration::from_secs(20),
        idle: Duration::from_mins(2),
        head: Duration::from_secs(10),
        unread: Duration::from_secs(30),
        ..Limits::DEFAULT
    };

    /// What expires next and how many seconds from now.
    async fn next(watchdog: &mut Watchdog) -> (Expired, u64) {
        let start = Instant::now();
        (watchdog.expired().await, start.elapsed().as_secs())
    }

    fn greeted() -> (Activity, Watchdog) {
        let (activity, watchdog) = Activity::new(&LIMITS);
        activity.greeted();
        (activity, watchdog)
    }

    #[tokio::test(start_paused = true)]
    async fn a_handshake_has_its_time() {
        let (activity, mut watchdog) = Activity::new(&LIMITS);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(next(&mut watchdog).await, (Expired::Handshake, 15));
        activity.greeted();
        assert_eq!(next(&mut watchdog).await, (Expired::Idle, 120));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_its_time_from_its_first_byte_only() {
        let (activity, mut watchdog) = greeted();
        tokio::time::advance(Duration::from_secs(100)).await;
        activity.received();
        tokio::time::advance(Duration::from_secs(4)).await;
        activity.received();
        assert_eq!(next(&mut watchdog).await, (Expired::Head, 6));
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_watchdog_notices_the_first_byte() {
        let (activity, mut watchdog) = greeted();
        let waiting = tokio::spawn(async move { next(&mut watchdog).await });
        tokio::time::sleep(Duration::from_mins(1)).await;
        activity.received();
        assert_eq!(waiting.await.unwrap(), (Expired::Head, 70));
    }

    #[tokio::test(start_paused = true)]
    async fn the_idle_time_starts_after_the_last_request() {
        let (activity, mut watchdog) = greeted();
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

    #[tokio::test(start_paused = true)]
    async fn an_answer_has_to_be_read_whatever_else_is_asked() {
        let (activity, mut watchdog) = greeted();
        drop(activity.request());
        activity.unread(true);
        let _next = activity.request();
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(next(&mut watchdog).await, (Expired::Unread, 23));
        activity.unread(false);
        tokio::time::timeout(Duration::from_secs(1_000), watchdog.expired())
            .await
            .unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn one_answer_after_the_other_has_to_be_taken() {
        let (activity, mut watchdog) = greeted();
        let first = activity.answer();
        tokio::time::advance(Duration::from_secs(20)).await;
        let second = activity.answer();
        tokio::time::advance(Duration::from_secs(5)).await;
        drop(first);
        assert_eq!(next(&mut watchdog).await, (Expired::Unread, 30));
        drop(second);
        assert_eq!(next(&mut watchdog).await, (Expired::Idle, 65));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_least_is_told_from_who_gives_more() {
        let (activity, _watchdog) = Activity::new(&LIMITS);
        let standing = || activity.standing().map(|(standing, _)| standing);
        assert_eq!(standing(), Some(Standing::Owing));
        activity.greeted();
        assert_eq!(standing(), Some(Standing::Unused));
        activity.received();
        assert_eq!(standing(), Some(Standing::Owing));
        let request = activity.request();
        assert_eq!(standing(), None);
        activity.unread(true);
        assert_eq!(standing(), None);
        drop(request);
        assert_eq!(standing(), Some(Standing::Owing));
        activity.unread(false);
        assert_eq!(standing(), Some(Standing::Idle));
        assert!(activity.evict());
        assert_eq!(standing(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_has_to_come_at_a_rate() {
        let limits = Limits {
            body_rate: 100,
            ..LIMITS
        };
        let (activity, _watchdog) = greeted();
        let late = || {
            let (standing, since) = activity.standing()?;
            Some((standing, since.elapsed().as_secs()))
        };
        let request = activity.request();
        assert_eq!(late(), None);
        tokio::time::advance(Duration::from_secs(5)).await;
        let body = activity.body(&limits);
        assert_eq!(late(), Some((Standing::Owing, 0)));
        tokio::time::advance(Duration::from_secs(5)).await;
        body.received(200);
        assert_eq!(late(), Some((Standing::Owing, 3)));
        body.received(10_000);
        assert_eq!(late(), Some((Standing::Owing, 0)), "nothing is saved up");
        let second = activity.request();
        assert!(late().is_none() && !activity.evict(), "one is answered");
        let next = activity.body(&limits);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(late(), Some((Standing::Owing, 1)));
        drop((next, second));
        drop(body);
        assert!(late().is_none() && !activity.evict());
        drop(request);
        assert_eq!(late(), Some((Standing::Idle, 0)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_saves_a_connection_that_has_not_ended() {
        let (activity, mut watchdog) = greeted();
        assert!(activity.evict());
        let evicted = Expired::Evicted { is_idle: true };
        assert_eq!(next(&mut watchdog).await, (evicted, 0));
        activity.received();
        let evicted = Expired::Evicted { is_idle: false };
        assert_eq!(next(&mut watchdog).await, (evicted, 0));
        let request = activity.request();
        assert!(!activity.evict());
        drop(request);
        assert_eq!(next(&mut watchdog).await, (Expired::Idle, 120));
    }
}
