//! Helm's `--set` grammar: `a.b=c,d.e\.f=1,g={x,y},h[0].i=null`.
//!
//! Mirrors `pkg/strvals` of Helm: dots part keys, brackets hold positions in lists, a backslash
//! escapes the next character, a comma begins the next assignment, braces hold a list of scalars,
//! and scalars are typed unless they are given by `--set-string`. What Helm does at the text's end
//! is part of it: `a[0]` makes an empty list, and `a[0].b=` drops the item that it has just made.

mod assign;
#[cfg(test)]
mod tests;

use std::str::Chars;

pub use self::assign::assign;
use super::fold::go_fold_eq;
use super::{Data, Limits, Node, Path, Step};

/// How many dots may follow keys in one name (`strvals.MaxNestedNameLevel`).
const DOTS: usize = 30;

/// Assignments in one text. Helm has no bound; the vCluster chart has 900 values.
const ASSIGNMENTS: usize = 4_096;

/// One assignment, which [`assign`] carries out.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The path of keys and list positions that is assigned to. An empty key sets nothing.
    pub path: Path,
    /// The value; null where none is assigned (see [`Self::is_value`]).
    pub value: Data,
    end: End,
}

/// How an assignment ends, which decides what Helm keeps of lists that it makes on the way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// As it should.
    Whole,
    /// With the text, right behind the `=` of a key: the value is the empty string.
    BehindEqualSign,
    /// With the text, before any `=`: nothing is assigned.
    BeforeEqualSign,
}

/// Why Helm refuses an assignment, or we do. Neither values nor names are quoted: behind a comma
/// that was not escaped, a name is part of a value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SetError {
    /// A name without a value.
    #[error("assignment {0} has no value: write name=value, and a comma within a value as \\,")]
    NoValue(usize),
    /// Over [`DOTS`].
    #[error("assignment {0} nests more than {DOTS} keys deep")]
    TooManyKeys(usize),
    /// More steps than values may be deep.
    #[error("assignment {0} nests deeper than {limit} levels", limit = Limits::VALUES.depth)]
    TooDeep(usize),
    /// What stands in brackets is no number from 0, or the text ends in it. Helm 4 lets the latter
    /// pass, and assigns nothing.
    #[error("assignment {0} has an index that is not a number from 0")]
    BadIndex(usize),
    /// Something stands between an index and what may follow it.
    #[error("assignment {0} has text behind an index, where only `.`, `[` or `=` may stand")]
    BehindIndex(usize),
    /// A list without an end.
    #[error("assignment {0} begins a list that no }} ends")]
    OpenList(usize),
    /// Over [`ASSIGNMENTS`].
    #[error("more than {ASSIGNMENTS} assignments")]
    TooMany,
    /// More items of lists than a text may have values.
    #[error("more than {limit} values in lists", limit = Limits::VALUES.nodes)]
    TooManyItems,
    /// What is no map, where keys are to be set.
    #[error("{at} would have to be a map, and is of type {found}")]
    NotMap {
        /// What stands in the way.
        at: Path,
        /// What it is.
        found: &'static str,
    },
    /// What is no list, where items are to be set.
    #[error("{at} would have to be a list, and is of type {found}")]
    NotList {
        /// What stands in the way.
        at: Path,
        /// What it is.
        found: &'static str,
    },
    /// A map that would be made for nothing.
    #[error("a key is empty, so nothing is set in a map that is made for it")]
    NothingSet,
    /// A position that no list may have, or that would make one longer than we let it.
    #[error("an index of {index} is too large: a list may get {limit} items")]
    TooLong {
        /// The position.
        index: usize,
        /// The bound.
        limit: usize,
    },
    /// Over the bound of items that indexes make between those that are set.
    #[error("indexes would make more than {limit} values that nobody sets")]
    TooManyGaps {
        /// The bound.
        limit: usize,
    },
}

impl Assignment {
    /// An assignment of a value.
    pub const fn new(path: Path, value: Data) -> Self {
        Self {
            path,
            value,
            end: End::Whole,
        }
    }

    /// How many values it stands for, keys and positions on the way included, and how many bytes of
    /// text in them.
    pub fn size(&self) -> (usize, usize) {
        let (nodes, text) = self.value.size();
        let keys = self.path.steps().iter().filter_map(Step::as_key);
        let steps = self.path.steps().len();
        (nodes + steps, text + keys.map(str::len).sum::<usize>())
    }

    /// Whether a value is assigned; else the text ended before one, which Helm lets pass.
    pub const fn is_value(&self) -> bool {
        !matches!(self.end, End::BeforeEqualSign)
    }

    /// The same assignment, made inside what stands that many steps down.
    #[must_use]
    pub fn inside(&self, steps: usize) -> Self {
        Self {
            path: self.path.steps().iter().skip(steps).cloned().collect(),
            value: self.value.clone(),
            end: self.end,
        }
    }
}

/// Reads assignments, as Helm does for `--set` (`typed`) or `--set-string`.
pub fn read_set(text: &str, typed: bool) -> Result<Vec<Assignment>, SetError> {
    let mut reader = Reader {
        rest: text.chars(),
        typed,
        number: 1,
        items: 0,
    };
    let mut assignments = Vec::new();
    while let Some(assignment) = reader.assignment()? {
        if assignments.len() == ASSIGNMENTS {
            return Err(SetError::TooMany);
        }
        assignments.push(assignment);
        reader.number += 1;
    }
    Ok(assignments)
}

