//! Where something stands in a carrier, as people and programs are told.

use std::fmt;

use crate::values::{Path, Position};

/// Where something stands: in which part of the carrier, and where in its values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The path in the values.
    pub values: Path,
    /// The part of the carrier.
    pub part: Path,
    /// Line and column, where the part is kept as text.
    pub position: Option<Position>,
    /// How the part is kept.
    pub kept: Kept,
}

/// How a part of a carrier is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kept {
    /// As fields of the object.
    Fields,
    /// As text.
    Text,
    /// As something that the values were made from: the part says it all.
    Otherwise,
}

impl Place {
    /// The place as one field path: `spec.values.controlPlane.distro`.
    pub fn field(&self) -> String {
        match self.kept {
            Kept::Otherwise => self.part.to_string(),
            Kept::Fields | Kept::Text => self.part.join(&self.values).to_string(),
        }
    }
}

impl fmt::Display for Place {
    /// `spec.values.controlPlane.distro`, or for text
    /// `controlPlane.distro (line 14 of data[config.yaml])`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            values,
            part,
            position,
            kept,
        } = self;
        match (kept, position, values.steps().is_empty()) {
            (Kept::Fields | Kept::Otherwise, ..) => f.write_str(&self.field()),
            (Kept::Text, Some(at), false) => write!(f, "{values} (line {} of {part})", at.line),
            (Kept::Text, Some(at), true) => write!(f, "{part} (line {})", at.line),
            (Kept::Text, None, false) => write!(f, "{values} (in {part})"),
            (Kept::Text, None, true) => write!(f, "{part}"),
        }
    }
}
