//! distrogate keeps vCluster distro configuration right at the Kubernetes API.
//!
//! The map of the house. A review goes once from left to right:
//!
//! ```text
//! bytes ── admission ── carrier ── values ── effective ─┬─ rules ──── findings ─┬─ verdict ── bytes
//!          envelope     0..n       Go's      Known or   │                       │
//!                       configs    YAML      Unknown    └─ defaults ─ edits ─ patch
//! ```
//!
//! The pure rooms, without I/O, clock or async:
//! - [`admission`]: the Kubernetes contract, nothing of vCluster;
//! - [`carrier`]: where configs live inside an object, and how an edit gets back in;
//! - [`values`]: Helm values text as Go reads it, with positions and bounds;
//! - [`vcluster`]: charts and eras, effective config, distro, images, versions, stores;
//! - [`policy`]: what the platform team wants;
//! - [`rules`]: one file a rule;
//! - [`defaults`]: the overlay and its guard;
//! - [`gate`]: the way above;
//! - [`globs`]: names with `*` in them;
//! - [`text`]: tenants' text, made fit to be shown.
//!
//! Around them, and unknown to them: [`server`], [`certs`], [`cluster`], [`telemetry`], [`cli`].

pub mod admission;
pub mod carrier;
pub mod certs;
pub mod cli;
pub mod cluster;
pub mod defaults;
pub mod gate;
pub mod globs;
pub mod policy;
pub mod rules;
pub mod server;
pub mod telemetry;
pub mod text;
pub mod values;
pub mod vcluster;
