//! `deploy/monitoring/`: what Prometheus makes of the alerts, by its own tool.

use std::process::Command;

/// Whether promtool is there. Where it is not, the caller returns, and a line on standard error
/// says so; in CI it has to be there.
pub(crate) fn has_promtool() -> bool {
    let found = Command::new("promtool").arg("--version").output().is_ok();
    assert!(
        found || std::env::var_os("CI").is_none(),
        "promtool has to be on PATH in CI: it comes with Debian's package prometheus"
    );
    if !found {
        eprintln!("skipped: promtool is not on PATH");
    }
    found
}
