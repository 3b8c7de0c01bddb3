//! Where YAML 1.2, which our parser reads, and YAML 1.1 in goyaml's reading part ways.
//!
//! Mirrors the checks of goyaml v2's `scannerc.go` that our parser lacks. It runs beside the
//! parser: for every event it looks at the text between the last event and this one (the *gap*:
//! white space, comments, indicators, anchors and tags) and at the source of the scalar. Where
//! goyaml would refuse, or would read something else, the text is refused: a reader in front of
//! Go must never see another document than Go does.

mod gap;

use granit_parser::{ScalarStyle, Span};

use super::super::Position;
use super::source::Source;

/// What goyaml holds against a text, and where.
pub(super) type Refusal = (&'static str, Position);

const TAB: &str = "a tab cannot be used as indentation";

/// goyaml has such a colon belong to the key.
const TIGHT_COLON: &str = "a : after a plain key inside [] or {} needs a space behind it";

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
    /// The open collections, outermost first.
    open: Vec<Open>,
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

/// An open collection.
#[derive(Clone, Copy)]
struct Open {
    /// Its column; `None` for a flow collection.
    column: Option<usize>,
    list: bool,
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
        let mut column = span.start.col();
        if flow {
            self.gap(span)?;
            self.properties = None;
            self.explicit_key |= self.slice(span) == "?";
        } else if list {
            self.gap(span)?;
            // A list that is not indented more than its key starts behind its first dash for the
            // parser; any other list starts before it.
            let in_map = self.open.last().is_some_and(|open| !open.list);
            if let Some((byte, line, dash_column)) = self.dash.filter(|_| in_map) {
                start = self.source.position_at(byte, line, dash_column);
                column = dash_column;
            }
        }
        self.open.push(Open {
            column: (!flow).then_some(column),
            list,
        });
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
                if self.in_flow() && (text.contains('?') || text.starts_with(':')) {
                    return refuse("a plain value inside [] or {} cannot hold ? or start with :");
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
            .find_map(|open| open.column)
            .map_or(0, |column| column + 1)
    }

    fn in_flow(&self) -> bool {
        self.open.last().is_some_and(|open| open.column.is_none())
    }

    fn here(&self) -> Position {
        self.source.position_at(self.byte, self.line, self.column)
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

#[cfg(test)]
mod tests {
    use super::super::super::{Limits, read_yaml};

    fn words(text: &str) -> String {
        let read = read_yaml(text.as_bytes(), &Limits::VALUES);
        read.expect_err("Go and our parser differ here").to_string()
    }

    #[test]
    fn tabs_are_refused_where_goyaml_looks_for_indentation() {
        for text in [
            "a:\n\tb: c\n",
            "a: b\n\t\nc: d\n",
            "a: 'b'\n  \t# c\nd: e\n",
            "a:\n-\tb\n",
            "a:\n- \t# c\n",
            "a:\n  b: c\n\t\n",
            "? a\n:\tb\n",
            "a: [b\n\t, c]\n",
            "a: |\n  \tb\n",
        ] {
            assert_eq!(words(text), super::TAB, "{text:?}");
        }
        for text in [
            "a:\tb\n",
            "a: b\t# c\n",
            "a: b\n  \t\nc: d\n",
            "a: [b,\n\tc]\n",
            "a\t: b\n",
        ] {
            assert!(
                read_yaml(text.as_bytes(), &Limits::VALUES).is_ok(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_goyaml_would_read_otherwise_is_refused() {
        for (text, why) in [
            ("a: {b:}\n", super::TIGHT_COLON),
            ("a: {? b :,c}\n", super::TIGHT_COLON),
            (
                "a: [?x]\n",
                "a plain value inside [] or {} cannot hold ? or start with :",
            ),
            ("a: [!!str, b]\n", "a tag must be followed by white space"),
            ("a: {b\n  : c}\n", "a key and its : must be on one line"),
            ("a: {!!str\n b: c}\n", "a key and its : must be on one line"),
            (
                "a: &b.c d\n",
                "an anchor name has letters, digits, - and _ only",
            ),
            ("a: \"\\/\"\n", "found unknown escape character"),
            ("a: \"\\ud83d\\ude00\"\n", "found invalid Unicode escape"),
            ("%FOO\n---\na: b\n", "unknown directive"),
            ("%YAML 1.2\n---\na: b\n", "found incompatible YAML document"),
        ] {
            assert_eq!(words(text), why, "{text:?}");
        }
    }
}
