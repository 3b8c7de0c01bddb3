//! Paths into values and into objects, written as Kubernetes writes field paths.

use std::fmt;

use crate::text::printable_key;

/// A path of keys and list positions, from the root of a document or object.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Path(Vec<Step>);

/// One step of a [`Path`].
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Step {
    /// Into a map.
    Key(Box<str>),
    /// Into a list, from 0.
    Index(usize),
}

impl Path {
    /// The path of the root itself.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// A path of keys: `Path::keys(["data", "config.yaml"])`.
    pub fn keys<'k>(keys: impl IntoIterator<Item = &'k str>) -> Self {
        keys.into_iter().collect()
    }

    /// A path of keys without dots in them: `Path::dotted("controlPlane.distro")`.
    pub fn dotted(text: &str) -> Self {
        text.split('.').filter(|key| !key.is_empty()).collect()
    }

    /// This path, one key deeper.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut path = self.clone();
        path.0.push(Step::Key(key.into()));
        path
    }

    /// This path, one list position deeper.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.0.push(Step::Index(index));
        path
    }

    /// This path, followed by another.
    #[must_use]
    pub fn join(&self, rest: &Self) -> Self {
        Self(self.0.iter().chain(&rest.0).cloned().collect())
    }

    /// The steps, from the root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether this path is `prefix` or lies below it.
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// What follows `prefix`, if this path is `prefix` or lies below it.
    pub fn below(&self, prefix: &Self) -> Option<Self> {
        self.0
            .strip_prefix(prefix.0.as_slice())
            .map(|rest| Self(rest.to_vec()))
    }

    /// The path one step up; the root for the root.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self(
            self.0
                .split_last()
                .map_or_else(Vec::new, |(_, rest)| rest.to_vec()),
        )
    }

    /// The last step's key, if it is one.
    pub fn last_key(&self) -> Option<&str> {
        match self.0.last() {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// The keys, as long as every step is one.
    pub fn as_keys(&self) -> Option<Vec<&str>> {
        self.0.iter().map(Step::as_key).collect()
    }
}

impl Step {
    /// The key, if it is one.
    pub fn as_key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Index(_) => None,
        }
    }
}

impl<'k> FromIterator<&'k str> for Path {
    fn from_iter<I: IntoIterator<Item = &'k str>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| Step::Key(key.into())).collect())
    }
}

impl FromIterator<Step> for Path {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl fmt::Display for Path {
    /// `controlPlane.distro.k8s.env[0]`, `data[config.yaml]`: a key that a dot would split stands
    /// in brackets, as in Kubernetes' own field paths. Paths go into messages, so a key that does
    /// not look like one is not shown (see [`printable_key`]).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    let shown = printable_key(key);
                    let plain = shown
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "-_/$".contains(c));
                    match (plain, number) {
                        (true, 0) => f.write_str(&shown)?,
                        (true, _) => write!(f, ".{shown}")?,
                        (false, _) => write!(f, "[{shown}]")?,
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_like_kubernetes_field_paths() {
        assert_eq!(
            Path::dotted("a.b").index(0).key("c.d").to_string(),
            "a.b[0][c.d]"
        );
        assert_eq!(
            Path::keys(["data", "config.yaml"]).to_string(),
            "data[config.yaml]"
        );
        assert_eq!(
            Path::keys(["a", "x\u{1b}[31m"]).to_string(),
            "a[(a key of 6 characters)]"
        );
        assert_eq!(Path::root().to_string(), "");
    }

    #[test]
    fn a_prefix_is_a_whole_number_of_steps() {
        let path = Path::dotted("controlPlane.distro.k8s");
        assert!(path.starts_with(&Path::dotted("controlPlane.distro")));
        assert!(!path.starts_with(&Path::dotted("controlPlane.dist")));
        assert_eq!(path.parent(), Path::dotted("controlPlane.distro"));
    }
}
