//! Which images a policy allows.

use std::fmt;

use crate::globs::Globs;
use crate::vcluster::{Reference, split_host};

/// Patterns over whole image references, of which one has to match.
#[derive(Clone, Debug, Default)]
pub struct ImagePatterns {
    /// As they were written, made whole.
    patterns: Vec<Box<str>>,
    globs: Globs,
}

/// How many patterns a message names.
const TOLD: usize = 5;

impl ImagePatterns {
    /// Compiles patterns; the error is the number of the first that is none, with what is wrong.
    pub(super) fn parse<'p>(
        written: impl IntoIterator<Item = &'p str>,
    ) -> Result<Self, (usize, String)> {
        let mut patterns: Vec<Box<str>> = Vec::new();
        for (number, pattern) in written.into_iter().enumerate() {
            patterns.push(whole(pattern).ok_or_else(|| {
                let message = "has to be host and repository, with * for any text, for example \
                               registry.example/* or rancher/k3s";
                (number, message.to_owned())
            })?);
        }
        let globs = Globs::parse(patterns.iter().map(|pattern| &**pattern))
            .map_err(|(number, what)| (number, format!("not a pattern: {what}")))?;
        Ok(Self { patterns, globs })
    }

    /// Whether a pattern matches the name, the name with the tag, or all of a reference.
    pub fn match_image(&self, reference: &Reference) -> bool {
        let mut forms = reference.forms().into_iter();
        forms.any(|form| self.globs.matches(&form))
    }

    /// Whether no pattern can match what begins with this.
    pub fn exclude(&self, start: &str) -> bool {
        self.patterns.iter().all(|pattern| {
            let fixed = pattern.split(WILD).next().unwrap_or_default();
            !fixed.starts_with(start) && !start.starts_with(fixed)
        })
    }
}

impl fmt::Display for ImagePatterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<_> = self
            .patterns
            .iter()
            .take(TOLD)
            .map(|text| &**text)
            .collect();
        f.write_str(&told.join(", "))?;
        match self.patterns.len().saturating_sub(TOLD) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Characters that stand for others.
const WILD: [char; 5] = ['*', '?', '[', '{', '\\'];

/// A pattern as it has to be to match whole references: `rancher/*` is on Docker Hub.
fn whole(pattern: &str) -> Option<Box<str>> {
    let Some((first, _)) = pattern.split_once('/') else {
        // a host alone would be taken for a repository
        return pattern.starts_with('*').then(|| pattern.into());
    };
    if first.is_empty() || pattern.contains("://") || pattern.contains(char::is_whitespace) {
        return None;
    }
    if first.contains(WILD) {
        return Some(pattern.into());
    }
    let (host, rest) = split_host(pattern);
    let library = if host == "docker.io" && !rest.contains('/') && !rest.contains(WILD) {
        "library/"
    } else {
        ""
    };
    Some(format!("{host}/{library}{rest}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns<'p>(written: impl IntoIterator<Item = &'p str>) -> ImagePatterns {
        ImagePatterns::parse(written).unwrap()
    }

    #[test]
    fn patterns_match_whole_references() {
        for (pattern, image, matches) in [
            ("registry.example/*", "registry.example/a/b:v1", true),
            ("registry.example/*", "Registry.Example/a", true),
            (
                "registry.example/*",
                "registry.example.evil.example/a",
                false,
            ),
            (
                "registry.example/*",
                "evil.example/registry.example/a",
                false,
            ),
            ("registry.example/*", "registry.example:5000/a", false),
            ("rancher/*", "docker.io/rancher/k3s:v1", true),
            ("index.docker.io/rancher/k3s", "rancher/k3s:v1-k3s1", true),
            ("docker.io/*", "k3s", true),
            ("docker.io/nginx", "nginx:1", true),
            ("rancher/k3s", "rancher/k3s-evil", false),
            ("*.corp.example/*", "a.corp.example/b", true),
            ("r.example/k:v1.3?", "r.example/k:v1.34", true),
            ("r.example/k:v1.3?", "r.example/k:v1.29", false),
            ("*", "anything", true),
        ] {
            let reference = Reference::parse(image).unwrap();
            let found = patterns([pattern]).match_image(&reference);
            assert_eq!(found, matches, "{pattern} {image}");
        }
    }

    #[test]
    fn a_start_is_excluded_where_nothing_behind_it_can_help() {
        for (pattern, start, excluded) in [
            ("registry.example/*", "evil.example/", true),
            ("registry.example/*", "registry.example/", false),
            ("registry.example/team/*", "registry.example/", false),
            ("registry.example/team/*", "registry.example/other/", true),
            ("*/k3s", "evil.example/", false),
            ("rancher/k3s", "docker.io/rancher/", false),
            ("r.example/k:v1", "r.example/k:", false),
        ] {
            assert_eq!(
                patterns([pattern]).exclude(start),
                excluded,
                "{pattern} {start}"
            );
        }
        assert!(patterns([]).exclude("a"));
    }

    #[test]
    fn many_patterns_are_told_in_part() {
        assert_eq!(
            patterns(["a.io/*", "b/c"]).to_string(),
            "a.io/*, docker.io/b/c"
        );
        let many = ["a.io/*"; 7];
        assert_eq!(
            patterns(many).to_string(),
            "a.io/*, a.io/*, a.io/*, a.io/*, a.io/* and 2 more"
        );
    }
}
