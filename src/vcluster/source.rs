//! What a carrier says about its chart.

use semver::Version;

use super::Distro;
use crate::values::Path;

/// A chart, as a carrier names it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ChartSource {
    /// The chart's name, where the carrier has it.
    pub name: Option<String>,
    /// The chart's version or range as written; `None` where the carrier points elsewhere.
    pub version: Option<String>,
    /// Where the carrier refers to a chart that is described elsewhere.
    pub elsewhere: Option<Path>,
}

impl ChartSource {
    /// The vCluster chart of this version or range.
    pub fn version(version: &str) -> Self {
        Self::named(Some("vcluster"), Some(version))
    }

    /// A chart by its name, or by the address of an archive that holds it
    /// (`https://…/vcluster-0.30.0.tgz`), which tells the version too.
    pub fn named(name: Option<&str>, version: Option<&str>) -> Self {
        let version = version.map(str::trim).filter(|version| !version.is_empty());
        let archive = name.and_then(|name| name.rsplit('/').next()?.strip_suffix(".tgz"));
        let (name, version) = match archive.and_then(split_archive) {
            Some((name, of_archive)) => (Some(name), Some(of_archive)),
            None => (name, version),
        };
        Self {
            name: name.map(str::to_owned),
            version: version.map(str::to_owned),
            elsewhere: None,
        }
    }

    /// Whether this may be a vCluster chart at all; a name that is missing may be one.
    pub fn may_be_vcluster(&self) -> bool {
        self.short_name()
            .is_none_or(|name| Distro::of_legacy_chart(name).is_some())
    }

    /// The chart's name without the folder or repository that it is in.
    pub(super) fn short_name(&self) -> Option<&str> {
        self.name
            .as_deref()
            .and_then(|name| name.trim_end_matches('/').rsplit('/').next())
    }
}

/// `vcluster-k8s-0.19.1` as name and version.
fn split_archive(archive: &str) -> Option<(&str, &str)> {
    archive
        .match_indices('-')
        .filter_map(|(at, _)| Some((archive.get(..at)?, archive.get(at + 1..)?)))
        .find(|(_, version)| Version::parse(version).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_charts_are_not_vclusters() {
        for (name, is) in [
            ("vcluster", true),
            ("./charts/vcluster/", true),
            ("vcluster-eks", true),
            ("podinfo", false),
            ("vcluster-platform", false),
            ("oci://registry.example/charts/vcluster", true),
            ("https://charts.example/vcluster-0.30.0.tgz", true),
            ("https://charts.example/vcluster-platform-4.0.0.tgz", false),
        ] {
            let source = ChartSource::named(Some(name), None);
            assert_eq!(source.may_be_vcluster(), is, "{name}");
        }
        let archive = ChartSource::named(Some("https://x/vcluster-k8s-0.19.1-rc.1.tgz"), Some("1"));
        assert_eq!(archive.name.as_deref(), Some("vcluster-k8s"));
        assert_eq!(archive.version.as_deref(), Some("0.19.1-rc.1"));
    }
}
