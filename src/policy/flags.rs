//! Flags as policies write them.

use std::fmt;

use crate::globs::Globs;
use crate::vcluster::Flag;

/// A flag, or a flag with a value, in which a star stands for any text.
#[derive(Clone, Debug)]
pub struct FlagPattern {
    written: Box<str>,
    with_value: bool,
    globs: Globs,
}

impl FlagPattern {
    /// Compiles `--flag` or `--flag=value`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let name = Flag::normal(name);
        let pattern = match value {
            Some(value) => format!("{name}={value}"),
            None => name,
        };
        Ok(Self {
            written: text.into(),
            with_value: value.is_some(),
            globs: Globs::parse([&*pattern]).map_err(|(_, what)| what)?,
        })
    }

    /// Whether a flag is meant. A flag without a value is one that is true.
    pub fn matches(&self, flag: &Flag<'_>) -> bool {
        let Flag { name, value, .. } = flag;
        if self.with_value {
            let value = value.unwrap_or("true");
            self.globs.matches(&format!("{name}={value}"))
        } else {
            self.globs.matches(name)
        }
    }

    /// Whether some values of the flag are meant only.
    pub const fn is_about_values(&self) -> bool {
        self.with_value
    }
}

impl fmt::Display for FlagPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_about_a_flag_or_about_its_values() {
        for (pattern, name, value, matches) in [
            ("--anonymous-auth", "anonymous-auth", Some("false"), true),
            ("--anonymous_auth", "anonymous-auth", None, true),
            ("--anonymous-auth=true", "anonymous-auth", None, true),
            (
                "--anonymous-auth=true",
                "anonymous-auth",
                Some("true"),
                true,
            ),
            (
                "--anonymous-auth=true",
                "anonymous-auth",
                Some("false"),
                false,
            ),
            (
                "--service-*=*",
                "service-node-port-range",
                Some("1-2"),
                true,
            ),
            ("--service", "service-node-port-range", Some("1-2"), false),
            ("--*", "v", Some("a/b=c"), true),
            ("--v=a*c", "v", Some("a/b=c"), true),
        ] {
            let flag = Flag {
                item: 0,
                name: name.to_owned(),
                value,
                has_dashes: true,
            };
            let compiled = FlagPattern::parse(pattern).unwrap();
            assert_eq!(
                compiled.matches(&flag),
                matches,
                "{pattern}: {name} {value:?}"
            );
            assert_eq!(compiled.to_string(), pattern);
        }
    }
}
