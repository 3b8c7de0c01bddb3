//! The text without its actions: what stands there in every rendering, and what only in some.
//!
//! What white space the actions trim is trimmed, as in `lex.go` of Go's `text/template/parse`. All
//! branches stay, one behind the other; each is a [`Segment`]. Whoever reads the result may take
//! its lines for those of the renderings, because where segments meet, lines begin: what is built
//! otherwise is not seen through.

use super::action::{Action, ActionKind, Layout, is_space};
use super::places::{Cursor, Places};

/// Stands where an action writes something into a line. From the private use area: a text that has
/// it already has more that is Unknown.
pub(super) const MARKER: char = '\u{e000}';

/// A text without its actions.
#[derive(Debug, Default)]
pub(super) struct Plain {
    pub(super) text: String,
    pub(super) places: Places,
    pub(super) points: Vec<Point>,
    pub(super) segments: Segments,
}

/// A place where lines may be that the text does not have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) byte: usize,
    /// Of what is written there, the least indentation; `None` where a segment begins or ends.
    pub(super) columns: Option<usize>,
    pub(super) segment: usize,
}

/// Parts of a text that renderings have or lack as a whole. The first is what stands always.
#[derive(Debug, Default)]
pub(super) struct Segments {
    /// Where the text goes over into another segment.
    starts: Vec<(usize, usize)>,
    /// Of each segment, the last that lies inside it.
    last_inside: Vec<usize>,
}

impl Segments {
    /// The segment of a byte.
    pub(super) fn at(&self, byte: usize) -> usize {
        let behind = self.starts.partition_point(|(start, _)| *start <= byte);
        behind
            .checked_sub(1)
            .and_then(|index| self.starts.get(index))
            .map_or(0, |(_, segment)| *segment)
    }

    /// Whether `inner` is there only where `outer` is.
    pub(super) fn holds(&self, outer: usize, inner: usize) -> bool {
        let last = self.last_inside.get(outer).copied().unwrap_or(0);
        outer == 0 || (outer..=last).contains(&inner)
    }

    fn open(&mut self) -> usize {
        self.last_inside.push(self.last_inside.len());
        self.last_inside.len() - 1
    }

    fn close(&mut self, segment: usize) {
        let last = self.last_inside.len() - 1;
        if let Some(slot) = self.last_inside.get_mut(segment) {
            *slot = last;
        }
    }
}

/// An action, and what is around it.
struct Site<'t> {
    kind: ActionKind,
    /// The text behind it, up to the next action.
    text: &'t str,
    /// How much of that is trimmed at its start.
    skipped: &'t str,
    /// Whether its line is blank before it, other actions aside, and how wide.
    blank_before: Option<usize>,
    /// Whether its line is blank behind it, other actions aside.
    blank_after: bool,
    role: Role,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Role {
    /// Part of no block, or of one that spans lines.
    #[default]
    Lines,
    /// Begins, divides or ends a block within a line.
    Inline,
    /// Begins or ends a block that is a whole line.
    WholeLine,
}

/// The text without the actions; `None` if it cannot be seen through.
pub(super) fn strip(text: &str, actions: &[Action]) -> Option<Plain> {
    let (head, mut sites) = sites(text, actions)?;
    roles(&mut sites)?;
    check_joints(&sites)?;
    emit(text, head, &sites, actions)
}

/// The text before the first action, and the actions.
fn sites<'t>(text: &'t str, actions: &[Action]) -> Option<(&'t str, Vec<Site<'t>>)> {
    let trims = |index: usize| actions.get(index).is_some_and(|next| next.trims_before);
    let white = |c: char| u8::try_from(c).is_ok_and(is_space);
    let end = |index: usize| {
        actions
            .get(index)
            .map_or(text.len(), |next| next.bytes.start)
    };
    let trimmed = |piece: &'t str, index| {
        if trims(index) {
            piece.trim_end_matches(white)
        } else {
            piece
        }
    };
    let head = trimmed(text.get(..end(0))?, 0);
    let mut line = Some(0);
    let mut sites = Vec::with_capacity(actions.len());
    go_on(&mut line, head);
    for (index, action) in actions.iter().enumerate() {
        let piece = trimmed(text.get(action.bytes.end..end(index + 1))?, index + 1);
        let kept = if action.trims_after {
            piece.trim_start_matches(white)
        } else {
            piece
        };
        let skipped = piece.get(..piece.len() - kept.len())?;
        let blank_before = line;
        go_on(&mut line, kept);
        sites.push(Site {
            kind: action.kind,
            text: kept,
            skipped,
            blank_before,
            blank_after: false,
            role: Role::default(),
        });
    }
    let mut blank = true;
    for site in sites.iter_mut().rev() {
        let first = site.text.split(['\n', '\r']).next().unwrap_or("");
        let breaks = first.len() < site.text.len();
        let comment = first.starts_with([' ', '\t']) && first.trim_start().starts_with('#');
        blank = (is_blank(first) || (breaks && comment)) && (breaks || blank);
        site.blank_after = blank;
    }
    Some((head, sites))
}

/// Goes on with how wide the line is, as long as it is blank.
fn go_on(line: &mut Option<usize>, text: &str) {
    let last = text.rsplit(['\n', '\r']).next().unwrap_or("");
    if last.len() < text.len() {
        *line = Some(0);
    }
    let last = last.trim_start_matches('\u{feff}');
    *line = line
        .filter(|_| last.bytes().all(|byte| byte == b' '))
        .map(|width| width + last.len());
}

