//! The Kubernetes API from the outside: what is registered there, which objects it has, and what it
//! tells of the cluster.
//!
//! Knows webhook configurations, the objects that the server needs in a cluster, and what listings
//! and watches bring of others; nothing of what a review says.
//!
//! | file | owns |
//! |---|---|
//! | `client` | where the API server is |
//! | `rights` | what may be asked of it |
//! | `resources`, `conditions`, `webhooks` | the webhook configurations |
//! | `live` | those configurations as they are, compared |
//! | `store`, `lease` | the calls |
//! | `issuer` | the certificate that a replica issues to itself |
//! | `keeper` | looking after all of it |
//! | `pace` | every pause and period |
//! | `discovery`, `listing` | the objects that may be carriers, page by page |
//! | `doctor` | whether what is there protects, and cannot hurt |
//! | `unregister` | what goes at an uninstall |
//! | `known`, `follow`, `metadata`, `health` | what watches tell, and whether it still counts |
//! | `ledger`, `namespaces` | virtual clusters and their data; labels of namespaces |

mod client;
mod conditions;
mod discovery;
pub mod doctor;
mod follow;
mod health;
mod issuer;
mod keeper;
mod known;
mod lease;
mod ledger;
mod listing;
mod live;
mod metadata;
mod namespaces;
mod pace;
mod resources;
mod rights;
mod seen;
mod store;
mod unregister;
mod webhooks;

pub use self::client::{Access, AccessError, FIELD_MANAGER};
pub use self::discovery::{Served, Survey, Unserved, survey};
pub use self::issuer::{IssueError, Issuer};
pub use self::keeper::{Clock, InForce, KeepError, Keeper, KeeperOptions, Standing};
pub use self::known::{Known, Watches};
pub use self::listing::{Item, ListError, Lister};
pub use self::live::trusted;
pub use self::pace::Pace;
pub use self::resources::{Resource, Selection, Unselected, resources};
pub use self::rights::{AUTHORITY, LEASE, MUTATING, Need, RIGHTS, Reach, Right, VALIDATING};
pub use self::store::{Store, Stored};
pub use self::unregister::{Installation, Outcome, Removal, unregister};
pub use self::webhooks::{Backend, FailurePolicies, Registration};
