//! Finding and reading recorded reviews.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::objects;

/// Names that stand beside a review and are none.
const NOT_REVIEWS: [&str; 2] = ["response.json", "policy.yaml"];

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
    let text = objects::read(file)?;
    let reviews = if objects::is_json(&text) {
        objects::json_documents(&text)
    } else {
        read_documents(&text)
    };
    let reviews = reviews.with_context(|| shown.to_string())?;
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

/// YAML documents, each as JSON; those that hold nothing are none.
fn read_documents(text: &str) -> anyhow::Result<Vec<String>> {
    let mut reviews = Vec::new();
    for (number, document) in objects::yaml_documents(text).iter().enumerate() {
        let json = objects::read_document(number, &document.text)?.to_json();
        if !json.is_null() {
            reviews.push(json.to_string());
        }
    }
    Ok(reviews)
}
