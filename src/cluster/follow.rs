//! Following one kind of object: its metadata, listed and then watched, again and again.
//!
//! After any error all are listed anew, with pauses that grow: what comes of a listing is certain,
//! and an API server in trouble is not asked often.

use std::convert::Infallible;
use std::fmt::Debug;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use kube::core::{ObjectMeta, PartialObjectMeta};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::health::Health;

/// How many events are taken together, so that one outcome is worked out for them.
const EVENTS_AT_ONCE: usize = 500;

/// The first pause after an error, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// Follows the objects with these labels (`""` for all) in all namespaces, for good. `take` gets
/// what happened, in order, and says how many are held and left out.
pub(super) async fn follow<K>(
    client: &Client,
    labels: &str,
    health: &Health,
    mut take: impl FnMut(Vec<Event<ObjectMeta>>) -> (usize, usize),
) -> Infallible
where
    K: Clone + Debug + DeserializeOwned + Resource<DynamicType = ()> + Send + 'static,
    PartialObjectMeta<K>: Resource<DynamicType = ()>,
{
    health.begins();
    let mut pauses = Pauses::default();
    let mut config = watcher::Config::default();
    if !labels.is_empty() {
        config = config.labels(labels);
    }
    loop {
        let begun = Instant::now();
        let api = Api::<PartialObjectMeta<K>>::all(client.clone());
        let mut events = pin!(watcher(api, config.clone()).ready_chunks(EVENTS_AT_ONCE));
        let mut failure = None;
        while failure.is_none()
            && let Some(some) = events.next().await
        {
            let mut happened = Vec::with_capacity(some.len());
            let mut is_listed = false;
            for event in some {
                match event {
                    Ok(event) => {
                        is_listed |= matches!(event, Event::InitDone);
                        happened.push(metadata(event));
                    }
                    Err(error) => {
                        failure = Some(words(&error));
                        break;
                    }
                }
            }
            let (objects, left_out) = take(happened);
            health.holds(objects, left_out);
            if is_listed {
                health.follows();
            }
        }
        health.fails(failure.as_deref().unwrap_or("the watch ended"));
        tokio::time::sleep(pauses.next(begun.elapsed())).await;
    }
}

/// Pauses between attempts.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    last: Option<Duration>,
}

impl Pauses {
    /// The pause after an attempt that went well for so long: twice the last one, from the shortest
    /// on after one that lasted.
    pub(super) fn next(&mut self, lasted: Duration) -> Duration {
        let (shortest, longest) = PAUSES;
        let pause = match self.last {
            Some(last) if lasted <= longest => (last * 2).min(longest),
            _ => shortest,
        };
        self.last = Some(pause);
        pause
    }
}

fn metadata<K>(event: Event<PartialObjectMeta<K>>) -> Event<ObjectMeta> {
    match event {
        Event::Apply(object) => Event::Apply(object.metadata),
        Event::Delete(object) => Event::Delete(object.metadata),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(object.metadata),
        Event::InitDone => Event::InitDone,
    }
}

/// What an error says, without what the API server's whole answer looks like.
fn words(error: &watcher::Error) -> String {
    use watcher::Error::{
        InitialListFailed, NoResourceVersion, WatchError, WatchFailed, WatchStartFailed,
    };
    match error {
        InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => told(error),
        WatchError(status) => status.message.clone(),
        NoResourceVersion => error.to_string(),
    }
}

/// The same of a single call.
pub(super) fn told(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    // the reasons stand below
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(reason) = source {
        let reason_text = reason.to_string();
        if !text.contains(&reason_text) {
            text = format!("{text}: {reason_text}");
        }
        source = reason.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_an_attempt_lasts() {
        let mut pauses = Pauses::default();
        let mut seconds = |lasted| pauses.next(Duration::from_secs(lasted)).as_secs();
        let at_once: Vec<_> = (0..8).map(|_| seconds(0)).collect();
        assert_eq!(at_once, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(
            seconds(60),
            60,
            "a listing that works and a watch that does not"
        );
        assert_eq!(seconds(61), 1);
        assert_eq!(seconds(0), 2);
    }
}
