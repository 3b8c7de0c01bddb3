//! What is sent: reviews of the fixtures, and large ones made of them.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

/// How long an answer is waited for; the request says so, too. The default of a webhook.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

const DOCUMENTED: &str = include_str!("../fixtures/helmrelease-documented-k8s-0.20/request.json");
const TWO_DISTROS: &str =
    include_str!("../fixtures/helmrelease-two-distros-k3s-k8s-0.30/request.json");

/// A small review that is allowed.
pub(crate) fn small() -> Vec<u8> {
    post(DOCUMENTED, TIMEOUT)
}

/// A small review that the built-in policy denies, with `only-one-distro` alone.
pub(crate) fn two_distros() -> Vec<u8> {
    post(TWO_DISTROS, TIMEOUT)
}

/// A small review with an answer of so many bytes.
pub(crate) fn with_long_answer(bytes: usize) -> anyhow::Result<Vec<u8>> {
    let mut review: Value = serde_json::from_str(DOCUMENTED)?;
    *part(&mut review, "/request/uid")? = json!("u".repeat(bytes));
    Ok(post(&review.to_string(), TIMEOUT))
}

/// A large review of so many bytes, most of them in an annotation, which nobody has to understand:
/// the time goes by in carrying and reading it.
pub(crate) fn large(bytes: usize, timeout: Duration) -> anyhow::Result<Vec<u8>> {
    let mut review: Value = serde_json::from_str(DOCUMENTED)?;
    let metadata = part(&mut review, "/request/object/metadata")?;
    let metadata = metadata.as_object_mut().context("another fixture")?;
    metadata.insert(
        "annotations".to_owned(),
        json!({"example.com/notes": "n".repeat(bytes)}),
    );
    Ok(post(&review.to_string(), timeout))
}

/// Whether the answer allows the request.
pub(crate) fn is_allowed(body: &[u8]) -> anyhow::Result<bool> {
    let answer: Value = serde_json::from_slice(body)?;
    let allowed = answer.pointer("/response/allowed").and_then(Value::as_bool);
    allowed.context("an answer without response.allowed")
}

fn part<'a>(review: &'a mut Value, pointer: &str) -> anyhow::Result<&'a mut Value> {
    review.pointer_mut(pointer).context("another fixture")
}

fn post(body: &str, timeout: Duration) -> Vec<u8> {
    format!(
        "POST /validate?timeout={}s HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        timeout.as_secs(),
        body.len(),
    )
    .into_bytes()
}
