//! From what an object holds to what the rules see.

use std::rc::Rc;
use std::sync::Arc;

use super::words::{object_name, title_of};
use super::{Cluster, mutate};
use crate::admission::Request;
use crate::carrier::{Carried, Carrier, Release, Seen};
use crate::defaults::{self, Claimed, Edit};
use crate::policy::{Applicant, InForce, Policy};
use crate::vcluster::{Completeness, Config, Live, Operation, Parts, Subject};

/// One config, as the object holds it and as the rules see it.
#[derive(Debug)]
pub struct Lowered<'a> {
    /// `HelmRelease team-a/dev (vCluster chart 0.30.4)`.
    pub title: String,
    /// As the object holds it.
    pub carried: Carried<'a>,
    /// As the rules see it.
    pub subject: Subject<'static>,
    /// What is in force for it.
    pub in_force: InForce,
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
    let held_by = |carrier: Carrier<'_>| {
        let seen = Seen {
            namespace: &request.namespace,
            known: false,
            roads: &policy.roads,
            budget: &Rc::default(),
        };
        carrier.configs(object, seen)
    };
    let name = format!("{} {}", request.kind.kind, object_name(request));
    let held = Carrier::of(&request.kind, &policy.roads)
        .into_iter()
        .map(held_by)
        .find(|held| !held.configs.is_empty())
        .unwrap_or_default();
    let configs = held.configs.into_iter();
    let lowered = configs.map(|carried| Lowered::new(&name, request, carried, policy, cluster));
    (lowered.collect(), held.more)
}

impl<'a> Lowered<'a> {
    /// A config as if it were new; `name` is what holds it.
    pub fn new(
        name: &str,
        request: &Request<'_>,
        carried: Carried<'a>,
        policy: &Policy,
        cluster: &Cluster,
    ) -> Self {
        let pair = (&carried, None);
        let (subject, in_force) = subject(request, Operation::Create, pair, policy, cluster);
        Self {
            title: title_of(name, &carried, &subject),
            carried,
            subject,
            in_force,
        }
    }

    /// What would go into it: nothing where defaults are only suggested, or have no place.
    pub fn edits(&self) -> Vec<Edit> {
        let plan = defaults::plan(&self.subject, &self.in_force, &Claimed::default());
        match &self.carried.edit_at {
            Some(edit_at) => match mutate::edit(edit_at, &plan, self.in_force.defaults.mode) {
                Ok(patch) if !patch.0.is_empty() => plan.edits,
                _ => Vec::new(),
            },
            None => Vec::new(),
        }
    }
}

/// What the rules see of a config, and what is in force for it.
pub(super) fn subject(
    request: &Request<'_>,
    operation: Operation,
    (now, before): (&Carried<'_>, Option<&Carried<'_>>),
    policy: &Policy,
    cluster: &Cluster,
) -> (Subject<'static>, InForce) {
    let applicant = Applicant {
        namespace: &request.namespace,
        target_namespace: &now.release.namespace,
        labels: cluster
            .namespace_labels
            .get(&*request.namespace)
            .map(AsRef::as_ref),
        carrier: &request.kind.kind,
        chart: None,
        user: &request.user,
        groups: &request.groups,
        today: cluster.today,
    };
    // which chart to assume is said before the chart is known
    let fallback = policy.fallback(&applicant);
    let compose = |carried: &Carried<'_>| {
        // another cluster has a version of its own
        let host = cluster.host_version.clone();
        let here = host.filter(|_| carried.release.cluster.is_none());
        Config::compose(Parts {
            chart: &carried.chart,
            layers: carried.layers().to_vec(),
            reading: carried.reading,
            catalogue: policy.catalogue,
            fallback,
            host_version: carried.told_host.clone().or(here),
        })
    };
    let subject = Subject {
        operation,
        reading: now.reading,
        is_template: now.is_template,
        completeness: now.completeness,
        renders_on: now.renders_on.clone(),
        now: compose(now),
        before: before.map(compose),
        told_before: before.and_then(|before| before.told_distro),
        live: match before {
            Some(_) => None,
            None => live(request, now, cluster),
        },
    };
    let in_force = policy.in_force(&Applicant {
        chart: Some(&subject.now.chart),
        ..applicant
    });
    (subject, in_force)
}

/// What this cluster holds of the virtual cluster that a config is for. Another cluster's are not
/// known, and a template or a piece of values is for none. Whoever may write in one namespace need
/// not see into the one that is deployed to, and is told nothing of what is there.
fn live(request: &Request<'_>, config: &Carried<'_>, cluster: &Cluster) -> Option<Arc<Live>> {
    let Release {
        cluster: elsewhere,
        namespace,
        name,
        item,
    } = &config.release;
    let is_here =
        elsewhere.is_none() && item.is_none() && !Carrier::deploys_elsewhere(&request.kind);
    let is_one = !config.is_template && config.completeness != Completeness::Fragment;
    let known = || cluster.inventory.get(namespace, name);
    let live = (is_here && is_one).then(known).flatten()?;
    if *namespace == *request.namespace {
        Some(Arc::clone(live))
    } else {
        Some(Arc::new(live.from_elsewhere()))
    }
}
