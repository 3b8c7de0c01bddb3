//! Where the parts of a text stand: every node from its first byte to its last, and the comments.
//!
//! Made of the same parser's events as the reader's tree, without meaning: what a key or value is
//! to Go is the reader's business, and the two are matched by the place where a key starts.

mod build;

use std::ops::Range;

use self::build::Builder;
use super::super::yaml::without_leading_tabs;
use super::lines::{byte_at, line_end, line_start, skip_white, slice};

/// Number of an item in its [`Layout`].
pub(super) type Id = usize;

/// The places of a text's first document.
#[derive(Debug, Default)]
pub(super) struct Layout {
    items: Vec<Item>,
    /// The root, unless the text has no document at all.
    pub(super) root: Option<Id>,
    /// The comments in their order, each from `#` to the end of its line.
    pub(super) comments: Vec<Range<usize>>,
    /// Where the document ends: at `...`, at the next `---`, or with the text.
    pub(super) end: usize,
    /// By how much the first block map inside another is indented.
    pub(super) step: Option<usize>,
    /// By how much the first block list inside a map is indented.
    pub(super) list_step: Option<usize>,
}

/// One node as it stands in the text.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) shape: Shape,
    /// The first byte behind anchor and tag; behind the colon for what is not there.
    pub(super) start: usize,
    /// The byte behind the last one. For block scalars and block collections that is the end of a
    /// line, before its break; comments do not count.
    pub(super) end: usize,
    /// Column of a block collection, from 0.
    pub(super) column: usize,
    pub(super) tag: Option<Range<usize>>,
    pub(super) anchor: Option<Range<usize>>,
    /// Whether an alias stands for it elsewhere.
    pub(super) aliased: bool,
}

/// How a node is written.
#[derive(Debug)]
pub(super) enum Shape {
    /// Not at all: the empty value.
    Missing,
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// `|` or `>`, with the place of the header (`|2-`).
    BlockScalar(Range<usize>),
    Alias,
    List {
        flow: bool,
    },
    Map {
        flow: bool,
        pairs: Vec<Pair>,
    },
}

/// A key and its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) key: Id,
    pub(super) value: Id,
}

impl Layout {
    /// The layout of a text that the reader can read, and that has no byte order mark.
    pub(super) fn of(text: &str) -> Option<Self> {
        Builder::run(text, text).or_else(|| Builder::run(text, &without_leading_tabs(text)?))
    }

    pub(super) fn item(&self, id: Id) -> Option<&Item> {
        self.items.get(id)
    }

    /// The plain or quoted scalar that starts at a byte.
    pub(super) fn scalar_at(&self, at: usize) -> Option<&Item> {
        self.items.iter().find(|item| {
            item.start == at
                && matches!(
                    item.shape,
                    Shape::Plain | Shape::SingleQuoted | Shape::DoubleQuoted
                )
        })
    }

    /// The entries of a map, and whether it is a flow map.
    pub(super) fn map(&self, id: Id) -> Option<(&Item, bool, &[Pair])> {
        let item = self.item(id)?;
        match &item.shape {
            Shape::Map { flow, pairs } => Some((item, *flow, pairs)),
            _ => None,
        }
    }

    /// The comments that begin in a range.
    pub(super) fn comments_in(&self, range: Range<usize>) -> &[Range<usize>] {
        let from = self.comments.partition_point(|it| it.start < range.start);
        let to = self.comments.partition_point(|it| it.start < range.end);
        self.comments.get(from..to).unwrap_or(&[])
    }

    /// Whether an alias stands for this item or for one inside it.
    pub(super) fn is_shared(&self, id: Id) -> bool {
        let Some(end) = self.item(id).map(|item| item.end) else {
            return false;
        };
        // Items are in the order of the text: those inside follow, and start before its end.
        let inside = self.items.iter().skip(id);
        inside
            .take_while(|item| item.start <= end)
            .any(|item| item.aliased)
    }
}

impl Item {
    /// The first byte with anchor and tag.
    pub(super) fn first(&self) -> usize {
        let starts = [&self.anchor, &self.tag].map(|place| place.as_ref().map(|it| it.start));
        starts.into_iter().flatten().fold(self.start, usize::min)
    }

