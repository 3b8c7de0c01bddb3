//! From what an object holds to what the rules see.

use super::words::{object_name, title_of};
use super::{Cluster, mutate};
use crate::admission::Request;
use crate::carrier::{Carried, Carrier, Seen};
use crate::defaults::{self, Claimed, Edit};
use crate::policy::Policy;
use crate::vcluster::{Config, Operation, Parts, Subject};

/// One config, as the object holds it and as the rules see it.
#[derive(Debug)]
pub struct Lowered<'a> {
    /// `HelmRelease team-a/dev (vCluster chart 0.30.4)`.
    pub title: String,
    /// As the object holds it.
    pub carried: Carried<'a>,
    /// As the rules see it.
    pub subject: Subject<'static>,
}

/// The configs of an object as if it were new, and whether it holds more than are looked at.
pub fn lower<'a>(
    request: &Request<'a>,
    policy: &Policy,
    cluster: &Cluster,
) -> (Vec<Lowered<'a>>, bool) {
    let Some(object) = request.object else {
        return (Vec::new(), false);
    };
    let seen = Seen {
        namespace: &request.namespace,
        known: false,
        roads: &policy.roads,
    };
    let name = format!("{} {}", request.kind.kind, object_name(request));
    let held = Carrier::of(&request.kind, &policy.roads)
        .into_iter()
        .map(|carrier| carrier.configs(object, seen))
        .find(|held| !held.configs.is_empty())
        .unwrap_or_default();
    let configs = held.configs.into_iter();
    let lowered = configs.map(|carried| Lowered::new(&name, carried, policy, cluster));
    (lowered.collect(), held.more)
}

impl<'a> Lowered<'a> {
    /// A config as if it were new; `name` is what holds it.
    pub fn new(name: &str, carried: Carried<'a>, policy: &Policy, cluster: &Cluster) -> Self {
        let subject = subject(Operation::Create, &carried, None, policy, cluster);
        Self {
            title: title_of(name, &carried, &subject),
            carried,
            subject,
        }
    }

    /// What would go into it: nothing where defaults are only suggested, or have no place.
    pub fn edits(&self, policy: &Policy) -> Vec<Edit> {
        let plan = defaults::plan(&self.subject, policy, &Claimed::default());
        match &self.carried.edit_at {
            Some(edit_at) if mutate::edit(edit_at, &plan, policy).is_ok() => plan.edits,
            _ => Vec::new(),
        }
    }
}

/// What the rules see of a config.
pub(super) fn subject(
    operation: Operation,
    now: &Carried<'_>,
    before: Option<&Carried<'_>>,
    policy: &Policy,
    cluster: &Cluster,
) -> Subject<'static> {
    let compose = |carried: &Carried<'_>| {
        // another cluster has a version of its own
        let host = cluster.host_version.clone();
        let here = host.filter(|_| carried.release.cluster.is_none());
        Config::compose(Parts {
            chart: &carried.chart,
            layers: carried.layers().to_vec(),
            reading: carried.reading,
            catalogue: policy.catalogue,
            fallback: policy.fallback_block(),
            host_version: carried.told_host.clone().or(here),
        })
    };
    Subject {
        operation,
        reading: now.reading,
        is_template: now.is_template,
        completeness: now.completeness,
        renders_on: now.renders_on.clone(),
        now: compose(now),
        before: before.map(compose),
        told_before: before.and_then(|before| before.told_distro),
    }
}
