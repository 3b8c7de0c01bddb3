//! What goes into a config where nothing is set: the policy's values, then the chart's own blocks.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::guard;
use crate::policy::{Apply, InForce, On, Wish};
use crate::values::{Data, Path};
use crate::vcluster::{Config, Distro, FULL, Known, Operation, Origin, Presence, Quantity, Tree};

/// What goes in, by path, and why a default that the policy names stays out.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) values: BTreeMap<Path, Value>,
    pub(super) left_out: Vec<String>,
    pub(super) placeless: Vec<Path>,
}

/// What a policy wants to go into a config.
pub(super) fn wanted(
    config: &Config<'_>,
    policy: &InForce,
    operation: Operation,
    moves: bool,
) -> Wanted {
    let (tree, wanted) = (Tree::empty(), Wanted::default());
    let mut planner = Planner {
        config,
        policy,
        operation,
        moves,
        tree,
        wanted,
    };
    // which distro is in force decides what else goes in
    let enables = |path: &Path| path.last_key() == Some("enabled");
    let values = &policy.defaults.values;
    let mut decided = HashSet::new();
    for switches in [true, false] {
        for wish in values.iter().filter(|wish| enables(&wish.path) == switches) {
            planner.policy_default(wish, &mut decided);
        }
    }
    planner.pin_chart_defaults();
    planner.wanted
}

pub(super) struct Planner<'a> {
    pub(super) config: &'a Config<'a>,
    pub(super) policy: &'a InForce,
    pub(super) operation: Operation,
    /// Whether what went in before is made anew, under another chart.
    pub(super) moves: bool,
    /// What goes in so far.
    pub(super) tree: Tree,
    wanted: Wanted,
}

impl Planner<'_> {
    fn policy_default<'w>(&mut self, wish: &'w Wish, decided: &mut HashSet<&'w Path>) {
        let Wish {
            path,
            node,
            on,
            apply,
            distro,
            by: _,
        } = wish;
        let Some(keys) = path.as_keys() else { return };
        let fits = distro.is_none_or(|distro| self.in_force().distro() == Some(distro));
        if !fits || !decided.insert(path) {
            return;
        }
        if self.operation == Operation::Update && *on == On::Create && !self.moves {
            return;
        }
        if !self.concerns_distro_in_force(&keys) {
            return;
        }
        if self.config.is_rendered() && !self.has_place(&keys, &node.data) {
            self.wanted.placeless.push(path.clone());
            return;
        }
        let mut fields = self.config.chart.fields();
        if !fields.all(|field| field.accepts(keys.iter().copied())) {
            let chart = &self.config.chart;
            self.leave_out(path, &format!("{chart} does not have it for certain"));
            return;
        }
        let always = *apply == Apply::Always;
        match self.config.user_presence(&keys) {
            // an image without a tag is one by digest
            Presence::Unset if is_of_image(&keys) && self.config.is_rendered() => return,
            Presence::Unset => {}
            // the items of lists have places of their own
            Presence::Set(Some(known))
                if always && !self.is_same(&keys, &known.data, &node.data) => {}
            Presence::Set(_) | Presence::Unknown => return,
        }
        let then = self.with(path, &node.data);
        let overruled = if always {
            None
        } else {
            guard::overruled(&self.in_force(), &then, path)
        };
        if let Some(overruled) = overruled {
            let why = format!(
                "it would overrule {overruled}, which is set; remove that to have the default"
            );
            return self.leave_out(path, &why);
        }
        // an update may not take a running control plane back
        let versions = (self.config.kubernetes_version(), then.kubernetes_version());
        if let (Operation::Update, (Some(now), Some(later))) = (self.operation, versions)
            && later.number() < now.number()
        {
            let why = format!("it would take Kubernetes back from {now} to {later}");
            return self.leave_out(path, &why);
        }
        self.put_in(path, &node.data);
    }

    /// Settings of a distro go in only where it is in force. A distro may be switched on where
    /// the user left that open.
    fn concerns_distro_in_force(&self, keys: &[&str]) -> bool {
        let ["controlPlane", "distro", distro, rest @ ..] = keys else {
            return true;
        };
        let in_force = self.in_force().distro().map(Distro::key);
        let open = self.operation == Operation::Create
            && rest == ["enabled"]
            && in_force.is_some()
            && self.config.enabled().is_empty();
        open || in_force == Some(*distro)
    }

    /// Whether a workload has a place for it: the image of an init container that is there, or the
    /// resources of the distro's, if it is a quantity.
    fn has_place(&self, keys: &[&str], data: &Data) -> bool {
        match keys {
            _ if is_of_resources(keys) => Quantity::of(data).is_some(),
            [above @ .., _] if is_of_image(keys) => {
                !matches!(self.config.user_presence(above), Presence::Unset)
            }
            _ => false,
        }
    }

    /// Whether a value that is set says what the policy's does. One quantity has many forms, and
    /// to a tag the chart may have added what private nodes need.
    fn is_same(&self, keys: &[&str], found: &Data, wished: &Data) -> bool {
        if found.to_json() == wished.to_json() {
            return true;
        }
        match (found, wished) {
            _ if is_of_resources(keys) => {
                let (found, wished) = (Quantity::of(found), Quantity::of(wished));
                found.is_some() && found == wished
            }
            (Data::String(found), Data::String(wished)) if self.config.is_rendered() => {
                matches!(keys, ["controlPlane", "distro", "k8s", "image", "tag"])
                    && found.strip_suffix(FULL) == Some(wished)
            }
            _ => false,
        }
    }

    /// The config with what goes in so far.
    pub(super) fn in_force(&self) -> Config<'_> {
        self.config.with(&self.tree)
    }

    /// The config with what goes in so far, and one value more.
    fn with(&self, path: &Path, data: &Data) -> Config<'_> {
        self.config
            .with(&self.tree.clone().under(branch(path, data)))
    }

    pub(super) fn put_in(&mut self, path: &Path, data: &Data) {
        self.tree = self.tree.clone().under(branch(path, data));
        self.wanted.values.insert(path.clone(), data.to_json());
    }

    fn leave_out(&mut self, path: &Path, why: &str) {
        self.wanted.left_out.push(format!(
            "the policy's default for {path} is left out: {why}"
        ));
    }
}

/// Whether a path leads to a part of an image of the distro's.
fn is_of_image(keys: &[&str]) -> bool {
    matches!(
        keys,
        ["controlPlane", "distro", _, "image", _] | ["controlPlane", "distro", _, _, "image", _]
    )
}

/// Whether a path leads to a limit or request of the distro's.
fn is_of_resources(keys: &[&str]) -> bool {
    matches!(
        keys,
        [
            "controlPlane",
            "distro",
            _,
            "resources",
            "limits" | "requests",
            _
        ]
    )
}

/// A tree that holds one value.
pub(super) fn branch(path: &Path, data: &Data) -> Tree {
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
