//! What was seen of a thing, or why nothing was: what nobody could look at is neither right nor
//! wrong.

use std::fmt;

use crate::text::printable;

/// How much of others' words is shown.
const SHOWN: usize = 1_024;

/// What was seen of a thing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Seen<T> {
    /// It is there.
    Is(T),
    /// It is not there.
    Absent,
    /// It could not be looked at.
    Hidden(Hidden),
}

/// Why a thing could not be looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Hidden {
    /// A right is missing.
    Forbidden(Right),
    /// There was no answer in so many seconds.
    Late(u64),
    /// It cannot be reached from where the question comes from.
    Elsewhere(String),
    /// The answer was none.
    Failed(String),
}

/// A right of RBAC.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Right {
    /// `get`, `list`, `create`.
    pub verb: &'static str,
    /// Resource and group as RBAC's messages have them: `deployments.apps`, `pods/proxy`.
    pub resource: String,
    /// The namespace, for what lives in one.
    pub namespace: Option<String>,
}

impl<T> Seen<T> {
    /// The thing, if it was seen.
    pub const fn is(&self) -> Option<&T> {
        match self {
            Self::Is(thing) => Some(thing),
            Self::Absent | Self::Hidden(_) => None,
        }
    }

    /// Why it was not seen.
    pub const fn hidden(&self) -> Option<&Hidden> {
        match self {
            Self::Hidden(why) => Some(why),
            Self::Is(_) | Self::Absent => None,
        }
    }

    /// Something made of it.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Self::Is(thing) => Seen::Is(make(thing)),
            Self::Absent => Seen::Absent,
            Self::Hidden(why) => Seen::Hidden(why),
        }
    }
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden(right) => write!(f, "needs the right to {right}"),
            Self::Late(seconds) => write!(f, "no answer in {seconds} s"),
            Self::Elsewhere(why) => write!(f, "not seen from here: {}", printable(why, SHOWN)),
            Self::Failed(why) => f.write_str(&printable(why, SHOWN)),
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            verb,
            resource,
            namespace,
        } = self;
        write!(f, "{verb} {resource}")?;
        match namespace {
            Some(namespace) => write!(f, " in the namespace {namespace}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_stays_in_its_line() {
        for hidden in [Hidden::Failed, Hidden::Elsewhere] {
            let told = hidden("a\n::error::b\u{1b}[2Kc".to_owned()).to_string();
            assert!(told.ends_with("a::error::b[2Kc"), "{told}");
        }
    }
}
