//! The notes of one reading, bounded.

use std::mem;

use super::super::{Note, NoteKind, Path, Position, Step};

/// How many notes of one kind are kept. The bound is per kind, so that a thousand harmless notes
/// cannot keep a duplicate key from being noted.
const MAX_NOTES_PER_KIND: usize = 150;

/// How many bytes of keys a note's path may hold. A note below longer keys has the path of the
/// nearest value above that fits; no field of a config has such a path.
const MAX_PATH_BYTES: usize = 4_096;

/// Collects notes, up to the bounds.
#[derive(Default)]
pub(super) struct Notes {
    notes: Vec<Note>,
    counts: [usize; 7],
}

impl Notes {
    /// Keeps a note about the value at `path`, unless enough of its kind are kept already.
    pub(super) fn add(&mut self, kind: NoteKind, path: &[Step], at: Position) {
        let slot = match kind {
            NoteKind::Duplicate { .. } => 0,
            NoteKind::CaseVariant { .. } => 1,
            NoteKind::Coerced => 2,
            NoteKind::CoercedKey => 3,
            NoteKind::Merge => 4,
            NoteKind::Alias => 5,
            NoteKind::ExtraDocument => 6,
        };
        if let Some(count) = self.counts.get_mut(slot)
            && *count < MAX_NOTES_PER_KIND
        {
            *count += 1;
            self.notes.push(Note {
                kind,
                path: bounded(path),
                at,
            });
        }
    }

    /// The notes in the order of the text.
    pub(super) fn take(&mut self) -> Vec<Note> {
        let mut notes = mem::take(&mut self.notes);
        notes.sort_by_key(|note| note.at.byte);
        notes
    }
}

fn bounded(path: &[Step]) -> Path {
    let mut bytes = 0;
    path.iter()
        .take_while(|step| {
            bytes += step.as_key().map_or(0, str::len);
            bytes <= MAX_PATH_BYTES
        })
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_bound() {
        let mut notes = Notes::default();
        for _ in 0..10_000 {
            notes.add(NoteKind::Coerced, &[], Position::default());
        }
        notes.add(NoteKind::Merge, &[], Position::default());
        let notes = notes.take();
        assert_eq!(notes.len(), MAX_NOTES_PER_KIND + 1);
        assert!(notes.iter().any(|note| note.kind == NoteKind::Merge));
    }

    #[test]
    fn long_keys_are_not_copied_into_paths() {
        let mut notes = Notes::default();
        let path = [Step::Key("a".into()), Step::Key("k".repeat(5_000).into())];
        notes.add(NoteKind::Coerced, &path, Position::default());
        assert_eq!(notes.take()[0].path, Path::dotted("a"));
    }
}
