//! What is found at a path of a tree.

use super::tree::{Branch, Cause, Known, Origin};
use crate::values::Data;

/// Whether something is set at a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Presence<'t> {
    /// Nothing is, for certain.
    Unset,
    /// Something is: this leaf, or a map; or something above is a leaf (`resources: null`).
    Set(Option<&'t Known>),
    /// It cannot be seen.
    Unknown,
}

/// What is known at a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lookup<'t> {
    /// A scalar, list or explicit null.
    Known(&'t Known),
    /// A map.
    Map(&'t Branch),
    /// Anything could be there, or nothing.
    Unknown(&'t Cause),
    /// Nothing is there.
    Absent,
}

impl<'t> Lookup<'t> {
    /// The boolean, if one is known to stand there.
    pub fn bool(self) -> Option<bool> {
        match self {
            Self::Known(Known {
                data: Data::Bool(value),
                ..
            }) => Some(*value),
            _ => None,
        }
    }

    /// The string, if one is known to stand there.
    pub fn str(self) -> Option<&'t str> {
        match self {
            Self::Known(Known {
                data: Data::String(text),
                ..
            }) => Some(text),
            _ => None,
        }
    }

    /// Where it comes from, if it is known.
    pub fn origin(self) -> Option<Origin> {
        match self {
            Self::Known(known) => Some(known.origin),
            Self::Map(branch) => Some(branch.origin()),
            Self::Unknown(_) | Self::Absent => None,
        }
    }

    /// Whether it cannot be seen what stands there.
    pub const fn is_unknown(self) -> bool {
        matches!(self, Self::Unknown(_))
    }
}
