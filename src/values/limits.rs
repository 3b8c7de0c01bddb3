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

    /// What all values of one object may ask together; of nodes a map counts as [`MAP_NODES`], and
    /// a part that is one assignment or reference as [`PART_NODES`]. An object may hold hundreds of
    /// texts, and aliases make much of little. The server keeps 96 MiB for one review; so much
    /// before and after takes at most 90, in whatever form (`tests/it/memory.rs`). What people
    /// write is far below: 256 versions of 4 KiB are some 75 000, with their maps, and the largest
    /// vCluster chart's own values are 2 000.
    pub const OBJECT: Self = Self {
        // read more than once only where an ApplicationSet's generators share a template
        bytes: 4 * 1_024 * 1_024,
        nodes: 100_000,
        ..Self::VALUES
    };
}

/// What a map takes of [`Limits::OBJECT`]: its table takes as much memory as four scalars do.
pub(super) const MAP_NODES: usize = 4;

/// What a part of one assignment or reference takes of [`Limits::OBJECT`]: it is a layer with maps
/// of its own, 3 KiB in all.
pub(super) const PART_NODES: usize = 16;

/// How many steps reading may take for each value that the limits allow (see `yaml`).
pub(super) const STEPS_PER_NODE: usize = 16;

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
    /// Over the nodes of [`Limits::OBJECT`].
    #[error(
        "more than {limit} values in the object up to here, with those that aliases stand for; a map \
         counts as {MAP_NODES}, a parameter as {PART_NODES}"
    )]
    TooManyNodesInAll {
        /// The bound.
        limit: usize,
    },
    /// Over the text in values of [`Limits::OBJECT`].
    #[error(
        "more than {limit} bytes of text in the object's values up to here, with those that aliases \
         stand for"
    )]
    TooManyScalarBytesInAll {
        /// The bound.
        limit: usize,
    },
    /// Over the size of [`Limits::OBJECT`].
    #[error("more than {limit} bytes of values to read in the object up to here")]
    TooLargeInAll {
        /// The bound.
        limit: usize,
    },
    /// Over the steps for the nodes of [`Limits::OBJECT`].
    #[error("more than {limit} steps to read the object's values before these")]
    TooManyStepsInAll {
        /// The bound.
        limit: usize,
    },
}

impl ReadErrorKind {
    /// Whether a bound was passed; all else is wrong whatever its size.
    pub const fn is_bound(&self) -> bool {
        match self {
            Self::TooLarge { .. }
            | Self::TooDeep { .. }
            | Self::TooManyNodes { .. }
            | Self::TooManyScalarBytes { .. }
            | Self::TooManyAliases { .. }
            | Self::TooManyNodesInAll { .. }
            | Self::TooManyScalarBytesInAll { .. }
            | Self::TooLargeInAll { .. }
            | Self::TooManyStepsInAll { .. } => true,
            Self::NotUtf8 | Self::Syntax(_) | Self::NotJson(_) | Self::UnknownAnchor => false,
        }
    }
}
