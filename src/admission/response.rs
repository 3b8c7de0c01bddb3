//! The response side of an AdmissionReview, made legal for the API server.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::{Request, status, text};

/// What is answered to one request.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// Why the request is refused; `None` allows it.
    pub denial: Option<Denial>,
    /// Changes to the object; only the mutating webhook may have some.
    pub patch: json_patch::Patch,
    /// What the user is told although the request is allowed (or besides the refusal).
    pub warnings: Vec<String>,
    /// What the audit log keeps, by name.
    pub audit_annotations: BTreeMap<String, String>,
}

/// A refusal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Denial {
    /// The whole text.
    pub message: String,
    /// The same by field, for programs.
    pub causes: Vec<Cause>,
}

/// One reason of a refusal (`metav1.StatusCause`).
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Cause {
    /// The rule, as a machine-readable reason.
    pub reason: String,
    /// What is wrong.
    pub message: String,
    /// The field of the object.
    pub field: String,
}

/// An HTTP answer; the body is always JSON.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// HTTP status code.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The response as an AdmissionReview that answers `request`.
    pub fn answer(&self, request: &Request<'_>) -> Answer {
        let Self {
            denial,
            patch,
            warnings,
            audit_annotations,
        } = self;
        let patch = (!patch.0.is_empty())
            .then(|| serde_json::to_vec(patch).unwrap_or_default())
            .map(|patch| STANDARD.encode(patch));
        let review = WireReview {
            api_version: request.api_version,
            kind: "AdmissionReview",
            response: WireResponse {
                uid: &request.uid,
                allowed: denial.is_none(),
                status: denial.as_ref().map(WireStatus::new),
                patch_type: patch.is_some().then_some("JSONPatch"),
                patch,
                warnings: text::warnings(warnings),
                audit_annotations: audit_annotations
                    .iter()
                    .map(|(key, value)| text::audit_annotation(key, value))
                    .collect(),
            },
        };
        // no map with other keys than strings, no writer that fails: this cannot fail
        Answer {
            status: 200,
            body: serde_json::to_vec(&review).unwrap_or_default(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireReview<'a> {
    api_version: &'a str,
    kind: &'a str,
    response: WireResponse<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireResponse<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<WireStatus<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct WireStatus<'a> {
    status: &'a str,
    message: &'a str,
    reason: &'a str,
    code: u16,
    details: WireDetails<'a>,
}

#[derive(Serialize)]
struct WireDetails<'a> {
    causes: &'a [Cause],
}

impl<'a> WireStatus<'a> {
    fn new(denial: &'a Denial) -> Self {
        let Denial { message, causes } = denial;
        let code = 403;
        Self {
            status: "Failure",
            message,
            reason: status::reason(code),
            code,
            details: WireDetails { causes },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: &str) -> String {
        format!(
            r#"{{"apiVersion":"admission.k8s.io/{version}","kind":"AdmissionReview",
            "request":{{"uid":"4-2","operation":"CREATE"}}}}"#
        )
    }

    fn answer(version: &str, response: &Response) -> String {
        let request = request(version);
        let answer = response.answer(&Request::parse(request.as_bytes()).unwrap());
        assert_eq!(answer.status, 200);
        String::from_utf8(answer.body).unwrap()
    }

    #[test]
    fn an_allowed_request_is_answered_with_its_uid_and_nothing_else() {
        assert_eq!(
            answer("v1", &Response::default()),
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"4-2","allowed":true}}"#,
        );
        assert!(answer("v1beta1", &Response::default()).contains("admission.k8s.io/v1beta1"));
    }

    #[test]
    fn a_refusal_has_code_reason_message_and_causes() {
        let denial = Denial {
            message: "no".into(),
            causes: vec![Cause {
                reason: "rule".into(),
                message: "no".into(),
                field: "spec".into(),
            }],
        };
        assert_eq!(
            answer(
                "v1",
                &Response {
                    denial: Some(denial),
                    ..Response::default()
                }
            ),
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"4-2","allowed":false,"status":{"status":"Failure","message":"no","reason":"Forbidden","code":403,"details":{"causes":[{"reason":"rule","message":"no","field":"spec"}]}}}}"#,
        );
    }

    #[test]
    fn a_patch_is_base64_and_named_as_one() {
        let patch = serde_json::from_str(r#"[{"op":"add","path":"/a","value":1}]"#).unwrap();
        let text = answer(
            "v1",
            &Response {
                patch,
                ..Response::default()
            },
        );
        assert!(text.contains(
            r#""patch":"W3sib3AiOiJhZGQiLCJwYXRoIjoiL2EiLCJ2YWx1ZSI6MX1d","patchType":"JSONPatch""#
        ), "{text}");
    }

    #[test]
    fn warnings_and_annotations_are_made_legal() {
        let response = Response {
            warnings: vec!["a\nb".into()],
            audit_annotations: [("x/y".to_owned(), "c\td".to_owned())].into(),
            ..Response::default()
        };
        let text = answer("v1", &response);
        assert!(
            text.contains(r#""warnings":["a b"],"auditAnnotations":{"x-y":"c d"}"#),
            "{text}"
        );
    }
}
