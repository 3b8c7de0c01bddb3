//! Rounds of writes by several field managers, as a cluster sees them day and night. After each
//! of them our part (the annotation, and the values that it lists) is what it was before, or has
//! gone for good, and everything else is as its user wrote it.

use serde_json::{Value, json};

use super::claims::create;
use super::managers::{apply, apply_as, labelled, patch, patch_as_another, put, replace};
use super::objects::{NAMESPACE, both, release, vcluster};
use super::stored::{Leaves, RECORD, Stored, leaves, never_comes_back, stored};
use crate::harness::kubectl::Kubectl;
use crate::harness::manifests::text;

const ROUNDS: usize = 10;

/// Where it takes more writes a round, and nothing is left that could move.
const FEW: usize = 4;

/// What our record says of a k8s whose chart sets an image for all of it.
const TAG: &str = "controlPlane.distro.k8s.image.tag";

/// Text with comments, as people keep it.
const COMMENTED: &str = include_str!("../../data/vcluster-commented.yaml");

pub(super) fn apply_patch_and_put_leave_our_part_alone(tenant: &Kubectl) {
    let mut manifest = release("rounds", "0.30.4", &["k8s"]);
    apply(tenant, &manifest);
    let first = stored(tenant, "rounds");
    assert_eq!(first.ours.get(TAG), Some(&json!("v1.34.0")));
    for round in 0..ROUNDS {
        manifest["spec"]["interval"] = json!(format!("{round}m"));
        let wanted = first.with(&both(&manifest, &of_another(round)));
        patch(tenant, "rounds", &of_another(round));
        apply(tenant, &manifest);
        assert_eq!(stored(tenant, "rounds"), wanted, "round {round}");
        put(tenant, "rounds", round);
        assert_eq!(stored(tenant, "rounds"), wanted, "round {round}");
    }
}

pub(super) fn replace_and_patch_leave_our_part_alone(tenant: &Kubectl) {
    let manifest = release("replaced", "0.30.4", &["k8s"]);
    create(tenant, &manifest).succeeds();
    let first = stored(tenant, "replaced");
    for round in 0..ROUNDS {
        patch(tenant, "replaced", &of_another(round));
        replace(tenant, &labelled(tenant, "replaced", round));
        let wanted = first.with(&both(&manifest, &of_another(round)));
        assert_eq!(stored(tenant, "replaced"), wanted, "round {round}");
    }
}

/// Of an object that was applied, `kubectl replace` takes down all that is in it as applied: our
/// part is its user's from then on, and the next `apply` without it takes it out.
pub(super) fn replace_after_apply_takes_our_part_out_once(tenant: &Kubectl) {
    let mut manifest = release("taken", "0.30.4", &["k8s"]);
    apply(tenant, &manifest);
    let mut before = stored(tenant, "taken");
    assert!(!before.ours.is_empty());
    for round in 0..FEW {
        manifest["spec"]["interval"] = json!(format!("{round}m"));
        let user = leaves(&both(&manifest, &of_another(round))["spec"]);
        apply(tenant, &manifest);
        before = never_comes_back(&before, stored(tenant, "taken"));
        patch(tenant, "taken", &of_another(round));
        before = never_comes_back(&before, stored(tenant, "taken"));
        replace(tenant, &labelled(tenant, "taken", round));
        before = never_comes_back(&before, stored(tenant, "taken"));
        let kept = |(path, value): (&String, &Value)| before.theirs.get(path) == Some(value);
        assert!(user.iter().all(kept), "round {round}: {before:?}");
    }
    let last = both(&manifest, &of_another(FEW - 1));
    assert_eq!(before, Stored::default().with(&last));
}

/// API servers that know nothing of what is in the values give all of them to whoever applies
/// some: there our part goes with the second round, as a whole.
pub(super) fn server_side_apply_converges(tenant: &Kubectl) {
    let mut of_a = release("server-side", "0.30.4", &["k8s"]);
    apply_as(tenant, "a", &of_a);
    let mut before = stored(tenant, "server-side");
    assert_eq!(before.ours.get(TAG), Some(&json!("v1.34.0")));
    for round in 0..ROUNDS {
        of_a["spec"]["interval"] = json!(format!("{round}m"));
        let mut of_b = of_a.clone();
        of_b["spec"] = json!({"timeout": format!("{round}s")});
        apply_as(tenant, "a", &of_a);
        apply_as(tenant, "b", &of_b);
        let now = stored(tenant, "server-side");
        if round == 0 {
            before = never_comes_back(&before, now.clone());
        }
        assert_eq!(now, before.with(&both(&of_a, &of_b)), "round {round}");
    }
}

pub(super) fn replaced_by_the_users_own_it_stays_the_users_own(tenant: &Kubectl) {
    let mut manifest = release("own", "0.30.4", &["k8s"]);
    create(tenant, &manifest).succeeds();
    assert!(!stored(tenant, "own").ours.is_empty());
    for round in 0..ROUNDS {
        manifest["spec"]["interval"] = json!(format!("{round}m"));
        replace(tenant, &manifest);
        let only = Stored::default();
        assert_eq!(stored(tenant, "own"), only.with(&manifest), "round {round}");
        patch(tenant, "own", &of_another(round));
        let only = only.with(&both(&manifest, &of_another(round)));
        assert_eq!(stored(tenant, "own"), only, "round {round}");
    }
    patch(tenant, "own", &chart("0.35.0"));
    assert_eq!(stored(tenant, "own").ours, Leaves::new());
}

