//! The way of a review: from a request to a verdict.
//!
//! [`review`] finds the configs in the object, pairs them with the old ones and lowers them into
//! subjects; [`judge`] is what happens to one subject. Pure and synchronous: no I/O, no clock.

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::admission::{
    Cause, Denial, Endpoint, Operation as Verb, Reply, Request, Response, printable,
};
use crate::carrier::{self, Carried, Carrier};
use crate::defaults::{self, Edit, Plan};
use crate::policy::{Action, Policy};
use crate::rules::{self, Finding};
use crate::vcluster::{Certainty, Config, KubeVersion, Operation, Parts, Subject};

/// How many findings a message tells one by one.
const FINDINGS_TOLD: usize = 20;

/// What is known from outside.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// The host cluster's Kubernetes version.
    pub host_version: Option<KubeVersion>,
}

/// The outcome of a review.
#[derive(Debug)]
pub struct Verdict {
    /// What was decided.
    pub decision: Decision,
    /// The kind of carrier, if the object is one.
    pub carrier: Option<&'static str>,
    /// What was found in each config that was judged.
    pub configs: Vec<Judged>,
    /// What goes into the object; only from the mutating webhook.
    pub patch: json_patch::Patch,
    /// The same by values path.
    pub edits: Vec<Edit>,
    /// What the user is told besides the findings.
    pub remarks: Vec<String>,
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
    let (Some(carrier), Some(object)) = (Carrier::of(request), request.object) else {
        return verdict;
    };
    let now = carrier.configs(object, request);
    if now.is_empty() {
        return verdict;
    }
    verdict.carrier = Some(carrier.kind());
    let before = request
        .old_object
        .map_or_else(Vec::new, |object| carrier.configs(object, request));
    verdict.decision = Decision::Unchanged;
    for carried in &now {
        let before = before
            .iter()
            .find(|before| before.release == carried.release);
        if before.is_some_and(|before| carried.is_untouched_since(before)) {
            continue;
        }
        verdict.decision = Decision::Allowed;
        let subject = subject(operation, carried, before, policy, cluster);
        let title = title(carrier, request, &subject);
        if subject.now.chart.certainty() == Certainty::Legacy {
            // said by one of the two webhooks, or the user reads it twice
            if endpoint == Endpoint::Validate {
                verdict.remarks.push(format!(
                    "{title}: configs of charts before 0.20 are not judged and get no defaults"
                ));
            }
            continue;
        }
        match endpoint {
            Endpoint::Validate => {
                let findings = judge(&subject, policy);
                verdict.configs.push(Judged { title, findings });
            }
            Endpoint::Mutate => {
                verdict.plan(object, carried, &title, defaults::plan(&subject, policy));
            }
        }
    }
    match endpoint {
        Endpoint::Validate => verdict.decide(),
        Endpoint::Mutate => verdict.check_patch(request, carrier, policy, cluster),
    }
    verdict
}

/// Judges one subject.
pub fn judge(subject: &Subject<'_>, policy: &Policy) -> Vec<Finding> {
    rules::judge(subject, policy)
}

fn subject(
    operation: Operation,
    now: &Carried<'_>,
    before: Option<&Carried<'_>>,
    policy: &Policy,
    cluster: &Cluster,
) -> Subject<'static> {
    let compose = |carried: &Carried<'_>| {
        Config::compose(Parts {
            chart: &carried.chart,
            layers: carried.layers().to_vec(),
            reading: carried.reading,
            catalogue: policy.catalogue,
            fallback: policy.fallback_block(),
            host_version: cluster.host_version.clone(),
        })
    };
    Subject {
        operation,
        reading: now.reading,
        now: compose(now),
        before: before.map(compose),
    }
}

/// `HelmRelease team-a/dev (vCluster chart 0.30.4)`.
fn title(carrier: Carrier, request: &Request<'_>, subject: &Subject<'_>) -> String {
    let chart = &subject.now.chart;
    format!("{} {} ({chart})", carrier.kind(), object_name(request))
}

