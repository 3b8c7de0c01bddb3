//! Carrying out an assignment, as `strvals.ParseInto` does on what is there already.

use super::{Assignment, End, SetError};
use crate::values::{Data, Entry, Map, Node, Path, Step};

/// The largest position that Helm takes (`strvals.MaxIndex`).
const MAX_INDEX: usize = 65_536;

/// How long an index may make a list. Helm goes to [`MAX_INDEX`]; nobody's list is so long, and
/// each item in between costs memory.
const LIST: usize = 4_096;

/// A gap between the end of a list and what is set behind it that is just made.
const GAP: usize = 16;

/// How many values there may be once a larger gap is made.
const WITH_GAPS: usize = 16_384;

/// Assigns into values as Helm does: maps and lists that are there are used, missing ones are made,
/// and what is no map where one is needed is an error, null included. After an error the values are
/// neither what they were nor what they should be.
///
/// One call makes few values, or many only while there are few: who bounds the number of
/// assignments bounds the memory.
pub fn assign(root: &mut Node, assignment: &Assignment) -> Result<(), SetError> {
    if let Some(gap) = gap(root, assignment.path.steps())
        && gap > GAP
        && count(root, WITH_GAPS).saturating_add(gap) > WITH_GAPS
    {
        return Err(SetError::TooManyGaps { limit: WITH_GAPS });
    }
    let mut assigner = Assigner {
        assignment,
        at: Vec::new(),
    };
    if matches!(root.data, Data::Null) {
        // an empty document
        *root = Node::new(Data::Map(Map::new()));
    }
    match &mut root.data {
        Data::Map(map) => assigner.key(map, assignment.path.steps()).map(|_| ()),
        data => Err(SetError::NotMap {
            at: Path::root(),
            found: data.type_name(),
        }),
    }
}

/// Whether Helm saw the text end on the way back: then lists do not keep what was made for them.
type Ended = bool;

struct Assigner<'a> {
    assignment: &'a Assignment,
    /// Where in the values it is, for errors: only what is there already gets in the way.
    at: Vec<Step>,
}

impl Assigner<'_> {
    /// Assigns at a path that begins with a key.
    fn key(&mut self, map: &mut Map, steps: &[Step]) -> Result<Ended, SetError> {
        let Some((Step::Key(key), below)) = steps.split_first() else {
            return Ok(true);
        };
        self.at.push(Step::Key(key.clone()));
        let ended = match below.first() {
            None => match self.assignment.end {
                End::BeforeEqualSign => true,
                end => {
                    set(map, key, self.assignment.value.clone());
                    end == End::BehindEqualSign
                }
            },
            Some(Step::Key(_)) => self.map_at(map, key, below)?,
            Some(Step::Index(_)) => self.list_at(map, key, below)?,
        };
        self.at.pop();
        Ok(ended)
    }

    /// Assigns in the map at a key.
    fn map_at(&mut self, map: &mut Map, key: &str, below: &[Step]) -> Result<Ended, SetError> {
        let mut made = Map::new();
        let (inner, is_made) = match map.get_mut(key).map(|entry| &mut entry.value.data) {
            Some(Data::Map(inner)) => (inner, false),
            Some(data) => return Err(self.not_map(data)),
            None => (&mut made, true),
        };
        let ended = self.key(inner, below)?;
        if inner.is_empty() {
            return if ended {
                Ok(ended)
            } else {
                Err(SetError::NothingSet)
            };
        }
        if is_made {
            set(map, key, Data::Map(made));
        }
        Ok(ended)
    }

    /// Assigns in the list at a key.
    fn list_at(&mut self, map: &mut Map, key: &str, below: &[Step]) -> Result<Ended, SetError> {
        let mut made = Vec::new();
        let (list, is_made) = match map.get_mut(key).map(|entry| &mut entry.value.data) {
            Some(Data::List(list)) => (list, false),
            Some(data) => return Err(self.not_list(data)),
            None => (&mut made, true),
        };
        let before = list.len();
        let ended = self.item(list, below)?;
        if is_made {
            set(map, key, Data::List(made));
        } else if key.is_empty() {
            // what does not fit in place goes nowhere
            list.truncate(before);
        }
        Ok(ended)
    }

    /// Assigns at a path that begins with a position.
    fn item(&mut self, list: &mut Vec<Node>, steps: &[Step]) -> Result<Ended, SetError> {
        let Some((&Step::Index(index), below)) = steps.split_first() else {
            return Ok(true);
        };
        self.at.push(Step::Index(index));
        let mut ended = false;
        match (below.first(), list.get_mut(index)) {
            (None, _) => match self.assignment.end {
                End::BeforeEqualSign => ended = true,
                End::Whole | End::BehindEqualSign => {
                    set_item(list, index, self.assignment.value.clone())?;
                }
            },
            (Some(Step::Key(_)), Some(item)) => {
                if !matches!(item.data, Data::Map(_)) {
                    *item = Node::new(Data::Map(Map::new()));
                }
                if let Data::Map(inner) = &mut item.data {
                    ended = self.key(inner, below)?;
                }
            }
            (Some(Step::Key(_)), None) => {
                let mut inner = Map::new();
                ended = self.key(&mut inner, below)?;
                if !ended {
                    set_item(list, index, Data::Map(inner))?;
                }
            }
            (Some(Step::Index(_)), Some(item)) if !matches!(item.data, Data::Null) => {
                let Data::List(inner) = &mut item.data else {
                    return Err(self.not_list(&item.data));
                };
                ended = self.item(inner, below)?;
            }
            (Some(Step::Index(_)), _) => {
                let mut inner = Vec::new();
                ended = self.item(&mut inner, below)?;
                if !ended {
                    set_item(list, index, Data::List(inner))?;
                }
            }
        }
        self.at.pop();
        Ok(ended)
    }

    fn not_map(&self, data: &Data) -> SetError {
        SetError::NotMap {
            at: self.at.iter().cloned().collect(),
            found: data.type_name(),
        }
    }

    fn not_list(&self, data: &Data) -> SetError {
        SetError::NotList {
            at: self.at.iter().cloned().collect(),
            found: data.type_name(),
        }
    }
}

