//! Every way around the carriers: the tables in `tests/data/roads/`, one file per carrier.
//!
//! A file has a `base` object, `around` (each row enables a second distro or changes the distro)
//! and `legitimate`. A row's `old` and `new` are merge patches (RFC 7386) over the base; without
//! `old` the object is new. `<null>` and `<empty>` stand for null and an empty map, which
//! a merge patch cannot set. What a Secret
//! or `binaryData` holds is written in plain and encoded here. `policy` is the policy's `spec`.
//!
//! `expect` is one of
//! - `refused RULE FIELD` and `warned RULE FIELD`: a finding, and where it points to;
//! - `told TEXT`: words of a remark in the answer's warnings;
//! - `allowed`, `patched` (with defaults), `unchanged`, `not-ours`: without a single warning.

use std::collections::BTreeSet;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use distrogate::admission::Endpoint;
use distrogate::gate::{Decision, Verdict};
use distrogate::policy::{Action, Policy};
use distrogate::values::{Limits, NoteKind, read_yaml};
use distrogate::vcluster::Catalogue;
use serde_json::{Value, json};

use crate::support::{envelope, file, patched, review};

/// What a row of the tables says.
struct Row {
    name: String,
    request: String,
    policy: Policy,
    expect: String,
}

#[test]
fn nothing_gets_around_a_carrier_in_silence() {
    let rows = rows("around");
    let mut wrong = Vec::new();
    for row in &rows {
        let loud = ["refused ", "warned ", "told "];
        assert!(
            loud.iter().any(|word| row.expect.starts_with(word)),
            "{}: a way around has to be refused, warned of or told",
            row.name
        );
        wrong.extend(row.check());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows.len() >= 80, "{} rows", rows.len());
}

#[test]
fn what_is_legitimate_is_let_through() {
    let rows = rows("legitimate");
    let mut wrong = Vec::new();
    for row in &rows {
        assert!(!row.expect.starts_with("refused "), "{}", row.name);
        wrong.extend(row.check());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows.len() >= 40, "{} rows", rows.len());
}

impl Row {
    /// What is not as expected. Every row goes the API server's way: the defaults first, then the
    /// judgement of the object with them, and nothing more to put in when it is asked again.
    fn check(&self) -> Option<String> {
        let (mutated, response) = review(&self.request, Endpoint::Mutate, &self.policy);
        let after = patched(&self.request, &response);
        let (again, _) = review(&after, Endpoint::Mutate, &self.policy);
        let (judged, answer) = review(&after, Endpoint::Validate, &self.policy);
        let warnings = [&response, &answer].map(|response| {
            let list = response["warnings"].as_array();
            list.map_or(0, Vec::len)
        });
        let quiet = warnings == [0, 0];
        let as_expected = match self.expect.split_once(' ') {
            Some(("told", text)) => {
                judged.decision != Decision::Denied
                    && warnings[1] > 0
                    && judged.remarks.iter().any(|remark| remark.contains(text))
            }
            Some((word, finding)) => {
                let (decision, action) = match word {
                    "refused" => (Decision::Denied, Action::Deny),
                    "warned" => (Decision::Allowed, Action::Warn),
                    _ => panic!("{}: {word}", self.name),
                };
                let findings = judged.findings().filter(|found| found.action == action);
                let mut findings =
                    findings.map(|found| format!("{} {}", found.rule, found.place.field()));
                judged.decision == decision && findings.any(|found| found == finding)
            }
            None => {
                let decision = match &*self.expect {
                    "allowed" => (Decision::Allowed, Decision::Allowed),
                    "patched" => (Decision::Patched, Decision::Allowed),
                    "unchanged" => (Decision::Unchanged, Decision::Unchanged),
                    "not-ours" => (Decision::NotOurs, Decision::NotOurs),
                    word => panic!("{}: {word}", self.name),
                };
                quiet && (mutated.decision, judged.decision) == decision
            }
        };
        let is_stable = again.patch.0.is_empty();
        (!as_expected || !is_stable).then(|| {
            let more = if is_stable {
                ""
            } else {
                ", and gets more when asked again"
            };
            format!(
                "{}: expected {}, is{more}\n{}",
                self.name,
                self.expect,
                shown(&mutated, &judged)
            )
        })
    }
}

/// Both verdicts, for whoever has to find out what went wrong.
fn shown(mutated: &Verdict, judged: &Verdict) -> String {
    let mut lines = format!("  {:?}, {:?}", mutated.decision, judged.decision);
    for remark in mutated.remarks.iter().chain(&judged.remarks) {
        lines.push_str(&format!("\n  told {remark}"));
    }
    for found in judged.findings() {
        let (action, rule, place) = (found.action, found.rule, found.place.field());
        lines.push_str(&format!("\n  {action} {rule} {place}: {}", found.message));
    }
    lines
}

/// The rows of one list of every table.
fn rows(list: &str) -> Vec<Row> {
    let mut paths: Vec<_> = fs::read_dir(file("tests/data/roads"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut names = BTreeSet::new();
    let mut rows = Vec::new();
    for path in paths {
        let text = fs::read(&path).unwrap();
        let read = read_yaml(&text, &Limits::VALUES);
        let table = read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for note in &table.notes {
            let twice = matches!(note.kind, NoteKind::Duplicate { .. });
            assert!(
                !twice,
                "{}, line {}: a key is there twice",
                path.display(),
                note.at.line
            );
        }
        let table = table.root.to_json();
        let carrier = path.file_stem().unwrap().to_string_lossy();
        for row in table[list].as_array().into_iter().flatten() {
            let name = format!("{carrier}: {}", row["name"].as_str().unwrap());
            assert!(names.insert(name.clone()), "{name} is there twice");
            rows.push(read_row(name, &table["base"], row));
        }
    }
    rows
}

fn read_row(name: String, base: &Value, row: &Value) -> Row {
    for key in row.as_object().unwrap().keys() {
        let known = ["name", "old", "new", "policy", "expect"];
        assert!(known.contains(&&**key), "{name}: {key}");
    }
    let object = |patch: &Value| {
        let mut object = base.clone();
        json_patch::merge(&mut object, patch);
        encode(&mut object);
        object
    };
    let old = row.get("old").map(object);
    let new = object(row.get("new").unwrap_or(&json!({})));
    let policy = row.get("policy").map_or_else(Policy::built_in, |spec| {
        let document = json!({
            "apiVersion": "distrogate.io/v1alpha1",
            "kind": "DistroPolicy",
            "metadata": {"name": "of-the-row"},
            "spec": spec,
        });
        Policy::parse(&document.to_string(), Catalogue::embedded()).unwrap()
    });
    Row {
        request: envelope(&new, old.as_ref()),
        policy,
        expect: row["expect"].as_str().unwrap().to_owned(),
        name,
    }
}

/// Puts in what the tables cannot hold: null, and the encoding of Secrets.
fn encode(object: &mut Value) {
    nulls(object);
    let encoded = match object["kind"].as_str() {
        Some("Secret") => "data",
        _ => "binaryData",
    };
    for text in object
        .get_mut(encoded)
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(serde_json::Map::values_mut)
    {
        *text = Value::String(STANDARD.encode(text.as_str().unwrap()));
    }
}

fn nulls(value: &mut Value) {
    match value {
        Value::String(text) if text == "<null>" => *value = Value::Null,
        Value::String(text) if text == "<empty>" => *value = json!({}),
        Value::Array(items) => items.iter_mut().for_each(nulls),
        Value::Object(map) => map.values_mut().for_each(nulls),
        _ => {}
    }
}
