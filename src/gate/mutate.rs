//! Putting the defaults in, and taking them out again.

use std::collections::HashSet;
use std::rc::Rc;

use json_patch::PatchOperation;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::pairs::{Before, Pair};
use super::words::{object_name, suggestion, title};
use super::{Decision, Review, Verdict, judge};
use crate::carrier::{self, Carried, EditAt, Ownership, Seen};
use crate::defaults::{self, Claimed, Claims, Edit, Plan, Record};
use crate::policy::{Action, Mode};
use crate::vcluster::Reading;

impl Review<'_> {
    /// Puts the defaults in, and takes down in the object what is ours. Our own answer has to
    /// apply, to give no further edit when it is reviewed again, and to bring no denial that was
    /// not there before; otherwise nothing is sent.
    pub(super) fn mutate(
        &self,
        now: &[Carried<'_>],
        pairs: &[Pair<'_, '_>],
        before: &Before<'_, '_>,
        verdict: &mut Verdict,
    ) {
        let mut edited = self.plan(now, pairs, verdict);
        if edited.patch.0.is_empty() {
            return;
        }
        if self.stands_up(&edited.patch, now, pairs, before) {
            verdict.decision = Decision::Patched;
            verdict.patch = std::mem::take(&mut edited.patch);
            verdict.edits = edited.edits;
        } else {
            verdict.decision = Decision::PatchWithheld;
            verdict.remarks.push(format!(
                "{} {}: the defaults are left out: together they would break the config",
                self.request.kind.kind,
                object_name(self.request),
            ));
        }
    }

    /// What goes into the object, and out of it.
    fn plan(&self, now: &[Carried<'_>], pairs: &[Pair<'_, '_>], verdict: &mut Verdict) -> Edited {
        let mut edited = Edited::default();
        let mut touched = false;
        let mut books = Books::of(self, now);
        let has_same_record = self.has_same_record();
        for (config, pair) in now.iter().zip(pairs) {
            // what we put in is ours only where Helm has not been yet
            let is_recorded = config.reading == Reading::Helm;
            let claimed = if is_recorded {
                books.claimed(config, pair)
            } else {
                Claimed::default()
            };
            if pair.is_untouched && has_same_record {
                books.keep(config, claimed.before);
                continue;
            }
            (touched, verdict.decision) = (true, Decision::Allowed);
            let (subject, in_force) = self.subject(config, pair.before);
            let plan = defaults::plan(&subject, &in_force, &claimed);
            verdict.note_unsure(&in_force);
            let title = title(self.request, config, &subject);
            for text in &plan.left_out {
                verdict.remarks.push(format!("{title}: {text}"));
            }
            if !plan.placeless.is_empty() {
                let paths = plan.placeless.iter().map(ToString::to_string);
                let paths = paths.collect::<Vec<_>>().join(", ");
                verdict.notes.insert(format!(
                    "{title}: it has no place for the policy's defaults for {paths}"
                ));
            }
            let Some(edit_at) = &config.edit_at else {
                continue;
            };
            match edit(edit_at, &plan, in_force.defaults.mode) {
                Ok(patch) => {
                    if !patch.0.is_empty() {
                        edited.patch.0.extend(patch.0);
                        edited.edits.extend(plan.edits);
                    }
                    books.keep(config, plan.record);
                }
                Err(why) => {
                    let lines = suggestion(&plan.edits);
                    verdict.remarks.push(format!(
                        "{title}: the defaults for {} are not put in, because {why}; to have them, \
                         add {lines}",
                        edit_at.at,
                    ));
                    books.keep(config, plan.kept);
                }
            }
        }
        let keeps_record =
            |config: &Carried<'_>| config.edit_at.is_some() && config.reading == Reading::Helm;
        if touched && now.iter().any(keeps_record) {
            edited.patch.0.extend(self.record(&books.kept));
        }
        edited
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

    /// Whether a patch applies, is complete and brings no new denial.
    fn stands_up(
        &self,
        patch: &json_patch::Patch,
        was: &[Carried<'_>],
        pairs: &[Pair<'_, '_>],
        before: &Before<'_, '_>,
    ) -> bool {
        let Some(patched) = applied(patch, self.object) else {
            return false;
        };
        let seen = Seen {
            namespace: &self.request.namespace,
            known: !before.is_empty(),
            roads: &self.policy.roads,
            budget: &Rc::default(),
        };
        let is = self.carrier.configs(&patched, seen).configs;
        let again = Review {
            object: &patched,
            ..*self
        };
        let mut ignored = Verdict::new(Decision::Allowed);
        let new_pairs = before.pairs(&is);
        if is.len() != was.len() || !again.plan(&is, &new_pairs, &mut ignored).patch.0.is_empty() {
            return false;
        }
        let denied = |configs: &[Carried<'_>], pairs: &[Pair<'_, '_>]| -> HashSet<_> {
            let findings =
                configs
                    .iter()
                    .zip(pairs)
                    .enumerate()
                    .flat_map(|(number, (config, pair))| {
                        let (subject, in_force) = self.subject(config, pair.before);
                        let findings = judge(&subject, &in_force);
                        findings.into_iter().map(move |finding| (number, finding))
                    });
            findings
                .filter(|(_, finding)| finding.action == Action::Deny)
                .map(|(number, finding)| (number, finding.rule, finding.place.values))
                .collect()
        };
        denied(&is, &new_pairs).is_subset(&denied(was, pairs))
    }
}

/// What is done to an object.
#[derive(Default)]
struct Edited {
    patch: json_patch::Patch,
    edits: Vec<Edit>,
}

/// What is claimed to be ours in an object, and what will be.
struct Books {
    before: Record,
    now: Record,
    ownership: Option<Ownership>,
    /// Keys of more than one config: of two with one name nobody can tell whose a claim is.
    shared: HashSet<String>,
    kept: Record,
}

impl Books {
    fn of(review: &Review<'_>, now: &[Carried<'_>]) -> Self {
        let record = |object: &RawValue| {
            carrier::record(object).map_or_else(Record::default, |text| Record::parse(&text))
        };
        let before = review.request.old_object.map(record).unwrap_or_default();
        let now_claimed = record(review.object);
        let claims = before != Record::default() || now_claimed != Record::default();
        let mut keys = HashSet::new();
        let shared = now.iter().map(|config| &config.record_key);
        let shared = shared.filter(|key| !keys.insert(*key)).cloned().collect();
        Self {
            before,
            now: now_claimed,
            ownership: claims.then(|| Ownership::of(review.object)),
            shared,
            kept: Record::default(),
        }
    }

    /// What is claimed to be ours in a config, and is nobody else's.
    fn claimed(&self, config: &Carried<'_>, pair: &Pair<'_, '_>) -> Claimed {
        if self.shared.contains(&config.record_key) {
            return Claimed::default();
        }
        let of_before = |before: &Carried<'_>| self.before.claims(&before.record_key);
        let mut claimed = Claimed {
            before: pair.before.map_or_else(Claims::new, of_before),
            now: self.now.claims(&config.record_key),
        };
        if claimed.before.is_empty() && claimed.now.is_empty() {
            return claimed;
        }
        if let (Some(edit_at), Some(ownership)) = (&config.edit_at, &self.ownership) {
            let before = pair.before;
            let changed = before.is_none_or(|before| !config.has_same_texts(before));
            let ownership = ownership.of_part(edit_at, changed);
            claimed.before.retain(|path, _| !ownership.is_owned(path));
            claimed.now.retain(|path, _| !ownership.is_owned(path));
        }
        claimed
    }

    fn keep(&mut self, config: &Carried<'_>, claims: Claims) {
        if !self.shared.contains(&config.record_key) {
            self.kept.insert(&config.record_key, claims);
        }
    }
}

/// The patch of a plan, or why there is none. Where the object says all of it already, in other
/// words, the patch is empty.
pub(super) fn edit(
    edit_at: &EditAt<'_>,
    plan: &Plan,
    mode: Mode,
) -> Result<json_patch::Patch, String> {
    if plan.edits.is_empty() {
        return Ok(json_patch::Patch::default());
    }
    let changes: Vec<_> = plan
        .edits
        .iter()
        .map(|edit| (edit.path.clone(), edit.change.clone()))
        .collect();
    let patch = carrier::json_patch(edit_at, &changes);
    if patch.as_ref().is_ok_and(|patch| patch.0.is_empty()) {
        return Ok(json_patch::Patch::default());
    }
    if mode == Mode::Suggest {
        return Err("the policy only suggests them".to_owned());
    }
    if edit_at.suggest {
        let what = if edit_at.encoding.is_text() {
            "the text"
        } else {
            "its own"
        };
        return Err(format!("Argo CD would put {what} back"));
    }
    patch.map_err(|error| error.to_string())
}

fn applied(patch: &json_patch::Patch, object: &RawValue) -> Option<Box<RawValue>> {
    let mut patched: Value = serde_json::from_str(object.get()).ok()?;
    json_patch::patch(&mut patched, patch).ok()?;
    to_raw_value(&patched).ok()
}
