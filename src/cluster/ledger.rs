//! Which virtual clusters the cluster holds, from the metadata of two kinds of objects: the chart's
//! Secrets, and the claims with the data of control planes.
//!
//! Pure. A Secret tells which distro there is; a claim tells nothing, and is remembered with what
//! its Secret told as long as it is there itself, by its UID. Nothing is guessed: of a claim whose
//! Secret was never seen nothing is known.

mod room;

use std::collections::HashMap;
use std::sync::Arc;

use kube::runtime::watcher::Event;

pub(super) use self::room::Count;
use self::room::{Room, Size, Sizes};
use super::metadata::{ChartLabels, Metadata};
use crate::vcluster::{HeldBy, Inventory, Live, Told};

/// What every object of the chart, and every claim of its control planes, has as a label: vCluster's
/// name, and that of the etcd it deploys.
pub(super) const SECRETS: &str = "app=vcluster";
/// A StatefulSet puts the labels that it selects by on its claims.
pub(super) const CLAIMS: &str = "app in (vcluster, vcluster-etcd),release";

/// What a Secret's name begins with; the release follows.
const SECRET: &str = "vc-config-";
/// What a claim's name begins with.
const CLAIM: &str = "data-";

/// How many claims of one virtual cluster: replicas of the control plane and of its etcd.
const MAX_CLAIMS: usize = 16;
/// The longest name that Helm takes for a release.
const LONGEST_RELEASE: usize = 53;
/// What a claim's name has behind the release at most, as `-etcd-10`.
const LONGEST_ORDINAL: usize = 16;

type Meta = Metadata<ChartLabels>;

/// What is known of each virtual cluster.
#[derive(Debug)]
pub(super) struct Ledger {
    by_release: HashMap<Arc<str>, Entry>,
    sizes: Sizes,
    /// Which listing an object was seen in last, by kind.
    rounds: Rounds,
    left_out: Count,
    /// Whether anything is known differently since that was asked last.
    is_changed: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Rounds {
    secrets: u32,
    claims: u32,
}

#[derive(Debug, Default)]
struct Entry {
    secret: Option<Secret>,
    claims: Vec<Claim>,
    live: Option<Arc<Live>>,
}

#[derive(Debug)]
struct Secret {
    told: Told,
    round: u32,
}

#[derive(Debug)]
struct Claim {
    name: Box<str>,
    uid: Box<str>,
    /// What the Secret that was there with it told.
    told: Told,
    round: u32,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self::within(Sizes::new())
    }

    fn within(sizes: Sizes) -> Self {
        Self {
            by_release: HashMap::new(),
            sizes,
            rounds: Rounds::default(),
            left_out: Count::default(),
            is_changed: false,
        }
    }

    /// Something happened to a Secret.
    pub(super) fn secret(&mut self, event: Event<Meta>) {
        match event {
            Event::Init => {
                self.rounds.secrets = self.rounds.secrets.wrapping_add(1);
                self.left_out.secrets = 0;
            }
            Event::InitApply(meta) | Event::Apply(meta) => self.secret_is(&meta),
            Event::Delete(meta) => {
                if let Some(key) = key_of_secret(&meta) {
                    self.change(&key, |entry| entry.secret = None);
                }
            }
            Event::InitDone => {
                let round = self.rounds.secrets;
                self.keep(|entry| {
                    let old = entry.secret.take();
                    entry.secret = old.filter(|secret| secret.round == round);
                });
            }
        }
    }

    /// Something happened to a claim.
    pub(super) fn claim(&mut self, event: Event<Meta>) {
        match event {
            Event::Init => {
                self.rounds.claims = self.rounds.claims.wrapping_add(1);
                self.left_out.claims = 0;
            }
            Event::InitApply(meta) | Event::Apply(meta) if !meta.is_going() => self.claim_is(&meta),
            Event::InitApply(meta) | Event::Apply(meta) | Event::Delete(meta) => {
                if let Some((key, name)) = key_of_claim(&meta) {
                    self.change(&key, |entry| {
                        entry.claims.retain(|claim| *claim.name != *name);
                    });
                }
            }
            Event::InitDone => {
                let round = self.rounds.claims;
                self.keep(|entry| entry.claims.retain(|claim| claim.round == round));
            }
        }
    }

    /// All that is known now, if it differs from what was known when this was asked last.
    pub(super) fn changed(&mut self) -> Option<Inventory> {
        std::mem::take(&mut self.is_changed).then(|| self.inventory())
    }

    fn inventory(&self) -> Inventory {
        let known = self.by_release.iter().filter_map(|(key, entry)| {
            let live = entry.live.as_ref()?;
            Some((Arc::clone(key), Arc::clone(live)))
        });
        Inventory::new(known.collect())
    }

    /// How many objects are held.
    pub(super) const fn held(&self) -> Count {
        self.sizes.all().count
    }

    /// How many objects were left out for want of room since the last listing.
    pub(super) const fn left_out(&self) -> Count {
        self.left_out
    }

