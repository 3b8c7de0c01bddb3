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

mod watchdog;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

pub(super) use self::watchdog::{Expired, Watchdog};
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
        (Self(Arc::new(sender)), Watchdog::new(receiver, limits))
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
            grace: limits.grace,
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
    grace: Duration,
}

impl Reading {
    /// So many bytes more have come.
    pub(super) fn received(&self, bytes: usize) {
        let (now, time) = (
            Instant::now(),
            Duration::from_secs(bytes as u64) / self.rate,
        );
        // Nobody waits for this: it is looked at where there is no room for another.
        self.activity.0.send_if_modified(|state| {
            let bodies = &mut state.bodies;
            bodies.behind = now.min(bodies.behind + time);
            // What waits here already is no fault of the client.
            let is_in_time = now.duration_since(bodies.behind) < self.grace;
            is_in_time && std::mem::take(&mut state.is_unwanted)
        });
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.activity.0.send_if_modified(|state| {
            state.bodies.count = state.bodies.count.saturating_sub(1);
            let has_whole = matches!(
                state.phase,
                Phase::Busy { requests } if requests > state.bodies.count
            );
            has_whole && std::mem::take(&mut state.is_unwanted)
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
mod tests;
