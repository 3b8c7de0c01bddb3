//! Following one kind of object: its metadata, listed and then watched, again and again.
//!
//! After any error all are listed anew, with pauses that grow: what comes of a listing is certain,
//! and an API server in trouble is not asked often. A watch that only ended goes on where it was.

use std::convert::Infallible;
use std::time::Duration;

use kube::api::{ListParams, WatchParams};
use kube::core::Request;
use kube::runtime::watcher::Event;
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::client::{WATCH_SECONDS, told};
use super::health::Health;
use super::metadata::{self, Metadata, Page, Told, Version};

/// How many events are taken together, so that one outcome is worked out for them.
const EVENTS_AT_ONCE: usize = 100;

/// How many objects a page has. Here none of it is held as a whole; an API server holds all of it.
const PAGE_SIZE: u32 = 50;

/// How long a page may take.
const PAGE_TIMEOUT: Duration = Duration::from_mins(1);

/// The first pause after an error, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// How long after its listing a watch that left objects out gives way to another: what has become
/// free is taken then.
const LISTED_ANEW_AFTER: Duration = Duration::from_mins(10);

/// Follows the objects with these labels (`""` for all) in all namespaces, for good. `take` gets
/// what happened, in order, and says how many are held and left out.
pub(super) async fn follow<K, L>(
    client: &Client,
    labels: &str,
    health: &Health,
    mut take: impl FnMut(Vec<Event<Metadata<L>>>) -> (usize, usize) + Send,
) -> Infallible
where
    K: Resource<DynamicType = ()>,
    L: DeserializeOwned + Send + 'static,
{
    health.begins();
    let mut pauses = Pauses::default();
    let mut follower = Follower {
        client,
        labels,
        objects: Request::new(K::url_path(&(), None)),
        health,
        take: &mut take,
        leaves_out: false,
    };
    loop {
        let mut listed = None;
        if let Err(why) = follower.follow(&mut listed).await {
            health.fails(&why);
        }
        let well = listed.map_or(Duration::ZERO, |at: Instant| at.elapsed());
        sleep(pauses.next(well)).await;
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

/// One kind of object that is followed.
struct Follower<'a, L> {
    client: &'a Client,
    labels: &'a str,
    objects: Request,
    health: &'a Health,
    take: &'a mut Take<'a, L>,
    /// Whether there are more objects than are held.
    leaves_out: bool,
}

type Take<'a, L> = dyn FnMut(Vec<Event<Metadata<L>>>) -> (usize, usize) + Send + 'a;

impl<L: DeserializeOwned + Send + 'static> Follower<'_, L> {
    /// Lists all and watches, until that fails or all should be listed anew. `listed` is when the
    /// list was complete.
    async fn follow(&mut self, listed: &mut Option<Instant>) -> Result<(), String> {
        let mut version = self.list().await?;
        let begun = *listed.insert(Instant::now());
        loop {
            let mut told = self.watch(&version).await?;
            self.listen(&mut told, &mut version).await?;
            if self.leaves_out && begun.elapsed() > LISTED_ANEW_AFTER {
                return Ok(());
            }
            // one that ends at once, again and again, is not begun in a circle
            sleep(PAUSES.0).await;
        }
    }

    /// The version that the list is of.
    async fn list(&mut self) -> Result<String, String> {
        let mut params = ListParams::default().limit(PAGE_SIZE).labels(self.labels);
        self.give(vec![Event::Init]);
        loop {
            let page = timeout(PAGE_TIMEOUT, self.page(&params)).await;
            let page = page.map_err(|_| "a list takes too long".to_owned())??;
            let (objects, next) = page.open();
            let mut events: Vec<_> = objects.map(Event::InitApply).collect();
            match next {
                Ok(token) => {
                    self.give(events);
                    params = params.continue_token(&token);
                }
                Err(version) => {
                    let version = version.get().map(str::to_owned);
                    let version = version.ok_or("the API server names no version of a list")?;
                    events.push(Event::InitDone);
                    self.give(events);
                    self.health.follows();
                    return Ok(version);
                }
            }
        }
    }

    async fn page(&mut self, params: &ListParams) -> Result<Page<L>, String> {
        let request = self.objects.list_metadata(params);
        let request = request.map_err(|error| error.to_string())?;
        let body = self.client.request_stream(request).await;
        metadata::page(body.map_err(|error| told(&error))?).await
    }

    async fn watch(&mut self, version: &str) -> Result<mpsc::Receiver<(Told<L>, Version)>, String> {
        let params = WatchParams::default()
            .labels(self.labels)
            .timeout(WATCH_SECONDS);
        let request = self.objects.watch_metadata(&params, version);
        let request = request.map_err(|error| error.to_string())?;
        let body = self.client.request_stream(request).await;
        let body = body.map_err(|error| told(&error))?;
        self.health.hears();
        Ok(metadata::watch(body, EVENTS_AT_ONCE))
    }

    /// Takes what a watch tells until it ends.
    async fn listen(
        &mut self,
        told: &mut mpsc::Receiver<(Told<L>, Version)>,
        version: &mut String,
    ) -> Result<(), String> {
        // the API server ends it earlier
        let patience = Duration::from_secs(u64::from(WATCH_SECONDS) + 5);
        loop {
            let mut lines = Vec::new();
            let some = timeout(patience, told.recv_many(&mut lines, EVENTS_AT_ONCE)).await;
            if some.unwrap_or(0) == 0 {
                return Ok(());
            }
            let mut failure = None;
            let mut events = Vec::new();
            for (line, at) in lines {
                match line {
                    Told::Is(object) => events.push(Event::Apply(object)),
                    Told::Gone(object) => events.push(Event::Delete(object)),
                    Told::Nothing => {}
                    Told::Failed(why) => failure = Some(why),
                }
                if let Some(at) = at.get() {
                    at.clone_into(version);
                }
            }
            self.give(events);
            match failure {
                Some(why) => return Err(why),
                None => self.health.hears(),
            }
        }
    }

    fn give(&mut self, events: Vec<Event<Metadata<L>>>) {
        let (objects, left_out) = (self.take)(events);
        self.health.holds(objects, left_out);
        self.leaves_out = left_out > 0;
    }
}

#[cfg(test)]
mod tests;
