use super::*;

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

fn action(policy: &Policy, id: &str) -> Action {
    policy.action(rule(id))
}

#[test]
fn the_built_in_policy_says_what_the_code_does_by_itself() {
    let policy = Policy::built_in();
    assert_eq!(policy.enforcement, Action::Deny);
    assert_eq!(policy.defaults.pin, [Pin::Images, Pin::Resources]);
    for rule in crate::rules::RULES {
        let said = policy.rules.get(rule.id).and_then(|said| said.action);
        assert_eq!(said, Some(rule.action), "{}", rule.id);
    }
    assert_eq!(policy.rules.len(), crate::rules::RULES.len());
}

#[test]
fn a_document_may_leave_everything_out() {
    let policy = parse(&with_spec("  enforcement: Warn\n")).unwrap();
    assert_eq!(action(&policy, "only-one-distro"), Action::Warn);
    assert_eq!(
        policy.defaults.pin,
        [Pin::Images, Pin::Resources],
        "as in the built-in policy"
    );
    let policy = parse(&with_spec(
        "  rules: {only-one-distro: {action: Disabled}}\n",
    ))
    .unwrap();
    assert_eq!(action(&policy, "only-one-distro"), Action::Disabled);
    assert_eq!(
        policy.capped(Action::Audit).action(rule("tag-form")),
        Action::Audit
    );
}

#[test]
fn on_is_read_although_yaml_1_1_takes_it_for_true() {
    let policy = parse(&with_spec("  defaults: {on: Always, apply: Always}\n")).unwrap();
    assert_eq!(
        (policy.defaults.on, policy.defaults.apply),
        (On::Always, Apply::Always)
    );
}

#[test]
fn defaults_are_read_leaf_by_leaf() {
    let policy = parse(&with_spec(
        "  defaults:\n    values:\n      controlPlane:\n        advanced: {defaultImageRegistry: r.example}\n        distro: {k8s: {resources: {limits: {memory: 512Mi}}}}\n    pinChartDefaults: []\n",
    ))
    .unwrap();
    let paths: Vec<_> = policy
        .defaults
        .values
        .iter()
        .map(|(path, _)| path.to_string())
        .collect();
    assert_eq!(
        paths,
        [
            "controlPlane.advanced.defaultImageRegistry",
            "controlPlane.distro.k8s.resources.limits.memory",
        ],
    );
    assert!(policy.defaults.pin.is_empty());
}

#[test]
fn mistakes_are_named_with_their_place() {
    for (text, error) in [
        ("", "the policy is empty"),
        ("a: [", "line 1, column 4: not YAML: unclosed bracket '['"),
        (
            "kind: DistroPolicy\n",
            "line 1, column 1: apiVersion is missing",
        ),
        (
            "apiVersion: distrogate.io/v2\nkind: DistroPolicy\n",
            "line 1, column 13: apiVersion: has to be distrogate.io/v1alpha1",
        ),
        (
            &with_spec("  enforcment: Warn\n"),
            "line 5, column 3: spec.enforcment: unknown key; did you mean enforcement?",
        ),
        (
            &with_spec("  enforcement: block\n"),
            "line 5, column 16: spec.enforcement: has to be one of Deny, Warn, Audit",
        ),
        (
            &with_spec("  rules:\n    tag-from: {action: Warn}\n"),
            "line 6, column 5: spec.rules.tag-from: unknown rule; did you mean tag-form?",
        ),
        (
            &with_spec("  rules:\n    tag-form: {action: deny}\n"),
            "line 6, column 24: spec.rules.tag-form.action: has to be one of Deny, Warn, Audit, Disabled",
        ),
        (
            &with_spec("  rules:\n    tag-form: {allow: []}\n"),
            "line 6, column 16: spec.rules.tag-form.allow: unknown key; there is only action",
        ),
        (
            &with_spec("  rules: {distro-change: {allow: [{from: k3s, to: k9s}]}}\n"),
            "line 5, column 51: spec.rules.distro-change.allow[0].to: has to be one of k3s, k0s, eks, k8s",
        ),
        (
            &with_spec("  rules: {distro-change: {allow: [{from: k3s}]}}\n"),
            "line 5, column 35: spec.rules.distro-change.allow[0]: to is missing",
        ),
        (
            &with_spec("  chart: {fallback: 0.36}\n"),
            "line 5, column 21: spec.chart.fallback: has to be a string; quote it: \"0.36\"",
        ),
        (
            &with_spec("  chart: {fallback: \"0.99\"}\n"),
            "line 5, column 21: spec.chart.fallback: has to be a vCluster chart from 0.20 to 0.36",
        ),
        (
            &with_spec("  enforcement: Deny\n  enforcement: Warn\n"),
            "line 6, column 3: spec.enforcement: set before, in line 5",
        ),
        (
            &with_spec(
                "  defaults:\n    values: {controlPlane: {distro: {k8s: {apiServer: {imag: {}}}}}}\n",
            ),
            "line 6, column 56: spec.defaults.values.controlPlane.distro.k8s.apiServer.imag: no vCluster chart has this field; did you mean image?",
        ),
        (
            &with_spec(
                "  defaults:\n    values: {controlPlane: {distro: {k8s: {version: 1.30}}}}\n",
            ),
            "line 6, column 53: spec.defaults.values.controlPlane.distro.k8s.version: has to be a string; quote it: \"1.30\"",
        ),
        (
            &with_spec("  defaults: {pinChartDefaults: [image]}\n"),
            "line 5, column 33: spec.defaults.pinChartDefaults[0]: has to be one of images, resources",
        ),
        (
            &with_spec("  defaults: {on: Sometimes}\n"),
            "line 5, column 18: spec.defaults.on: has to be one of Create, Always",
        ),
        (
            &with_spec("  defaults: {values: {sync: {}}}\n"),
            "line 5, column 23: spec.defaults.values.sync: defaults are known only for what is below controlPlane and privateNodes",
        ),
        (
            &with_spec("  chart: {paths: [\"charts/[a\"]}\n"),
            "line 5, column 19: spec.chart.paths[0]: not a pattern: unclosed character class; missing ']'",
        ),
        (
            &with_spec("  defaults: [1]\n"),
            "line 5, column 13: spec.defaults: has to be a map",
        ),
    ] {
        assert_eq!(parse(text).map(|_| ()), Err(error.to_owned()), "{text}");
    }
}

