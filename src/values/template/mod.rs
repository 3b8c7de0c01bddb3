//! Values text that is a Go template, read as far as it can be seen without rendering it.
//!
//! Owns what a template leaves certain. The text goes through three stages: `action` finds the
//! actions, `text` takes them out and tells which lines are there only in some renderings, `judge`
//! tells which keys they leave certain. The rest is read as YAML, and what is not certain is left
//! out of it and named by its path.
//!
//! What is written for certain is so in every rendering that is YAML, as long as
//!
//! * what an action writes into a line stays within the scalar that it stands in, and
//! * what an action writes that has a line of its own is indented as that action is.
//!
//! Where an action says otherwise by `indent`, `nindent`, `toYaml` or a line break in a string, it
//! is taken at its word. Whatever else might be certain, but only by reading an action's inside or
//! by following an alias or a merge, is taken for Unknown.

mod action;
mod judge;
mod places;
mod text;

#[cfg(test)]
mod soundness;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use self::action::actions;
use self::judge::{Doubt, judge};
use self::text::{Plain, strip};
use super::yaml::read_yaml;
use super::{
    Data, Document, Entry, Limits, Map, Node, Note, NoteKind, Path, Position, ReadError, Step,
};

/// Values text in which templates stand, as far as it can be seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Templated {
    /// What is written for certain. Whatever a template decides is left out of it.
    pub document: Document,
    /// Paths of keys (maps only) at and below which a template decides; the root path: anywhere.
    pub unknown: Vec<Path>,
}

/// Whether a text holds template actions at all.
pub fn is_templated(text: &str) -> bool {
    text.contains("{{")
}

/// Reads a text that may hold templates.
///
/// A text without any is read by [`read_yaml`]. Of one with templates, only the bounds are errors:
/// one that cannot be seen through is an empty map, Unknown at the root.
pub fn read_template(text: &[u8], limits: &Limits) -> Result<Templated, ReadError> {
    let Some(source) = str::from_utf8(text)
        .ok()
        .filter(|source| source.len() <= limits.bytes && is_templated(source))
    else {
        return Ok(Templated {
            document: read_yaml(text, limits)?,
            unknown: Vec::new(),
        });
    };
    let Some(plain) = actions(source).and_then(|actions| strip(source, &actions)) else {
        return Ok(opaque(0));
    };
    let document = match read_yaml(plain.text.as_bytes(), limits) {
        Ok(document) => document,
        Err(ReadError { kind, at, steps }) => {
            return if kind.is_bound() {
                Err(ReadError {
                    kind,
                    at: at.map(|at| plain.places.original(at)),
                    steps,
                })
            } else {
                Ok(opaque(steps))
            };
        }
    };
    let steps = document.steps;
    let further = |note: &Note| note.kind == NoteKind::ExtraDocument;
    if document.notes.iter().any(further) {
        // Which document is the first may be up to a template.
        return Ok(opaque(steps));
    }
    Ok(judge(&plain, limits)
        .and_then(|doubts| certain(document, &plain, doubts))
        .unwrap_or_else(|| opaque(steps)))
}

/// A text that cannot be seen through.
fn opaque(steps: usize) -> Templated {
    let mut root = Node::new(Data::Map(Map::default()));
    root.at = Some(Position {
        byte: 0,
        line: 1,
        column: 1,
    });
    Templated {
        document: Document {
            root,
            notes: Vec::new(),
            steps,
        },
        unknown: vec![Path::root()],
    }
}

/// What of a document is certain; `None` if nothing is.
fn certain(document: Document, plain: &Plain, doubts: HashMap<usize, Doubt>) -> Option<Templated> {
    let Document { root, notes, steps } = document;
    let mut pruning = Pruning {
        plain,
        doubts,
        path: Vec::new(),
        key_bytes: 0,
        unknown: Vec::new(),
    };
    let data = match root.data {
        Data::Map(map) => Data::Map(pruning.map(map)?),
        Data::Null => Data::Null,
        _ => return None,
    };
    let Pruning { unknown, .. } = pruning;
    if unknown.len() > MAX_UNKNOWN {
        return None;
    }
    let root = Node {
        data,
        at: root.at.map(|at| plain.places.original(at)),
        plain: None,
    };
    let notes = notes
        .into_iter()
        .filter(|note| !is_doubtful(&root, &note.path))
        .filter_map(|note| certain_note(note, plain))
        .collect();
    Some(Templated {
        document: Document { root, notes, steps },
        unknown,
    })
}