/// Finds the blocks, and which of them stay within a line.
fn roles(sites: &mut [Site<'_>]) -> Option<()> {
    struct Block {
        /// Where its actions are, `else` and `end` included.
        parts: Vec<usize>,
        breaks_before: usize,
        /// Whether blocks lie in it.
        nested: bool,
    }
    let mut open: Vec<Block> = Vec::new();
    let mut breaks = 0;
    for index in 0..sites.len() {
        let kind = sites.get(index)?.kind;
        match kind {
            ActionKind::Open | ActionKind::OpenBlock => {
                if let Some(outer) = open.last_mut() {
                    outer.nested = true;
                }
                open.push(Block {
                    parts: vec![index],
                    breaks_before: breaks,
                    nested: false,
                });
            }
            ActionKind::Else => open.last_mut()?.parts.push(index),
            ActionKind::End => {
                let mut block = open.pop()?;
                block.parts.push(index);
                let first = sites.get(*block.parts.first()?)?;
                let whole_line = block.parts.len() == 2
                    && !block.nested
                    && first.kind == ActionKind::Open
                    && first.blank_before.is_some()
                    && sites.get(index)?.blank_after;
                let role = match (block.breaks_before == breaks, whole_line) {
                    (false, _) => Role::Lines,
                    (true, true) => Role::WholeLine,
                    (true, false) => Role::Inline,
                };
                for part in block.parts {
                    sites.get_mut(part)?.role = role;
                }
            }
            ActionKind::Silent | ActionKind::Output(_) => {}
        }
        breaks += usize::from(sites.get(index)?.text.contains(['\n', '\r']));
    }
    open.is_empty().then_some(())
}

/// Sees to it that lines begin wherever segments that span lines meet, in any choice of branches.
fn check_joints(sites: &[Site<'_>]) -> Option<()> {
    let mut depth = 0_usize;
    // Of the blocks between which there is nothing: whether each part begins a line, at which
    // column, and whether each part ends one.
    let (mut begin, mut end, mut column) = (true, true, None);
    for site in sites {
        let control = match site.kind {
            ActionKind::Open | ActionKind::OpenBlock => {
                depth += 1;
                true
            }
            ActionKind::Else => true,
            ActionKind::End => {
                depth = depth.checked_sub(1)?;
                true
            }
            ActionKind::Silent | ActionKind::Output(_) => false,
        };
        if control && site.role == Role::Lines {
            end &= site.blank_after;
            begin &= site.blank_before.is_some()
                && site.blank_before == *column.get_or_insert(site.blank_before);
            if !begin && !end {
                return None;
            }
        }
        if depth == 0 && !is_blank_text(site.text) {
            (begin, end, column) = (true, true, None);
        }
    }
    Some(())
}

fn emit(text: &str, head: &str, sites: &[Site<'_>], actions: &[Action]) -> Option<Plain> {
    let mut plain = Plain::default();
    let mut without = Cursor::new();
    let mut with = Cursor::new();
    // The segments around the one in hand, and whether text in it is part of a line.
    let mut around: Vec<(usize, bool)> = Vec::new();
    let mut here = (plain.segments.open(), false);
    plain.places.add(without, with);
    plain.text.push_str(head);
    without.pass(head);
    for (site, action) in sites.iter().zip(actions) {
        let byte = plain.text.len();
        let inline = site.role == Role::Inline;
        let alone = site.blank_before.filter(|_| site.blank_after);
        let mut marked = false;
        let mut columns = None;
        match site.kind {
            ActionKind::Open | ActionKind::OpenBlock => {
                if site.kind == ActionKind::OpenBlock {
                    columns = Some(alone.filter(|_| !inline)?);
                }
                around.push(here);
                here = (plain.segments.open(), inline);
            }
            ActionKind::Else => {
                plain.segments.close(here.0);
                here = (plain.segments.open(), inline);
            }
            ActionKind::End => {
                plain.segments.close(here.0);
                here = around.pop()?;
            }
            ActionKind::Silent => {}
            ActionKind::Output(layout) => {
                marked = alone.is_none();
                columns = match layout {
                    Layout::Plain => alone,
                    Layout::Nindent(columns) => {
                        marked = false;
                        Some(columns).filter(|_| site.blank_after)
                    }
                    Layout::Indent(columns) => Some(columns).filter(|_| site.blank_after),
                    // Of a string in lines, all but the first are indented, by two.
                    Layout::Yaml => Some(2).filter(|_| marked),
                    Layout::Lines => None,
                };
                if columns.is_none() && layout != Layout::Plain {
                    return None;
                }
            }
        }
        let control = !matches!(site.kind, ActionKind::Silent | ActionKind::Output(_));
        if columns == Some(0) {
            return None;
        }
        if control {
            plain.segments.starts.push((byte, here.0));
        }
        if columns.is_some() || (control && !inline) {
            plain.points.push(Point {
                byte,
                columns,
                segment: here.0,
            });
        }
        if here.1 && !site.text.is_empty() {
            // Part of a line, and not always: it must not close what it did not open.
            marked |= !is_blank_text(site.text) || alone.is_none();
            let odd = |quote| site.text.matches(quote).count() % 2 == 1;
            if site.text.contains(['{', '}', '[', ']']) || odd('"') || odd('\'') {
                return None;
            }
        }
        if marked {
            plain.text.push(MARKER);
            without.pass(MARKER.encode_utf8(&mut [0; 4]));
        }
        with.pass(text.get(with.at.byte..action.bytes.end)?);
        with.pass(site.skipped);
        plain.places.add(without, with);
        plain.text.push_str(site.text);
        without.pass(site.text);
        with.pass(site.text);
    }
    Some(plain)
}

fn is_blank(line: &str) -> bool {
    line.bytes().all(|byte| matches!(byte, b' ' | b'\t'))
}

fn is_blank_text(text: &str) -> bool {
    text.bytes().all(is_space)
}
