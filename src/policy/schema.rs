//! The form of a policy document as a JSON Schema, for editors and pipelines.
//!
//! Made from the tables that the reader uses: rules with their settings, words, and the fields of
//! all charts. Where the reader has no table, a test compares the two. The schema is a little
//! stricter: a key without a value counts for the reader as one that is not there.

mod form;
mod rules;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::form::{
    at_least_one, described, list, map, one_of, string, strings, texts, words, words_of,
};

use super::choice::OPERATORS;
use super::custom::ENCODINGS;
use super::exemption::EVERY_RULE;
use super::{ACTIONS, DISTROS, TARGETS};
use crate::rules::RULES;
use crate::vcluster::{Catalogue, Field, FieldType};

/// The schema, in the dialect of 2020-12.
pub fn schema() -> Value {
    let api_version = json!({"const": "distrogate.io/v1alpha1"});
    let metadata = map(
        &["name"],
        [
            (
                "name",
                json!({
                    "type": "string",
                    "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
                    "maxLength": 253,
                    "description": "The document's name.",
                }),
            ),
            ("labels", texts()),
            ("annotations", texts()),
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
            (
                "enforcement",
                one_of("No rule does more than this.", &words([deny, warn, audit])),
            ),
            ("match", matching()),
            ("chart", chart()),
            ("defaults", defaults()),
            (
                "rules",
                map(&[], RULES.map(|rule| (rule.id, rules::settings(rule)))),
            ),
            ("exemptions", list(&exemption())),
            ("customCarriers", list(&custom_carrier())),
        ],
    )
}

fn matching() -> Value {
    let names = |what: &str| {
        at_least_one(strings(&format!(
            "{what}; * stands for any text, and ! before a name leaves it out."
        )))
    };
    let requirement = map(
        &["key", "operator"],
        [
            ("key", string("The label.")),
            (
                "operator",
                one_of("What is asked of its value.", &words(OPERATORS)),
            ),
            (
                "values",
                strings("The values, for In and NotIn, and only for them."),
            ),
        ],
    );
    let selector = map(
        &[],
        [
            ("matchLabels", texts()),
            ("matchExpressions", list(&requirement)),
        ],
    );
    map(
        &[],
        [
            ("namespaces", names("Namespaces of objects")),
            ("targetNamespaces", names("Namespaces of virtual clusters")),
            (
                "namespaceSelector",
                described(selector, "Labels of the object's namespace."),
            ),
            ("carriers", at_least_one(strings("Kinds of object."))),
            (
                "charts",
                string("Versions of vCluster's chart, as \">=0.30\"."),
            ),
            (
                "users",
                at_least_one(strings("Who asks; * stands for any text.")),
            ),
            (
                "groups",
                at_least_one(strings(
                    "Of which group one has to be; * stands for any text.",
                )),
            ),
        ],
    )
}

fn exemption() -> Value {
    let rules = RULES.iter().map(|rule| rule.id).chain([EVERY_RULE]);
    let rules: Vec<_> = rules.collect();
    map(
        &["rules", "owner", "reason"],
        [
            (
                "rules",
                at_least_one(list(&one_of("The rules that are let off, or *.", &rules))),
            ),
            (
                "namespaces",
                at_least_one(strings(
                    "Namespaces, of objects or of virtual clusters; ! before a name leaves it out.",
                )),
            ),
            (
                "until",
                string("The last day on which it counts, in UTC, as 2027-03-31."),
            ),
            ("owner", words_of("Who answers for it.")),
            ("reason", words_of("Why.")),
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

fn when() -> Value {
    one_of(
        "Create: into new configs only. Always: into changed ones too.",
        &["Create", "Always"],
    )
}

fn apply() -> Value {
    one_of(
        "Missing: only where nothing is set. Always: over what is set, too.",
        &["Missing", "Always"],
    )
}

fn defaults() -> Value {
    let on = when();
    let blocks = Catalogue::embedded().blocks();
    let fields: Vec<_> = blocks.iter().map(|block| &block.fields).collect();
    map(
        &[],
        [
            ("on", on.clone()),
            // YAML 1.1 reads the key `on` as the boolean true
            ("true", on),
            ("apply", apply()),
            (
                "mode",
                one_of(
                    "Edit: they are put in. Suggest: the user is told what to add.",
                    &["Edit", "Suggest"],
                ),
            ),
            (
                "into",
                at_least_one(list(&one_of(
                    "Values: into values that Helm will render. Secret, Workload: into what it has rendered.",
                    &words(TARGETS),
                ))),
            ),
            ("values", values(&fields)),
            ("variants", list(&variant(&fields))),
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

fn variant(fields: &[&Field]) -> Value {
    let on = when();
    let mut variant = map(
        &["values"],
        [
            (
                "whenChart",
                string("The charts under which it counts, as \">=0.30\"."),
            ),
            (
                "whenDistro",
                one_of(
                    "The distro in force under which it counts.",
                    &words(DISTROS),
                ),
            ),
            ("on", on.clone()),
            ("true", on),
            ("apply", apply()),
            ("values", values(fields)),
        ],
    );
    if let Some(variant) = variant.as_object_mut() {
        let one = ["whenChart", "whenDistro", "on", "true", "apply"]
            .map(|key| json!({"required": [key]}));
        variant.insert("anyOf".to_owned(), one.into());
    }
    variant
}

/// A piece of vcluster.yaml that some chart accepts, as `wishes::read_values` reads it.
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
