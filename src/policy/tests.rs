mod mistakes;

use super::*;
use crate::rules::Rule;
use crate::vcluster::Distro;

fn parse(text: &str) -> Result<Policy, String> {
    Policy::parse(text, Catalogue::embedded()).map_err(|error| error.to_string())
}

fn with_spec(spec: &str) -> String {
    format!(
        "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {{name: p}}\nspec:\n{spec}"
    )
}

fn rule(id: &str) -> &'static Rule {
    crate::rules::RULES
        .into_iter()
        .find(|rule| rule.id == id)
        .unwrap()
}

fn in_force(policy: &Policy) -> InForce {
    policy.in_force(&Applicant::default())
}

fn action(policy: &Policy, id: &str) -> Action {
    in_force(policy).action(rule(id))
}

#[test]
fn the_built_in_policy_says_what_the_code_does_by_itself() {
    let policy = in_force(&Policy::built_in());
    assert_eq!(policy.enforcement, Action::Deny);
    assert_eq!(
        policy.defaults.pin,
        [(Pin::Images, On::Create), (Pin::Resources, On::Create)]
    );
    for rule in crate::rules::RULES {
        let said = policy.settings(rule.id).action;
        assert_eq!(said, Some(rule.action), "{}", rule.id);
    }
}

#[test]
fn a_document_may_leave_everything_out() {
    let policy = parse(&with_spec("  enforcement: Warn\n")).unwrap();
    assert_eq!(action(&policy, "only-one-distro"), Action::Warn);
    assert_eq!(
        in_force(&policy).defaults.pin.len(),
        2,
        "as in the built-in policy"
    );
    let policy = parse(&with_spec(
        "  rules: {only-one-distro: {action: Disabled}}\n",
    ))
    .unwrap();
    assert_eq!(action(&policy, "only-one-distro"), Action::Disabled);
    assert_eq!(
        action(&policy.capped(Action::Audit), "tag-form"),
        Action::Audit
    );
}

#[test]
fn on_is_read_although_yaml_1_1_takes_it_for_true() {
    let policy = parse(&with_spec("  defaults: {on: Always, apply: Always}\n")).unwrap();
    assert_eq!(
        in_force(&policy).defaults.pin,
        [(Pin::Images, On::Always), (Pin::Resources, On::Always)],
        "the built-in document does not say when",
    );
}

#[test]
fn defaults_are_read_leaf_by_leaf() {
    let policy = parse(&with_spec(
        "  defaults:\n    values:\n      controlPlane:\n        advanced: {defaultImageRegistry: r.example}\n        distro: {k8s: {resources: {limits: {memory: 512Mi}}}}\n    pinChartDefaults: []\n",
    ))
    .unwrap();
    let defaults = in_force(&policy).defaults;
    let paths: Vec<_> = defaults
        .values
        .iter()
        .map(|wish| wish.path.to_string())
        .collect();
    assert_eq!(
        paths,
        [
            "controlPlane.advanced.defaultImageRegistry",
            "controlPlane.distro.k8s.resources.limits.memory",
        ],
    );
    assert!(defaults.pin.is_empty());
}

/// Policies of these documents: name, priority and the rest of the spec.
fn policies(documents: &[(&str, i64, &str)]) -> Policy {
    let documents = documents.iter().map(|(name, priority, spec)| {
        let text = format!(
            "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {{name: {name}}}\nspec:\n  priority: {priority}\n{spec}"
        );
        Document::parse(&text, Catalogue::embedded()).unwrap()
    });
    Policy::of(documents.collect(), Catalogue::embedded()).unwrap()
}

#[test]
fn of_two_documents_the_higher_priority_counts_then_the_name() {
    let policy = policies(&[
        (
            "b",
            0,
            "  rules: {tag-form: {action: Warn}, wrong-type: {action: Warn}}\n",
        ),
        ("a", 0, "  rules: {tag-form: {action: Audit}}\n"),
        (
            "c",
            5,
            "  match: {namespaces: [team-*]}\n  rules: {tag-form: {action: Disabled}}\n",
        ),
    ]);
    let of = |namespace| {
        let in_force = policy.in_force(&Applicant {
            namespace,
            ..Applicant::default()
        });
        let said = |id| {
            (
                in_force.action(rule(id)),
                in_force.said_by(id).unwrap().to_owned(),
            )
        };
        (said("tag-form"), said("wrong-type"), said("registry-form"))
    };
    assert_eq!(
        of("team-a"),
        (
            (Action::Disabled, "c".into()),
            (Action::Warn, "b".into()),
            (Action::Deny, "built-in".into())
        ),
    );
    assert_eq!(of("other").0, (Action::Audit, "a".into()));
    let same = "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {name: x}\n";
    let twice = || Document::parse(same, Catalogue::embedded()).unwrap();
    let error = Policy::of(vec![twice(), twice()], Catalogue::embedded()).unwrap_err();
    assert_eq!(error, SetError::SameName("x".into()));
}

