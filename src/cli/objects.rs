//! Reading objects from files: documents one after another, and what the API server would ask
//! about each.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::admission::{GroupVersionKind, Request};
use crate::values::{Limits, Node, read_yaml};

/// The bounds of an object in YAML: the API server sends at most 7 MiB.
const LIMITS: Limits = Limits {
    bytes: 7 * 1_024 * 1_024,
    scalar_bytes: 7 * 1_024 * 1_024,
    ..Limits::VALUES
};

/// One of the YAML documents of a text.
#[derive(Debug)]
pub(super) struct Document<'t> {
    /// The line that parts it from the one before.
    pub(super) separator: Option<&'t str>,
    /// How many lines of the text stand above it.
    pub(super) lines_above: usize,
    /// The document.
    pub(super) text: String,
}

/// The files that some paths name: a folder stands for all `.json`, `.yaml` and `.yml` in it, but
/// not for those of certain names.
pub(super) fn files(paths: &[PathBuf], but: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let first = files.len();
            walk(path, but, &mut files)?;
            if files.len() == first {
                anyhow::bail!("{}: no .json, .yaml or .yml file in it", path.display());
            }
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// The text of a file; - is standard input.
pub(super) fn read(file: &Path) -> anyhow::Result<String> {
    if file != Path::new("-") {
        return std::fs::read_to_string(file).with_context(|| file.display().to_string());
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("standard input")?;
    Ok(text)
}

/// Whether a text is JSON rather than any other YAML.
pub(super) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// One JSON document after another, each byte for byte.
pub(super) fn json_documents(text: &str) -> anyhow::Result<Vec<String>> {
    serde_json::Deserializer::from_str(text)
        .into_iter::<Box<RawValue>>()
        .map(|document| Ok(document.context("not JSON")?.get().to_owned()))
        .collect()
}

/// YAML documents, separated as Kubernetes' tools separate them: by lines that begin with `---`.
pub(super) fn yaml_documents(text: &str) -> Vec<Document<'_>> {
    let document = |separator, lines_above| Document {
        separator,
        lines_above,
        text: String::new(),
    };
    let mut documents = vec![document(None, 0)];
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if line.starts_with("---") {
            documents.push(document(Some(line), number + 1));
        } else if let Some(last) = documents.last_mut() {
            last.text.push_str(line);
        }
    }
    documents
}

/// Reads a YAML document; `number` is told from 0.
pub(super) fn read_document(number: usize, text: &str) -> anyhow::Result<Node> {
    let read = read_yaml(text.as_bytes(), &LIMITS).map_err(|error| {
        let at = error
            .at
            .map_or_else(String::new, |at| format!(", line {}", at.line));
        anyhow::anyhow!("YAML document {}{at}: {error}", number + 1)
    })?;
    Ok(read.root)
}

/// An object as the API server would ask about it.
pub(super) fn request(object: &Value) -> Request<'_> {
    let text = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (group, version) = text("/apiVersion")
        .split_once('/')
        .unwrap_or(("", text("/apiVersion")));
    Request::about(
        GroupVersionKind {
            group: group.into(),
            version: version.into(),
            kind: text("/kind").into(),
        },
        text("/metadata/namespace"),
        text("/metadata/name"),
    )
}

/// The API server keeps a Secret's `stringData` as `data`, before anybody is asked.
pub(super) fn encode_string_data(kind: &str, object: &mut Value) {
    if kind != "Secret" {
        return;
    }
    let Some(map) = object.as_object_mut() else {
        return;
    };
    let Some(Value::Object(texts)) = map.remove("stringData") else {
        return;
    };
    let data = map.entry("data").or_insert(Value::Null);
    if data.is_null() {
        *data = Value::Object(serde_json::Map::new());
    }
    if let Some(data) = data.as_object_mut() {
        for (key, text) in texts {
            if let Value::String(text) = text {
                data.insert(key, STANDARD.encode(text).into());
            }
        }
    }
}

fn walk(folder: &Path, but: &[&str], files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let shown = folder.display();
    let mut entries = std::fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| shown.to_string())?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry
            .file_type()
            .with_context(|| path.display().to_string())?;
        let is_wanted = path.extension().is_some_and(|extension| {
            ["json", "yaml", "yml"]
                .iter()
                .any(|known| extension == *known)
        }) && !but.iter().any(|name| entry.file_name() == *name);
        // a mounted ConfigMap links from here to its files
        let is_kubelets = entry.file_name().to_string_lossy().starts_with("..");
        if is_kubelets {
            continue;
        }
        if kind.is_dir() {
            walk(&path, but, files)?;
        } else if is_wanted {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_keep_what_parts_them_and_their_lines() {
        let text = "# first\na: 1\n--- # second\nb: 1\n---\n";
        let documents = yaml_documents(text);
        let told: Vec<_> = documents
            .iter()
            .map(|one| (one.separator, one.lines_above, &*one.text))
            .collect();
        assert_eq!(
            told,
            [
                (None, 0, "# first\na: 1\n"),
                (Some("--- # second\n"), 3, "b: 1\n"),
                (Some("---\n"), 5, ""),
            ],
        );
        let whole: String = documents
            .iter()
            .flat_map(|one| [one.separator.unwrap_or_default(), &one.text])
            .collect();
        assert_eq!(whole, text);
    }

    #[test]
    fn an_object_is_asked_about_by_its_own_words() {
        let object = serde_json::json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "dev"},
        });
        let asked = request(&object);
        assert_eq!((&*asked.kind.group, &*asked.kind.version), ("apps", "v1"));
        assert_eq!((&*asked.namespace, &*asked.name), ("", "dev"));
    }
}
