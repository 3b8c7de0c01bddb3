//! `store-change`: the state of a virtual cluster stays where it is.
//!
//! Mirrors `ValidateStoreChanges` in vCluster's `pkg/config/validation.go`, which runs in the
//! command line, and until 0.32 in the pod. On a fresh install from 0.33 on nobody checks: the
//! pod comes up with an empty store.

use super::{
    Context, ELSEWHERE, ELSEWHERE_FIX, ELSEWHERE_UNTOLD, Example, Finding, Page, Rule, Setting,
    is_elsewhere, or_delete,
};
use crate::policy::Action;
use crate::values::Path;
use crate::vcluster::{Certainty, Completeness, Config, HeldBy, Live, Range, Store};

pub(super) const RULE: Rule = Rule {
    id: "store-change",
    action: Action::Deny,
    about: "another backing store than before, where vCluster does not accept the change",
    page: Page {
        why: "The state of a virtual cluster is in its backing store. vCluster accepts few \
              changes of it, to an etcd or from the embedded to an external database, and checks \
              them in its command line and in the pod only; for what is installed with a chart \
              from 0.33 on nobody does, and the control plane comes up empty. With serve \
              --watch-live a virtual cluster that is there already, or has left its data, counts \
              as what was before; who deploys to another namespace than that of the \
              object is not told what is there.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  backingStore:\n    database:\n      external:\n        enabled: true\n",
        )
        .after("controlPlane:\n  backingStore:\n    etcd:\n      deploy:\n        enabled: true\n"),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  backingStore:\n    etcd:\n      embedded:\n        enabled: true\n        migrateFromDeployedEtcd: true\n",
        )
        .after("controlPlane:\n  backingStore:\n    etcd:\n      deploy:\n        enabled: true\n"),
        fix: "Keep the store, or create a new virtual cluster. The one change that vCluster's \
              documentation supports is from a deployed to an embedded etcd, with \
              migrateFromDeployedEtcd; the others are those that its code accepts. What else the \
              platform team can vouch for it lets through with allow.",
    },
    settings: &[Setting {
        key: "allow",
        about: "further changes that are let through, each with from, to and, if it counts under \
                some charts only, charts: [{from: deployed-etcd, to: external-etcd, charts: \
                \">=0.25\"}]; the stores are embedded-etcd, external-etcd, deployed-etcd (also up \
                to 0.24, where vCluster calls it external-etcd), embedded-database and \
                external-database",
    }],
    // what changes with this very review is no old fault
    ratchet: false,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let config = context.config;
    let live = context.live.filter(|_| context.before.is_none());
    let before = match context.before {
        Some(before) => before.store(),
        None => live.and_then(|live| live.told.store),
    };
    let (Some(before), Some(now)) = (before, config.store()) else {
        return;
    };
    // a config that was refused for several stores may keep any of them
    let enabled_before = context.before.map(Config::stores).unwrap_or_default();
    let let_through = context.settings.allow_stores.iter().any(|allowed| {
        let in_charts = allowed.charts.as_ref();
        allowed.from == before
            && allowed.to == now
            && in_charts.is_none_or(|range| config.chart.lies_in(range))
    });
    if before == now || (enabled_before.len() > 1 && enabled_before.contains(&now)) || let_through {
        return;
    }
    let place = config.place_of_causes(
        &Path::dotted("controlPlane.backingStore"),
        &[now.enabled_path()],
    );
    let accepted = now.accepted_after(before);
    let range = accepted.and_then(|charts| Range::parse(charts).ok());
    if range.is_some_and(|range| config.chart.lies_in(&range)) {
        if !is_elsewhere(live) {
            migration(config, before, now, findings);
        }
        return;
    }
    let upstream = match accepted {
        Some(charts) => format!("vCluster accepts this with charts {charts} only"),
        None => "vCluster does not accept this with any chart".to_owned(),
    };
    let becomes = if config.stores().is_empty() {
        format!("{now} (no store is enabled, which means SQLite)")
    } else {
        now.to_string()
    };
    // a template's store counts for virtual clusters that are made from now on, and where nothing
    // is set another object may set it, or may have set it before
    let open = match context.completeness {
        Completeness::Whole => false,
        Completeness::Extended => {
            config.stores().is_empty() || (live.is_none() && enabled_before.is_empty())
        }
        Completeness::Fragment => true,
    };
    let uncertain = accepted.is_some() && config.chart.certainty() != Certainty::Exact;
    // of what was deleted, a new store may well begin empty
    let outlived = live.is_some_and(Live::outlived);
    let at_most = if context.is_template || open || uncertain || outlived {
        Action::Warn
    } else {
        Action::Deny
    };
    findings.push(
        Finding::new(
            place,
            match live.map(|live| &live.held_by) {
                Some(claim @ HeldBy::Claim(_)) => format!(
                    "the data of this virtual cluster is still there, of the backing store \
                     {before} ({claim}), and would not be found by {becomes}; {upstream}"
                ),
                Some(secret @ HeldBy::Secret(_)) => format!(
                    "this virtual cluster is there already, and its backing store cannot be \
                     changed like this: it is {before} ({secret}) and would become {becomes}; \
                     {upstream}"
                ),
                Some(HeldBy::Elsewhere { .. }) => format!(
                    "{ELSEWHERE}, with another backing store, and that cannot become {becomes}; \
                     {ELSEWHERE_UNTOLD}"
                ),
                None => format!(
                    "the backing store holds the state of a virtual cluster and cannot be changed \
                     like this, it is {before} and would become {becomes}; {upstream}"
                ),
            },
        )
        .fix(if is_elsewhere(live) {
            ELSEWHERE_FIX.to_owned()
        } else {
            or_delete(way_back(config, before, now), live)
        })
        .at_most(at_most),
    );
}

/// How to stay with the store that the virtual cluster has.
fn way_back(config: &Config<'_>, before: Store, now: Store) -> String {
    let off = now.enabled_path();
    match (before, config.stores().is_empty()) {
        (Store::EmbeddedDatabase, _) => format!("set {off} to false"),
        (_, true) => format!("set {} to true", before.enabled_path()),
        (_, false) => format!("set {} to true and {off} to false", before.enabled_path()),
    }
}

/// The state of a deployed etcd comes along only where that is asked for.
fn migration(config: &Config<'_>, before: Store, now: Store, findings: &mut Vec<Finding>) {
    let switch = Path::dotted("controlPlane.backingStore.etcd.embedded.migrateFromDeployedEtcd");
    let migrates = config.get(switch.as_keys().unwrap_or_default());
    if (before, now) == (Store::DeployedEtcd, Store::EmbeddedEtcd) && migrates.bool() == Some(false)
    {
        findings.push(
            Finding::new(
                config.place_of_causes(&switch, &[now.enabled_path()]),
                "the deployed etcd holds the state of the virtual cluster, and without this \
                 vCluster begins with an empty one",
            )
            .fix(format!("set {switch} to true"))
            .at_most(Action::Warn),
        );
    }
}
