//! Images and resources as the values that would render them.

use std::borrow::Cow;

use super::image::split;
use super::{Container, ITEMS};
use crate::carrier::dig::{dig, dig_map, dig_str_at};
use crate::values::{Budget, Data, Path, ReadError, ReadErrorKind};

/// A value: its path, itself, and where it stands in the object.
type Lowered = (Path, Data, Path);

/// The values that would render such images and resources.
///
/// # Errors
/// That there are too many of them.
pub(super) fn lowered(
    containers: &[Container<'_>],
    budget: &Budget,
) -> Result<Vec<Lowered>, ReadError> {
    let mut lowered = Vec::new();
    for container in containers {
        budget.parts(1)?;
        budget.spend(0, container.image.len())?;
        let at = container.at.key("image");
        let (registry, repository, tag) = split(&container.image, container.usual);
        for (key, value) in [
            ("registry", Some(registry)),
            ("repository", Some(repository)),
            ("tag", tag),
        ] {
            let Some(value) = value else { continue };
            let path = container.component.key("image").key(key);
            lowered.push((path, Data::String(value.into()), at.clone()));
        }
        let enabled = container.distro.key("enabled");
        if !lowered.iter().any(|(path, ..)| *path == enabled) {
            lowered.push((enabled, Data::Bool(true), at));
        }
        for kind in ["limits", "requests"] {
            resources(container, kind, budget, &mut lowered)?;
        }
    }
    Ok(lowered)
}

/// The limits or requests of a container.
fn resources(
    container: &Container<'_>,
    kind: &str,
    budget: &Budget,
    lowered: &mut Vec<Lowered>,
) -> Result<(), ReadError> {
    let Some(raw) = dig(container.raw, &["resources", kind]) else {
        return Ok(());
    };
    let quantities = dig_map(raw, ITEMS + 1);
    if quantities.len() > ITEMS {
        let text = format!("more than {ITEMS} {kind} of one container");
        return Err(ReadError {
            kind: ReadErrorKind::Syntax(text),
            at: None,
            steps: 0,
        });
    }
    budget.parts(quantities.len())?;
    let below = Path::keys(["resources", kind]);
    let (in_values, in_object) = (container.distro.join(&below), container.at.join(&below));
    for (name, raw) in quantities {
        // a number means what it looks like
        let is_number = raw
            .get()
            .starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let number = || is_number.then(|| Cow::Borrowed(raw.get()));
        let Some(quantity) = dig_str_at(raw, &Path::root()).or_else(number) else {
            continue;
        };
        budget.spend(0, name.len() + quantity.len())?;
        lowered.push((
            in_values.key(&name),
            Data::String((&*quantity).into()),
            in_object.key(&name),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::{RawValue, to_raw_value};

    use super::super::containers;
    use super::*;

    fn object(init_containers: &serde_json::Value) -> Box<RawValue> {
        let spec = json!({"initContainers": init_containers});
        to_raw_value(&json!({"spec": {"template": {"spec": spec}}})).unwrap()
    }

    fn told(init_containers: &serde_json::Value) -> Vec<String> {
        let object = object(init_containers);
        match lowered(&containers(&object), &Budget::default()) {
            Ok(lowered) => lowered
                .iter()
                .map(|(path, data, at)| format!("{path} = {} ({at})", data.to_json()))
                .collect(),
            Err(error) => vec![error.to_string()],
        }
    }

    #[test]
    fn one_container_of_each_name_is_looked_at() {
        let one =
            json!({"name": "kubernetes", "image": "k:v1", "resources": {"limits": {"cpu": "1"}}});
        let expected = [
            "controlPlane.distro.k8s.image.registry = \"\" (spec.template.spec.initContainers[1].image)",
            "controlPlane.distro.k8s.image.repository = \"k\" (spec.template.spec.initContainers[1].image)",
            "controlPlane.distro.k8s.image.tag = \"v1\" (spec.template.spec.initContainers[1].image)",
            "controlPlane.distro.k8s.enabled = true (spec.template.spec.initContainers[1].image)",
            "controlPlane.distro.k8s.resources.limits.cpu = \"1\" (spec.template.spec.initContainers[1].resources.limits.cpu)",
        ];
        assert_eq!(told(&json!([{"name": "other"}, one])), expected);
        assert_eq!(told(&json!([{"name": "other"}, one, one])), expected);
    }

    #[test]
    fn numbers_are_quantities_too() {
        let limits = json!({"a": 1, "b": 0.5, "c": "1", "d": null, "e": true, "f": []});
        let told =
            told(&json!([{"name": "kubernetes", "image": "k", "resources": {"limits": limits}}]));
        let at = "(spec.template.spec.initContainers[0].resources.limits";
        let expected = [("a", "1"), ("b", "0.5"), ("c", "1")].map(|(name, quantity)| {
            format!("controlPlane.distro.k8s.resources.limits.{name} = \"{quantity}\" {at}.{name})")
        });
        assert_eq!(told[3..], expected);
    }

    #[test]
    fn more_resources_than_are_looked_at_are_told() {
        let with = |count: usize| {
            let names = (0..count).map(|number| (number.to_string(), json!("1")));
            let limits: serde_json::Map<_, _> = names.collect();
            told(&json!([{"name": "kubernetes", "image": "k", "resources": {"limits": limits}}]))
        };
        assert_eq!(with(ITEMS).len(), ITEMS + 3);
        assert_eq!(with(ITEMS + 1), ["more than 256 limits of one container"]);
    }

    #[test]
    fn what_is_lowered_is_paid_for() {
        let object = object(&json!([{"name": "kubernetes", "image": "k"}]));
        let budget = Budget::default();
        while budget.parts(1).is_ok() {}
        assert!(lowered(&containers(&object), &budget).is_err());
    }
}