#[test]
fn mistakes_in_settings_of_rules_are_named_with_their_place() {
    for (text, error) in [
        (
            &with_spec("  rules: {store-change: {allow: [{from: k3s, to: k8s}]}}\n"),
            "line 5, column 41: spec.rules.store-change.allow[0].from: has to be one of embedded-etcd, external-etcd, deployed-etcd, embedded-database, external-database",
        ),
        (
            &with_spec("  rules: {command-override: {denied: [k8s]}}\n"),
            "line 5, column 39: spec.rules.command-override.denied[0]: has to be one of apiServer, controllerManager, scheduler, k3s, k0s",
        ),
        (
            &with_spec("  rules: {extra-args: {denied: [anonymous-auth]}}\n"),
            "line 5, column 33: spec.rules.extra-args.denied[0]: a flag begins with --, as --anonymous-auth",
        ),
        (
            &with_spec("  rules: {extra-args: {denied: [\"--[a\"]}}\n"),
            "line 5, column 33: spec.rules.extra-args.denied[0]: not a pattern: unclosed character class; missing ']'",
        ),
        (
            &with_spec("  rules: {extra-args: {required: {apiserver: []}}}\n"),
            "line 5, column 35: spec.rules.extra-args.required.apiserver: unknown key; did you mean apiServer?",
        ),
        (
            &with_spec("  rules: {extra-args: {required: [--v]}}\n"),
            "line 5, column 34: spec.rules.extra-args.required: has to be a map",
        ),
        (
            &with_spec("  rules: {security-context: {denied: [root]}}\n"),
            "line 5, column 39: spec.rules.security-context.denied[0]: has to be one of privileged, allowPrivilegeEscalation, runAsRoot, addedCapabilities, procMount, unconfined",
        ),
    ] {
        assert_eq!(parse(text).map(|_| ()), Err(error.to_owned()), "{text}");
    }
}

#[test]
fn mistakes_in_carriers_are_named_with_their_place() {
    for (text, error) in [
        (
            &with_spec("  customCarriers:\n  - {group: a.example, kinds: [], values: []}\n"),
            "line 6, column 31: spec.customCarriers[0].kinds: has to name at least one kind",
        ),
        (
            &with_spec(
                "  customCarriers:\n  - {group: a.example, kinds: [A], values: [{path: a..b}]}\n",
            ),
            "line 6, column 52: spec.customCarriers[0].values[0].path: has to be keys with dots between them, * for every item of a list, and \\. for a dot in a key",
        ),
        (
            &with_spec(
                "  customCarriers:\n  - {group: a.example, kinds: [A], values: [{path: \"a.*\"}]}\n",
            ),
            "line 6, column 52: spec.customCarriers[0].values[0].path: has to end with a key, the values are no list",
        ),
        (
            &with_spec(
                "  customCarriers:\n  - {group: a.example, kinds: [A], values: [{path: \"a.*.v\"}]}\n",
            ),
            "line 6, column 44: spec.customCarriers[0].values: there are several configs in one object, and release.name has to tell them apart: set it to a path below a.*",
        ),
        (
            &with_spec(
                "  customCarriers:\n  - {group: a.example, kinds: [A], values: [{path: \"a.*.v\"}], release: {name: b.*.name}}\n",
            ),
            "line 6, column 79: spec.customCarriers[0].release.name: its * has to be that of a path of values: begin it with a.*.",
        ),
        (
            &with_spec(
                "  customCarriers:\n  - {group: a.example, kinds: [A], values: [{path: a.v, encoding: json}]}\n",
            ),
            "line 6, column 67: spec.customCarriers[0].values[0].encoding: has to be one of yaml, templated-yaml, object, base64-yaml",
        ),
        (
            &with_spec(
                "  customCarriers:\n  - {group: a.example, kinds: [A], values: [{path: a.v}], chart: {names: [x]}}\n",
            ),
            "line 6, column 74: spec.customCarriers[0].chart.names: counts only beside name, the path of the chart's name",
        ),
    ] {
        assert_eq!(parse(text).map(|_| ()), Err(error.to_owned()), "{text}");
    }
}
