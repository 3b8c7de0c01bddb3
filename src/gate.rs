//! The way of a review: from a request to a verdict.
//!
//! [`review`] finds the configs in the object, pairs them with the old ones and lowers them into
//! subjects; [`judge`] is what happens to one subject. Pure and synchronous: no I/O, no clock.

mod compare;
mod lower;
mod mutate;
mod pairs;
mod words;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::value::RawValue;

pub use self::compare::{Claim, Comparison, Disagreement, Meaning, compare};
pub use self::lower::{Lowered, lower};
use self::pairs::{Before, Pair};
pub use self::words::object_name;
use self::words::title;
use crate::admission::{Endpoint, Operation as Verb, Request};
use crate::carrier::{self, Carried, Carrier, Held, MAX_CONFIGS, Seen};
use crate::defaults::Edit;
use crate::policy::{Action, Date, InForce, Labels, Policy};
use crate::rules::{self, Finding};
use crate::text::printable;
use crate::vcluster::{Certainty, Inventory, KubeVersion, Operation, Reading, Subject};

/// How many findings a message tells one by one.
const FINDINGS_TOLD: usize = 20;

/// What is known from outside.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// The host cluster's Kubernetes version.
    pub host_version: Option<KubeVersion>,
    /// The labels of namespaces, where they are known.
    pub namespace_labels: Arc<HashMap<String, Arc<Labels>>>,
    /// The virtual clusters that are there, or have left their data.
    pub inventory: Inventory,
    /// Which day it is, in UTC.
    pub today: Option<Date>,
}

/// The outcome of a review.
#[derive(Debug)]
pub struct Verdict {
    /// What was decided.
    pub decision: Decision,
    /// The kind of carrier, if the object is one.
    pub carrier: Option<Box<str>>,
    /// What was found in each config that was judged.
    pub configs: Vec<Judged>,
    /// What goes into the object; only from the mutating webhook.
    pub patch: json_patch::Patch,
    /// The same by values path.
    pub edits: Vec<Edit>,
    /// What the user is told besides the findings.
    pub remarks: Vec<String>,
    /// What only the audit log is told besides the findings.
    pub notes: BTreeSet<String>,
}

/// What was decided.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Decision {
    /// The object holds no vCluster config, or nothing is done to it that could change one.
    NotOurs,
    /// Nothing that has a say in a config differs from before.
    Unchanged,
    /// Allowed as it is.
    Allowed,
    /// Allowed, with defaults put in.
    Patched,
    /// Allowed without the defaults: they did not stand up to the check of our own answer.
    PatchWithheld,
    /// Refused.
    Denied,
}

/// One config with what was found.
#[derive(Debug)]
pub struct Judged {
    /// `HelmRelease team-a/dev (vCluster chart 0.30.4)`.
    pub title: String,
    /// Every finding.
    pub findings: Vec<Finding>,
    /// What to do about any of them, where the object is not the place to do it.
    pub advice: Option<String>,
}

/// Reviews a request: `/mutate` answers the defaults and never denies, `/validate` judges the
/// object as it is then and never patches.
pub fn review(
    request: &Request<'_>,
    endpoint: Endpoint,
    policy: &Policy,
    cluster: &Cluster,
) -> Verdict {
    let mut verdict = Verdict::new(Decision::NotOurs);
    let operation = match (request.operation, request.sub_resource.is_empty()) {
        (Verb::Create, true) => Operation::Create,
        (Verb::Update, true) => Operation::Update,
        _ => return verdict,
    };
    let Some(object) = request.object else {
        return verdict;
    };
    let roads = &policy.roads;
    for carrier in Carrier::of(&request.kind, roads) {
        let seen = Seen {
            namespace: &request.namespace,
            known: false,
            roads,
            budget: &Rc::default(),
        };
        let held = request
            .old_object
            .map_or_else(Held::default, |object| carrier.configs(object, seen));
        let before = Before::of(&held);
        // what held a config before is looked at even where nothing tells of one any more
        let known = !before.is_empty();
        let now = carrier.configs(
            object,
            Seen {
                known,
                budget: &Rc::default(),
                ..seen
            },
        );
        if now.configs.is_empty() && before.is_empty() {
            continue;
        }
        let review = Review {
            request,
            carrier,
            object,
            operation,
            policy,
            cluster,
        };
        review.run(endpoint, &now, &before, &mut verdict);
        return verdict;
    }
    verdict
}

