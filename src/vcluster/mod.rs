//! The domain: vCluster's charts and eras, effective configs, distros, images, versions, stores.
//!
//! Mirrors the charts of `loft-sh/vcluster` from 0.20.0 on (`chart/values.yaml`,
//! `chart/values.schema.json`, `chart/templates/_init-containers.tpl`, `_helper.tpl`,
//! `_distro.tpl`) and `config/config.go`. Knows nothing of Kubernetes objects: carriers of every
//! kind are lowered into a [`Subject`].

mod catalogue;
mod chart;
mod compatibility;
mod config;
mod distro;
mod era;
mod explain;
mod field;
mod image;
mod kubeversion;
mod live;
mod lookup;
mod place;
mod privilege;
mod process;
mod quantity;
mod range;
mod reading;
mod reference;
mod running;
mod scheduler;
mod sketch;
mod source;
mod store;
mod subject;
#[cfg(test)]
pub(crate) mod testing;
mod tree;
mod written;

pub use self::catalogue::{Block, Catalogue, CatalogueError};
pub use self::chart::{Certainty, Chart};
pub use self::compatibility::{Compatibility, KnownIssue};
pub use self::config::{Config, Layer, LayerContent, Parts};
pub use self::distro::Distro;
pub use self::era::Era;
pub use self::explain::{Explanation, Fact, ImageFacts, Overruled, Rendered, Source, Why, explain};
pub use self::field::{Field, FieldType};
pub use self::image::{Component, FULL, Image, ImagePart};
pub use self::kubeversion::KubeVersion;
pub use self::live::{HeldBy, Inventory, Live, Told};
pub use self::lookup::{Lookup, Presence};
pub use self::place::{Kept, Place};
pub use self::privilege::Privilege;
pub use self::process::Flag;
pub use self::quantity::{Quantity, QuantityError};
pub use self::range::{Range, RangeError};
pub use self::reference::{Reference, split_host};
pub use self::sketch::{Aspect, Difference, Sketch};
pub use self::source::ChartSource;
pub use self::store::Store;
pub use self::subject::{Completeness, Operation, Reading, Subject};
pub use self::tree::{Branch, Cause, Known, Origin, Tree};
