//! Chart version ranges, as Helm and Flux read them.
//!
//! Mirrors `Masterminds/semver` v3 constraints: `||` between alternatives, comma or space between
//! conditions, `= != > < >= <= ~ ^`, wildcards (`0.28.x`, `*`), hyphen ranges, and pre-releases
//! only where a condition names one.

use std::fmt;

use semver::{Prerelease, Version};

/// A compiled range of chart versions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Range {
    text: Box<str>,
    alternatives: Vec<Vec<Condition>>,
}

/// Why a text is not a range.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a chart version or range, for example 0.30.4, 0.28.x or \">=0.25 <0.33\"")]
pub struct RangeError;

impl Range {
    /// Reads a range.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        // Longer texts are no ranges that anybody wrote, and each condition costs a comparison
        // with every chart.
        if text.len() > 256 {
            return Err(RangeError);
        }
        let alternatives = text
            .split("||")
            .map(parse_conditions)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            text: text.trim().into(),
            alternatives,
        })
    }

    /// Whether a version lies in the range.
    pub fn contains(&self, version: &Version) -> bool {
        // build metadata has no say
        let version = &Version {
            build: semver::BuildMetadata::EMPTY,
            ..version.clone()
        };
        self.alternatives.iter().any(|conditions| {
            conditions.iter().all(|condition| condition.holds(version))
                // a pre-release is taken only where a condition asks for pre-releases
                && (version.pre.is_empty()
                    || conditions.iter().any(|condition| !condition.version.pre.is_empty()))
        })
    }

    /// The one version that the range names, where it is no more than that: `0.30.4`, `v0.30.4`.
    pub fn exact(&self) -> Option<&Version> {
        match self.alternatives.as_slice() {
            [conditions] => match conditions.as_slice() {
                [
                    Condition {
                        operator: Operator::Equal,
                        version,
                        parts: 3,
                    },
                ] => Some(version),
                _ => None,
            },
            _ => None,
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Condition {
    operator: Operator,
    /// Parts that were left out or wild are 0.
    version: Version,
    /// How many of major, minor and patch were given.
    parts: u8,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    Tilde,
    Caret,
}

impl Condition {
    fn holds(&self, version: &Version) -> bool {
        match self.operator {
            Operator::Equal if self.parts == 3 => *version == self.version,
            Operator::Equal | Operator::Tilde => {
                *version >= self.version && *version < self.next(self.parts.min(2))
            }
            Operator::NotEqual if self.parts == 3 => *version != self.version,
            Operator::NotEqual => {
                *version < self.version || *version >= self.next(self.parts.min(2))
            }
            Operator::Greater if self.parts == 3 => *version > self.version,
            Operator::Greater => *version >= self.next(self.parts),
            Operator::GreaterEqual => *version >= self.version,
            Operator::Less => *version < self.version,
            Operator::LessEqual if self.parts == 3 => *version <= self.version,
            Operator::LessEqual => *version < self.next(self.parts),
            Operator::Caret => {
                let kept = match (self.version.major, self.version.minor, self.parts) {
                    (1.., _, _) | (_, _, 0 | 1) => 1,
                    (0, 1.., _) | (_, _, 2) => 2,
                    _ => 3,
                };
                *version >= self.version && *version < self.next(kept.min(self.parts))
            }
        }
    }

    /// The first version above all that share the first `kept` parts.
    fn next(&self, kept: u8) -> Version {
        let Version {
            major,
            minor,
            patch,
            ..
        } = self.version;
        match kept {
            0 => Version::new(u64::MAX, 0, 0),
            1 => Version::new(major.saturating_add(1), 0, 0),
            2 => Version::new(major, minor.saturating_add(1), 0),
            _ => Version::new(major, minor, patch.saturating_add(1)),
        }
    }
}

fn parse_conditions(text: &str) -> Result<Vec<Condition>, RangeError> {
    let text = text.trim();
    if let Some((low, high)) = text.split_once(" - ") {
        return Ok(vec![
            parse_version(Operator::GreaterEqual, low)?,
            parse_version(Operator::LessEqual, high)?,
        ]);
    }
    let mut conditions = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
        if rest.is_empty() {
            break;
        }
        let operator_end = rest
            .find(|c: char| !"=!<>~^".contains(c))
            .ok_or(RangeError)?;
        let (operator, after) = rest.split_at_checked(operator_end).ok_or(RangeError)?;
        let after = after.trim_start();
        let version_end = after
            .find(|c: char| c == ',' || c.is_whitespace())
            .unwrap_or(after.len());
        let (version, tail) = after.split_at_checked(version_end).ok_or(RangeError)?;
        conditions.push(parse_version(parse_operator(operator)?, version)?);
        rest = tail;
    }
    if conditions.is_empty() {
        Err(RangeError)
    } else {
        Ok(conditions)
    }
}

fn parse_operator(text: &str) -> Result<Operator, RangeError> {
    Ok(match text {
        "" | "=" => Operator::Equal,
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        ">=" | "=>" => Operator::GreaterEqual,
        "<" => Operator::Less,
        "<=" | "=<" => Operator::LessEqual,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => return Err(RangeError),
    })
}

/// Reads `0.30.4`, `v0.30.4-rc.1+build`, `0.28`, `0.28.x`, `*`.
fn parse_version(operator: Operator, text: &str) -> Result<Condition, RangeError> {
    let text = text.trim();
    let text = text.strip_prefix('v').unwrap_or(text);
    if let Ok(mut version) = Version::parse(text) {
        version.build = semver::BuildMetadata::EMPTY;
        return Ok(Condition {
            operator,
            version,
            parts: 3,
        });
    }
    // 0.30.x-0: pre-releases, too, of all that is left open
    let (text, pre) = match text.split_once('-') {
        Some((text, pre)) => (text, Prerelease::new(pre).map_err(|_| RangeError)?),
        None => (text, Prerelease::EMPTY),
    };
    let mut numbers = [0_u64; 3];
    let mut parts = 0;
    let mut wild = false;
    let mut count = 0;
    for (number, part) in numbers.iter_mut().zip(text.split('.')) {
        count += 1;
        if matches!(part, "x" | "X" | "*") {
            wild = true;
        } else if wild {
            return Err(RangeError);
        } else {
            *number = part.parse().map_err(|_| RangeError)?;
            parts += 1;
        }
    }
    if text.split('.').count() > count {
        return Err(RangeError);
    }
    let [major, minor, patch] = numbers;
    let version = Version {
        pre,
        ..Version::new(major, minor, patch)
    };
    Ok(Condition {
        operator,
        version,
        parts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, version: &str) -> bool {
        Range::parse(range)
            .unwrap()
            .contains(&Version::parse(version).unwrap())
    }

    #[test]
    fn ranges_hold_what_helm_takes() {
        for (range, inside, outside) in [
            ("0.28.x", "0.28.2", "0.29.0"),
            ("0.28", "0.28.0", "0.27.3"),
            ("0.28.*", "0.28.1", "0.30.0"),
            ("~0.24.1", "0.24.2", "0.25.0"),
            ("~0.24", "0.24.0", "0.25.0"),
            ("^0.24.1", "0.24.2", "0.25.0"),
            ("^0.24", "0.24.9", "0.25.0"),
            ("^1.2", "1.9.0", "2.0.0"),
            ("^0", "0.99.0", "1.0.0"),
            ("^0.0.3", "0.0.3", "0.0.4"),
            (">=0.25 <0.33", "0.32.3", "0.33.0"),
            (">=0.25.0, <0.26.0", "0.25.2", "0.26.0"),
            (">0.25", "0.26.0", "0.25.9"),
            ("<=0.25", "0.25.9", "0.26.0"),
            ("0.20 - 0.22.4", "0.22.4", "0.22.5"),
            ("0.20.x || >= 0.35", "0.36.0", "0.21.0"),
            ("!=0.30.1", "0.30.2", "0.30.1"),
            ("*", "0.36.1", "0.37.0-rc.1"),
            (">=0.37.0-0", "0.37.0-rc.1", "0.36.9"),
            ("v0.30.4", "0.30.4", "0.30.5"),
            ("0.30.x-0", "0.30.1-rc.1", "0.31.0"),
            ("*-0", "0.37.0-rc.1", "18446744073709551615.0.0"),
            ("0.30.4+b1", "0.30.4", "0.30.5"),
        ] {
            assert!(contains(range, inside), "{range} holds {inside}");
            assert!(!contains(range, outside), "{range} does not hold {outside}");
        }
    }

    #[test]
    fn only_a_whole_version_is_exact() {
        assert!(Range::parse("v0.30.4").unwrap().exact().is_some());
        assert!(Range::parse("=0.30.4").unwrap().exact().is_some());
        for range in ["0.30", "0.30.x", ">=0.30.4", "0.30.4 || 0.30.5", "*"] {
            assert!(Range::parse(range).unwrap().exact().is_none(), "{range}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "", "latest", "0.x.3", "1.2.3.4", ">", "=>>1", "{{ .v }}", "0.28.x.y", "||",
        ] {
            assert_eq!(Range::parse(text), Err(RangeError), "{text:?}");
        }
        assert!(Range::parse(&"0.1 ".repeat(100)).is_err());
    }
}
