//! The resources of the distro's containers.

use super::facts::{deleted, source, why_no_distro};
use super::{Fact, Why};
use crate::values::{Data, Path};
use crate::vcluster::{Config, Lookup, Origin};

/// More resources than anybody names.
const SHOWN: usize = 32;

/// Every quantity that is known, by path below `resources`; what cannot be seen as high up as
/// that begins.
pub(super) fn resources(config: &Config<'_>) -> Vec<(Path, Fact)> {
    let Some(distro) = config.distro() else {
        return vec![(Path::root(), Fact::unknown(why_no_distro(config)))];
    };
    let root = Path::keys(["controlPlane", "distro", distro.key(), "resources"]);
    let mut found = Vec::new();
    leafless(config, &root, &Path::root(), &mut found);
    for (path, known) in config.leaves(&root).into_iter().take(SHOWN) {
        let value = match &known.data {
            Data::Null => Some("none".into()),
            Data::Number(number) => Some(number.to_string().into()),
            Data::String(text) if is_quantity(text) => Some(text.clone()),
            // by path only
            _ => None,
        };
        let fact = Fact {
            value,
            source: source(config, &path, known.origin),
            overrules: None,
        };
        found.push((path.below(&root).unwrap_or_default(), fact));
    }
    if found.is_empty() {
        let none = Fact::known("none", source(config, &root, Origin::Chart));
        return vec![(Path::root(), none)];
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

/// What no leaf tells of: that everything, one of the two maps, or one of the quantities that
/// every chart sets, cannot be seen or was deleted.
fn leafless(config: &Config<'_>, root: &Path, below: &Path, found: &mut Vec<(Path, Fact)>) {
    let path = root.join(below);
    match config.get(path.as_keys().unwrap_or_default()) {
        Lookup::Unknown(cause) => {
            found.push((below.clone(), Fact::unknown(Why::of(config, cause))));
        }
        Lookup::Map(_) => {
            let keys: &[&str] = match below.steps().len() {
                0 => &["limits", "requests"],
                1 => &["cpu", "memory"],
                _ => &[],
            };
            for key in keys {
                leafless(config, root, &below.key(key), found);
            }
        }
        Lookup::Absent => {
            let none = |source| Fact::known("none", source);
            found.extend(deleted(config, &path).map(|source| (below.clone(), none(source))));
        }
        Lookup::Known(_) => {}
    }
}

/// Whether a text has the form of a quantity: anything else may be something that was pasted into
/// the wrong place.
fn is_quantity(text: &str) -> bool {
    text.len() <= 24
        && text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}
