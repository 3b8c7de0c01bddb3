//! Which Kubernetes versions a chart is made for, on the host and in the virtual cluster.
//!
//! Taken from vCluster's documentation of each chart (`kubernetes-versions`, from 0.33 on the
//! shared `k8s-compatibility.json`). Each lists minor versions, and lists the same for both sides.
//! The shared file moved on while charts stayed: what it listed in a chart's time counts for it.

use std::ops::RangeInclusive;

use super::{Chart, KubeVersion};

/// What the documentation says about some charts.
#[derive(Debug)]
pub struct Compatibility {
    /// The charts' minor versions.
    charts: RangeInclusive<u64>,
    /// The Kubernetes minor versions that are listed, for the host and for the virtual cluster.
    pub minors: RangeInclusive<u32>,
    issues: &'static [KnownIssue],
}

/// A pair that is listed, and of which an issue is known.
#[derive(Debug)]
pub struct KnownIssue {
    hosts: RangeInclusive<u32>,
    virtuals: RangeInclusive<u32>,
    /// What happens.
    pub what: &'static str,
}

const OLD_ENDPOINT_SLICES: KnownIssue = KnownIssue {
    hosts: 34..=34,
    virtuals: 30..=31,
    what: "EndpointSlices are not synced",
};

const NEVER_READY: KnownIssue = KnownIssue {
    hosts: 34..=36,
    virtuals: 33..=33,
    what: "pods can stay unready",
};

/// The documentation of every chart, oldest first.
const PUBLISHED: [Compatibility; 9] = [
    listed(20..=20, 28..=30, &[]),
    listed(21..=22, 28..=31, &[]),
    listed(23..=23, 28..=32, &[]),
    listed(24..=29, 30..=33, &[]),
    listed(30..=31, 30..=34, &[]),
    listed(32..=32, 30..=35, &[]),
    listed(33..=34, 30..=36, &[OLD_ENDPOINT_SLICES, NEVER_READY]),
    listed(35..=36, 33..=36, &[NEVER_READY]),
    listed(37..=37, 34..=36, &[]),
];

impl Compatibility {
    /// What is published for a chart; `None` where the chart is not known well enough, or has
    /// nothing published.
    pub fn of(chart: &Chart<'_>) -> Option<&'static Self> {
        static TABLE: [Compatibility; 9] = PUBLISHED;
        TABLE
            .iter()
            .find(|listed| chart.minor_within(listed.charts.clone()) == Some(true))
    }

    /// Whether a version is listed.
    pub fn lists(&self, version: &KubeVersion) -> bool {
        version.major == 1 && self.minors.contains(&version.minor)
    }

    /// What is known to go wrong with a host and a virtual cluster of these versions.
    pub fn issue(&self, host: &KubeVersion, inner: &KubeVersion) -> Option<&'static KnownIssue> {
        self.issues.iter().find(|issue| {
            issue.hosts.contains(&host.minor) && issue.virtuals.contains(&inner.minor)
        })
    }
}

const fn listed(
    charts: RangeInclusive<u64>,
    minors: RangeInclusive<u32>,
    issues: &'static [KnownIssue],
) -> Compatibility {
    Compatibility {
        charts,
        minors,
        issues,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::config;
    use super::*;
    use crate::vcluster::Catalogue;

    fn of(chart: &str) -> Option<&'static Compatibility> {
        Compatibility::of(&config(chart, "").chart)
    }

    #[test]
    fn every_known_chart_lists_the_version_that_it_brings() {
        for (chart, _) in Catalogue::embedded().charts(|_| true) {
            let config = config(&chart.to_string(), "");
            let listed = Compatibility::of(&config.chart).unwrap();
            if let Some(version) = config.kubernetes_version() {
                assert!(listed.lists(&version), "{chart}: {version}");
            }
        }
        assert!(of("0.38.0").is_none());
        assert!(of(">=0.30").is_none());
        assert_eq!(of("0.30.x").unwrap().minors, 30..=34);
    }

    #[test]
    fn known_issues_are_those_of_a_pair() {
        let version = |text: &str| KubeVersion::parse(text).unwrap();
        let issue = |chart: &str, host: &str, inner: &str| {
            let issue = of(chart)?.issue(&version(host), &version(inner))?;
            Some(issue.what)
        };
        assert_eq!(
            issue("0.35.0", "v1.35.2", "v1.33.4"),
            Some("pods can stay unready")
        );
        assert_eq!(
            issue("0.33.0", "v1.34.0", "v1.31.1"),
            Some("EndpointSlices are not synced")
        );
        assert_eq!(issue("0.33.0", "v1.35.0", "v1.31.1"), None);
        assert_eq!(issue("0.30.0", "v1.34.0", "v1.33.4"), None);
    }
}
