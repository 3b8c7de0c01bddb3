//! From the tree to values: goyaml's `decoder` type.
//!
//! Mirrors the second half of `decode.go` of goyaml v2 and `convertToJSONableObject` of
//! `sigs.k8s.io/yaml`: aliases are followed, merge keys merged, scalars resolved, keys made strings.
//! Every value is counted before it is made, those behind aliases and merges as often as they are
//! used, and recursion is no deeper than [`Limits::depth`].

mod entries;

use std::collections::HashMap;
use std::collections::hash_map;

use super::super::fold::fold;
use super::super::map::MapBuilder;
use super::super::{
    Data, Document, Limits, Map, Node, NoteKind, Position, ReadError, ReadErrorKind, Step,
};
use super::notes::Notes;
use super::number;
use super::scalar::{self, Resolved, Tag};
use super::tree::{Id, Raw, RawKind, RawScalar, Tree};

/// How much of a plain scalar's source is kept.
const MAX_PLAIN_BYTES: usize = 64;

/// Decodes a parsed document.
pub(super) fn decode(tree: &Tree<'_>, limits: &Limits) -> Result<Document, ReadError> {
    let mut decoder = Decoder {
        tree,
        limits,
        notes: Notes::default(),
        path: Vec::new(),
        following: Vec::new(),
        values: 0,
        scalar_bytes: 0,
        visits: 1,
        alias_visits: 0,
    };
    let root = match tree.root {
        Some(root) => decoder.value(root, 0).map_err(|(kind, at)| ReadError {
            kind,
            at: Some(at),
            steps: tree.events + decoder.alias_visits,
        })?,
        None => Node {
            data: Data::Null,
            at: Some(Position {
                byte: 0,
                line: 1,
                column: 1,
            }),
            plain: None,
        },
    };
    if let Some(at) = tree.extra {
        decoder.notes.add(NoteKind::ExtraDocument, &[], at);
    }
    let steps = tree.events + decoder.alias_visits;
    Ok(Document {
        root,
        notes: decoder.notes.take(),
        steps,
    })
}

struct Decoder<'d, 't> {
    tree: &'d Tree<'t>,
    limits: &'d Limits,
    notes: Notes,
    /// Path of the value in hand.
    path: Vec<Step>,
    /// The aliases being followed.
    following: Vec<Id>,
    values: usize,
    scalar_bytes: usize,
    /// goyaml's `decodeCount`: nodes decoded.
    visits: usize,
    /// goyaml's `aliasCount`: nodes decoded while following an alias, that is, copied.
    alias_visits: usize,
}

type Failure = (ReadErrorKind, Position);

impl<'d, 't> Decoder<'d, 't> {
    /// The value of a node, `depth` collections and merges deep.
    fn value(&mut self, id: Id, depth: usize) -> Result<Node, Failure> {
        let raw = self.raw(id)?;
        let at = raw.at;
        let (data, plain) = match &raw.kind {
            RawKind::Alias(target) => {
                self.notes.add(NoteKind::Alias, &self.path, at);
                self.follow(id, at)?;
                // What is wrong with it by itself was told where it stands: this is the copy.
                let node = self.value(*target, depth).map_err(|(kind, _)| (kind, at))?;
                self.following.pop();
                // The value is in this place because of the alias; what it holds keeps its place.
                return Ok(Node {
                    at: Some(at),
                    ..node
                });
            }
            RawKind::Scalar(scalar) => {
                self.count_value(at)?;
                let resolved = self.resolve(scalar, at)?;
                let plain = (scalar.plain && !scalar.source.is_empty())
                    .then(|| plain_source(scalar, &resolved))
                    .flatten();
                if scalar.plain && scalar::is_coerced(&scalar.value, &resolved) {
                    self.notes.add(NoteKind::Coerced, &self.path, at);
                }
                (data(scalar, resolved).ok_or((INFINITE, at))?, plain)
            }
            RawKind::List(children) => {
                self.count_value(at)?;
                (self.list(children, self.deeper(depth, at)?)?, None)
            }
            RawKind::Map(children) => {
                self.count_value(at)?;
                (self.map(children, self.deeper(depth, at)?)?, None)
            }
        };
        Ok(Node {
            data,
            at: Some(at),
            plain,
        })
    }

    fn list(&mut self, children: &[Id], depth: usize) -> Result<Data, Failure> {
        let mut items = Vec::with_capacity(children.len().min(self.limits.nodes - self.values));
        for (index, child) in children.iter().enumerate() {
            self.path.push(Step::Index(index));
            items.push(self.value(*child, depth)?);
            self.path.pop();
        }
        Ok(Data::List(items))
    }

