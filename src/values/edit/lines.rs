//! Lines of a text by byte offset, and changes to it.
//!
//! A line ends at `\n`, `\r\n` or `\r`, as it does for Go. Offsets that lie outside the text are
//! taken for its end: nothing here fails.

use std::ops::Range;

/// A piece of text that takes the place of another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Splice {
    /// What goes.
    pub(super) range: Range<usize>,
    /// What comes.
    pub(super) text: String,
}

impl Splice {
    /// Puts text between two bytes.
    pub(super) const fn insert(at: usize, text: String) -> Self {
        Self {
            range: at..at,
            text,
        }
    }

    /// Takes text out.
    pub(super) const fn delete(range: Range<usize>) -> Self {
        Self {
            range,
            text: String::new(),
        }
    }
}

/// The text with all the splices made; `None` if two of them overlap or one lies outside.
pub(super) fn apply(text: &str, mut splices: Vec<Splice>) -> Option<String> {
    splices.sort_by_key(|splice| splice.range.start);
    let mut edited = String::with_capacity(text.len() + 64);
    let mut from = 0;
    for Splice { range, text: new } in splices {
        edited.push_str(text.get(from..range.start)?);
        edited.push_str(&new);
        from = range.end;
    }
    edited.push_str(text.get(from..)?);
    Some(edited)
}

/// The part of a text in a range; empty if there is none.
pub(super) fn slice(text: &str, range: Range<usize>) -> &str {
    text.get(range).unwrap_or("")
}

/// Where the line that holds `at` begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let before = slice(text, 0..at);
    before.rfind(['\n', '\r']).map_or(0, |found| found + 1)
}

/// Where the line that holds `at` ends, before its break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or("");
    rest.find(['\n', '\r'])
        .map_or(text.len(), |found| at + found)
}

/// The line break at `at`, which is the end of a line; empty at the end of the text.
pub(super) fn break_at(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or("");
    let length = match rest.as_bytes() {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    };
    slice(rest, 0..length)
}

/// Where the line break before `at` begins, which is the start of a line; `at` if there is none.
pub(super) fn break_before(text: &str, at: usize) -> usize {
    let before = slice(text, 0..at);
    let length = match before.as_bytes() {
        [.., b'\r', b'\n'] => 2,
        [.., b'\r' | b'\n'] => 1,
        _ => 0,
    };
    at - length
}

/// The line break to write near `at`: that line's own, or else the one before it, or the text's
/// first.
pub(super) fn newline(text: &str, at: usize) -> &str {
    let own = break_at(text, line_end(text, at));
    if !own.is_empty() {
        return own;
    }
    let start = line_start(text, at);
    let before = slice(text, break_before(text, start)..start);
    let first = break_at(text, line_end(text, 0));
    [before, first, "\n"]
        .into_iter()
        .find(|found| !found.is_empty())
        .unwrap_or("\n")
}

/// Whether nothing but spaces and tabs stands in a range.
pub(super) fn is_blank(text: &str, range: Range<usize>) -> bool {
    slice(text, range)
        .bytes()
        .all(|byte| matches!(byte, b' ' | b'\t'))
}

/// Whether a range lies within one line.
pub(super) fn is_one_line(text: &str, range: Range<usize>) -> bool {
    !slice(text, range).contains(['\n', '\r'])
}

/// The byte at `at`.
pub(super) fn byte_at(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

/// The first byte from `at` on that is no white space.
pub(super) fn skip_white(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or("");
    text.len().min(at) + rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_go_ends_them() {
        let text = "a\r\nbc\n\rd";
        assert_eq!(line_start(text, 4), 3);
        assert_eq!((line_end(text, 0), line_end(text, 3)), (1, 5));
        assert_eq!(break_at(text, 1), "\r\n");
        assert_eq!(break_before(text, 3), 1);
        assert_eq!(break_before(text, 7), 6);
        assert_eq!(newline(text, 3), "\n");
        assert_eq!(newline("a\r\nb", 3), "\r\n");
        assert_eq!(newline("a", 0), "\n");
        assert_eq!(skip_white("a \n b", 1), 4);
        assert_eq!(skip_white("a  ", 1), 3);
        assert_eq!(skip_white("a", 7), 1);
    }

    #[test]
    fn splices_may_not_overlap() {
        let splices = |a: Range<usize>, b: Range<usize>| {
            let second = Splice {
                range: b,
                text: "x".to_owned(),
            };
            apply("abcd", vec![Splice::delete(a), second])
        };
        assert_eq!(splices(2..3, 0..1).as_deref(), Some("xbd"));
        assert_eq!(splices(0..2, 1..3), None);
        assert_eq!(splices(0..2, 4..5), None);
    }
}
