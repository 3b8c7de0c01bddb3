//! `distrogate explain config`: whole outputs.

use std::fs;
use std::process::Output;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{release, run, run_on, secret, stderr, stdout};

/// What is said of a text on standard input.
fn explained(text: &str, arguments: &[&str]) -> Output {
    run_on(text, &[&["explain", "config", "-"], arguments].concat())
}

/// The same, where it is explained.
fn told(text: &str, arguments: &[&str]) -> String {
    let output = explained(text, arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    stdout(&output)
}

/// The lines that begin with one of these labels.
fn lines(text: &str, labels: &[&str]) -> String {
    let wanted = |line: &&str| {
        labels
            .iter()
            .any(|label| line.trim_start().starts_with(label))
    };
    text.lines().filter(wanted).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_helm_release_without_values_runs_the_charts_defaults() {
    let object = release("0.30.4", &json!({}));
    assert_snapshot!(told(&object.to_string(), &[]), @"
    HelmRelease team-a/dev (vCluster chart 0.30.4)
      chart                      0.30.4              known exactly
      distro                     k8s                 vCluster's default: none is enabled
      kubernetes                 v1.34.0             chart default
      scheduler                  off                 chart default
      store                      embedded-database   vCluster's default: none is enabled
      resources limits.cpu       100m                chart default
      resources limits.memory    256Mi               chart default
      resources requests.cpu     40m                 chart default
      resources requests.memory  64Mi                chart default
      image k8s                  ghcr.io/loft-sh/kubernetes:v1.34.0
        registry                 ghcr.io             chart default
        repository               loft-sh/kubernetes  chart default
        tag                      v1.34.0             chart default
    ");
}

#[test]
fn a_version_overrules_a_tag_and_a_registry_for_all_overrules_others() {
    let object = release(
        "0.30.4",
        &json!({"controlPlane": {
            "advanced": {"defaultImageRegistry": "registry.corp.example/vcluster"},
            "distro": {"k8s": {
                "enabled": true,
                "version": "v1.33.4",
                "image": {"registry": "mirror.example", "tag": "v1.30.1"},
                "scheduler": {"enabled": true},
                "resources": {"limits": {"cpu": null, "memory": "1Gi"}},
            }},
            "backingStore": {"etcd": {"embedded": {"enabled": true}}},
        }}),
    );
    assert_snapshot!(told(&object.to_string(), &[]), @"
    HelmRelease team-a/dev (vCluster chart 0.30.4)
      chart                      0.30.4                          known exactly
      distro                     k8s                             spec.values.controlPlane.distro.k8s.enabled
      kubernetes                 v1.33.4                         spec.values.controlPlane.distro.k8s.version; overrules image.tag v1.30.1 at spec.values.controlPlane.distro.k8s.image.tag
      scheduler                  on                              spec.values.controlPlane.distro.k8s.scheduler.enabled
      store                      embedded-etcd                   spec.values.controlPlane.backingStore.etcd.embedded.enabled
      resources limits.cpu       none                            spec.values.controlPlane.distro.k8s.resources.limits.cpu
      resources limits.memory    1Gi                             spec.values.controlPlane.distro.k8s.resources.limits.memory
      resources requests.cpu     40m                             chart default
      resources requests.memory  64Mi                            chart default
      image k8s                  registry.corp.example/vcluster/loft-sh/kubernetes:v1.33.4
        registry                 registry.corp.example/vcluster  spec.values.controlPlane.advanced.defaultImageRegistry; overrules image.registry mirror.example at spec.values.controlPlane.distro.k8s.image.registry
        repository               loft-sh/kubernetes              chart default
        tag                      v1.33.4                         spec.values.controlPlane.distro.k8s.version; overrules image.tag v1.30.1 at spec.values.controlPlane.distro.k8s.image.tag
      1 finding
        warn: spec.values.controlPlane.distro.k8s.image.tag: the tag v1.30.1 does not count, version v1.33.4 does: from chart 0.25 on version always wins [version-conflict]
    ");
}

#[test]
fn a_parameter_of_an_application_beats_its_values() {
    let text = "\
apiVersion: v1
kind: Namespace
metadata: {name: team-a}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: dev, namespace: argocd}
spec:
  destination: {server: https://kubernetes.default.svc, namespace: team-a}
  source:
    chart: vcluster
    targetRevision: 0.30.4
    helm:
      valuesObject:
        controlPlane:
          distro: {k8s: {enabled: true, image: {tag: v1.33.4}}}
      parameters:
      - {name: sync.toHost.pods.enabled, value: 'true'}
      - {name: controlPlane.statefulSet.highAvailability.replicas, value: '1'}
      - {name: controlPlane.distro.k8s.version, value: v1.34.0}
";
    assert_snapshot!(told(text, &[]), @"
    Application argocd/dev (vCluster chart 0.30.4)
      chart                      0.30.4              known exactly
      distro                     k8s                 spec.source.helm.valuesObject.controlPlane.distro.k8s.enabled
      kubernetes                 v1.34.0             spec.source.helm.parameters[2] (controlPlane.distro.k8s.version); overrules image.tag v1.33.4 at spec.source.helm.valuesObject.controlPlane.distro.k8s.image.tag
      scheduler                  off                 chart default
      store                      embedded-database   vCluster's default: none is enabled
      resources limits.cpu       100m                chart default
      resources limits.memory    256Mi               chart default
      resources requests.cpu     40m                 chart default
      resources requests.memory  64Mi                chart default
      image k8s                  ghcr.io/loft-sh/kubernetes:v1.34.0
        registry                 ghcr.io             chart default
        repository               loft-sh/kubernetes  chart default
        tag                      v1.34.0             spec.source.helm.parameters[2] (controlPlane.distro.k8s.version); overrules image.tag v1.33.4 at spec.source.helm.valuesObject.controlPlane.distro.k8s.image.tag
      1 finding
        warn: spec.source.helm.valuesObject.controlPlane.distro.k8s.image.tag: the tag v1.33.4 does not count, version v1.34.0 does: from chart 0.25 on version always wins [version-conflict]
    ");
}

#[test]
fn what_value_files_may_set_is_unknown_and_what_stands_over_them_is_known() {
    let text = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: dev, namespace: argocd}
spec:
  destination: {server: https://kubernetes.default.svc, namespace: team-a}
  source:
    chart: vcluster
    targetRevision: 0.30.4
    helm:
      valueFiles: [values.yaml]
      values: |
        controlPlane:
          distro:
            k8s:
              enabled: true
              version: v1.33.4
";
    assert_snapshot!(told(text, &[]), @"
    Application argocd/dev (vCluster chart 0.30.4)
      chart         0.30.4   known exactly
      distro        k8s      line 4 of spec.source.helm.values
      kubernetes    v1.33.4  line 5 of spec.source.helm.values (controlPlane.distro.k8s.version)
      scheduler     unknown, because values kept elsewhere at spec.source.helm.valueFiles may set it
      store         unknown, because values kept elsewhere at spec.source.helm.valueFiles may set it
      resources     unknown, because values kept elsewhere at spec.source.helm.valueFiles may set it
      image k8s     (unknown)/(unknown):v1.33.4(unknown)
        registry    unknown, because values kept elsewhere at spec.source.helm.valueFiles may set it
        repository  unknown, because values kept elsewhere at spec.source.helm.valueFiles may set it
        tag         v1.33.4  line 5 of spec.source.helm.values (controlPlane.distro.k8s.version)
        suffix      unknown, because values kept elsewhere at spec.source.helm.valueFiles may set it
      1 finding
        warn: spec.source.helm.valueFiles: these values are kept elsewhere and judged only once Helm has rendered them into the Secret; the distro is known [opaque-values]
    ");
}

#[test]
fn what_counts_beside_the_values_is_told() {
    let source = |version: &str| {
        json!({
            "chart": "vcluster",
            "targetRevision": version,
            "helm": {"kubeVersion": "1.31.2", "values": "controlPlane: {}\n"},
        })
    };
    let application = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "dev", "namespace": "argocd"},
        "spec": {"destination": {"namespace": "team-a"}, "source": source("0.24.0")},
        "operation": {"sync": {"source": source("0.23.0")}},
    });
    let mut release = release("0.30.4", &json!({}));
    release["spec"]["postRenderers"] = json!([{"kustomize": {"images": []}}]);
    let chart = json!({
        "apiVersion": "helm.cattle.io/v1",
        "kind": "HelmChart",
        "metadata": {"name": "dev", "namespace": "kube-system"},
        "spec": {"chart": "vcluster", "version": "0.30.4", "valuesContent": "controlPlane: {}\n"},
    });
    let documents = [application, release, chart].map(|object| object.to_string());
    let shown = [
        "Application",
        "HelmRelease",
        "HelmChart",
        "kubernetes",
        "this",
        "spec",
        "another",
    ];
    assert_snapshot!(lines(&told(&documents.join("\n"), &[]), &shown), @"
    Application argocd/dev (vCluster chart 0.24.0)
      kubernetes                 v1.31.2                                 the host's version, as the object tells it
    Application argocd/dev (vCluster chart 0.23.0)
      kubernetes                 v1.31.2                                 the host's version, as the object tells it
      this counts for one sync only
    HelmRelease team-a/dev (vCluster chart 0.30.4)
      kubernetes                 v1.34.0             chart default
      spec.postRenderers changes what Helm rendered, and is not seen through
    HelmChart kube-system/dev (vCluster chart 0.30.4)
      kubernetes                 v1.34.0             chart default
      another object may bring more values over these, and is not seen
    ");
}

#[test]
fn what_a_template_decides_is_unknown() {
    let text = "\
apiVersion: storage.loft.sh/v1
kind: VirtualClusterTemplate
metadata: {name: development}
spec:
  template:
    helmRelease:
      chart: {version: 0.35.0}
      values: |
        controlPlane:
          distro:
            k8s:
              enabled: true
              version: {{ .Values.k8sVersion }}
  versions:
  - version: 1.0.0
    template:
      helmRelease:
        chart: {version: 0.28.x}
        values: |
          controlPlane: {distro: {k3s: {enabled: true}}}
";
    assert_snapshot!(told(text, &[]), @"
    VirtualClusterTemplate development (vCluster chart 0.35.0)
      chart                      0.35.0              known exactly
      distro                     k8s                 line 4 of spec.template.helmRelease.values
      kubernetes                 unknown, because a template in spec.template.helmRelease.values decides
      scheduler                  off                 chart default
      store                      embedded-database   vCluster's default: none is enabled
      resources limits.cpu       100m                chart default
      resources limits.memory    256Mi               chart default
      resources requests.cpu     40m                 chart default
      resources requests.memory  64Mi                chart default
      image k8s                  ghcr.io/loft-sh/kubernetes:(unknown)
        registry                 ghcr.io             chart default
        repository               loft-sh/kubernetes  chart default
        tag                      unknown, because a template in spec.template.helmRelease.values decides
      1 finding
        warn: controlPlane.distro.k8s.version (in spec.template.helmRelease.values): a template decides about this, it is judged once it is rendered [opaque-values]

    VirtualClusterTemplate development, version 1.0.0 (vCluster chart 0.28.x)
      chart                      0.28.x             a range of charts with the same fields
      distro                     k3s                line 1 of spec.versions[0].template.helmRelease.values
      kubernetes                 v1.33.3            chart default
      scheduler                  off                chart default
      store                      embedded-database  vCluster's default: none is enabled
      resources limits.cpu       100m               chart default
      resources limits.memory    256Mi              chart default
      resources requests.cpu     40m                chart default
      resources requests.memory  64Mi               chart default
      image k3s                  rancher/k3s:v1.33.3-k3s1
        registry                 (Docker Hub)       chart default
        repository               rancher/k3s        chart default
        tag                      v1.33.3-k3s1       chart default
      1 finding
        warn: controlPlane.distro.k3s.enabled (line 1 of spec.versions[0].template.helmRelease.values): k3s is deprecated, vCluster charts have it up to 0.32 [deprecated-distro]
    ");
}

#[test]
fn the_merged_secret_says_it_all_in_its_own_lines() {
    let config = "\
controlPlane:
  distro:
    k8s:
      enabled: true
      image:
        registry: ghcr.io
        repository: loft-sh/kubernetes
        tag: v1.36.0
  backingStore:
    etcd:
      deploy:
        enabled: true
exportKubeConfig:
  context: hunter2
";
    let object = secret("0.36.1", config.as_bytes()).to_string();
    assert_snapshot!(told(&object, &[]), @"
    Secret team-a/vc-config-dev (vCluster chart 0.36.1)
      chart         0.36.1              known exactly
      distro        k8s                 line 4 of data[config.yaml]
      kubernetes    v1.36.0             line 8 of data[config.yaml] (controlPlane.distro.k8s.image.tag)
      scheduler     off                 not set
      store         deployed-etcd       line 12 of data[config.yaml]
      resources     none                not set
      image k8s     ghcr.io/loft-sh/kubernetes:v1.36.0
        registry    ghcr.io             line 6 of data[config.yaml]
        repository  loft-sh/kubernetes  line 7 of data[config.yaml]
        tag         v1.36.0             line 8 of data[config.yaml]
    ");
    // as people write it, the same
    let mut by_hand: Value = serde_json::from_str(&object).unwrap();
    by_hand["data"] = Value::Null;
    by_hand["stringData"] = json!({ "config.yaml": config });
    assert_eq!(told(&by_hand.to_string(), &[]), told(&object, &[]));
}

const VALUES: &str = "\
controlPlane:
  distro:
    k8s:
      enabled: true
";

#[test]
fn values_by_themselves_are_explained_for_a_chart_of_each_era() {
    assert_snapshot!(told(VALUES, &["--chart", "0.22.0"]), @"
    standard input (vCluster chart 0.22.0)
      chart                      0.22.0                                    known exactly
      distro                     k8s                                       line 4 of values
      kubernetes                 unknown, because the chart takes the host's Kubernetes version, and that is not known (--host-version)
      scheduler                  off                                       chart default
      store                      embedded-database                         vCluster's default: none is enabled
      resources limits.cpu       100m                                      chart default
      resources limits.memory    256Mi                                     chart default
      resources requests.cpu     40m                                       chart default
      resources requests.memory  64Mi                                      chart default
      image apiServer            registry.k8s.io/kube-apiserver:(unknown)
        registry                 registry.k8s.io                           chart default
        repository               kube-apiserver                            chart default
        tag                      unknown, because the chart takes the host's Kubernetes version, and that is not known (--host-version)
      image controllerManager    registry.k8s.io/kube-controller-manager:(unknown)
        registry                 registry.k8s.io                           chart default
        repository               kube-controller-manager                   chart default
        tag                      unknown, because the chart takes the host's Kubernetes version, and that is not known (--host-version)
      image scheduler            registry.k8s.io/kube-scheduler:(unknown)  not rendered, controlPlane.advanced.virtualScheduler.enabled is off: chart default
        registry                 registry.k8s.io                           chart default
        repository               kube-scheduler                            chart default
        tag                      unknown, because the chart takes the host's Kubernetes version, and that is not known (--host-version)
    ");
    let on_host = told(VALUES, &["--chart", "0.22.0", "--host-version", "1.31.7"]);
    assert_snapshot!(on_host, @"
    standard input (vCluster chart 0.22.0)
      chart                      0.22.0                                  known exactly
      distro                     k8s                                     line 4 of values
      kubernetes                 v1.31.7                                 the host's version (--host-version)
      scheduler                  off                                     chart default
      store                      embedded-database                       vCluster's default: none is enabled
      resources limits.cpu       100m                                    chart default
      resources limits.memory    256Mi                                   chart default
      resources requests.cpu     40m                                     chart default
      resources requests.memory  64Mi                                    chart default
      image apiServer            registry.k8s.io/kube-apiserver:v1.31.7
        registry                 registry.k8s.io                         chart default
        repository               kube-apiserver                          chart default
        tag                      v1.31.7                                 the host's version (--host-version)
      image controllerManager    registry.k8s.io/kube-controller-manager:v1.31.7
        registry                 registry.k8s.io                         chart default
        repository               kube-controller-manager                 chart default
        tag                      v1.31.7                                 the host's version (--host-version)
      image scheduler            registry.k8s.io/kube-scheduler:v1.31.7  not rendered, controlPlane.advanced.virtualScheduler.enabled is off: chart default
        registry                 registry.k8s.io                         chart default
        repository               kube-scheduler                          chart default
        tag                      v1.31.7                                 the host's version (--host-version)
    ");
    assert_snapshot!(told(VALUES, &["--chart", "0.25.2"]), @"
    standard input (vCluster chart 0.25.2)
      chart                      0.25.2              known exactly
      distro                     k8s                 line 4 of values
      kubernetes                 v1.32.8             chart default
      scheduler                  off                 chart default
      store                      embedded-database   vCluster's default: none is enabled
      resources limits.cpu       100m                chart default
      resources limits.memory    256Mi               chart default
      resources requests.cpu     40m                 chart default
      resources requests.memory  64Mi                chart default
      image k8s                  ghcr.io/loft-sh/kubernetes:v1.32.8
        registry                 ghcr.io             chart default
        repository               loft-sh/kubernetes  chart default
        tag                      v1.32.8             chart default
    ");
    assert_snapshot!(told(VALUES, &["--chart", "0.30.4"]), @"
    standard input (vCluster chart 0.30.4)
      chart                      0.30.4              known exactly
      distro                     k8s                 line 4 of values
      kubernetes                 v1.34.0             chart default
      scheduler                  off                 chart default
      store                      embedded-database   vCluster's default: none is enabled
      resources limits.cpu       100m                chart default
      resources limits.memory    256Mi               chart default
      resources requests.cpu     40m                 chart default
      resources requests.memory  64Mi                chart default
      image k8s                  ghcr.io/loft-sh/kubernetes:v1.34.0
        registry                 ghcr.io             chart default
        repository               loft-sh/kubernetes  chart default
        tag                      v1.34.0             chart default
    ");
    assert_snapshot!(told(VALUES, &["--chart", "0.36.1"]), @"
    standard input (vCluster chart 0.36.1)
      chart                      0.36.1              known exactly
      distro                     k8s                 line 4 of values
      kubernetes                 v1.36.0             chart default
      scheduler                  off                 chart default
      store                      embedded-database   vCluster's default: none is enabled
      resources limits.cpu       100m                chart default
      resources limits.memory    256Mi               chart default
      resources requests.cpu     40m                 chart default
      resources requests.memory  64Mi                chart default
      image k8s                  ghcr.io/loft-sh/kubernetes:v1.36.0
        registry                 ghcr.io             chart default
        repository               loft-sh/kubernetes  chart default
        tag                      v1.36.0             chart default
    ");
}

#[test]
fn how_well_the_chart_is_known_is_told() {
    let mut told_of = String::new();
    for chart in [
        "0.28.x",
        "0.26 - 0.32.3",
        ">=0.24 <0.26",
        "0.99.0",
        "*",
        "0.19.7",
    ] {
        let text = told(VALUES, &["--chart", chart]);
        told_of.push_str(&lines(&text, &["chart", "kubernetes"]));
        told_of.push('\n');
    }
    assert_snapshot!(told_of, @"
    chart                      0.28.x              a range of charts with the same fields
    kubernetes                 v1.33.4             chart default
    chart                      0.26 - 0.32.3       a range of charts with the same fields
    kubernetes                 unknown, because the charts that 0.26 - 0.32.3 stands for differ
    chart                      >=0.24 <0.26       guessed, because this may be a chart to come, or one of several layouts
    kubernetes                 unknown, because the chart's version is not known, and its charts differ
    chart                      0.99.0             guessed, because this version is not in the catalogue
    kubernetes                 unknown, because the chart's version is not known, and its charts differ
    chart                      *                  guessed, because this may be a chart to come, or one of several layouts
    kubernetes                 unknown, because the chart's version is not known, and its charts differ
    chart       0.19.7  before 0.20: another layout, which is not read
    kubernetes  unknown, because configs of charts before 0.20 are not read
    ");
}

#[test]
fn a_workload_tells_its_images_and_nothing_else() {
    let object = json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {
            "name": "dev",
            "namespace": "team-a",
            "labels": {"app": "vcluster", "chart": "vcluster-0.24.0", "release": "dev"},
        },
        "spec": {"template": {"spec": {"initContainers": [
            {"name": "vcluster-copy", "image": "ghcr.io/loft-sh/vcluster-pro:0.24.0"},
            {"name": "kube-controller-manager", "image": "mirror.example/kube-controller-manager:v1.31.1"},
            {"name": "kube-apiserver", "image": "mirror.example/kube-apiserver:v1.31.1"},
        ]}}},
    });
    assert_snapshot!(told(&object.to_string(), &[]), @"
    StatefulSet team-a/dev (vCluster chart 0.24.0)
      chart                    0.24.0                   known exactly
      distro                   k8s                      spec.template.spec.initContainers[1].image
      kubernetes               v1.31.1                  spec.template.spec.initContainers[2].image
      scheduler                unknown, because the workload does not tell
      store                    unknown, because the workload does not tell
      resources                unknown, because the workload does not tell
      image apiServer          mirror.example/kube-apiserver:v1.31.1
        registry               mirror.example           spec.template.spec.initContainers[2].image
        repository             kube-apiserver           spec.template.spec.initContainers[2].image
        tag                    v1.31.1                  spec.template.spec.initContainers[2].image
      image controllerManager  mirror.example/kube-controller-manager:v1.31.1
        registry               mirror.example           spec.template.spec.initContainers[1].image
        repository             kube-controller-manager  spec.template.spec.initContainers[1].image
        tag                    v1.31.1                  spec.template.spec.initContainers[1].image
    ");
}

#[test]
fn what_the_policy_would_put_in_counts() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    let write = |mode: &str| {
        let text = format!(
            "apiVersion: distrogate.io/v1alpha1
kind: DistroPolicy
metadata: {{name: p}}
spec:
  defaults:
    mode: {mode}
    values:
      controlPlane:
        advanced: {{defaultImageRegistry: registry.corp.example}}
        distro: {{k8s: {{resources: {{limits: {{memory: 512Mi}}}}}}}}
"
        );
        fs::write(&policy, text).unwrap();
        ["--policy", policy.to_str().unwrap()]
    };
    let object = release("0.30.4", &json!({})).to_string();
    let shown = ["resources", "image", "registry", "tag"];
    assert_snapshot!(lines(&told(&object, &write("Edit")), &shown), @"
    resources limits.cpu       100m                   chart default
    resources limits.memory    512Mi                  policy default
    resources requests.cpu     40m                    chart default
    resources requests.memory  64Mi                   chart default
    image k8s                  registry.corp.example/loft-sh/kubernetes:v1.34.0
      registry                 registry.corp.example  policy default
      tag                      v1.34.0                chart default
    ");
    let suggested = told(&object, &write("Suggest"));
    assert_eq!(suggested, told(&object, &[]), "nothing is put in");
}

#[test]
fn a_review_is_unwrapped_and_its_findings_are_counted() {
    let file = "tests/fixtures/helmrelease-two-distros-k3s-k8s-0.30/request.json";
    let output = run(&["explain", "config", file]);
    assert_eq!(output.status.code(), Some(0));
    assert_snapshot!(stdout(&output), @"
    HelmRelease team-a/dev (vCluster chart 0.30.4)
      chart                      0.30.4             known exactly
      distro                     k3s                spec.values.controlPlane.distro.k3s.enabled
      kubernetes                 v1.34.1            chart default
      scheduler                  off                chart default
      store                      embedded-database  vCluster's default: none is enabled
      resources limits.cpu       100m               chart default
      resources limits.memory    256Mi              chart default
      resources requests.cpu     40m                chart default
      resources requests.memory  64Mi               chart default
      image k3s                  rancher/k3s:v1.34.1-k3s1
        registry                 (Docker Hub)       chart default
        repository               rancher/k3s        chart default
        tag                      v1.34.1-k3s1       chart default
      1 finding, see distrogate replay
        deny: spec.values.controlPlane.distro: only one distro can be enabled at the same time, found k3s and k8s [only-one-distro]
    ");
}

#[test]
fn only_what_may_be_shown_is_shown() {
    let object = release(
        "0.30.4",
        &json!({"controlPlane": {"distro": {"k8s": {
            "enabled": true,
            "env": [{"name": "TOKEN", "value": "hunter2"}],
            "image": {"tag": "v1.34.0\u{1b}[31m\u{202e}"},
            "resources": {"limits": {"cpu": "hunter2", "password: hunter2": 1, "memory": ["hunter2"]}},
        }}}}),
    );
    let text = told(&object.to_string(), &[]);
    assert!(!text.contains("hunter2"), "{text}");
    assert_snapshot!(lines(&text, &["resources", "tag"]), @"
    resources limits.cpu                        (not a quantity)    spec.values.controlPlane.distro.k8s.resources.limits.cpu
    resources limits.memory                     (not a quantity)    spec.values.controlPlane.distro.k8s.resources.limits.memory
    resources limits[(a key of 17 characters)]  1                   spec.values.controlPlane.distro.k8s.resources.limits[(a key of 17 characters)]
    resources requests.cpu                      40m                 chart default
    resources requests.memory                   64Mi                chart default
      tag                                       v1.34.0[31m         spec.values.controlPlane.distro.k8s.image.tag
    ");
    let json = told(&object.to_string(), &["--format", "json"]);
    assert!(
        !json.contains("hunter2") && !json.contains("\\u001b"),
        "{json}"
    );
}

const CLUSTER_API: &str = "\
apiVersion: infrastructure.cluster.x-k8s.io/v1alpha1
kind: VCluster
metadata: {name: dev, namespace: team-a}
spec:
  helmRelease:
    chart: {version: 0.30.4}
    values: |
      controlPlane:
        distro:
          k8s:
            version: v1.33.4
            image: {tag: 1.30.1}
            resources: {limits: null, requests: null}
";

#[test]
fn the_json_form_is_stable() {
    assert_snapshot!(told(CLUSTER_API, &["--format", "json"]), @r#"
    {
      "configs": [
        {
          "chart": {
            "known": "exact",
            "written": "0.30.4"
          },
          "distro": {
            "from": "none-enabled",
            "value": "k8s"
          },
          "document": 1,
          "file": "standard input",
          "findings": [
            {
              "action": "warn",
              "field": "spec.helmRelease.values.controlPlane.distro.k8s.image.tag",
              "message": "the tag 1.30.1 does not count, version v1.33.4 does: from chart 0.25 on version always wins",
              "rule": "version-conflict"
            }
          ],
          "images": [
            {
              "component": "k8s",
              "reference": "ghcr.io/loft-sh/kubernetes:v1.33.4",
              "registry": {
                "from": "chart",
                "value": "ghcr.io"
              },
              "rendered": true,
              "repository": {
                "from": "chart",
                "value": "loft-sh/kubernetes"
              },
              "suffix": null,
              "tag": {
                "from": "set",
                "line": 4,
                "overrules": {
                  "line": 5,
                  "part": "spec.helmRelease.values",
                  "path": "controlPlane.distro.k8s.image.tag",
                  "value": "1.30.1"
                },
                "part": "spec.helmRelease.values",
                "path": "controlPlane.distro.k8s.version",
                "value": "v1.33.4"
              }
            }
          ],
          "kubernetes": {
            "from": "set",
            "line": 4,
            "overrules": {
              "line": 5,
              "part": "spec.helmRelease.values",
              "path": "controlPlane.distro.k8s.image.tag",
              "value": "1.30.1"
            },
            "part": "spec.helmRelease.values",
            "path": "controlPlane.distro.k8s.version",
            "value": "v1.33.4"
          },
          "moreConfigs": false,
          "oneSyncOnly": false,
          "renderedOnBy": null,
          "resources": {
            "limits": {
              "from": "set",
              "line": 6,
              "part": "spec.helmRelease.values",
              "path": "controlPlane.distro.k8s.resources.limits",
              "value": "none"
            },
            "requests": {
              "from": "set",
              "line": 6,
              "part": "spec.helmRelease.values",
              "path": "controlPlane.distro.k8s.resources.requests",
              "value": "none"
            }
          },
          "scheduler": {
            "from": "chart",
            "value": "off"
          },
          "store": {
            "from": "none-enabled",
            "value": "embedded-database"
          },
          "title": "VCluster team-a/dev (vCluster chart 0.30.4)",
          "values": "whole"
        }
      ],
      "version": 1
    }
    "#);
}

#[test]
fn the_json_form_says_why_something_is_unknown() {
    let mut unknown = release("0.30.4", &json!({}));
    unknown["spec"]["valuesFrom"] = json!([{"kind": "ConfigMap", "name": "x"}]);
    let json: Value =
        serde_json::from_str(&told(&unknown.to_string(), &["--format", "json"])).unwrap();
    assert_eq!(
        json["configs"][0]["distro"],
        json!({
            "value": null,
            "from": "unknown",
            "reason": "elsewhere",
            "because": "values kept elsewhere at spec.valuesFrom[0] may set it",
        }),
    );
}

#[test]
fn a_list_is_looked_into_and_lines_are_those_of_the_file() {
    let list = json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}},
            release("0.30.4", &json!({})),
            release("0.36.1", &json!({})),
        ],
    });
    let text = told(&list.to_string(), &[]);
    assert_snapshot!(lines(&text, &["HelmRelease"]), @"
    HelmRelease team-a/dev (vCluster chart 0.30.4)
    HelmRelease team-a/dev (vCluster chart 0.36.1)
    ");
    let second = format!("# nothing\n---\n{VALUES}");
    let text = told(&second, &["--chart", "0.30.4"]);
    let line = lines(&text, &["distro"]);
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words.join(" "), "distro k8s line 6 of values");
}

#[test]
fn a_file_without_a_config_is_named_with_what_holds_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("service.yaml"), "apiVersion: v1\nkind: Service\n").unwrap();
    fs::write(path("values.yaml"), VALUES).unwrap();
    fs::write(path("broken.yaml"), "a: 1\n---\nb: [\n").unwrap();
    fs::write(path("broken.json"), "{\"a\": ").unwrap();
    fs::write(path("empty.yaml"), "").unwrap();
    let review = r#"{"apiVersion": "admission.k8s.io/v2", "kind": "AdmissionReview"}"#;
    fs::write(path("review.json"), review).unwrap();
    let mut told = String::new();
    for arguments in [
        vec!["missing.yaml"],
        vec![&*path("service.yaml"), "--chart", "0.30.4"],
        vec![&*path("values.yaml")],
        vec![&*path("broken.yaml")],
        vec![&*path("broken.json")],
        vec![&*path("empty.yaml"), "--chart", "0.30.4"],
        vec![&*path("review.json")],
    ] {
        let output = run(&[&["explain", "config"], &*arguments].concat());
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert_eq!(stdout(&output), "");
        told.push_str(&stderr(&output));
    }
    assert_snapshot!(told.replace(folder.path().to_str().unwrap(), "DIR"), @"
    error: missing.yaml: No such file or directory (os error 2)
    error: DIR/service.yaml: nothing in it holds a vCluster config; of these kinds objects do that deploy vCluster's chart: Application, ApplicationSet, Bundle, ConfigMap, Deployment, HelmChart, HelmChartConfig, HelmRelease, Release, Secret, StatefulSet, VCluster, VirtualClusterInstance, VirtualClusterTemplate
    error: DIR/values.yaml: nothing in it holds a vCluster config; of these kinds objects do that deploy vCluster's chart: Application, ApplicationSet, Bundle, ConfigMap, Deployment, HelmChart, HelmChartConfig, HelmRelease, Release, Secret, StatefulSet, VCluster, VirtualClusterInstance, VirtualClusterTemplate; vcluster.yaml by itself needs --chart
    error: DIR/broken.yaml: YAML document 2, line 1: unclosed bracket '['
    error: DIR/broken.json: not JSON: EOF while parsing a value at line 1 column 6
    error: DIR/empty.yaml: nothing in it holds a vCluster config; of these kinds objects do that deploy vCluster's chart: Application, ApplicationSet, Bundle, ConfigMap, Deployment, HelmChart, HelmChartConfig, HelmRelease, Release, Secret, StatefulSet, VCluster, VirtualClusterInstance, VirtualClusterTemplate
    error: DIR/review.json: the body is no AdmissionReview of a known version: apiVersion has to be admission.k8s.io/v1 or admission.k8s.io/v1beta1, and kind AdmissionReview
    ");
    for arguments in [
        vec!["explain"],
        vec!["explain", "config"],
        vec!["explain", "config", "--chart", "latest", "x"],
    ] {
        assert_eq!(run(&arguments).status.code(), Some(2), "{arguments:?}");
    }
}
