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
use crate::text::printable;

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

/// How much of a file's name is shown: whoever wrote the file may have named it.
const SHOWN: usize = 512;
/// Neither kubectl nor a dump has such.
const NESTED: &str = "a list in a list, which kubectl never prints";

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
    api_version: Option<Cow<'o, str>>,
    #[serde(borrow, default)]
    kind: Option<Cow<'o, str>>,
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
    name: Option<Cow<'o, str>>,
    #[serde(borrow, default)]
    namespace: Option<Cow<'o, str>>,
}

impl Scan<'_> {
    fn file(&mut self, file: &Path) {
        let shown = match file.display().to_string() {
            stdin if stdin == "-" => "standard input".to_owned(),
            shown => printable(&shown, SHOWN),
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
        let done = raw.and_then(|raw| {
            if raw.get().starts_with('[') {
                self.items(&place, raw, ("", ""))
            } else {
                self.object(&place, raw, None)
            }
        });
        if let Err(error) = done {
            let what = format!("{file}, document {}", place.document);
            self.outcome.could_not_read(what, &error);
        }
    }

    /// The objects of a list. What cannot be read is told, and the rest goes on.
    fn items(&mut self, place: &Place, raw: &RawValue, of: (&str, &str)) -> anyhow::Result<()> {
        let items: Vec<&RawValue> =
            serde_json::from_str(raw.get()).map_err(|_| anyhow::anyhow!("items is no list"))?;
        for (number, object) in items.into_iter().enumerate() {
            if let Err(error) = self.object(place, object, Some(of)) {
                let Place { file, document } = place;
                let what = format!("{file}, document {document}, item {}", number + 1);
                self.outcome.could_not_read(what, &error);
            }
        }
        Ok(())
    }

    /// An object, or a list of objects, which say of what kind they are where the list does not.
    fn object(
        &mut self,
        place: &Place,
        raw: &RawValue,
        of_list: Option<(&str, &str)>,
    ) -> anyhow::Result<()> {
        let is_in_list = of_list.is_some();
        if is_in_list && raw.get().starts_with('[') {
            bail!(NESTED);
        }
        // what is no map is no object
        if !raw.get().starts_with('{') {
            return Ok(());
        }
        let Ok(head) = serde_json::from_str::<Head<'_>>(raw.get()) else {
            // nor is what is called by no text
            let read: Value = serde_json::from_str(raw.get()).context("not JSON")?;
            let of_list = of_list.map_or("", |(_, kind)| kind);
            if read
                .get("kind")
                .map_or(!of_list.is_empty(), Value::is_string)
            {
                bail!("apiVersion has to be a text, and each field there once");
            }
            return Ok(());
        };
        let (api_version, kind) = (&head.api_version, &head.kind);
        let (api_version, kind) = (api_version.as_deref(), kind.as_deref());
        let (api_version, kind) = match (kind.unwrap_or_default(), of_list) {
            ("", Some(of_list)) => of_list,
            (kind, _) => (api_version.unwrap_or_default(), kind),
        };
        if kind == "AdmissionReview" {
            bail!("an AdmissionReview is no object of a cluster: distrogate replay answers it");
        }
        if kind.is_empty() {
            return Ok(());
        }
        // kubectl takes whatever has items for a list, of whatever kind it says that it is
        if let Some(items) = head.items {
            if is_in_list {
                bail!(NESTED);
            }
            let item = kind.strip_suffix("List");
            self.items(place, items, (api_version, item.unwrap_or(kind)))?;
            if item.is_some() {
                return Ok(());
            }
        }
        let metadata: Option<Metadata<'_>> = match head.metadata {
            None => None,
            Some(raw) => serde_json::from_str(raw.get()).map_err(|_| {
                anyhow::anyhow!("metadata: name and namespace have to be texts, each there once")
            })?,
        };
        let Metadata { name, namespace } = metadata.unwrap_or_default();
        let (name, namespace) = (name.unwrap_or_default(), namespace.unwrap_or_default());
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
