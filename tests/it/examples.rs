//! The objects in `examples/`, asked about as if they were new.

use std::collections::BTreeSet;
use std::fs;

use distrogate::admission::Endpoint;
use distrogate::carrier::Carrier;
use distrogate::gate::Decision;
use distrogate::policy::Policy;
use distrogate::values::{Limits, read_yaml};

use crate::support::{envelope, file, patched, review};

/// Each file, whether defaults go in, and how many warnings there are.
const EXAMPLES: [(&str, bool, usize); 15] = [
    ("argo-application.yaml", true, 0),
    ("argo-applicationset.yaml", true, 1),
    ("cluster-api-vcluster.yaml", true, 0),
    ("crossplane-release.yaml", true, 0),
    ("flux-helmrelease.yaml", true, 0),
    ("fleet-bundle.yaml", true, 1),
    ("k3s-helmchart.yaml", true, 0),
    ("k3s-helmchartconfig.yaml", false, 1),
    ("labelled-configmap.yaml", false, 1),
    ("labelled-secret.yaml", false, 1),
    ("platform-virtualclusterinstance.yaml", true, 0),
    ("platform-virtualclustertemplate.yaml", true, 2),
    ("vc-config-secret.yaml", false, 0),
    ("workload-deployment.yaml", false, 0),
    ("workload-statefulset.yaml", false, 0),
];

#[test]
fn every_example_is_allowed_as_its_readme_says() {
    let policy = Policy::built_in();
    let readme = fs::read_to_string(file("examples/README.md")).unwrap();
    let mut kinds = BTreeSet::new();
    for (name, gets_defaults, warnings) in EXAMPLES {
        let text = fs::read(file("examples").join(name)).unwrap();
        let object = read_yaml(&text, &Limits::VALUES).unwrap().root.to_json();
        kinds.insert(object["kind"].as_str().unwrap().to_owned());
        let request = envelope(&object, None);
        let (mutated, response) = review(&request, Endpoint::Mutate, &policy);
        let (judged, answer) = review(&patched(&request, &response), Endpoint::Validate, &policy);
        assert_eq!(
            mutated.decision == Decision::Patched,
            gets_defaults,
            "{name}"
        );
        assert_eq!(judged.decision, Decision::Allowed, "{name}");
        let told = mutated.remarks.len()
            + judged.remarks.len()
            + judged
                .findings()
                .filter(|found| found.action == distrogate::policy::Action::Warn)
                .count();
        assert_eq!(told, warnings, "{name}: {response} {answer}");
        assert!(readme.contains(&format!("[{name}]({name})")), "{name}");
    }
    let carriers: BTreeSet<_> = Carrier::kinds()
        .into_iter()
        .map(|(_, kind)| kind.to_owned())
        .collect();
    assert_eq!(kinds, carriers, "one for each kind");
    assert_eq!(
        fs::read_dir(file("examples")).unwrap().count(),
        EXAMPLES.len() + 1
    );
}
