//! The form of a policy document as a JSON Schema, for editors and pipelines.
//!
//! Made from the tables that the reader uses: rules with their settings, words, and the fields of
//! all charts. Where the reader has no table, a test compares the two. The schema is a little
//! stricter: a key without a value counts for the reader as one that is not there.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::custom::ENCODINGS;
use super::{ACTIONS, DISTROS, STORES};
use crate::rules::{RULES, Rule};
use crate::vcluster::{Catalogue, Component, Field, FieldType, Privilege};

/// The form of what a policy may set for a rule, besides `action`.
struct Setting {
    rule: &'static str,
    key: &'static str,
    form: fn() -> Value,
}

/// Every setting of every rule.
const SETTINGS: &[Setting] = &[
    Setting {
        rule: "distro-change",
        key: "allow",
        form: || transitions(&words(DISTROS)),
    },
    Setting {
        rule: "version-allowed",
        key: "versions",
        form: || string(""),
    },
    Setting {
        rule: "registry-allowed",
        key: "registries",
        form: || at_least_one(strings("")),
    },
    Setting {
        rule: "resources-bounds",
        key: "bounds",
        form: || {
            let quantity = json!({"type": ["string", "number"]});
            let mut bound = map(&[], ["min", "max"].map(|key| (key, quantity.clone())));
            if let Some(bound) = bound.as_object_mut() {
                bound.insert("minProperties".to_owned(), 1.into());
            }
            let resources = json!({"type": "object", "additionalProperties": bound});
            map(
                &[],
                [("limits", resources.clone()), ("requests", resources)],
            )
        },
    },
    Setting {
        rule: "store-change",
        key: "allow",
        form: || transitions(&words(STORES)),
    },
    Setting {
        rule: "command-override",
        key: "denied",
        form: || list(&json!({"enum": words(Component::PROCESSES)})),
    },
    Setting {
        rule: "extra-args",
        key: "denied",
        form: flags,
    },
    Setting {
        rule: "extra-args",
        key: "required",
        form: || {
            map(
                &[],
                words(Component::PROCESSES)
                    .into_iter()
                    .map(|word| (word, flags())),
            )
        },
    },
    Setting {
        rule: "security-context",
        key: "denied",
        form: || list(&json!({"enum": words(Privilege::WORDS)})),
    },
];

/// The schema, in the dialect of 2020-12.
pub fn schema() -> Value {
    let api_version = json!({"const": "distrogate.io/v1alpha1"});
    let metadata = map(
        &["name"],
        [
            ("name", string("The document's name.")),
            ("labels", json!({"type": "object"})),
            ("annotations", json!({"type": "object"})),
        ],
    );
    let mut root = map(
        &["apiVersion", "kind", "metadata"],
        [
            ("apiVersion", api_version),
            ("kind", json!({"const": "DistroPolicy"})),
            ("metadata", metadata),
            ("spec", spec()),
        ],
    );
    if let Some(root) = root.as_object_mut() {
        let dialect = "https://json-schema.org/draft/2020-12/schema";
        root.insert("$schema".to_owned(), dialect.into());
        root.insert("title".to_owned(), "DistroPolicy".into());
    }
    root
}

fn spec() -> Value {
    let [deny, warn, audit, _] = ACTIONS;
    map(
        &[],
        [
            (
                "priority",
                json!({
                    "type": "integer",
                    "description": "Of two policies that mention a thing the higher one counts.",
                }),
            ),
            ("match", matching()),
            ("exemptions", list(&exemption())),
            (
                "enforcement",
                one_of("No rule does more than this.", &words([deny, warn, audit])),
            ),
            ("chart", chart()),
            ("defaults", defaults()),
            (
                "rules",
                map(&[], RULES.map(|rule| (rule.id, settings(rule)))),
            ),
            ("customCarriers", list(&custom_carrier())),
        ],
    )
}

