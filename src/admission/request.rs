//! The request side of an AdmissionReview, on borrowed bytes.
//!
//! `object` and `oldObject` stay raw: only the parts that a carrier names are ever parsed. Fields
//! that this server does not use are not looked at, so that newer API servers are no surprise.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::{Answer, status};

/// What the API server asks about.
#[derive(Debug)]
pub struct Request<'a> {
    /// Group and version of the review: the answer has to carry the same.
    pub(super) api_version: &'static str,
    /// Identifies this call; the answer has to carry it.
    pub uid: Cow<'a, str>,
    /// What kind of object it is about.
    pub kind: GroupVersionKind<'a>,
    /// `status`, `scale`, …; empty for the object itself.
    pub sub_resource: Cow<'a, str>,
    /// The object's namespace; empty for cluster-scoped objects.
    pub namespace: Cow<'a, str>,
    /// The object's name; empty where the API server is still to generate one.
    pub name: Cow<'a, str>,
    /// What is done to it.
    pub operation: Operation,
    /// Who does it.
    pub user: Cow<'a, str>,
    /// And the groups of whoever does it.
    pub groups: Vec<Cow<'a, str>>,
    /// Whether it is only asked what would happen.
    pub dry_run: bool,
    /// The object as it will be; `None` when it is deleted.
    pub object: Option<&'a RawValue>,
    /// The object as it was; `None` when it is new.
    pub old_object: Option<&'a RawValue>,
}

/// A kind of object.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct GroupVersionKind<'a> {
    /// API group; empty for the core group.
    #[serde(borrow, default)]
    pub group: Cow<'a, str>,
    /// API version, without the group.
    #[serde(borrow, default)]
    pub version: Cow<'a, str>,
    /// The kind.
    #[serde(borrow, default)]
    pub kind: Cow<'a, str>,
}

/// What is done to an object.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Operation {
    /// It is new.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
    /// Somebody connects to it.
    Connect,
    /// Something that this server does not know.
    Other,
}

/// Why bytes are no AdmissionReview. No variant quotes them: a review may hold a Secret.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// Not JSON, or not all of it.
    #[error("the body is not JSON (line {line}, column {column})")]
    NotJson {
        /// Line of the body, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// JSON, but a field has a type that no AdmissionReview gives it.
    #[error(
        "the body is no AdmissionReview: a field has the wrong type, or is there twice \
         (line {line}, column {column})"
    )]
    Form {
        /// Line of the body, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// Another kind of object, or another version of it.
    #[error(
        "the body is no AdmissionReview of a known version: apiVersion has to be \
         admission.k8s.io/v1 or admission.k8s.io/v1beta1, and kind AdmissionReview"
    )]
    Kind,
    /// There is no request in it, as in a response.
    #[error("the AdmissionReview holds no request")]
    NoRequest,
    /// The request cannot be answered.
    #[error("the AdmissionReview's request.uid is missing or empty: it could not be answered")]
    NoUid,
}

impl<'a> Request<'a> {
    /// Reads the bytes of an AdmissionReview.
    pub fn parse(body: &'a [u8]) -> Result<Self, RequestError> {
        let review: Review<'a> = serde_json::from_slice(body)?;
        let api_version = match (&*review.api_version, &*review.kind) {
            ("admission.k8s.io/v1", "AdmissionReview") => "admission.k8s.io/v1",
            ("admission.k8s.io/v1beta1", "AdmissionReview") => "admission.k8s.io/v1beta1",
            _ => return Err(RequestError::Kind),
        };
        let wire = review.request.ok_or(RequestError::NoRequest)?;
        if wire.uid.is_empty() {
            return Err(RequestError::NoUid);
        }
        let user = wire.user_info.unwrap_or_default();
        Ok(Self {
            api_version,
            uid: wire.uid,
            kind: wire.kind.unwrap_or_default(),
            sub_resource: wire.sub_resource.unwrap_or_default(),
            namespace: wire.namespace.unwrap_or_default(),
            name: wire.name.unwrap_or_default(),
            operation: match &*wire.operation {
                "CREATE" => Operation::Create,
                "UPDATE" => Operation::Update,
                "DELETE" => Operation::Delete,
                "CONNECT" => Operation::Connect,
                _ => Operation::Other,
            },
            user: user.username.unwrap_or_default(),
            groups: user.groups.unwrap_or_default(),
            dry_run: wire.dry_run.unwrap_or_default(),
            object: wire.object,
            old_object: wire.old_object,
        })
    }
}

