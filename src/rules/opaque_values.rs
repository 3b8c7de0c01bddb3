//! `opaque-values`: what cannot be seen from this object, said once.

use super::{Context, Finding, Rule};
use crate::policy::Action;
use crate::values::Path;
use crate::vcluster::{Cause, LayerContent, Lookup, Place};

pub(super) const RULE: Rule = Rule {
    id: "opaque-values",
    action: Action::Warn,
    about: "values that only the merged Secret will show",
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
                text: false,
            },
            "the chart is described elsewhere and its version is not known here: fields are held \
             against all charts, and none of the chart's defaults are written out",
        ));
    }
    let Some(first) = opaque.first() else { return };
    let distro = context.config.get(["controlPlane", "distro"]);
    let hides_distro = match distro {
        Lookup::Unknown(Cause::Elsewhere(_)) => true,
        _ => context.config.distro().is_none(),
    };
    let distro = if hides_distro {
        "the distro may be among them"
    } else {
        "the distro is known"
    };
    let others = match opaque.len() - 1 {
        0 => String::new(),
        1 => " (and in one more reference)".to_owned(),
        count => format!(" (and in {count} more references)"),
    };
    findings.push(Finding::new(
        first.place(Path::root(), None),
        format!(
            "these values are kept elsewhere{others} and judged only once Helm has rendered them \
             into the Secret; {distro}"
        ),
    ));
}
