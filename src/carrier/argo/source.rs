//! One source of an Application: its chart, its values in Argo CD's order, its release.
//!
//! Mirrors `helmTemplate` in `reposerver/repository/repository.go`: value files, then
//! `valuesObject`, which silences `values`, then parameters.

use serde_json::value::RawValue;

use super::super::{Carried, Content, EditAt, Encoding, Part, Reference, Release, Seen, Templates};
use super::parameters::{self, file_parameters, parameters};
use super::roots::Roots;
use crate::values::{Budget, Path};
use crate::vcluster::{ChartSource, KubeVersion};

/// Everything of a source that has a say in the config, besides values that are kept as text.
const PIECES: [&[&str]; 14] = [
    &["chart"],
    &["path"],
    &["repoURL"],
    &["targetRevision"],
    &["helm", "valuesObject"],
    &["helm", "parameters"],
    &["helm", "fileParameters"],
    &["helm", "valueFiles"],
    &["helm", "releaseName"],
    &["helm", "namespace"],
    &["helm", "kubeVersion"],
    &["plugin"],
    &["kustomize"],
    &["directory"],
];

/// Tools that render in place of Helm, with values of their own.
const OTHER_TOOLS: [&str; 3] = ["plugin", "kustomize", "directory"];

/// Argo CD's names for the cluster that it runs in.
const IN_CLUSTER: [&str; 2] = ["https://kubernetes.default.svc", "in-cluster"];

/// Where an Application deploys to, and what else counts for all of its sources.
#[derive(Debug)]
pub(super) struct Destination<'a> {
    cluster: Option<String>,
    namespace: String,
    /// The Application's name, which is the release's if no other is given.
    application: String,
    /// Whether templates stand in it.
    is_template: bool,
    is_tracked: bool,
    /// What may change all of it once the templates are rendered.
    pub(super) patched_by: Option<(Path, Reference)>,
    pieces: Vec<Option<&'a RawValue>>,
}

impl<'a> Destination<'a> {
    /// Of an Application, or the template of one.
    pub(super) fn of(root: &Roots<'a>, name: &str, is_template: bool, is_tracked: bool) -> Self {
        let at = |key| root.str(&["spec", "destination", key]);
        let cluster = match (at("server"), at("name")) {
            (Some(server), _) => Some((server, "server")),
            (None, Some(name)) => Some((name, "name")),
            (None, None) => None,
        };
        Self {
            cluster: cluster
                .filter(|(text, _)| !IN_CLUSTER.contains(&&**text))
                .map(|(text, kind)| format!("{kind} {text}")),
            namespace: at("namespace").unwrap_or_default().into_owned(),
            application: name.to_owned(),
            is_template,
            is_tracked,
            patched_by: None,
            pieces: vec![root.get(&["spec", "destination"]).map(|(_, raw)| raw)],
        }
    }
}

/// The config of a source, if it deploys vCluster.
pub(super) fn carried<'a>(
    source: &Roots<'a>,
    destination: &Destination<'a>,
    seen: Seen<'_>,
) -> Option<Carried<'a>> {
    let templates = destination.is_template;
    let chart = chart(source, templates, seen)?;
    let helm = source.below(&["helm"]);
    let name = helm.str(&["releaseName"]).filter(|name| !name.is_empty());
    let name = name.map_or_else(|| destination.application.clone(), Into::into);
    let release = Release {
        cluster: destination.cluster.clone(),
        namespace: helm
            .str(&["namespace"])
            .map_or_else(|| destination.namespace.clone(), Into::into),
        item: None,
        name,
    };
    let mut parts = parts(&helm, templates, seen.budget);
    parts.extend(OTHER_TOOLS.iter().filter_map(|tool| {
        let (at, raw) = source.get(&[tool])?;
        // an empty one is none; an empty plugin is whichever finds itself fit
        let counts = *tool == "plugin" || raw.get() != "{}";
        counts.then_some(Part {
            at,
            content: Content::Elsewhere(Reference::to(raw)),
        })
    }));
    parts.extend(destination.patched_by.iter().map(|(at, reference)| Part {
        at: at.clone(),
        content: Content::Elsewhere(*reference),
    }));
    let host = helm.str(&["kubeVersion"]);
    let pieces = PIECES.iter().map(|keys| Some(source.get(keys)?.1));
    let record_key = if release.name == destination.application {
        String::new()
    } else {
        release.name.clone()
    };
    let edit_at = edit_at(source, &parts, destination);
    let mut carried = Carried {
        record_key,
        edit_at,
        told_host: host
            .and_then(|host| KubeVersion::parse(&format!("v{}", host.trim_start_matches('v')))),
        pieces: pieces.chain(destination.pieces.iter().copied()).collect(),
        ..Carried::new(release, chart, parts, seen.budget)
    };
    if carried.chart.name.is_none() {
        if !carried.looks_like_vcluster() {
            return None;
        }
        carried.chart.name = Some("vcluster".to_owned());
    }
    Some(carried)
}

