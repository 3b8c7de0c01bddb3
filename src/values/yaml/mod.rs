//! Reading YAML text as Go does.
//!
//! A text goes through three stages: `source` checks size and characters, `tree` runs the parser
//! with `dialect` beside it, `decode` follows aliases and merges and turns scalars into values by
//! the rules of `scalar`. Mirrors `go.yaml.in/yaml/v2` and `yaml.go` of `sigs.k8s.io/yaml`.
//!
//! What Go refuses is refused, and what is read has Go's value. A few texts that Go reads are
//! refused, because our parser, which reads YAML 1.2, cannot read them or would read them in
//! another way:
//!
//! * U+0085, U+2028 and U+2029, which Go takes for line breaks, and U+FEFF inside the text;
//! * UTF-16;
//! * a comment without white space before it, behind a quoted scalar, bracket or block header;
//! * inside `[]` and `{}`: plain scalars that are `-`, begin with `:`, hold `?` or end in `:`, and
//!   tags that end in a comma;
//! * the escape `\'`, brackets in tags, and anchors and aliases with a `:` right behind the name;
//! * further lines of a quoted scalar that are not indented;
//! * block scalars that consist of lines indented less than their header says;
//! * syntax errors behind the end of the document where no `...` ends it;
//! * `!!timestamp`;
//! * `.inf`, `.nan` and what else JSON cannot hold, where a later duplicate replaces it;
//! * what goes beyond [`Limits`], and merges nested as deep as [`Limits::depth`].
//!
//! Keys that differ for goyaml and are the same string in JSON (`1` and `"1"`) have no defined
//! winner in Go; here it is the last.
//!
//! The steps of a reading are at most 16 for each value that the limits allow: per value at most a
//! key, a start and an end as parser events, twice where the parser runs again for tabs, and a key,
//! two aliases and itself where it is copied.

mod decode;
mod dialect;
mod notes;
mod number;
mod outline;
mod scalar;
mod source;
mod tree;

pub(super) use self::outline::{Mark, MarkKind, outline};
use serde_json::Number;

use super::{Document, Limits, ReadError};
use scalar::{Resolved, Tag};
use source::Source;
use tree::Tree;

/// Whether Go reads this text, written without quotes, as a string.
pub(super) fn is_plain_string(text: &str) -> bool {
    scalar::resolve(Tag::None, text) == Ok(Resolved::Text)
}

/// A float as Go writes it in JSON, and as the number that it reads there; `None` if it is not
/// finite.
pub(super) fn go_float(value: f64) -> Option<(String, Number)> {
    Some((number::json_float(value), number::from_float(value)?))
}

/// The text with spaces for the tabs that lines begin with, which our parser refuses in places
/// where Go does not; `None` if there are none, or the text is not to be read at all.
pub(super) fn without_leading_tabs(text: &str) -> Option<String> {
    let source = Source::check(text.as_bytes(), &Limits::VALUES).ok()?;
    source.without_leading_tabs()
}

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
    let steps = failure.error.steps;
    let mut tree = Tree::parse(source, &detabbed, limits).map_err(|failure| {
        let ReadError {
            kind,
            at,
            steps: more,
        } = failure.error;
        ReadError {
            kind,
            at,
            steps: steps + more,
        }
    })?;
    tree.events += steps;
    decode::decode(&tree, limits)
}

#[cfg(test)]
mod tests;
