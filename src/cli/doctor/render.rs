//! What `doctor` prints: for people, and for programs.

use std::fmt::Write as _;

use serde_json::json;

use crate::cluster::doctor::{Finding, Snapshot, Status};

/// The version of the JSON form.
const JSON_VERSION: u32 = 1;

/// For people: a paragraph a finding.
pub(super) fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let Finding {
            check,
            status,
            object,
            field,
            says,
            why,
            mend,
        } = finding;
        let mut place = object.clone();
        if !field.is_empty() {
            let separator = if place.is_empty() { "" } else { ", " };
            place = format!("{place}{separator}{field}");
        }
        if !place.is_empty() {
            place += ": ";
        }
        // a String takes everything
        let _written = writeln!(text, "{:<8} {}: {place}{says}", status.word(), check.id());
        for (label, line) in [("why: ", why), ("mend:", mend)] {
            if let Some(line) = line {
                let _written = writeln!(text, "  {label} {line}");
            }
        }
    }
    text + &total(findings)
}

/// For programs.
pub(super) fn json(snapshot: &Snapshot, findings: &[Finding]) -> String {
    let worst = findings.iter().map(|one| one.status).max();
    format!(
        "{:#}\n",
        json!({
            "version": JSON_VERSION,
            "kubernetes": snapshot.version,
            "status": worst.unwrap_or(Status::Ok),
            "findings": findings,
        })
    )
}

/// `12 findings: 9 ok, 1 not seen, 2 errors`.
fn total(findings: &[Finding]) -> String {
    let counts = [
        (Status::Ok, "ok", "ok"),
        (Status::Info, "info", "info"),
        (Status::NotSeen, "not seen", "not seen"),
        (Status::Warning, "warning", "warnings"),
        (Status::Error, "error", "errors"),
    ]
    .map(|(status, one, many)| {
        let count = findings
            .iter()
            .filter(|finding| finding.status == status)
            .count();
        (count, if count == 1 { one } else { many })
    });
    let told = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<_> = told
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let plural = if findings.len() == 1 { "" } else { "s" };
    format!("{} finding{plural}: {}\n", findings.len(), told.join(", "))
}
