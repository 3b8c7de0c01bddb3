//! Plans that set a value.

use serde_json::{Map, Value};

use super::find::{Hop, SHARED, Spot, find};
use super::flow;
use super::layout::{Id, Item, Shape};
use super::lines::{
    Splice, break_at, byte_at, is_blank, is_one_line, line_end, line_start, newline, skip_white,
    slice,
};
use super::write::{self, PLAIN, Quotes, Style, pad};
use super::{Outcome, Plan, State};

const COMMENTS: &str = "there are comments inside the value that it replaces";
const NO_COLON: &str = "the key has no colon";
const COMPACT: &str = "the value starts on the line of its key";
const NOT_EMPTY: &str = "the document is not a map";

/// The plans that set a value, best first.
pub(super) fn plans(
    state: &State,
    keys: &[&str],
    value: &Value,
) -> Result<Vec<Plan>, &'static str> {
    let (hops, spot) = find(state, keys)?;
    let (key, below) = keys
        .get(hops.len()..)
        .and_then(<[_]>::split_first)
        .unwrap_or((&"", &[]));
    let splices = match (spot, hops.last()) {
        (Spot::Present, Some(_)) => replace(state, &hops, value)?,
        (Spot::Null, Some(hop)) => {
            let mut rest = vec![*key];
            rest.extend(below);
            vec![fill_null(state, &hops, hop, &rest, value)?]
        }
        (Spot::Missing { map, .. }, _) if state.is_flow(map) => {
            vec![flow::insert(state, &hops, map, key, &nest(below, value))?]
        }
        (Spot::Missing { map, .. }, _) => insert(state, &hops, map, key, &nest(below, value)),
        _ => vec![fill_document(state, key, &nest(below, value))?],
    };
    let outcome = Outcome::Set {
        overrules: matches!(spot, Spot::Missing { merged: true, .. }),
    };
    let plans = splices.into_iter().map(|splices| Plan { splices, outcome });
    Ok(plans.collect())
}

/// A value below a path of keys.
pub(super) fn nest(keys: &[&str], value: &Value) -> Value {
    keys.iter().rev().fold(value.clone(), |value, key| {
        Value::Object(Map::from_iter([((*key).to_owned(), value)]))
    })
}

/// The style of what stands in and around a block map.
fn style(state: &State, hops: &[Hop], map: Id) -> Style {
    let column = |id: Id| state.layout.item(id).map_or(0, |item| item.column);
    let here = column(map);
    let pairs = state.layout.map(map).map_or(&[][..], |(_, _, pairs)| pairs);
    let below = |lists: bool| {
        pairs
            .iter()
            .filter_map(|pair| state.layout.item(pair.value))
            .find(|item| match item.shape {
                Shape::List { flow } => lists && !flow,
                Shape::Map { flow, .. } => !lists && !flow,
                _ => false,
            })
            .and_then(|item| item.column.checked_sub(here))
    };
    let above = || {
        let mut parents = hops.iter().rev().map(|hop| hop.map);
        let parent = parents.find(|id| *id != map)?;
        here.checked_sub(column(parent)).filter(|step| *step > 0)
    };
    let step = below(false)
        .filter(|step| *step > 0)
        .or_else(above)
        .or(state.layout.step)
        .unwrap_or(PLAIN.step);
    Style {
        step,
        list_step: below(true).or(state.layout.list_step).unwrap_or(step),
        quoted_keys: !pairs.is_empty()
            && pairs.iter().all(|pair| {
                let key = state.layout.item(pair.key);
                key.is_some_and(|key| matches!(key.shape, Shape::DoubleQuoted))
            }),
    }
}

/// A new entry of a block map: at its end, behind comments that are indented as it is.
fn insert(state: &State, hops: &[Hop], map: Id, key: &str, value: &Value) -> Vec<Vec<Splice>> {
    let Some((item, _, pairs)) = state.layout.map(map) else {
        return Vec::new();
    };
    let text = &state.text;
    let new = write::pair_lines(key, value, item.column, &style(state, hops, map));
    let at = end_with_comments(state, item);
    let newline = newline(text, at);
    let mut plans = vec![vec![Splice::insert(
        at,
        [newline, &new.join(newline)].concat(),
    )]];
    // A block scalar that ends the text without a line break would change with one: go before it.
    let last = pairs.last().and_then(|pair| state.layout.item(pair.key));
    if let Some(last) = last.filter(|_| at == text.len()) {
        let start = line_start(text, last.first());
        if is_blank(text, start..last.first()) {
            let new = [&new.join(newline), newline].concat();
            plans.push(vec![Splice::insert(start, new)]);
        }
    }
    plans
}

