//! The text before it is parsed: what no Go reader lets through is refused here.
//!
//! Mirrors `readerc.go` of goyaml v2 (encoding and characters), and refuses three characters that
//! goyaml takes for line breaks and YAML 1.2 does not: where they stand, a comment or a value ends
//! for Go and goes on for our parser, so the two would read different documents.

use granit_parser::Marker;

use super::super::{Limits, Position, ReadError, ReadErrorKind};

/// A text that may be parsed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'t> {
    /// The text, without a byte order mark.
    pub(super) text: &'t str,
    /// Bytes of the byte order mark that stood before it.
    bom: usize,
}

impl<'t> Source<'t> {
    /// Checks size, encoding and characters.
    pub(super) fn check(bytes: &'t [u8], limits: &Limits) -> Result<Self, ReadError> {
        if bytes.len() > limits.bytes {
            let kind = ReadErrorKind::TooLarge {
                limit: limits.bytes,
            };
            return Err(ReadError {
                kind,
                at: None,
                steps: 0,
            });
        }
        let text = str::from_utf8(bytes).map_err(|error| {
            let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
            let at = Self::new(valid).end(error.valid_up_to());
            ReadError {
                kind: ReadErrorKind::NotUtf8,
                at: Some(at),
                steps: 0,
            }
        })?;
        let source = Self::new(text);
        for (byte, c) in source.text.char_indices() {
            let why = match c {
                '\u{feff}' => "found a byte order mark inside the text",
                '\u{85}' | '\u{2028}' | '\u{2029}' => {
                    "found a line separator (U+0085, U+2028 or U+2029); write it as an escape"
                }

                '\t' | '\n' | '\r' | ' '..='~' | '\u{a0}'..='\u{fffd}' | '\u{10000}'.. => continue,
                _ => "control characters are not allowed",
            };
            let kind = ReadErrorKind::Syntax(why.to_owned());
            return Err(ReadError {
                kind,
                at: Some(source.end(byte)),
                steps: 0,
            });
        }
        Ok(source)
    }

    /// The text with spaces for the tabs that lines begin with; `None` if there are none.
    ///
    /// goyaml takes tabs for white space inside flow collections and quoted scalars, where our
    /// parser refuses some. Lengths stay the same, so all places are those of the real text.
    pub(super) fn without_leading_tabs(self) -> Option<String> {
        let mut leading = true;
        let mut found = false;
        let text = self
            .text
            .chars()
            .map(|c| {
                if leading && c == '\t' {
                    found = true;
                    return ' ';
                }
                leading = matches!(c, '\n' | '\r') || (leading && c == ' ');
                c
            })
            .collect();
        found.then_some(text)
    }

    /// The place of a parser's marker in the original text.
    pub(super) fn position(self, marker: &Marker) -> Position {
        Position {
            byte: self.bom + marker.byte_offset().unwrap_or(0),
            line: marker.line(),
            column: marker.col() + 1,
        }
    }

    /// The place of a byte of `text` of which line and column are known, both from 0 on.
    pub(super) fn position_at(self, byte: usize, line: usize, column: usize) -> Position {
        Position {
            byte: self.bom + byte,
            line,
            column: column + 1,
        }
    }

    /// The text from a place on.
    pub(super) fn from(self, at: Position) -> &'t str {
        at.byte
            .checked_sub(self.bom)
            .and_then(|byte| self.text.get(byte..))
            .unwrap_or("")
    }

    fn new(text: &'t str) -> Self {
        match text.strip_prefix('\u{feff}') {
            Some(rest) => Self {
                text: rest,
                bom: text.len() - rest.len(),
            },
            None => Self { text, bom: 0 },
        }
    }

    /// The place of any byte, by counting: only for errors.
    fn end(self, byte: usize) -> Position {
        let before = self.text.get(..byte).unwrap_or(self.text);
        let lines = before.split('\n');
        let last = before.rsplit('\n').next().unwrap_or("");
        Position {
            byte: self.bom + before.len(),
            line: lines.count(),
            column: last.chars().count() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &[u8]) -> ReadError {
        Source::check(text, &Limits::VALUES).expect_err("the text is not allowed")
    }

    #[test]
    fn places_of_bad_bytes_and_characters_are_known() {
        let error = refused(b"a: 1\nb: \xff");
        assert_eq!(error.kind, ReadErrorKind::NotUtf8);
        assert_eq!(
            error.at,
            Some(Position {
                byte: 8,
                line: 2,
                column: 4
            })
        );

        let error = refused("a: 1\né: \u{7}".as_bytes());
        assert_eq!(error.to_string(), "control characters are not allowed");
        assert_eq!(
            error.at,
            Some(Position {
                byte: 9,
                line: 2,
                column: 4
            })
        );
    }

    #[test]
    fn gos_other_line_breaks_are_refused() {
        for text in ["# \u{85}a: 1", "# \u{2028}a: 1", "# \u{2029}a: 1"] {
            assert!(
                refused(text.as_bytes())
                    .to_string()
                    .starts_with("found a line separator")
            );
        }
    }

    #[test]
    fn one_byte_order_mark_is_stripped() {
        let source = Source::check("\u{feff}a".as_bytes(), &Limits::VALUES).expect("readable");
        assert_eq!(source.text, "a");
        assert_eq!(
            source.position_at(0, 1, 0),
            Position {
                byte: 3,
                line: 1,
                column: 1
            }
        );
        refused("\u{feff}\u{feff}a".as_bytes());
        refused("a\n\u{feff}b".as_bytes());
    }

    #[test]
    fn size_comes_first() {
        let limits = Limits {
            bytes: 2,
            ..Limits::VALUES
        };
        let error = Source::check(b"\xff\xff\xff", &limits).expect_err("too large");
        assert_eq!(error.kind, ReadErrorKind::TooLarge { limit: 2 });
    }
}
