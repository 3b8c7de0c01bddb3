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

    /// A chart by its name, or by an address that tells the version too: of an archive
    /// (`https://…/vcluster-0.30.0.tgz`), or in a registry (`oci://…/vcluster:0.30.0`).
    pub fn named(name: Option<&str>, version: Option<&str>) -> Self {
        let version = version.map(str::trim).filter(|version| !version.is_empty());
        let (name, version) = match name.and_then(of_address) {
            Some((name, of_address)) => (Some(name), of_address.or(version)),
            None => (name, version),
        };
        Self {
            name: name.map(str::to_owned),
            version: version.map(str::to_owned),
            elsewhere: None,
        }
    }

    /// Name and version in the label `chart` that Helm's charts write: `vcluster-0.30.4`.
    pub fn of_label(label: &str) -> Option<(String, Version)> {
        // a label may hold no +, for which charts write _
        let label = label.replace('_', "+");
        let (name, version) = split_archive(&label)?;
        Some((name.to_owned(), Version::parse(version).ok()?))
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

/// Name and version in the address of an archive or of something in a registry; a query says
/// nothing about either.
fn of_address(address: &str) -> Option<(&str, Option<&str>)> {
    let path = address.split(['?', '#']).next()?.trim_end_matches('/');
    let last = path.rsplit('/').next()?;
    if path.starts_with("oci://") {
        let name = last.split('@').next()?;
        return Some(match name.split_once(':') {
            Some((name, tag)) => (name, Some(tag)),
            None => (name, None),
        });
    }
    let archive = last
        .strip_suffix(".tgz")
        .or_else(|| last.strip_suffix(".tar.gz"))?;
    Some(match split_archive(archive) {
        Some((name, version)) => (name, Some(version)),
        None => (archive, None),
    })
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
    fn an_address_tells_name_and_version() {
        for (name, version, expected) in [
            ("vcluster", Some(" 0.30.x "), (true, Some("0.30.x"))),
            ("./charts/vcluster/", None, (true, None)),
            (
                "https://x/vcluster-0.30.4.tgz",
                None,
                (true, Some("0.30.4")),
            ),
            (
                "https://x/vcluster-0.30.4.tgz?sig=a/b",
                None,
                (true, Some("0.30.4")),
            ),
            (
                "https://x/vcluster-k8s-0.19.1.tar.gz",
                None,
                (true, Some("0.19.1")),
            ),
            (
                "https://x/vcluster.tgz",
                Some("0.30.4"),
                (true, Some("0.30.4")),
            ),
            ("https://x/podinfo-6.0.0.tgz", None, (false, Some("6.0.0"))),
            (
                "oci://r:5000/a/vcluster",
                Some("0.30.4"),
                (true, Some("0.30.4")),
            ),
            (
                "oci://r:5000/a/vcluster:0.30.4",
                None,
                (true, Some("0.30.4")),
            ),
            ("oci://r/vcluster@sha256:0a", None, (true, None)),
            (
                "oci://r/vcluster:0.30.4@sha256:0a",
                None,
                (true, Some("0.30.4")),
            ),
            ("oci://r/vcluster/podinfo:1", None, (false, Some("1"))),
        ] {
            let chart = ChartSource::named(Some(name), version);
            let found = (chart.may_be_vcluster(), chart.version.as_deref());
            assert_eq!(found, expected, "{name}");
        }
    }

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
