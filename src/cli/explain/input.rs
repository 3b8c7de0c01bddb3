//! From files to explained configs.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::admission::{Endpoint, GroupVersionKind, Operation, Request};
use crate::carrier::{Carried, Carrier, MAX_CONFIGS};
use crate::cli::objects;
use crate::defaults;
use crate::gate::{self, Cluster, Decision, Lowered};
use crate::policy::Policy;
use crate::rules::Finding;
use crate::vcluster::{Chart, ChartSource, Completeness, Explanation, explain};

/// What configs are explained by.
pub(super) struct Reader<'r> {
    pub(super) policy: Policy,
    pub(super) cluster: Cluster,
    /// The chart of values that no object holds.
    pub(super) chart: Option<&'r str>,
}

/// A config, explained.
#[derive(Debug)]
pub(super) struct Explained {
    /// The file that holds it.
    pub(super) file: String,
    /// Which of the file's documents does, from 1.
    pub(super) document: usize,
    /// `HelmRelease team-a/dev (vCluster chart 0.30.4)`.
    pub(super) title: String,
    /// The chart that it is for.
    pub(super) chart: Chart<'static>,
    /// Whether these values are all that there are.
    pub(super) completeness: Completeness,
    /// Whether it counts for one time only.
    pub(super) is_passing: bool,
    /// What changes the rendered objects after Helm.
    pub(super) renders_on: Option<crate::values::Path>,
    /// Whether the object tells the chart the host's version.
    pub(super) tells_host: bool,
    /// Whether it came in an AdmissionReview, which can be replayed.
    pub(super) is_review: bool,
    /// What will run.
    pub(super) explanation: Explanation,
    /// What a review would find.
    pub(super) findings: Vec<Finding>,
    /// How many configs the object has at least, where not all are looked at.
    pub(super) more_than: Option<usize>,
}

/// Where a config is, and what is known of all that are there.
#[derive(Clone, Copy)]
struct Holder<'s> {
    file: &'s str,
    document: usize,
    is_review: bool,
    /// Whether the defaults do not stand up to their own review.
    withheld: bool,
    more_than: Option<usize>,
}

