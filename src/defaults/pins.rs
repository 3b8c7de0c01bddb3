//! The chart's own defaults, written out: they stay what they are when a later chart, or somebody
//! else's layer, brings others, and everybody can read them in the object.

use super::planner::Planner;
use crate::policy::{On, Pin};
use crate::values::Path;
use crate::vcluster::{Certainty, Image, ImagePart, Lookup, Operation, Presence};

impl Planner<'_> {
    /// Writes out the blocks of the chart's defaults that the policy names; for charts that are
    /// exactly known only.
    pub(super) fn pin_chart_defaults(&mut self) {
        // what Helm has rendered has them already
        if self.config.is_after_helm() {
            return;
        }
        // with several distros enabled it is not known whose blocks are meant
        if self.config.chart.certainty() != Certainty::Exact || self.config.enabled().len() > 1 {
            return;
        }
        for (pin, on) in &self.policy.defaults.pin {
            if self.operation == Operation::Update && *on == On::Create && !self.moves {
                continue;
            }
            match pin {
                Pin::Images => {
                    for image in self.in_force().images() {
                        self.pin_image(&image);
                    }
                }
                Pin::Resources => {
                    let Some(distro) = self.in_force().distro() else {
                        continue;
                    };
                    let path = Path::keys(["controlPlane", "distro", distro.key(), "resources"]);
                    for (path, _) in self.config.defaults().leaves(&path) {
                        self.pin(&path);
                    }
                }
            }
        }
    }

    /// Only parts that decide something: a registry that `defaultImageRegistry` replaces, or a tag
    /// that `version` or the host's version stands in for, would say what is not so.
    fn pin_image(&mut self, image: &Image) {
        let decides = |part: &ImagePart, path: &Path| matches!(part, ImagePart::Known { path: decided, .. } if decided == path);
        let registry = image.path.key("registry");
        if decides(&image.registry, &registry) {
            self.pin(&registry);
        }
        self.pin(&image.path.key("repository"));
        let tag = image.path.key("tag");
        let of_host = image.component.is_split() && self.config.follows_host() != Some(false);
        if decides(&image.tag, &tag) && !of_host {
            self.pin(&tag);
        }
    }

    /// Writes out the chart's value where nothing is set. It needs no guard: what is in force
    /// stays the same, value by value.
    fn pin(&mut self, path: &Path) {
        let keys = path.as_keys().unwrap_or_default();
        let config = self.config;
        let Lookup::Known(known) = config.defaults().get(keys.iter().copied()) else {
            return;
        };
        let unset = |tree: Presence<'_>| matches!(tree, Presence::Unset);
        if unset(config.user_presence(&keys)) && unset(self.tree.presence(&keys)) {
            self.put_in(path, &known.data);
        }
    }
}
