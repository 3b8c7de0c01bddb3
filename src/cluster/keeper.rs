//! Looks after the authority and the webhook configurations, again and again.
//!
//! Each look reads everything and decides anew: what is heard from watches only says that it is
//! time. The order matters. Configurations are read before the Secret, and written under the
//! version that was read, so that a bundle older than the Secret never replaces a newer one. A
//! replica serves a certificate of another authority only when it has itself seen that authority in
//! every `caBundle` for [`Pace::settle`]; one leader moves the rotation on, by the same measure.
//! Nothing here is on the way of a review: without an API server what is served is served on, and
//! renewed.

use std::convert::Infallible;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{Arc, PoisonError, RwLock};

use kube::core::DynamicObject;
use kube::{Client, Error};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio::time::{Instant, interval, sleep, timeout};
use tracing::{debug, info, warn};

use super::issuer::{IssueError, Issuer};
use super::lease::Election;
use super::live::{Seen, bundle_patch, trusted, whole_patch};
use super::pace::{Pace, jittered};
use super::rights::AUTHORITY;
use super::store::{CONFIGURATIONS, Store, Stored};
use super::{Registration, Unselected};
use crate::certs::{CertError, Certificate, Damage, Step, Trust};
use crate::policy::Policy;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Trouble;

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
pub struct Standing(RwLock<String>);

impl Standing {
    /// In a few words.
    pub fn says(&self) -> String {
        let says = self.0.read().unwrap_or_else(PoisonError::into_inner);
        says.clone()
    }

