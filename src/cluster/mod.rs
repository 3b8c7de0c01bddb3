//! The Kubernetes API from the outside: what is registered there.
//!
//! Knows webhook configurations and the objects that the server needs in a cluster, whether they
//! are as they should be, and nothing of what a review says.

mod client;
mod conditions;
pub mod doctor;
mod resources;
mod webhooks;

pub use self::client::{Access, AccessError, FIELD_MANAGER};
pub use self::resources::{Resource, Unselected, resources};
pub use self::webhooks::{Backend, FailurePolicies, Registration};
