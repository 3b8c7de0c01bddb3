//! Where YAML 1.2, which our parser reads, and YAML 1.1 in goyaml's reading part ways.
//!
//! Mirrors the checks of goyaml v2's `scannerc.go` that our parser lacks. It runs beside the
//! parser: for every event it looks at the text between the last event and this one (the *gap*:
//! white space, comments, indicators, anchors and tags) and at the source of the scalar. Where
//! goyaml would refuse, or would read something else, the text is refused: a reader in front of
//! Go must never see another document than Go does.

use granit_parser::{ScalarStyle, Span};

use super::super::Position;
use super::source::Source;

/// What goyaml holds against a text, and where.
pub(super) type Refusal = (&'static str, Position);

const TAB: &str = "a tab cannot be used as indentation";

/// The state of goyaml's scanner, as far as the checks need it.
pub(super) struct Dialect<'t> {
    source: Source<'t>,
    /// The end of the last event: byte, line from 1, column from 0.
    byte: usize,
    line: usize,
    column: usize,
    /// goyaml's `simple_key_allowed` while outside flow collections: a tab is an error then.
    key_allowed: bool,
    /// After a plain scalar: goyaml still scans it, and tabs are errors only left of this column.
    tail: Option<usize>,
    /// For each open collection its column, or `None` if it is a flow collection.
    open: Vec<Option<usize>>,
    /// The last `-` of the last gap.
    dash: Option<(usize, usize, usize)>,
    /// The last `|` or `>` of the last gap.
    header: Option<Position>,
    /// The line of the first anchor or tag since the last node.
    properties: Option<usize>,
    /// The line on which the last node starts, its anchor and tag included.
    node_line: usize,
    /// Whether a `?` in a flow collection still waits for its colon.
    explicit_key: bool,
}

impl<'t> Dialect<'t> {
    pub(super) const fn new(source: Source<'t>) -> Self {
        Self {
            source,
            byte: 0,
            line: 1,
            column: 0,
            key_allowed: true,
            tail: None,
            open: Vec::new(),
            dash: None,
            header: None,
            properties: None,
            node_line: 0,
            explicit_key: false,
        }
    }

    /// A `---` was read.
    pub(super) fn document_start(&mut self, span: &Span) -> Result<(), Refusal> {
        self.gap(span)?;
        self.key_allowed = false;
        Ok(())
    }

    /// The document has ended.
    pub(super) fn document_end(&mut self, span: &Span) -> Result<(), Refusal> {
        self.gap(span)
    }

    /// A list or map begins. Returns where it starts.
    pub(super) fn open(
        &mut self,
        span: &Span,
        flow: bool,
        list: bool,
    ) -> Result<Position, Refusal> {
        let mut start = self.source.position(&span.start);
        if flow {
            self.gap(span)?;
            self.properties = None;
            self.open.push(None);
        } else if list {
            // The parser has the list start after its first dash.
            self.gap(span)?;
            let mut column = span.start.col();
            if let Some((byte, line, dash_column)) = self.dash {
                start = self.source.position_at(byte, line, dash_column);
                column = dash_column;
            }
            self.open.push(Some(column));
        } else {
            self.open.push(Some(span.start.col()));
        }
        Ok(start)
    }

    /// A list or map ends.
    pub(super) fn close(&mut self, span: &Span) -> Result<(), Refusal> {
        if !is_empty(span) {
            self.gap(span)?;
            self.key_allowed = false;
        }
        self.open.pop();
        Ok(())
    }

    /// An alias was read.
    pub(super) fn alias(&mut self, span: &Span) -> Result<(), Refusal> {
        self.gap(span)?;
        self.key_allowed = false;
        self.node(span);
        let name = self.slice(span).get(1..).unwrap_or("");
        if name.bytes().all(is_word) {
            return Ok(());
        }
        Err((
            "an alias name has letters, digits, - and _ only",
            self.source.position(&span.start),
        ))
    }

