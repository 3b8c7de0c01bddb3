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
    /// Whether the part is kept as text.
    pub text: bool,
}

impl Place {
    /// The place as one field path: `spec.values.controlPlane.distro`.
    pub fn field(&self) -> String {
        self.part.join(&self.values).to_string()
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
            text,
        } = self;
        match (text, position, values.steps().is_empty()) {
            (false, ..) => f.write_str(&self.field()),
            (true, Some(at), false) => write!(f, "{values} (line {} of {part})", at.line),
            (true, Some(at), true) => write!(f, "{part} (line {})", at.line),
            (true, None, false) => write!(f, "{values} (in {part})"),
            (true, None, true) => write!(f, "{part}"),
        }
    }
}
