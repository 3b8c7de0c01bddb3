//! What the program says about itself.
//!
//! Owns the log and the metrics. They must never carry the body of a review, nor what a panic says about one.

mod log;
pub mod metrics;
mod panic;
mod review;

pub use self::log::{LogArgs, LogError, LogFormat};
pub use self::metrics::Metrics;
pub use self::panic::withhold_panic_messages;
pub use self::review::{log_review, log_unreadable};
