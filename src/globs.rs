//! Names with `*` in them, as policies write them.

use std::fmt;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Some patterns, of which one has to match. `*` stands for any text, slashes included.
#[derive(Clone, Debug)]
pub struct Globs {
    patterns: Vec<Box<str>>,
    set: GlobSet,
}

impl Globs {
    /// No pattern, which matches nothing.
    pub const fn none() -> Self {
        Self {
            patterns: Vec::new(),
            set: GlobSet::empty(),
        }
    }

    /// Compiles patterns; the error is the number of the first that is none, with what is wrong.
    pub fn parse<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Self, (usize, String)> {
        let mut globs = Self::none();
        let mut set = GlobSetBuilder::new();
        for (number, pattern) in patterns.into_iter().enumerate() {
            let glob = GlobBuilder::new(pattern).literal_separator(false).build();
            set.add(glob.map_err(|error| (number, error.kind().to_string()))?);
            globs.patterns.push(pattern.into());
        }
        let last = globs.patterns.len().saturating_sub(1);
        globs.set = set
            .build()
            .map_err(|error| (last, error.kind().to_string()))?;
        Ok(globs)
    }

    /// Whether one of the patterns matches.
    pub fn matches(&self, text: &str) -> bool {
        self.set.is_match(text)
    }

    /// The patterns, as they were written.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().map(|pattern| &**pattern)
    }
}

impl Default for Globs {
    fn default() -> Self {
        Self::none()
    }
}

impl fmt::Display for Globs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.patterns.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text() {
        let globs = Globs::parse(["charts/*", "vcluster"]).unwrap();
        for (text, matches) in [
            ("charts/vcluster", true),
            ("charts/a/b", true),
            ("vcluster", true),
            ("vcluster-2", false),
            ("", false),
        ] {
            assert_eq!(globs.matches(text), matches, "{text}");
        }
        assert!(!Globs::none().matches(""));
        assert_eq!(
            Globs::parse(["a", "[b"]).unwrap_err(),
            (1, "unclosed character class; missing ']'".into())
        );
    }
}
