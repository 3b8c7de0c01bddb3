//! Entries of flow maps: `{a: 1, b: 2}`, on one line or on many, and JSON.

use std::ops::Range;

use serde_json::Value;

use super::State;
use super::find::Hop;
use super::layout::{Id, Pair, Shape, behind_colon, explicit_key, skip_gap};
use super::lines::{
    Splice, break_at, break_before, byte_at, is_blank, is_one_line, line_end, line_start, newline,
    skip_white, slice,
};
use super::write::{FlowStyle, flow_pair};

const COMMENTS: &str = "there are comments around the entry inside its braces";
const NO_MAP: &str = "the map is not where it should be";

/// The style of the entries of a flow map, or of the flow maps around it.
pub(super) fn style<'s>(state: &State, hops: &[Hop], map: Id) -> FlowStyle<'s> {
    let around = hops.iter().rev().map(|hop| hop.map);
    let last = [map]
        .into_iter()
        .chain(around)
        .map_while(|id| state.layout.map(id))
        .take_while(|(_, flow, _)| *flow)
        .find_map(|(_, _, pairs)| pairs.last());
    let json = last
        .and_then(|pair| state.layout.item(pair.key))
        .is_some_and(|key| matches!(key.shape, Shape::DoubleQuoted));
    let tight = json
        && last
            .and_then(|pair| state.pair(*pair))
            .is_some_and(|(key, value)| behind_colon(&state.text, key) == Some(value.start));
    FlowStyle {
        json,
        tight,
        lines: None,
    }
}

/// A new entry at the end of a flow map.
pub(super) fn insert(
    state: &State,
    hops: &[Hop],
    map: Id,
    key: &str,
    value: &Value,
) -> Result<Vec<Splice>, &'static str> {
    let text = &state.text;
    let (item, _, pairs) = state.layout.map(map).ok_or(NO_MAP)?;
    let style = style(state, hops, map);
    let close = item.end.saturating_sub(1);
    let Some(last) = pairs.last() else {
        let inside = item.start + 1..close;
        if !state.layout.comments_in(inside.clone()).is_empty() {
            return Err(COMMENTS);
        }
        let pair = flow_pair(key, value, &style);
        if !is_one_line(text, inside.clone()) {
            let begin = line_start(text, close);
            let indent = slice(text, begin..skip_white(slice(text, 0..close), begin));
            let line = [newline(text, item.start), indent, "  ", &pair].concat();
            return Ok(vec![Splice::insert(inside.start, line)]);
        }
        // The spaces tell `remove` that there was an empty map.
        let marked = hops.last().is_some_and(|hop| {
            state.is_flow(hop.map) || is_blank(text, line_start(text, item.start)..item.start)
        });
        let pair = if marked && inside.is_empty() {
            format!(" {pair} ")
        } else {
            pair
        };
        return Ok(vec![Splice::insert(close, pair)]);
    };
    let end = entry_end(state, *last);
    let comma = comma(text, end);
    let behind = comma.map_or(end, |comma| comma + 1);
    let start = entry_start(state, *last);
    let mut at = behind;
    let new = if has_own_line(text, item.start, start) {
        let begin = line_start(text, start);
        let indent = slice(text, begin..start);
        let line = [newline(text, break_before(text, begin)), indent].concat();
        let outer = slice(text, line_start(text, close)..close);
        let unit = indent.strip_prefix(outer).unwrap_or("  ");
        let style = FlowStyle {
            lines: Some((&line, unit)),
            ..style
        };
        let comments = state
            .layout
            .comments_in(behind..line_end(text, behind).min(close));
        at = comments.last().map_or(behind, |comment| comment.end);
        [&line, flow_pair(key, value, &style).as_str()].concat()
    } else {
        let space = if style.tight { "" } else { " " };
        [space, &flow_pair(key, value, &style)].concat()
    };
    Ok(match comma {
        Some(_) => vec![Splice::insert(at, new + ",")],
        None if at == end => vec![Splice::insert(at, [",", &new].concat())],
        None => vec![Splice::insert(end, ",".to_owned()), Splice::insert(at, new)],
    })
}