    /// The byte behind anchor and tag, if it has either.
    pub(super) fn behind_properties(&self) -> Option<usize> {
        let ends = [&self.anchor, &self.tag].map(|place| place.as_ref().map(|it| it.end));
        ends.into_iter().flatten().max()
    }
}

/// The byte behind the colon of a key, if it has one.
pub(super) fn behind_colon(text: &str, key: &Item) -> Option<usize> {
    let at = skip_gap(text, key.end);
    (byte_at(text, at) == Some(b':')).then_some(at + 1)
}

/// The first byte from `at` on that is neither white space nor in a comment. `at` must not lie in
/// a scalar.
pub(super) fn skip_gap(text: &str, at: usize) -> usize {
    let mut at = skip_white(text, at);
    while byte_at(text, at) == Some(b'#') {
        at = skip_white(text, line_end(text, at));
    }
    at
}

/// The byte of the `?` before an explicit key that stands on the same line.
pub(super) fn explicit_key(text: &str, key: &Item) -> Option<usize> {
    let first = key.first();
    let before = slice(text, line_start(text, first)..first);
    let trimmed = before.trim_end_matches([' ', '\t']);
    (trimmed.ends_with('?') && trimmed.len() < before.len())
        .then(|| first - (before.len() - trimmed.len()) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, keys: usize) -> Vec<&str> {
        let layout = Layout::of(text).expect("readable");
        let (_, _, pairs) = layout.map(layout.root.expect("a root")).expect("a map");
        assert_eq!(pairs.len(), keys, "{text:?}");
        let values = pairs.iter().filter_map(|pair| layout.item(pair.value));
        values
            .map(|item| slice(text, item.start..item.end))
            .collect()
    }

    #[test]
    fn every_node_ends_where_its_text_does() {
        assert_eq!(
            shown(
                "a: 1 # c\nb: &x\n  c: !!str d # d\n  # e\nf: *x\ng:\n- h\n-\n# i\nj:",
                5
            ),
            ["1", "c: !!str d", "*x", "- h\n-", ""]
        );
        assert_eq!(
            shown("{a: 1, b: [c, {d: e}] , f: , g, 'h': \"i\"}\n", 5),
            ["1", "[c, {d: e}]", "", "", "\"i\""]
        );
        assert_eq!(
            shown("? a\n: b\n  c\n? - d\n  - e\n: f\n...\n}\n", 2),
            ["b\n  c", "f"]
        );
    }

    #[test]
    fn block_scalars_end_with_their_last_line() {
        assert_eq!(
            shown(
                "a: | # c\n  x\n\n  y\n\n # less\nb: >+\n  z\n\nc: !!str |2-\n    x\n  \n \nd: |\n x\n   \n\ne: |\n",
                5
            ),
            [
                "| # c\n  x\n\n  y",
                ">+\n  z\n",
                "|2-\n    x\n  \n ",
                "|\n x\n   ",
                "|"
            ]
        );
        assert_eq!(shown("  a: |2\n    x\n  b:\n", 2), ["|2\n    x", ""]);
        assert_eq!(shown("a: |\n x", 1), ["|\n x"]);
        assert_eq!(shown("a: |\r\n x\r\n\r\n", 1), ["|\r\n x"]);
    }

    #[test]
    fn the_document_ends_where_go_stops_reading() {
        for (text, end) in [
            ("", 0),
            ("# c\n", 4),
            ("---\n...\n]", 4),
            ("---\n# c\n---\na: 1\n", 8),
            ("a: 1\n", 5),
        ] {
            assert_eq!(Layout::of(text).expect("readable").end, end, "{text:?}");
        }
    }

    #[test]
    fn shared_are_anchors_with_aliases() {
        let layout = Layout::of("a: {b: &x {c: &y 1}}\nd: *y\n").expect("readable");
        assert!(layout.is_shared(0));
        let (_, _, pairs) = layout.map(0).expect("a map");
        assert!(layout.is_shared(pairs[0].value));
        assert!(!layout.is_shared(pairs[1].value));
    }
}