/// Sets a key, unless it is empty.
fn set(map: &mut Map, key: &str, data: Data) {
    if !key.is_empty() {
        let value = Node::new(data);
        map.insert(key.into(), Entry { at: None, value });
    }
}

/// Sets a position; what a longer list has before it is null.
fn set_item(list: &mut Vec<Node>, index: usize, data: Data) -> Result<(), SetError> {
    let limit = if index > MAX_INDEX {
        MAX_INDEX + 1
    } else {
        LIST
    };
    if index >= limit.max(list.len()) {
        return Err(SetError::TooLong { index, limit });
    }
    if list.len() <= index {
        list.resize(index + 1, Node::new(Data::Null));
    }
    if let Some(item) = list.get_mut(index) {
        *item = Node::new(data);
    }
    Ok(())
}

/// How many items an assignment would make that nobody sets; `None` where it has no positions.
fn gap(root: &Node, steps: &[Step]) -> Option<usize> {
    let mut node = Some(root);
    let mut gap = None;
    for step in steps {
        node = match (step, node.map(|node| &node.data)) {
            (Step::Key(key), Some(Data::Map(map))) => map.get(key).map(|entry| &entry.value),
            (Step::Index(index), below) => {
                let items = match below {
                    Some(Data::List(items)) => items.as_slice(),
                    _ => &[],
                };
                *gap.get_or_insert(0) += index.saturating_sub(items.len()).min(LIST);
                items.get(*index)
            }
            _ => None,
        };
    }
    gap
}

