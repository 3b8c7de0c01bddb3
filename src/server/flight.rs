//! Admits reviews by the bytes of their bodies, so that memory is bounded whatever clients send.
//!
//! Small and large reviews have a budget each: large ones, of which a few fill theirs, do not hold
//! up small ones. A body is counted from before it is read until its answer is handed to the
//! system, as the larger of the two. What reviewing a large body takes beyond it has a budget of
//! its own, for which reviews wait: whoever has it waits for nothing more, so that it comes free.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;

use crate::telemetry::{Metrics, metrics};

use super::deadline::Deadline;
use super::limits::Limits;
use super::room::Room;

/// The budgets of a server.
#[derive(Debug)]
pub(super) struct Flight {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    work: Arc<Semaphore>,
    room: Arc<Room>,
    limits: Limits,
    metrics: Metrics,
}

impl Flight {
    /// The budgets for the bodies that come by the connections in the room.
    pub(super) fn new(limits: &Limits, metrics: Metrics, room: Arc<Room>) -> Self {
        let (small, large) = budgets(limits);
        Self {
            small: Arc::new(Semaphore::new(small)),
            large: Arc::new(Semaphore::new(large)),
            work: Arc::new(Semaphore::new(limits.work_bytes)),
            room,
            limits: *limits,
            metrics,
        }
    }

    /// Admits a body of so many bytes. Where there is no room those go who have of it and do not
    /// send; the client is told to ask again, if it has time for that; if not, what is left of its
    /// time is waited.
    pub(super) async fn admit(&self, bytes: usize, deadline: Deadline) -> Result<Held, Refused> {
        let budget = if bytes <= self.limits.inline_bytes {
            &self.small
        } else {
            &self.large
        };
        let count = permits(bytes);
        if let Ok(permit) = Arc::clone(budget).try_acquire_many_owned(count) {
            return Ok(Held::new(permit, &self.metrics));
        }
        self.room.close_slow_bodies();
        if deadline.leaves_time_to_retry() {
            return Err(Refused::Shed);
        }
        let waiting = Arc::clone(budget).acquire_many_owned(count);
        match timeout_at(deadline.at(), waiting).await {
            Ok(Ok(permit)) => Ok(Held::new(permit, &self.metrics)),
            Ok(Err(_)) | Err(_) => Err(Refused::Late),
        }
    }

    /// Waits until there is memory for reviewing a large body of so many bytes.
    pub(super) async fn work(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let wanted = bytes.saturating_mul(self.limits.work_factor);
        let count = permits(wanted.min(self.limits.work_bytes));
        Arc::clone(&self.work).acquire_many_owned(count).await.ok()
    }

    /// Bytes of bodies and answers that are held now.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let (small, large) = budgets(&self.limits);
        small + large - self.small.available_permits() - self.large.available_permits()
    }
}

/// Bytes that are counted for one body; given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    permit: OwnedSemaphorePermit,
    counted: metrics::Held,
    metrics: Metrics,
}

impl Held {
    fn new(permit: OwnedSemaphorePermit, metrics: &Metrics) -> Self {
        Self {
            counted: metrics.bytes_in_flight(permit.num_permits()),
            permit,
            metrics: metrics.clone(),
        }
    }

    /// How many.
    pub(super) fn bytes(&self) -> usize {
        self.permit.num_permits()
    }

    /// Gives back what is beyond so many bytes.
    pub(super) fn shrink_to(&mut self, bytes: usize) {
        let beyond = self.bytes().saturating_sub(bytes);
        drop(self.permit.split(beyond));
        self.counted = self.metrics.bytes_in_flight(self.bytes());
    }
}

/// Both budgets in bytes, small reviews' first. A body that is larger than its whole budget would
/// never be admitted.
fn budgets(limits: &Limits) -> (usize, usize) {
    (
        limits.flight_reserve.max(limits.inline_bytes),
        limits.flight_bytes.max(limits.body_bytes),
    )
}

/// What may be in flight at most, in bytes.
pub(super) fn bound(limits: &Limits) -> usize {
    let (small, large) = budgets(limits);
    small + large
}

/// Why a body is not admitted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refused {
    /// No room now; there is time to ask again.
    Shed,
    /// No room until the deadline.
    Late,
}

/// A count that a semaphore takes; every budget is far below.
fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;

    use super::*;

    const LIMITS: Limits = Limits {
        body_bytes: 100,
        inline_bytes: 10,
        flight_bytes: 150,
        flight_reserve: 20,
        work_bytes: 200,
        work_factor: 2,
        ..Limits::DEFAULT
    };

    fn flight() -> Flight {
        let room = Room::new(1, &LIMITS, Metrics::new());
        Flight::new(&LIMITS, Metrics::new(), room)
    }

    fn within(timeout: &'static str) -> Deadline {
        let uri = Uri::from_static(timeout);
        Deadline::of(&uri, &LIMITS)
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_leave_room_for_small_ones() {
        let flight = flight();
        let first = flight.admit(100, within("/?timeout=5s")).await.unwrap();
        let shed = flight.admit(51, within("/?timeout=5s")).await.unwrap_err();
        assert_eq!(shed, Refused::Shed);
        let small = flight.admit(10, within("/?timeout=5s")).await.unwrap();
        assert_eq!(flight.bytes(), 110);
        drop((first, small));
        flight.admit(51, within("/?timeout=5s")).await.unwrap();
        assert_eq!(flight.bytes(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_cannot_ask_again_waits_to_the_end_of_its_time() {
        let flight = flight();
        let held = flight.admit(100, within("/")).await.unwrap();
        let late = flight.admit(100, within("/?timeout=1s")).await.unwrap_err();
        assert_eq!(late, Refused::Late);

        let waiting = flight.admit(100, within("/?timeout=1s"));
        let release = async {
            tokio::task::yield_now().await;
            drop(held);
        };
        let (admitted, ()) = tokio::join!(waiting, release);
        assert_eq!(admitted.unwrap().bytes(), 100);
    }

    #[tokio::test]
    async fn what_an_answer_does_not_need_is_given_back() {
        let flight = flight();
        let mut held = flight.admit(100, within("/")).await.unwrap();
        held.shrink_to(30);
        assert_eq!((held.bytes(), flight.bytes()), (30, 30));
        held.shrink_to(50);
        assert_eq!((held.bytes(), flight.bytes()), (30, 30));
    }

    #[tokio::test]
    async fn work_beyond_its_whole_budget_is_done_alone() {
        let flight = flight();
        let alone = flight.work(1_000).await.unwrap();
        assert_eq!(alone.num_permits(), 200);
        let mut next = std::pin::pin!(flight.work(1));
        assert!(futures_poll(next.as_mut()).await.is_none());
        drop(alone);
        assert_eq!(next.await.unwrap().num_permits(), 2);
    }

    /// The result, if there is one at once.
    async fn futures_poll<F: Future>(future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            output = future => Some(output),
            () = std::future::ready(()) => None,
        }
    }
}
