//! The charts that run are known, with their fields and defaults.
//!
//! Known by the label `chart` of the control planes: the Secrets with the configs say the same,
//! and nobody should need the right to read all Secrets for this.

use std::collections::BTreeMap;

use semver::Version;

use super::super::{Check, Finding, Seen, Snapshot, Wanted};
use crate::text::printable;
use crate::vcluster::{Catalogue, ChartSource, Distro};

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
    let (mut legacy, mut untold) = (Vec::new(), Vec::new());
    for workload in workloads {
        let told = ChartSource::of_label(&workload.chart);
        let what = match &told {
            Some((name, version)) if name == "vcluster" && catalogue.get(version).is_some() => {
                continue;
            }
            // k3s, k8s, k0s and eks had charts of their own until then
            Some((name, version))
                if Distro::of_legacy_chart(name).is_some() && is_before_unified(version) =>
            {
                legacy.push(workload.object.as_str());
                continue;
            }
            Some((name, version)) => format!("{name} {version}"),
            None if workload.chart.is_empty() => {
                untold.push(workload.object.as_str());
                continue;
            }
            None => format!("the chart {}", workload.chart),
        };
        let what = printable(&what, 128);
        unknown.entry(what).or_default().push(&workload.object);
    }
    let newest = catalogue
        .newest()
        .map_or_else(String::new, ToString::to_string);
    let mut findings: Vec<_> = unknown
        .iter()
        .take(SHOWN)
        .map(|(what, objects)| {
            check
                .warning(format!(
                    "{what} is not known, the newest is {newest}: {}",
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
        let says = format!("charts before 0.20: {}", some(&legacy));
        findings.push(
            check
                .info(says)
                .why("they have another layout, and are not judged"),
        );
    }
    if !untold.is_empty() {
        findings.push(check.info(format!("no label tells the chart of {}", some(&untold))));
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

/// Whether a chart has the layout of before 0.20, which 0.20's own pre-releases have not.
fn is_before_unified(version: &Version) -> bool {
    (version.major, version.minor) < (0, 20)
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
        assert_snapshot!(with(&["vcluster-0.36.0_a1", "vcluster-0.20.0"]), @"ok: 2 virtual clusters run here, of charts that are known");
        assert_snapshot!(with(&["vcluster-k8s-0.19.5", "vcluster-0.19.5"]), @"
        info: charts before 0.20: StatefulSet team-0/dev, StatefulSet team-1/dev
          why: they have another layout, and are not judged
        ");
        assert_snapshot!(with(&["corp-vcluster-1.2.0", "vcluster-0.20.0-beta.1", "corp", ""]), @"
        warning: corp-vcluster 1.2.0 is not known, the newest is 0.36.1: StatefulSet team-0/dev
          why: its fields and defaults are guessed: unknown fields are warned of, not refused
        warning: the chart corp is not known, the newest is 0.36.1: StatefulSet team-2/dev
          why: its fields and defaults are guessed: unknown fields are warned of, not refused
        warning: vcluster 0.20.0-beta.1 is not known, the newest is 0.36.1: StatefulSet team-1/dev
          why: its fields and defaults are guessed: unknown fields are warned of, not refused
        info: no label tells the chart of StatefulSet team-3/dev
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
