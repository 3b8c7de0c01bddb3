//! What is printed for people: a row a config, then each finding, then the sum.

use super::judge::{Facts, Scan, Scanned};
use super::{Outcome, Unread};
use crate::gate::Disagreement;
use crate::rules::Finding;

/// What the columns are called.
const TITLES: [&str; 8] = [
    "NAMESPACE",
    "KIND",
    "NAME",
    "CHART",
    "DISTRO",
    "VERSION",
    "ACTION",
    "RULES",
];

/// All of it.
pub(super) fn text(outcome: &Outcome) -> String {
    let Outcome {
        objects,
        looked_at: _,
        claims: _,
        disagreements,
        unread,
        notes,
        fail_on: _,
    } = outcome;
    let mut text = String::new();
    if !objects.is_empty() {
        text.push_str(&table(objects));
        text.push('\n');
    }
    let mut paragraph = |lines: Vec<String>| {
        if !lines.is_empty() {
            text.push_str(&lines.join("\n"));
            text.push_str("\n\n");
        }
    };
    for object in objects {
        for config in &object.configs {
            paragraph(of_config(object, config));
        }
        paragraph(object.remarks.clone());
    }
    for one in disagreements {
        paragraph(disagreement(one));
    }
    let unread = unread.iter();
    paragraph(
        unread
            .map(|Unread { what, why }| format!("not read: {what}: {why}"))
            .collect(),
    );
    paragraph(notes.iter().map(|note| format!("note: {note}")).collect());
    text.push_str(&sum(outcome));
    text
}

fn table(objects: &[Scanned]) -> String {
    let mut rows = vec![TITLES.map(str::to_owned)];
    for object in objects {
        rows.extend(object.configs.iter().map(|config| row(object, config)));
    }
    let widths: Vec<_> = (0..TITLES.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn row(object: &Scanned, config: &Scan) -> [String; 8] {
    let Facts {
        chart,
        distro,
        kubernetes,
        store: _,
        images: _,
    } = &config.facts;
    let seen = |fact: &Option<String>| match fact.as_deref() {
        None | Some("") => "?".to_owned(),
        Some(text) => text.to_owned(),
    };
    let mut rules: Vec<_> = config.findings.iter().collect();
    rules.sort_by_key(|finding| std::cmp::Reverse(finding.action));
    let mut rules: Vec<_> = rules.iter().map(|finding| finding.rule).collect();
    rules.dedup();
    let action = config.action();
    [
        some_or_dash(&object.namespace),
        object.kind.clone(),
        name(object, config),
        seen(chart),
        seen(distro),
        seen(kubernetes),
        action.map_or_else(|| "-".to_owned(), |action| action.to_string()),
        some_or_dash(&rules.join(",")),
    ]
}

/// `dev`, or `dev [1.0.0]` where the object has several configs.
pub(super) fn name(object: &Scanned, config: &Scan) -> String {
    let name = if object.name.is_empty() {
        "(name to be generated)"
    } else {
        &object.name
    };
    match &*config.item {
        "" => name.to_owned(),
        item => format!("{name} [{item}]"),
    }
}

fn some_or_dash(text: &str) -> String {
    if text.is_empty() { "-" } else { text }.to_owned()
}

fn of_config(object: &Scanned, config: &Scan) -> Vec<String> {
    if config.findings.is_empty() {
        return Vec::new();
    }
    let place = object.place.as_ref().map_or_else(String::new, |place| {
        format!(", in {}, document {}", place.file, place.document)
    });
    let mut lines = vec![format!("{}{place}", config.title)];
    lines.extend(config.findings.iter().flat_map(finding));
    lines.extend(config.advice.iter().map(|advice| format!("  {advice}")));
    lines
}

/// A finding in full words.
pub(super) fn finding(finding: &Finding) -> Vec<String> {
    let mut lines = vec![format!("  {}: {finding}", finding.action)];
    lines.extend(finding.fix.iter().map(|fix| format!("    fix: {fix}")));
    lines.extend(finding.exemption.iter().map(|why| format!("    {why}")));
    lines
}

/// Two objects that do not agree, in what, and what that may mean.
pub(super) fn disagreement(found: &Disagreement) -> Vec<String> {
    let [one, other] = &found.between;
    let Disagreement {
        namespace,
        release,
        between: _,
        differences,
        meaning,
    } = found;
    let mut lines = vec![format!(
        "{one} and {other} do not agree on release {release} in {namespace}"
    )];
    lines.extend(differences.iter().map(|difference| {
        format!(
            "  {}: {} in {one}, {} in {other}",
            difference.aspect, difference.one, difference.other
        )
    }));
    lines.push(format!("  {meaning}"));
    lines
}

fn sum(outcome: &Outcome) -> String {
    let (refused, warned) = outcome.counts();
    let carriers = outcome.objects.len();
    let mut sum = format!(
        "{} looked at, {carriers} with a vCluster config: {refused} would be refused, {warned} \
         warned of, {} neither",
        counted(outcome.looked_at, "object"),
        carriers - refused - warned
    );
    if !outcome.disagreements.is_empty() {
        sum.push_str("; ");
        sum.push_str(&counted(outcome.disagreements.len(), "disagreement"));
    }
    if !outcome.unread.is_empty() {
        sum = format!("{sum}; {} not read", outcome.unread.len());
    }
    sum.push('\n');
    sum
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
