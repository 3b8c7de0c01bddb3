use std::fmt::Write as _;
use std::rc::Rc;

use serde_json::{Value, json};

use super::super::{Content, Roads};
use super::*;
use crate::globs::Globs;

/// Each config of an object in some lines: release, chart and parts.
fn shown(kind: (&str, &str), object: &Value) -> String {
    let roads = Roads {
        chart_paths: Globs::parse(["platform/*"]).unwrap(),
        ..Roads::default()
    };
    let seen = Seen {
        namespace: "argocd",
        known: false,
        roads: &roads,
        budget: &Rc::default(),
    };
    let text = object.to_string();
    let raw: &RawValue = serde_json::from_str(&text).unwrap();
    let held = if kind == APPLICATION {
        application(raw, seen)
    } else {
        application_set(raw, seen)
    };
    let mut shown = String::new();
    for config in &held.configs {
        let Carried { release, chart, .. } = config;
        let cluster = release.cluster.as_deref().unwrap_or("here");
        let version = chart.version.as_deref().unwrap_or("?");
        write!(
            shown,
            "{} in {} on {cluster}, chart {version}",
            release.name, release.namespace
        )
        .unwrap();
        write!(shown, "{}", if config.is_passing { ", once" } else { "" }).unwrap();
        if let Some(at) = &config.edit_at {
            write!(shown, ", defaults at {}", at.at).unwrap();
        }
        for part in &config.parts {
            let content = match &part.content {
                Content::Values(..) => "values".to_owned(),
                Content::Elsewhere(_) => "unseen".to_owned(),
                Content::ElsewhereAt(path, _) => format!("unseen at {path}"),
                Content::Set(assignments) => assignments
                    .iter()
                    .map(|one| format!("{}={}", one.path, one.value.to_json()))
                    .collect::<Vec<_>>()
                    .join(" "),
                other => format!("{other:?}"),
            };
            write!(shown, "\n  {}: {content}", part.at).unwrap();
        }
        shown.push('\n');
    }
    shown
}

fn app(spec: &Value) -> String {
    let object = json!({"metadata": {"name": "dev"}, "spec": spec});
    shown(APPLICATION, &object)
}

fn helm(helm: &Value) -> String {
    let source = json!({"chart": "vcluster", "repoURL": "https://x", "targetRevision": "0.30.4", "helm": helm});
    app(
        &json!({"destination": {"namespace": "vc", "server": "https://kubernetes.default.svc"}, "source": source}),
    )
}

