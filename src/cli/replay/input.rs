//! Finding and reading recorded reviews.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::facts;
use crate::cli::objects;

/// Names that stand beside a review and are none.
const NOT_REVIEWS: [&str; 3] = ["response.json", "policy.yaml", facts::FILE];

/// The files that some paths name: a folder stands for all `.json`, `.yaml` and `.yml` in it.
pub(super) fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    objects::files(paths, &NOT_REVIEWS)
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
