//! `distrogate policy show`: what is in force, and who says so.

use std::fs;

use distrogate::policy::{Applicant, Date, InForce, Labels, Policy};
use distrogate::rules::RULES;
use distrogate::values::{Limits, read_yaml};
use distrogate::vcluster::{Catalogue, Chart, ChartSource, Distro};

use crate::support::{run, stderr, stdout};

const PLATFORM: &str = r#"
apiVersion: distrogate.io/v1alpha1
kind: DistroPolicy
metadata: {name: platform}
spec:
  chart: {fallback: "0.36", paths: ["charts/*"]}
  defaults:
    on: Always
    mode: Suggest
    values:
      controlPlane:
        advanced: {defaultImageRegistry: registry.corp.example/vcluster}
        distro: {k8s: {resources: {limits: {memory: 512Mi}}, apiServer: {extraArgs: ["--v=2", "a: b #"]}}}
    variants:
    - whenDistro: k3s
      values: {controlPlane: {advanced: {defaultImageRegistry: "k3s.example: #"}}}
    - whenChart: ">=0.33"
      apply: Always
      values: {controlPlane: {distro: {k8s: {env: [{name: A, value: "on"}]}}}}
    pinChartDefaults: [images]
  rules:
    distro-change: {action: Deny, allow: [{from: k3s, to: k8s, charts: ">=0.25"}]}
    tag-form: {}
  exemptions:
  - {rules: ["*"], namespaces: ["team-*", "!team-x"], until: 2027-03-31, owner: platform@corp.example, reason: "migration: ticket #4711, \"quoted\""}
  - {rules: [tag-form], namespaces: [other], owner: a, reason: b}
"#;

const TEAM: &str = r#"
apiVersion: distrogate.io/v1alpha1
kind: DistroPolicy
metadata: {name: team-a}
spec:
  priority: 5
  enforcement: Warn
  match: {namespaces: [team-a], targetNamespaces: ["vc-*"], users: [root], groups: [admins]}
  defaults:
    on: Create
    into: [Values, Workload]
    values: {controlPlane: {distro: {k8s: {resources: {limits: {memory: 1Gi, cpu: null}}}}}}
  rules: {wrong-type: {action: Audit}}
"#;

const PROD: &str = r"
apiVersion: distrogate.io/v1alpha1
kind: DistroPolicy
metadata: {name: prod}
spec:
  match: {namespaceSelector: {matchLabels: {tier: prod}}, carriers: [HelmRelease]}
  rules: {tag-form: {action: Disabled}}
";

/// All that can be told of what is in force, but not who says so.
fn told(in_force: &InForce) -> Vec<String> {
    let mut told = vec![
        format!("{:?}", in_force.enforcement),
        format!("{:?} {:?}", in_force.defaults.mode, in_force.defaults.pin),
    ];
    for rule in RULES {
        let settings = in_force.settings(rule.id);
        let allow = &settings.allow;
        told.push(format!("{} {:?} {allow:?}", rule.id, in_force.action(rule)));
        let exemption = in_force.exemption(rule.id).map(ToString::to_string);
        told.push(format!("{exemption:?}"));
    }
    for distro in Distro::ALL {
        // of several for one path the first counts whose distro is in force
        let mut values: Vec<(String, String)> = Vec::new();
        for wish in &in_force.defaults.values {
            let path = wish.path.to_string();
            let fits = wish.distro.is_none_or(|wanted| wanted == distro);
            if fits && values.iter().all(|(known, _)| *known != path) {
                let value = wish.node.to_json();
                values.push((path, format!("{value} {:?} {:?}", wish.on, wish.apply)));
            }
        }
        values.sort();
        told.push(format!("{distro}: {values:?}"));
    }
    told
}