/// The end of a block map's last line, or of the last comment line behind it that is indented at
/// least as the map is.
fn end_with_comments(state: &State, map: &Item) -> usize {
    let text = &state.text;
    let mut end = line_end(text, map.end);
    let mut next = end;
    loop {
        let begin = next + break_at(text, next).len();
        if begin == next || begin >= state.layout.end {
            return end;
        }
        next = line_end(text, begin);
        if is_blank(text, begin..next) {
            continue;
        }
        let comment = state.layout.comments_in(begin..next).first();
        match comment {
            Some(comment)
                if is_blank(text, begin..comment.start) && comment.start - begin >= map.column =>
            {
                end = next;
            }
            _ => return end,
        }
    }
}

/// The first entry of a document.
fn fill_document(state: &State, key: &str, value: &Value) -> Result<Vec<Splice>, &'static str> {
    let text = &state.text;
    let end = state.layout.end;
    match state.layout.root.and_then(|root| state.layout.item(root)) {
        Some(Item {
            shape: Shape::Plain,
            start,
            end,
            ..
        }) => {
            let text = write::inline(&nest(&[key], value), Quotes::Needed);
            return Ok(vec![Splice {
                range: *start..*end,
                text,
            }]);
        }
        Some(item) if !matches!(item.shape, Shape::Missing) => return Err(NOT_EMPTY),
        _ => {}
    }
    let newline = newline(text, end);
    let new = write::pair_lines(key, value, 0, &PLAIN).join(newline);
    let starts_line = line_start(text, end) == end;
    // The text ends with a line break if it did before.
    let (lead, tail) = if starts_line {
        ("", newline)
    } else {
        (newline, "")
    };
    Ok(vec![Splice::insert(end, [lead, &new, tail].concat())])
}

/// The first entry of a map that is null as yet: in braces, so that its removal leaves a null.
fn fill_null(
    state: &State,
    hops: &[Hop],
    hop: &Hop,
    keys: &[&str],
    value: &Value,
) -> Result<Vec<Splice>, &'static str> {
    let text = &state.text;
    let (key, item) = state.pair(hop.pair).ok_or(NO_COLON)?;
    let missing = matches!(item.shape, Shape::Missing);
    let behind_key = state.behind_key(hop.pair);
    let range = item.start..item.end;
    if state.is_flow(hop.map) {
        let style = flow::style(state, hops, hop.map);
        let (first, below) = keys.split_first().unwrap_or((&"", &[]));
        let pair = write::flow_pair(first, &nest(below, value), &style);
        return Ok(vec![match behind_key {
            Some(at) if missing => Splice::insert(at, format!(" {{ {pair} }}")),
            None => Splice::insert(key.end, format!(": {{ {pair} }}")),
            _ => Splice {
                range,
                text: format!("{{ {pair} }}"),
            },
        }]);
    }
    let behind_key = behind_key.ok_or(NO_COLON)?;
    let style = style(state, hops, hop.map);
    let quotes = if style.quoted_keys {
        Quotes::Double
    } else {
        Quotes::Needed
    };
    let braces = write::inline(&nest(keys, value), quotes);
    if !missing && !is_one_line(text, behind_key..item.start) {
        return Ok(vec![Splice {
            range,
            text: braces,
        }]);
    }
    let column = state.layout.item(hop.map).map_or(0, |map| map.column);
    let end = line_end(text, item.end.max(behind_key));
    let new = [newline(text, end), &pad(column + style.step), &braces].concat();
    let mut splices = vec![Splice::insert(end, new)];
    if !missing {
        splices.push(Splice::delete(behind_key..item.end));
    }
    Ok(splices)
}

