//! Where the parts of a text stand: every node from its first byte to its last, and the comments.
//!
//! Made of the same parser's events as the reader's tree, without meaning: what a key or value is
//! to Go is the reader's business, and the two are matched by the place where a key starts.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle, options};

use super::super::Limits;
use super::super::yaml::without_leading_tabs;
use super::lines::{break_at, byte_at, line_end, line_start, skip_white, slice};

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
    fn new(shape: Shape, range: Range<usize>, span: &Span) -> Self {
        Self {
            shape,
            start: range.start,
            end: range.end,
            column: span.start.col(),
            tag: span.tag_span().and_then(|tag| tag.byte_range()),
            anchor: None,
            aliased: false,
        }
    }

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

struct Builder<'t> {
    text: &'t str,
    layout: Layout,
    open: Vec<Id>,
    /// For each open map the key that waits for its value.
    keys: Vec<Option<Id>>,
    anchors: HashMap<usize, Id>,
    /// The end of the last event that was not empty.
    last: usize,
}

impl<'t> Builder<'t> {
    /// Parses `parsed`, which is `text` or has other white space in the same places.
    fn run(text: &'t str, parsed: &str) -> Option<Layout> {
        let mut builder = Self {
            text,
            layout: Layout::default(),
            open: Vec::new(),
            keys: Vec::new(),
            anchors: HashMap::new(),
            last: 0,
        };
        builder.layout.end = text.len();
        let options = options! {
            emit_comments: true,
            emit_anchor_events: true,
            flow_nesting_limit: Limits::VALUES.depth,
            block_nesting_limit: Limits::VALUES.depth,
        };
        let mut ended = false;
        for event in Parser::new_from_str_with_options(parsed, options) {
            let Ok((event, span)) = event else {
                // Go does not read on behind the end.
                if ended {
                    break;
                }
                return None;
            };
            let range = span.byte_range()?;
            match event {
                Event::DocumentStart(..) if ended => {
                    builder.layout.end = range.start;
                    break;
                }
                Event::DocumentEnd => {
                    ended = true;
                    if !range.is_empty() {
                        builder.layout.end = range.start;
                        break;
                    }
                }
                event => builder.event(&event, range, &span)?,
            }
        }
        let Self { mut layout, .. } = builder;
        layout.comments.sort_by_key(|comment| comment.start);
        Some(layout)
    }

    fn event(&mut self, event: &Event<'_>, range: Range<usize>, span: &Span) -> Option<()> {
        match *event {
            Event::Scalar(_, style, anchor, _) => {
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let shape = match style {
                    _ if block => Shape::BlockScalar(self.header()),
                    ScalarStyle::SingleQuoted => Shape::SingleQuoted,
                    ScalarStyle::DoubleQuoted => Shape::DoubleQuoted,
                    _ if range.is_empty() => Shape::Missing,
                    _ => Shape::Plain,
                };
                let mut item = Item::new(shape, range.clone(), span);
                match &item.shape {
                    Shape::BlockScalar(header) => {
                        item.start = header.start;
                        item.end = body_end(self.text, header, &range);
                    }
                    Shape::Missing if item.tag.is_none() => {
                        item.start = self.missing(range.start);
                        item.end = item.start;
                    }
                    _ => {}
                }
                self.add(item, anchor);
            }
            Event::Alias(anchor) => {
                if let Some(target) = self.anchors.get(&anchor) {
                    self.layout.items.get_mut(*target)?.aliased = true;
                }
                let item = Item::new(Shape::Alias, range.clone(), span);
                self.add(item, 0);
            }
            Event::Anchor(..) => {
                let item = self.layout.items.last_mut()?;
                if matches!(item.shape, Shape::Missing) {
                    item.start = item.start.max(range.end);
                    item.end = item.start;
                }
                item.anchor = Some(range);
                let id = self.layout.items.len() - 1;
                self.grow(id);
                return Some(());
            }
            Event::SequenceStart(style, anchor, _) => {
                let flow = style == StructureStyle::Flow;
                let mut item = Item::new(Shape::List { flow }, range.clone(), span);
                if !flow {
                    // The parser starts a list that is not indented behind its dash.
                    let begin = line_start(self.text, range.start);
                    let line = slice(self.text, begin..range.start);
                    if byte_at(self.text, range.start) != Some(b'-')
                        && let Some(dash) = line.rfind('-')
                    {
                        item.column = dash;
                        item.start = begin + dash;
                    }
                    self.layout.list_step = self.layout.list_step.or(self.indented(&item));
                }
                let id = self.add(item, anchor);
                self.open(id);
            }
            Event::MappingStart(style, anchor, _) => {
                let flow = style == StructureStyle::Flow;
                let pairs = Vec::new();
                let item = Item::new(Shape::Map { flow, pairs }, range.clone(), span);
                if !flow {
                    let step = self.indented(&item).filter(|step| *step > 0);
                    self.layout.step = self.layout.step.or(step);
                }
                let id = self.add(item, anchor);
                self.open(id);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.keys.pop();
                let id = self.open.pop()?;
                let item = self.layout.items.get(id)?;
                let flow = matches!(
                    item.shape,
                    Shape::List { flow: true } | Shape::Map { flow: true, .. }
                );
                if flow {
                    self.layout.items.get_mut(id)?.end = range.end;
                }
                self.grow(id);
            }
            Event::Comment(..) => {
                self.layout.comments.push(range);
                return Some(());
            }
            _ => {}
        }
        if !range.is_empty() {
            self.last = range.end;
        }
        Some(())
    }

