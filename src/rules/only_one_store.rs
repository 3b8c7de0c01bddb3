//! `only-one-store`: a virtual cluster keeps its state in one place.
//!
//! Mirrors the chart's `fail` on `controlPlane.backingStore`: enabling none is fine and means the
//! embedded database.

use super::{Context, Example, Finding, Page, Rule, list};
use crate::policy::Action;
use crate::values::Path;
use crate::vcluster::Completeness;

pub(super) const RULE: Rule = Rule {
    id: "only-one-store",
    action: Action::Deny,
    about: "more than one backing store is enabled",
    page: Page {
        why: "A virtual cluster keeps its state in one backing store. The chart stops with `you \
              can only enable one backingStore at the same time`; a pod that gets several all the \
              same takes the first in an order of its own, and that may be an empty one.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  backingStore:\n    etcd:\n      deploy:\n        enabled: true\n    database:\n      external:\n        enabled: true\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  backingStore:\n    etcd:\n      deploy:\n        enabled: true\n",
        ),
        fix: "Leave one store enabled. For a virtual cluster that runs already, that is the one \
              that holds its state: see store-change.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let enabled = context.config.stores();
    if enabled.len() < 2 {
        return;
    }
    let causes: Vec<_> = enabled.iter().map(|store| store.enabled_path()).collect();
    let names: Vec<_> = enabled.iter().map(|store| store.as_str()).collect();
    let before = context.before.and_then(super::Config::store);
    let kept = before.filter(|store| enabled.contains(store));
    let switches: Vec<_> = enabled
        .iter()
        .filter(|store| Some(**store) != kept)
        .map(|store| store.enabled_path().to_string())
        .collect();
    let switches: Vec<_> = switches.iter().map(String::as_str).collect();
    let all_but_one = if kept.is_some() {
        ""
    } else {
        "all but one of "
    };
    // other values, which are not seen, may switch one off again
    let at_most = match context.completeness {
        Completeness::Fragment => Action::Warn,
        Completeness::Whole | Completeness::Extended => Action::Deny,
    };
    findings.push(
        Finding::new(
            context
                .config
                .place_of_causes(&Path::dotted("controlPlane.backingStore"), &causes),
            format!(
                "only one backing store can be enabled at the same time, found {}",
                list(&names)
            ),
        )
        .fix(format!("set {all_but_one}{} to false", list(&switches)))
        .at_most(at_most),
    );
}