/// Another value for an entry. If the old one has a tag that does not suit the new one, the tag
/// goes, too: that is the second plan.
fn replace(state: &State, hops: &[Hop], value: &Value) -> Result<Vec<Vec<Splice>>, &'static str> {
    let hop = hops.last().ok_or(NO_COLON)?;
    if state.layout.is_shared(hop.pair.value) {
        return Err(SHARED);
    }
    let text = &state.text;
    let (key, item) = state.pair(hop.pair).ok_or(NO_COLON)?;
    let in_flow = state.is_flow(hop.map);
    let behind_key = state.behind_key(hop.pair);
    let block = (!in_flow && write::has_lines(value)).then(|| below(state, hops, hop, item, value));
    let range = item.start..item.end;
    let has_comments = |range| !state.layout.comments_in(range).is_empty();
    let splices = match &item.shape {
        Shape::Missing => match (behind_key, block) {
            (Some(at), Some(block)) => vec![Splice::insert(line_end(text, at), block)],
            (Some(at), None) => {
                let new = write::inline(value, quotes(state, hops, item));
                vec![Splice::insert(at, format!(" {new}"))]
            }
            (None, _) if in_flow => {
                let new = write::inline(value, quotes(state, hops, item));
                vec![Splice::insert(key.end, format!(": {new}"))]
            }
            _ => return Err(NO_COLON),
        },
        Shape::BlockScalar(header) => {
            let new = write::inline(value, Quotes::Needed);
            let body = line_end(text, header.end)..item.end.max(line_end(text, header.end));
            vec![
                Splice {
                    range: header.clone(),
                    text: new,
                },
                Splice::delete(body),
            ]
        }
        Shape::List { flow: false } | Shape::Map { flow: false, .. } => {
            let at = behind_key.ok_or(NO_COLON)?;
            let body = line_end(text, at)..item.end;
            if item.start < body.start {
                return Err(COMPACT);
            }
            if has_comments(body.clone()) {
                return Err(COMMENTS);
            }
            if let Some(text) = block {
                vec![Splice { range: body, text }]
            } else {
                let new = write::inline(value, Quotes::Needed);
                vec![Splice::insert(at, format!(" {new}")), Splice::delete(body)]
            }
        }
        shape => {
            if has_comments(range.clone()) {
                return Err(COMMENTS);
            }
            let scalar = !matches!(shape, Shape::List { .. } | Shape::Map { .. });
            match (block, behind_key) {
                (Some(block), Some(at)) if scalar && is_one_line(text, at..item.end) => vec![
                    Splice::delete(at..item.end),
                    Splice::insert(line_end(text, item.end), block),
                ],
                _ => vec![Splice {
                    range,
                    text: write::inline(value, quotes(state, hops, item)),
                }],
            }
        }
    };
    let mut plans = vec![splices.clone()];
    if let Some(tag) = &item.tag {
        let end = match byte_at(text, tag.end) {
            Some(b' ' | b'\t') => skip_white(slice(text, 0..line_end(text, tag.end)), tag.end),
            _ => tag.end,
        };
        let mut splices = splices;
        splices.push(Splice::delete(tag.start..end));
        plans.push(splices);
    }
    Ok(plans)
}

/// A collection in lines below its key, with the line break before each.
fn below(state: &State, hops: &[Hop], hop: &Hop, item: &Item, value: &Value) -> String {
    let column = state.layout.item(hop.map).map_or(0, |map| map.column);
    let mut style = style(state, hops, hop.map);
    // As the old value's own lines are indented.
    let own = item.column.checked_sub(column);
    match item.shape {
        Shape::List { flow: false } => style.list_step = own.unwrap_or(style.list_step),
        Shape::Map { flow: false, .. } => {
            style.step = own.filter(|step| *step > 0).unwrap_or(style.step);
        }
        _ => {}
    }
    let newline = newline(&state.text, item.start);
    let below = write::below_lines(value, column, &style);
    below.iter().flat_map(|line| [newline, line]).collect()
}

/// How the value that replaces an item is quoted.
fn quotes(state: &State, hops: &[Hop], item: &Item) -> Quotes {
    match item.shape {
        Shape::SingleQuoted => Quotes::Single,
        Shape::DoubleQuoted => Quotes::Double,
        _ => match hops.last() {
            Some(hop) if state.is_flow(hop.map) && flow::style(state, hops, hop.map).json => {
                Quotes::Double
            }
            _ => Quotes::Needed,
        },
    }
}
