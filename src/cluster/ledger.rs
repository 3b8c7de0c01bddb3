//! Which virtual clusters the cluster holds, from the metadata of two kinds of objects: the chart's
//! Secrets, and the claims with the data of control planes.
//!
//! Pure. A Secret tells which distro there is; a claim tells nothing, and is remembered with what
//! its Secret told as long as it is there itself, by its UID. Nothing is guessed: of a claim whose
//! Secret was never seen nothing is known.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kube::core::ObjectMeta;
use kube::runtime::watcher::Event;

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

/// Of how many virtual clusters something is held: some 10 MB. What is more is not known.
const MAX_RELEASES: usize = 20_000;
/// How many claims of one: replicas of the control plane and of its etcd.
const MAX_CLAIMS: usize = 16;

/// What is known of each virtual cluster.
#[derive(Debug)]
pub(super) struct Ledger {
    by_release: HashMap<Arc<str>, Entry>,
    max: usize,
    /// Which listing an object was seen in last, by kind.
    rounds: Rounds,
    left_out: Count,
    /// Whether anything is known differently since that was asked last.
    is_changed: bool,
}

/// A count for each kind of object.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Count {
    pub(super) secrets: usize,
    pub(super) claims: usize,
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
        Self::bounded(MAX_RELEASES)
    }

    fn bounded(max: usize) -> Self {
        Self {
            by_release: HashMap::new(),
            max,
            rounds: Rounds::default(),
            left_out: Count::default(),
            is_changed: false,
        }
    }

    /// Something happened to a Secret.
    pub(super) fn secret(&mut self, event: Event<ObjectMeta>) {
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
    pub(super) fn claim(&mut self, event: Event<ObjectMeta>) {
        match event {
            Event::Init => {
                self.rounds.claims = self.rounds.claims.wrapping_add(1);
                self.left_out.claims = 0;
            }
            Event::InitApply(meta) | Event::Apply(meta) if !is_going(&meta) => self.claim_is(&meta),
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
    pub(super) fn held(&self) -> Count {
        let entries = self.by_release.values();
        entries.fold(Count::default(), |count, entry| Count {
            secrets: count.secrets + usize::from(entry.secret.is_some()),
            claims: count.claims + entry.claims.len(),
        })
    }

    /// How many objects were left out for want of room since the last listing.
    pub(super) const fn left_out(&self) -> Count {
        self.left_out
    }

    fn secret_is(&mut self, meta: &ObjectMeta) {
        let Some(key) = key_of_secret(meta) else {
            return;
        };
        let annotation = |key: &str| text(meta.annotations.as_ref(), key);
        let told = Told::by_secret(
            text(meta.labels.as_ref(), "chart"),
            annotation("vcluster.loft.sh/distro"),
            annotation("vcluster.loft.sh/store"),
        );
        if !self.has_room(&key) {
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

    fn claim_is(&mut self, meta: &ObjectMeta) {
        let (Some((key, name)), Some(uid)) = (key_of_claim(meta), meta.uid.as_deref()) else {
            return;
        };
        let crowded = |entry: &Entry| {
            entry.claims.len() >= MAX_CLAIMS
                && entry.claims.iter().all(|claim| *claim.name != *name)
        };
        if !self.has_room(&key) || self.by_release.get(&*key).is_some_and(crowded) {
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

    fn has_room(&self, key: &str) -> bool {
        self.by_release.len() < self.max || self.by_release.contains_key(key)
    }

    fn change(&mut self, key: &str, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.by_release.get_mut(key) {
            change(entry);
            self.is_changed |= entry.settle(key);
            if entry.is_empty() {
                self.by_release.remove(key);
            }
            return;
        }
        let mut entry = Entry::default();
        change(&mut entry);
        if !entry.is_empty() {
            self.is_changed |= entry.settle(key);
            self.by_release.insert(key.into(), entry);
        }
    }

    fn keep(&mut self, mut change: impl FnMut(&mut Entry)) {
        self.by_release.retain(|key, entry| {
            change(entry);
            self.is_changed |= entry.settle(key);
            !entry.is_empty()
        });
    }
}

impl Entry {
    fn is_empty(&self) -> bool {
        self.secret.is_none() && self.claims.is_empty()
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

/// Whether a claim is about to be gone: it is deleted, or goes with the StatefulSet that owns it.
fn is_going(meta: &ObjectMeta) -> bool {
    let owners = meta.owner_references.as_ref();
    meta.deletion_timestamp.is_some() || owners.is_some_and(|owners| !owners.is_empty())
}

fn key_of_secret(meta: &ObjectMeta) -> Option<String> {
    let release = meta.name.as_deref()?.strip_prefix(SECRET)?;
    Some(Inventory::key(meta.namespace.as_deref()?, release))
}

fn key_of_claim(meta: &ObjectMeta) -> Option<(String, String)> {
    let name = meta.name.as_deref()?;
    let release = text(meta.labels.as_ref(), "release")?;
    let is_its = name.strip_prefix(CLAIM)?.starts_with(release);
    let key = Inventory::key(meta.namespace.as_deref()?, release);
    is_its.then(|| (key, name.to_owned()))
}

fn text<'m>(map: Option<&'m BTreeMap<String, String>>, key: &str) -> Option<&'m str> {
    map?.get(key).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use kube::core::ObjectMeta;
    use serde_json::{Value, json};

    use super::*;
    use crate::vcluster::{Distro, Store};

    fn meta(value: Value) -> ObjectMeta {
        serde_json::from_value(value).unwrap()
    }

    fn secret(release: &str, distro: Option<&str>) -> ObjectMeta {
        meta(json!({
            "name": format!("vc-config-{release}"),
            "namespace": "team-a",
            "labels": {"app": "vcluster", "chart": "vcluster-0.30.4", "release": release},
            "annotations": distro.map(|distro| json!({"vcluster.loft.sh/distro": distro})),
        }))
    }

    fn claim(release: &str, uid: &str) -> ObjectMeta {
        meta(json!({
            "name": format!("data-{release}-0"),
            "namespace": "team-a",
            "uid": uid,
            "labels": {"app": "vcluster", "release": release},
        }))
    }

    /// Distro and holder of `team-a/dev`.
    fn known(ledger: &Ledger) -> Option<(Distro, String)> {
        let inventory = ledger.inventory();
        let live = inventory.get("team-a", "dev")?;
        Some((live.told.distro?, live.held_by.to_string()))
    }

    fn by(distro: Distro, held_by: &str) -> Option<(Distro, String)> {
        Some((distro, held_by.to_owned()))
    }

    const SECRET_DEV: &str = "Secret team-a/vc-config-dev";
    const CLAIM_DEV: &str = "PersistentVolumeClaim team-a/data-dev-0";

    #[test]
    fn a_claim_remembers_what_its_secret_told_until_it_is_gone() {
        for claim_first in [true, false] {
            let mut ledger = Ledger::new();
            if claim_first {
                ledger.claim(Event::Apply(claim("dev", "1")));
                assert_eq!(known(&ledger), None, "a claim alone tells nothing");
            }
            ledger.secret(Event::Apply(secret("dev", None)));
            assert_eq!(known(&ledger), None, "the pod has not written it down yet");
            ledger.secret(Event::Apply(secret("dev", Some("k3s"))));
            assert_eq!(known(&ledger), by(Distro::K3s, SECRET_DEV));
            if !claim_first {
                ledger.claim(Event::Apply(claim("dev", "1")));
            }
            ledger.secret(Event::Delete(secret("dev", Some("k3s"))));
            assert_eq!(known(&ledger), by(Distro::K3s, CLAIM_DEV));
            // created again, and not started yet
            ledger.secret(Event::Apply(secret("dev", None)));
            assert_eq!(known(&ledger), by(Distro::K3s, CLAIM_DEV));
            ledger.secret(Event::Delete(secret("dev", None)));
            ledger.claim(Event::Delete(claim("dev", "1")));
            assert_eq!(known(&ledger), None);
            assert_eq!(ledger.held(), Count::default());
            assert!(ledger.by_release.is_empty());
        }
    }

    #[test]
    fn another_claim_of_the_same_name_is_not_the_same_data() {
        let mut ledger = Ledger::new();
        ledger.claim(Event::Apply(claim("dev", "1")));
        ledger.secret(Event::Apply(secret("dev", Some("k3s"))));
        ledger.secret(Event::Delete(secret("dev", Some("k3s"))));
        ledger.claim(Event::Apply(claim("dev", "2")));
        assert_eq!(known(&ledger), None);
    }

    #[test]
    fn a_claim_that_is_deleted_or_owned_counts_as_gone() {
        let deleted = json!({"deletionTimestamp": "2026-11-26T00:00:00Z"});
        let owner =
            json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "dev", "uid": "9"});
        let owned = json!({"ownerReferences": [owner]});
        for more in [deleted, owned] {
            let mut ledger = Ledger::new();
            ledger.claim(Event::Apply(claim("dev", "1")));
            ledger.secret(Event::Apply(secret("dev", Some("k3s"))));
            ledger.secret(Event::Delete(secret("dev", Some("k3s"))));
            assert_eq!(known(&ledger), by(Distro::K3s, CLAIM_DEV));
            let mut changed = serde_json::to_value(claim("dev", "1")).unwrap();
            let fields = more.as_object().unwrap().clone();
            changed.as_object_mut().unwrap().extend(fields);
            ledger.claim(Event::Apply(meta(changed)));
            assert_eq!(known(&ledger), None, "{more}");
        }
    }

    #[test]
    fn what_a_listing_does_not_have_is_gone() {
        let mut ledger = Ledger::new();
        for release in ["dev", "test"] {
            ledger.claim(Event::Apply(claim(release, release)));
            ledger.secret(Event::Apply(secret(release, Some("k3s"))));
        }
        ledger.secret(Event::Init);
        ledger.secret(Event::InitApply(secret("test", Some("k8s"))));
        assert_eq!(
            known(&ledger),
            by(Distro::K3s, SECRET_DEV),
            "not listed to the end"
        );
        ledger.secret(Event::InitDone);
        assert_eq!(known(&ledger), by(Distro::K3s, CLAIM_DEV));
        ledger.claim(Event::Init);
        ledger.claim(Event::InitApply(claim("test", "test")));
        ledger.claim(Event::InitDone);
        assert_eq!(known(&ledger), None);
        let one = Count {
            secrets: 1,
            claims: 1,
        };
        assert_eq!(ledger.held(), one);
        let inventory = ledger.inventory();
        let test = inventory.get("team-a", "test").unwrap();
        assert_eq!(test.told.distro, Some(Distro::K8s));
    }

    #[test]
    fn other_objects_are_none_of_ours() {
        let mut ledger = Ledger::new();
        ledger.secret(Event::Apply(meta(
            json!({"name": "vc-dev", "namespace": "team-a"}),
        )));
        ledger.claim(Event::Apply(meta(json!({
            "name": "data-db-0", "namespace": "team-a", "uid": "1", "labels": {"release": "dev"},
        }))));
        ledger.claim(Event::Apply(meta(json!({
            "name": "scratch-dev-0", "namespace": "team-a", "uid": "1", "labels": {"release": "dev"},
        }))));
        assert_eq!(ledger.held(), Count::default());
    }

    #[test]
    fn beyond_the_bound_nothing_is_known_and_that_is_counted() {
        let mut ledger = Ledger::bounded(1);
        ledger.secret(Event::Apply(secret("other", Some("k3s"))));
        ledger.secret(Event::Apply(secret("dev", Some("k3s"))));
        ledger.claim(Event::Apply(claim("dev", "1")));
        ledger.claim(Event::Apply(claim("other", "2")));
        assert_eq!(known(&ledger), None);
        let one = Count {
            secrets: 1,
            claims: 1,
        };
        assert_eq!((ledger.held(), ledger.left_out()), (one, one));
        ledger.secret(Event::Delete(secret("other", Some("k3s"))));
        ledger.claim(Event::Delete(claim("other", "2")));
        ledger.secret(Event::Init);
        ledger.secret(Event::InitApply(secret("dev", Some("k3s"))));
        ledger.secret(Event::InitDone);
        assert_eq!(known(&ledger), by(Distro::K3s, SECRET_DEV));
        assert_eq!(
            ledger.left_out(),
            Count {
                secrets: 0,
                claims: 1
            }
        );
        for number in 0..=MAX_CLAIMS {
            let mut more = claim("dev", &number.to_string());
            more.name = Some(format!("data-dev-{number}"));
            ledger.claim(Event::Apply(more));
        }
        assert_eq!(ledger.held().claims, MAX_CLAIMS);
        assert_eq!(ledger.left_out().claims, 2);
    }

    #[test]
    fn a_store_is_remembered_with_the_distro() {
        let mut ledger = Ledger::new();
        let mut told = secret("dev", Some("k3s"));
        let annotations = told.annotations.as_mut().unwrap();
        annotations.insert(
            "vcluster.loft.sh/store".to_owned(),
            "embedded-database".to_owned(),
        );
        ledger.claim(Event::Apply(claim("dev", "1")));
        ledger.secret(Event::Apply(told.clone()));
        ledger.secret(Event::Delete(told));
        let inventory = ledger.inventory();
        let live = inventory.get("team-a", "dev").unwrap();
        assert_eq!(live.told.store, Some(Store::EmbeddedDatabase));
    }
}