/// The chart: of a Helm repository, of an OCI registry, or in a folder. Of a folder that the policy
/// does not name, and where a template names the chart, the values have to tell.
fn chart(source: &Roots<'_>, templates: bool, seen: Seen<'_>) -> Option<ChartSource> {
    let revision = source.str(&["targetRevision"]);
    let by_name = |name: &str| {
        if templates && parameters::has_template(name) {
            return Some(ChartSource {
                version: revision.as_deref().map(Into::into),
                ..ChartSource::default()
            });
        }
        let chart = ChartSource::named(Some(name), revision.as_deref());
        chart.may_be_vcluster().then_some(chart)
    };
    if let Some(chart) = source.str(&["chart"]) {
        return by_name(&chart);
    }
    let url = source.str(&["repoURL"]).unwrap_or_default();
    let last = url.trim_end_matches('/').rsplit('/').next();
    if let (true, Some(last)) = (url.starts_with("oci://"), last)
        && let Some(chart) = by_name(if parameters::has_template(last) {
            last
        } else {
            &url
        })
    {
        return Some(chart);
    }
    let (at, _) = source.get(&["path"])?;
    let path = source.str(&["path"])?;
    let path = path.trim_start_matches("./").trim_end_matches('/');
    let is_named = seen.roads.chart_paths.matches(path);
    Some(ChartSource {
        name: is_named.then(|| "vcluster".to_owned()),
        version: None,
        elsewhere: Some(at),
    })
}

fn parts<'a>(helm: &Roots<'a>, templates: bool, budget: &Budget) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    if let Some((at, raw)) = helm.get(&["valueFiles"]) {
        parts.push(Part {
            at,
            content: Content::Elsewhere(Reference::to(raw)),
        });
    }
    let (object, text) = if templates {
        (
            Encoding::TemplatedObject(Templates::ApplicationSet),
            Encoding::TemplatedYaml,
        )
    } else {
        (Encoding::Object, Encoding::Yaml)
    };
    let values = helm
        .get(&["valuesObject"])
        .map(|found| (found, object))
        .or_else(|| helm.get(&["values"]).map(|found| (found, text)));
    parts.extend(values.map(|((at, raw), encoding)| Part {
        at,
        content: Content::Values(encoding, raw),
    }));
    if let Some((at, raw)) = helm.get(&["parameters"]) {
        parts.extend(parameters(&at, raw, templates, budget));
    }
    if let Some((at, raw)) = helm.get(&["fileParameters"]) {
        parts.extend(file_parameters(&at, raw, budget));
    }
    parts
}

/// Defaults go where Argo CD looks: into the values that count, or into a new `valuesObject`.
fn edit_at<'a>(
    source: &Roots<'a>,
    parts: &[Part<'_>],
    destination: &Destination<'_>,
) -> Option<EditAt<'a>> {
    let present = parts.iter().find_map(|part| match part.content {
        Content::Values(encoding, _) => Some((part.at.clone(), encoding)),
        _ => None,
    });
    let (at, encoding) = match present {
        Some(present) => present,
        None => (
            source.first()?.0.join(&Path::dotted("helm.valuesObject")),
            Encoding::Object,
        ),
    };
    Some(EditAt {
        within: source.holder(&at)?.clone(),
        at,
        encoding,
        suggest: encoding.is_text() && destination.is_tracked,
    })
}

/// Whether Argo CD replaces something in a parameter's value.
pub(super) fn is_substituted(value: &str, templates: bool) -> bool {
    value.contains('$') || (templates && parameters::has_template(value))
}
