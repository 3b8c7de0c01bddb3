//! The layout, made of the parser's events in one pass.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle, options};

use super::super::super::Limits;
use super::super::lines::{break_at, byte_at, line_end, line_start, slice};
use super::{Id, Item, Layout, Pair, Shape, behind_colon, skip_gap};

/// A layout under construction.
pub(super) struct Builder<'t> {
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
    pub(super) fn run(text: &'t str, parsed: &str) -> Option<Layout> {
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
}
