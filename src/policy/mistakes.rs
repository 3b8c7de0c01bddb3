//! More than the first mistake of a document, for those who check one.
//!
//! The reader stops at the first mistake. What it did not like is taken out, and it reads again.

use super::decode::{Field, PolicyError};
use super::document;
use crate::values::{Node, Path, Step};
use crate::vcluster::Catalogue;

/// How many mistakes of a document are told.
const MOST: usize = 20;

/// The mistakes of a document in the order of the text, the first [`MOST`] that are found. Of a
/// list only one is told, and none that another one may have brought about.
pub fn mistakes(text: &str, catalogue: &'static Catalogue) -> Vec<PolicyError> {
    let mut tree = match document::tree(text) {
        Ok(tree) => tree,
        Err(error) => return vec![error],
    };
    let mut found: Vec<PolicyError> = Vec::new();
    let mut taken_out: Vec<Path> = Vec::new();
    while found.len() < MOST {
        let Err(error) = document::read_root(&Field::root(&tree), catalogue) else {
            break;
        };
        let place = above_lists(&error.path);
        // what is missing now may be what was taken out
        if !taken_out.iter().any(|out| out.starts_with(&error.path)) {
            found.push(error);
        }
        if !take_out(&mut tree, &place) {
            break;
        }
        taken_out.push(place);
    }
    found.sort_by_key(|error| error.at);
    found
}

/// The path up to the first list on it: without an item the others would have other numbers.
fn above_lists(path: &Path) -> Path {
    let keys = path.steps().iter().map_while(|step| match step {
        Step::Key(key) => Some(&**key),
        Step::Index(_) => None,
    });
    Path::keys(keys)
}

/// Whether there was something at the path.
fn take_out(tree: &mut Node, path: &Path) -> bool {
    let keys = path.as_keys().unwrap_or_default();
    let Some((last, above)) = keys.split_last() else {
        return false;
    };
    let mut node = tree;
    for key in above {
        let entry = node.as_map_mut().and_then(|map| map.get_mut(*key));
        match entry {
            Some(entry) => node = &mut entry.value,
            None => return false,
        }
    }
    node.as_map_mut().is_some_and(|map| {
        // YAML 1.1 reads the key `on` as the boolean true
        let written = if *last == "on" { "true" } else { *last };
        map.shift_remove(*last).is_some() || map.shift_remove(written).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let found = mistakes(text, Catalogue::embedded());
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_mistake_is_told_in_the_order_of_the_text() {
        let text = "\
apiVersion: distrogate.io/v1alpha1
kind: DistroPolicy
metadata: {name: p}
spec:
  rules:
    tag-from: {action: Warn}
    tag-form: {action: deny, allow: []}
    distro-change: {allow: [{from: k3s, to: k9s}, {from: k9s, to: k3s}]}
  enforcment: Warn
  defaults: {on: Sometimes, values: {controlPlane: {distro: {k8s: {version: 1.30, imag: {}}}}}}
";
        assert_eq!(
            told(text),
            [
                "line 6, column 5: spec.rules.tag-from: unknown rule; did you mean tag-form?",
                "line 7, column 24: spec.rules.tag-form.action: has to be one of Deny, Warn, Audit, \
                 Disabled",
                "line 7, column 30: spec.rules.tag-form.allow: unknown key; there is only action",
                "line 8, column 45: spec.rules.distro-change.allow[0].to: has to be one of k3s, k0s, \
                 eks, k8s",
                "line 9, column 3: spec.enforcment: unknown key; did you mean enforcement?",
                "line 10, column 18: spec.defaults.on: has to be one of Create, Always",
                "line 10, column 77: spec.defaults.values.controlPlane.distro.k8s.version: has to be \
                 a string; quote it: \"1.30\"",
                "line 10, column 83: spec.defaults.values.controlPlane.distro.k8s.imag: no vCluster \
                 chart has this field; did you mean image?",
            ]
        );
    }

    #[test]
    fn what_follows_from_a_mistake_is_not_told() {
        assert_eq!(
            told(
                "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {nam: p}\nspec: []\n"
            ),
            ["line 3, column 12: metadata.nam: unknown key; did you mean name?"]
        );
        assert_eq!(told("a: [\n").len(), 1);
        assert_eq!(told(crate::policy::BUILT_IN), [] as [String; 0]);
    }

    #[test]
    fn there_is_an_end() {
        let keys: Vec<_> = (0..50)
            .map(|number| format!("  zzzzzzzzzz{number}: 1"))
            .collect();
        let keys = keys.join("\n");
        let text = format!(
            "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {{name: p}}\nspec:\n{keys}"
        );
        assert_eq!(told(&text).len(), MOST);
    }
}
