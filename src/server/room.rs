//! Who may be connected.
//!
//! Owns the bound on connections, and the choice of whom to close for a newcomer where it is
//! reached: clients that hold connections and give nothing would keep everybody else out. First
//! goes who owes a handshake, the rest of a head or of a body, or the reading of an answer, then who
//! never asked anything, then who asks nothing now; each time who has been so for longest, and
//! nobody who has not been so for [`Limits::grace`]. Many who come at once do not push out those who
//! have asked before ([`Limits::unproven`]). A request that has come in whole is never cut off. How a
//! connection is closed is its own affair.
//!
//! The room for bodies in flight is not this one, but whoever has of it without sending is closed
//! here too.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use crate::telemetry::Metrics;

use super::activity::{Activity, Standing, Watchdog};
use super::limits::Limits;

/// The connections of a server.
#[derive(Debug)]
pub(super) struct Room {
    places: Arc<Semaphore>,
    open: Mutex<Open>,
    /// When slow bodies were last looked for.
    looked: Mutex<Option<Instant>>,
    limits: Limits,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct Open {
    connections: HashMap<u64, Activity>,
    /// What the next one is called.
    next: u64,
}

impl Room {
    /// For so many connections.
    pub(super) fn new(connections: usize, limits: &Limits, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(connections)),
            open: Mutex::default(),
            looked: Mutex::default(),
            limits: *limits,
            metrics,
        })
    }

    /// A place for one more, as soon as there is one. Nothing if there will be none.
    pub(super) async fn enter(self: &Arc<Self>) -> Option<Place> {
        loop {
            if let Some(place) = self.try_enter() {
                return Some(place);
            }
            self.make_room();
            tokio::select! {
                biased;
                permit = Arc::clone(&self.places).acquire_owned() => {
                    return Some(self.place(permit.ok()?));
                }
                // Whom to close may show only now, or be slow to go.
                () = sleep(self.limits.accept_backoff) => {}
            }
        }
    }

    /// A place for one more, if there is one.
    pub(super) fn try_enter(self: &Arc<Self>) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(self.place(permit))
    }

    /// Closes all connections whose bodies come too slowly, as there is no room for another body.
    pub(super) fn close_slow_bodies(&self) {
        let now = Instant::now();
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever is told to ask again is told so in no time, however many they are.
        if looked.is_some_and(|looked| now < looked + self.limits.accept_backoff) {
            return;
        }
        *looked = Some(now);
        drop(looked);
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for activity in open.connections.values() {
            let since = activity.slow_body();
            if since.is_some_and(|since| now.duration_since(since) >= self.limits.grace)
                && activity.evict()
            {
                debug!("Closing a connection whose body takes the room of others.");
                self.metrics.evicted();
            }
        }
    }

    fn place(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Place {
        let (activity, watchdog) = Activity::new(&self.limits);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let number = open.next;
        open.next += 1;
        open.connections.insert(number, activity.clone());
        Place {
            activity,
            watchdog,
            _taken: Taken {
                room: Arc::clone(self),
                number,
                _permit: permit,
            },
        }
    }

    /// Tells the connection that gives least to end, if there is one that may be told so.
    fn make_room(&self) {
        let now = Instant::now();
        let Limits {
            grace, unproven, ..
        } = self.limits;
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let all = open.connections.values();
        let standings: Vec<_> = all
            .filter_map(|activity| Some((activity.standing()?, activity)))
            .collect();
        let is_proven = |standing| standing == Standing::Idle;
        let others = standings.iter();
        let others = others.filter(|((standing, _), _)| !is_proven(*standing));
        let are_many = others.count() > unproven;
        let least = standings
            .into_iter()
            .filter(|((_, since), _)| now.duration_since(*since) >= grace)
            .filter(|((standing, _), _)| !(are_many && is_proven(*standing)))
            .min_by_key(|(standing, _)| *standing);
        if let Some(((standing, _), activity)) = least
            && activity.evict()
        {
            debug!(?standing, "Closing a connection to make room for another.");
            self.metrics.evicted();
        }
    }
}

/// What a connection has while it is open.
#[derive(Debug)]
pub(super) struct Place {
    /// What it is doing.
    pub(super) activity: Activity,
    /// Says when it has to end.
    pub(super) watchdog: Watchdog,
    _taken: Taken,
}

/// Its room, given back when dropped.
#[derive(Debug)]
struct Taken {
    room: Arc<Room>,
    number: u64,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let open = self.room.open.lock();
        let mut open = open.unwrap_or_else(PoisonError::into_inner);
        open.connections.remove(&self.number);
    }
}

/// How many connections may be open: as many as are wanted, but fewer than the system lets the
/// process have files. Where that cannot be told, it shows when a connection is accepted.
pub(super) fn allowed(limits: &Limits) -> usize {
    let text = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some(files) = open_files(&text) else {
        return limits.connections;
    };
    let allowed = files.saturating_sub(limits.own_files).max(files / 2);
    if allowed < limits.connections {
        warn!(
            files,
            connections = allowed,
            "Few files may be open: fewer connections are accepted."
        );
    }
    allowed.min(limits.connections)
}

