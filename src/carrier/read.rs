//! Reading the parts of a carrier as layers of values.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Content, Encoding, Part};
use crate::values::{
    Assignment, Budget, Data, Document, Entry, Map, Node, Path, ReadError, ReadErrorKind, Step,
    Templated, is_templated, read_json, read_template, read_yaml,
};
use crate::vcluster::{Layer, LayerContent};

impl Part<'_> {
    /// The part as a layer of values.
    pub(super) fn read(&self, budget: &Budget) -> Layer {
        let (mut templated, mut sets, mut stands) = (Vec::new(), Vec::new(), Vec::new());
        let mut refers = 0;
        let (text, content) = match &self.content {
            Content::Values(Encoding::TemplatedYaml, raw) => {
                let content = match read_templated(raw.get(), budget) {
                    Ok(read) => {
                        templated = read.unknown;
                        LayerContent::Values(read.document)
                    }
                    Err(error) => LayerContent::Unreadable(error),
                };
                (true, content)
            }
            Content::Values(encoding, raw) => {
                let content = match read(*encoding, raw.get(), budget).and_then(only_map) {
                    // an empty config is none: the pod does not find anything to run
                    Ok(document)
                        if *encoding == Encoding::Base64Yaml
                            && document.root.data == Data::Null =>
                    {
                        LayerContent::Missing
                    }
                    Ok(mut document) => {
                        if let Encoding::TemplatedObject(templates) = encoding {
                            let open = templates.open();
                            take_out(&mut document.root, open, &Path::root(), &mut templated);
                        }
                        LayerContent::Values(document)
                    }
                    Err(error) => LayerContent::Unreadable(error),
                };
                (encoding.is_text(), content)
            }
            Content::Missing => (true, LayerContent::Missing),
            Content::Elsewhere(reference) => {
                refers = reference.hash();
                let what = self.at.to_string().into();
                (false, LayerContent::Elsewhere(what))
            }
            Content::ElsewhereAt(path, reference) => {
                refers = reference.hash();
                let what = self.at.to_string().into();
                (false, LayerContent::ElsewhereAt(what, path.clone()))
            }
            Content::Set(assignments) => {
                sets.clone_from(assignments);
                (true, LayerContent::Values(assigned(assignments)))
            }
            Content::Unreadable(error) => (true, LayerContent::Unreadable(error.clone())),
            Content::Excluded(other) => (true, LayerContent::Excluded(other.clone())),
            Content::Lowered(values) => {
                let mut root = Node::new(Data::Map(Map::new()));
                for (path, value, at) in values {
                    insert(
                        &mut root,
                        &path.as_keys().unwrap_or_default(),
                        value.clone(),
                    );
                    stands.push((path.clone(), at.clone()));
                }
                (false, LayerContent::Values(document(root)))
            }
        };
        Layer {
            at: self.at.clone(),
            text,
            content,
            templated,
            sets,
            stands,
            refers,
        }
    }
}

fn read(encoding: Encoding, raw: &str, budget: &Budget) -> Result<Document, ReadError> {
    budget.read(raw.len(), |limits| {
        if !encoding.is_text() {
            return read_json(raw, limits);
        }
        let text = string(raw)?;
        if encoding != Encoding::Base64Yaml {
            return read_yaml(text.as_bytes(), limits);
        }
        // four characters hold three bytes: nothing larger is decoded
        if text.len() / 4 * 3 > limits.bytes + 3 {
            let kind = ReadErrorKind::TooLarge {
                limit: limits.bytes,
            };
            return Err(ReadError {
                kind,
                at: None,
                steps: 0,
            });
        }
        let bytes = STANDARD
            .decode(text.as_bytes())
            .map_err(|_| syntax("not base64"))?;
        read_yaml(&bytes, limits)
    })
}

/// Values text in which templates may stand.
fn read_templated(raw: &str, budget: &Budget) -> Result<Templated, ReadError> {
    budget.read(raw.len(), |limits| {
        let text = string(raw)?;
        if is_templated(&text) {
            return read_template(text.as_bytes(), limits);
        }
        let document = read_yaml(text.as_bytes(), limits).and_then(only_map)?;
        Ok(Templated {
            document,
            unknown: Vec::new(),
        })
    })
}

/// The text that a part holds.
fn string(raw: &str) -> Result<Cow<'_, str>, ReadError> {
    serde_json::from_str(raw).map_err(|_| syntax("the part is not a string"))
}

/// Values are a map, or nothing at all.
fn only_map(document: Document) -> Result<Document, ReadError> {
    let found = match &document.root.data {
        Data::Map(_) | Data::Null => return Ok(document),
        data => data.type_name(),
    };
    let at = document.root.at;
    Err(ReadError {
        at,
        ..syntax(format!("values have to be a map, this is a {found}"))
    })
}

/// Leaves out what templates decide: strings that hold one, and maps with such a key.
fn take_out(node: &mut Node, open: &str, path: &Path, templated: &mut Vec<Path>) {
    match &mut node.data {
        Data::Map(map) => {
            if map.keys().any(|key| key.contains(open)) {
                templated.push(path.clone());
                map.clear();
            }
            map.retain(|key, entry| {
                let path = path.key(key);
                let holds = holds_template(&entry.value, open);
                if holds {
                    templated.push(path.clone());
                } else {
                    take_out(&mut entry.value, open, &path, templated);
                }
                !holds
            });
        }
        Data::Null | Data::Bool(_) | Data::Number(_) | Data::String(_) | Data::List(_) => {}
    }
}

/// Whether a leaf holds a template; a list is a leaf.
fn holds_template(node: &Node, open: &str) -> bool {
    match &node.data {
        Data::String(text) => text.contains(open),
        Data::List(_) => node.to_json().to_string().contains(open),
        Data::Null | Data::Bool(_) | Data::Number(_) | Data::Map(_) => false,
    }
}

/// What assignments set where nothing is yet, for everybody who looks for keys and places.
fn assigned(assignments: &[Assignment]) -> Document {
    let mut root = Node::new(Data::Map(Map::new()));
    for assignment in assignments {
        let keys: Vec<_> = assignment
            .path
            .steps()
            .iter()
            .map_while(Step::as_key)
            .collect();
        if keys.last() == Some(&"") {
            continue;
        }
        let whole = keys.len() == assignment.path.steps().len();
        let data = if whole {
            assignment.value.clone()
        } else {
            Data::List(Vec::new())
        };
        insert(&mut root, &keys, data);
    }
    document(root)
}

fn document(root: Node) -> Document {
    Document {
        root,
        notes: Vec::new(),
        steps: 0,
    }
}

/// Sets a value; what stands in the way and is no map is replaced.
fn insert(node: &mut Node, keys: &[&str], data: Data) {
    let Some((key, below)) = keys.split_first() else {
        node.data = data;
        return;
    };
    if !matches!(node.data, Data::Map(_)) {
        node.data = Data::Map(Map::new());
    }
    if let Data::Map(map) = &mut node.data {
        let entry = map.entry((*key).into()).or_insert_with(|| Entry {
            at: None,
            value: Node::new(Data::Null),
        });
        insert(&mut entry.value, below, data);
    }
}

fn syntax(text: impl Into<String>) -> ReadError {
    ReadError {
        kind: ReadErrorKind::Syntax(text.into()),
        at: None,
        steps: 0,
    }
}
