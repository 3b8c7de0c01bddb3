//! The checks: one file each, functions of a snapshot.

mod api_server;
mod canary;
mod certificates;
mod charts;
mod configurations;
mod deadlock;
mod deployment;
mod mends;
mod other_webhooks;
mod policies;
mod registration;
mod rules;
mod service;
#[cfg(test)]
mod testing;

use super::{Finding, Snapshot, Wanted};

/// One check.
type Look = fn(&Snapshot, &Wanted) -> Vec<Finding>;

/// Looks at everything. Where nothing is installed, only that is told.
pub fn examine(snapshot: &Snapshot, wanted: &Wanted) -> Vec<Finding> {
    let first: [Look; 2] = [api_server::look, configurations::look];
    let rest: [Look; 9] = [
        registration::look,
        deadlock::look,
        certificates::look,
        service::look,
        deployment::look,
        other_webhooks::look,
        policies::look,
        charts::look,
        canary::look,
    ];
    let looks: &mut dyn Iterator<Item = Look> = if configurations::is_absent(snapshot, wanted) {
        &mut first.into_iter()
    } else {
        &mut first.into_iter().chain(rest)
    };
    looks.flat_map(|look| look(snapshot, wanted)).collect()
}
