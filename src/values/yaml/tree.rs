//! From parser events to a tree: goyaml's `parser` type.
//!
//! Mirrors the first half of `decode.go` of goyaml v2: the tree has every node once, aliases refer
//! to the node of their anchor, and nothing has been resolved. One pass, without recursion; size
//! and depth are bounded while the tree grows.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{
    ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StructureStyle, options,
};

use super::super::{Limits, Position, ReadError, ReadErrorKind};
use super::dialect::Dialect;
use super::scalar::Tag;
use super::source::Source;

/// Number of a node in its [`Tree`].
pub(super) type Id = usize;

/// A parsed document.
#[derive(Debug, Default)]
pub(super) struct Tree<'t> {
    nodes: Vec<Raw<'t>>,
    /// The root, unless the text has no document at all.
    pub(super) root: Option<Id>,
    /// Where a second document begins.
    pub(super) extra: Option<Position>,
    /// How many events the parser gave.
    pub(super) events: usize,
}

/// One node as it was written.
#[derive(Debug)]
pub(super) struct Raw<'t> {
    pub(super) at: Position,
    pub(super) kind: RawKind<'t>,
}

#[derive(Debug)]
pub(super) enum RawKind<'t> {
    Scalar(RawScalar<'t>),
    List(Vec<Id>),
    /// Keys and values in turn.
    Map(Vec<Id>),
    Alias(Id),
}

#[derive(Debug)]
pub(super) struct RawScalar<'t> {
    pub(super) value: Cow<'t, str>,
    pub(super) tag: Tag,
    /// Not quoted, and not a block scalar.
    pub(super) plain: bool,
    /// The text as written; empty for a value that is not there.
    pub(super) source: &'t str,
}

impl<'t> Tree<'t> {
    pub(super) fn node(&self, id: Id) -> Option<&Raw<'t>> {
        self.nodes.get(id)
    }

    /// Parses the first document of `text`, which is the source's own text, or that without the
    /// tabs that lines begin with.
    pub(super) fn parse(
        source: Source<'t>,
        text: &'t str,
        limits: &Limits,
    ) -> Result<Self, ParseError> {
        let mut builder = Builder {
            source,
            limits,
            detabbed: text != source.text,
            dialect: Dialect::new(source),
            tree: Self::default(),
            open: Vec::new(),
            anchors: HashMap::new(),
            values: 0,
            aliases: 0,
            ended: false,
        };
        let options = options! {
            emit_comments: false,
            flow_nesting_limit: limits.depth,
            block_nesting_limit: limits.depth,
        };
        for event in Parser::new_from_str_with_options(text, options) {
            builder.tree.events += 1;
            let steps = builder.tree.events;
            let done = match event {
                Ok((event, span)) => builder.event(event, &span),
                Err(error) if builder.ended => {
                    // Go does not read on behind `...`, whatever stands there.
                    builder.tree.extra = Some(source.position(error.marker()));
                    break;
                }
                Err(error) => {
                    let (kind, at) = syntax(&error, source, limits);
                    let about_tab = is_about_tab(error.kind());
                    return Err(ParseError {
                        error: ReadError {
                            kind,
                            at: Some(at),
                            steps,
                        },
                        about_tab,
                    });
                }
            };
            match done {
                Ok(false) => {}
                Ok(true) => break,
                Err((kind, at)) => {
                    let error = ReadError {
                        kind,
                        at: Some(at),
                        steps,
                    };
                    return Err(ParseError {
                        error,
                        about_tab: false,
                    });
                }
            }
        }
        Ok(builder.tree)
    }
}

/// Why a text could not be parsed.
pub(super) struct ParseError {
    pub(super) error: ReadError,
    /// Whether the parser did not like a tab; goyaml might.
    pub(super) about_tab: bool,
}

struct Builder<'t, 'l> {
    source: Source<'t>,
    limits: &'l Limits,
    /// Whether the parser sees spaces for some tabs; `source` always has the tabs.
    detabbed: bool,
    dialect: Dialect<'t>,
    tree: Tree<'t>,
    /// The collections that are open, outermost first.
    open: Vec<Id>,
    anchors: HashMap<usize, Id>,
    /// Nodes that are not keys.
    values: usize,
    aliases: usize,
    /// Whether a `...` has ended the document.
    ended: bool,
}

type Failure = (ReadErrorKind, Position);

