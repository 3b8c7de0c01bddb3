use serde_json::{Value, json};

use super::*;
use crate::vcluster::{Distro, Store};

fn meta(value: Value) -> Meta {
    serde_json::from_value(value).unwrap()
}

fn secret(release: &str, distro: Option<&str>) -> Meta {
    meta(json!({
        "name": format!("vc-config-{release}"),
        "namespace": "team-a",
        "labels": {"app": "vcluster", "chart": "vcluster-0.30.4", "release": release},
        "annotations": distro.map(|distro| json!({"vcluster.loft.sh/distro": distro})),
    }))
}

fn claim(release: &str, uid: &str) -> Meta {
    meta(claim_text(release, 0, uid))
}

fn claim_text(release: &str, ordinal: usize, uid: &str) -> Value {
    json!({
        "name": format!("data-{release}-{ordinal}"),
        "namespace": "team-a",
        "uid": uid,
        "labels": {"app": "vcluster", "release": release},
    })
}

/// Distro and holder of `team-a/dev`.
fn known(ledger: &Ledger) -> Option<(Distro, String)> {
    let inventory = ledger.inventory();
    let live = inventory.get("team-a", "dev")?;
    Some((live.told.distro?, live.held_by.to_string()))
}

fn by(distro: Distro, held_by: &str) -> (Distro, String) {
    (distro, held_by.to_owned())
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
        assert_eq!(known(&ledger), Some(by(Distro::K3s, SECRET_DEV)));
        if !claim_first {
            ledger.claim(Event::Apply(claim("dev", "1")));
        }
        ledger.secret(Event::Delete(secret("dev", Some("k3s"))));
        assert_eq!(known(&ledger), Some(by(Distro::K3s, CLAIM_DEV)));
        // created again, and not started yet
        ledger.secret(Event::Apply(secret("dev", None)));
        assert_eq!(known(&ledger), Some(by(Distro::K3s, CLAIM_DEV)));
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
    let owner = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "dev", "uid": "9"});
    let with_owner = json!({"ownerReferences": [owner]});
    for more in [deleted, with_owner] {
        let mut ledger = Ledger::new();
        ledger.claim(Event::Apply(claim("dev", "1")));
        ledger.secret(Event::Apply(secret("dev", Some("k3s"))));
        ledger.secret(Event::Delete(secret("dev", Some("k3s"))));
        assert_eq!(known(&ledger), Some(by(Distro::K3s, CLAIM_DEV)));
        let mut changed = claim_text("dev", 0, "1");
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
        Some(by(Distro::K3s, SECRET_DEV)),
        "not listed to the end"
    );
    ledger.secret(Event::InitDone);
    assert_eq!(known(&ledger), Some(by(Distro::K3s, CLAIM_DEV)));
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
    let one = Room {
        releases: 1,
        claims: 100,
    };
    let mut ledger = Ledger::within(Sizes::bounded([one, one]));
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
    assert_eq!(known(&ledger), Some(by(Distro::K3s, SECRET_DEV)));
    assert_eq!(
        ledger.left_out(),
        Count {
            secrets: 0,
            claims: 1
        }
    );
    for number in 0..=MAX_CLAIMS {
        let more = claim_text("dev", number, &number.to_string());
        ledger.claim(Event::Apply(meta(more)));
    }
    assert_eq!(ledger.held().claims, MAX_CLAIMS);
    assert_eq!(ledger.left_out().claims, 2);
}

#[test]
fn a_store_is_remembered_with_the_distro() {
    let mut ledger = Ledger::new();
    let mut told = secret("dev", Some("k3s"));
    let store = json!({
        "vcluster.loft.sh/distro": "k3s",
        "vcluster.loft.sh/store": "embedded-database",
    });
    told.annotations = serde_json::from_value(store).unwrap();
    ledger.claim(Event::Apply(claim("dev", "1")));
    ledger.secret(Event::Apply(told.clone()));
    ledger.secret(Event::Delete(told));
    let inventory = ledger.inventory();
    let live = inventory.get("team-a", "dev").unwrap();
    assert_eq!(live.told.store, Some(Store::EmbeddedDatabase));
}

#[test]
fn one_namespace_takes_no_room_from_others() {
    let all = Room {
        releases: 4,
        claims: 3,
    };
    let of_one = Room {
        releases: 2,
        claims: 2,
    };
    let mut ledger = Ledger::within(Sizes::bounded([all, of_one]));
    for number in 0..3 {
        ledger.secret(Event::Apply(secret(&format!("r{number}"), Some("k3s"))));
        ledger.claim(Event::Apply(meta(claim_text(
            "r0",
            number,
            &number.to_string(),
        ))));
    }
    let count = |secrets, claims| Count { secrets, claims };
    assert_eq!(
        (ledger.held(), ledger.left_out()),
        (count(2, 2), count(1, 1))
    );
    let elsewhere = |name: &str, namespace: &str| {
        let namespaced = json!({"name": name, "namespace": namespace, "uid": name,
            "labels": {"release": "dev"}, "annotations": {"vcluster.loft.sh/distro": "k3s"}});
        meta(namespaced)
    };
    ledger.secret(Event::Apply(elsewhere("vc-config-dev", "team-b")));
    ledger.claim(Event::Apply(elsewhere("data-dev-0", "team-b")));
    assert!(ledger.inventory().get("team-b", "dev").is_some());
    // all that there is room for
    ledger.claim(Event::Apply(elsewhere("data-dev-1", "team-b")));
    ledger.secret(Event::Apply(elsewhere("vc-config-dev", "team-c")));
    ledger.secret(Event::Apply(elsewhere("vc-config-dev", "team-d")));
    assert_eq!(
        (ledger.held(), ledger.left_out()),
        (count(4, 3), count(2, 2))
    );
    // what goes makes room, there and in all
    ledger.secret(Event::Delete(secret("r1", None)));
    ledger.secret(Event::Apply(secret("r2", Some("k3s"))));
    assert_eq!(ledger.held(), count(4, 3));
    ledger.secret(Event::Init);
    ledger.secret(Event::InitDone);
    assert_eq!(ledger.held(), count(0, 3));
    ledger.claim(Event::Init);
    ledger.claim(Event::InitDone);
    assert_eq!(ledger.held(), count(0, 0));
    assert!(ledger.by_release.is_empty());
}

#[test]
fn names_that_helm_does_not_take_are_not_held() {
    let mut ledger = Ledger::new();
    let longest = "r".repeat(LONGEST_RELEASE);
    let longer = longest.clone() + "r";
    for release in [&longest, &longer] {
        ledger.secret(Event::Apply(secret(release, Some("k3s"))));
        ledger.claim(Event::Apply(claim(release, "1")));
    }
    let mut padded = claim_text("dev", 0, "1");
    padded["name"] = json!("data-dev-0-of-somebody-else");
    ledger.claim(Event::Apply(meta(padded)));
    let held = Count {
        secrets: 1,
        claims: 1,
    };
    assert_eq!(ledger.held(), held);
}
