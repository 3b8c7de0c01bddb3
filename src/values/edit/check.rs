//! The outcome of a plan, compared with what it has to be.
//!
//! The expected value is computed on the old value's tree, apart from all text. Every plan goes
//! through here, so a wrong plan can only be a refused edit.

use std::collections::HashMap;
use std::mem::discriminant;

use serde_json::{Map, Value};

use super::super::{Note, NoteKind};
use super::lines::apply;
use super::{Outcome, Plan, State};

pub(super) const UNSAFE: &str = "the text cannot be changed here without changing something else";
const COMMENTS: &str = "a comment would be lost";
const WORSE: &str = "a strict reader would refuse the text then";

impl State {
    /// The state after a plan, if that is exactly what was asked for.
    pub(super) fn check(
        &self,
        plan: Plan,
        keys: &[&str],
        value: &Value,
    ) -> Result<Self, &'static str> {
        let Plan { splices, outcome } = plan;
        let mut expected = self.json.clone();
        match outcome {
            Outcome::Set { .. } => set(&mut expected, keys, value),
            Outcome::Removed { level, null, .. } => remove(&mut expected, keys, level, null),
        }
        .ok_or(UNSAFE)?;
        let text = apply(&self.text, splices).ok_or(UNSAFE)?;
        let next = Self::read(text).map_err(|_| UNSAFE)?;
        let is_expected = match outcome {
            Outcome::Removed { merged: true, .. } => {
                let mut found = next.json.clone();
                // Whether or not another value has come forth.
                let _: Option<()> = remove(&mut found, keys, keys.len() - 1, false);
                found == expected
            }
            _ => next.json == expected,
        };
        if !is_expected {
            return Err(UNSAFE);
        }
        if !self.comments().eq(next.comments()) {
            return Err(COMMENTS);
        }
        let allowed = usize::from(outcome == Outcome::Set { overrules: true });
        if is_worse(&self.document.notes, &next.document.notes, allowed) {
            return Err(WORSE);
        }
        Ok(next)
    }

    fn comments(&self) -> impl Iterator<Item = Option<&str>> {
        let places = self.layout.comments.iter();
        places.map(|place| self.text.get(place.clone()))
    }
}

/// Sets the value at a path; `None` if something on the way is no map.
pub(super) fn set(root: &mut Value, keys: &[&str], value: &Value) -> Option<()> {
    let mut place = root;
    for key in keys {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        place = place.as_object_mut()?.entry(*key).or_insert(Value::Null);
    }
    *place = value.clone();
    Some(())
}

/// Removes the entry at the key of number `level`; `None` if it holds more than the value at the
/// end of the path. If it was the only one, a `null` can take its map's place.
fn remove(root: &mut Value, keys: &[&str], level: usize, null: bool) -> Option<()> {
    let mut place = root;
    for key in keys.get(..level)? {
        place = place.get_mut(*key)?;
    }
    let map = place.as_object_mut()?;
    let taken = map.remove(*keys.get(level)?)?;
    if null {
        if !map.is_empty() {
            return None;
        }
        *place = Value::Null;
    }
    let mut taken = &taken;
    for key in keys.get(level + 1..)? {
        let map = taken.as_object().filter(|map| map.len() == 1)?;
        taken = map.get(*key)?;
    }
    Some(())
}

/// Whether there are more notes of a kind than before, `allowed` more duplicates aside.
fn is_worse(before: &[Note], after: &[Note], allowed: usize) -> bool {
    let mut counts = HashMap::new();
    for note in before {
        *counts.entry(discriminant(&note.kind)).or_insert(0) += 1_usize;
    }
    let mut found = HashMap::new();
    for note in after {
        let count = found.entry(discriminant(&note.kind)).or_insert(0_usize);
        *count += 1;
        let before = counts.get(&discriminant(&note.kind)).copied().unwrap_or(0);
        let more = if matches!(note.kind, NoteKind::Duplicate { .. }) {
            allowed
        } else {
            0
        };
        if *count > before + more {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::lines::Splice;
    use super::*;

    fn verdict(text: &str, splice: Splice, outcome: Outcome) -> Result<(), &'static str> {
        let state = State::read(text.to_owned()).expect("readable");
        let plan = Plan {
            splices: vec![splice],
            outcome,
        };
        state.check(plan, &["a", "b"], &json!(2)).map(drop)
    }

    #[test]
    fn a_wrong_plan_is_no_edit() {
        const SET: Outcome = Outcome::Set { overrules: false };
        let text = "a:\n  b: 1 # c\nd: 3\n";
        let replace = |range, new: &str| Splice {
            range,
            text: new.to_owned(),
        };
        assert_eq!(verdict(text, replace(8..9, "2"), SET), Ok(()));
        assert_eq!(verdict(text, replace(8..9, "3"), SET), Err(UNSAFE));
        assert_eq!(verdict(text, replace(8..9, "2]"), SET), Err(UNSAFE));
        assert_eq!(verdict(text, replace(8..13, "2"), SET), Err(COMMENTS));
        assert_eq!(verdict(text, replace(8..9, "2 # d"), SET), Err(COMMENTS));
        assert_eq!(verdict(text, replace(8..9, "0b10"), SET), Err(WORSE));
        assert_eq!(verdict(text, replace(8..99, "2"), SET), Err(UNSAFE));
        assert_eq!(
            verdict(text, replace(8..14, "2 # c\nd: 3\n"), SET),
            Err(WORSE)
        );
        let gone = |level, null| Outcome::Removed {
            level,
            null,
            merged: false,
        };
        assert_eq!(
            verdict("a:\n  b: 1\nd: 3\n", replace(0..10, ""), gone(0, false)),
            Ok(())
        );
        assert_eq!(
            verdict(
                "a:\n  b: 1\n  c: 1\nd: 3\n",
                replace(0..17, ""),
                gone(0, false)
            ),
            Err(UNSAFE)
        );
        assert_eq!(
            verdict("a:\n  b: 1\nd: 3\n", replace(3..10, ""), gone(1, true)),
            Ok(())
        );
        assert_eq!(
            verdict("a:\n  b: 1\nd: 3\n", replace(3..10, ""), gone(1, false)),
            Err(UNSAFE)
        );
    }
}
