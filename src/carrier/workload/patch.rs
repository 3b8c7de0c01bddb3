//! Values back into images and resources.

use std::collections::BTreeMap;

use json_patch::{Patch, PatchOperation, ReplaceOperation};
use serde_json::Value;
use serde_json::value::RawValue;

use super::containers;
use super::image::{Named, with_parts};
use crate::carrier::dig::value_at;
use crate::carrier::edit::{self, pointer};
use crate::carrier::{EditAt, Encoding};
use crate::values::{Change, EditError, Path};
use crate::vcluster::Quantity;

/// The operations that make the init containers what these values would render: the image of just
/// the component's, the resources of all of the distro's. Values that would render nothing of them
/// are left alone.
///
/// # Errors
/// Where Kubernetes would not take the resources.
pub(in crate::carrier) fn json_patch(
    object: &RawValue,
    changes: &[(Path, Change)],
) -> Result<Patch, EditError> {
    let sets: BTreeMap<&Path, &Value> = changes
        .iter()
        .filter_map(|(path, change)| match change {
            Change::Set(value) => Some((path, value)),
            Change::Remove => None,
        })
        .collect();
    let mut operations = Vec::new();
    for container in containers(object) {
        let image = container.component.key("image");
        let part = |key| sets.get(&image.key(key)).and_then(|value| value.as_str());
        let named = Named {
            registry: part("registry"),
            repository: part("repository"),
            tag: part("tag"),
        };
        let wanted = with_parts(&container.image, container.usual, named);
        if wanted != container.image {
            operations.push(PatchOperation::Replace(ReplaceOperation {
                path: pointer(&container.at.key("image")),
                value: Value::String(wanted),
            }));
        }
        let resources = container.distro.key("resources");
        let below = sets.iter().filter_map(|(path, value)| {
            let quantity = match value {
                // as Kubernetes writes it
                Value::Number(number) => Value::String(number.to_string()),
                value => (*value).clone(),
            };
            Some((path.below(&resources)?, Change::Set(quantity)))
        });
        let below: Vec<_> = below.collect();
        if below.is_empty() {
            continue;
        }
        let edit_at = EditAt {
            at: container.at.key("resources"),
            within: (container.at.clone(), container.raw),
            encoding: Encoding::Object,
            suggest: false,
        };
        check_resources(container.raw, &below)?;
        operations.extend(edit::json_patch(&edit_at, &below)?.0);
    }
    Ok(Patch(operations))
}

/// Whether resources are in order once these are among them: the API server takes no request above
/// its limit.
fn check_resources(container: &RawValue, sets: &[(Path, Change)]) -> Result<(), EditError> {
    let resources = value_at(container, &Path::keys(["resources"]));
    let quantity = |kind: &str, name: &str| {
        let path = Path::keys([kind, name]);
        let set = sets.iter().find_map(|(at, change)| match change {
            Change::Set(value) if *at == path => Some(value),
            _ => None,
        });
        let present = || resources.get(kind)?.get(name);
        match set.or_else(present)? {
            Value::String(text) => Quantity::parse(text).ok(),
            Value::Number(number) => Quantity::parse(&number.to_string()).ok(),
            _ => None,
        }
    };
    for (path, _) in sets {
        let Some([_, name]) = path
            .as_keys()
            .as_deref()
            .map(<[_; 2]>::try_from)
            .and_then(Result::ok)
        else {
            continue;
        };
        if let (Some(request), Some(limit)) = (quantity("requests", name), quantity("limits", name))
            && request > limit
        {
            return Err(EditError::Refused("a request would be above its limit"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn a_request_does_not_go_in_above_its_limit() {
        let patch = |resources: &str, sets: &[(&str, &str)]| {
            let object = format!(
                r#"{{"spec":{{"template":{{"spec":{{"initContainers":[{{"name":"other"}},{{"name":"kubernetes","image":"k:v1","resources":{resources}}}]}}}}}}}}"#
            );
            let raw: &RawValue = serde_json::from_str(&object).unwrap();
            let changes: Vec<_> = sets
                .iter()
                .map(|(path, quantity)| {
                    let path =
                        Path::dotted("controlPlane.distro.k8s.resources").join(&Path::dotted(path));
                    (path, Change::Set(Value::from(*quantity)))
                })
                .collect();
            match json_patch(raw, &changes) {
                Ok(patch) => serde_json::to_string(&patch).unwrap(),
                Err(error) => error.to_string(),
            }
        };
        assert_eq!(
            patch(
                "{}",
                &[("limits.memory", "1Gi"), ("requests.memory", "1Gi")]
            ),
            r#"[{"op":"add","path":"/spec/template/spec/initContainers/1/resources/limits","value":{"memory":"1Gi"}},{"op":"add","path":"/spec/template/spec/initContainers/1/resources/requests","value":{"memory":"1Gi"}}]"#,
        );
        assert_eq!(
            patch(
                r#"{"limits":{"memory":"512Mi"}}"#,
                &[("requests.memory", "1Gi")]
            ),
            "a request would be above its limit",
        );
        assert_eq!(
            patch(
                r#"{"requests":{"memory":"1Gi"}}"#,
                &[("limits.memory", "512Mi")]
            ),
            "a request would be above its limit",
        );
    }
}
