//! What all values of one object may ask of the reader together.
//!
//! Every text has bounds of its own ([`Limits::VALUES`]). An object may hold hundreds of texts, so
//! that what is read of it is counted as well: a budget goes with the object through all that reads
//! of it, and what it cannot pay for is not read.

use std::cell::Cell;

use super::limits::{PART_NODES, STEPS_PER_NODE};
use super::{Document, Limits, ReadError, ReadErrorKind, Templated};

/// What is left of the bounds of one object. Old and new object have one each, so that an update
/// is read as far as the same object would be if it were new.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    bytes: Cell<usize>,
    nodes: Cell<usize>,
    scalar_bytes: Cell<usize>,
    steps: Cell<usize>,
}

impl Default for Budget {
    fn default() -> Self {
        Self::of(Limits::OBJECT)
    }
}

impl Budget {
    fn of(limits: Limits) -> Self {
        Self {
            limits,
            bytes: Cell::new(limits.bytes),
            nodes: Cell::new(limits.nodes),
            scalar_bytes: Cell::new(limits.scalar_bytes),
            steps: Cell::new(limits.nodes.saturating_mul(STEPS_PER_NODE)),
        }
    }

    /// Reads a text of some bytes within the bounds of a text and what is left. Where nothing is
    /// left it is not looked at.
    ///
    /// # Errors
    /// Why it cannot be read, or that the object's texts are too much together.
    pub fn read<T: AsRef<Document>>(
        &self,
        bytes: usize,
        read: impl FnOnce(&Limits) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        if !take(&self.bytes, bytes) {
            let limit = self.limits.bytes;
            return Err(in_all(ReadErrorKind::TooLargeInAll { limit }));
        }
        if self.steps.get() == 0 {
            let limit = self.limits.nodes.saturating_mul(STEPS_PER_NODE);
            return Err(in_all(ReadErrorKind::TooManyStepsInAll { limit }));
        }
        self.spend(usize::from(self.nodes.get() == 0), 0)?;
        let limits = Limits {
            nodes: self.nodes.get().min(Limits::VALUES.nodes),
            scalar_bytes: self.scalar_bytes.get().min(Limits::VALUES.scalar_bytes),
            ..Limits::VALUES
        };
        match read(&limits) {
            Ok(read) => {
                let document = read.as_ref();
                take(&self.steps, document.steps);
                let (nodes, scalar_bytes) = document.root.data.size();
                self.spend(nodes, scalar_bytes)?;
                Ok(read)
            }
            Err(error) => {
                take(&self.steps, error.steps);
                Err(self.told(error))
            }
        }
    }

    /// Pays for parts that hold an assignment or a reference each.
    ///
    /// # Errors
    /// That there are too many of them.
    pub fn parts(&self, count: usize) -> Result<(), ReadError> {
        self.spend(count.saturating_mul(PART_NODES), 0)
    }

    /// Pays for values and their text. What cannot be paid for takes all that is left, so that
    /// nothing behind it is read either.
    ///
    /// # Errors
    /// That there are too many of them.
    pub fn spend(&self, nodes: usize, scalar_bytes: usize) -> Result<(), ReadError> {
        if !take(&self.nodes, nodes) {
            let limit = self.limits.nodes;
            return Err(in_all(ReadErrorKind::TooManyNodesInAll { limit }));
        }
        if !take(&self.scalar_bytes, scalar_bytes) {
            self.nodes.set(0);
            let limit = self.limits.scalar_bytes;
            return Err(in_all(ReadErrorKind::TooManyScalarBytesInAll { limit }));
        }
        Ok(())
    }

    /// An error in words that fit: a text alone is too much, or it is with all others. What went
    /// over what was left has taken it.
    fn told(&self, error: ReadError) -> ReadError {
        let kind = match error.kind {
            ReadErrorKind::TooManyNodes { limit } if limit < Limits::VALUES.nodes => {
                let limit = self.limits.nodes;
                ReadErrorKind::TooManyNodesInAll { limit }
            }
            ReadErrorKind::TooManyScalarBytes { limit } if limit < Limits::VALUES.scalar_bytes => {
                let limit = self.limits.scalar_bytes;
                ReadErrorKind::TooManyScalarBytesInAll { limit }
            }
            kind => return ReadError { kind, ..error },
        };
        self.nodes.set(0);
        ReadError { kind, ..error }
    }
}

const fn in_all(kind: ReadErrorKind) -> ReadError {
    ReadError {
        kind,
        at: None,
        steps: 0,
    }
}

impl AsRef<Self> for Document {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl AsRef<Document> for Templated {
    fn as_ref(&self) -> &Document {
        &self.document
    }
}

/// Takes what is there, at most; whether that was enough.
fn take(left: &Cell<usize>, amount: usize) -> bool {
    let is_enough = amount <= left.get();
    left.set(left.get().saturating_sub(amount));
    is_enough
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::read_yaml;

    fn budget() -> Budget {
        Budget::of(Limits {
            bytes: 2_000,
            nodes: 40,
            scalar_bytes: 30,
            ..Limits::VALUES
        })
    }

    fn read(budget: &Budget, text: &str) -> Result<Document, String> {
        let read = budget.read(text.len(), |limits| read_yaml(text.as_bytes(), limits));
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn texts_are_read_as_long_as_there_is_something_left() {
        let budget = budget();
        // a map, a list and two scalars each
        for _ in 0..5 {
            assert!(read(&budget, "a: [1, 2]").is_ok());
        }
        insta::assert_snapshot!(
            read(&budget, "[1, 2, 3, 4, 5]").unwrap_err(),
            @"more than 40 values in the object up to here, with those that aliases stand for; a map counts as 4, a parameter as 16"
        );
        assert!(read(&budget, "1").is_err(), "nothing is left");
    }

    #[test]
    fn text_is_counted_as_often_as_it_is_there() {
        let budget = budget();
        assert!(read(&budget, "a: &a abcdefghi\nb: *a").is_ok());
        insta::assert_snapshot!(
            read(&budget, "a: abcdefghij").unwrap_err(),
            @"more than 30 bytes of text in the object's values up to here, with those that aliases stand for"
        );
    }

    #[test]
    fn steps_count_where_nothing_comes_of_them() {
        let budget = budget();
        // each text is wrong at its end
        let wrong = format!("a: [{}]\nb: .inf", "1,".repeat(15));
        let mut told = Vec::new();
        for _ in 0..40 {
            told.push(read(&budget, &wrong).unwrap_err());
        }
        assert_eq!(told[0], "infinity and .nan are not JSON");
        insta::assert_snapshot!(
            told[39],
            @"more than 640 steps to read the object's values before these"
        );
    }

    #[test]
    fn what_is_said_in_many_bytes_counts_by_them() {
        let budget = budget();
        let comment = format!("# {}\n", "x".repeat(900));
        assert!(read(&budget, &comment).is_ok());
        assert!(read(&budget, &comment).is_ok());
        insta::assert_snapshot!(
            read(&budget, &comment).unwrap_err(),
            @"more than 2000 bytes of values to read in the object up to here"
        );
    }

    #[test]
    fn many_small_parts_cost_what_they_take() {
        let budget = budget();
        assert!(budget.parts(2).is_ok());
        assert!(budget.parts(1).is_err());
    }
}
