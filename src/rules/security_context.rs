//! `security-context`: privileges that the policy denies the distro's init container.
//!
//! Needs a setting: without one, all that the host cluster admits is fine. Beyond this rule the
//! host cluster's own Pod Security decides, when the pod is made.

use super::{Context, Example, Finding, Page, Rule, Setting};
use crate::policy::Action;
use crate::values::Path;
use crate::vcluster::Privilege;

pub(super) const RULE: Rule = Rule {
    id: "security-context",
    action: Action::Deny,
    about: "privileges of the distro's init container that the policy denies",
    page: Page {
        why: "The distro's init container copies binaries and needs no privileges. What its \
              security context asks for is granted by the host cluster, where the pod runs; if \
              Pod Security refuses it there, the pod is never made, and only events say so.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      securityContext:\n        privileged: true\n",
        )
        .under("denied: [privileged, allowPrivilegeEscalation, runAsRoot]"),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      securityContext:\n        allowPrivilegeEscalation: false\n        runAsUser: 12345\n",
        )
        .under("denied: [privileged, allowPrivilegeEscalation, runAsRoot]"),
        fix: "Remove what is denied from controlPlane.distro.<distro>.securityContext.",
    },
    settings: &[Setting {
        key: "denied",
        about: "what must not be asked for: [privileged, allowPrivilegeEscalation, runAsRoot, \
                addedCapabilities, procMount, unconfined] are all there are; none by default",
    }],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(distro) = context.judged_distro() else {
        return;
    };
    let path = Path::keys(["controlPlane", "distro", distro.key(), "securityContext"]);
    for privilege in &context.settings.denied_privileges {
        let what = match privilege {
            Privilege::Privileged => "privileged mode",
            Privilege::Escalation => "privilege escalation",
            Privilege::Root => "the user root (0)",
            Privilege::Capabilities => "further capabilities",
            Privilege::ProcMount => "an unmasked /proc",
            Privilege::Unconfined => "an unconfined profile",
        };
        for path in privilege.asked_for(context.config, &path) {
            findings.push(
                Finding::new(
                    context.config.place(&path),
                    format!("the policy does not allow {what} for the distro's init container"),
                )
                .fix(format!("remove {path}")),
            );
        }
    }
}