/// Judges one subject.
pub fn judge(subject: &Subject<'_>, policy: &InForce) -> Vec<Finding> {
    rules::judge(subject, policy)
}

/// One review of an object that is a carrier.
#[derive(Clone, Copy)]
struct Review<'a> {
    request: &'a Request<'a>,
    carrier: Carrier<'a>,
    object: &'a RawValue,
    operation: Operation,
    policy: &'a Policy,
    cluster: &'a Cluster,
}

impl Review<'_> {
    fn run(
        &self,
        endpoint: Endpoint,
        now: &Held<'_>,
        before: &Before<'_, '_>,
        verdict: &mut Verdict,
    ) {
        let name = object_name(self.request);
        let kind = &self.request.kind.kind;
        if now.configs.is_empty() {
            if endpoint == Endpoint::Validate {
                verdict.remarks.push(format!(
                    "{kind} {name}: it deploys no vCluster chart any more, as far as can be seen, \
                     and is not judged"
                ));
            }
            return;
        }
        verdict.carrier = Some(kind.as_ref().into());
        verdict.decision = Decision::Unchanged;
        if now.more && endpoint == Endpoint::Validate {
            verdict.remarks.push(format!(
                "{kind} {name}: it holds more than {MAX_CONFIGS} vCluster configs; those behind \
                 the first {MAX_CONFIGS} are not judged and get no defaults"
            ));
        }
        let pairs = before.pairs(&now.configs);
        match endpoint {
            Endpoint::Validate => self.validate(&now.configs, &pairs, verdict),
            Endpoint::Mutate => self.mutate(&now.configs, &pairs, before, verdict),
        }
    }

    fn validate(&self, now: &[Carried<'_>], pairs: &[Pair<'_, '_>], verdict: &mut Verdict) {
        let has_same_record = self.has_same_record();
        for (config, pair) in now.iter().zip(pairs) {
            if pair.is_untouched && has_same_record {
                continue;
            }
            verdict.decision = Decision::Allowed;
            let (subject, in_force) = self.subject(config, pair.before);
            let title = title(self.request, config, &subject);
            verdict.note_unsure(&in_force);
            if subject.now.chart.certainty() == Certainty::Legacy {
                verdict.remarks.push(format!(
                    "{title}: configs of charts before 0.20 are not judged and get no defaults"
                ));
            }
            let findings = judge(&subject, &in_force);
            let advice = (config.reading != Reading::Helm).then(|| {
                let release = printable(&config.release.name, 53);
                let kind = &self.request.kind.kind;
                format!("Helm writes this {kind}: change the values of release {release}")
            });
            verdict.configs.push(Judged {
                title,
                findings,
                advice,
            });
        }
        if verdict
            .findings()
            .any(|finding| finding.action == Action::Deny)
        {
            verdict.decision = Decision::Denied;
        }
    }

    /// Whether our record in the object is what it was.
    fn has_same_record(&self) -> bool {
        let old = self.request.old_object;
        carrier::record(self.object) == old.and_then(carrier::record)
    }

    /// What is judged of a config, and by what.
    fn subject(
        &self,
        now: &Carried<'_>,
        before: Option<&Carried<'_>>,
    ) -> (Subject<'static>, InForce) {
        let Self {
            request,
            operation,
            policy,
            cluster,
            ..
        } = *self;
        lower::subject(request, operation, (now, before), policy, cluster)
    }
}

impl Decision {
    /// The word for logs and recordings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotOurs => "not-ours",
            Self::Unchanged => "unchanged",
            Self::Allowed => "allowed",
            Self::Patched => "patched",
            Self::PatchWithheld => "patch-withheld",
            Self::Denied => "denied",
        }
    }
}

impl Verdict {
    const fn new(decision: Decision) -> Self {
        Self {
            decision,
            carrier: None,
            configs: Vec::new(),
            patch: json_patch::Patch(Vec::new()),
            edits: Vec::new(),
            remarks: Vec::new(),
            notes: BTreeSet::new(),
        }
    }

    /// Says which documents could not be told to count or not.
    fn note_unsure(&mut self, in_force: &InForce) {
        self.notes.extend(in_force.unsure.iter().map(|name| {
            let name = printable(name, 64);
            format!("policy {name} is not looked at: the labels of the namespace are not known")
        }));
    }

    /// Every finding, of all configs.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.configs.iter().flat_map(|config| &config.findings)
    }
}
