//! Reading values that are kept as JSON: an object inside an AdmissionReview, not a text.
//!
//! The same tree as `read_yaml` gives, without places: a client rewrote the object before it got
//! here, so no place means anything to a person. Hence no notes either; the last of duplicate keys
//! counts, as in Go's `encoding/json`.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::map::MapBuilder;
use super::{Data, Document, Entry, Limits, Node, Position, ReadError, ReadErrorKind};

/// How deep values may nest before `serde_json` itself objects, in words of its own.
const SERDE_JSON_DEPTH: usize = 126;

/// Reads a JSON text. Values may nest at most 126 deep, whatever `limits` says.
pub fn read_json(text: &str, limits: &Limits) -> Result<Document, ReadError> {
    if text.len() > limits.bytes {
        let kind = ReadErrorKind::TooLarge {
            limit: limits.bytes,
        };
        return Err(ReadError {
            kind,
            at: None,
            steps: 0,
        });
    }
    let depth = limits.depth.min(SERDE_JSON_DEPTH);
    let state = RefCell::new(State {
        limits: Limits { depth, ..*limits },
        nodes: 0,
        scalar_bytes: 0,
        over: None,
    });
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = ValueSeed {
        state: &state,
        depth: 0,
    }
    .deserialize(&mut deserializer)
    .and_then(|root| deserializer.end().map(|()| root));
    let State {
        nodes: steps, over, ..
    } = state.into_inner();
    match read {
        Ok(root) => Ok(Document {
            root,
            notes: Vec::new(),
            steps,
        }),
        Err(error) => {
            let at = Some(position(text, &error));
            let kind = over.unwrap_or_else(|| ReadErrorKind::Syntax(words(&error)));
            Err(ReadError { kind, at, steps })
        }
    }
}

/// What has been used of the limits, and the limit that was passed.
struct State {
    limits: Limits,
    nodes: usize,
    scalar_bytes: usize,
    over: Option<ReadErrorKind>,
}

impl State {
    fn count_node<E: Error>(&mut self) -> Result<(), E> {
        self.nodes += 1;
        let limit = self.limits.nodes;
        if self.nodes > limit {
            self.stop(ReadErrorKind::TooManyNodes { limit })
        } else {
            Ok(())
        }
    }

    fn count_text<E: Error>(&mut self, text: &str) -> Result<(), E> {
        self.scalar_bytes = self.scalar_bytes.saturating_add(text.len());
        let limit = self.limits.scalar_bytes;
        if self.scalar_bytes > limit {
            self.stop(ReadErrorKind::TooManyScalarBytes { limit })
        } else {
            Ok(())
        }
    }

    fn check_depth<E: Error>(&mut self, depth: usize) -> Result<(), E> {
        let limit = self.limits.depth;
        if depth > limit {
            self.stop(ReadErrorKind::TooDeep { limit })
        } else {
            Ok(())
        }
    }

    fn stop<E: Error>(&mut self, kind: ReadErrorKind) -> Result<(), E> {
        self.over = Some(kind);
        Err(E::custom("over a limit"))
    }
}

#[derive(Clone, Copy)]
struct ValueSeed<'s> {
    state: &'s RefCell<State>,
    /// Collections around the value.
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        self.state.borrow_mut().count_node()?;
        deserializer.deserialize_any(self).map(Node::new)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Data, E> {
        Ok(Data::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Data, E> {
        Ok(Data::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Data, E> {
        Ok(Data::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Data, E> {
        Ok(Data::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Data, E> {
        let number = serde_json::Number::from_f64(value);
        number
            .map(Data::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Data, E> {
        self.state.borrow_mut().count_text(text)?;
        Ok(Data::String(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Data, A::Error> {
        let inner = self.enter()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Data::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Data, A::Error> {
        let inner = self.enter()?;
        let mut map = MapBuilder::default();
        while let Some(key) = entries.next_key_seed(KeySeed(self.state))? {
            let value = entries.next_value_seed(inner)?;
            map.set(key, Entry { at: None, value });
        }
        Ok(Data::Map(map.finish()))
    }
}

impl ValueSeed<'_> {
    fn enter<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        self.state.borrow_mut().check_depth(depth)?;
        Ok(Self { depth, ..self })
    }
}

struct KeySeed<'s>(&'s RefCell<State>);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Box<str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Box<str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Box<str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Box<str>, E> {
        self.0.borrow_mut().count_text(key)?;
        Ok(key.into())
    }
}

/// `serde_json`'s words, which name syntax only, without the place that it adds.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ")
        .map_or(text.as_str(), |(words, _)| words)
        .to_owned()
}

/// The place of an error; `serde_json` counts lines from 1 and the bytes read of the last one.
fn position(text: &str, error: &serde_json::Error) -> Position {
    let line = error.line().max(1);
    let start: usize = text
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let end = text.floor_char_boundary(start + error.column().saturating_sub(1));
    let column = text
        .get(start..end)
        .map_or(0, |before| before.chars().count())
        + 1;
    Position {
        byte: end,
        line,
        column,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Node {
        read_json(text, &Limits::VALUES)
            .expect("the text is readable")
            .root
    }

    #[test]
    fn the_tree_is_that_of_the_text_without_places() {
        let text = r#"{"a": [1, -2, 1.5, true, null, "x\u00e9"], "b": {"c": {}}}"#;
        let root = read(text);
        assert_eq!(root.at, None);
        let expected: serde_json::Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(root.to_json(), expected);
    }

    #[test]
    fn the_last_of_duplicate_keys_counts() {
        let root = read(r#"{"a": 1, "b": 2, "a": 3}"#);
        assert_eq!(root.get(["a"]).map(|node| &node.data), Some(&Data::from(3)));
        assert_eq!(root.as_map().map(crate::values::Map::len), Some(2));
    }

    #[test]
    fn every_bound_has_its_own_error() {
        let limits = Limits {
            bytes: 1_000,
            depth: 4,
            nodes: 20,
            scalar_bytes: 100,
            aliases: 0,
        };
        for (text, kind) in [
            (" ".repeat(1_001), ReadErrorKind::TooLarge { limit: 1_000 }),
            ("[[[[[]]]]]".to_owned(), ReadErrorKind::TooDeep { limit: 4 }),
            (
                format!("[{}1]", "1,".repeat(20)),
                ReadErrorKind::TooManyNodes { limit: 20 },
            ),
            (
                format!("{:?}", "x".repeat(101)),
                ReadErrorKind::TooManyScalarBytes { limit: 100 },
            ),
            (
                format!("{{{:?}: 1}}", "x".repeat(101)),
                ReadErrorKind::TooManyScalarBytes { limit: 100 },
            ),
        ] {
            assert_eq!(
                read_json(&text, &limits).expect_err("over a bound").kind,
                kind,
                "{text}"
            );
        }
        assert!(read_json("[[[[1]]]]", &limits).is_ok());
        let deep = Limits {
            depth: 10_000,
            ..Limits::VALUES
        };
        let error = read_json(&"[".repeat(5_000), &deep).expect_err("too deep");
        assert_eq!(error.kind, ReadErrorKind::TooDeep { limit: 126 });
    }

    #[test]
    fn errors_have_places_and_do_not_quote() {
        let error = read_json("{\n \"é\": s3cret}", &Limits::VALUES).expect_err("not JSON");
        assert_eq!(error.to_string(), "expected value");
        assert_eq!(
            error.at,
            Some(Position {
                byte: 9,
                line: 2,
                column: 7
            })
        );
        assert!(read_json("{} s3cret", &Limits::VALUES).is_err());
        assert!(read_json("1e999", &Limits::VALUES).is_err());
    }
}
