//! `unreadable-values`: values that their reader cannot read, or not within the bounds.

use super::{Context, Example, Finding, Page, Rule};
use crate::policy::Action;
use crate::values::{Note, NoteKind, Path, ReadErrorKind};
use crate::vcluster::{Layer, LayerContent, Reading};

pub(super) const RULE: Rule = Rule {
    id: "unreadable-values",
    action: Action::Deny,
    about: "values that cannot be read as Go reads YAML, or that are over a bound",
    page: Page {
        why: "Helm, Argo CD, Flux and vCluster read values with Go's YAML (YAML 1.1). What that \
              cannot read stops them all, often far from here; and what is larger than our bounds \
              nobody can judge in time.",
        refused: Example::new("0.30.4", "- controlPlane\n- distro\n"),
        allowed: Example::new("0.30.4", "controlPlane: {}\n"),
        fix: "Write one map of values that Helm can read; `helm template` shows the same error.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for layer in &context.config.layers {
        match &layer.content {
            LayerContent::Unreadable(error) => findings.push(
                Finding::new(
                    layer.place(Path::root(), error.at),
                    format!("the values cannot be read: {error}"),
                )
                .fix(match error.kind {
                    ReadErrorKind::NotUtf8
                    | ReadErrorKind::Syntax(_)
                    | ReadErrorKind::NotJson(_)
                    | ReadErrorKind::UnknownAnchor => "write a map of values that Helm can read",
                    ReadErrorKind::TooDeep { .. } => "nest them less",
                    ReadErrorKind::TooManyNodesInAll { .. }
                    | ReadErrorKind::TooManyScalarBytesInAll { .. }
                    | ReadErrorKind::TooLargeInAll { .. }
                    | ReadErrorKind::TooManyStepsInAll { .. } => {
                        "make them smaller, or keep them in several objects"
                    }
                    ReadErrorKind::TooLarge { .. }
                    | ReadErrorKind::TooManyNodes { .. }
                    | ReadErrorKind::TooManyScalarBytes { .. }
                    | ReadErrorKind::TooManyAliases { .. } => "make them smaller",
                })
                .evidence(&error.kind),
            ),
            LayerContent::Excluded(other) => findings.push(
                Finding::new(
                    layer.place(Path::root(), None),
                    format!("{other} is set too, and the controller takes neither of them"),
                )
                .fix("remove one of the two"),
            ),
            LayerContent::Missing => findings.push(
                Finding::new(
                    layer.place(Path::root(), None),
                    "the vCluster config is missing",
                )
                .fix("put the config back; the virtual cluster's pod does not start without it"),
            ),
            LayerContent::Values(_)
            | LayerContent::Elsewhere(_)
            | LayerContent::ElsewhereAt(..) => {}
        }
    }
    for (layer, document) in context.config.documents() {
        for note in &document.notes {
            match &note.kind {
                // elsewhere in the document duplicates do not concern us
                NoteKind::Duplicate { first }
                    if note.path.starts_with(&Path::dotted("controlPlane")) =>
                {
                    findings.push(duplicate(context.reading, layer, note, first.line));
                }
                NoteKind::ExtraDocument => findings.push(
                    Finding::new(
                        layer.place(Path::root(), Some(note.at)),
                        "a second YAML document begins here, and nobody reads it",
                    )
                    .fix("put everything into the first document")
                    .at_most(Action::Warn),
                ),
                _ => {}
            }
        }
    }
}

fn duplicate(reading: Reading, layer: &Layer, note: &Note, first: usize) -> Finding {
    let reader = match reading {
        Reading::Pod => "the virtual cluster's pod reads strictly and does not start",
        Reading::Helm | Reading::Rendered => "Helm takes the last one",
    };
    let finding = Finding::new(
        layer.place(note.path.clone(), Some(note.at)),
        format!("the key is set twice, first in line {first}; {reader}"),
    )
    .fix("keep one of them")
    .evidence("duplicate");
    match reading {
        Reading::Pod => finding,
        Reading::Helm | Reading::Rendered => finding.at_most(Action::Warn),
    }
}