/// The soft limit on open files, in Linux' table of limits.
fn open_files(table: &str) -> Option<usize> {
    let row = table
        .lines()
        .find_map(|row| row.strip_prefix("Max open files"))?;
    row.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{advance, timeout};

    use super::super::activity::Expired;
    use super::*;

    const GRACE: Duration = Duration::from_secs(2);
    const LIMITS: Limits = Limits {
        grace: GRACE,
        ..Limits::DEFAULT
    };

    fn full_of<const N: usize>() -> (Arc<Room>, [Place; N]) {
        let room = Room::new(N, &LIMITS, Metrics::new());
        let places = std::array::from_fn(|_| room.try_enter().unwrap());
        (room, places)
    }

    /// Which of these is told to end when one more comes.
    async fn goes<const N: usize>(room: &Arc<Room>, places: &mut [Place; N]) -> Option<usize> {
        timeout(Duration::ZERO, room.enter()).await.unwrap_err();
        let mut gone = None;
        for (number, place) in places.iter_mut().enumerate() {
            let evicted = timeout(Duration::ZERO, place.watchdog.expired()).await;
            if matches!(evicted, Ok(Expired::Evicted { .. })) {
                assert_eq!(gone.replace(number), None, "one at a time");
            }
        }
        gone
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_least_goes_first_and_who_works_never() {
        let (room, mut places) = full_of::<5>();
        advance(GRACE).await;
        let [busy, idle, unused, head, _handshake] = &mut places;
        for place in [&*busy, idle, unused, head] {
            place.activity.greeted();
        }
        let _request = busy.activity.request();
        drop(idle.activity.request());
        head.activity.received();
        advance(GRACE).await;
        for expected in [Some(4), Some(3), Some(2), Some(1), None] {
            assert_eq!(goes(&room, &mut places).await, expected);
            if let Some(place) = expected.and_then(|number| places.get_mut(number)) {
                // in its place is somebody who works
                place.activity.greeted();
                std::mem::forget(place.activity.request());
            }
        }
        assert!(room.metrics.encode().contains("evicted_total 4\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_a_body_too_slowly_goes() {
        let (room, mut places) = full_of::<3>();
        let mut guards = Vec::new();
        for place in &places {
            place.activity.greeted();
            let request = place.activity.request();
            guards.push((place.activity.body(&LIMITS), request));
        }
        advance(GRACE).await;
        guards[0]
            .0
            .received(usize::try_from(LIMITS.body_rate).unwrap());
        // has come in whole
        let (body, _whole) = guards.remove(2);
        drop(body);
        assert_eq!(goes(&room, &mut places).await, Some(1));
        room.close_slow_bodies();
        assert!(!places[0].activity.is_unwanted());
        advance(GRACE / 2).await;
        room.close_slow_bodies();
        let gone = places.map(|place| place.activity.is_unwanted());
        assert_eq!(gone, [true, true, false]);
        assert!(room.metrics.encode().contains("evicted_total 2\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_goes_and_nobody_before_the_grace_is_over() {
        let (room, mut places) = full_of::<2>();
        advance(GRACE / 2).await;
        places[0].activity.greeted();
        drop(places[0].activity.request());
        places[0].activity.received();
        advance(GRACE / 4).await;
        assert_eq!(goes(&room, &mut places).await, None);
        advance(GRACE / 4).await;
        assert_eq!(goes(&room, &mut places).await, Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_come_at_once_do_not_push_out_those_who_have_asked() {
        for (unproven, expected) in [(1, None), (2, Some(0))] {
            let limits = Limits { unproven, ..LIMITS };
            let room = Room::new(3, &limits, Metrics::new());
            let old = room.try_enter().unwrap();
            old.activity.greeted();
            drop(old.activity.request());
            advance(GRACE).await;
            let second = room.try_enter().unwrap();
            advance(Duration::from_millis(1)).await;
            let mut places = [old, second, room.try_enter().unwrap()];
            assert_eq!(goes(&room, &mut places).await, expected, "{unproven}");
            if expected.is_none() {
                advance(GRACE).await;
                assert_eq!(goes(&room, &mut places).await, Some(1));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_is_left_is_the_next_ones() {
        let (room, [first, _second]) = full_of::<2>();
        let enter = tokio::spawn(async move { room.enter().await.is_some() });
        tokio::task::yield_now().await;
        drop(first);
        assert!(enter.await.unwrap());
    }

    #[test]
    fn the_limit_on_open_files_is_found() {
        let table = "Limit                     Soft Limit           Hard Limit           Units     \n\
                     Max processes             63432                63432                processes \n\
                     Max open files            1024                 1048576              files     \n";
        assert_eq!(open_files(table), Some(1_024));
        assert_eq!(open_files(&table.replace("1024 ", "unlimited ")), None);
        assert_eq!(open_files(""), None);
    }
}
