//! What the actions leave certain: of every key of a text without its actions, whether it and its
//! value are in every rendering.
//!
//! Everything is decided by what stands where: a mark of the text lies in a segment, and what it
//! belongs to has to be there whenever it is. A text of which that is not so is not seen through.

use std::collections::HashMap;

use super::super::Limits;
use super::super::yaml::{Mark, MarkKind, outline};
use super::text::{MARKER, Plain, Point};

/// What is not certain about a key.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Doubt {
    /// Its value.
    Value,
    /// Whether it is there.
    Existence,
}

/// The doubtful keys by the byte that they begin at; `None` if everything is in doubt.
pub(super) fn judge(plain: &Plain, limits: &Limits) -> Option<HashMap<usize, Doubt>> {
    let marks = outline(plain.text.as_bytes(), limits, MARKER)?;
    let mut judge = Judge {
        plain,
        marks: &marks,
        segments: Vec::with_capacity(marks.len()),
        doubts: HashMap::new(),
    };
    for index in 0..marks.len() {
        judge.mark(index)?;
    }
    judge.lines()?;
    judge.points()?;
    Some(judge.doubts)
}

struct Judge<'p> {
    plain: &'p Plain,
    marks: &'p [Mark],
    /// Of each mark, the segment that what is inside it has to be in.
    segments: Vec<usize>,
    doubts: HashMap<usize, Doubt>,
}

