//! Places in a text without its actions, and the places in the text with them.

use super::super::Position;

/// A place that moves through a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    pub(super) at: Position,
    after_return: bool,
}

/// From places in the one text to places in the other.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Where the texts begin to be the same again: the place in the one without actions, and in
    /// the one with them. In the order of both.
    same: Vec<(Position, Position)>,
}

impl Cursor {
    pub(super) const fn new() -> Self {
        Self {
            at: Position {
                byte: 0,
                line: 1,
                column: 1,
            },
            after_return: false,
        }
    }

    pub(super) fn pass(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                // The second half of a break that was counted.
                '\n' if self.after_return => {}
                '\n' | '\r' => {
                    self.at.line += 1;
                    self.at.column = 1;
                }
                '\u{feff}' if self.at.byte == 0 => {}
                _ => self.at.column += 1,
            }
            self.after_return = c == '\r';
            self.at.byte += c.len_utf8();
        }
    }
}

impl Places {
    /// From here on, the texts are the same.
    pub(super) fn add(&mut self, without: Cursor, with: Cursor) {
        self.same.push((without.at, with.at));
    }

    /// The place in the text with actions of a place in the one without.
    pub(super) fn original(&self, at: Position) -> Position {
        let behind = self
            .same
            .partition_point(|(without, _)| without.byte <= at.byte);
        let Some((without, with)) = behind.checked_sub(1).and_then(|index| self.same.get(index))
        else {
            return at;
        };
        Position {
            byte: with.byte + at.byte.saturating_sub(without.byte),
            line: with.line + at.line.saturating_sub(without.line),
            column: if at.line == without.line {
                with.column + at.column.saturating_sub(without.column)
            } else {
                at.column
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_move_on_by_lines_and_columns() {
        let mut without = Cursor::new();
        let mut with = Cursor::new();
        let mut places = Places::default();
        for (gone, text) in [
            ("", "\u{feff}é: {a: "),
            ("{{ü}}", "x, b: 1}\r\n"),
            ("{{\n}}", "c: 1"),
        ] {
            with.pass(gone);
            places.add(without, with);
            without.pass(text);
            with.pass(text);
        }
        let original = |byte, line, column| {
            let at = places.original(Position { byte, line, column });
            (at.byte, at.line, at.column)
        };
        assert_eq!(original(3, 1, 1), (3, 1, 1));
        assert_eq!(original(14, 1, 12), (20, 1, 17));
        assert_eq!(original(21, 2, 1), (32, 3, 3));
    }
}
