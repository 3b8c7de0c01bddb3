//! Carriers that a policy declares: kinds of object that hold configs, and where in them.

use super::decode::{Field, Fields, PolicyError};
use crate::carrier::{
    At, ChartAt, ConfigAt, Declaration, Encoding, Holds, PartAt, Pattern, ReleaseAt,
};
use crate::vcluster::{Completeness, Reading};

/// The words for encodings in documents.
pub(super) const ENCODINGS: [(&str, Encoding); 4] = [
    ("yaml", Encoding::Yaml),
    ("templated-yaml", Encoding::TemplatedYaml),
    ("object", Encoding::Object),
    ("base64-yaml", Encoding::Base64Yaml),
];

/// Reads `spec.customCarriers`.
pub(super) fn read(field: &Field<'_>) -> Result<Vec<Declaration>, PolicyError> {
    field.items()?.iter().map(read_one).collect()
}

fn read_one(field: &Field<'_>) -> Result<Declaration, PolicyError> {
    let fields = field.fields(&[
        "group", "kinds", "values", "chart", "release", "template", "defaults",
    ])?;
    let kinds = fields.required("kinds")?;
    let names: Vec<Box<str>> = kinds
        .items()?
        .iter()
        .map(|kind| kind.string().map(Into::into))
        .collect::<Result<_, _>>()?;
    if names.is_empty() {
        return Err(kinds.error("has to name at least one kind"));
    }
    Ok(Declaration {
        groups: vec![fields.required("group")?.string()?.into()],
        kinds: names,
        name_prefix: Box::default(),
        configs: read_configs(&fields)?,
        reading: Reading::Helm,
        is_template: flag(&fields, "template", false)?,
        completeness: Completeness::Whole,
    })
}

/// A config for each place that values stand below: those with one list in common are layers of
/// one config.
fn read_configs(fields: &Fields<'_>) -> Result<Vec<ConfigAt>, PolicyError> {
    let values = fields.required("values")?;
    let mut configs: Vec<ConfigAt> = Vec::new();
    for item in values.items()? {
        let item = item.fields(&["path", "encoding"])?;
        let path = item.required("path")?;
        let (root, at) = pattern(&path)?.split();
        if at.steps().is_empty() {
            return Err(path.error("has to end with a key, the values are no list"));
        }
        let encoding = match item.get("encoding") {
            Some(encoding) => encoding.one_of(&ENCODINGS)?,
            None => Encoding::Yaml,
        };
        let part = PartAt {
            at,
            holds: Holds::Values(encoding),
        };
        match configs.iter_mut().find(|config| config.root == root) {
            Some(config) => config.parts.push(part),
            None => configs.push(ConfigAt {
                root,
                parts: vec![part],
                exclusive: false,
                chart: ChartAt::default(),
                release: ReleaseAt::default(),
                edit: None,
            }),
        }
    }
    if configs.is_empty() {
        return Err(values.error("has to name at least one path"));
    }
    let defaults = flag(fields, "defaults", true)?;
    let roots: Vec<_> = configs.iter().map(|config| config.root.clone()).collect();
    for config in &mut configs {
        config.chart = read_chart(fields, &config.root, &roots)?;
        config.release = read_release(fields, &config.root, &roots)?;
        // whoever stands uppermost is overruled by nobody
        config.edit = config.parts.last().filter(|_| defaults).cloned();
        let tells_apart = matches!(config.release.name, Some(At::Config(_)));
        if config.root.has_lists() && !tells_apart {
            return Err(values.error(format!(
                "there are several configs in one object, and release.name has to tell them apart: \
                 set it to a path below {}",
                config.root
            )));
        }
    }
    Ok(configs)
}

fn read_chart(
    fields: &Fields<'_>,
    root: &Pattern,
    roots: &[Pattern],
) -> Result<ChartAt, PolicyError> {
    let mut chart = ChartAt {
        is_vcluster_by_default: true,
        ..ChartAt::default()
    };
    let Some(field) = fields.get("chart") else {
        return Ok(chart);
    };
    let fields = field.fields(&["name", "names", "version"])?;
    chart.name = read_at(&fields, "name", root, roots)?;
    chart.version = read_at(&fields, "version", root, roots)?.map(|at| (at, ""));
    if let Some(names) = fields.get("names") {
        if chart.name.is_none() {
            return Err(names.error("counts only beside name, the path of the chart's name"));
        }
        chart.names = Some(names.globs()?);
    }
    Ok(chart)
}

fn read_release(
    fields: &Fields<'_>,
    root: &Pattern,
    roots: &[Pattern],
) -> Result<ReleaseAt, PolicyError> {
    let Some(field) = fields.get("release") else {
        return Ok(ReleaseAt::default());
    };
    let fields = field.fields(&["name", "namespace", "cluster"])?;
    Ok(ReleaseAt {
        cluster: read_at(&fields, "cluster", root, roots)?,
        namespace: read_at(&fields, "namespace", root, roots)?,
        name: read_at(&fields, "name", root, roots)?,
        item: None,
    })
}

/// A path that is about a config: below its root, or about the whole object.
fn read_at(
    fields: &Fields<'_>,
    key: &str,
    root: &Pattern,
    roots: &[Pattern],
) -> Result<Option<At>, PolicyError> {
    let Some(field) = fields.get(key) else {
        return Ok(None);
    };
    let pattern = pattern(&field)?;
    if !pattern.has_lists() {
        let whole = pattern.below(&Pattern::default());
        return Ok(whole.map(At::Object));
    }
    if !roots.iter().any(|root| pattern.below(root).is_some()) {
        let roots: Vec<_> = roots.iter().map(|root| format!("{root}.")).collect();
        return Err(field.error(format!(
            "its * has to be that of a path of values: begin it with {}",
            roots.join(" or "),
        )));
    }
    Ok(pattern.below(root).map(At::Config))
}

fn pattern(field: &Field<'_>) -> Result<Pattern, PolicyError> {
    let text = field.string()?;
    Pattern::parse(text).ok_or_else(|| {
        field.error("has to be keys with dots between them, * for every item of a list, and \\. for a dot in a key")
    })
}

fn flag(fields: &Fields<'_>, key: &str, default: bool) -> Result<bool, PolicyError> {
    match fields.get(key) {
        Some(field) => field
            .node
            .as_bool()
            .ok_or_else(|| field.error("has to be true or false")),
        None => Ok(default),
    }
}