#[test]
fn layers_stand_in_argos_order() {
    assert_eq!(
        helm(&json!({
            "valueFiles": ["$values/a.yaml"],
            "values": "a: 1",
            "valuesObject": {"a": 2},
            "fileParameters": [{"name": "d.e", "path": "x"}],
            "parameters": [
                {"name": "b", "value": "x,y", "forceString": true},
                {"name": "a.b[1].c", "value": "true"},
                {"name": "l", "value": "{x,y}"},
                {"name": "old", "value": "1"},
                {"name": "old", "value": "null"},
                {"name": "env", "value": "$ARGOCD_APP_NAME"},
            ],
        })),
        "dev in vc on here, chart 0.30.4, defaults at spec.source.helm.valuesObject
  spec.source.helm.valueFiles: unseen
  spec.source.helm.valuesObject: values
  spec.source.helm.parameters[1]: a.b[1].c=true
  spec.source.helm.parameters[5]: unseen at env
  spec.source.helm.parameters[2]: l=[\"x\",\"y\"]
  spec.source.helm.parameters[4]: old=null
  spec.source.helm.parameters[0]: b=\"x,y\"
  spec.source.helm.fileParameters[0]: unseen at d.e
",
    );
}

#[test]
fn where_parameters_meet_nobody_knows_the_order() {
    let parameters = |parameters: &[(&str, &str, bool)]| {
        let items: Vec<_> = parameters
            .iter()
            .map(|(name, value, forced)| json!({"name": name, "value": value, "forceString": forced}))
            .collect();
        let shown = helm(&json!({"values": "", "parameters": items}));
        shown
            .lines()
            .skip(1)
            .map(str::trim)
            .collect::<Vec<_>>()
            .join("; ")
    };
    assert_eq!(
        parameters(&[
            ("a", "null", false),
            ("a.b", "1", false),
            ("c.d", "1", false),
            ("c.e", "1", false)
        ]),
        "spec.source.helm.parameters[0]: unseen at a; spec.source.helm.parameters[1]: unseen at a; \
         spec.source.helm.parameters[2]: c.d=1; spec.source.helm.parameters[3]: c.e=1",
    );
    assert_eq!(
        parameters(&[("a.b", "1", true), ("a", "null", false)]),
        "spec.source.helm.parameters[1]: a=null; spec.source.helm.parameters[0]: a.b=\"1\"",
        "those that are forced come after the others",
    );
}

#[test]
fn sources_that_count_are_those_that_argo_takes() {
    let chart = |chart: &str| json!({"chart": chart, "targetRevision": "0.30.4"});
    let (vcluster, other) = (chart("vcluster"), chart("podinfo"));
    for (spec, expected) in [
        (json!({"source": other}), ""),
        (
            json!({"source": chart("charts/vcluster"), "destination": {"name": "prod"}}),
            "dev in  on name prod, chart 0.30.4, defaults at spec.source.helm.valuesObject\n",
        ),
        (
            json!({"source": {"repoURL": "oci://r.example/charts/vcluster", "path": ".", "targetRevision": "0.30.4"}}),
            "dev in  on here, chart 0.30.4, defaults at spec.source.helm.valuesObject\n",
        ),
        (
            json!({"source": {"repoURL": "https://git", "path": "./platform/vc/", "targetRevision": "main"}}),
            "dev in  on here, chart ?, defaults at spec.source.helm.valuesObject\n",
        ),
        (
            json!({"source": {"repoURL": "https://git", "path": "apps/vc"}}),
            "",
        ),
        (
            json!({"source": vcluster, "sources": [{"ref": "values"}, other]}),
            "",
        ),
        (
            json!({"sources": [{"ref": "values", "repoURL": "https://git"}, vcluster]}),
            "dev in  on here, chart 0.30.4, defaults at spec.sources[1].helm.valuesObject\n",
        ),
        (
            json!({"source": vcluster, "sources": []}),
            "dev in  on here, chart 0.30.4, defaults at spec.source.helm.valuesObject\n",
        ),
        (
            json!({"source": vcluster, "sourceHydrator": {"drySource": {"path": "platform/vc"}}}),
            "dev in  on here, chart ?, defaults at spec.sourceHydrator.drySource.helm.valuesObject\n",
        ),
    ] {
        assert_eq!(app(&spec), expected, "{spec}");
    }
    let object = json!({"metadata": {"name": "dev"}, "operation": {"sync": {"source": vcluster}}});
    assert_eq!(
        shown(APPLICATION, &object),
        "dev in  on here, chart 0.30.4, once\n"
    );
}

#[test]
fn a_generators_template_is_laid_over_the_sets_own() {
    let object = json!({"spec": {
        "template": {
            "metadata": {"name": "vc-{{.name}}"},
            "spec": {
                "destination": {"server": "{{.server}}", "namespace": "vc"},
                "source": {
                    "chart": "vcluster", "targetRevision": "0.30.4",
                    "helm": {"values": "a: 1", "parameters": [{"name": "a.b", "value": "{{.x}}"}, {"name": "{{.y}}", "value": ""}]},
                },
            },
        },
        "generators": [
            {"clusters": {"template": {"metadata": {}, "spec": {"source": {"targetRevision": "0.31.0", "helm": {"valuesObject": {}}}}}}},
            {"list": {"elements": []}},
        ],
    }});
    assert_eq!(
        shown(APPLICATION_SET, &object),
        "vc-{{.name}} in vc on server {{.server}}, chart 0.30.4, defaults at spec.template.spec.source.helm.values
  spec.template.spec.source.helm.values: values
  spec.template.spec.source.helm.parameters[0]: unseen at a.b
  spec.template.spec.source.helm.parameters[1]: unseen
vc-{{.name}} in vc on server {{.server}}, chart 0.31.0, defaults at spec.generators[0].clusters.template.spec.source.helm.valuesObject
  spec.generators[0].clusters.template.spec.source.helm.valuesObject: values
  spec.template.spec.source.helm.parameters[0]: unseen at a.b
  spec.template.spec.source.helm.parameters[1]: unseen
",
    );
}

#[test]
fn a_template_patch_hides_what_it_may_change() {
    let set = |patch: &str| {
        let object = json!({"spec": {
            "template": {"spec": {"source": {"chart": "vcluster"}}},
            "templatePatch": patch,
        }});
        shown(APPLICATION_SET, &object).contains("spec.templatePatch: unseen")
    };
    for (patch, hides) in [
        ("metadata: {labels: {a: '{{.x}}'}}", false),
        ("spec: {syncPolicy: {}}", false),
        ("spec: {source: {helm: {}}}", true),
        ("spec: {sources: []}", true),
        ("spec: {{ toJson .spec }}", true),
        ("{{ .everything }}", true),
        ("spec: [", true),
    ] {
        assert_eq!(set(patch), hides, "{patch}");
    }
}
