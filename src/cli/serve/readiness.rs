//! What has to be true for the server to be ready.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::certs::Validity;
use crate::cli::policy_files::LivePolicy;
use crate::cli::watch_args::Surroundings;
use crate::cluster::Standing;
use crate::server::{Check, Checks, FileCertificate, IssuedCertificate, Shutdown};

/// The certificate of the moment, and how what is kept in the cluster stands.
pub(super) struct Shown {
    pub(super) files: Option<Arc<FileCertificate>>,
    pub(super) issued: Option<Arc<IssuedCertificate>>,
    pub(super) standing: Option<Arc<Standing>>,
}

/// What has to be true for the server to be ready. Policy and a certificate in files are there
/// before anybody can ask; one that is issued comes with the first answer of the API server. Later
/// nothing here depends on that: how it stands is told, and changes nothing. But where the clock is
/// known to be wrong, certificates are looked at by the API server's, as it does.
pub(super) fn checks(
    policy: &Arc<LivePolicy>,
    shown: Shown,
    surroundings: &Surroundings,
    shutdown: &Shutdown,
) -> Checks {
    let (policy, shutdown) = (Arc::clone(policy), shutdown.clone());
    let surroundings = surroundings.clone();
    Arc::new(move || {
        let Shown {
            files,
            issued,
            standing,
        } = &shown;
        let is_leaving = shutdown.is_leaving();
        let mut checks = vec![Check {
            name: "policy",
            passed: true,
            says: format!("revision {}", policy.revision()),
        }];
        let astray = standing.as_ref().map(|standing| standing.astray());
        let now = OffsetDateTime::now_utc() - astray.unwrap_or_default();
        let validity = files.as_ref().and_then(|files| files.validity());
        checks.extend(validity.map(|validity| is_taken(validity, now)));
        let says = standing.as_ref().map(|standing| standing.says());
        if let Some(issued) = issued {
            checks.push(match issued.validity() {
                Some(validity) => is_taken(validity, now),
                None => Check {
                    name: "certificate",
                    passed: false,
                    says: "none before the CA could be read or made".to_owned(),
                },
            });
        }
        checks.extend(says.map(|says| Check {
            name: "cluster",
            passed: true,
            says,
        }));
        checks.extend(surroundings.checks());
        checks.push(Check {
            name: "draining",
            passed: !is_leaving,
            says: if is_leaving { "about to stop" } else { "no" }.to_owned(),
        });
        checks
    })
}

/// Whether a certificate is good now: clients refuse one that is not.
fn is_taken(validity: Validity, now: OffsetDateTime) -> Check {
    let Validity {
        not_before,
        not_after,
    } = validity;
    if !validity.has_begun(now) {
        return Check {
            name: "certificate",
            passed: false,
            says: format!("not good before {not_before}: is this machine's clock right?"),
        };
    }
    let left = not_after - now;
    let (passed, said) = if left.is_negative() {
        (false, "expired")
    } else {
        (true, "good until")
    };
    Check {
        name: "certificate",
        passed,
        says: format!(
            "{said} {}, {} days left",
            not_after.date(),
            left.whole_days()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_over_or_has_not_begun_is_not_ready() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let day = |days| now + time::Duration::days(days);
        let check = |days| {
            let validity = Validity {
                not_before: day(-9),
                not_after: day(days),
            };
            is_taken(validity, now)
        };
        assert!(check(3).passed);
        assert_eq!(check(3).says, "good until 1970-01-04, 3 days left");
        assert!(!check(-2).passed);
        assert_eq!(check(-2).says, "expired 1969-12-30, -2 days left");
        let early = is_taken(Validity::starting(day(2), 9), now);
        assert!(!early.passed);
        assert!(
            early.says.starts_with("not good before 1970-01-02"),
            "{}",
            early.says
        );
    }
}
