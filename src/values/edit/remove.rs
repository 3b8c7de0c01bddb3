//! Plans that remove a value, and the maps that are empty without it.

use std::ops::Range;

use super::super::NoteKind;
use super::find::{Hop, SHARED, Spot, find};
use super::flow::{self, Around};
use super::layout::{Shape, explicit_key};
use super::lines::{Splice, break_at, break_before, is_blank, line_end, line_start};
use super::{Outcome, Plan, State};

const MERGED: &str = "the value comes from a merge key";
const COMMENTS: &str = "there are comments inside the value that goes";
const LINE: &str = "the entry shares its line with something else";
const TWICE: &str = "the key is set more than once, and the other value would come forth";
const NO_COLON: &str = "the key has no colon";

/// The plans that remove a value, best first; none if it is not there.
pub(super) fn plans(state: &State, keys: &[&str]) -> Result<Vec<Plan>, &'static str> {
    let (hops, spot) = find(state, keys)?;
    match spot {
        Spot::Present => {}
        Spot::Missing { merged: true, .. } => return Err(MERGED),
        _ => return Ok(Vec::new()),
    }
    let leaf = hops.last().ok_or(NO_COLON)?;
    if state.layout.is_shared(leaf.pair.value) || state.layout.is_shared(leaf.pair.key) {
        return Err(SHARED);
    }
    let merged = state.has_merge(leaf.map);
    if !merged && is_set_twice(state, keys) {
        return Err(TWICE);
    }
    let mut level = hops.len() - 1;
    loop {
        let plan = |splices, null| Plan {
            splices,
            outcome: Outcome::Removed {
                level,
                null,
                merged,
            },
        };
        let Some(hop) = hops.get(level) else {
            return Err(NO_COLON);
        };
        let above = level.checked_sub(1).and_then(|level| hops.get(level));
        let in_flow = state.is_flow(hop.map);
        if hop.entries > 1 {
            return Ok(if in_flow {
                vec![plan(flow::remove(state, hop)?, false)]
            } else {
                let ways = remove_lines(state, hop)?;
                ways.into_iter().map(|way| plan(vec![way], false)).collect()
            });
        }
        if in_flow {
            let (inside, around) = flow::remove_only(state, hop)?;
            return Ok(vec![match above {
                Some(above) if !state.is_flow(above.map) => {
                    match own_lines(state, above).filter(|_| around == Around::Nothing) {
                        Some(lines) => plan(vec![Splice::delete(lines)], true),
                        None => plan(vec![inside], false),
                    }
                }
                Some(above) if around != Around::Spaces && is_bare(state, above) => {
                    level -= 1;
                    continue;
                }
                _ => plan(vec![inside], false),
            }]);
        }
        let Some(above) = above else {
            let ways = remove_lines(state, hop)?;
            return Ok(ways.into_iter().map(|way| plan(vec![way], true)).collect());
        };
        if is_bare(state, above) {
            level -= 1;
            continue;
        }
        let behind_key = state.behind_key(above.pair).ok_or(NO_COLON)?;
        let ways = remove_lines(state, hop)?.into_iter().map(|way| {
            let empty = Splice::insert(behind_key, " {}".to_owned());
            plan(vec![way, empty], false)
        });
        return Ok(ways.collect());
    }
}

fn is_set_twice(state: &State, keys: &[&str]) -> bool {
    state.document.notes.iter().any(|note| {
        matches!(note.kind, NoteKind::Duplicate { .. })
            && note.path.as_keys().is_some_and(|path| path == keys)
    })
}

/// Whether an entry with a map as its value is written as this editor writes missing maps: nothing
/// but a key above or before what is in it.
fn is_bare(state: &State, hop: &Hop) -> bool {
    let text = &state.text;
    let Some((key, value)) = state.pair(hop.pair) else {
        return false;
    };
    let start = key.first();
    let end = line_end(text, value.end);
    let plain = [key, value]
        .iter()
        .all(|item| item.anchor.is_none() && item.tag.is_none());
    if !plain || explicit_key(text, key).is_some() {
        return false;
    }
    let comments = |range| !state.layout.comments_in(range).is_empty();
    if state.is_flow(hop.map) {
        return !comments(start..value.end);
    }
    let Shape::Map { flow: false, .. } = value.shape else {
        return false;
    };
    line_end(text, key.end) < value.start
        && !comments(start..end)
        && !has_deeper_comment(state, end, start - line_start(text, start))
}

/// Whether the next line that is not blank is a comment right of a column.
fn has_deeper_comment(state: &State, mut at: usize, column: usize) -> bool {
    let text = &state.text;
    loop {
        let begin = at + break_at(text, at).len();
        if begin == at {
            return false;
        }
        at = line_end(text, begin);
        if !is_blank(text, begin..at) {
            let comment = state.layout.comments_in(begin..at).first();
            return comment.is_some_and(|comment| {
                is_blank(text, begin..comment.start) && comment.start - begin > column
            });
        }
    }
}

/// The lines of a flow map below its key that holds nothing else, as this editor writes it where
/// the value was null.
fn own_lines(state: &State, hop: &Hop) -> Option<Range<usize>> {
    let text = &state.text;
    let (_, map) = state.pair(hop.pair)?;
    let begin = line_start(text, map.start);
    let end = line_end(text, map.end);
    let alone = state.behind_key(hop.pair)? < begin
        && is_blank(text, begin..map.start)
        && is_blank(text, map.end..end)
        && state.layout.comments_in(begin..end).is_empty();
    alone.then(|| break_before(text, begin)..end)
}

/// Ways to remove an entry of a block map, with its lines. A comment behind its value stays.
fn remove_lines(state: &State, hop: &Hop) -> Result<Vec<Splice>, &'static str> {
    let text = &state.text;
    let (key, value) = state.pair(hop.pair).ok_or(NO_COLON)?;
    let start = explicit_key(text, key).unwrap_or(key.first());
    let begin = line_start(text, start);
    if !is_blank(text, begin..start) {
        return Err(LINE);
    }
    let last = value
        .end
        .max(key.end)
        .max(value.behind_properties().unwrap_or_default());
    let end = line_end(text, last);
    if !state.layout.comments_in(start..last).is_empty() {
        return Err(COMMENTS);
    }
    if let Some(comment) = state.layout.comments_in(last..end).first() {
        return Ok(vec![Splice::delete(start..comment.start)]);
    }
    let newline = break_at(text, end);
    if newline.is_empty() && begin > 0 {
        // The line before is the last one now, and gets no break, unless it needs one.
        return Ok(vec![
            Splice::delete(break_before(text, begin)..end),
            Splice::delete(begin..end),
        ]);
    }
    Ok(vec![Splice::delete(begin..end + newline.len())])
}
