//! `opaque-values`: what cannot be seen from this object, said once.

use super::{Context, Example, Finding, Page, Rule};
use crate::policy::Action;
use crate::values::Path;
use crate::vcluster::{Cause, Completeness, Kept, LayerContent, Lookup, Place};

pub(super) const RULE: Rule = Rule {
    id: "opaque-values",
    action: Action::Warn,
    about: "values that only the merged Secret will show",
    page: Page {
        why: "What is kept in another object or file, or is decided by a template, cannot be \
              judged here: not refused, but not promised either. The Secret that Helm renders \
              holds everything, and is judged in full.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      version: '{{ .Values.version }}'\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      version: v1.34.0\n",
        ),
        fix: "Write what matters (the distro above all) into the carrier itself. Where that is not \
              wanted, the warning is all that happens here.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let opaque: Vec<_> = context
        .config
        .layers
        .iter()
        .filter(|layer| {
            matches!(
                layer.content,
                LayerContent::Elsewhere(_) | LayerContent::ElsewhereAt(..)
            )
        })
        .collect();
    if let Some(chart) = context.config.chart.elsewhere() {
        findings.push(Finding::new(
            Place {
                part: chart.clone(),
                values: Path::root(),
                position: None,
                kept: Kept::Fields,
            },
            "the chart's version cannot be seen here: fields that it may lack only warn, and none of \
             its defaults are written out; the Secret is judged once Helm has rendered it",
        ));
    }
    if let Some(at) = context.renders_on {
        findings.push(Finding::new(
            Place {
                part: at.clone(),
                values: Path::root(),
                position: None,
                kept: Kept::Fields,
            },
            "this changes what Helm rendered, and cannot be seen through; the images that will run \
             are judged on the control plane's own workload",
        ));
    }
    templates(context, findings);
    let Some(first) = opaque.first() else { return };
    if context.completeness == Completeness::Fragment {
        let is_empty = context.config.documents().next().is_none();
        let message = if is_empty && !context.config.has_unreadable() {
            "the label distrogate.io/values names this key, and there is no such key: no values are \
             seen here"
        } else {
            "a release gets other values beside these; all of them are judged once Helm has \
             rendered them into the Secret"
        };
        findings.push(Finding::new(first.place(Path::root(), None), message));
        return;
    }
    let distro = context.config.get(["controlPlane", "distro"]);
    let hides_distro = match distro {
        Lookup::Unknown(Cause::Elsewhere(_)) => true,
        _ => context.config.distro().is_none(),
    };
    // a value at a path may assign to others as well, in Helm's --set grammar
    let assigns = opaque
        .iter()
        .any(|l| matches!(l.content, LayerContent::ElsewhereAt(..)));
    let distro = match (hides_distro, assigns) {
        (true, _) => "; the distro may be among them",
        (false, true) => "",
        (false, false) => "; the distro is known",
    };
    let others = match opaque.len() - 1 {
        0 => String::new(),
        1 => " (and in one more reference)".to_owned(),
        count => format!(" (and in {count} more references)"),
    };
    let message = format!(
        "these values are kept elsewhere{others} and judged only once Helm has rendered them into \
         the Secret{distro}"
    );
    // other values than before are another thing to say
    let refers: Vec<_> = opaque.iter().map(|layer| layer.refers).collect();
    let finding = Finding::new(first.place(Path::root(), None), &*message);
    findings.push(finding.evidence((message, refers)));
}

/// What a template decides is seen once it is rendered.
fn templates(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for layer in &context.config.layers {
        let Some(first) = layer.templated.first() else {
            continue;
        };
        let place = layer.place(first.clone(), None);
        let others = match layer.templated.len() - 1 {
            0 => String::new(),
            1 => " (and one more value)".to_owned(),
            count => format!(" (and {count} more values)"),
        };
        findings.push(Finding::new(
            place,
            format!("a template decides about this{others}, it is judged once it is rendered"),
        ));
    }
}
