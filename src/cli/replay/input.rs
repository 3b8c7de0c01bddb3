//! Finding and reading recorded reviews.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::value::RawValue;

use crate::values::{Limits, read_yaml};

/// Names that stand beside a review and are none.
const NOT_REVIEWS: [&str; 2] = ["response.json", "policy.yaml"];

/// The bounds of a recorded review in YAML: the API server sends at most 7 MiB.
const LIMITS: Limits = Limits {
    bytes: 7 * 1_024 * 1_024,
    scalar_bytes: 7 * 1_024 * 1_024,
    ..Limits::VALUES
};

/// The files that some paths name: a folder stands for all `.json`, `.yaml` and `.yml` in it.
pub(super) fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let first = files.len();
            walk(path, &mut files)?;
            if files.len() == first {
                anyhow::bail!("{}: no .json, .yaml or .yml file in it", path.display());
            }
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// The reviews in a file, each as JSON.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<String>> {
    let shown = file.display();
    let text = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("standard input")?;
        text
    } else {
        std::fs::read_to_string(file).with_context(|| shown.to_string())?
    };
    let reviews = if text.trim_start().starts_with(['{', '[']) {
        read_json(&text).with_context(|| shown.to_string())?
    } else {
        read_documents(&text).with_context(|| shown.to_string())?
    };
    if reviews.is_empty() {
        anyhow::bail!("{shown}: empty");
    }
    Ok(reviews)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
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
        let is_review = path.extension().is_some_and(|extension| {
            ["json", "yaml", "yml"]
                .iter()
                .any(|known| extension == *known)
        }) && !NOT_REVIEWS.iter().any(|name| entry.file_name() == *name);
        if kind.is_dir() {
            walk(&path, files)?;
        } else if is_review {
            files.push(path);
        }
    }
    Ok(())
}

/// One JSON document after another, each byte for byte.
fn read_json(text: &str) -> anyhow::Result<Vec<String>> {
    serde_json::Deserializer::from_str(text)
        .into_iter::<Box<RawValue>>()
        .map(|document| Ok(document.context("not JSON")?.get().to_owned()))
        .collect()
}

/// YAML documents, separated as Kubernetes' tools separate them: by lines that begin with `---`.
fn read_documents(text: &str) -> anyhow::Result<Vec<String>> {
    let mut documents = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut() {
            document.push_str(line);
        }
    }
    let mut reviews = Vec::new();
    for (number, document) in documents.iter().enumerate() {
        let read = read_yaml(document.as_bytes(), &LIMITS).map_err(|error| {
            let at = error
                .at
                .map_or_else(String::new, |at| format!(", line {}", at.line));
            anyhow::anyhow!("YAML document {}{at}: {error}", number + 1)
        })?;
        let json = read.root.to_json();
        if !json.is_null() {
            reviews.push(json.to_string());
        }
    }
    Ok(reviews)
}
