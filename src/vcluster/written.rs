//! What a user set by themselves, beyond what the chart says anyway.

use super::{Config, Known, Lookup, Reading};
use crate::values::{Data, Path};

impl Config<'_> {
    /// Paths of the leaves at or below a path that were set to something, and to something else
    /// than the chart has there. In the merged Secret the chart's own values stand beside the
    /// user's: what they are is needed to tell them apart.
    pub fn set_beyond_defaults(&self, at: &Path) -> Vec<Path> {
        let leaves = self.user().leaves(at).into_iter();
        leaves
            .filter(|(path, known)| !is_empty(known) && self.differs(path, known))
            .map(|(path, _)| path)
            .collect()
    }

    fn differs(&self, path: &Path, known: &Known) -> bool {
        // a chart that is not in the catalogue may have defaults of its own
        let told = self.reading == Reading::Helm || self.chart.is_certain();
        match self.defaults().get(path.as_keys().unwrap_or_default()) {
            Lookup::Known(default) => told && default.data != known.data,
            Lookup::Unknown(_) => self.reading == Reading::Helm,
            Lookup::Map(_) | Lookup::Absent => told,
        }
    }
}

/// What an absent value would be, too.
fn is_empty(known: &Known) -> bool {
    match &known.data {
        Data::Null => true,
        Data::String(text) => text.is_empty(),
        Data::List(items) => items.is_empty(),
        Data::Bool(_) | Data::Number(_) | Data::Map(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{config, pod_config};
    use super::*;

    fn set(config: &Config<'_>) -> Vec<String> {
        let paths = config.set_beyond_defaults(&Path::dotted("controlPlane.distro.k3s"));
        paths.iter().map(Path::to_string).collect()
    }

    #[test]
    fn what_the_chart_says_anyway_is_not_the_users() {
        let text = "controlPlane: {distro: {k3s: {enabled: false, command: [], token: null, \
                    imagePullPolicy: \"\", image: {repository: rancher/k3s, tag: v1.33.3-k3s1}}}}";
        let tag = ["controlPlane.distro.k3s.image.tag"];
        assert_eq!(set(&config("0.30.4", text)), tag);
        assert_eq!(set(&pod_config("0.30.4", text)), tag);
        // whichever chart it is, it does not have this tag, or it cannot be told
        assert_eq!(set(&config("", text)), tag);
        assert_eq!(set(&pod_config("", text)), Vec::<String>::new());
        assert_eq!(set(&pod_config("0.30.99", text)), Vec::<String>::new());
    }
}
