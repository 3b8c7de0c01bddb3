//! Which values of an object are ours: the record that an annotation keeps.
//!
//! A user can write annotations, so a record is a claim: only about a closed set of paths, only as
//! long as the value is still the recorded one, and believed where the *old* object has it, or
//! where it claims just what we would put in ourselves.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::values::Path;

/// The API server takes 256 KiB of annotations in all. A longer record is not kept: what it would
/// list is the user's then.
const BYTES: usize = 128 * 1_024;

/// The values that we put into one config, by path.
pub type Claims = BTreeMap<Path, Value>;

/// The record of an object: the claims for each of its configs, by the item that the config is
/// (a template's version); empty for the only one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record(BTreeMap<String, Claims>);

impl Record {
    /// Reads an annotation. What is not of its form, or about other paths than we ever write, is
    /// left out.
    pub fn parse(text: &str) -> Self {
        if text.len() > BYTES {
            return Self::default();
        }
        let items: BTreeMap<String, BTreeMap<String, Value>> =
            serde_json::from_str(text).unwrap_or_default();
        let mut record = Self::default();
        for (item, claims) in items {
            let claims = claims
                .into_iter()
                .map(|(path, value)| (Path::dotted(&path), value))
                .filter(|(path, value)| may_be_ours(path) && value.is_string())
                .collect();
            record.insert(&item, claims);
        }
        record
    }

    /// The claims for a config.
    pub fn claims(&self, item: &str) -> Claims {
        self.0.get(item).cloned().unwrap_or_default()
    }

    /// Takes down the claims for a config; none are left out.
    pub fn insert(&mut self, item: &str, claims: Claims) {
        if !claims.is_empty() {
            self.0.insert(item.to_owned(), claims);
        }
    }

    /// The annotation; `None` if there is nothing to record.
    pub fn to_annotation(&self) -> Option<String> {
        let items: serde_json::Map<String, Value> = self
            .0
            .iter()
            .map(|(item, claims)| {
                let claims = claims
                    .iter()
                    .map(|(path, value)| (path.to_string(), value.clone()));
                (item.clone(), Value::Object(claims.collect()))
            })
            .collect();
        let text = (!items.is_empty()).then(|| Value::Object(items).to_string());
        text.filter(|text| text.len() <= BYTES)
    }
}

/// The closed set of paths: images, version, registry and resources.
pub(super) fn may_be_ours(path: &Path) -> bool {
    const IMAGE: [&str; 3] = ["registry", "repository", "tag"];

    // a resource such as nvidia.com/gpu cannot be told from two keys
    let keys = path.as_keys().unwrap_or_default();
    if keys.iter().any(|key| key.contains('.')) {
        return false;
    }
    match keys.as_slice() {
        ["controlPlane", "advanced", "defaultImageRegistry"]
        | ["controlPlane", "distro", "k8s", "version"]
        | [
            "controlPlane",
            "distro",
            _,
            "resources",
            "limits" | "requests",
            _,
        ] => true,
        ["controlPlane", "distro", _, "image", part]
        | ["controlPlane", "distro", _, _, "image", part] => IMAGE.contains(part),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let mut record = Record::default();
        let tag = Path::dotted("controlPlane.distro.k8s.image.tag");
        record.insert("", [(tag.clone(), Value::from("v1.34.0"))].into());
        record.insert("1.0.0", Claims::new());
        let text = record.to_annotation().unwrap();
        assert_eq!(
            text,
            r#"{"":{"controlPlane.distro.k8s.image.tag":"v1.34.0"}}"#
        );
        assert_eq!(Record::parse(&text), record);
        assert_eq!(Record::default().to_annotation(), None);
    }

    #[test]
    fn claims_about_other_paths_are_not_heard() {
        for path in [
            "controlPlane.distro.k8s.enabled",
            "controlPlane.distro.k8s.apiServer.extraArgs",
            "controlPlane.distro.k8s.env",
            "controlPlane.statefulSet.image.tag",
            "sync.toHost.pods.enabled",
            "",
        ] {
            let text = format!(r#"{{"":{{"{path}":"x"}}}}"#);
            assert_eq!(Record::parse(&text), Record::default(), "{path}");
        }
        for text in [
            "",
            "{",
            "[]",
            r#"{"":1}"#,
            r#"{"":{"controlPlane.distro.k8s.version":1}}"#,
        ] {
            assert_eq!(Record::parse(text), Record::default(), "{text}");
        }
        let long = format!(
            r#"{{"":{{"controlPlane.distro.k8s.version":"{}"}}}}"#,
            "x".repeat(BYTES)
        );
        assert_eq!(Record::parse(&long), Record::default());
    }
}