    fn set(&self, says: String) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = says;
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
    /// Whether the API server is of before `matchConditions`, and does not take them.
    is_old: bool,
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
            is_old: false,
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
        let mut in_a_row = 0_u32;
        loop {
            let looked = timeout(self.pace.look, self.look()).await;
            let looked = looked.unwrap_or(Err(KeepError::Slow));
            let now = (self.clock)();
            let failed = looked.is_err();
            in_a_row = match &looked {
                Ok(Found::Right) => 0,
                _ => in_a_row.saturating_add(1),
            };
            match looked {
                Ok(_) => self.went_well(now),
                Err(error) => self.went_wrong(&error),
            }
            if let Some(Err(error)) = self.issuer.as_mut().map(|issuer| issuer.renew(now)) {
                self.went_wrong(&error.into());
            }
            // a struggle with somebody else, or with an API server in trouble, slows down
            let random = RandomState::new().build_hasher().finish();
            sleep(jittered(self.pace.pause_after(in_a_row.max(1)), random)).await;
            if failed {
                continue;
            }
            tokio::select! {
                () = wake.notified() => {}
                () = sleep(jittered(self.pace.resync, random)) => {}
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
        let mut stored = match &self.issuer {
            Some(_) => Some(self.authority(&live).await?),
            None => None,
        };
        self.seen.look(live.iter().flatten(), Instant::now());
        let mut found = Found::Right;
        if self.election.leads((self.clock)()).await? {
            if let Some((stored, trust)) = &mut stored
                && self.step(stored, trust).await?
            {
                found = Found::Changed;
            }
            let trust = stored.as_ref().map(|(_, trust)| trust);
            if self.write(&live, trust).await? {
                found = Found::Changed;
            }
        }
        if let Some((_, trust)) = stored {
            self.follow(&trust)?;
            self.remembered = Some(trust);
        }
        Ok(found)
    }

    /// What the Secret holds, once that is of use.
    async fn authority(
        &mut self,
        live: &[Option<DynamicObject>; 2],
    ) -> Result<(Stored, Trust), KeepError> {
        let now = (self.clock)();
        let overlap = self.pace.overlap;
        let Some(stored) = self.store.authority().await? else {
            let trust = self.recover(live, Vec::new(), now)?;
            let stored = self.store.create(&trust).await?;
            info!(
                authority = trust.current.fingerprint().short(),
                "Wrote the Secret {AUTHORITY}."
            );
            return Ok((stored, trust));
        };
        let data = stored.data();
        let (mut trust, mut differs) = match Trust::read(&data, &stored.annotations(), now) {
            Ok(read) => read,
            Err(damage) => {
                self.metrics.cluster_trouble(Trouble::Damaged);
                let error = damage.to_string();
                warn!(
                    error,
                    "The Secret {AUTHORITY} is of no use and is written anew."
                );
                (self.recover(live, Trust::remains(&data), now)?, true)
            }
        };
        if differs {
            info!("Leaving out what is of no use in the Secret {AUTHORITY}.");
        }
        // what is served has to stay trusted, whoever wrote the Secret
        let served = self.issuer.as_ref().and_then(Issuer::authority);
        if let Some(served) = served.filter(|served| !trust.trusts(&served.fingerprint())) {
            let served = Certificate::read(served.certificate().clone());
            let before = trust.old.len();
            if let Some(served) = served {
                trust.keep(served, now, overlap);
            }
            differs |= trust.old.len() != before;
        }
        if differs {
            let stored = self.store.update(&stored, &trust).await?;
            return Ok((stored, trust));
        }
        Ok((stored, trust))
    }

    /// What the Secret should hold where it holds nothing of use: what is remembered, else a new
    /// authority, and whoever the webhooks trust.
    fn recover(
        &self,
        live: &[Option<DynamicObject>; 2],
        remains: Vec<Certificate>,
        now: OffsetDateTime,
    ) -> Result<Trust, KeepError> {
        let overlap = self.pace.overlap;
        let known = live.iter().flatten().flat_map(trusted);
        let known: Vec<_> = remains.into_iter().chain(known).collect();
        let remembered = self.remembered.as_ref();
        let remembered = remembered.filter(|trust| !trust.current.validity().is_over(now));
        let Some(mut trust) = remembered.cloned() else {
            return Ok(Trust::fresh(known, now, overlap)?);
        };
        for certificate in known {
            trust.keep(certificate, now, overlap);
        }
        Ok(trust)
    }

    /// Moves a rotation on; true if it did.
    async fn step(&self, stored: &mut Stored, trust: &mut Trust) -> Result<bool, KeepError> {
        let settle = self.pace.settle;
        let now = Instant::now();
        let step = trust.step((self.clock)(), self.pace.overlap, |authority| {
            self.seen.is_settled(authority, settle, now)
        })?;
        let Some(step) = step else {
            return Ok(false);
        };
        *stored = self.store.update(stored, trust).await?;
        match step {
            Step::Staged => info!("A next CA is there, and has to become known before it signs."),
            Step::Promoted => info!(
                authority = trust.current.fingerprint().short(),
                "The next CA signs from now on; the one before is trusted still."
            ),
            Step::Dropped => info!("CAs of before are trusted no more."),
        }
        Ok(true)
    }

    /// Writes what is not as it has to be in the configurations; true if there was something.
    async fn write(
        &mut self,
        live: &[Option<DynamicObject>; 2],
        trust: Option<&Trust>,
    ) -> Result<bool, KeepError> {
        let bundle = trust.map(Trust::bundle);
        let wanted = match &self.register {
            Some((registration, policy)) => {
                let registration = Registration {
                    ca_bundle: bundle.clone(),
                    ..registration.clone()
                };
                let mut objects = registration.objects(&policy())?;
                if self.is_old {
                    objects.iter_mut().for_each(without_conditions);
                }
                objects.map(Some)
            }
            None => [None, None],
        };
        let mut wrote = false;
        for (which, (live, wanted)) in live.iter().zip(wanted).enumerate() {
            let purpose = wanted.clone().or_else(|| bundle.clone().map(Value::String));
            let was_right = match self.kept.get_mut(which) {
                Some(kept) => std::mem::replace(kept, purpose.clone()) == purpose,
                None => false,
            };
            let patch = match (live, wanted, &bundle) {
                (live, Some(wanted), _) => whole_patch(live.as_ref(), &wanted),
                (Some(live), None, Some(bundle)) => bundle_patch(live, bundle),
                _ => None,
            };
            let Some(patch) = patch else {
                continue;
            };
            let after = match self.store.apply(which, &patch).await {
                Err(Error::Api(status)) if !self.is_old && is_too_old(&status.message) => {
                    warn!(
                        "This API server is too old for matchConditions: more objects are sent \
                         here than have to be, all Secrets among them."
                    );
                    self.is_old = true;
                    return Err(KeepError::Overtaken);
                }
                applied => applied?,
            };
            let before = live
                .as_ref()
                .and_then(|live| live.metadata.resource_version.clone());
            // an API server that leaves out what it does not know makes no other version of it
            if after == before {
                continue;
            }
            wrote = true;
            let kind = CONFIGURATIONS.get(which).map_or("", |(kind, _)| kind);
            if was_right {
                self.metrics.cluster_trouble(Trouble::Overwritten);
                warn!(
                    kind,
                    "Somebody changed a webhook configuration; put it right."
                );
            } else {
                info!(kind, "Wrote a webhook configuration.");
            }
        }
        Ok(wrote)
    }

    /// Serves a certificate of the authority that signs now, as soon as everybody trusts it.
    fn follow(&mut self, trust: &Trust) -> Result<(), KeepError> {
        let now = (self.clock)();
        let (settle, seen) = (self.pace.settle, &self.seen);
        let Some(issuer) = &mut self.issuer else {
            return Ok(());
        };
        let current = trust.current.fingerprint();
        if issuer.fingerprint().as_ref() == Some(&current) {
            return Ok(());
        }
        if !issuer.is_good(now) || seen.is_settled(&current, settle, Instant::now()) {
            issuer.issue(&trust.current, now)?;
        }
        Ok(())
    }
}

/// What API servers before 1.27 say to a server-side apply.
fn is_too_old(message: &str) -> bool {
    message.contains("matchConditions: field not declared in schema")
}

/// A configuration as such an API server knows it.
fn without_conditions(configuration: &mut Value) {
    let webhooks = configuration.get_mut("webhooks");
    let webhooks = webhooks.and_then(Value::as_array_mut).into_iter().flatten();
    for webhook in webhooks.filter_map(Value::as_object_mut) {
        webhook.remove("matchConditions");
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

/// Why something could not be looked after.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// What was seen is not so any more, and has to be looked at again; there is no harm in that.
    #[error("somebody else wrote first")]
    Overtaken,
    /// The API server did not do it.
    #[error("the API server")]
    Call(#[source] Error),
    /// It took too long.
    #[error("the API server does not answer in time")]
    Slow,
    /// No authority could be made.
    #[error(transparent)]
    Make(#[from] CertError),
    /// No certificate could be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The Secret is of no use.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// The policy cannot be registered for.
    #[error(transparent)]
    Policy(#[from] Unselected),
}

impl From<Error> for KeepError {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(status) if status.is_conflict() || status.is_already_exists() => {
                Self::Overtaken
            }
            error => Self::Call(error),
        }
    }
}

impl KeepError {
    fn trouble(&self) -> Trouble {
        match self {
            Self::Call(Error::Api(status)) if matches!(status.code, 401 | 403) => {
                Trouble::Forbidden
            }
            Self::Call(Error::Api(status)) if status.code < 500 => Trouble::Refused,
            Self::Call(_) | Self::Slow | Self::Overtaken => Trouble::Unreachable,
            Self::Damage(_) => Trouble::Damaged,
            Self::Policy(_) | Self::Make(_) | Self::Issue(_) => Trouble::Internal,
        }
    }
}

/// For people. What the API server says names objects, and never what they hold.
fn describe(error: &KeepError) -> String {
    match error {
        KeepError::Call(Error::Api(status)) => format!("the API server: {}", status.message),
        KeepError::Call(_) => "the API server cannot be reached".to_owned(),
        error => error.to_string(),
    }
}
