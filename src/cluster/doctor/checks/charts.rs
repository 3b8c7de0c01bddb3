//! The charts that run are known, with their fields and defaults.
//!
//! Known by the label `chart` of the control planes: the Secrets with the configs say the same,
//! and nobody should need the right to read all Secrets for this.

use std::collections::BTreeMap;

use semver::Version;

use super::super::{Check, Finding, Seen, Snapshot, Wanted};
use crate::text::printable;
use crate::vcluster::Catalogue;

/// How many charts are named.
const SHOWN: usize = 5;

/// Looks at the control planes of virtual clusters.
pub(super) fn look(snapshot: &Snapshot, _wanted: &Wanted) -> Vec<Finding> {
    let check = Check::Charts;
    let workloads = match &snapshot.workloads {
        Seen::Is(workloads) => workloads.as_slice(),
        Seen::Absent => &[],
        Seen::Hidden(why) => return vec![check.not_seen(why)],
    };
    let catalogue = Catalogue::embedded();
    let mut unknown: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut legacy = Vec::new();
    for workload in workloads {
        let version = workload.chart.strip_prefix("vcluster-").map(Version::parse);
        match version {
            Some(Ok(version)) if catalogue.get(&version).is_some() => {}
            Some(Ok(version)) if version >= Version::new(0, 20, 0) => {
                let version = printable(&version.to_string(), 64);
                unknown.entry(version).or_default().push(&workload.object);
            }
            // k3s, k8s, k0s and eks had charts of their own until then
            _ => legacy.push(workload.object.as_str()),
        }
    }
    let newest = catalogue
        .newest()
        .map_or_else(String::new, ToString::to_string);
    let mut findings: Vec<_> = unknown
        .iter()
        .take(SHOWN)
        .map(|(version, objects)| {
            check
                .warning(format!(
                    "vcluster {version} is not known, the newest is {newest}: {}",
                    some(objects)
                ))
                .why("its fields and defaults are guessed: unknown fields are warned of, not refused")
        })
        .collect();
    if unknown.len() > SHOWN {
        let more = unknown.len() - SHOWN;
        findings.push(check.warning(format!("and {more} charts more")));
    }
    if !legacy.is_empty() {
        let says = format!(
            "charts before 0.20, or without a version: {}",
            some(&legacy)
        );
        findings.push(
            check
                .info(says)
                .why("they have another layout, and are not judged"),
        );
    }
    if findings.is_empty() {
        findings.push(check.ok(match workloads.len() {
            0 => "no virtual cluster runs here".to_owned(),
            1 => "1 virtual cluster runs here, of a chart that is known".to_owned(),
            count => format!("{count} virtual clusters run here, of charts that are known"),
        }));
    }
    findings
}

/// The first of some objects.
fn some(objects: &[&str]) -> String {
    let first: Vec<_> = objects
        .iter()
        .take(SHOWN)
        .map(|one| printable(one, 253))
        .collect();
    let more = objects.len().saturating_sub(SHOWN);
    let first = first.join(", ");
    if more == 0 {
        first
    } else {
        format!("{first} and {more} more")
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::super::Workload;
    use super::super::testing::{snapshot, told, wanted};
    use super::*;

    fn with(charts: &[&str]) -> String {
        let mut snapshot = snapshot();
        let workloads = charts.iter().enumerate().map(|(number, chart)| Workload {
            object: format!("StatefulSet team-{number}/dev"),
            chart: (*chart).to_owned(),
        });
        snapshot.workloads = Seen::Is(workloads.collect());
        told(&look(&snapshot, &wanted()))
    }

    #[test]
    fn charts_that_are_not_known_are_named() {
        assert_snapshot!(with(&[]), @"ok: no virtual cluster runs here");
        assert_snapshot!(with(&["vcluster-0.30.4", "vcluster-0.20.0"]), @"ok: 2 virtual clusters run here, of charts that are known");
        assert_snapshot!(with(&["vcluster-0.99.0", "vcluster-0.30.4", "vcluster-0.99.0"]), @"
        warning: vcluster 0.99.0 is not known, the newest is 0.36.1: StatefulSet team-0/dev, StatefulSet team-2/dev
          why: its fields and defaults are guessed: unknown fields are warned of, not refused
        ");
        assert_snapshot!(with(&["vcluster-k8s-0.19.5", "vcluster-0.19.5", ""]), @"
        info: charts before 0.20, or without a version: StatefulSet team-0/dev, StatefulSet team-1/dev, StatefulSet team-2/dev
          why: they have another layout, and are not judged
        ");
        assert_snapshot!(with(&["vcluster-0.99.0"; 7]), @"
        warning: vcluster 0.99.0 is not known, the newest is 0.36.1: StatefulSet team-0/dev, StatefulSet team-1/dev, StatefulSet team-2/dev, StatefulSet team-3/dev, StatefulSet team-4/dev and 2 more
          why: its fields and defaults are guessed: unknown fields are warned of, not refused
        ");
        let many: Vec<_> = (90..97)
            .map(|minor| format!("vcluster-0.{minor}.0"))
            .collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert!(with(&many).ends_with("warning: and 2 charts more\n"));
    }
}
