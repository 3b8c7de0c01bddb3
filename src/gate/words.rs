//! What a verdict says: to the user, to programs, to the audit log.

use serde_json::Value;

use super::{Decision, Edit, FINDINGS_TOLD, Judged, Verdict};
use crate::admission::{Cause, Denial, Reply, Request, Response};
use crate::carrier::Carried;
use crate::policy::Action;
use crate::rules::Finding;
use crate::text::{printable, printable_key};
use crate::values::{Change, Limits};
use crate::vcluster::Subject;

/// `HelmRelease team-a/dev (vCluster chart 0.30.4)`.
pub(super) fn title(request: &Request<'_>, config: &Carried<'_>, subject: &Subject<'_>) -> String {
    let name = format!("{} {}", request.kind.kind, object_name(request));
    title_of(&name, config, subject)
}

/// The same, of what has this name.
pub(super) fn title_of(name: &str, config: &Carried<'_>, subject: &Subject<'_>) -> String {
    let chart = &subject.now.chart;
    let which = match (&config.release.item, &*config.record_key) {
        (Some(item), _) => format!(", version {}", printable(item, 64)),
        (None, "") => String::new(),
        (None, release) => format!(", release {}", printable(release, 64)),
    };
    format!("{name}{which} ({chart})")
}

/// `team-a/dev`; the API server may still have to generate the name.
pub fn object_name(request: &Request<'_>) -> String {
    // names of Kubernetes objects have at most 253 characters
    let shown = |text: &str| printable(text, 253);
    let name = if request.name.is_empty() {
        "(name to be generated)".into()
    } else {
        shown(&request.name)
    };
    match &*request.namespace {
        "" => name,
        namespace => format!("{}/{name}", shown(namespace)),
    }
}

/// What would do what a plan does, as one line of YAML: a warning has no more.
pub(super) fn suggestion(edits: &[Edit]) -> String {
    let sets = edits.iter().filter_map(|edit| match &edit.change {
        Change::Set(value) => Some((edit.path.clone(), value.clone())),
        Change::Remove => None,
    });
    let lines = crate::values::suggestion(&sets.collect::<Vec<_>>());
    let read = crate::values::read_yaml(lines.as_bytes(), &Limits::VALUES);
    read.map_or_else(|_| lines, |read| in_one_line(&read.root.to_json(), true))
}

fn in_one_line(value: &Value, outermost: bool) -> String {
    match value {
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| {
                format!("{}: {}", printable_key(key), in_one_line(value, false))
            });
            let entries = entries.collect::<Vec<_>>().join(", ");
            if outermost {
                entries
            } else {
                format!("{{{entries}}}")
            }
        }
        value => value.to_string(),
    }
}

impl Verdict {
    /// The whole refusal.
    fn denial(&self) -> Denial {
        let mut message = String::new();
        let mut causes = Vec::new();
        let mut untold = 0;
        for Judged {
            title,
            findings,
            advice,
        } in &self.configs
        {
            let mut refusals = findings
                .iter()
                .filter(|finding| finding.action == Action::Deny)
                .peekable();
            if refusals.peek().is_none() {
                continue;
            }
            if !message.is_empty() {
                message.push('\n');
            }
            message.push_str(title);
            message.push_str(" refused:");
            for finding in refusals {
                if causes.len() == FINDINGS_TOLD {
                    untold += 1;
                    continue;
                }
                for line in std::iter::once(format!("\n  {finding}"))
                    .chain(finding.fix.iter().map(|fix| format!("\n    fix: {fix}")))
                {
                    message.push_str(&line);
                }
                causes.push(Cause {
                    reason: finding.rule.to_owned(),
                    message: finding.message.clone(),
                    field: finding.place.field(),
                });
            }
            if let Some(advice) = advice {
                message = format!("{message}\n  {advice}");
            }
        }
        if untold > 0 {
            message = format!("{message}\n  and {untold} more");
        }
        Denial { message, causes }
    }
}

impl Reply for Verdict {
    fn response(&self) -> Response {
        let mut warnings = self.remarks.clone();
        let mut audit_annotations = std::collections::BTreeMap::<String, String>::new();
        for Judged {
            title,
            findings,
            advice: _,
        } in &self.configs
        {
            for finding in findings {
                let Finding {
                    rule, action, fix, ..
                } = finding;
                if *action == Action::Warn {
                    let fix = fix
                        .as_ref()
                        .map_or_else(String::new, |fix| format!("; fix: {fix}"));
                    warnings.push(format!("{title}: {finding}{fix}"));
                }
                let told = audit_annotations.entry((*rule).to_owned()).or_default();
                if !told.is_empty() {
                    told.push_str("; ");
                }
                let exempt = finding.exemption.as_ref();
                let exempt = exempt.map_or_else(String::new, |why| format!(" ({why})"));
                let one = format!("{action}: {}: {}{exempt}", finding.place, finding.message);
                told.push_str(&one);
            }
        }
        let notes: Vec<_> = self.notes.iter().map(String::as_str).collect();
        if !notes.is_empty() {
            audit_annotations.insert("policy".to_owned(), notes.join("; "));
        }
        Response {
            denial: (self.decision == Decision::Denied).then(|| self.denial()),
            patch: self.patch.clone(),
            warnings,
            audit_annotations,
        }
    }
}
