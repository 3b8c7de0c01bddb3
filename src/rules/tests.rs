use super::*;
use crate::policy::{Applicant, Policy};
use crate::vcluster::testing::values;
use crate::vcluster::{Catalogue, ChartSource, KubeVersion, Parts};

#[test]
fn no_rule_finds_fault_with_a_charts_own_values() {
    let policy = Policy::built_in().in_force(&Applicant::default());
    for (chart, block) in Catalogue::embedded().charts(|_| true) {
        for distro in block.distros() {
            let text = format!("controlPlane: {{distro: {{{distro}: {{enabled: true}}}}}}");
            let source = ChartSource::version(&chart.to_string());
            for host in [None, KubeVersion::parse("v1.30.4")] {
                let compose = || {
                    Config::compose(Parts {
                        chart: &source,
                        layers: vec![std::sync::Arc::new(values(&text))],
                        reading: Reading::Helm,
                        catalogue: Catalogue::embedded(),
                        fallback: None,
                        host_version: host.clone(),
                    })
                };
                let subject = Subject {
                    operation: Operation::Update,
                    reading: Reading::Helm,
                    is_template: false,
                    completeness: Completeness::Whole,
                    renders_on: None,
                    now: compose(),
                    before: Some(compose()),
                    told_before: None,
                    live: None,
                };
                // that the chart is too new for the host or calls the distro deprecated is no fault
                // of its values
                let told = judge(&subject, &policy);
                let faults: Vec<_> = told
                    .iter()
                    .filter(|finding| {
                        !matches!(finding.rule, "deprecated-distro" | "host-compatibility")
                    })
                    .collect();
                assert!(faults.is_empty(), "{chart} {distro}: {faults:?}");
            }
        }
    }
}
