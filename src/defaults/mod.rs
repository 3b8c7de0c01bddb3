//! The overlay of defaults and its guard.
//!
//! A default goes in only where nothing is set and nothing unknown could be set, only where every
//! chart that this may be has the field, and only if, with it in, whatever the user set is in
//! force as before.

mod guard;
mod pins;

use serde_json::Value;

use crate::carrier::Overlay;
use crate::policy::{Apply, On, Policy};
use crate::values::{Data, Node, Path};
use crate::vcluster::{
    Certainty, Config, Distro, Known, Operation, Origin, Presence, Reading, Subject, Tree,
};

/// What goes into one config.
#[derive(Debug, Default)]
pub struct Plan {
    /// What goes in, as a tree.
    pub overlay: Overlay,
    /// The same one by one, in order.
    pub edits: Vec<Edit>,
    /// Why a default that the policy names stays out, in words for the user.
    pub left_out: Vec<String>,
}

/// One default at one values path.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// Where it goes.
    pub path: Path,
    /// The value.
    pub value: Value,
}

/// Plans what goes into a config; nothing for a carrier that Helm will not render any more.
pub fn plan(subject: &Subject<'_>, policy: &Policy) -> Plan {
    let mut plan = Plan::default();
    let wanted = subject.operation == Operation::Create || policy.defaults.on == On::Always;
    let config = &subject.now;
    if !wanted
        || subject.reading != Reading::Helm
        || config.chart.certainty() == Certainty::Legacy
        || config.has_unreadable()
    {
        return plan;
    }
    let mut planner = Planner {
        config,
        policy,
        tree: Tree::empty(),
        plan: &mut plan,
    };
    for (path, node) in &policy.defaults.values {
        planner.policy_default(path, node);
    }
    planner.pin_chart_defaults();
    plan
}

struct Planner<'a> {
    config: &'a Config<'a>,
    policy: &'a Policy,
    /// What goes in so far.
    tree: Tree,
    plan: &'a mut Plan,
}

impl Planner<'_> {
    fn policy_default(&mut self, path: &Path, node: &Node) {
        let Some(keys) = path.as_keys() else { return };
        if !self.concerns_distro_in_force(&keys) {
            return;
        }
        let mut fields = self.config.chart.fields();
        if !fields.all(|field| field.accepts(keys.iter().copied())) {
            let chart = &self.config.chart;
            self.leave_out(path, &format!("{chart} does not have it for certain"));
            return;
        }
        let always = self.policy.defaults.apply == Apply::Always;
        match self.config.user_presence(&keys) {
            Presence::Unset => {}
            Presence::Set(Some(known)) if always && known.data != node.data => {}
            Presence::Set(_) | Presence::Unknown => return,
        }
        let with = self.with(path, &node.data);
        let overruled = if always {
            None
        } else {
            guard::overruled(self.config, &with, path)
        };
        match overruled {
            Some(overruled) => {
                self.leave_out(
                    path,
                    &format!("it would overrule {overruled}, which is set"),
                );
            }
            None => self.put_in(path, &node.data),
        }
    }

    /// Settings of a distro go in only where it is in force. A distro may be switched on where
    /// the user left that open.
    fn concerns_distro_in_force(&self, keys: &[&str]) -> bool {
        let ["controlPlane", "distro", distro, rest @ ..] = keys else {
            return true;
        };
        let in_force = self.in_force().distro().map(Distro::key);
        let open = rest == ["enabled"] && in_force.is_some() && self.config.enabled().is_empty();
        open || in_force == Some(*distro)
    }

    /// The config with what goes in so far.
    fn in_force(&self) -> Config<'_> {
        self.config.with(&self.tree)
    }

    /// The config with what goes in so far, and one value more.
    fn with(&self, path: &Path, data: &Data) -> Config<'_> {
        self.config
            .with(&self.tree.clone().under(branch(path, data)))
    }

    fn put_in(&mut self, path: &Path, data: &Data) {
        self.tree = self.tree.clone().under(branch(path, data));
        let value = data.to_json();
        self.plan
            .overlay
            .set(&path.as_keys().unwrap_or_default(), value.clone());
        self.plan.edits.push(Edit {
            path: path.clone(),
            value,
        });
    }

    fn leave_out(&mut self, path: &Path, why: &str) {
        self.plan.left_out.push(format!(
            "the policy's default for {path} is left out: {why}"
        ));
    }
}

/// A tree that holds one value.
fn branch(path: &Path, data: &Data) -> Tree {
    let leaf = Tree::Leaf(Known {
        data: data.clone(),
        plain: None,
        origin: Origin::Default,
    });
    path.as_keys()
        .unwrap_or_default()
        .iter()
        .rev()
        .fold(leaf, |below, key| Tree::of_key(key, below))
}
