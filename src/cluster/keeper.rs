//! Looks after the authority and the webhook configurations, again and again.
//!
//! Each look reads everything and decides anew: what is heard from watches only says that it is
//! time. The order matters. Configurations are read before the Secret, and written under the
//! version that was read, so that a bundle older than the Secret never replaces a newer one. A
//! replica serves a certificate of another authority only when it has itself seen that authority in
//! every `caBundle` for [`Pace::settle`]; one leader moves the rotation on, by the same measure.
//! Whoever's clock is half a day off does none of it.
//! A configuration that is missing is made only by who has had a certificate for [`Pace::answers`].
//! Nothing here is on the way of a review: without an API server what is served is served on, and
//! renewed.

mod error;
mod registering;
mod signing;

use std::convert::Infallible;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{Arc, PoisonError, RwLock};

use kube::Client;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio::time::{Instant, interval, sleep, timeout};
use tracing::{debug, info, warn};

pub use self::error::KeepError;
use self::error::describe;
use self::registering::Age;
use super::Registration;
use super::issuer::Issuer;
use super::lease::Election;
use super::pace::{Pace, Struggle, jittered};
use super::seen::Seen;
use super::store::Store;
use crate::certs::Trust;
use crate::policy::Policy;
use crate::telemetry::Metrics;

/// What time it is: the system's clock, or a test's.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;
/// The policy in force.
pub type InForce = Arc<dyn Fn() -> Arc<Policy> + Send + Sync>;

/// What a keeper is made of.
pub struct KeeperOptions {
    /// Whom to ask.
    pub client: Client,
    /// The server's own namespace.
    pub namespace: String,
    /// What no other replica is called.
    pub identity: String,
    /// Who issues the served certificate, where it is self-managed.
    pub issuer: Option<Issuer>,
    /// What to register, and for which policy, where that is wanted.
    pub register: Option<(Registration, InForce)>,
    /// How fast.
    pub pace: Pace,
    /// What time it is.
    pub clock: Clock,
    /// Who is told.
    pub metrics: Metrics,
}

/// How it stands, for whoever asks.
#[derive(Debug, Default)]
pub struct Standing(RwLock<Told>);

#[derive(Debug, Default)]
struct Told {
    says: String,
    astray: time::Duration,
}

impl Standing {
    /// In a few words.
    pub fn says(&self) -> String {
        let told = self.0.read().unwrap_or_else(PoisonError::into_inner);
        told.says.clone()
    }

    /// How far this machine's clock is ahead of the API server's, where that is known to be too far.
    pub fn astray(&self) -> time::Duration {
        let told = self.0.read().unwrap_or_else(PoisonError::into_inner);
        told.astray
    }

    fn set(&self, says: String) {
        let mut told = self.0.write().unwrap_or_else(PoisonError::into_inner);
        told.says = says;
    }

    fn is_astray(&self, by: Option<time::Duration>) {
        let mut told = self.0.write().unwrap_or_else(PoisonError::into_inner);
        told.astray = by.unwrap_or_default();
    }
}

/// Looks after what is in the cluster.
pub struct Keeper {
    store: Store,
    election: Election,
    issuer: Option<Issuer>,
    register: Option<(Registration, InForce)>,
    pace: Pace,
    clock: Clock,
    metrics: Metrics,
    standing: Arc<Standing>,
    seen: Seen,
    /// What the Secret held when it was last of use.
    remembered: Option<Trust>,
    /// What the configurations had to be when they were last looked after.
    kept: [Option<Value>; 2],
    /// Whether the API server is of before `matchConditions`.
    age: Age,
    /// Since when clients get an answer here, without a break.
    answers_since: Option<Instant>,
    /// What was last complained of.
    told: Option<String>,
}

/// What came of a look.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Found {
    /// Everything as it has to be.
    Right,
    /// Something that had to be written.
    Changed,
    /// A configuration is missing that has to wait until this server is known to answer.
    Early,
}

impl Keeper {
    /// Asks nobody yet.
    pub fn new(options: KeeperOptions) -> Self {
        let KeeperOptions {
            client,
            namespace,
            identity,
            issuer,
            register,
            pace,
            clock,
            metrics,
        } = options;
        let standing = Arc::new(Standing::default());
        standing.set("the API server was not asked yet".to_owned());
        Self {
            store: Store::new(&client, &namespace),
            election: Election::new(&client, &namespace, identity, pace.lease),
            issuer,
            register,
            pace,
            clock,
            metrics,
            standing,
            seen: Seen::default(),
            remembered: None,
            kept: [None, None],
            age: Age::default(),
            answers_since: None,
            told: None,
        }
    }