/// How many values there are, up to a limit.
fn count(node: &Node, limit: usize) -> usize {
    let mut seen = 0;
    let mut rest = vec![node];
    while let Some(node) = rest.pop() {
        seen += 1;
        if seen >= limit {
            break;
        }
        match &node.data {
            Data::List(items) => rest.extend(items),
            Data::Map(map) => rest.extend(map.values().map(|entry| &entry.value)),
            Data::Null | Data::Bool(_) | Data::Number(_) | Data::String(_) => {}
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::super::read_set;
    use super::*;
    use crate::values::{Limits, read_yaml};

    fn assigned(base: &str, text: &str) -> Result<String, String> {
        let mut root = read_yaml(base.as_bytes(), &Limits::VALUES).unwrap().root;
        for assignment in read_set(text, true).map_err(|error| error.to_string())? {
            assign(&mut root, &assignment).map_err(|error| error.to_string())?;
        }
        Ok(root.to_json().to_string())
    }

    #[test]
    fn maps_and_lists_that_are_there_are_used() {
        for (base, text, expected) in [
            ("", "a.b=1", r#"{"a":{"b":1}}"#),
            ("a: {b: 1, c: 2}", "a.b=null", r#"{"a":{"b":null,"c":2}}"#),
            ("a: [1, 2]", "a[1]=3,a[3]=4", r#"{"a":[1,3,null,4]}"#),
            ("a: [{b: 1}]", "a[0].c=2", r#"{"a":[{"b":1,"c":2}]}"#),
            ("a: [x]", "a[0].c=2", r#"{"a":[{"c":2}]}"#),
            ("a: [null]", "a[0][1]=2", r#"{"a":[[null,2]]}"#),
            ("a: {b: 1}", "a=x", r#"{"a":"x"}"#),
            ("a: x", "a={1,2}", r#"{"a":[1,2]}"#),
            ("a: 1", "=1", r#"{"a":1}"#),
            ("'': {a: 1}", ".a=2", r#"{"":{"a":2}}"#),
            ("'': [1]", "[0]=2,[1]=3", r#"{"":[2]}"#),
            ("a: {b: 1}", "a.=2", r#"{"a":{"b":1}}"#),
        ] {
            assert_eq!(assigned(base, text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_text_that_ends_early_drops_items_that_were_made_for_it() {
        for (base, text, expected) in [
            ("", "a.b=", r#"{"a":{"b":""}}"#),
            ("", "a.", "{}"),
            ("", "a[0]", r#"{"a":[]}"#),
            ("", "a[0]=", r#"{"a":[""]}"#),
            ("", "a[0].b=", r#"{"a":[]}"#),
            ("", "a[0].b=,", r#"{"a":[{"b":""}]}"#),
            ("a: [{c: 1}]", "a[0].b=", r#"{"a":[{"b":"","c":1}]}"#),
            ("a: [1]", "a[0].", r#"{"a":[{}]}"#),
            ("", "a.b[0][1].c=", r#"{"a":{"b":[]}}"#),
        ] {
            assert_eq!(assigned(base, text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_in_the_way_is_named_and_not_shown() {
        for (base, text, expected) in [
            (
                "a: hunter2",
                "a.b=1",
                "a would have to be a map, and is of type string",
            ),
            (
                "a: null",
                "a.b=1",
                "a would have to be a map, and is of type null",
            ),
            (
                "a: {b: [1]}",
                "a.b.c=1",
                "a.b would have to be a map, and is of type list",
            ),
            (
                "a: {b: {}}",
                "a.b[0]=1",
                "a.b would have to be a list, and is of type map",
            ),
            (
                "a: null",
                "a[0]=1",
                "a would have to be a list, and is of type null",
            ),
            (
                "a: [1]",
                "a[0][0]=1",
                "a[0] would have to be a list, and is of type integer",
            ),
            (
                "",
                "a.=1",
                "a key is empty, so nothing is set in a map that is made for it",
            ),
            (
                "",
                "a..b=1",
                "a key is empty, so nothing is set in a map that is made for it",
            ),
            (
                "",
                "a[70000]=1",
                "an index of 70000 is too large: a list may get 65537 items",
            ),
            (
                "",
                "a[4096]=1",
                "an index of 4096 is too large: a list may get 4096 items",
            ),
        ] {
            assert_eq!(assigned(base, text), Err(expected.to_owned()), "{text}");
        }
        assert!(assigned("", "a[4095]=1").is_ok());
    }

    #[test]
    fn gaps_do_not_add_up() {
        let text = |index: usize, number: usize| {
            let texts: Vec<_> = (0..number).map(|key| format!("k{key}[{index}]=")).collect();
            texts.join(",")
        };
        assert!(assigned("", &text(4_000, 4)).is_ok());
        assert_eq!(
            assigned("", &text(4_000, 5)),
            Err("indexes would make more than 16384 values that nobody sets".to_owned())
        );
        assert!(assigned("", &text(16, 4_000)).is_ok());
        assert_eq!(
            assigned("", "a[4000][4000][4000][4000][4000]=1"),
            Err("indexes would make more than 16384 values that nobody sets".to_owned())
        );
    }
}