impl<'a> Request<'a> {
    /// A question about an object that nobody asks to change: for tools.
    pub fn about(kind: GroupVersionKind<'a>, namespace: &'a str, name: &'a str) -> Self {
        Self {
            api_version: "admission.k8s.io/v1",
            uid: Cow::Borrowed(""),
            kind,
            sub_resource: Cow::Borrowed(""),
            namespace: Cow::Borrowed(namespace),
            name: Cow::Borrowed(name),
            operation: Operation::Other,
            user: Cow::Borrowed(""),
            groups: Vec::new(),
            dry_run: false,
            object: None,
            old_object: None,
        }
    }
}

impl Operation {
    /// As the API server writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::Other => "OTHER",
        }
    }
}

impl RequestError {
    /// The answer that lets the API server show what is wrong.
    pub fn answer(&self) -> Answer {
        let code = match self {
            Self::NotJson { .. } => 400,
            Self::Form { .. } | Self::Kind | Self::NoRequest | Self::NoUid => 422,
        };
        Answer {
            status: code,
            body: status::body(code, &self.to_string()),
        }
    }
}

impl From<serde_json::Error> for RequestError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        match error.classify() {
            Category::Data => Self::Form { line, column },
            Category::Io | Category::Syntax | Category::Eof => Self::NotJson { line, column },
        }
    }
}

#[derive(Deserialize)]
struct Review<'a> {
    #[serde(borrow, default, rename = "apiVersion")]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    request: Option<WireRequest<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRequest<'a> {
    #[serde(borrow, default)]
    uid: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Option<GroupVersionKind<'a>>,
    #[serde(borrow, default)]
    sub_resource: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    namespace: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    operation: Cow<'a, str>,
    #[serde(borrow, default)]
    user_info: Option<UserInfo<'a>>,
    #[serde(default)]
    dry_run: Option<bool>,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
    #[serde(borrow, default)]
    old_object: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct UserInfo<'a> {
    #[serde(borrow, default)]
    username: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    groups: Option<Vec<Cow<'a, str>>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> RequestError {
        Request::parse(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn the_envelope_is_read_without_its_objects() {
        let body = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{
            "uid":"u\u0031","kind":{"group":"","version":"v1","kind":"Secret"},"operation":"UPDATE",
            "namespace":"team-a","name":"vc-config-dev","dryRun":null,"userInfo":{"username":"ann"},
            "object":{"a":[1]},"oldObject":null,"options":{"kind":"UpdateOptions"},"new":{}}}"#;
        let request = Request::parse(body.as_bytes()).unwrap();
        assert_eq!(request.uid, "u1");
        assert_eq!(request.operation, Operation::Update);
        assert_eq!(request.object.map(RawValue::get), Some(r#"{"a":[1]}"#));
        assert!(request.old_object.is_none());
        assert!(!request.dry_run);
    }

    #[test]
    fn what_is_no_review_is_named_without_quoting_it() {
        let v1 = |rest: &str| {
            format!(r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"{rest}}}"#)
        };
        assert_eq!(error("{"), RequestError::NotJson { line: 1, column: 1 });
        assert_eq!(error("[1]").answer().status, 422);
        assert_eq!(
            error(r#"{"kind":"Secret","apiVersion":"v1"}"#),
            RequestError::Kind
        );
        assert_eq!(error(&v1("")), RequestError::NoRequest);
        assert_eq!(
            error(&v1(r#","response":{"uid":"1"}"#)),
            RequestError::NoRequest
        );
        assert_eq!(error(&v1(r#","request":{"uid":""}"#)), RequestError::NoUid);
        let wrong = error(&v1(r#","request":{"uid":"1","name":["hunter2"]}"#));
        assert!(!wrong.to_string().contains("hunter2"));
        assert!(matches!(wrong, RequestError::Form { .. }));
    }

    #[test]
    fn a_hundred_thousand_brackets_cost_an_error_only() {
        assert!(matches!(
            error(&"[".repeat(100_000)),
            RequestError::Form { .. } | RequestError::NotJson { .. }
        ));
        let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let body = format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"1","object":{nested}}}}}"#
        );
        assert!(
            Request::parse(body.as_bytes()).is_ok(),
            "what is not looked at may nest"
        );
    }
}
