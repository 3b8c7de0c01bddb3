//! `command-override`: a component that is started by another command than vCluster's.
//!
//! Needs a setting: without one, every command may be replaced.

use super::{Context, Example, Finding, Page, Rule, Setting};
use crate::policy::Action;
use crate::vcluster::Component;

pub(super) const RULE: Rule = Rule {
    id: "command-override",
    action: Action::Deny,
    about: "a component's command that the policy wants left alone is replaced",
    page: Page {
        why: "A command replaces everything that vCluster would start, its certificates, its \
              store and its flags among it. It is the way around every rule about flags and \
              images, and it stays as it is when the chart moves on.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      apiServer:\n        command: [kube-apiserver, --v=4]\n",
        )
        .under("denied: [apiServer, controllerManager, scheduler, k3s, k0s]"),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      apiServer:\n        extraArgs: [--v=4]\n",
        )
        .under("denied: [apiServer, controllerManager, scheduler, k3s, k0s]"),
        fix: "Leave the command out, and add single flags with extraArgs.",
    },
    settings: &[Setting {
        key: "denied",
        about: "the components whose command must not be replaced: [apiServer, controllerManager, \
                scheduler, k3s, k0s]; none by default",
    }],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(distro) = context.judged_distro() else {
        return;
    };
    for (word, component) in Component::PROCESSES {
        // a scheduler that is off now is replaced all the same once it is on
        if !component.is_of(distro) || !context.settings.denied_commands.contains(&component) {
            continue;
        }
        let path = component.settings_path().key("command");
        if context
            .config
            .list(&path)
            .is_some_and(|items| !items.is_empty())
        {
            findings.push(
                Finding::new(
                    context.config.place(&path),
                    format!("the policy does not let the command of {word} be replaced"),
                )
                .fix(format!(
                    "remove {path}; single flags go into {}",
                    component.settings_path().key("extraArgs")
                )),
            );
        }
    }
}