impl<'t> Builder<'t, '_> {
    /// Takes one event; `true` when the rest of the text does not matter.
    fn event(&mut self, event: Event<'t>, span: &Span) -> Result<bool, Failure> {
        match event {
            Event::DocumentStart(explicit, version) => {
                let at = self.source.position(&span.start);
                if self.tree.root.is_some() {
                    self.tree.extra = Some(at);
                    return Ok(true);
                }
                if explicit {
                    self.dialect.document_start(span).map_err(refused)?;
                }
                if version.is_some_and(|version| (version.major, version.minor) != (1, 1)) {
                    return Err(refused(("found incompatible YAML document", at)));
                }
            }
            Event::Scalar(value, style, anchor, tag) => {
                let (at, source) = self.dialect.scalar(span, style).map_err(refused)?;
                let tag = tag.map_or(Tag::None, |tag| Tag::named(tag.handle(), tag.suffix()));
                let plain = style == ScalarStyle::Plain;
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                if self.detabbed && block && source.contains('\t') {
                    // Its tabs may be content, which the parser did not see.
                    return Err(refused(("a tab cannot be used as indentation", at)));
                }
                // The parser writes `~` for what is not there.
                let value = match value {
                    // The parser writes `~` for what is not there.
                    _ if plain && source.is_empty() => Cow::Borrowed(""),
                    value if block && self.lacks_last_break(span, &value) => {
                        without_last_break(value)
                    }
                    value => value,
                };
                let scalar = RawScalar {
                    value,
                    tag,
                    plain,
                    source,
                };
                self.add(RawKind::Scalar(scalar), at, anchor)?;
            }
            Event::Alias(anchor) => {
                self.dialect.alias(span).map_err(refused)?;
                let at = self.source.position(&span.start);
                self.aliases += 1;
                if self.aliases > self.limits.aliases {
                    let limit = self.limits.aliases;
                    return Err((ReadErrorKind::TooManyAliases { limit }, at));
                }
                let target = *self
                    .anchors
                    .get(&anchor)
                    .ok_or((ReadErrorKind::UnknownAnchor, at))?;
                self.add(RawKind::Alias(target), at, 0)?;
            }
            Event::SequenceStart(style, anchor, _) => {
                let flow = style == StructureStyle::Flow;
                let at = self.dialect.open(span, flow, true).map_err(refused)?;
                self.open(RawKind::List(Vec::new()), at, anchor)?;
            }
            Event::MappingStart(style, anchor, _) => {
                let flow = style == StructureStyle::Flow;
                let at = self.dialect.open(span, flow, false).map_err(refused)?;
                self.open(RawKind::Map(Vec::new()), at, anchor)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.dialect.close(span).map_err(refused)?;
                self.open.pop();
            }
            Event::DocumentEnd => {
                self.dialect.document_end(span).map_err(refused)?;
                self.ended = span.byte_range().is_some_and(|range| !range.is_empty());
            }
            // Comments, anchors and unresolved aliases are not asked for.
            _ => {}
        }
        Ok(false)
    }

    /// Whether a block scalar ends the text in a line that belongs to it and has no break. The
    /// parser reads a break there all the same, goyaml does not.
    fn lacks_last_break(&self, span: &Span, value: &str) -> bool {
        let text = self.source.text;
        let at_end = span
            .byte_range()
            .is_some_and(|range| range.end == text.len());
        let written = text.rsplit(['\n', '\r']).next().unwrap_or("");
        let read = value
            .trim_end_matches('\n')
            .rsplit('\n')
            .next()
            .unwrap_or("");
        let is_blank = |line: &str| line.trim_matches(' ').is_empty();
        // A blank line belongs to it as far as it is longer than the indentation.
        at_end
            && (!is_blank(written) || (is_blank(read) && !read.is_empty() && !written.is_empty()))
    }

    fn open(&mut self, kind: RawKind<'t>, at: Position, anchor: usize) -> Result<(), Failure> {
        if self.open.len() >= self.limits.depth {
            return Err((
                ReadErrorKind::TooDeep {
                    limit: self.limits.depth,
                },
                at,
            ));
        }
        let id = self.add(kind, at, anchor)?;
        self.open.push(id);
        Ok(())
    }

    fn add(&mut self, kind: RawKind<'t>, at: Position, anchor: usize) -> Result<Id, Failure> {
        let id = self.tree.nodes.len();
        let parent = self
            .open
            .last()
            .and_then(|parent| self.tree.nodes.get_mut(*parent));
        let mut is_key = false;
        match parent.map(|parent| &mut parent.kind) {
            Some(RawKind::Map(children)) => {
                is_key = children.len().is_multiple_of(2);
                children.push(id);
            }
            Some(RawKind::List(children)) => children.push(id),
            _ => self.tree.root = Some(id),
        }
        if !is_key {
            self.values += 1;
            if self.values > self.limits.nodes {
                return Err((
                    ReadErrorKind::TooManyNodes {
                        limit: self.limits.nodes,
                    },
                    at,
                ));
            }
        }
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        self.tree.nodes.push(Raw { at, kind });
        Ok(id)
    }
}

fn without_last_break(value: Cow<'_, str>) -> Cow<'_, str> {
    match value {
        Cow::Borrowed(text) => Cow::Borrowed(text.strip_suffix('\n').unwrap_or(text)),
        Cow::Owned(mut text) => {
            if text.ends_with('\n') {
                text.pop();
            }
            Cow::Owned(text)
        }
    }
}

fn refused((why, at): (&'static str, Position)) -> Failure {
    (ReadErrorKind::Syntax(why.to_owned()), at)
}

/// The parser's error in words that do not quote the text.
fn syntax(error: &ScanError, source: Source<'_>, limits: &Limits) -> Failure {
    let kind = match error.kind() {
        ErrorKind::UnknownAnchor => ReadErrorKind::UnknownAnchor,
        ErrorKind::RecursionLimitExceeded => ReadErrorKind::TooDeep {
            limit: limits.depth,
        },
        ErrorKind::UnexpectedCharacter { .. } => {
            ReadErrorKind::Syntax("unexpected character".to_owned())
        }
        // Not from a text in memory, and with words that are not the parser's.
        ErrorKind::Custom(_) | ErrorKind::InputIo { .. } | ErrorKind::InputDecoding { .. } => {
            ReadErrorKind::Syntax("unreadable".to_owned())
        }
        kind => ReadErrorKind::Syntax(kind.to_string()),
    };
    (kind, source.position(error.marker()))
}

fn is_about_tab(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar
    )
}