pub(super) fn our_part_moves_with_the_chart(tenant: &Kubectl) {
    let manifest = release("moved", "0.30.4", &["k8s"]);
    apply(tenant, &manifest);
    let first = stored(tenant, "moved");
    for round in 0..FEW {
        patch(tenant, "moved", &chart("0.35.0"));
        let now = stored(tenant, "moved");
        assert_eq!(now.ours.get(TAG), Some(&json!("v1.36.0")));
        assert_eq!(now, now.with(&both(&manifest, &chart("0.35.0"))));
        // back as its user applies it
        apply(tenant, &manifest);
        assert_eq!(stored(tenant, "moved"), first, "round {round}");
    }
}

pub(super) fn the_users_tag_does_not_move(tenant: &Kubectl) {
    let mut manifest = release("pinned", "0.30.4", &["k8s"]);
    manifest["spec"]["values"]["controlPlane"]["distro"]["k8s"]["image"] =
        json!({"tag": "v1.33.1"});
    create(tenant, &manifest).succeeds();
    patch(tenant, "pinned", &chart("0.35.0"));
    let now = stored(tenant, "pinned");
    assert!(!now.ours.is_empty() && !now.ours.contains_key(TAG));
    assert_eq!(now, now.with(&both(&manifest, &chart("0.35.0"))));
}

pub(super) fn what_the_next_chart_does_not_have_goes(tenant: &Kubectl) {
    let manifest = release("eras", "0.24.2", &["k8s"]);
    let of_components =
        |ours: &Leaves| ours.keys().any(|path| path.contains("k8s.apiServer.image"));
    apply(tenant, &manifest);
    assert!(of_components(&stored(tenant, "eras").ours));
    patch(tenant, "eras", &chart("0.30.4"));
    let now = stored(tenant, "eras");
    assert!(!of_components(&now.ours));
    assert_eq!(now.ours.get(TAG), Some(&json!("v1.34.0")));
    assert_eq!(now, now.with(&both(&manifest, &chart("0.30.4"))));
}

/// `kubectl apply` compares the text with what is stored, as one value: its first round takes our
/// lines out again. All others leave them.
pub(super) fn our_lines_in_a_text_go_once_at_most(tenant: &Kubectl) {
    let manifest = vcluster("text", "0.30.4", COMMENTED);
    let read = || {
        let stored = tenant.stored(&["-n", NAMESPACE, "vcluster", "text"]);
        let record = stored.pointer(RECORD).cloned();
        (text(&stored, "/spec/helmRelease/values").to_owned(), record)
    };
    apply(tenant, &manifest);
    let first = read();
    assert!(first.0.contains("\n        tag: v1.34.0\n"), "{}", first.0);
    let mut lines = first.0.lines();
    let kept = |line: &str| lines.by_ref().any(|stored| stored == line);
    assert!(COMMENTED.lines().all(kept), "{}", first.0);
    for round in 0..ROUNDS {
        let replicas =
            json!({"spec": {"replicas": round}, "metadata": {"labels": {"a": round.to_string()}}});
        patch_as_another(tenant, "vcluster", "text", &replicas);
        assert_eq!(read(), first, "round {round}");
    }
    for round in 0..ROUNDS {
        apply(tenant, &manifest);
        assert_eq!(read(), (COMMENTED.to_owned(), None), "round {round}");
    }
}

pub(super) fn two_distros_in_a_text_are_refused_by_line(tenant: &Kubectl) {
    let both = COMMENTED.replace(
        "    k8s:\n",
        "    k3s: {enabled: true}   # back again\n    k8s:\n",
    );
    let line = both.lines().position(|line| line == "  distro:").unwrap() + 1;
    create(tenant, &vcluster("two", "0.30.4", &both)).is_refused(&format!(
        "VCluster team-a/two (vCluster chart 0.30.4) refused:\n  controlPlane.distro (line {line} of \
         spec.helmRelease.values): only one distro can be enabled at the same time, found k3s and k8s"
    ));
}

/// A manifest that was exported with all that is ours is its user's: the record stays out.
pub(super) fn exported_and_applied_it_is_the_users(tenant: &Kubectl) {
    create(tenant, &release("exported", "0.30.4", &["k8s"])).succeeds();
    let mut manifest = labelled(tenant, "exported", 0);
    manifest["metadata"]["name"] = json!("imported");
    for round in 0..FEW {
        apply(tenant, &manifest);
        let only = Stored::default();
        let user = if round == 0 {
            manifest.clone()
        } else {
            both(&manifest, &of_another(round - 1))
        };
        assert_eq!(
            stored(tenant, "imported"),
            only.with(&user),
            "round {round}"
        );
        patch(tenant, "imported", &of_another(round));
        let user = both(&manifest, &of_another(round));
        assert_eq!(
            stored(tenant, "imported"),
            only.with(&user),
            "round {round}"
        );
    }
}

/// Something harmless beside our values.
fn of_another(round: usize) -> Value {
    let values = json!({"sync": {"toHost": {"ingresses": {"enabled": round.is_multiple_of(2)}}}});
    json!({"spec": {"timeout": format!("{round}s"), "values": values}})
}

fn chart(version: &str) -> Value {
    json!({"spec": {"chart": {"spec": {"version": version}}}})
}
