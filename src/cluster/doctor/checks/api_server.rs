//! The API server: what its version cannot do, and how its clock goes.

use time::Duration;

use super::super::snapshot::MATCH_CONDITIONS;
use super::super::{Check, Finding, Snapshot, Wanted};

/// Between machines that keep their clocks in step.
const IN_STEP: Duration = Duration::seconds(10);
/// A fresh certificate begins five minutes before it is made.
const TOO_FAR: Duration = Duration::minutes(4);

/// Looks at the API server.
pub(super) fn look(snapshot: &Snapshot, _wanted: &Wanted) -> Vec<Finding> {
    let check = Check::ApiServer;
    let mut findings = vec![check.ok(format!("Kubernetes {}", snapshot.version))];
    if !snapshot.knows_conditions() {
        findings.push(
            check
                .warning(format!(
                    "Kubernetes {} knows no matchConditions, which came with 1.{MATCH_CONDITIONS}",
                    snapshot.version
                ))
                .why(
                    "every Secret of every other namespace is sent to the server, and waits for it \
                     where failurePolicy is Fail",
                ),
        );
    }
    let apart = snapshot.ahead.abs();
    if apart > IN_STEP {
        let seconds = apart.whole_seconds();
        let way = if snapshot.ahead.is_negative() {
            "behind"
        } else {
            "ahead of"
        };
        let says = format!("the clock here is {seconds} s {way} the API server's");
        findings.push(if apart > TOO_FAR {
            check
                .warning(says)
                .why("a certificate that is made here may not be good there yet, or not any more")
                .mend("timedatectl set-ntp true")
        } else {
            check.info(says)
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::testing::{snapshot, told, wanted};
    use super::*;

    #[test]
    fn an_old_server_and_another_clock_are_told() {
        let mut snapshot = snapshot();
        assert_snapshot!(told(&look(&snapshot, &wanted())), @"ok: Kubernetes v1.33.4");
        snapshot.ahead = Duration::seconds(-11);
        assert_snapshot!(told(&look(&snapshot, &wanted())), @"
        ok: Kubernetes v1.33.4
        info: the clock here is 11 s behind the API server's
        ");
        snapshot.ahead = Duration::minutes(5);
        snapshot.minor = 20;
        "v1.20.2".clone_into(&mut snapshot.version);
        assert_snapshot!(told(&look(&snapshot, &wanted())), @"
        ok: Kubernetes v1.20.2
        warning: Kubernetes v1.20.2 knows no matchConditions, which came with 1.28
          why: every Secret of every other namespace is sent to the server, and waits for it where failurePolicy is Fail
        warning: the clock here is 300 s ahead of the API server's
          why: a certificate that is made here may not be good there yet, or not any more
          mend: timedatectl set-ntp true
        ");
    }
}
