//! `distrogate defaults remove`: takes the defaults that are ours out of manifests.
//!
//! For manifests that were read back from a cluster, before they go into Git: what the annotation
//! lists and still has its value goes, with the annotation. The text is edited in place.

use std::fs;
use std::path::{Path as FilePath, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::{objects, output};
use crate::carrier::{self, Carried, Carrier, Encoding, Roads, Seen};
use crate::defaults::{Claims, Record};
use crate::values::{Change, Limits, Path, edit, edit_all, read_yaml};

/// The arguments of `defaults`.
#[derive(Args, Clone, Debug)]
pub struct DefaultsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DefaultsCommand,
}

/// The commands of `defaults`.
#[derive(Clone, Debug, Subcommand)]
pub enum DefaultsCommand {
    /// Take the defaults that distrogate put in out of manifests
    ///
    /// What the annotation distrogate.io/defaults lists goes, unless somebody has changed it
    /// since; everything else stays as it is. Prints the manifests, or writes them back with
    /// --in-place.
    Remove(RemoveArgs),
}

/// The arguments of `defaults remove`.
#[derive(Args, Clone, Debug)]
pub struct RemoveArgs {
    /// Manifests in YAML or JSON, several documents a file
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Write the files back instead of printing them
    #[arg(long)]
    pub in_place: bool,
}

/// Runs `defaults`.
pub fn run(args: &DefaultsArgs) -> anyhow::Result<()> {
    let DefaultsCommand::Remove(RemoveArgs { files, in_place }) = &args.command;
    for file in files {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let without = remove_from_file(&text).with_context(|| file.display().to_string())?;
        if !in_place {
            output::print(&without)?;
        } else if without != text {
            write(file, &without).with_context(|| file.display().to_string())?;
        }
    }
    Ok(())
}

/// All or nothing: a file is never left half-written.
fn write(file: &FilePath, text: &str) -> anyhow::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".distrogate");
    fs::write(&beside, text)?;
    fs::set_permissions(&beside, fs::metadata(file)?.permissions())?;
    fs::rename(&beside, file)?;
    Ok(())
}

/// Each document by itself; what separates them stays.
fn remove_from_file(text: &str) -> anyhow::Result<String> {
    let mut result = String::new();
    for (number, document) in objects::yaml_documents(text).iter().enumerate() {
        result.push_str(document.separator.unwrap_or_default());
        let without = remove_from_document(&document.text)
            .with_context(|| format!("document {}", number + 1))?;
        result.push_str(&without);
    }
    Ok(result)
}

fn remove_from_document(text: &str) -> anyhow::Result<String> {
    let read = read_yaml(text.as_bytes(), &Limits::VALUES).map_err(|error| {
        let at = error
            .at
            .map_or_else(String::new, |at| format!("line {}: ", at.line));
        anyhow::anyhow!("{at}{error}")
    })?;
    let object = read.root.to_json();
    if object.pointer("/kind").and_then(Value::as_str) == Some("List") {
        bail!("a List is not looked into: give its objects one by one");
    }
    let raw = to_raw_value(&object)?;
    let request = objects::request(&object);
    let roads = Roads::default();
    let seen = Seen {
        namespace: &request.namespace,
        known: true,
        roads: &roads,
        budget: &Rc::default(),
    };
    let configs = Carrier::of(&request.kind, &roads)
        .into_iter()
        .map(|carrier| carrier.configs(&raw, seen).configs)
        .find(|configs| !configs.is_empty());
    let (Some(record), Some(configs)) = (carrier::record(&raw), configs) else {
        return Ok(text.to_owned());
    };
    let record = Record::parse(&record);
    let mut changes = Vec::new();
    let mut text = text.to_owned();
    for config in configs {
        let claims = record.claims(&config.record_key);
        changes.extend(removals(&raw, &config, &claims)?);
    }
    changes.push((carrier::record_path(), Change::Remove));
    let mut others = Vec::new();
    for (path, change) in changes {
        match replace_literal(&text, &path, &change) {
            Some(replaced) => text = replaced,
            None => others.push((path, change)),
        }
    }
    Ok(edit_all(&text, &others)?)
}

