//! The way of a review: from a request to a verdict.
//!
//! [`review`] finds the configs in the object, pairs them with the old ones and lowers them into
//! subjects; [`judge`] is what happens to one subject. Pure and synchronous: no I/O, no clock.

mod words;

use std::collections::HashSet;

use json_patch::PatchOperation;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

pub use self::words::object_name;
use self::words::{suggestion, title};
use crate::admission::{Endpoint, Operation as Verb, Request};
use crate::carrier::{self, Carried, Carrier, EditAt};
use crate::defaults::{self, Claimed, Claims, Edit, Plan, Record};
use crate::policy::{Action, Mode, Policy};
use crate::rules::{self, Finding};
use crate::text::printable;
use crate::values::Path;
use crate::vcluster::{Certainty, Config, KubeVersion, Operation, Parts, Reading, Subject};

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
    let (Some(carrier), Some(object)) = (Carrier::of(request), request.object) else {
        return verdict;
    };
    let before = request
        .old_object
        .map_or_else(Vec::new, |object| carrier.configs(object, request, false));
    // what held a config before is looked at even where nothing tells of one any more
    let now = carrier.configs(object, request, !before.is_empty());
    if now.is_empty() {
        if !before.is_empty() && endpoint == Endpoint::Validate {
            verdict.remarks.push(format!(
                "{} {}: it deploys no vCluster chart any more, as far as can be seen, and is not \
                 judged",
                carrier.kind(),
                object_name(request),
            ));
        }
        return verdict;
    }
    verdict.carrier = Some(carrier.kind());
    verdict.decision = Decision::Unchanged;
    let review = Review {
        request,
        carrier,
        object,
        operation,
        policy,
        cluster,
    };
    match endpoint {
        Endpoint::Validate => review.validate(&now, &before, &mut verdict),
        Endpoint::Mutate => review.mutate(&now, &before, &mut verdict),
    }
    verdict
}

/// Judges one subject.
pub fn judge(subject: &Subject<'_>, policy: &Policy) -> Vec<Finding> {
    rules::judge(subject, policy)
}

/// One review of an object that is a carrier.
struct Review<'a> {
    request: &'a Request<'a>,
    carrier: Carrier,
    object: &'a RawValue,
    operation: Operation,
    policy: &'a Policy,
    cluster: &'a Cluster,
}

