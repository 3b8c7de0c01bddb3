//! The Kubernetes API from the outside: what is registered there, and which objects it has.
//!
//! Knows webhook configurations and the objects that the server needs in a cluster, and nothing of
//! what a review says.

mod client;
mod conditions;
mod discovery;
mod listing;
mod resources;
mod webhooks;

pub use self::client::{Access, AccessError, FIELD_MANAGER};
pub use self::discovery::{Served, Survey, Unserved, survey};
pub use self::listing::{Item, ListError, Lister};
pub use self::resources::{Resource, Selection, Unselected, resources};
pub use self::webhooks::{Backend, FailurePolicies, Registration};
