//! What is sent: reviews of the fixtures, and large ones made of them.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// How long an answer is waited for; the request says so, too. The default of a webhook.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

const DOCUMENTED: &str = include_str!("../fixtures/helmrelease-documented-k8s-0.20/request.json");
const MERGED: &str = include_str!("../fixtures/secret-untouched-annotate/request.json");
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

/// A review of about so many bytes: the merged values of a virtual cluster before and after a
/// change, most of them environment variables.
pub(crate) fn large(bytes: usize, timeout: Duration) -> anyhow::Result<Vec<u8>> {
    let mut review: Value = serde_json::from_str(MERGED)?;
    for (object, end) in [("object", "# a change\n"), ("oldObject", "")] {
        let text = part(&mut review, &format!("/request/{object}/data/config.yaml"))?;
        let values = STANDARD.decode(text.as_str().context("another fixture")?)?;
        let values = String::from_utf8(values)?;
        let (before, after) = values
            .split_once("\n      env: []\n")
            .context("another fixture")?;
        let mut values = format!("{before}\n      env:\n");
        // Base64 makes four of three, and there are two such texts.
        for number in 0.. {
            if values.len() + after.len() >= bytes * 3 / 8 {
                break;
            }
            writeln!(values, "        - name: SETTING_{number}")?;
            writeln!(values, "          value: \"{number}\"")?;
        }
        *text = json!(STANDARD.encode(values + after + end));
    }
    Ok(post(&review.to_string(), timeout))
}

/// A large review that is as cheap as can be: most of its bytes are an annotation, which nobody has
/// to understand. The time goes by in carrying and reading it.
pub(crate) fn hollow(bytes: usize, timeout: Duration) -> anyhow::Result<Vec<u8>> {
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