impl Judge<'_> {
    /// Judges a mark by itself and by what is around it.
    fn mark(&mut self, index: usize) -> Option<()> {
        let mark = self.marks.get(index)?;
        let around = match mark.parent {
            Some(parent) => *self.segments.get(parent)?,
            None => 0,
        };
        let own = match mark.kind {
            MarkKind::Nothing if !mark.is_key => around,
            _ => self.plain.segments.at(mark.at.byte),
        };
        let block = !self.is_flow(mark);
        match mark.kind {
            // It begins where its first entry does, which tells nothing of the others.
            MarkKind::Map if block => {}
            _ if !self.plain.segments.holds(around, own) => return None,
            _ if own != around && mark.is_key => self.doubt(index, Doubt::Existence)?,
            _ if own != around => self.doubt(index, Doubt::Value)?,
            _ => {}
        }
        self.segments.push(match mark.kind {
            MarkKind::Map | MarkKind::List if block => around,
            _ => own,
        });
        match mark.kind {
            MarkKind::MergeKey | MarkKind::Sought | MarkKind::Alias if mark.is_key => {
                self.doubt(mark.parent?, Doubt::Value)
            }
            MarkKind::Sought | MarkKind::Alias => self.doubt(index, Doubt::Value),
            _ => Some(()),
        }
    }

    /// Judges the lines in which nothing begins: they go on with what began before, or end it.
    fn lines(&mut self) -> Option<()> {
        if self.plain.points.is_empty() {
            return Some(());
        }
        let text = &self.plain.text;
        let (mut mark, mut point) = (0, 0);
        let mut start = 0;
        for line in text.split_inclusive(['\n', '\r']) {
            let begin = start;
            start += line.len();
            let words = line.trim_matches([' ', '\t', '\n', '\r', '\u{feff}']);
            // A key that may be written without its value, or the value without its key.
            if words.starts_with('?') {
                return None;
            }
            let before = mark;
            while self
                .marks
                .get(mark)
                .is_some_and(|mark| mark.at.byte < start)
            {
                mark += 1;
            }
            let Some(last) = before.checked_sub(1) else {
                continue;
            };
            let from = self.marks.get(last)?;
            if words.is_empty()
                || self
                    .marks
                    .get(before)
                    .is_some_and(|mark| mark.at.byte < start && !is_behind(mark))
                || (words.starts_with('#') && !self.is_block_scalar(from))
            {
                continue;
            }
            while self
                .plain
                .points
                .get(point)
                .is_some_and(|point| point.byte < from.at.byte)
            {
                point += 1;
            }
            let inside = self
                .plain
                .points
                .get(point)
                .is_some_and(|point| point.byte < start);
            if inside {
                let last = self.goes_on(last, words)?;
                let from = self.marks.get(last)?;
                self.doubt(last, Doubt::Value)?;
                let here = begin + line.len() - line.trim_start().len();
                let segments = &self.plain.segments;
                if !segments.holds(segments.at(from.at.byte), segments.at(here)) {
                    return None;
                }
            }
        }
        Some(())
    }

    /// What a line goes on with that begins with `words`, behind the mark `last`.
    fn goes_on(&self, last: usize, words: &str) -> Option<usize> {
        let quoted = matches!(self.byte(self.marks.get(last)?), Some(b'"' | b'\''));
        // A bracket that closes is no part of a plain scalar.
        let closes = words.starts_with(['}', ']']) && !quoted;
        let flow = self.outermost_flow(last).filter(|_| closes);
        Some(flow.unwrap_or(last))
    }

    /// Judges what other lines may do where a [`Point`] is.
    fn points(&mut self) -> Option<()> {
        // The keys around the place in hand, from the root, and their columns.
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut next = 0;
        // The flow collection that the last mark is in or is, and where the last bracket behind
        // that mark closes one.
        let (mut flow, mut closes) = (None, None);
        let mut looked = None;
        for &point in &self.plain.points {
            while let Some(mark) = self.marks.get(next)
                && mark.at.byte < point.byte
            {
                if mark.is_key && self.outermost_flow(next).is_none() {
                    while open
                        .last()
                        .is_some_and(|(column, _)| *column >= mark.at.column)
                    {
                        open.pop();
                    }
                    open.push((mark.at.column, next));
                }
                next += 1;
            }
            let Some(last) = next.checked_sub(1) else {
                if point.columns.is_some() {
                    return None;
                }
                continue;
            };
            if looked != Some(next) {
                looked = Some(next);
                flow = self.outermost_flow(last);
                closes = flow.and_then(|_| self.last_bracket(last, next));
            }
            if let Some(flow) = flow
                && (closes.is_some_and(|byte| byte >= point.byte)
                    || (next < self.marks.len() && self.outermost_flow(next) == Some(flow)))
            {
                self.doubt(flow, Doubt::Value)?;
            }
            if self.is_block_scalar(self.marks.get(last)?) {
                self.doubt(last, Doubt::Value)?;
            }
            self.written(point, &open)?;
        }
        Some(())
    }

    /// Puts in doubt what lines may change that are written at a point.
    fn written(&mut self, point: Point, open: &[(usize, usize)]) -> Option<()> {
        let Some(columns) = point.columns else {
            return Some(());
        };
        let (_, key) = open.iter().rev().find(|(column, _)| *column <= columns)?;
        let around = *self.segments.get(*key)?;
        if !self.plain.segments.holds(around, point.segment) {
            return None;
        }
        self.doubt(*key, Doubt::Value)
    }

    /// Puts the nearest key in doubt at or around a mark that no list is around: lists are leaves.
    fn doubt(&mut self, index: usize, doubt: Doubt) -> Option<()> {
        let mut found = None;
        let mut at = Some(index);
        while let Some(index) = at {
            let mark = self.marks.get(index)?;
            if mark.kind == MarkKind::List {
                found = None;
            } else if mark.is_key {
                found = found.or(Some((mark.at.byte, index)));
            }
            at = mark.parent;
        }
        let (byte, key) = found?;
        // Of a key around it only the value is in doubt.
        let doubt = if key == index { doubt } else { Doubt::Value };
        let slot = self.doubts.entry(byte).or_insert(doubt);
        *slot = doubt.max(*slot);
        Some(())
    }

    fn outermost_flow(&self, index: usize) -> Option<usize> {
        let mut found = None;
        let mut at = Some(index);
        while let Some(index) = at {
            let mark = self.marks.get(index)?;
            if self.is_flow(mark) {
                found = Some(index);
            }
            at = mark.parent;
        }
        found
    }

    /// Where the last bracket closes between two marks, or behind the last.
    fn last_bracket(&self, from: usize, to: usize) -> Option<usize> {
        let start = self.marks.get(from)?.at.byte;
        let end = self
            .marks
            .get(to)
            .map_or(self.plain.text.len(), |mark| mark.at.byte);
        let found = self.plain.text.get(start..end)?.rfind([']', '}'])?;
        Some(start + found)
    }

    fn is_flow(&self, mark: &Mark) -> bool {
        matches!(mark.kind, MarkKind::Map | MarkKind::List)
            && matches!(self.byte(mark), Some(b'{' | b'['))
    }

    fn is_block_scalar(&self, mark: &Mark) -> bool {
        matches!(mark.kind, MarkKind::Scalar | MarkKind::Sought)
            && matches!(self.byte(mark), Some(b'|' | b'>'))
    }

    fn byte(&self, mark: &Mark) -> Option<u8> {
        self.plain.text.as_bytes().get(mark.at.byte).copied()
    }
}

/// Whether a mark is a value that is not there, which stands behind its key.
fn is_behind(mark: &Mark) -> bool {
    mark.kind == MarkKind::Nothing && !mark.is_key
}
