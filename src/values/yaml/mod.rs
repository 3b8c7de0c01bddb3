//! Reading YAML text as Go does.
//!
//! A text goes through four stages, each in its own file: `source` checks size and characters,
//! `tree` runs the parser with `dialect` beside it, `decode` follows aliases and merges and turns
//! scalars into values by `scalar`'s rules.

mod decode;
mod dialect;
mod notes;
mod number;
mod scalar;
mod source;
mod tree;

use super::{Document, Limits, ReadError};
use source::Source;
use tree::Tree;

/// Reads the first document of a YAML (or JSON) text as Go's `sigs.k8s.io/yaml` does.
pub fn read_yaml(text: &[u8], limits: &Limits) -> Result<Document, ReadError> {
    let source = Source::check(text, limits)?;
    let failure = match Tree::parse(source, source.text, limits) {
        Ok(tree) => return decode::decode(&tree, limits),
        Err(failure) => failure,
    };
    // Once more with other white space, should that be what was wrong.
    let Some(detabbed) = failure
        .about_tab
        .then(|| source.without_leading_tabs())
        .flatten()
    else {
        return Err(failure.error);
    };
    let tree = Tree::parse(source, &detabbed, limits).map_err(|failure| failure.error)?;
    decode::decode(&tree, limits)
}