    /// A scalar was read. Returns where it starts, and its source.
    pub(super) fn scalar(
        &mut self,
        span: &Span,
        style: ScalarStyle,
    ) -> Result<(Position, &'t str), Refusal> {
        let mut start = self.source.position(&span.start);
        if is_empty(span) && !matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            if self.byte_at(span_range(span).0) == Some(b':') && self.byte == span_range(span).0 {
                // A value that is not there: its place is behind the colon, not before it.
                start.byte += 1;
                start.column += 1;
            }
            return Ok((start, ""));
        }
        self.gap(span)?;
        self.node(span);
        let text = self.slice(span);
        let refuse = |why| Err((why, start));
        self.key_allowed = false;
        match style {
            ScalarStyle::Plain => {
                self.tail = Some(self.indent());
                if self.in_flow() {
                    let next = span_range(span).1;
                    if text.contains('?') || text.starts_with(':') {
                        return refuse(
                            "a plain value inside [] or {} cannot hold ? or start with :",
                        );
                    }
                    if self.byte_at(next) == Some(b':') && !self.is_blank(next + 1) {
                        return refuse(
                            "a : after a plain key inside [] or {} needs a space behind it",
                        );
                    }
                }
                if text.starts_with(['%', '@', '`']) {
                    return refuse("a plain value cannot start with this character");
                }
                if has_early_tab(text, self.indent()) {
                    return refuse(TAB);
                }
            }
            ScalarStyle::DoubleQuoted => {
                if let Some(why) = bad_escape(text) {
                    return refuse(why);
                }
            }
            ScalarStyle::SingleQuoted => {}
            ScalarStyle::Literal | ScalarStyle::Folded => {
                self.key_allowed = true;
                if let Some(header) = self.header {
                    if self.has_tab_before_content(header) {
                        return refuse(TAB);
                    }
                    start = header;
                }
            }
        }
        Ok((start, text))
    }

    /// Looks at the text between the last event and this one, and moves to this one's end.
    fn gap(&mut self, span: &Span) -> Result<(), Refusal> {
        let (start, end) = span_range(span);
        self.dash = None;
        self.header = None;
        let mut line_is_blank = false;
        while self.byte < start
            && let Some(byte) = self.byte_at(self.byte)
        {
            match byte {
                b'\n' | b'\r' => {
                    let both = byte == b'\r' && self.byte_at(self.byte + 1) == Some(b'\n');
                    self.byte += if both { 2 } else { 1 };
                    self.line += 1;
                    self.column = 0;
                    self.key_allowed = self.key_allowed || !self.in_flow();
                    line_is_blank = true;
                    continue;
                }
                b' ' => {}
                b'\t' => {
                    let refused = match self.tail {
                        Some(indent) => line_is_blank && self.column < indent,
                        None => self.key_allowed && !self.in_flow(),
                    };
                    if refused {
                        return Err((TAB, self.here()));
                    }
                }
                b'#' => {
                    self.tail = None;
                    self.skip_line();
                    continue;
                }
                _ => {
                    self.tail = None;
                    line_is_blank = false;
                    self.indicator(byte, start)?;
                    continue;
                }
            }
            self.step(1);
        }
        self.tail = None;
        if self.byte <= end {
            self.byte = end;
            self.line = span.end.line();
            self.column = span.end.col();
        }
        Ok(())
    }

    /// One indicator, anchor, tag or directive of a gap.
    fn indicator(&mut self, byte: u8, gap_end: usize) -> Result<(), Refusal> {
        let block = !self.in_flow();
        let marker = self.column == 0 && self.is_blank(self.byte + 3);
        if !matches!(byte, b'&' | b'!') {
            self.properties = None;
        }
        match byte {
            b'-' | b'.' if marker && self.starts_with(["---", "..."]) => {
                self.key_allowed = false;
                self.step(3);
            }
            b'%' if self.column == 0 => {
                let known = self.starts_with(["%YAML ", "%TAG "])
                    || self.starts_with(["%YAML\t", "%TAG\t"]);
                if !known {
                    return Err(("unknown directive", self.here()));
                }
                self.skip_line();
            }
            b'-' | b'?' if block => {
                if !self.key_allowed {
                    return Err(("an entry is not allowed in this place", self.here()));
                }
                if byte == b'-' {
                    self.dash = Some((self.byte, self.line, self.column));
                }
                self.step(1);
            }
            b'|' | b'>' => {
                self.header = Some(self.here());
                self.skip_line();
            }
            b'&' => {
                let name = self.run(|byte| is_word(byte) || byte == b'&');
                let end = self.byte + name.len();
                let closed = self.is_blank(end)
                    || (!block && matches!(self.byte_at(end), Some(b',' | b']' | b'}')));
                if name.len() < 2 || name.get(1..).is_some_and(|name| name.contains('&')) || !closed
                {
                    let why = "an anchor name has letters, digits, - and _ only";
                    return Err((why, self.here()));
                }
                self.key_allowed = false;
                self.properties = self.properties.or(Some(self.line));
                self.step(name.len());
            }
            b'!' => {
                let tag = self.run(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
                if self.byte + tag.len() > gap_end || !is_tag(tag) {
                    return Err(("a tag must be followed by white space", self.here()));
                }
                self.key_allowed = false;
                self.properties = self.properties.or(Some(self.line));
                self.step(tag.len());
            }
            b'?' => {
                self.explicit_key = true;
                self.step(1);
            }
            b':' if !block => {
                if !self.explicit_key && self.node_line != self.line {
                    return Err(("a key and its : must be on one line", self.here()));
                }
                self.explicit_key = false;
                self.step(1);
            }
            // A colon keeps the state as it is, after an explicit key as after a simple one.
            _ => self.step(1),
        }
        Ok(())
    }

    /// Notes where a node starts that could be a key.
    fn node(&mut self, span: &Span) {
        self.node_line = self.properties.take().unwrap_or(span.start.line());
    }

    /// Whether a tab stands where goyaml still looks for the indentation of a block scalar.
    fn has_tab_before_content(&self, header: Position) -> bool {
        let text = self.source.from(header);
        let (header, content) = text.split_at(text.find(['\n', '\r']).unwrap_or(text.len()));
        let indicators = header.split([' ', '\t', '#']).next().unwrap_or("");
        !indicators.contains(|c: char| c.is_ascii_digit())
            && content
                .bytes()
                .find(|byte| !matches!(byte, b' ' | b'\n' | b'\r'))
                == Some(b'\t')
    }

    /// goyaml's `parser.indent + 1`.
    fn indent(&self) -> usize {
        self.open
            .iter()
            .rev()
            .find_map(|column| *column)
            .map_or(0, |column| column + 1)
    }

    fn in_flow(&self) -> bool {
        matches!(self.open.last(), Some(None))
    }

    fn here(&self) -> Position {
        self.source.position_at(self.byte, self.line, self.column)
    }

    fn step(&mut self, bytes: usize) {
        self.byte += bytes;
        self.column += bytes;
    }

    /// Moves to the next line break. The column is not kept: a break sets it.
    fn skip_line(&mut self) {
        self.byte += self.run(|byte| !matches!(byte, b'\n' | b'\r')).len();
    }

    fn run(&self, of: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.source.text.get(self.byte..).unwrap_or("");
        let length = rest
            .bytes()
            .position(|byte| !of(byte))
            .unwrap_or(rest.len());
        rest.get(..length).unwrap_or("")
    }

    fn starts_with(&self, any: [&str; 2]) -> bool {
        let rest = self.source.text.as_bytes().get(self.byte..).unwrap_or(&[]);
        any.iter().any(|start| rest.starts_with(start.as_bytes()))
    }

    fn byte_at(&self, byte: usize) -> Option<u8> {
        self.source.text.as_bytes().get(byte).copied()
    }

    /// goyaml's `is_blankz`.
    fn is_blank(&self, byte: usize) -> bool {
        matches!(
            self.byte_at(byte),
            None | Some(b' ' | b'\t' | b'\n' | b'\r')
        )
    }

    fn slice(&self, span: &Span) -> &'t str {
        let (start, end) = span_range(span);
        self.source.text.get(start..end).unwrap_or("")
    }
}

