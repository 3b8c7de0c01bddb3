//! The manifests of `deploy/`, built by kustomize and bent for a test.
//!
//! A test server runs beside the API server, not behind a Service, and the API
//! server may be older than what the manifests are written for. [`adapt`] is the
//! one place that knows both.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use distrogate::values::{Limits, read_yaml};
use serde_json::{Deserializer, Value, json};

use super::kubectl::Kubectl;

/// The first minor version that knows `matchConditions` without a feature gate.
pub(crate) const MATCH_CONDITIONS: u32 = 28;

/// The first minor version with `policy/v1`.
const POLICY_V1: u32 = 21;

/// What it is before.
const POLICY_V1BETA1: &str = "policy/v1beta1";

/// Where the webhooks are, and who has to understand the manifests.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    /// `https://127.0.0.1:PORT`.
    pub(crate) url: &'a str,
    /// The CA that signed the certificate there, PEM.
    pub(crate) ca: &'a Path,
    /// The API server's minor version.
    pub(crate) minor_version: u32,
}

/// All objects that `kubectl kustomize DIR` prints.
pub(crate) fn build(kubectl: &Kubectl, dir: &Path) -> Vec<Value> {
    let dir = dir.to_str().expect("a path in UTF-8");
    let yaml = kubectl.must(&["kustomize", dir], "");
    // Takes nothing away that is there: this only turns YAML into JSON, offline,
    // for kinds that kubectl has never heard of too.
    let json = kubectl.must(
        &["annotate", "--local", "-o", "json", "-f", "-", "none-"],
        &yaml,
    );
    Deserializer::from_str(&json)
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("kubectl's own JSON")
}

/// Makes the objects fit: webhooks point at `target`, and what its API server is
/// too old for is taken out or said in the older way.
pub(crate) fn adapt(objects: &mut [Value], target: &Target<'_>) {
    let ca_bundle = STANDARD.encode(fs::read(target.ca).expect("the CA's certificate"));
    for object in objects.iter_mut() {
        for webhook in webhooks(object) {
            let path = text(webhook, "/clientConfig/service/path");
            let url = format!("{}{path}", target.url);
            set(
                webhook,
                "clientConfig",
                json!({"url": url, "caBundle": ca_bundle}),
            );
        }
    }
    adapt_to(objects, target.minor_version);
}

/// The second half of it alone: webhooks point where they did.
pub(crate) fn adapt_to(objects: &mut [Value], minor_version: u32) {
    for object in objects {
        let kind = object
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if kind == "PodDisruptionBudget" && minor_version < POLICY_V1 {
            set(object, "apiVersion", json!(POLICY_V1BETA1));
        }
        for webhook in webhooks(object) {
            if minor_version < MATCH_CONDITIONS {
                remove(webhook, "matchConditions");
            }
        }
    }
}

/// A copy of our chart in `dir`, which Helm can install at such an API server.
pub(crate) fn chart(dir: &Path, minor_version: u32) -> PathBuf {
    let copied = dir.join("chart");
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/chart"),
        &copied,
    );
    let edit = |name: &str, edit: &dyn Fn(&str) -> String| {
        let path = copied.join(name);
        let text = fs::read_to_string(&path).expect("a file of our chart");
        fs::write(path, edit(&text)).expect("a file in our own folder");
    };
    if minor_version < MATCH_CONDITIONS {
        edit("Chart.yaml", &|text| {
            let lines = text
                .lines()
                .filter(|line| !line.starts_with("kubeVersion:"));
            lines.collect::<Vec<_>>().join("\n")
        });
        edit("files/validating-webhook.yaml", &|text| {
            let read = read_yaml(text.as_bytes(), &Limits::VALUES).expect("our own file");
            let mut objects = [read.root.to_json()];
            adapt_to(&mut objects, minor_version);
            objects.map(|object| object.to_string()).concat()
        });
    }
    if minor_version < POLICY_V1 {
        edit("templates/poddisruptionbudget.yaml", &|text| {
            text.replace("policy/v1", POLICY_V1BETA1)
        });
    }
    copied
}

/// A folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder of our own");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("its entries");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("what it is").is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

fn webhooks(object: &mut Value) -> impl Iterator<Item = &mut Value> {
    object
        .get_mut("webhooks")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

/// Objects as one `List` for `kubectl apply -f -`.
pub(crate) fn list(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}

/// The text at a JSON pointer.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text at {pointer} in {value:#}"))
}

fn set(object: &mut Value, key: &str, value: Value) {
    let object = object.as_object_mut().expect("a JSON object");
    object.insert(key.to_owned(), value);
}

fn remove(object: &mut Value, key: &str) {
    object.as_object_mut().expect("a JSON object").remove(key);
}
