//! Setting and removing single values in a text that people wrote.
//!
//! The editor puts in, replaces and takes out pieces of the text by the places that the parser
//! gives; whatever it does not have to touch stays as it is, byte for byte: comments, order,
//! indentation, quotes, anchors, line breaks, and the end of the text. A text is edited in three
//! stages: `find` follows the path, `set` and `remove` (with `flow` for what stands in `{}`) plan
//! pieces in the style of what `layout` shows around them, `check` reads the outcome and compares
//! it with what it has to be. A change that does not pass is not made; [`suggestion`] has the lines
//! for a person to paste instead.
//!
//! # Where things go
//!
//! A new entry comes last in its map: behind the comments at its end, and therefore behind merge
//! keys, which in Go overrule what stands before them. Missing maps are made in the style of their
//! siblings. Where a map is written `{}`, the entry goes between the braces; where the value is
//! missing or null, the entry goes below the key, in braces of its own: `k8s:` becomes `k8s:` with
//! `{version: v1.31.1}` in the next line.
//!
//! # Removing
//!
//! A removal takes the entry, and every map around it that is empty then and was written as this
//! editor writes missing maps. So setting and then removing a value gives the original text, and
//! these are the exceptions:
//!
//! * a null that was written out (`k8s: ~`) comes back as `k8s:`, and in a flow map as `{}`;
//! * an empty flow map over several lines, inside another flow map, is removed;
//! * a document that was `null` or `~` comes back as `{}`.
//!
//! A map in block style that has comments of its own, an anchor, a tag or an explicit key is not
//! removed, and becomes `{}`. A comment behind the removed value stays, on a line of its own. When
//! the last entry of a document in block style goes, the document is empty: null to Go.
//!
//! # What is refused
//!
//! * what an alias elsewhere would change with it: values in or under an anchor that is used, and
//!   maps that come from an alias or a merge key (a single merged value can be overruled locally;
//!   strict readers such as vCluster's own call that a duplicate, Helm does not; not under a key
//!   such as `1`, which goyaml keeps apart from `"1"`);
//! * replacing or removing something that has comments inside;
//! * values in lists; maps on one line with their explicit key (`? a` and `: b: c`);
//! * keys set twice, where a removal would bring the other value back;
//! * a block scalar that ends the text without a line break, where it would get one;
//! * whatever else `check` finds not to be exactly the change that was asked for.

mod check;
mod find;
mod flow;
mod layout;
mod lines;
mod remove;
mod set;
mod write;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::yaml::go_float;
use super::{Document, Limits, Path, ReadError, read_yaml};
use layout::Layout;
use lines::Splice;

/// The largest text that is edited. Time grows with the text: at this size every change takes two
/// runs of the parser, and about 50 ms.
pub const MAX_EDIT_BYTES: usize = 128 * 1_024;

/// One change at one path of keys.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Sets the value, whatever is there; missing maps on the way are made.
    Set(Value),
    /// Removes the value, and maps that are empty then; no change if it is not there.
    Remove,
}

/// Why a text was not edited.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EditError {
    /// The text is, or would become, larger than [`MAX_EDIT_BYTES`].
    #[error("larger than {limit} bytes, up to which text is edited")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// The text cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// The change cannot be made without changing something else, or losing a comment.
    #[error("{0}")]
    Refused(&'static str),
}

/// The text with the change made.
pub fn edit(text: &str, path: &Path, change: &Change) -> Result<String, EditError> {
    edit_all(text, &[(path.clone(), change.clone())])
}

/// The text with all the changes made, in their order, or none of them.
pub fn edit_all(text: &str, changes: &[(Path, Change)]) -> Result<String, EditError> {
    check_size(text)?;
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mark = text.strip_suffix(body).unwrap_or("");
    let mut state = State::read(body.to_owned())?;
    for (path, change) in changes {
        if let Some(next) = state.changed(path, change)? {
            check_size(&next.text)?;
            state = next;
        }
    }
    Ok([mark, &state.text].concat())
}

