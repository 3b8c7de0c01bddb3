//! What stands where in a text: its nodes as they are written, each once.
//!
//! For those who must know more than the values: an earlier duplicate is there, an alias is not
//! followed, and a merge key is a key.

use super::super::{Limits, Position};
use super::source::Source;
use super::tree::{RawKind, Tree};

/// One node of a text, a key or a value.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Mark {
    /// Where it starts.
    pub(in super::super) at: Position,
    /// The mark around it: of a key its map, of a value its key or list; `None` for the root.
    pub(in super::super) parent: Option<usize>,
    /// Whether it is a key.
    pub(in super::super) is_key: bool,
    /// What is written there.
    pub(in super::super) kind: MarkKind,
}

/// The kinds of [`Mark`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum MarkKind {
    /// A scalar that is not there at all.
    Nothing,
    /// A scalar without the sought character.
    Scalar,
    /// A scalar that holds the sought character.
    Sought,
    /// `<<`, quoted or not.
    MergeKey,
    Alias,
    List,
    Map,
}

/// The nodes of the first document in the order of the text; `None` if it cannot be parsed.
pub(in super::super) fn outline(text: &[u8], limits: &Limits, sought: char) -> Option<Vec<Mark>> {
    let source = Source::check(text, limits).ok()?;
    match Tree::parse(source, source.text, limits) {
        Ok(tree) => Some(marks(&tree, sought)),
        Err(failure) if failure.about_tab => {
            let detabbed = source.without_leading_tabs()?;
            let tree = Tree::parse(source, &detabbed, limits).ok()?;
            Some(marks(&tree, sought))
        }
        Err(_) => None,
    }
}

/// A tree's nodes are numbered in the order of the text.
fn marks(tree: &Tree<'_>, sought: char) -> Vec<Mark> {
    let mut marks = Vec::new();
    // Parents of nodes that are still to come.
    let mut parents: Vec<Option<(usize, bool)>> = Vec::new();
    let mut adopt = |child: usize, parent: usize, is_key: bool| {
        if parents.len() <= child {
            parents.resize(child + 1, None);
        }
        if let Some(slot) = parents.get_mut(child) {
            *slot = Some((parent, is_key));
        }
    };
    let mut id = 0;
    while let Some(raw) = tree.node(id) {
        match &raw.kind {
            RawKind::Map(children) => {
                for pair in children.chunks(2) {
                    if let &[key, value] = pair {
                        adopt(key, id, true);
                        adopt(value, key, false);
                    }
                }
            }
            RawKind::List(children) => {
                for child in children {
                    adopt(*child, id, false);
                }
            }
            RawKind::Scalar(_) | RawKind::Alias(_) => {}
        }
        id += 1;
    }
    let mut id = 0;
    while let Some(raw) = tree.node(id) {
        let parent = parents.get(id).copied().flatten();
        let is_key = parent.is_some_and(|(_, is_key)| is_key);
        marks.push(Mark {
            at: raw.at,
            parent: parent.map(|(parent, _)| parent),
            is_key,
            kind: match &raw.kind {
                RawKind::Scalar(scalar) if scalar.value.contains(sought) => MarkKind::Sought,
                RawKind::Scalar(scalar) if is_key && scalar.value == "<<" => MarkKind::MergeKey,
                RawKind::Scalar(scalar) if scalar.source.is_empty() => MarkKind::Nothing,
                RawKind::Scalar(_) => MarkKind::Scalar,
                RawKind::Alias(_) => MarkKind::Alias,
                RawKind::List(_) => MarkKind::List,
                RawKind::Map(_) => MarkKind::Map,
            },
        });
        id += 1;
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_is_there_once_with_what_is_around_it() {
        let text = "a: &x {b: 1}\na: *x\nc:\n- <<: ''\n- \u{e000}d\ne:\n";
        let marks = outline(text.as_bytes(), &Limits::VALUES, '\u{e000}').expect("readable");
        let shown: Vec<_> = marks
            .iter()
            .map(|mark| (mark.at.byte, mark.parent, mark.is_key, mark.kind))
            .collect();
        assert_eq!(
            shown,
            [
                (0, None, false, MarkKind::Map),
                (0, Some(0), true, MarkKind::Scalar),
                (6, Some(1), false, MarkKind::Map),
                (7, Some(2), true, MarkKind::Scalar),
                (10, Some(3), false, MarkKind::Scalar),
                (13, Some(0), true, MarkKind::Scalar),
                (16, Some(5), false, MarkKind::Alias),
                (19, Some(0), true, MarkKind::Scalar),
                (22, Some(7), false, MarkKind::List),
                (24, Some(8), false, MarkKind::Map),
                (24, Some(9), true, MarkKind::MergeKey),
                (28, Some(10), false, MarkKind::Scalar),
                (33, Some(8), false, MarkKind::Sought),
                (38, Some(0), true, MarkKind::Scalar),
                (40, Some(13), false, MarkKind::Nothing),
            ]
        );
        assert!(outline(b"a: [", &Limits::VALUES, '\u{e000}').is_none());
    }
}
