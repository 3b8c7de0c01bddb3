//! The Kubernetes API from the outside: what is registered there, and what it tells of the cluster.
//!
//! Knows webhook configurations, the objects that the server needs in a cluster, and what watches
//! bring of others; nothing of what a review says.

mod client;
mod conditions;
mod follow;
mod health;
mod known;
mod ledger;
mod namespaces;
mod resources;
mod webhooks;

pub use self::client::{Access, AccessError, FIELD_MANAGER};
pub use self::known::{Known, Watches};
pub use self::resources::{Resource, Unselected, resources};
pub use self::webhooks::{Backend, FailurePolicies, Registration};
