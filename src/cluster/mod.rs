//! The Kubernetes API from the outside: what is registered there.
//!
//! Knows webhook configurations and the objects that the server needs in a cluster, and nothing of
//! what a review says.

mod conditions;
mod resources;
mod webhooks;

pub use self::resources::{Resource, resources};
pub use self::webhooks::{Backend, FailurePolicies, Registration};