/// The document with other lines in a block scalar (`values: |`), where that is what stands at a
/// path. The outcome is read again: the editor does what this cannot.
fn replace_literal(document: &str, path: &Path, change: &Change) -> Option<String> {
    let Change::Set(Value::String(new)) = change else {
        return None;
    };
    let keys = path.as_keys()?;
    let read = |text: &str| read_yaml(text.as_bytes(), &Limits::VALUES).ok();
    let before = read(document)?.root;
    let scalar = before.get(keys.iter().copied())?;
    let (old, header) = (scalar.as_str()?, scalar.at?.line);
    let lines: Vec<&str> = document.split_inclusive('\n').collect();
    if !lines.get(header - 1)?.trim_end().ends_with(['|', '-', '+']) {
        return None;
    }
    let first = lines
        .iter()
        .skip(header)
        .find(|line| !line.trim().is_empty())?;
    let indent: String = first.chars().take_while(|c| *c == ' ').collect();
    let indented = new.split_inclusive('\n').map(|line| match line.trim_end() {
        "" => line.to_owned(),
        _ => format!("{indent}{line}"),
    });
    let text: String = lines
        .iter()
        .take(header)
        .map(|line| (*line).to_owned())
        .chain(indented)
        .chain(
            lines
                .iter()
                .skip(header + old.lines().count())
                .map(|line| (*line).to_owned()),
        )
        .collect();
    let after = read(&text)?.root;
    let mut wanted = before.to_json();
    let mut place = &mut wanted;
    for key in &keys {
        place = place.get_mut(*key)?;
    }
    *place = Value::String(new.clone());
    (after.to_json() == wanted).then_some(text)
}

/// What goes out of one config.
fn removals(
    object: &RawValue,
    config: &Carried<'_>,
    claims: &Claims,
) -> anyhow::Result<Vec<(Path, Change)>> {
    let Some(edit_at) = &config.edit_at else {
        return Ok(Vec::new());
    };
    let value = carrier::value_at(object, &edit_at.at);
    let (values, text) = match (edit_at.encoding, &value) {
        (Encoding::Object, value) => (value.clone(), None),
        // what Helm rendered has no record
        (Encoding::InitContainers | Encoding::Base64Yaml, _) => return Ok(Vec::new()),
        (_, Value::String(text)) => (
            read_yaml(text.as_bytes(), &Limits::VALUES)?.root.to_json(),
            Some(text),
        ),
        _ => return Ok(Vec::new()),
    };
    let ours = claims.iter().filter(|(path, claimed)| {
        let mut place = Some(&values);
        for key in path.as_keys().unwrap_or_default() {
            place = place.and_then(|place| place.get(key));
        }
        place == Some(*claimed)
    });
    let Some(text) = text else {
        return Ok(ours
            .map(|(path, _)| (edit_at.at.join(path), Change::Remove))
            .collect());
    };
    let mut without = text.clone();
    for (path, _) in ours {
        without = edit(&without, path, &Change::Remove)?;
    }
    if without == *text {
        return Ok(Vec::new());
    }
    if edit_at.at.as_keys().is_none() {
        bail!("{}: text in a list is not edited", edit_at.at);
    }
    Ok(vec![(
        edit_at.at.clone(),
        Change::Set(Value::String(without)),
    )])
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"# ours and theirs
apiVersion: infrastructure.cluster.x-k8s.io/v1alpha1
kind: VCluster
metadata:
  name: dev
  annotations:
    # who to ask
    owner: team-a
    distrogate.io/defaults: '{"":{"controlPlane.distro.k8s.image.tag":"v1.34.0","controlPlane.distro.k8s.version":"v1"}}'
spec:
  helmRelease:
    values: |
      # keep this
      controlPlane:
        distro:
          k8s:
            enabled: true # and this
            image:
              tag: v1.34.0

            version: v2

      sync: {}
    chart: {version: 0.30.4}
---
# untouched
kind: Secret
"#;

    #[test]
    fn ours_goes_and_everything_else_stays_as_it_is() {
        let without = remove_from_file(MANIFEST).unwrap();
        let gone = [
            "    distrogate.io/defaults: ",
            "            image:",
            "              tag: v1.34.0",
        ];
        let expected: String = MANIFEST
            .split_inclusive('\n')
            .filter(|line| !gone.iter().any(|gone| line.starts_with(gone)))
            .collect();
        assert_eq!(without, expected);
        assert_eq!(remove_from_file(&without).unwrap(), without);
    }

    #[test]
    fn values_that_are_an_object_are_edited_in_the_manifest_itself() {
        let manifest = r#"{"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
"metadata": {"name": "dev", "annotations": {"distrogate.io/defaults": "{\"\":{\"controlPlane.distro.k8s.image.tag\":\"v1.34.0\"}}"}},
"spec": {"chart": {"spec": {"chart": "vcluster"}}, "values": {"controlPlane": {"distro": {"k8s": {"enabled": true, "image": {"tag": "v1.34.0"}}}}}}}
"#;
        let without = remove_from_file(manifest).unwrap();
        let read = read_yaml(without.as_bytes(), &Limits::VALUES).unwrap().root;
        let distro = read
            .get(["spec", "values", "controlPlane", "distro", "k8s"])
            .unwrap();
        assert_eq!(distro.to_json(), serde_json::json!({"enabled": true}));
        assert!(!without.contains("distrogate.io"), "{without}");
    }

    #[test]
    fn a_manifest_that_cannot_be_read_is_named() {
        let error = remove_from_file("a: 1\n---\nb: [\n").unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "document 2: line 1: unclosed bracket '['"
        );
    }
}