/// What a policy is about.
fn matching() -> Value {
    let requirement = map(
        &["key", "operator"],
        [
            ("key", string("The label.")),
            (
                "operator",
                one_of(
                    "What is asked of its value.",
                    &["In", "NotIn", "Exists", "DoesNotExist"],
                ),
            ),
            ("values", strings("The values, for In and NotIn.")),
        ],
    );
    let selector = map(
        &[],
        [
            (
                "matchLabels",
                json!({"type": "object", "additionalProperties": {"type": "string"}}),
            ),
            ("matchExpressions", list(&requirement)),
        ],
    );
    let names = |of: &str| {
        strings(&format!(
            "{of}; * stands for any text, and a ! in front leaves names out."
        ))
    };
    map(
        &[],
        [
            ("namespaces", names("Namespaces of the objects")),
            (
                "targetNamespaces",
                names("Namespaces of the virtual clusters"),
            ),
            (
                "namespaceSelector",
                described(selector, "Labels of the objects' namespaces."),
            ),
            ("carriers", strings("Kinds of object.")),
            ("charts", string("Charts, as a range: >=0.33.")),
            ("users", strings("Who asks; * stands for any text.")),
            ("groups", strings("Of which group one has to be.")),
        ],
    )
}

fn exemption() -> Value {
    map(
        &["rules", "owner", "reason"],
        [
            ("rules", strings("The rules that are let off; * for all.")),
            (
                "namespaces",
                strings("Where, by the object's namespace or the virtual cluster's."),
            ),
            (
                "until",
                string("The last day on which it counts, in UTC: 2027-03-31."),
            ),
            ("owner", string("Who answers for it.")),
            ("reason", string("Why.")),
        ],
    )
}

fn chart() -> Value {
    map(
        &[],
        [
            (
                "fallback",
                string("The chart to assume where none is known: 0.36.1, or 0.36 for its newest."),
            ),
            (
                "paths",
                strings("Paths in Git that hold vCluster's chart; * stands for any text."),
            ),
        ],
    )
}

fn defaults() -> Value {
    let on = one_of(
        "Create: into new configs only. Always: into changed ones too.",
        &["Create", "Always"],
    );
    let blocks = Catalogue::embedded().blocks();
    let fields: Vec<_> = blocks.iter().map(|block| &block.fields).collect();
    let distro = one_of("The distro in force.", &words(DISTROS));
    let mut variant = map(
        &["values"],
        [
            ("whenChart", string("Charts, as a range: >=0.33.")),
            ("whenDistro", distro),
            ("values", values(&fields)),
        ],
    );
    if let Some(variant) = variant.as_object_mut() {
        let either = json!([{"required": ["whenChart"]}, {"required": ["whenDistro"]}]);
        variant.insert("anyOf".to_owned(), either);
    }
    map(
        &[],
        [
            ("on", on.clone()),
            // YAML 1.1 reads the key `on` as the boolean true
            ("true", on),
            (
                "apply",
                one_of(
                    "Missing: only where nothing is set. Always: over what is set, too.",
                    &["Missing", "Always"],
                ),
            ),
            (
                "mode",
                one_of(
                    "Edit: they are put in. Suggest: the user is told what to add.",
                    &["Edit", "Suggest"],
                ),
            ),
            ("values", values(&fields)),
            ("variants", list(&variant)),
            (
                "pinChartDefaults",
                list(&one_of(
                    "Which of the chart's own defaults are written out.",
                    &["images", "resources"],
                )),
            ),
        ],
    )
}

/// What a policy says of a rule.
fn settings(rule: &Rule) -> Value {
    let default = rule.action.as_str();
    let about = format!("What it leads to; {default}, if no policy says otherwise.");
    let action = one_of(&about, &words(ACTIONS));
    let settings = rule.settings.iter().map(|setting| {
        let form = SETTINGS
            .iter()
            .find(|form| form.rule == rule.id && form.key == setting.key);
        let form = form.map_or_else(|| json!({}), |setting| (setting.form)());
        (setting.key, described(form, setting.about))
    });
    let all = map(&[], std::iter::once(("action", action)).chain(settings));
    described(all, rule.about)
}

/// Flags, with a value or without.
fn flags() -> Value {
    list(&json!({"type": "string", "pattern": "^-"}))
}

/// Changes that are let through.
fn transitions(words: &[&str]) -> Value {
    list(&map(
        &["from", "to"],
        [
            ("from", one_of("What it was before.", words)),
            ("to", one_of("What it is after.", words)),
            ("charts", string("The charts that it is allowed under.")),
        ],
    ))
}