#[test]
fn what_is_in_force_is_shown_as_a_policy_that_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("platform", PLATFORM), ("team-a", TEAM), ("prod", PROD)] {
        fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    let labels = folder.path().join("labels");
    fs::write(&labels, "team-b: {tier: prod}\n").unwrap();
    let show = |arguments: &[&str]| {
        let fixed = [
            "policy",
            "show",
            "--today",
            "2027-01-15",
            "--policy",
            folder.path().to_str().unwrap(),
            "--namespace-labels",
            labels.to_str().unwrap(),
        ];
        let output = run(&[&fixed, arguments].concat());
        assert_eq!(stderr(&output), "", "{arguments:?}");
        stdout(&output)
    };
    let documents = [PLATFORM, TEAM, PROD]
        .map(|text| distrogate::policy::Document::parse(text, Catalogue::embedded()).unwrap());
    let all = Policy::of(documents.into(), Catalogue::embedded()).unwrap();
    let prod = Labels::from([("tier".to_owned(), "prod".to_owned())]);
    for (namespace, target, carrier, chart, user, group) in [
        ("team-a", "vc-a", "HelmRelease", "0.36.1", "root", "admins"),
        ("team-a", "vc-a", "Secret", "0.30.4", "root", "admins"),
        ("team-b", "", "HelmRelease", "0.32.x", "", ""),
        ("team-x", "", "", "", "", ""),
        ("other", "other", "HelmRelease", "0.36.1", "a", "b"),
    ] {
        let mut arguments = vec!["--namespace", namespace, "--user", user, "--group", group];
        for (flag, value) in [
            ("--target-namespace", target),
            ("--carrier", carrier),
            ("--chart", chart),
        ] {
            if !value.is_empty() {
                arguments.extend([flag, value]);
            }
        }
        let shown = show(&arguments);
        let again = Policy::parse(&shown, Catalogue::embedded());
        let again = again.unwrap_or_else(|error| panic!("{error}:\n{shown}"));
        let source = match chart {
            "" => ChartSource::default(),
            chart => ChartSource::version(chart),
        };
        let groups = [group.into()];
        let chart = Chart::resolve(&source, Catalogue::embedded());
        let applicant = Applicant {
            namespace,
            target_namespace: if target.is_empty() { namespace } else { target },
            labels: (namespace == "team-b").then_some(&prod),
            carrier,
            chart: Some(&chart),
            user,
            groups: &groups,
            today: Date::parse("2027-01-15"),
        };
        let wanted = all.in_force(&applicant);
        assert_eq!(
            told(&again.in_force(&applicant)),
            told(&wanted),
            "{arguments:?}\n{shown}"
        );
        let fallback = |policy: &Policy| {
            policy
                .fallback_said(&applicant)
                .map(|(version, _)| version.clone())
        };
        assert_eq!(fallback(&again), fallback(&all));
    }
}

#[test]
fn everything_names_who_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("platform", PLATFORM), ("team-a", TEAM), ("prod", PROD)] {
        fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    let output = run(&[
        "policy",
        "show",
        "--policy",
        folder.path().to_str().unwrap(),
        "--today",
        "2027-01-15",
        "--namespace",
        "team-a",
        "--target-namespace",
        "vc-a",
        "--carrier",
        "HelmRelease",
        "--chart",
        "0.36.1",
        "--user",
        "root",
        "--group",
        "admins",
    ]);
    assert_eq!(stderr(&output), "");
    let shown = stdout(&output);
    let (head, rules) = shown.split_once("  rules:\n").unwrap();
    assert_eq!(
        head,
        r#"# In force here, the first counts first: team-a, platform, built-in
# Cannot be told to count, and do not, as the labels of the namespace are not known: prod
apiVersion: distrogate.io/v1alpha1
kind: DistroPolicy
metadata: {name: in-force}
spec:
  enforcement: Warn # team-a
  chart:
    fallback: "0.36.1" # platform
    paths: ["charts/*"] # of all documents
  defaults:
    on: Always
    apply: Missing
    mode: Suggest # platform
    into: [Values, Workload] # team-a
    values:
      controlPlane:
        advanced:
          defaultImageRegistry: registry.corp.example/vcluster # platform
        distro:
          k8s:
            apiServer:
              extraArgs: ["--v=2", "a: b #"] # platform
    variants:
    - whenDistro: k3s
      on: Always
      apply: Missing
      values:
        controlPlane:
          advanced:
            defaultImageRegistry: "k3s.example: #" # platform
    - on: Create
      apply: Missing
      values:
        controlPlane:
          distro:
            k8s:
              resources:
                limits:
                  memory: 1Gi # team-a
                  cpu: null # team-a
    - on: Always
      apply: Always
      values:
        controlPlane:
          distro:
            k8s:
              env: [{name: A, value: "on"}] # platform
    pinChartDefaults: [images] # platform
"#
    );
    for line in [
        "    only-one-distro: {action: Deny} # built-in; Warn by enforcement\n",
        "    distro-change: {action: Deny, allow: [{charts: \">=0.25\", from: k3s, to: k8s}]} # platform; Warn by enforcement\n",
        "    tag-form: {action: Deny} # platform; Warn by enforcement\n",
        "    wrong-type: {action: Audit} # team-a\n",
        "    opaque-values: {action: Warn} # built-in\n",
        "  exemptions:\n  - {rules: [\"*\"], namespaces: [\"team-*\", \"!team-x\"], until: \"2027-03-31\", owner: platform@corp.example, reason: \"migration: ticket #4711, \\\"quoted\\\"\"} # platform\n",
    ] {
        assert!(rules.contains(line), "{line}{rules}");
    }
    read_yaml(shown.as_bytes(), &Limits::VALUES).unwrap();
    let ended = run(&[
        "policy",
        "show",
        "--policy",
        folder.path().to_str().unwrap(),
        "--today",
        "2027-04-01",
        "--namespace",
        "team-a",
    ]);
    assert!(!stdout(&ended).contains("exemptions"), "{}", stdout(&ended));
    assert!(stdout(&ended).starts_with("# In force here, the first counts first: platform, built-in\n# Not about this: team-a, prod\n"));
}

#[test]
fn a_kind_that_is_no_carrier_is_named() {
    let output = run(&["policy", "show", "--carrier", "Deploymint"]);
    assert_eq!(output.status.code(), Some(3));
    let told = stderr(&output);
    assert!(
        told.starts_with("error: --carrier Deploymint: has to be one of Application, "),
        "{told}"
    );
}
