//! `ha-store`: several replicas need a store that they can share.
//!
//! Mirrors `embedded database is not supported with multiple replicas` in vCluster's
//! `pkg/config/validation.go` (the pod, from 0.21 on), and the command line from 0.20 on; the
//! chart does not check.

use super::{Context, Example, Finding, Page, Rule};
use crate::policy::Action;
use crate::values::{Data, Path};
use crate::vcluster::{Completeness, Known, Lookup, Store};

pub(super) const RULE: Rule = Rule {
    id: "ha-store",
    action: Action::Deny,
    about: "several replicas of the control plane on the embedded database",
    page: Page {
        why: "The embedded database is an SQLite file of one pod. With several replicas the pod \
              stops with `embedded database is not supported with multiple replicas`; the chart \
              renders it all the same.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  statefulSet:\n    highAvailability:\n      replicas: 3\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  statefulSet:\n    highAvailability:\n      replicas: 3\n  backingStore:\n    etcd:\n      deploy:\n        enabled: true\n",
        ),
        fix: "Run one replica, or choose another store for a new virtual cluster: etcd (embedded \
              or deployed) or an external database. A running one cannot always change its store: \
              see store-change.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let config = context.config;
    let path = Path::dotted("controlPlane.statefulSet.highAvailability.replicas");
    let Lookup::Known(Known {
        data: Data::Number(replicas),
        ..
    }) = config.get(path.as_keys().unwrap_or_default())
    else {
        return;
    };
    let several = replicas.as_f64().is_some_and(|replicas| replicas > 1.0);
    if !several || config.store() != Some(Store::EmbeddedDatabase) {
        return;
    }
    let explicit = !config.stores().is_empty();
    // other values, which are not seen, may choose a store
    let at_most = match context.completeness {
        Completeness::Fragment => Action::Warn,
        Completeness::Extended if !explicit => Action::Warn,
        Completeness::Whole | Completeness::Extended => Action::Deny,
    };
    let other = if explicit {
        ""
    } else {
        " and no other store enabled"
    };
    let causes = [path.clone(), Store::EmbeddedDatabase.enabled_path()];
    findings.push(
        Finding::new(
            config.place_of_causes(&path, &causes),
            format!(
                "the embedded database (SQLite) serves one replica only, found {replicas} \
                 replicas{other}"
            ),
        )
        .fix(format!(
            "set {path} to 1, or enable another store, as \
             controlPlane.backingStore.etcd.embedded or .deploy"
        ))
        .at_most(at_most),
    );
}