    fn add(&mut self, item: Item, anchor: usize) -> Id {
        let id = self.layout.items.len();
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        let parent = self.open.last().copied();
        let waiting = self.keys.last_mut();
        match parent.and_then(|parent| self.layout.items.get_mut(parent)) {
            None => self.layout.root = Some(id),
            Some(Item {
                shape: Shape::Map { pairs, .. },
                ..
            }) => match waiting.map(|waiting| (waiting.take(), waiting)) {
                Some((Some(key), _)) => pairs.push(Pair { key, value: id }),
                Some((None, waiting)) => *waiting = Some(id),
                None => {}
            },
            Some(_) => {}
        }
        self.layout.items.push(item);
        self.grow(id);
        id
    }

    fn open(&mut self, id: Id) {
        self.open.push(id);
        self.keys.push(None);
    }

    /// The collection around reaches at least as far as what is in it.
    fn grow(&mut self, id: Id) {
        let end = self.layout.items.get(id).map_or(0, |item| item.end);
        let parent = self.open.last().copied();
        if let Some(parent) = parent.and_then(|parent| self.layout.items.get_mut(parent)) {
            parent.end = parent.end.max(end);
        }
    }

    /// Where a value that is not there has its place: behind the colon, or else behind the key.
    fn missing(&self, at: usize) -> usize {
        let key = self.keys.last().copied().flatten();
        let key = key.and_then(|key| self.layout.items.get(key));
        key.map_or(at, |key| behind_colon(self.text, key).unwrap_or(key.end))
    }

    /// By how much a block collection is indented more than the block map around it.
    fn indented(&self, item: &Item) -> Option<usize> {
        let parent = self.layout.items.get(*self.open.last()?)?;
        matches!(parent.shape, Shape::Map { flow: false, .. })
            .then(|| item.column.checked_sub(parent.column))?
    }

    /// The header of the block scalar that comes next.
    fn header(&self) -> Range<usize> {
        let mut at = self.last;
        loop {
            at = skip_gap(self.text, at);
            let word = |closing: &[char]| {
                let rest = self.text.get(at..).unwrap_or("");
                rest.find(closing).unwrap_or(rest.len())
            };
            match byte_at(self.text, at) {
                Some(b'|' | b'>') => return at..at + word(&[' ', '\t', '\n', '\r']),
                Some(b'&' | b'!') => at += word(&[' ', '\t', '\n', '\r']),
                Some(_) => at += 1,
                None => return at..at,
            }
        }
    }
}

/// The end of a block scalar's last line, before its break. Blank lines at the end belong to it
/// only if the header says so, or if they are longer than the others are indented.
fn body_end(text: &str, header: &Range<usize>, content: &Range<usize>) -> usize {
    let begin = line_end(text, header.end);
    let mut at = begin;
    let mut end = header.end;
    let header = slice(text, header.clone());
    let keep = header.contains('+');
    let explicit = header.contains(|c: char| c.is_ascii_digit());
    let mut indent = None;
    while at < content.end {
        let line = at + break_at(text, at).len();
        if line == at || line >= content.end {
            break;
        }
        at = line_end(text, line);
        if at > content.end {
            // The next node's line, from its indentation on.
            break;
        }
        let line = slice(text, line..at);
        let spaces = line.len() - line.trim_start_matches(' ').len();
        if spaces < line.len() {
            indent = indent.or(Some(spaces));
            end = at;
        } else if keep || indent.is_some_and(|indent| spaces > indent) || (explicit && spaces > 0) {
            end = at;
        }
    }
    end
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
