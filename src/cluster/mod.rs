//! The Kubernetes API from the outside: what is registered there.
//!
//! Knows webhook configurations and the objects that the server needs in a cluster, and nothing of
//! what a review says.

mod client;
mod conditions;
mod resources;
mod rights;
mod unregister;
mod webhooks;

pub use self::client::{Access, AccessError, FIELD_MANAGER};
pub use self::resources::{Resource, Unselected, resources};
pub use self::rights::{AUTHORITY, LEASE, MUTATING, Need, RIGHTS, Reach, Right, VALIDATING};
pub use self::unregister::{Installation, Outcome, Removal, unregister};
pub use self::webhooks::{Backend, FailurePolicies, Registration};
