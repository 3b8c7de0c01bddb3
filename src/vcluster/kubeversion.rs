//! Kubernetes versions as image tags write them: `v1.33.4`, `v1.32.1-k3s1`, `v1.30.2-eks-1-30-10`.

use std::fmt;

/// A Kubernetes version with whatever follows it in a tag.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KubeVersion {
    /// Major version; 1 so far.
    pub major: u32,
    /// Minor version.
    pub minor: u32,
    /// Patch version.
    pub patch: u32,
    /// What follows the patch version, with its first character: `-k3s1`, `+k3s1`, `-full`.
    pub suffix: Box<str>,
    /// Whether it was written with a leading `v`.
    pub v: bool,
}

impl KubeVersion {
    /// Reads a tag; a digest behind it (`v1.35.0@sha256:…`) is left out. `None` where it does not
    /// begin with three numbers.
    pub fn parse(tag: &str) -> Option<Self> {
        let tag = tag.split_once('@').map_or(tag, |(tag, _)| tag);
        let (v, rest) = tag
            .strip_prefix('v')
            .map_or((false, tag), |rest| (true, rest));
        let numbers_end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (numbers, suffix) = rest.split_at_checked(numbers_end)?;
        let mut numbers = numbers.split('.').map(|number| number.parse::<u32>().ok());
        let version = Self {
            major: numbers.next()??,
            minor: numbers.next()??,
            patch: numbers.next()??,
            suffix: suffix.into(),
            v,
        };
        numbers.next().is_none().then_some(version)
    }

    /// Major, minor and patch version, to compare.
    pub const fn number(&self) -> (u32, u32, u32) {
        (self.major, self.minor, self.patch)
    }

    /// The same for comparing with ranges, without what follows the patch version.
    pub fn semver(&self) -> semver::Version {
        let (major, minor, patch) = self.number();
        semver::Version::new(major.into(), minor.into(), patch.into())
    }

    /// Without what follows the patch version: `v1.33.4`.
    #[must_use]
    pub fn release(&self) -> Self {
        Self {
            suffix: "".into(),
            v: true,
            ..self.clone()
        }
    }
}

impl fmt::Display for KubeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            major,
            minor,
            patch,
            suffix,
            v,
        } = self;
        write!(
            f,
            "{}{major}.{minor}.{patch}{suffix}",
            if *v { "v" } else { "" }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_with_what_follows_the_numbers() {
        for (tag, suffix) in [
            ("v1.33.4", ""),
            ("v1.32.1-k3s1", "-k3s1"),
            ("v1.30.2-k0s.0", "-k0s.0"),
            ("v1.30.2-eks-1-30-10", "-eks-1-30-10"),
            ("v1.31.0+k3s1", "+k3s1"),
            ("v1.35.0-full@sha256:00", "-full"),
        ] {
            let version = KubeVersion::parse(tag).unwrap();
            assert_eq!(&*version.suffix, suffix, "{tag}");
            assert!(tag.starts_with(&version.to_string()), "{tag}");
        }
        assert!(!KubeVersion::parse("1.28.4").unwrap().v);
        for tag in [
            "", "latest", "v1.30", "1.30", "v1.2.3.4", "v", "v1..2", "sha256:0",
        ] {
            assert_eq!(KubeVersion::parse(tag), None, "{tag}");
        }
    }
}
