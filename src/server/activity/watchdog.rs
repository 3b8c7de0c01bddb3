//! The timers of a connection: which of them is over first.

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::{Phase, State};
use crate::server::limits::Limits;

/// Waits for something to last too long.
#[derive(Debug)]
pub(in crate::server) struct Watchdog {
    state: watch::Receiver<State>,
    limits: Limits,
}

impl Watchdog {
    pub(super) fn new(state: watch::Receiver<State>, limits: &Limits) -> Self {
        Self {
            state,
            limits: *limits,
        }
    }

    /// Returns when the connection's time is up. Safe to call again after cancellation.
    pub(in crate::server) async fn expired(&mut self) -> Expired {
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
pub(in crate::server) enum Expired {
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
