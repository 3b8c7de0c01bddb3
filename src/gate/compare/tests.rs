use super::*;
use crate::vcluster::testing::{config, elsewhere, layered, pod_config};

const K3S: &str = "controlPlane: {distro: {k3s: {enabled: true}}}";
const K8S: &str = "controlPlane: {distro: {k8s: {enabled: true}}}";

fn claim(object: &str, stage: Stage, sketch: Sketch) -> Claim {
    let release = Release {
        namespace: "team-a".to_owned(),
        name: "dev".to_owned(),
        ..Release::default()
    };
    Claim {
        object: object.to_owned(),
        release,
        stage,
        sketch,
    }
}

fn wanted(text: &str) -> Claim {
    claim(
        "HelmRelease team-a/dev",
        Stage::Wanted,
        config("0.30.4", text).sketch(),
    )
}

fn written(text: &str) -> Claim {
    let sketch = pod_config("0.30.4", text).sketch();
    claim("Secret team-a/vc-config-dev", Stage::Written, sketch)
}

fn running(text: &str) -> Claim {
    let sketch = pod_config("0.30.4", text).sketch();
    claim("StatefulSet team-a/dev", Stage::Running, sketch)
}

/// Each disagreement in a line.
fn told(claims: &[Claim]) -> Vec<String> {
    let Comparison { found, notes } = compare(claims);
    assert_eq!(notes, [""; 0]);
    let found = found.iter().map(|found| {
        let [one, other] = &found.between;
        let differences = found.differences.iter();
        let differences: Vec<_> = differences
            .map(|one| format!("{} {} / {}", one.aspect, one.one, one.other))
            .collect();
        let meaning = found.meaning.as_str();
        format!("{meaning}: {one}, {other}: {}", differences.join(", "))
    });
    found.collect()
}

#[test]
fn what_is_wanted_is_compared_with_the_secret_and_the_secret_with_what_runs() {
    assert_eq!(told(&[wanted(K8S), written(K8S), running(K8S)]), [""; 0]);
    assert_eq!(
        told(&[running(K3S), written(K3S), wanted(K8S)]),
        ["not-in-secret: HelmRelease team-a/dev, Secret team-a/vc-config-dev: distro k8s / k3s"]
    );
    assert_eq!(
        told(&[wanted(K8S), written(K8S), running(K3S)]),
        ["not-as-written: Secret team-a/vc-config-dev, StatefulSet team-a/dev: distro k8s / k3s"]
    );
}

#[test]
fn without_a_secret_that_tells_the_workload_is_compared() {
    let unreadable = claim(
        "Secret team-a/vc-config-dev",
        Stage::Written,
        layered("0.30.4", vec![elsewhere()]).sketch(),
    );
    let expected =
        ["not-running: HelmRelease team-a/dev, StatefulSet team-a/dev: distro k8s / k3s"];
    assert_eq!(told(&[wanted(K8S), running(K3S)]), expected);
    assert_eq!(told(&[wanted(K8S), unreadable, running(K3S)]), expected);
}

#[test]
fn two_carriers_of_one_release_are_told_and_an_object_is_itself() {
    let other = Claim {
        object: "Application argocd/dev".to_owned(),
        ..wanted(K3S)
    };
    assert_eq!(
        told(&[wanted(K8S), other]),
        ["two-owners: Application argocd/dev, HelmRelease team-a/dev: distro k3s / k8s"]
    );
    assert_eq!(
        told(&[wanted(K8S), wanted(K3S)]),
        [""; 0],
        "two dumps of it"
    );
}

#[test]
fn of_many_objects_not_all_is_told() {
    let one = |number: usize| {
        let text = if number.is_multiple_of(2) { K8S } else { K3S };
        Claim {
            object: format!("HelmRelease team-a/dev-{number:04}"),
            ..wanted(text)
        }
    };
    let claims: Vec<_> = (0..3_000).map(one).collect();
    let Comparison { found, notes } = compare(&claims);
    assert_eq!(found.len(), TOLD);
    assert_eq!(
        notes,
        [
            "virtual cluster team-a/dev: 1004 more disagreements are not told, and 2936 more of \
             its objects are not compared"
        ]
    );
    // the Secret is compared all the same
    let with_secret = [&claims[..=OBJECTS], &[written(K8S)]].concat();
    let secrets = disagreements(&with_secret.iter().collect::<Vec<_>>())
        .filter(|(_, _, meaning)| *meaning == Meaning::NotInSecret)
        .count();
    assert_eq!(secrets, OBJECTS / 2);
}

#[test]
fn releases_of_other_names_namespaces_and_clusters_are_others() {
    let change: [fn(&mut Release); 3] = [
        |release| release.name = "prod".to_owned(),
        |release| release.namespace = "team-b".to_owned(),
        |release| release.cluster = Some("server https://other".to_owned()),
    ];
    for change in change {
        let mut other = wanted(K3S);
        change(&mut other.release);
        assert_eq!(told(&[other, written(K8S)]), [""; 0]);
    }
}