    fn secret_is(&mut self, meta: &Meta) {
        let Some(key) = key_of_secret(meta) else {
            return;
        };
        let (labels, annotations) = (meta.labels.as_ref(), meta.annotations.as_ref());
        let told = Told::by_secret(
            labels.and_then(|labels| labels.chart.get()),
            annotations.and_then(|annotations| annotations.distro.get()),
            annotations.and_then(|annotations| annotations.store.get()),
        );
        if !self.has_room(&key, 0) {
            self.left_out.secrets += 1;
            return;
        }
        let round = self.rounds.secrets;
        self.change(&key, |entry| {
            entry.secret = Some(Secret { told, round });
            for claim in &mut entry.claims {
                claim.told = told_later(claim.told, told);
            }
        });
    }

    fn claim_is(&mut self, meta: &Meta) {
        let (Some((key, name)), Some(uid)) = (key_of_claim(meta), meta.uid.get()) else {
            return;
        };
        let entry = self.by_release.get(&*key);
        let mut claims = entry.iter().flat_map(|entry| &entry.claims);
        let is_held = claims.any(|claim| *claim.name == *name);
        let crowded = entry.is_some_and(|entry| entry.claims.len() >= MAX_CLAIMS);
        if !is_held && (crowded || !self.has_room(&key, 1)) {
            self.left_out.claims += 1;
            return;
        }
        let round = self.rounds.claims;
        self.change(&key, |entry| {
            let old = entry.claims.iter().find(|claim| *claim.uid == *uid);
            let told = old.map_or_else(Told::default, |claim| claim.told);
            let by_secret = entry.secret.as_ref().map(|secret| secret.told);
            entry.claims.retain(|claim| *claim.name != *name);
            entry.claims.push(Claim {
                name: name.as_str().into(),
                uid: uid.into(),
                told: told_later(told, by_secret.unwrap_or_default()),
                round,
            });
        });
    }

    /// Whether a virtual cluster can be held, with so many claims more than are.
    fn has_room(&self, key: &str, claims: usize) -> bool {
        let releases = usize::from(!self.by_release.contains_key(key));
        self.sizes
            .has_room(namespace_of(key), Room { releases, claims })
    }

    fn change(&mut self, key: &str, change: impl FnOnce(&mut Entry)) {
        let (before, after) = if let Some(entry) = self.by_release.get_mut(key) {
            let before = entry.size();
            change(entry);
            self.is_changed |= entry.settle(key);
            let after = entry.size();
            if entry.is_empty() {
                self.by_release.remove(key);
            }
            (before, after)
        } else {
            let mut entry = Entry::default();
            change(&mut entry);
            let after = entry.size();
            if !entry.is_empty() {
                self.is_changed |= entry.settle(key);
                self.by_release.insert(key.into(), entry);
            }
            (Size::default(), after)
        };
        self.sizes.change(namespace_of(key), before, after);
    }

    fn keep(&mut self, mut change: impl FnMut(&mut Entry)) {
        self.by_release.retain(|key, entry| {
            let before = entry.size();
            change(entry);
            self.is_changed |= entry.settle(key);
            self.sizes.change(namespace_of(key), before, entry.size());
            !entry.is_empty()
        });
    }
}

impl Entry {
    fn is_empty(&self) -> bool {
        self.secret.is_none() && self.claims.is_empty()
    }

    fn size(&self) -> Size {
        Size {
            releases: usize::from(!self.is_empty()),
            count: Count {
                secrets: usize::from(self.secret.is_some()),
                claims: self.claims.len(),
            },
        }
    }

    /// Works out what all of it says together, and whether that is new. `key` is namespace and
    /// release.
    fn settle(&mut self, key: &str) -> bool {
        let (namespace, release) = key.split_once('/').unwrap_or_default();
        let by_secret = self.secret.as_ref().map(|secret| Live {
            told: secret.told,
            held_by: HeldBy::Secret(format!("{namespace}/{SECRET}{release}").into()),
        });
        let mut by_claim = self.claims.iter().map(|claim| Live {
            told: claim.told,
            held_by: HeldBy::Claim(format!("{namespace}/{}", claim.name).into()),
        });
        let tells = |live: &Live| live.told.distro.is_some();
        let found = by_secret
            .clone()
            .filter(tells)
            .or_else(|| by_claim.find(tells));
        let found = found.or_else(|| by_secret.filter(|live| live.told.store.is_some()));
        let is_new = found.as_ref() != self.live.as_deref();
        if is_new {
            self.live = found.map(Arc::new);
        }
        is_new
    }
}

/// What is known of data now that its Secret tells this.
fn told_later(before: Told, now: Told) -> Told {
    Told {
        distro: now.distro.or(before.distro),
        store: now.store.or(before.store),
    }
}

/// The namespace in a virtual cluster's key.
fn namespace_of(key: &str) -> &str {
    key.split_once('/').unwrap_or_default().0
}

fn key_of_secret(meta: &Meta) -> Option<String> {
    let release = meta.name.get()?.strip_prefix(SECRET)?;
    let key = Inventory::key(meta.namespace.get()?, release);
    (release.len() <= LONGEST_RELEASE).then_some(key)
}

fn key_of_claim(meta: &Meta) -> Option<(String, String)> {
    let name = meta.name.get()?;
    let release = meta.labels.as_ref()?.release.get()?;
    let ordinal = name.strip_prefix(CLAIM)?.strip_prefix(release)?;
    let is_its = release.len() <= LONGEST_RELEASE && ordinal.len() <= LONGEST_ORDINAL;
    let key = Inventory::key(meta.namespace.get()?, release);
    is_its.then(|| (key, name.to_owned()))
}

#[cfg(test)]
mod tests;