    /// How it stands, now and later.
    pub fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.standing)
    }

    /// Looks after it for ever.
    pub async fn run(self) -> Infallible {
        let wake = Notify::new();
        let store = self.store.clone();
        let (issues, policy) = (self.issuer.is_some(), self.register.clone());
        let changed = || wake.notify_one();
        let watch_authority = async {
            if issues {
                store.watch_authority(&changed).await;
            }
        };
        let watch_policy = watch_policy(policy, self.pace, &changed);
        let watches = async {
            tokio::join!(
                watch_authority,
                store.watch_configurations(&changed),
                watch_policy
            );
            // watches have no end
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            never = self.look_again(&wake) => never,
            never = watches => never,
        }
    }

    async fn look_again(mut self, wake: &Notify) -> Infallible {
        let mut struggle = Struggle::default();
        loop {
            let looked = timeout(self.pace.look, self.look()).await;
            let looked = looked.unwrap_or(Err(KeepError::Slow));
            let now = (self.clock)();
            let failed = looked.is_err();
            let rest = match looked {
                Ok(Found::Early) => self.pace.answers,
                _ => self.pace.resync,
            };
            match &looked {
                Ok(Found::Right | Found::Early) => struggle.was_right(Instant::now(), &self.pace),
                Ok(Found::Changed) => struggle.changed(Instant::now()),
                Err(_) => struggle.failed(),
            }
            match looked {
                Ok(_) => self.went_well(now),
                Err(error) => self.went_wrong(&error),
            }
            let knows_the_time = self.election.astray(now).is_none();
            let issuer = self.issuer.as_mut().filter(|_| knows_the_time);
            if let Some(Err(error)) = issuer.map(|issuer| issuer.renew(now)) {
                self.went_wrong(&error.into());
            }
            let random = RandomState::new().build_hasher().finish();
            sleep(jittered(struggle.pause(&self.pace), random)).await;
            if failed {
                continue;
            }
            tokio::select! {
                () = wake.notified() => {}
                () = sleep(jittered(rest, random)) => {}
            }
        }
    }

    fn went_well(&mut self, now: OffsetDateTime) {
        self.metrics.cluster_synced(now.unix_timestamp());
        if self.told.take().is_some() {
            info!("CA and webhook configurations are looked after again.");
        }
        let is_seen = self.issuer.as_ref().and_then(Issuer::fingerprint);
        let is_seen = is_seen.map(|authority| (self.seen.is_trusted(&authority), authority));
        self.standing.set(match is_seen {
            None => "kept in the cluster".to_owned(),
            Some((true, authority)) => format!("CA {}, known to the webhooks", authority.short()),
            Some((false, authority)) => {
                format!("CA {}, not yet in every caBundle", authority.short())
            }
        });
    }

    fn went_wrong(&mut self, error: &KeepError) {
        if matches!(error, KeepError::Overtaken) {
            debug!("Has to look again before anything is written.");
            return;
        }
        // nobody knows what happens meanwhile
        self.seen.forget();
        self.metrics.cluster_trouble(error.trouble());
        let told = describe(error);
        self.standing.set(told.clone());
        if self.told.as_ref() != Some(&told) {
            warn!(
                error = told,
                "Cannot look after CA and webhook configurations."
            );
            self.told = Some(told);
        }
    }

    /// Looks once at everything, and puts right what is not.
    async fn look(&mut self) -> Result<Found, KeepError> {
        let live = self.store.configurations().await?;
        let now = (self.clock)();
        let leads = self.election.leads(now).await.map_err(KeepError::from);
        let astray = self.election.astray(now);
        self.standing.is_astray(astray);
        if let Some(by) = astray {
            return Err(KeepError::Astray(by.whole_hours().unsigned_abs()));
        }
        let may_replace = leads.as_ref().is_ok_and(|leads| *leads);
        let mut stored = match &self.issuer {
            Some(_) => Some(self.authority(&live, may_replace).await?),
            None => None,
        };
        self.seen.look(live.iter().flatten(), Instant::now());
        // a certificate comes first: whatever goes wrong below, this server answers
        let followed = stored.as_ref().map(|(_, trust)| self.follow(trust));
        self.remembered = stored.as_ref().map(|(_, trust)| trust.clone());
        self.answers();
        let mut found = Found::Right;
        if leads? {
            if let Some((stored, trust)) = &mut stored
                && self.step(stored, trust).await?
            {
                self.remembered = Some(trust.clone());
                found = Found::Changed;
            }
            let trust = stored.as_ref().map(|(_, trust)| trust);
            let written = self.write(&live, trust).await?;
            if found == Found::Right {
                found = written;
            }
        }
        followed.transpose()?;
        Ok(found)
    }

    /// Whether there is a certificate that clients take, and since when.
    fn answers(&mut self) {
        let now = (self.clock)();
        let is_good = self
            .issuer
            .as_ref()
            .is_none_or(|issuer| issuer.is_good(now));
        self.answers_since = match self.answers_since {
            _ if !is_good => None,
            None => Some(Instant::now()),
            since => since,
        };
    }
}

/// Says when another policy is in force.
async fn watch_policy(
    register: Option<(Registration, InForce)>,
    pace: Pace,
    changed: &(impl Fn() + Sync),
) {
    let Some((_, policy)) = register else {
        return;
    };
    let mut known = policy();
    let mut ticks = interval(pace.policy);
    loop {
        ticks.tick().await;
        let now = policy();
        if !Arc::ptr_eq(&known, &now) {
            known = now;
            changed();
        }
    }
}