/// The old config of the same release.
fn paired<'b, 'a>(now: &Carried<'_>, before: &'b [Carried<'a>]) -> Option<&'b Carried<'a>> {
    before.iter().find(|before| before.release == now.release)
}

impl Review<'_> {
    fn validate(&self, now: &[Carried<'_>], before: &[Carried<'_>], verdict: &mut Verdict) {
        for config in now {
            let before = paired(config, before);
            if before.is_some_and(|before| config.is_untouched_since(before)) {
                continue;
            }
            verdict.decision = Decision::Allowed;
            let subject = self.subject(config, before);
            let title = title(self.carrier, self.request, config, &subject);
            if subject.now.chart.certainty() == Certainty::Legacy {
                verdict.remarks.push(format!(
                    "{title}: configs of charts before 0.20 are not judged and get no defaults"
                ));
            }
            let findings = judge(&subject, self.policy);
            let advice = (config.reading == Reading::Pod).then(|| {
                let release = printable(&config.release.name, 53);
                format!("Helm writes this Secret: change the values of release {release}")
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

    /// Puts the defaults in, and takes down in the object what is ours. Our own answer has to
    /// apply, to give no further edit when it is reviewed again, and to bring no denial that was
    /// not there before; otherwise nothing is sent.
    fn mutate(&self, now: &[Carried<'_>], before: &[Carried<'_>], verdict: &mut Verdict) {
        let mut edited = self.plan(now, before, verdict);
        if edited.patch.0.is_empty() {
            return;
        }
        if self.stands_up(&edited.patch, now, before) {
            verdict.decision = Decision::Patched;
            verdict.patch = std::mem::take(&mut edited.patch);
            verdict.edits = edited.edits;
        } else {
            verdict.decision = Decision::PatchWithheld;
            verdict.remarks.push(format!(
                "{} {}: the defaults are left out: together they would break the config",
                self.carrier.kind(),
                object_name(self.request),
            ));
        }
    }

    /// What goes into the object, and out of it.
    fn plan(&self, now: &[Carried<'_>], before: &[Carried<'_>], verdict: &mut Verdict) -> Edited {
        let mut edited = Edited::default();
        let (mut record, mut touched) = (Record::default(), false);
        for config in now {
            let before = paired(config, before);
            let item = config.release.item.clone().unwrap_or_default();
            let claims = |carried: &Carried<'_>| {
                let text = carried.record.as_deref();
                text.map_or_else(Claims::new, |text| Record::parse(text).claims(&item))
            };
            let mut claimed = Claimed {
                before: before.map_or_else(Claims::new, claims),
                now: claims(config),
            };
            // of two versions with one name nobody can tell whose a claim is
            let same = |other: &&Carried<'_>| other.release.item == config.release.item;
            let is_shared = now.iter().filter(same).count() > 1;
            if is_shared {
                claimed = Claimed::default();
            }
            let mut keep = |claims| {
                if !is_shared {
                    record.insert(&item, claims);
                }
            };
            if let Some(edit_at) = &config.edit_at {
                let changed = before.is_none_or(|before| !config.has_same_texts(before));
                let theirs = |path: &Path| carrier::is_owned(self.object, edit_at, path, changed);
                claimed.before.retain(|path, _| !theirs(path));
                claimed.now.retain(|path, _| !theirs(path));
            }
            if before.is_some_and(|before| config.is_untouched_since(before)) {
                keep(claimed.before);
                continue;
            }
            (touched, verdict.decision) = (true, Decision::Allowed);
            let subject = self.subject(config, before);
            let plan = defaults::plan(&subject, self.policy, &claimed);
            let title = title(self.carrier, self.request, config, &subject);
            for text in &plan.left_out {
                verdict.remarks.push(format!("{title}: {text}"));
            }
            let Some(edit_at) = &config.edit_at else {
                continue;
            };
            match self.edit(edit_at, &plan) {
                Ok(patch) => {
                    edited.patch.0.extend(patch.0);
                    edited.edits.extend(plan.edits);
                    keep(plan.record);
                }
                Err(why) => {
                    let lines = suggestion(&plan.edits);
                    verdict.remarks.push(format!(
                        "{title}: the defaults for {} are not put in, because {why}; to have them, \
                         add {lines}",
                        edit_at.at,
                    ));
                    keep(plan.kept);
                }
            }
        }
        if touched && now.iter().any(|config| config.edit_at.is_some()) {
            edited.patch.0.extend(self.record(&record));
        }
        edited
    }

    /// The patch of a plan, or why there is none.
    fn edit(&self, edit_at: &EditAt, plan: &Plan) -> Result<json_patch::Patch, String> {
        if plan.edits.is_empty() {
            return Ok(json_patch::Patch::default());
        }
        if self.policy.defaults.mode == Mode::Suggest {
            return Err("the policy only suggests them".to_owned());
        }
        if edit_at.suggest {
            return Err("Argo CD would put the text back".to_owned());
        }
        let changes: Vec<_> = plan
            .edits
            .iter()
            .map(|edit| (edit.path.clone(), edit.change.clone()))
            .collect();
        carrier::json_patch(self.object, edit_at, &changes).map_err(|error| error.to_string())
    }

    /// The operation that makes the object's record what it has to be.
    fn record(&self, record: &Record) -> Option<PatchOperation> {
        let at = carrier::record_path();
        match (record.to_annotation(), carrier::record(self.object)) {
            (None, None) => None,
            (Some(wanted), Some(found))
                if Record::parse(&found) == *record && wanted.len() == found.len() =>
            {
                None
            }
            (Some(wanted), _) => Some(carrier::put(self.object, &at, Value::String(wanted))),
            (None, Some(_)) => Some(carrier::take_out(&at)),
        }
    }

    fn subject(&self, now: &Carried<'_>, before: Option<&Carried<'_>>) -> Subject<'static> {
        let compose = |carried: &Carried<'_>| {
            Config::compose(Parts {
                chart: &carried.chart,
                layers: carried.layers().to_vec(),
                reading: carried.reading,
                catalogue: self.policy.catalogue,
                fallback: self.policy.fallback_block(),
                host_version: self.cluster.host_version.clone(),
            })
        };
        Subject {
            operation: self.operation,
            reading: now.reading,
            is_template: now.is_template,
            is_completed_elsewhere: now.is_completed_elsewhere,
            now: compose(now),
            before: before.map(compose),
            told_before: before.and_then(|before| before.told_distro),
        }
    }

    /// Whether a patch applies, is complete and brings no new denial.
    fn stands_up(
        &self,
        patch: &json_patch::Patch,
        was: &[Carried<'_>],
        before: &[Carried<'_>],
    ) -> bool {
        let Some(patched) = applied(patch, self.object) else {
            return false;
        };
        let is = self
            .carrier
            .configs(&patched, self.request, !before.is_empty());
        let again = Review {
            object: &patched,
            ..*self
        };
        let mut ignored = Verdict::new(Decision::Allowed);
        if is.len() != was.len() || !again.plan(&is, before, &mut ignored).patch.0.is_empty() {
            return false;
        }
        let denied = |configs: &[Carried<'_>]| -> HashSet<_> {
            let findings = configs.iter().flat_map(|config| {
                judge(&self.subject(config, paired(config, before)), self.policy)
            });
            findings
                .filter(|finding| finding.action == Action::Deny)
                .map(|finding| (finding.rule, finding.place.values))
                .collect()
        };
        denied(&is).is_subset(&denied(was))
    }
}

/// What is done to an object.
#[derive(Default)]
struct Edited {
    patch: json_patch::Patch,
    edits: Vec<Edit>,
}

fn applied(patch: &json_patch::Patch, object: &RawValue) -> Option<Box<RawValue>> {
    let mut patched: Value = serde_json::from_str(object.get()).ok()?;
    json_patch::patch(&mut patched, patch).ok()?;
    to_raw_value(&patched).ok()
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
}