/// Takes one entry of several out of a flow map.
pub(super) fn remove(state: &State, hop: &Hop) -> Result<Vec<Splice>, &'static str> {
    let text = &state.text;
    let (map, _, pairs) = state.layout.map(hop.map).ok_or(NO_MAP)?;
    let number = pairs.iter().position(|pair| pair.key == hop.pair.key);
    let number = number.ok_or(NO_MAP)?;
    let (start, end) = (entry_start(state, hop.pair), entry_end(state, hop.pair));
    let own_comma = comma(text, end);
    let end = own_comma.map_or(end, |comma| comma + 1);
    let comments = |range: Range<usize>| state.layout.comments_in(range);
    if !comments(start..end).is_empty() {
        return Err(COMMENTS);
    }
    let Some(next) = pairs.get(number + 1) else {
        // The last one: with the white space before it.
        let before = number.checked_sub(1).and_then(|number| pairs.get(number));
        let before = before.ok_or(NO_MAP)?;
        let comma = comma(text, entry_end(state, *before)).ok_or(NO_MAP)?;
        let comment = comments(comma..start).last();
        let from = comment.map_or(comma + 1, |comment| comment.end);
        let mut splices = vec![Splice::delete(from..end)];
        if own_comma.is_none() {
            splices.push(Splice::delete(comma..comma + 1));
        }
        return Ok(splices);
    };
    let next = entry_start(state, *next);
    let stop = line_end(text, end);
    if has_own_line(text, map.start, start) && stop < next {
        let range = comments(end..stop).first().map_or_else(
            || line_start(text, start)..stop + break_at(text, stop).len(),
            |comment| start..comment.start,
        );
        return Ok(vec![Splice::delete(range)]);
    }
    if !comments(start..next).is_empty() {
        return Err(COMMENTS);
    }
    Ok(vec![Splice::delete(start..next)])
}

/// What stands between the braces of a flow map and its only entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Around {
    /// Nothing: so this editor writes a map that was missing, or null.
    Nothing,
    /// Line breaks: so it writes a missing map where every entry has its own line.
    Breaks,
    /// Spaces: so it fills a map that was there, but empty.
    Spaces,
}

/// Takes the only entry out of a flow map.
pub(super) fn remove_only(state: &State, hop: &Hop) -> Result<(Splice, Around), &'static str> {
    let text = &state.text;
    let (map, _, _) = state.layout.map(hop.map).ok_or(NO_MAP)?;
    let (start, end) = (entry_start(state, hop.pair), entry_end(state, hop.pair));
    let end = comma(text, end).map_or(end, |comma| comma + 1);
    let lead = map.start + 1..start;
    let trail = end..map.end.saturating_sub(1);
    let comments = |range| !state.layout.comments_in(range).is_empty();
    if comments(start..end) {
        return Err(COMMENTS);
    }
    let between = (slice(text, lead.clone()), slice(text, trail.clone()));
    let (range, around) = match between {
        ("", "") => (start..end, Around::Nothing),
        (" ", " ") => (lead.start..trail.end, Around::Spaces),
        // White space on the same line is the map's own; a line of its own goes with the entry.
        _ if is_one_line(text, lead.clone()) => (start..end, Around::Spaces),
        _ if comments(lead.clone()) => (start..end, Around::Spaces),
        _ => (lead.start..end, Around::Breaks),
    };
    Ok((Splice::delete(range), around))
}

fn entry_start(state: &State, pair: Pair) -> usize {
    let key = state.layout.item(pair.key);
    key.map_or(0, |key| {
        explicit_key(&state.text, key).unwrap_or(key.first())
    })
}

/// The byte behind an entry. Behind a colon without value that is the one behind the space: in Go
/// a comma right behind a colon belongs to the key.
fn entry_end(state: &State, pair: Pair) -> usize {
    let Some((_, value)) = state.pair(pair) else {
        return 0;
    };
    let text = &state.text;
    let end = value.end.max(value.behind_properties().unwrap_or(0));
    if matches!(value.shape, Shape::Missing) && slice(text, 0..end).ends_with(':') {
        return skip_white(text, end);
    }
    end
}

/// The comma behind an entry.
fn comma(text: &str, end: usize) -> Option<usize> {
    let at = skip_gap(text, end);
    (byte_at(text, at) == Some(b',')).then_some(at)
}

/// Whether an entry begins a line, and not that of its map's brace.
fn has_own_line(text: &str, map: usize, start: usize) -> bool {
    let begin = line_start(text, start);
    map < begin && is_blank(text, begin..start)
}
