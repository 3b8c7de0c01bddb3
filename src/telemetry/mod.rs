//! What the program says about itself.
//!
//! Owns the log. It must never carry the body of a review, nor what a panic says about one.

mod log;
mod panic;
mod review;

pub use self::log::{LogArgs, LogError, LogFormat};
pub use self::panic::withhold_panic_messages;
pub use self::review::{log_review, log_unreadable};
