//! Which components of a control plane run.
//!
//! Mirrors `IsVirtualSchedulerEnabled()` of vCluster's `config/config.go` and `pkg/k8s/k8s.go`,
//! which starts the scheduler for private nodes in any case.

use super::{Component, Config, Distro, Era, Lookup};
use crate::values::Data;

impl Config<'_> {
    /// Whether something will run from a component's image, if it can be seen.
    pub fn runs(&self, component: Component) -> Option<bool> {
        match component {
            Component::Distro(_) => Some(true),
            Component::ApiServer => self.is_on(&["controlPlane", "distro", "k8s", "apiServer"]),
            Component::ControllerManager => {
                self.is_on(&["controlPlane", "distro", "k8s", "controllerManager"])
            }
            Component::Scheduler => self.scheduler_runs(),
        }
    }

    /// Whether the virtual cluster has a scheduler of its own, if it can be seen.
    pub fn scheduler_runs(&self) -> Option<bool> {
        if self.is_rendered() {
            return Some(self.has_image("scheduler"));
        }
        let by_advanced = self.is_on(&["controlPlane", "advanced", "virtualScheduler"]);
        let ways: &[Option<bool>] = match self.chart.era()? {
            Era::A | Era::B => &[by_advanced],
            Era::C | Era::D if self.distro()? != Distro::K8s => &[by_advanced],
            Era::C | Era::D => &[
                by_advanced,
                self.is_on(&["controlPlane", "distro", "k8s", "scheduler"]),
                self.is_on(&["privateNodes"]),
            ],
        };
        if ways.contains(&Some(true)) {
            Some(true)
        } else {
            ways.iter().all(|way| *way == Some(false)).then_some(false)
        }
    }

    /// Whether `enabled` below a path of keys is on.
    fn is_on(&self, keys: &[&str]) -> Option<bool> {
        if let (true, Some(component)) = (self.is_rendered(), keys.last()) {
            return Some(self.has_image(component));
        }
        match self.get(keys.iter().copied().chain(["enabled"])) {
            Lookup::Known(known) => match known.data {
                Data::Bool(on) => Some(on),
                Data::Null => Some(false),
                _ => None,
            },
            Lookup::Absent => Some(false),
            Lookup::Map(_) | Lookup::Unknown(_) => None,
        }
    }

    /// Whether a rendered workload has the component's container.
    fn has_image(&self, component: &str) -> bool {
        self.get(["controlPlane", "distro", "k8s", component, "image"]) != Lookup::Absent
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{config, elsewhere, layered, values};
    use super::*;

    #[test]
    fn the_scheduler_is_switched_on_in_the_way_of_its_chart() {
        let advanced = "controlPlane: {advanced: {virtualScheduler: {enabled: true}}}";
        let own = "controlPlane: {distro: {k8s: {scheduler: {enabled: true}}}}";
        let private = "privateNodes: {enabled: true}";
        for (chart, text, runs) in [
            ("0.24.2", "", Some(false)),
            ("0.24.2", advanced, Some(true)),
            ("0.25.2", own, Some(false)),
            ("0.25.2", private, Some(false)),
            ("0.30.4", "", Some(false)),
            ("0.30.4", advanced, Some(true)),
            ("0.30.4", own, Some(true)),
            ("0.30.4", private, Some(true)),
            ("0.36.1", own, Some(true)),
            (
                "0.36.1",
                "controlPlane: {distro: {k8s: {scheduler: {enabled: \"yes\"}}}}",
                None,
            ),
            (">=0.24", "", None),
        ] {
            assert_eq!(config(chart, text).scheduler_runs(), runs, "{chart} {text}");
        }
        let k3s =
            "controlPlane: {distro: {k3s: {enabled: true}, k8s: {scheduler: {enabled: true}}}}";
        assert_eq!(config("0.30.4", k3s).scheduler_runs(), Some(false));
        assert_eq!(layered("0.24.2", vec![elsewhere()]).scheduler_runs(), None);
        let seen = layered("0.24.2", vec![elsewhere(), values(advanced)]);
        assert_eq!(seen.scheduler_runs(), Some(true));
    }

    #[test]
    fn the_other_components_run_unless_they_are_switched_off() {
        let off = "controlPlane: {distro: {k8s: {controllerManager: {enabled: false}, apiServer: {enabled: null}}}}";
        for (text, runs) in [("", Some(true)), (off, Some(false))] {
            let config = config("0.24.2", text);
            assert_eq!(config.runs(Component::ControllerManager), runs, "{text}");
            assert_eq!(config.runs(Component::ApiServer), runs, "{text}");
        }
    }
}
