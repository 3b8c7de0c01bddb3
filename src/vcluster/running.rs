//! Which components of a control plane run.

use super::{Component, Config, Lookup};
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
            // a rendered workload has a container for it, or none
            Component::Scheduler if self.is_rendered() => Some(self.has_image("scheduler")),
            Component::Scheduler => self.scheduler_enabled(),
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
    use super::super::testing::config;
    use super::*;

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
