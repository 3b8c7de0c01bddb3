//! What is answered to one recorded review: the mutation, then the judgement of its result.

use std::borrow::Cow;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::admission::{self, Answer, Endpoint};
use crate::defaults::Edit;
use crate::gate::{self, Cluster, Decision, Verdict};
use crate::policy::Policy;
use crate::values::Change;

/// The key of what is shown of a Secret's new config.
pub(super) const OF_SECRET: &str = "the same config with";

/// The outcome of a review.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) object: String,
    pub(super) mutate: Answered,
    pub(super) validate: Answered,
    /// The object before the patch, for the diff.
    pub(super) before: Value,
}

/// What one of the two webhooks answered.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) decision: Decision,
    /// The `response` of the AdmissionReview, without the uid, and with the patch decoded.
    pub(super) response: Value,
}

/// Answers a review as the API server would ask.
pub(super) fn replay(body: &str, policy: &Policy, cluster: &Cluster) -> anyhow::Result<Outcome> {
    let (answer, (verdict, object)) = admission::answer(body.as_bytes(), |request| {
        let verdict = gate::review(request, Endpoint::Mutate, policy, cluster);
        Named(
            verdict,
            format!("{} {}", request.kind.kind, gate::object_name(request)),
        )
    })
    .map(|(answer, Named(verdict, object))| (answer, (verdict, object)))?;
    let mutate = answered(&answer, &verdict)?;
    let (before, patched) = patched(body, &verdict.patch)?;
    let (answer, verdict) = admission::answer(patched.as_bytes(), |request| {
        gate::review(request, Endpoint::Validate, policy, cluster)
    })?;
    let validate = answered(&answer, &verdict)?;
    Ok(Outcome {
        object,
        mutate,
        validate,
        before,
    })
}

/// The object before, and the review with the patch applied to its object.
fn patched<'b>(body: &'b str, patch: &json_patch::Patch) -> anyhow::Result<(Value, Cow<'b, str>)> {
    if patch.0.is_empty() {
        return Ok((Value::Null, Cow::Borrowed(body)));
    }
    let mut review: Value = serde_json::from_str(body)?;
    let object = review
        .pointer_mut("/request/object")
        .context("the review has no object")?;
    let before = object.clone();
    json_patch::patch(object, patch)?;
    Ok((before, Cow::Owned(review.to_string())))
}

struct Named(Verdict, String);

impl admission::Reply for Named {
    fn response(&self) -> admission::Response {
        self.0.response()
    }
}

/// What was sent, in a form that people can read.
fn answered(answer: &Answer, verdict: &Verdict) -> anyhow::Result<Answered> {
    let review: Value = serde_json::from_slice(&answer.body)?;
    let mut response = review.get("response").cloned().unwrap_or_default();
    if let Some(fields) = response.as_object_mut() {
        fields.remove("uid");
        fields.remove("patchType");
        if let Some(Value::String(patch)) = fields.get("patch") {
            let mut decoded: Value = serde_json::from_slice(&STANDARD.decode(patch)?)?;
            if verdict.carrier.as_deref() == Some("Secret") {
                hide_config(&mut decoded, &verdict.edits);
            }
            fields.insert("patch".to_owned(), decoded);
        }
    }
    Ok(Answered {
        decision: verdict.decision,
        response,
    })
}

/// A Secret's config goes in whole: what is changed in it stands in its place.
fn hide_config(patch: &mut Value, edits: &[Edit]) {
    let changes = edits.iter().map(|edit| {
        let value = match &edit.change {
            Change::Set(value) => value.clone(),
            Change::Remove => Value::Null,
        };
        (edit.path.to_string(), value)
    });
    let changes: Value = changes.collect::<serde_json::Map<_, _>>().into();
    for operation in patch.as_array_mut().into_iter().flatten() {
        if let Some(value) = operation.get_mut("value") {
            *value = json!({ OF_SECRET: changes });
        }
    }
}

impl Outcome {
    /// Whether the request is refused.
    pub(super) fn is_denied(&self) -> bool {
        self.validate.decision == Decision::Denied
    }

    /// What a response.json holds.
    pub(super) fn to_json(&self) -> Value {
        json!({ "mutate": self.mutate.to_json(), "validate": self.validate.to_json() })
    }
}

impl Answered {
    fn to_json(&self) -> Value {
        json!({ "decision": self.decision.as_str(), "response": self.response })
    }

    /// The strings of a list in the response.
    pub(super) fn strings(&self, key: &str) -> impl Iterator<Item = &str> {
        let list = self.response.get(key).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }
}