/// A piece of vcluster.yaml that some chart accepts, as `document::read_values` reads it.
fn values(fields: &[&Field]) -> Value {
    if fields.contains(&&Field::Leaf(FieldType::Object)) {
        return json!({"type": "object"});
    }
    let mut below: BTreeMap<&str, Vec<&Field>> = BTreeMap::new();
    let mut leaves: Vec<Value> = Vec::new();
    for field in fields {
        match field {
            Field::Map { fields, .. } => {
                for (key, field) in fields {
                    below.entry(key).or_default().push(field);
                }
            }
            Field::Leaf(kind) => {
                let leaf = leaf(*kind);
                if !leaves.contains(&leaf) {
                    leaves.push(leaf);
                }
            }
        }
    }
    match (below.is_empty(), leaves.as_slice()) {
        (false, _) => map(
            &[],
            below.iter().map(|(key, fields)| (*key, values(fields))),
        ),
        (true, [only]) => only.clone(),
        (true, several) => json!({"anyOf": several}),
    }
}

/// A value of a chart; null is one, it deletes.
fn leaf(kind: FieldType) -> Value {
    let (name, items) = match kind {
        FieldType::Boolean => ("boolean", None),
        FieldType::String => ("string", None),
        FieldType::Integer => ("integer", None),
        FieldType::Object => ("object", None),
        FieldType::Array => ("array", None),
        FieldType::Strings => ("array", Some("string")),
        FieldType::Objects => ("array", Some("object")),
    };
    match items {
        Some(items) => json!({"type": [name, "null"], "items": {"type": items}}),
        None => json!({"type": [name, "null"]}),
    }
}

fn custom_carrier() -> Value {
    let path = |about: &str| {
        string(&format!(
            "{about}: keys with dots between them, * for every item of a list."
        ))
    };
    let encodings = words(ENCODINGS);
    let values = map(
        &["path"],
        [
            ("path", path("Where values are")),
            ("encoding", one_of("How they are kept there.", &encodings)),
        ],
    );
    let chart = map(
        &[],
        [
            ("name", path("Where the chart's name is")),
            (
                "names",
                strings("The names that vCluster's chart has there."),
            ),
            ("version", path("Where the chart's version is")),
        ],
    );
    let release = map(
        &[],
        [
            ("name", path("Where the release's name is")),
            ("namespace", path("Where its namespace is")),
            (
                "cluster",
                path("Where the cluster is named that it goes to"),
            ),
        ],
    );
    map(
        &["group", "kinds", "values"],
        [
            ("group", string("The API group.")),
            ("kinds", described(at_least_one(strings("")), "The kinds.")),
            ("values", at_least_one(list(&values))),
            ("chart", chart),
            ("release", release),
            (
                "template",
                json!({"type": "boolean", "description": "Whether virtual clusters are made from it."}),
            ),
            (
                "defaults",
                json!({"type": "boolean", "description": "Whether defaults are put in."}),
            ),
        ],
    )
}

/// A map with these keys and no others.
fn map<'k>(required: &[&str], fields: impl IntoIterator<Item = (&'k str, Value)>) -> Value {
    let properties: Map<_, _> = fields
        .into_iter()
        .map(|(key, form)| (key.to_owned(), form))
        .collect();
    let mut form = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if let (Some(form), false) = (form.as_object_mut(), required.is_empty()) {
        form.insert("required".to_owned(), required.into());
    }
    form
}

fn list(items: &Value) -> Value {
    json!({"type": "array", "items": items})
}

fn at_least_one(mut list: Value) -> Value {
    if let Some(list) = list.as_object_mut() {
        list.insert("minItems".to_owned(), 1.into());
    }
    list
}

fn string(about: &str) -> Value {
    json!({"type": "string", "description": about})
}

fn strings(about: &str) -> Value {
    described(list(&json!({"type": "string"})), about)
}

fn one_of(about: &str, words: &[&str]) -> Value {
    json!({"enum": words, "description": about})
}

fn words<T, const N: usize>(table: [(&'static str, T); N]) -> Vec<&'static str> {
    table.into_iter().map(|(word, _)| word).collect()
}

fn described(mut form: Value, about: &str) -> Value {
    if let Some(form) = form.as_object_mut() {
        form.insert("description".to_owned(), about.into());
    }
    form
}