impl Reader<'_> {
    /// Every config in a file, which has to hold one.
    pub(super) fn explain_file(&self, file: &Path) -> anyhow::Result<Vec<Explained>> {
        let shown = match file.display().to_string() {
            stdin if stdin == "-" => "standard input".to_owned(),
            shown => shown,
        };
        let text = objects::read(file)?;
        let explained = self
            .explain_text(&shown, &text)
            .with_context(|| shown.clone())?;
        if explained.is_empty() {
            anyhow::bail!("{shown}: {}", self.nothing_found());
        }
        Ok(explained)
    }

    fn explain_text(&self, file: &str, text: &str) -> anyhow::Result<Vec<Explained>> {
        let mut explained = Vec::new();
        let holder = |number| Holder {
            file,
            document: number + 1,
            is_review: false,
            withheld: false,
            more_than: None,
        };
        if objects::is_json(text) {
            for (number, document) in objects::json_documents(text)?.into_iter().enumerate() {
                // a review's object stays raw, however deep it nests
                if let Ok(request) = Request::parse(document.as_bytes()) {
                    explained.extend(self.explain_review(holder(number), &request));
                    continue;
                }
                let object = serde_json::from_str(&document).context("not JSON")?;
                explained.extend(self.explain_document(holder(number), object, &document, 0)?);
            }
        } else {
            for (number, document) in objects::yaml_documents(text).iter().enumerate() {
                let object = objects::read_document(number, &document.text)?.to_json();
                let objects::Document {
                    separator: _,
                    lines_above,
                    text,
                } = document;
                let found = self.explain_document(holder(number), object, text, *lines_above)?;
                explained.extend(found);
            }
        }
        Ok(explained)
    }

    fn explain_document(
        &self,
        holder: Holder<'_>,
        mut object: Value,
        text: &str,
        lines_above: usize,
    ) -> anyhow::Result<Vec<Explained>> {
        let kind = object.get("kind").and_then(Value::as_str);
        if kind == Some("AdmissionReview") {
            let body = object.to_string();
            let request = Request::parse(body.as_bytes())?;
            return Ok(self.explain_review(holder, &request));
        }
        if kind == Some("List") {
            let items = object.get_mut("items").and_then(Value::as_array_mut);
            let mut explained = Vec::new();
            for item in items.into_iter().flatten() {
                explained.extend(self.explain_manifest(holder, item)?);
            }
            return Ok(explained);
        }
        if kind.is_some() {
            return self.explain_manifest(holder, &mut object);
        }
        match self.chart {
            Some(chart) if object.is_object() => {
                // lines are told as they are in the file
                let text = format!("{}{text}", "\n".repeat(lines_above));
                let chart = ChartSource::version(chart);
                Ok(vec![self.explain_values(
                    holder,
                    &to_raw_value(&text)?,
                    &chart,
                )])
            }
            _ => Ok(Vec::new()),
        }
    }

    fn explain_review(&self, holder: Holder<'_>, request: &Request<'_>) -> Vec<Explained> {
        let holder = Holder {
            is_review: true,
            ..holder
        };
        self.explain_object(holder, request)
    }

    fn explain_manifest(
        &self,
        holder: Holder<'_>,
        object: &mut Value,
    ) -> anyhow::Result<Vec<Explained>> {
        let kind = object.get("kind").and_then(Value::as_str);
        let kind = kind.unwrap_or_default().to_owned();
        objects::encode_string_data(&kind, object);
        let raw = to_raw_value(object)?;
        let mut request = objects::request(object);
        request.object = Some(&raw);
        Ok(self.explain_object(holder, &request))
    }

    /// The configs of an object, as if it were new.
    fn explain_object(&self, holder: Holder<'_>, request: &Request<'_>) -> Vec<Explained> {
        let Some(object) = request.object else {
            return Vec::new();
        };
        let mut new = Request::about(request.kind.clone(), &request.namespace, &request.name);
        (new.operation, new.object) = (Operation::Create, Some(object));
        let (lowered, more) = gate::lower(&new, &self.policy, &self.cluster);
        if lowered.is_empty() {
            return Vec::new();
        }
        let mutated = gate::review(&new, Endpoint::Mutate, &self.policy, &self.cluster);
        let holder = Holder {
            withheld: mutated.decision == Decision::PatchWithheld,
            more_than: more.then_some(MAX_CONFIGS),
            ..holder
        };
        let configs = lowered.into_iter();
        let configs = configs.map(|config| Self::explained(holder, config));
        configs.collect()
    }

    /// Values by themselves.
    fn explain_values(
        &self,
        holder: Holder<'_>,
        text: &RawValue,
        chart: &ChartSource,
    ) -> Explained {
        let carried = Carried::values(text, chart.clone());
        let config = Lowered::new(
            holder.file,
            &Request::about(GroupVersionKind::default(), "", ""),
            carried,
            &self.policy,
            &self.cluster,
        );
        Self::explained(holder, config)
    }

    fn explained(holder: Holder<'_>, config: Lowered<'_>) -> Explained {
        let edits = if holder.withheld {
            Vec::new()
        } else {
            config.edits()
        };
        let Lowered {
            title,
            carried,
            subject,
            in_force,
        } = config;
        let with = defaults::with_policys(&subject.now, &edits, &in_force);
        Explained {
            file: holder.file.to_owned(),
            document: holder.document,
            title,
            completeness: carried.completeness,
            is_passing: carried.is_passing,
            renders_on: carried.renders_on.clone(),
            tells_host: carried.told_host.is_some(),
            is_review: holder.is_review,
            explanation: explain(with.as_ref().unwrap_or(&subject.now)),
            findings: gate::judge(&subject, &in_force),
            more_than: holder.more_than,
            chart: subject.now.chart,
        }
    }

    /// What a file has to hold.
    fn nothing_found(&self) -> String {
        let custom = self.policy.roads.custom.iter();
        let custom = custom.flat_map(|declared| declared.kinds.iter().map(|kind| &**kind));
        let kinds = Carrier::kinds().into_iter().map(|(_, kind)| kind);
        let kinds: BTreeSet<_> = kinds.chain(custom).collect();
        let kinds = kinds.into_iter().collect::<Vec<_>>().join(", ");
        let values = match self.chart {
            Some(_) => "",
            None => "; vcluster.yaml by itself needs --chart",
        };
        format!(
            "nothing in it holds a vCluster config; of these kinds objects do that deploy \
             vCluster's chart: {kinds}{values}"
        )
    }
}
