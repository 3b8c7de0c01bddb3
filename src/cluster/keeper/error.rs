//! What stands in the way of looking after something, for people and for metrics.

use kube::Error;

use super::super::Unselected;
use super::super::issuer::IssueError;
use crate::certs::{CertError, Damage};
use crate::telemetry::metrics::Trouble;

/// Why something could not be looked after.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// What was seen is not so any more, and has to be looked at again; there is no harm in that.
    #[error("somebody else wrote first")]
    Overtaken,
    /// The API server did not do it.
    #[error("the API server")]
    Call(#[source] Error),
    /// Nothing that depends on the time is safe to do.
    #[error("this machine's clock differs from the API server's by {0} h: set it right")]
    Astray(u64),
    /// It took too long.
    #[error("the API server does not answer in time")]
    Slow,
    /// No authority could be made.
    #[error(transparent)]
    Make(#[from] CertError),
    /// No certificate could be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The Secret is of no use.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// The policy cannot be registered for.
    #[error(transparent)]
    Policy(#[from] Unselected),
}

impl From<Error> for KeepError {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(status) if status.is_conflict() || status.is_already_exists() => {
                Self::Overtaken
            }
            error => Self::Call(error),
        }
    }
}

impl KeepError {
    pub(super) fn trouble(&self) -> Trouble {
        match self {
            Self::Call(Error::Api(status)) if matches!(status.code, 401 | 403) => {
                Trouble::Forbidden
            }
            Self::Call(Error::Api(status)) if status.code < 500 => Trouble::Refused,
            Self::Call(_) | Self::Slow | Self::Overtaken => Trouble::Unreachable,
            Self::Damage(_) => Trouble::Damaged,
            Self::Astray(_) | Self::Policy(_) | Self::Make(_) | Self::Issue(_) => Trouble::Internal,
        }
    }
}

/// For people. What the API server says names objects, and never what they hold.
pub(super) fn describe(error: &KeepError) -> String {
    match error {
        KeepError::Call(Error::Api(status)) => format!("the API server: {}", status.message),
        KeepError::Call(_) => "the API server cannot be reached".to_owned(),
        error => error.to_string(),
    }
}
