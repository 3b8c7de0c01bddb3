//! Carriers that a declaration describes: where the values, chart and release of one config are.

use std::cell::OnceCell;
use std::sync::LazyLock;

use serde_json::value::RawValue;

use super::dig::{dig, dig_str};
use super::{Carried, Content, Part, Release};
use crate::values::Path;
use crate::vcluster::{ChartSource, Reading};

/// How values are kept in an object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Encoding {
    /// As an object, with the object's own fields.
    Object,
    /// As YAML text in a string.
    Yaml,
    /// As YAML text, base64-encoded in a string: the data of a Secret.
    Base64Yaml,
}

/// A carrier of one config, described.
#[derive(Debug)]
pub struct Declaration {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// Objects are carriers only with a name that begins so; what follows is the release's name.
    pub name_prefix: &'static str,
    /// The parts that give values, lowest first.
    pub values: Vec<ValuesAt>,
    /// Where the chart's version is, and the text that stands before it.
    pub chart_version: (Path, &'static str),
    /// Who reads the values next.
    pub reading: Reading,
}

/// A part that gives values.
#[derive(Debug)]
pub struct ValuesAt {
    /// Where it is.
    pub at: Path,
    /// How it is kept.
    pub encoding: Encoding,
}

impl Declaration {
    /// The carriers that are known without anybody declaring them.
    pub fn built_in() -> &'static [Self] {
        static BUILT_IN: LazyLock<Vec<Declaration>> = LazyLock::new(|| vec![vcluster_secret()]);
        &BUILT_IN
    }

    /// Whether it describes this kind of object.
    pub fn matches(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }

    /// The config in an object, if its name and values say that it has one.
    pub(super) fn configs<'a>(&self, object: &'a RawValue, namespace: &str) -> Vec<Carried<'a>> {
        let name = dig_str(object, &["metadata", "name"])
            .or_else(|| dig_str(object, &["metadata", "generateName"]))
            .unwrap_or_default();
        let Some(release) = name.strip_prefix(self.name_prefix) else {
            return Vec::new();
        };
        let (chart_path, before_version) = &self.chart_version;
        let chart_keys = chart_path.as_keys().unwrap_or_default();
        let chart = dig_str(object, &chart_keys);
        let values: Vec<_> = self
            .values
            .iter()
            .map(|values| {
                (
                    values,
                    dig(object, &values.at.as_keys().unwrap_or_default()),
                )
            })
            .collect();
        let labelled = chart
            .as_ref()
            .is_some_and(|text| text.starts_with(before_version));
        if !labelled && values.iter().all(|(_, raw)| raw.is_none()) {
            // another object that happens to have such a name
            return Vec::new();
        }
        let parts = values.iter().map(|(values, raw)| Part {
            at: values.at.clone(),
            content: raw.map_or(Content::Missing, |raw| {
                Content::Values(values.encoding, raw)
            }),
        });
        // values that are kept as text are compared by what they mean
        let objects = values
            .iter()
            .filter(|(values, _)| values.encoding == Encoding::Object);
        let pieces = objects.map(|(_, raw)| *raw);
        vec![Carried {
            release: Release {
                cluster: None,
                namespace: namespace.to_owned(),
                name: release.to_owned(),
            },
            chart: ChartSource {
                name: Some("vcluster".to_owned()),
                version: chart.and_then(|text| text.strip_prefix(before_version).map(unsanitise)),
                elsewhere: None,
            },
            parts: parts.collect(),
            reading: self.reading,
            edit_at: None,
            pieces: pieces.chain([dig(object, &chart_keys)]).collect(),
            layers: OnceCell::new(),
        }]
    }
}

/// The Secret that the chart renders its merged values into, and the pod reads
/// (`chart/templates/config-secret.yaml`). Complete: chart defaults included.
fn vcluster_secret() -> Declaration {
    Declaration {
        group: "",
        kind: "Secret",
        name_prefix: "vc-config-",
        values: vec![ValuesAt {
            at: Path::keys(["data", "config.yaml"]),
            encoding: Encoding::Base64Yaml,
        }],
        chart_version: (Path::keys(["metadata", "labels", "chart"]), "vcluster-"),
        reading: Reading::Pod,
    }
}

/// A label cannot hold the `+` before build metadata; the chart writes `_` instead.
fn unsanitise(version: &str) -> String {
    version.replacen('_', "+", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(object: &str) -> Vec<(String, Option<String>, bool)> {
        let raw: &RawValue = serde_json::from_str(object).unwrap();
        let [declaration] = Declaration::built_in() else {
            panic!("one declaration so far")
        };
        declaration
            .configs(raw, "team-a")
            .into_iter()
            .map(|carried| {
                let missing = matches!(carried.parts[0].content, Content::Missing);
                (carried.release.name, carried.chart.version, missing)
            })
            .collect()
    }

    #[test]
    fn a_vcluster_secret_names_its_release_and_chart() {
        let found = secret(
            r#"{"metadata":{"name":"vc-config-dev","labels":{"chart":"vcluster-0.37.0-rc.1_b2"}},
                "data":{"config.yaml":"e30="}}"#,
        );
        assert_eq!(
            found,
            [("dev".to_owned(), Some("0.37.0-rc.1+b2".to_owned()), false)]
        );
    }

    #[test]
    fn other_secrets_are_none_of_ours() {
        assert!(secret(r#"{"metadata":{"name":"db"},"data":{"config.yaml":"e30="}}"#).is_empty());
        assert!(
            secret(r#"{"metadata":{"name":"vc-config-x"},"data":{"token":"e30="}}"#).is_empty()
        );
    }

    #[test]
    fn a_labelled_secret_without_its_config_is_one_that_lost_it() {
        let found =
            secret(r#"{"metadata":{"name":"vc-config-d","labels":{"chart":"vcluster-0.30.0"}}}"#);
        assert_eq!(found, [("d".to_owned(), Some("0.30.0".to_owned()), true)]);
    }
}
