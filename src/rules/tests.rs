use super::*;
use crate::vcluster::testing::values;
use crate::vcluster::{Catalogue, ChartSource, KubeVersion, Parts};

/// The policy of an example: the built-in one, and what it says about the rule.
fn policy(rule: &Rule, example: &Example) -> Policy {
    let Some(said) = example.policy else {
        return Policy::built_in();
    };
    let said = said.replace('\n', "\n      ");
    let document = format!(
        "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {{name: p}}\n\
         spec:\n  rules:\n    {}:\n      {said}\n",
        rule.id,
    );
    Policy::parse(&document, Catalogue::embedded()).unwrap()
}

fn compose(example: &Example, text: &str) -> Config<'static> {
    Config::compose(Parts {
        chart: &ChartSource::version(example.chart),
        layers: vec![std::sync::Arc::new(values(text))],
        reading: Reading::Helm,
        catalogue: Catalogue::embedded(),
        fallback: None,
        host_version: example.host.and_then(KubeVersion::parse),
    })
}

fn found(rule: &Rule, example: &Example) -> Vec<String> {
    let before = example.before.map(|before| compose(example, before));
    let subject = Subject {
        operation: if before.is_some() {
            Operation::Update
        } else {
            Operation::Create
        },
        reading: Reading::Helm,
        is_template: false,
        completeness: Completeness::Whole,
        renders_on: None,
        now: compose(example, example.values),
        before,
        told_before: None,
    };
    judge(&subject, &policy(rule, example))
        .iter()
        .filter(|finding| finding.rule == rule.id)
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_examples_of_every_rule_are_judged_as_its_page_says() {
    for rule in RULES {
        // their examples are about carriers, which are read elsewhere
        if matches!(rule.id, "opaque-values" | "unreadable-values") {
            continue;
        }
        assert_ne!(found(rule, &rule.page.refused), [""; 0], "{}", rule.id);
        assert_eq!(found(rule, &rule.page.allowed), [""; 0], "{}", rule.id);
    }
}

#[test]
fn no_rule_finds_fault_with_a_charts_own_values() {
    let policy = Policy::built_in();
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