/// The lines that set these values, for a person to paste. Values in lists are left out.
pub fn suggestion(changes: &[(Path, Value)]) -> String {
    let mut values = Value::Object(Map::new());
    for (path, value) in changes {
        if let Some(keys) = path.as_keys().filter(|keys| !keys.is_empty()) {
            // Two changes can rule each other out; then the first one counts.
            let _: Option<()> = check::set(&mut values, &keys, value);
        }
    }
    let mut text = String::new();
    for (key, value) in values.as_object().into_iter().flatten() {
        for line in write::pair_lines(key, value, 0, &write::PLAIN) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

/// A value on one line, so that the reader reads the same again. It may stand inside a collection.
pub fn in_line(value: &Value) -> String {
    let style = write::FlowStyle {
        json: false,
        tight: false,
        lines: None,
    };
    write::flow(value, &style)
}

const fn check_size(text: &str) -> Result<(), EditError> {
    if text.len() > MAX_EDIT_BYTES {
        return Err(EditError::TooLarge {
            limit: MAX_EDIT_BYTES,
        });
    }
    Ok(())
}

/// A text with all that is known about it.
struct State {
    /// Without a byte order mark.
    text: String,
    layout: Layout,
    document: Document,
    json: Value,
}

/// A way to make a change.
struct Plan {
    splices: Vec<Splice>,
    outcome: Outcome,
}

/// What a plan leads to, for the check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    /// The value is set; if it `overrules` a merged one, that is a duplicate to strict readers.
    Set { overrules: bool },
    /// The entry at the key of this number is gone. If it was the only one, its map is `null`, or
    /// else empty. If it was `merged`, too, another value can come forth.
    Removed {
        level: usize,
        null: bool,
        merged: bool,
    },
}

impl State {
    fn read(text: String) -> Result<Self, EditError> {
        let document = read_yaml(text.as_bytes(), &Limits::VALUES)?;
        let layout = Layout::of(&text).ok_or(EditError::Refused(check::UNSAFE))?;
        let json = document.root.to_json();
        Ok(Self {
            text,
            layout,
            document,
            json,
        })
    }

    /// The state after a change; `None` if there is nothing to change.
    fn changed(&self, path: &Path, change: &Change) -> Result<Option<Self>, EditError> {
        let refused = EditError::Refused;
        let keys = path
            .as_keys()
            .filter(|keys| !keys.is_empty())
            .ok_or(refused("values in lists, and whole texts, are not edited"))?;
        if let Change::Set(value) = change {
            let room = Limits::VALUES.depth.saturating_sub(keys.len());
            let value = normal(value, room).ok_or(refused("the value is nested too deeply"))?;
            let mut place = Some(&self.json);
            for key in &keys {
                place = place.and_then(|place| place.get(*key));
            }
            if place == Some(&value) {
                return Ok(None);
            }
            let plans = set::plans(self, &keys, &value).map_err(refused)?;
            return self.first_safe(plans, &keys, &value).map(Some);
        }
        let plans = remove::plans(self, &keys).map_err(refused)?;
        if plans.is_empty() {
            return Ok(None);
        }
        self.first_safe(plans, &keys, &Value::Null).map(Some)
    }

    fn first_safe(
        &self,
        plans: Vec<Plan>,
        keys: &[&str],
        value: &Value,
    ) -> Result<Self, EditError> {
        let mut why = check::UNSAFE;
        for plan in plans {
            match self.check(plan, keys, value) {
                Ok(next) => return Ok(next),
                Err(reason) => why = reason,
            }
        }
        Err(EditError::Refused(why))
    }
}

/// A value with the numbers that Go reads for its own; `None` if it is too deep.
fn normal(value: &Value, room: usize) -> Option<Value> {
    let deeper = || room.checked_sub(1);
    Some(match value {
        Value::Number(number) if number.is_f64() => Value::Number(go_float(number.as_f64()?)?.1),
        Value::Array(items) => {
            let room = deeper()?;
            let items: Option<_> = items.iter().map(|item| normal(item, room)).collect();
            Value::Array(items?)
        }
        Value::Object(map) => {
            let room = deeper()?;
            let map: Option<_> = map
                .iter()
                .map(|(key, value)| Some((key.clone(), normal(value, room)?)))
                .collect();
            Value::Object(map?)
        }
        scalar => scalar.clone(),
    })
}