/// `team-a/dev`; the API server may still have to generate the name.
pub fn object_name(request: &Request<'_>) -> String {
    // names of Kubernetes objects have at most 253 characters
    let shown = |text: &str| printable(text, 253);
    let name = if request.name.is_empty() {
        "(name to be generated)".into()
    } else {
        shown(&request.name)
    };
    match &*request.namespace {
        "" => name,
        namespace => format!("{}/{name}", shown(namespace)),
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
        }
    }

    /// Every finding, of all configs.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.configs.iter().flat_map(|config| &config.findings)
    }

    fn decide(&mut self) {
        if self
            .findings()
            .any(|finding| finding.action == Action::Deny)
        {
            self.decision = Decision::Denied;
        }
    }

    fn plan(&mut self, object: &RawValue, carried: &Carried<'_>, title: &str, plan: Plan) {
        let Plan {
            overlay,
            edits,
            left_out,
        } = plan;
        self.remarks
            .extend(left_out.into_iter().map(|text| format!("{title}: {text}")));
        if let Some(at) = &carried.edit_at {
            self.patch
                .0
                .extend(carrier::json_patch(object, at, &overlay).0);
            self.edits.extend(edits);
        }
    }

    /// Our own answer has to apply, to give no further edit when it is reviewed again, and to
    /// bring no denial that was not there before. Otherwise nothing is sent.
    fn check_patch(
        &mut self,
        request: &Request<'_>,
        carrier: Carrier,
        policy: &Policy,
        cluster: &Cluster,
    ) {
        if self.patch.0.is_empty() {
            return;
        }
        if stands_up(&self.patch, request, carrier, policy, cluster).is_some() {
            self.decision = Decision::Patched;
        } else {
            self.decision = Decision::PatchWithheld;
            self.patch.0.clear();
            self.edits.clear();
        }
    }

    /// The whole refusal.
    fn denial(&self) -> Denial {
        let mut message = String::new();
        let mut causes = Vec::new();
        let mut untold = 0;
        for Judged { title, findings } in &self.configs {
            let mut refusals = findings
                .iter()
                .filter(|finding| finding.action == Action::Deny)
                .peekable();
            if refusals.peek().is_none() {
                continue;
            }
            if !message.is_empty() {
                message.push('\n');
            }
            message.push_str(title);
            message.push_str(" refused:");
            for finding in refusals {
                if causes.len() == FINDINGS_TOLD {
                    untold += 1;
                    continue;
                }
                for line in std::iter::once(format!("\n  {finding}"))
                    .chain(finding.fix.iter().map(|fix| format!("\n    fix: {fix}")))
                {
                    message.push_str(&line);
                }
                causes.push(Cause {
                    reason: finding.rule.to_owned(),
                    message: finding.message.clone(),
                    field: finding.place.field(),
                });
            }
        }
        if untold > 0 {
            message = format!("{message}\n  and {untold} more");
        }
        Denial { message, causes }
    }
}

impl Reply for Verdict {
    fn response(&self) -> Response {
        let mut warnings = self.remarks.clone();
        let mut audit_annotations = std::collections::BTreeMap::<String, String>::new();
        for Judged { title, findings } in &self.configs {
            for finding in findings {
                let Finding {
                    rule, action, fix, ..
                } = finding;
                if *action == Action::Warn {
                    let fix = fix
                        .as_ref()
                        .map_or_else(String::new, |fix| format!("; fix: {fix}"));
                    warnings.push(format!("{title}: {finding}{fix}"));
                }
                let told = audit_annotations.entry((*rule).to_owned()).or_default();
                if !told.is_empty() {
                    told.push_str("; ");
                }
                let one = format!("{action}: {}: {}", finding.place, finding.message);
                told.push_str(&one);
            }
        }
        Response {
            denial: (self.decision == Decision::Denied).then(|| self.denial()),
            patch: self.patch.clone(),
            warnings,
            audit_annotations,
        }
    }
}

/// Whether a patch applies, is complete and brings no new denial; `Some` if so.
fn stands_up(
    patch: &json_patch::Patch,
    request: &Request<'_>,
    carrier: Carrier,
    policy: &Policy,
    cluster: &Cluster,
) -> Option<()> {
    let object = request.object?;
    let mut patched: Value = serde_json::from_str(object.get()).ok()?;
    json_patch::patch(&mut patched, patch).ok()?;
    let patched = to_raw_value(&patched).ok()?;
    let operation = if request.operation == Verb::Create {
        Operation::Create
    } else {
        Operation::Update
    };
    let old = request
        .old_object
        .map_or_else(Vec::new, |object| carrier.configs(object, request));
    let was = carrier.configs(object, request);
    let is = carrier.configs(&patched, request);
    if was.len() != is.len() {
        return None;
    }
    for (was, is) in was.iter().zip(&is) {
        let old = old.iter().find(|old| old.release == is.release);
        let is = subject(operation, is, old, policy, cluster);
        if !defaults::plan(&is, policy).edits.is_empty() {
            return None;
        }
        let was = judge(&subject(operation, was, old, policy, cluster), policy);
        let denied = |finding: &&Finding| finding.action == Action::Deny;
        let is = judge(&is, policy);
        let new = is.iter().filter(denied).any(|finding| {
            !was.iter()
                .filter(denied)
                .any(|old| old.rule == finding.rule && old.place.values == finding.place.values)
        });
        if new {
            return None;
        }
    }
    Some(())
}
