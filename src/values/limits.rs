//! The bounds of reading, each with its reason, and the errors that they and bad syntax give.

use super::Position;

/// How much a text may ask of the reader. Every bound has its own [`ReadErrorKind`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Size of the text in bytes.
    pub bytes: usize,
    /// How deep maps and lists may nest.
    pub depth: usize,
    /// Nodes in all, those that aliases stand for included.
    pub nodes: usize,
    /// Bytes of scalars in all, those that aliases stand for included.
    pub scalar_bytes: usize,
    /// Aliases (`*name`) in all.
    pub aliases: usize,
}

impl Limits {
    /// What Helm values may ask. Kubernetes keeps at most 1 MiB in a Secret and about 1.5 MiB in
    /// any object; the largest vCluster chart's own values have 900 nodes, 9 deep.
    pub const VALUES: Self = Self {
        bytes: 1_536 * 1_024,
        depth: 100,
        nodes: 200_000,
        scalar_bytes: 4 * 1_024 * 1_024,
        aliases: 1_000,
    };
}

/// Why a text could not be read, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{kind}")]
pub struct ReadError {
    /// What is wrong.
    pub kind: ReadErrorKind,
    /// Where, if it is known.
    pub at: Option<Position>,
    /// How many steps the reader had taken by then.
    pub steps: usize,
}

/// The ways in which a text can be unreadable. No variant quotes the text: it may be secret.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReadErrorKind {
    /// Not UTF-8.
    #[error("not UTF-8 text")]
    NotUtf8,
    /// Not YAML (or JSON), in the parser's words, which name syntax only.
    #[error("{0}")]
    Syntax(String),
    /// Valid YAML that Go cannot turn into JSON: a null, map or list as key, infinity.
    #[error("{0}")]
    NotJson(&'static str),
    /// An alias of an anchor that does not exist.
    #[error("alias of an anchor that is not defined above it")]
    UnknownAnchor,
    /// Over [`Limits::bytes`].
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// Over [`Limits::depth`].
    #[error("maps and lists nest deeper than {limit} levels")]
    TooDeep {
        /// The bound.
        limit: usize,
    },
    /// Over [`Limits::nodes`].
    #[error("more than {limit} values, those that aliases stand for included")]
    TooManyNodes {
        /// The bound.
        limit: usize,
    },
    /// Over [`Limits::scalar_bytes`].
    #[error("more than {limit} bytes of text in values, those that aliases stand for included")]
    TooManyScalarBytes {
        /// The bound.
        limit: usize,
    },
    /// Over [`Limits::aliases`].
    #[error("more than {limit} aliases")]
    TooManyAliases {
        /// The bound.
        limit: usize,
    },
}
