//! Every mistake of a document is named with its place.

use super::*;

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
    ] {
        assert_eq!(parse(text).map(|_| ()), Err(error.to_owned()), "{text}");
    }
}

#[test]
fn mistakes_in_defaults_and_matches_are_named_with_their_place() {
    for (text, error) in [
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
            &with_spec("  priority: high\n"),
            "line 5, column 13: spec.priority: has to be a whole number",
        ),
        (
            &with_spec(
                "  match: {namespaceSelector: {matchExpressions: [{key: a, operator: In}]}}\n",
            ),
            "line 5, column 69: spec.match.namespaceSelector.matchExpressions[0].operator: needs values",
        ),
        (
            &with_spec("  match: {carriers: [HelmRelaese]}\n"),
            "line 5, column 22: spec.match.carriers[0]: unknown kind of carrier; did you mean HelmRelease?",
        ),
        (
            &with_spec("  exemptions: [{rules: [tag-from], owner: a, reason: b}]\n"),
            "line 5, column 25: spec.exemptions[0].rules[0]: unknown rule; did you mean tag-form?",
        ),
        (
            &with_spec("  exemptions: [{rules: [tag-form], until: soon, owner: a, reason: b}]\n"),
            "line 5, column 43: spec.exemptions[0].until: has to be a day, as 2027-03-31",
        ),
        (
            &with_spec("  exemptions: [{rules: [tag-form], reason: b}]\n"),
            "line 5, column 16: spec.exemptions[0]: owner is missing",
        ),
        (
            &with_spec(
                "  match: {charts: \"0.36.1\"}\n  defaults: {values: {controlPlane: {distro: {k3s: {}}}}}\n",
            ),
            "line 6, column 47: spec.defaults.values.controlPlane.distro.k3s: no vCluster chart has this field; did you mean k8s?",
        ),
        (
            &with_spec("  defaults: {variants: [{values: {}}]}\n"),
            "line 5, column 25: spec.defaults.variants[0]: needs whenChart, whenDistro, on or apply; without them it belongs to values",
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

#[test]
fn mistakes_in_amounts_and_images_are_named_with_their_place() {
    for (text, error) in [
        (
            &with_spec("  rules: {version-allowed: {versions: [v1.33]}}\n"),
            "line 5, column 39: spec.rules.version-allowed.versions: has to be a string",
        ),
        (
            &with_spec("  rules: {version-allowed: {versions: newest}}\n"),
            "line 5, column 39: spec.rules.version-allowed.versions: has to be a range of Kubernetes versions, for example \">=1.31 <1.35\"",
        ),
        (
            &with_spec("  rules: {registry-allowed: {registries: []}}\n"),
            "line 5, column 42: spec.rules.registry-allowed.registries: has to name at least one pattern, or be left out",
        ),
        (
            &with_spec("  rules: {registry-allowed: {registries: [a.io/*, registry.example]}}\n"),
            "line 5, column 51: spec.rules.registry-allowed.registries[1]: has to be host and repository, with * for any text, for example registry.example/* or rancher/k3s",
        ),
        (
            &with_spec("  rules: {registry-allowed: {registries: [\"a.io/[b\"]}}\n"),
            "line 5, column 43: spec.rules.registry-allowed.registries[0]: not a pattern: unclosed character class; missing ']'",
        ),
        (
            &with_spec("  rules: {resources-bounds: {bounds: {limit: {}}}}\n"),
            "line 5, column 39: spec.rules.resources-bounds.bounds.limit: unknown key; did you mean limits?",
        ),
        (
            &with_spec("  rules: {resources-bounds: {bounds: {limits: {cpu: {}}}}}\n"),
            "line 5, column 53: spec.rules.resources-bounds.bounds.limits.cpu: has to have min, max or both",
        ),
        (
            &with_spec(
                "  rules: {resources-bounds: {bounds: {limits: {cpu: {min: 2, max: 500m}}}}}\n",
            ),
            "line 5, column 53: spec.rules.resources-bounds.bounds.limits.cpu: min 2 is above max 500m",
        ),
        (
            &with_spec("  rules: {resources-bounds: {bounds: {requests: {cpu: {min: 1 core}}}}}\n"),
            "line 5, column 61: spec.rules.resources-bounds.bounds.requests.cpu.min: has to be a quantity, for example 256Mi",
        ),
    ] {
        assert_eq!(parse(text).map(|_| ()), Err(error.to_owned()), "{text}");
    }
}
