//! Objects in files: documents one after another, and the lists that kubectl prints.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::Outcome;
use super::judge::{Judge, Place};
use super::progress::Progress;
use crate::admission::GroupVersionKind;
use crate::cli::gate_args::GateArgs;
use crate::cli::objects;

/// Judges every object in some files and folders. What cannot be read is told, and the rest goes
/// on.
pub(super) fn scan(
    paths: &[PathBuf],
    namespaces: &[String],
    gate: &GateArgs,
    outcome: &mut Outcome,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let judge = Judge {
        policy: gate.policy()?,
        cluster: gate.cluster()?,
    };
    let mut scan = Scan {
        judge,
        namespaces,
        outcome,
        progress,
    };
    for path in paths {
        match objects::files(std::slice::from_ref(path), &[]) {
            Ok(files) => files.iter().for_each(|file| scan.file(file)),
            Err(error) => scan
                .outcome
                .could_not_read(path.display().to_string(), &error),
        }
    }
    Ok(())
}

/// What goes on while files are read.
struct Scan<'s> {
    judge: Judge,
    namespaces: &'s [String],
    outcome: &'s mut Outcome,
    progress: &'s mut Progress,
}

/// What an object says of itself.
#[derive(Deserialize)]
struct Head<'o> {
    #[serde(borrow, default, rename = "apiVersion")]
    api_version: Cow<'o, str>,
    #[serde(borrow, default)]
    kind: Cow<'o, str>,
    #[serde(borrow, default)]
    metadata: Option<&'o RawValue>,
    #[serde(borrow, default)]
    items: Option<&'o RawValue>,
    #[serde(borrow, default, rename = "stringData")]
    string_data: Option<&'o RawValue>,
}

#[derive(Default, Deserialize)]
struct Metadata<'o> {
    #[serde(borrow, default)]
    name: Cow<'o, str>,
    #[serde(borrow, default)]
    namespace: Cow<'o, str>,
}

impl Scan<'_> {
    fn file(&mut self, file: &Path) {
        let shown = match file.display().to_string() {
            stdin if stdin == "-" => "standard input".to_owned(),
            shown => shown,
        };
        self.progress.begin(&shown);
        let text = match objects::read(file) {
            Ok(text) => text,
            Err(error) => {
                // the file is named already
                let why = anyhow::anyhow!("{}", error.root_cause());
                return self.outcome.could_not_read(shown, &why);
            }
        };
        if objects::is_json(&text) {
            match objects::json_documents(&text) {
                Ok(documents) => {
                    for (number, document) in documents.iter().enumerate() {
                        let raw = serde_json::from_str(document).context("not JSON");
                        self.document(&shown, number, raw);
                    }
                }
                Err(error) => self.outcome.could_not_read(shown, &error),
            }
            return;
        }
        for (number, document) in objects::yaml_documents(&text).iter().enumerate() {
            match objects::read_document(number, &document.text) {
                Ok(node) => {
                    let raw = to_raw_value(&node.to_json());
                    self.document(
                        &shown,
                        number,
                        raw.as_deref().map_err(|_| anyhow::anyhow!("not JSON")),
                    );
                }
                Err(error) => self.outcome.could_not_read(shown.clone(), &error),
            }
        }
    }

    fn document(&mut self, file: &str, number: usize, raw: anyhow::Result<&RawValue>) {
        let place = Place {
            file: file.to_owned(),
            document: number + 1,
        };
        let done = raw.and_then(|raw| self.object(&place, raw, None));
        if let Err(error) = done {
            let what = format!("{file}, document {}", place.document);
            self.outcome.could_not_read(what, &error);
        }
    }

    /// An object, or a list of objects, which say of what kind they are where the list does not.
    fn object(
        &mut self,
        place: &Place,
        raw: &RawValue,
        of_list: Option<(&str, &str)>,
    ) -> anyhow::Result<()> {
        // what is no map, or is called by no text, is no object
        let Ok(head) = serde_json::from_str::<Head<'_>>(raw.get()) else {
            return Ok(());
        };
        let (api_version, kind) = match of_list {
            Some((api_version, kind)) if head.kind.is_empty() => (api_version, kind),
            _ => (&*head.api_version, &*head.kind),
        };
        if kind == "AdmissionReview" {
            bail!("an AdmissionReview is no object of a cluster: distrogate replay answers it");
        }
        if let (Some(item), Some(items)) = (kind.strip_suffix("List"), head.items) {
            if of_list.is_some() {
                bail!("a list in a list, which kubectl never prints");
            }
            let items: Vec<&RawValue> = serde_json::from_str(items.get())
                .map_err(|_| anyhow::anyhow!("items is no list"))?;
            for object in items {
                self.object(place, object, Some((api_version, item)))?;
            }
            return Ok(());
        }
        if kind.is_empty() {
            return Ok(());
        }
        let metadata = head
            .metadata
            .and_then(|raw| serde_json::from_str(raw.get()).ok());
        let Metadata { name, namespace } = metadata.unwrap_or_default();
        if !self.namespaces.is_empty() && !self.namespaces.iter().any(|one| *one == namespace) {
            return Ok(());
        }
        let encoded = match head.string_data {
            Some(_) => {
                let mut object: Value = serde_json::from_str(raw.get()).context("not JSON")?;
                objects::encode_string_data(kind, &mut object);
                Cow::Owned(to_raw_value(&object)?)
            }
            None => Cow::Borrowed(raw),
        };
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = GroupVersionKind {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
        };
        let judged = self
            .judge
            .judge(Some(place), kind, (&namespace, &name), &encoded);
        self.progress.one();
        self.outcome.take(judged);
        Ok(())
    }
}
