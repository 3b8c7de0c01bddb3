//! Whether the virtual cluster runs a scheduler of its own.
//!
//! Mirrors `IsVirtualSchedulerEnabled()` of vCluster's `config/config.go`, and `pkg/k8s/k8s.go`,
//! which starts one with private nodes whatever that says.

use super::{Certainty, Config, Distro, Lookup};
use crate::values::Data;

/// The switch of every chart; deprecated from 0.26 on, and still read.
const VIRTUAL_SCHEDULER: [&str; 4] = ["controlPlane", "advanced", "virtualScheduler", "enabled"];
/// The switch from 0.26 on, of k8s alone.
const SCHEDULER: [&str; 5] = ["controlPlane", "distro", "k8s", "scheduler", "enabled"];
/// Private nodes, from 0.26 on.
const PRIVATE_NODES: [&str; 2] = ["privateNodes", "enabled"];

impl Config<'_> {
    /// Whether a scheduler runs in the virtual cluster, if it can be seen. Images do not tell:
    /// from 0.25 on all components come in one.
    pub fn scheduler_enabled(&self) -> Option<bool> {
        if self.is_rendered() || self.chart.certainty() == Certainty::Legacy {
            return None;
        }
        let of_k8s = match self.distro() {
            Some(Distro::K8s) => self.chart_switch(&SCHEDULER),
            Some(_) => Some(false),
            None => None,
        };
        any([
            self.switch(&VIRTUAL_SCHEDULER),
            of_k8s,
            self.chart_switch(&PRIVATE_NODES),
        ])
    }

    /// A switch that only some charts have: without effect in the others.
    fn chart_switch(&self, path: &[&str]) -> Option<bool> {
        let has = |field: &super::Field| field.get(path.iter().copied()).is_some();
        if !self.chart.fields().any(has) {
            return Some(false);
        }
        match self.switch(path) {
            Some(true) if !self.chart.fields().all(has) => None,
            switch => switch,
        }
    }

    /// A boolean; what is not set is off.
    fn switch(&self, path: &[&str]) -> Option<bool> {
        match self.get(path.iter().copied()) {
            Lookup::Known(known) => match known.data {
                Data::Bool(on) => Some(on),
                Data::Null => Some(false),
                // what it does depends on who looks
                _ => None,
            },
            // every chart has it off, where it has it
            Lookup::Unknown(cause) => cause.is_charts().then_some(false),
            Lookup::Absent | Lookup::Map(_) => Some(false),
        }
    }
}

/// Whether one of several is true, as far as they are known.
fn any(switches: [Option<bool>; 3]) -> Option<bool> {
    if switches.contains(&Some(true)) {
        Some(true)
    } else if switches.contains(&None) {
        None
    } else {
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{config, elsewhere, layered, pod_config, values};

    #[test]
    fn each_era_has_a_switch_of_its_own() {
        let virtual_on = "controlPlane: {advanced: {virtualScheduler: {enabled: true}}}";
        let own_on = "controlPlane: {distro: {k8s: {scheduler: {enabled: true}}}}";
        let private = "privateNodes: {enabled: true}";
        let k3s =
            "controlPlane: {distro: {k3s: {enabled: true}, k8s: {scheduler: {enabled: true}}}}";
        for (chart, text, enabled) in [
            ("0.20.0", "{}", Some(false)),
            ("0.24.2", virtual_on, Some(true)),
            ("0.25.0", own_on, Some(false)),
            ("0.25.0", private, Some(false)),
            ("0.26.0", own_on, Some(true)),
            ("0.30.4", virtual_on, Some(true)),
            ("0.30.4", private, Some(true)),
            ("0.30.4", k3s, Some(false)),
            ("0.36.0", "{}", Some(false)),
            ("0.36.0", own_on, Some(true)),
            ("0.19.10", "{}", None),
            // which of the two the chart reads is not known
            (">=0.24 <0.28", "{}", Some(false)),
            (">=0.24 <0.28", virtual_on, Some(true)),
            (">=0.24 <0.28", private, None),
            (
                "0.30.4",
                "controlPlane: {advanced: {virtualScheduler: {enabled: \"no\"}}}",
                None,
            ),
        ] {
            assert_eq!(
                config(chart, text).scheduler_enabled(),
                enabled,
                "{chart}: {text}"
            );
        }
        assert_eq!(pod_config("0.30.4", own_on).scheduler_enabled(), Some(true));
        assert_eq!(pod_config("0.30.4", "{}").scheduler_enabled(), Some(false));
    }

    #[test]
    fn what_could_be_set_elsewhere_is_unknown() {
        assert_eq!(
            layered("0.30.4", vec![elsewhere()]).scheduler_enabled(),
            None
        );
        let text = "controlPlane: {advanced: {virtualScheduler: {enabled: true}}}";
        let seen = layered("0.30.4", vec![elsewhere(), values(text)]);
        assert_eq!(seen.scheduler_enabled(), Some(true));
    }
}
