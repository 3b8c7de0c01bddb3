//! The Kubernetes admission contract, and nothing of vCluster.
//!
//! From review bytes to response bytes: [`answer`]. Mirrors `k8s.io/api/admission/v1` and what
//! the API server accepts (`apiserver/pkg/admission/plugin/webhook`).

mod request;
mod response;
pub mod status;
mod text;

pub use self::request::{GroupVersionKind, Operation, Request, RequestError};
pub use self::response::{Answer, Cause, Denial, Response};

/// Which of the two webhooks is called.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Endpoint {
    /// The mutating one: answers a patch, never denies.
    Mutate,
    /// The validating one: allows or denies, never patches.
    Validate,
}

/// Something that can be answered to the API server.
pub trait Reply {
    /// The admission response that says it.
    fn response(&self) -> Response;
}

/// Answers the bytes of an AdmissionReview. What cannot be read as one is answered with a v1
/// `Status` body, which the API server shows to the user: an `AdmissionReview` without the
/// request's uid would hide the cause.
///
/// # Errors
/// What is wrong with the bytes; [`RequestError::answer`] is the answer to that.
pub fn answer<R: Reply>(
    body: &[u8],
    review: impl FnOnce(&Request<'_>) -> R,
) -> Result<(Answer, R), RequestError> {
    let request = Request::parse(body)?;
    let reply = review(&request);
    Ok((reply.response().answer(&request), reply))
}
