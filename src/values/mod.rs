//! Helm values text: the Go-YAML reader with positions and bounds, and the editor in place.
//!
//! Owns the meaning of a text: what Go's `sigs.k8s.io/yaml` makes of it, with the place of every
//! key and scalar. Helm, Argo CD, Flux and vCluster's pod all read through that package, so its
//! reading decides what a config says. Knows nothing of vCluster or of Kubernetes objects.

mod budget;
mod edit;
mod fold;
mod json;
mod limits;
mod map;
mod node;
mod path;
mod set;
mod template;
mod yaml;

pub use self::budget::Budget;
pub use self::edit::{Change, EditError, MAX_EDIT_BYTES, edit, edit_all, in_line, suggestion};
pub use self::fold::go_fold_eq;
pub use self::json::read_json;
pub use self::limits::{Limits, ReadError, ReadErrorKind};
pub use self::node::{Data, Document, Entry, Map, Node, Note, NoteKind, Position};
pub use self::path::{Path, Step};
pub use self::set::{Assignment, SetError, assign, read_set, read_set_name};
pub use self::template::{Templated, is_templated, read_template};
pub use self::yaml::read_yaml;