    fn map(&mut self, children: &'d [Id], depth: usize) -> Result<Data, Failure> {
        let mut builder = MapBuilder::default();
        let mut merged = false;
        self.fill(children, &mut builder, &mut merged, depth)?;
        let map = builder.finish();
        self.note_case_variants(&map);
        Ok(Data::Map(map))
    }

    fn resolve(&mut self, scalar: &RawScalar<'_>, at: Position) -> Result<Resolved, Failure> {
        self.scalar_bytes = self.scalar_bytes.saturating_add(scalar.value.len());
        if self.scalar_bytes > self.limits.scalar_bytes {
            let limit = self.limits.scalar_bytes;
            return Err((ReadErrorKind::TooManyScalarBytes { limit }, at));
        }
        if scalar.tag == Tag::None && !scalar.plain {
            return Ok(Resolved::Text);
        }
        scalar::resolve(scalar.tag, &scalar.value).map_err(|why| (ReadErrorKind::NotJson(why), at))
    }

    fn note_case_variants(&mut self, map: &Map) {
        if map.len() < 2 {
            return;
        }
        let mut seen = HashMap::with_capacity(map.len());
        for (key, entry) in map {
            let Some(at) = entry.at else { continue };
            match seen.entry(fold(key)) {
                hash_map::Entry::Vacant(first) => {
                    first.insert(at);
                }
                hash_map::Entry::Occupied(first) => {
                    self.path.push(Step::Key(key.clone()));
                    self.notes.add(
                        NoteKind::CaseVariant {
                            other: *first.get(),
                        },
                        &self.path,
                        at,
                    );
                    self.path.pop();
                }
            }
        }
    }

    fn raw(&self, id: Id) -> Result<&'d Raw<'t>, Failure> {
        // Ids come from the tree itself.
        self.tree
            .node(id)
            .ok_or((ReadErrorKind::UnknownAnchor, Position::default()))
    }

    /// Begins to follow an alias; the caller ends it by popping `following`.
    fn follow(&mut self, alias: Id, at: Position) -> Result<(), Failure> {
        if self.following.contains(&alias) {
            return Err((
                ReadErrorKind::NotJson("an anchor's value contains itself"),
                at,
            ));
        }
        self.visit(at)?;
        self.following.push(alias);
        Ok(())
    }

    fn deeper(&self, depth: usize, at: Position) -> Result<usize, Failure> {
        if depth >= self.limits.depth {
            return Err((
                ReadErrorKind::TooDeep {
                    limit: self.limits.depth,
                },
                at,
            ));
        }
        Ok(depth + 1)
    }

    /// Counts a value that is about to be made.
    fn count_value(&mut self, at: Position) -> Result<(), Failure> {
        if self.values >= self.limits.nodes {
            return Err((
                ReadErrorKind::TooManyNodes {
                    limit: self.limits.nodes,
                },
                at,
            ));
        }
        self.values += 1;
        self.visit(at)
    }

    /// Counts a step of goyaml's decoder. It refuses documents of which nearly all is aliases;
    /// 99 in 100 is the ratio that it allows up to 400,000 steps.
    fn visit(&mut self, at: Position) -> Result<(), Failure> {
        self.visits += 1;
        if !self.following.is_empty() {
            self.alias_visits += 1;
        }
        if self.alias_visits > 100
            && self.visits > 1_000
            && self.alias_visits.saturating_mul(100) > self.visits.saturating_mul(99)
        {
            return Err((
                ReadErrorKind::NotJson("document contains excessive aliasing"),
                at,
            ));
        }
        Ok(())
    }
}

const INFINITE: ReadErrorKind = ReadErrorKind::NotJson("infinity and .nan are not JSON");

fn plain_source(scalar: &RawScalar<'_>, resolved: &Resolved) -> Option<Box<str>> {
    if matches!(resolved, Resolved::Text | Resolved::Decoded(_)) {
        return None;
    }
    let end = scalar.source.floor_char_boundary(MAX_PLAIN_BYTES);
    scalar.source.get(..end).map(Into::into)
}

/// The value as JSON has it; `None` for what JSON cannot hold.
fn data(scalar: &RawScalar<'_>, resolved: Resolved) -> Option<Data> {
    Some(match resolved {
        Resolved::Null => Data::Null,
        Resolved::Bool(value) => Data::Bool(value),
        Resolved::Int(value) => Data::Number(value.into()),
        Resolved::Uint(value) => Data::Number(value.into()),
        Resolved::Float(value) => Data::Number(number::from_float(value)?),
        Resolved::Text => Data::String(scalar.value.as_ref().into()),
        Resolved::Decoded(text) => Data::String(text.into()),
    })
}