#[test]
fn a_document_is_about_what_it_says() {
    let labels = Labels::from([("tier".to_owned(), "prod".to_owned())]);
    let groups = ["team-a:admins".into()];
    let chart = crate::vcluster::Chart::resolve(
        &crate::vcluster::ChartSource::version("0.30.4"),
        Catalogue::embedded(),
    );
    let applicant = Applicant {
        namespace: "team-a",
        target_namespace: "vc-team-a",
        labels: Some(&labels),
        carrier: "HelmRelease",
        chart: Some(&chart),
        user: "system:serviceaccount:flux-system:kustomize-controller",
        groups: &groups,
        today: None,
    };
    for (matching, counts) in [
        ("{}", true),
        ("{namespaces: [team-*]}", true),
        ("{namespaces: [team-*, \"!team-a\"]}", false),
        ("{namespaces: [\"!team-b\"]}", true),
        ("{namespaces: [other]}", false),
        ("{targetNamespaces: [vc-*]}", true),
        ("{targetNamespaces: [team-a]}", false),
        ("{namespaceSelector: {matchLabels: {tier: prod}}}", true),
        ("{namespaceSelector: {matchLabels: {tier: dev}}}", false),
        (
            "{namespaceSelector: {matchExpressions: [{key: tier, operator: In, values: [prod, dev]}, {key: x, operator: DoesNotExist}]}}",
            true,
        ),
        (
            "{namespaceSelector: {matchExpressions: [{key: tier, operator: NotIn, values: [prod]}]}}",
            false,
        ),
        (
            "{namespaceSelector: {matchExpressions: [{key: x, operator: NotIn, values: [prod]}]}}",
            true,
        ),
        (
            "{namespaceSelector: {matchExpressions: [{key: x, operator: Exists}]}}",
            false,
        ),
        ("{carriers: [Secret, HelmRelease]}", true),
        ("{carriers: [Secret]}", false),
        ("{charts: \">=0.30\"}", true),
        ("{charts: \"<0.30\"}", false),
        ("{users: [\"system:serviceaccount:flux-system:*\"]}", true),
        ("{users: [root]}", false),
        ("{groups: [\"*:admins\"]}", true),
        ("{groups: [\"system:masters\"]}", false),
        ("{namespaces: [team-a], carriers: [Secret]}", false),
    ] {
        let spec = format!("  match: {matching}\n  rules: {{tag-form: {{action: Warn}}}}\n");
        let policy = policies(&[("a", 0, &spec)]);
        let said_by = policy.in_force(&applicant).said_by("tag-form") == Some("a");
        assert_eq!(said_by, counts, "{matching}");
    }
    let unknown = Applicant {
        labels: None,
        ..applicant
    };
    let policy = policies(&[(
        "a",
        0,
        "  match: {namespaceSelector: {matchLabels: {tier: prod}}}\n",
    )]);
    assert_eq!(policy.in_force(&unknown).unsure, ["a"]);
}

#[test]
fn variants_count_where_chart_and_distro_fit() {
    let policy = policies(&[(
        "a",
        0,
        "  defaults:\n    values: {controlPlane: {advanced: {defaultImageRegistry: all}}}\n    variants:\n    - {whenChart: \">=0.33\", values: {controlPlane: {advanced: {defaultImageRegistry: late}}}}\n    - {whenDistro: k3s, values: {controlPlane: {advanced: {defaultImageRegistry: k3s}}}}\n",
    )]);
    let values = |version| {
        let chart = crate::vcluster::Chart::resolve(
            &crate::vcluster::ChartSource::version(version),
            Catalogue::embedded(),
        );
        let in_force = policy.in_force(&Applicant {
            chart: Some(&chart),
            ..Applicant::default()
        });
        let values = in_force.defaults.values.iter();
        let values = values.map(|wish| (wish.distro, wish.node.as_str().unwrap().to_owned()));
        values.collect::<Vec<_>>()
    };
    let k3s = Some(Distro::K3s);
    assert_eq!(
        values("0.36.1"),
        [
            (None, "late".into()),
            (k3s, "k3s".into()),
            (None, "all".into())
        ]
    );
    assert_eq!(
        values("0.30.4"),
        [(k3s, "k3s".into()), (None, "all".into())]
    );
}

#[test]
fn what_could_mean_all_or_nothing_is_a_mistake() {
    for (text, error) in [
        (
            &with_spec("  exemptions: [{rules: [], owner: a, reason: b}]\n"),
            "line 5, column 24: spec.exemptions[0].rules: has to name at least one rule, or \"*\" for all",
        ),
        (
            &with_spec("  exemptions: [{rules: [tag-form], owner: \" \", reason: b}]\n"),
            "line 5, column 43: spec.exemptions[0].owner: has to say something",
        ),
        (
            &with_spec(
                "  exemptions: [{rules: [tag-form], namespaces: [], owner: a, reason: b}]\n",
            ),
            "line 5, column 48: spec.exemptions[0].namespaces: has to name at least one; leave it out for all",
        ),
        (
            &with_spec("  match: {namespaces: []}\n"),
            "line 5, column 23: spec.match.namespaces: has to name at least one; leave it out for all",
        ),
        (
            &with_spec("").replace("name: p", "name: p, labels: {a: 1}"),
            "line 3, column 33: metadata.labels.a: has to be a string; quote it: \"1\"",
        ),
        (
            &with_spec("  match: {users: []}\n"),
            "line 5, column 18: spec.match.users: has to name at least one; leave it out for all",
        ),
        (
            &with_spec("").replace("name: p", "name: \"a\\nb\""),
            "line 3, column 18: metadata.name: has to be a name as Kubernetes' objects have: lower-case letters, digits, - and .",
        ),
    ] {
        assert_eq!(parse(text).map(|_| ()), Err(error.to_owned()), "{text}");
    }
}