/// The path that a name (`a.b[0].c`, without `=value`) leads to; `None` if it is more or less than
/// one plain path. For values that are not seen.
pub fn read_set_name(name: &str) -> Option<Path> {
    // what ends the name early leaves something else than this for the value
    const VALUE: &str = "x";

    let mut assignments = read_set(&format!("{name}={VALUE}"), false).ok()?;
    let only = assignments.pop().filter(|_| assignments.is_empty())?;
    let plain = only.value == Data::String(VALUE.into())
        && only.path.steps().iter().all(|step| match step {
            Step::Key(key) => !key.is_empty(),
            Step::Index(_) => true,
        });
    plain.then_some(only.path)
}

struct Reader<'t> {
    rest: Chars<'t>,
    typed: bool,
    /// The number of the assignment that is read, from 1.
    number: usize,
    /// How many items of lists were read.
    items: usize,
}

impl Reader<'_> {
    /// The next assignment; `None` at the end of the text.
    fn assignment(&mut self) -> Result<Option<Assignment>, SetError> {
        let mut steps = Vec::new();
        let mut dots = 0;
        loop {
            let (key, stop) = self.until(&['=', '[', ',', '.']);
            let begun = !(key.is_empty() && steps.is_empty());
            let is_empty = key.is_empty();
            self.push(&mut steps, Step::Key(key.into()))?;
            match stop {
                None if is_empty => {
                    return Ok(begun.then(|| of(steps, Data::Null, End::BeforeEqualSign)));
                }
                Some('=') => {
                    let (value, end) = self.value()?;
                    return Ok(Some(of(steps, value, end)));
                }
                Some('.') => {
                    dots += 1;
                    if dots > DOTS {
                        return Err(SetError::TooManyKeys(self.number));
                    }
                }
                Some('[') => {
                    if let Some((value, end)) = self.indexes(&mut steps)? {
                        return Ok(Some(of(steps, value, end)));
                    }
                }
                // a comma
                None | Some(_) => return Err(SetError::NoValue(self.number)),
            }
        }
    }

    /// Reads positions, behind the first bracket, and what ends them: a value, the end of the text,
    /// or (`None`) a dot.
    fn indexes(&mut self, steps: &mut Vec<Step>) -> Result<Option<(Data, End)>, SetError> {
        loop {
            let (index, stop) = self.until(&[']']);
            let index: Option<usize> =
                stop.and_then(|_| index.parse::<i64>().ok()?.try_into().ok());
            let index = index.ok_or(SetError::BadIndex(self.number))?;
            self.push(steps, Step::Index(index))?;
            let (between, stop) = self.until(&['[', '.', '=']);
            if !between.is_empty() {
                return Err(SetError::BehindIndex(self.number));
            }
            match stop {
                Some('[') => {}
                Some('.') => return Ok(None),
                Some(_) => {
                    // unlike a key's, an item's empty value is whole even where the text ends
                    let (value, _) = self.value()?;
                    return Ok(Some((value, End::Whole)));
                }
                None => return Ok(Some((Data::Null, End::BeforeEqualSign))),
            }
        }
    }

    fn push(&self, steps: &mut Vec<Step>, step: Step) -> Result<(), SetError> {
        if steps.len() == Limits::VALUES.depth {
            return Err(SetError::TooDeep(self.number));
        }
        steps.push(step);
        Ok(())
    }

    /// The value behind `=`, and the comma behind it.
    fn value(&mut self) -> Result<(Data, End), SetError> {
        if self.rest.as_str().is_empty() {
            return Ok((Data::String("".into()), End::BehindEqualSign));
        }
        let Some(behind) = self.rest.as_str().strip_prefix('{') else {
            let (text, _) = self.until(&[',']);
            return Ok((self.scalar(text), End::Whole));
        };
        self.rest = behind.chars();
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            let stop = stop.ok_or(SetError::OpenList(self.number))?;
            self.items += 1;
            if self.items > Limits::VALUES.nodes {
                return Err(SetError::TooManyItems);
            }
            items.push(Node::new(self.scalar(text)));
            if stop == '}' {
                break;
            }
        }
        // without a comma, what follows is the next assignment all the same
        let rest = self.rest.as_str();
        self.rest = rest.strip_prefix(',').unwrap_or(rest).chars();
        Ok((Data::List(items), End::Whole))
    }

    /// The text up to one of the characters, which is taken too.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        while let Some(next) = self.rest.next() {
            if stops.contains(&next) {
                return (text, Some(next));
            }
            text.extend(if next == '\\' {
                self.rest.next()
            } else {
                Some(next)
            });
        }
        (text, None)
    }

    /// A scalar's value: what looks like a whole number without a zero in front is one.
    fn scalar(&self, text: String) -> Data {
        if self.typed {
            for (word, data) in [
                ("true", Data::Bool(true)),
                ("false", Data::Bool(false)),
                ("null", Data::Null),
            ] {
                if go_fold_eq(&text, word) {
                    return data;
                }
            }
            if (text == "0" || !text.starts_with('0'))
                && let Ok(number) = text.parse::<i64>()
            {
                return Data::from(number);
            }
        }
        Data::String(text.into())
    }
}

fn of(steps: Vec<Step>, value: Data, end: End) -> Assignment {
    Assignment {
        path: steps.into_iter().collect(),
        value,
        end,
    }
}