fn span_range(span: &Span) -> (usize, usize) {
    span.byte_range()
        .map_or((0, 0), |range| (range.start, range.end))
}

fn is_empty(span: &Span) -> bool {
    let (start, end) = span_range(span);
    start == end
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// A tag that both parsers end in the same place. To goyaml, flow indicators can be part of any.
fn is_tag(tag: &str) -> bool {
    let verbatim = tag.strip_prefix("!<").and_then(|tag| tag.strip_suffix('>'));
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"[]{}<>\"#".contains(&byte);
    verbatim.unwrap_or(tag).bytes().all(plain) && (verbatim.is_some() || !tag.contains(','))
}

/// A tab left of the column `indent` in a further line of a plain scalar.
fn has_early_tab(text: &str, indent: usize) -> bool {
    text.split(['\n', '\r'])
        .skip(1)
        .any(|line| line.bytes().take(indent).find(|byte| *byte != b' ') == Some(b'\t'))
}

/// An escape that goyaml does not know: `\/`, and halves of surrogate pairs.
fn bad_escape(text: &str) -> Option<&'static str> {
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once('\\') {
        let mut chars = tail.chars();
        match chars.next() {
            Some('/') => return Some("found unknown escape character"),
            Some('u') if surrogate(tail.get(1..5)) => return Some("found invalid Unicode escape"),
            _ => {}
        }
        rest = chars.as_str();
    }
    None
}

fn surrogate(digits: Option<&str>) -> bool {
    digits
        .and_then(|digits| u16::from_str_radix(digits, 16).ok())
        .is_some_and(|unit| (0xd800..=0xdfff).contains(&unit))
}