/// Whether a path leads to what has been left out.
fn is_doubtful(root: &Node, path: &Path) -> bool {
    let mut node = root;
    for step in path.steps() {
        // Lists are whole.
        let Step::Key(key) = step else { return false };
        match node.as_map().map(|map| map.get(key)) {
            Some(Some(entry)) => node = &entry.value,
            Some(None) => return true,
            None => return false,
        }
    }
    false
}

/// A note with its place in the original text, unless it is about a key that may not be there.
fn certain_note(note: Note, plain: &Plain) -> Option<Note> {
    let Note { kind, path, at } = note;
    let place = |at: Position| {
        let always = plain.segments.at(at.byte) == 0;
        always.then(|| plain.places.original(at))
    };
    let kind = match kind {
        NoteKind::Duplicate { first } => NoteKind::Duplicate {
            first: place(first)?,
        },
        NoteKind::CaseVariant { other } => NoteKind::CaseVariant {
            other: place(other)?,
        },
        kind => kind,
    };
    Some(Note {
        kind,
        path,
        at: place(at)?,
    })
}

/// Leaves out what is in doubt, and gives the rest its places in the original text.
///
/// Recursion is as deep as the document, that is, at most [`Limits::depth`].
struct Pruning<'p> {
    plain: &'p Plain,
    doubts: HashMap<usize, Doubt>,
    path: Vec<Step>,
    key_bytes: usize,
    unknown: Vec<Path>,
}

impl Pruning<'_> {
    /// What of a map is certain; `None` if its value as a whole is not.
    fn map(&mut self, map: Map) -> Option<Map> {
        let was_empty = map.is_empty();
        let unknown_before = self.unknown.len();
        let mut kept = Map::with_capacity(map.len());
        // A map of which nothing need be there may be null instead; the root may well be that.
        let mut exists = was_empty || self.path.is_empty();
        let mut nameable = true;
        for (key, Entry { at, value }) in map {
            let doubt = at.and_then(|at| self.doubts.get(&at.byte).copied());
            exists |= doubt != Some(Doubt::Existence);
            self.key_bytes += key.len();
            self.path.push(Step::Key(key));
            let value = match doubt {
                Some(_) => None,
                None => self.value(value),
            };
            if value.is_none() {
                if self.key_bytes > MAX_PATH_BYTES {
                    nameable = false;
                } else if self.unknown.len() <= MAX_UNKNOWN {
                    self.unknown.push(self.path.iter().cloned().collect());
                }
            }
            let Some(Step::Key(key)) = self.path.pop() else {
                return None;
            };
            self.key_bytes -= key.len();
            if !nameable {
                break;
            }
            if let Some(value) = value {
                let at = at.map(|at| self.plain.places.original(at));
                kept.insert(key, Entry { at, value });
            }
        }
        if !exists || !nameable {
            self.unknown.truncate(unknown_before);
            return None;
        }
        Some(kept)
    }

    fn value(&mut self, node: Node) -> Option<Node> {
        let Node { data, at, plain } = node;
        let data = match data {
            Data::Map(map) => Data::Map(self.map(map)?),
            Data::List(items) => {
                Data::List(items.into_iter().map(|item| self.place(item)).collect())
            }
            data => data,
        };
        Some(self.place_one(data, at, plain))
    }

    /// A node of a list, in which nothing is in doubt.
    fn place(&self, node: Node) -> Node {
        let Node { data, at, plain } = node;
        let data = match data {
            Data::Map(map) => Data::Map(
                map.into_iter()
                    .map(|(key, Entry { at, value })| {
                        let at = at.map(|at| self.plain.places.original(at));
                        let value = self.place(value);
                        (key, Entry { at, value })
                    })
                    .collect(),
            ),
            Data::List(items) => {
                Data::List(items.into_iter().map(|item| self.place(item)).collect())
            }
            data => data,
        };
        self.place_one(data, at, plain)
    }

    fn place_one(&self, data: Data, at: Option<Position>, plain: Option<Box<str>>) -> Node {
        Node {
            data,
            at: at.map(|at| self.plain.places.original(at)),
            plain,
        }
    }
}

/// How many bytes of keys an Unknown path may hold; below longer keys, the map is Unknown whole.
const MAX_PATH_BYTES: usize = 4_096;

/// How many Unknown paths are kept; of a text with more, everything is Unknown. The largest
/// vCluster chart's own values have 900 nodes.
const MAX_UNKNOWN: usize = 1_000;
