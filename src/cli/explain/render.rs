//! What `explain config` prints: for people, and for programs.

use serde_json::{Map, Value, json};

use super::input::Explained;
use super::words;
use crate::rules::Finding;
use crate::text::printable;
use crate::vcluster::{
    Completeness, Explanation, Fact, ImageFacts, Kept, Overruled, Place, Rendered, Source,
};

/// The version of the JSON form.
const JSON_VERSION: u32 = 1;
/// How many findings are told one by one.
const FINDINGS_TOLD: usize = 20;
/// The widest column of values; what is wider moves its line only.
const WIDEST: usize = 44;

/// For people: one paragraph a config.
pub(super) fn text(explained: &[Explained]) -> String {
    let paragraphs: Vec<_> = explained.iter().map(paragraph).collect();
    paragraphs.join("\n")
}

/// For programs.
pub(super) fn json(explained: &[Explained]) -> String {
    let configs: Vec<_> = explained.iter().map(object).collect();
    format!(
        "{:#}\n",
        json!({ "version": JSON_VERSION, "configs": configs })
    )
}

/// A line of a paragraph: what, its value, and where that comes from. Without a value the source
/// says it all.
struct Row {
    label: String,
    value: Option<String>,
    source: String,
}

fn paragraph(explained: &Explained) -> String {
    let Explanation {
        distro,
        kubernetes,
        images,
        scheduler,
        store,
        resources,
    } = &explained.explanation;
    let chart = &explained.chart;
    let written = chart.written().map(|text| printable(text, 40));
    let mut rows = vec![Row {
        label: "  chart".to_owned(),
        value: Some(written.unwrap_or_else(|| "(unknown)".to_owned())),
        source: words::chart(chart),
    }];
    let mut row = |label: String, fact: &Fact, own: &str| {
        let (value, source) = words::fact(fact, own, explained);
        rows.push(Row {
            label,
            value,
            source,
        });
    };
    row("  distro".to_owned(), distro, "enabled");
    row("  kubernetes".to_owned(), kubernetes, "");
    row("  scheduler".to_owned(), scheduler, "");
    row("  store".to_owned(), store, "enabled");
    for (path, fact) in resources {
        let label = if path.steps().is_empty() {
            "  resources".to_owned()
        } else {
            format!("  resources {path}")
        };
        row(label, fact, path.last_key().unwrap_or("resources"));
    }
    for image in images {
        rows.extend(image_rows(image, explained));
    }
    let mut text = format!("{}\n", explained.title);
    text.push_str(&table(&rows));
    for note in notes(explained) {
        text.extend(["  ", &note, "\n"]);
    }
    text.push_str(&findings(explained));
    text
}

fn image_rows(image: &ImageFacts, explained: &Explained) -> Vec<Row> {
    let ImageFacts {
        component,
        reference,
        registry,
        repository,
        tag,
        suffix,
        rendered,
    } = image;
    let label = format!("  image {}", component.key());
    let parts = [registry, repository, tag];
    if parts.iter().all(|part| part.source == registry.source) && reference.is_none() {
        let (value, source) = words::fact(registry, "registry", explained);
        return vec![Row {
            label,
            value,
            source,
        }];
    }
    let rendered = match rendered {
        Rendered::Yes => String::new(),
        Rendered::No(path, source) => {
            let source = words::source(source, path.last_key().unwrap_or_default(), explained);
            format!("not rendered, {path} is off: {source}")
        }
        Rendered::Unknown(path, why) => {
            let because = words::because(why, explained);
            format!("rendered if {path} is on: unknown, because {because}")
        }
    };
    let mut rows = vec![Row {
        label,
        value: Some(words::reference(image)),
        source: rendered,
    }];
    let parts = [
        ("registry", Some(registry)),
        ("repository", Some(repository)),
        ("tag", Some(tag)),
        ("suffix", suffix.as_ref()),
    ];
    for (key, fact) in parts {
        let Some(fact) = fact else { continue };
        let (value, source) = words::fact(fact, key, explained);
        rows.push(Row {
            label: format!("    {key}"),
            value,
            source,
        });
    }
    rows
}

/// Rows in columns.
fn table(rows: &[Row]) -> String {
    let width = |text: &String| text.chars().count();
    let labels = rows.iter().map(|row| width(&row.label)).max().unwrap_or(0);
    let values = rows.iter().filter(|row| !row.source.is_empty());
    let values = values.filter_map(|row| row.value.as_ref()).map(width);
    let values = values.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let mut text = String::new();
    for Row {
        label,
        value,
        source,
    } in rows
    {
        let line = match value {
            Some(value) => format!("{label:labels$}  {value:values$}  {source}"),
            None => format!("{label:labels$}  {source}"),
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// What else people have to know.
fn notes(explained: &Explained) -> Vec<String> {
    let mut notes = Vec::new();
    if explained.completeness == Completeness::Extended {
        notes.push("another object may bring more values over these, and is not seen".to_owned());
    }
    if let Some(at) = &explained.renders_on {
        notes.push(format!(
            "{at} changes what Helm rendered, and is not seen through"
        ));
    }
    if explained.is_passing {
        notes.push("this counts for one sync only".to_owned());
    }
    if let Some(count) = explained.more_than {
        notes.push(format!(
            "the object holds more than {count} configs; the others are not explained"
        ));
    }
    notes
}

/// What a review would find, without the fixes.
fn findings(explained: &Explained) -> String {
    let findings = &explained.findings;
    if findings.is_empty() {
        return String::new();
    }
    let plural = if findings.len() == 1 { "" } else { "s" };
    let more = if explained.is_review {
        ", see distrogate replay"
    } else {
        ""
    };
    let mut text = format!("  {} finding{plural}{more}\n", findings.len());
    for finding in findings.iter().take(FINDINGS_TOLD) {
        let line = format!("    {}: {finding}\n", finding.action);
        text.push_str(&line);
    }
    text
}

fn object(explained: &Explained) -> Value {
    let Explained {
        file,
        document,
        title,
        chart,
        completeness,
        is_passing,
        renders_on,
        tells_host: _,
        is_review: _,
        explanation,
        findings,
        more_than,
    } = explained;
    let Explanation {
        distro,
        kubernetes,
        images,
        scheduler,
        store,
        resources,
    } = explanation;
    let fact = |of: &Fact| fact_json(of, explained);
    let resources: Map<_, _> = resources
        .iter()
        .map(|(path, of)| (path.to_string(), fact(of)))
        .collect();
    json!({
        "file": file,
        "document": document,
        "title": title,
        "chart": {
            "written": chart.written().map(|text| printable(text, 40)),
            "known": words::certainty(chart.certainty()),
        },
        "values": match completeness {
            Completeness::Whole => "whole",
            Completeness::Extended => "extended",
            Completeness::Fragment => "fragment",
        },
        "distro": fact(distro),
        "kubernetes": fact(kubernetes),
        "scheduler": fact(scheduler),
        "store": fact(store),
        "resources": resources,
        "images": images.iter().map(|image| image_json(image, explained)).collect::<Vec<_>>(),
        "oneSyncOnly": is_passing,
        "renderedOnBy": renders_on.as_ref().map(ToString::to_string),
        "moreConfigs": more_than.is_some(),
        "findings": findings.iter().map(finding_json).collect::<Vec<_>>(),
    })
}

fn image_json(image: &ImageFacts, explained: &Explained) -> Value {
    let ImageFacts {
        component,
        reference,
        registry,
        repository,
        tag,
        suffix,
        rendered,
    } = image;
    json!({
        "component": component.key(),
        "reference": reference.as_ref().map(|_| words::reference(image)),
        "rendered": match rendered {
            Rendered::Yes => Some(true),
            Rendered::No(..) => Some(false),
            Rendered::Unknown(..) => None,
        },
        "registry": fact_json(registry, explained),
        "repository": fact_json(repository, explained),
        "tag": fact_json(tag, explained),
        "suffix": suffix.as_ref().map(|suffix| fact_json(suffix, explained)),
    })
}

fn fact_json(fact: &Fact, explained: &Explained) -> Value {
    let Fact {
        value,
        source,
        overrules,
    } = fact;
    let mut json = Map::new();
    let value = value.as_ref().map(|text| printable(text, 255));
    json.insert("value".into(), value.into());
    let from = match source {
        Source::Chart => "chart",
        Source::ChartName => "chart-name",
        Source::Policy(_) => "policy",
        Source::NoneEnabled => "none-enabled",
        Source::NotSet => "not-set",
        Source::Host => "host",
        Source::Set(_) => "set",
        Source::Unknown(_) => "unknown",
    };
    json.insert("from".into(), from.into());
    match source {
        Source::Set(place) => json.extend(place_json(place)),
        Source::Policy(path) => {
            json.insert("path".into(), path.to_string().into());
        }
        Source::Unknown(why) => {
            json.insert("reason".into(), why.as_str().into());
            json.insert("because".into(), words::because(why, explained).into());
        }
        _ => {}
    }
    if let Some(Overruled { value, place }) = overrules {
        let mut overruled = Map::new();
        overruled.insert("value".into(), printable(value, 255).into());
        overruled.extend(place_json(place));
        json.insert("overrules".into(), overruled.into());
    }
    json.into()
}

/// Path in the values, part of the object, and line where the part is text.
fn place_json(place: &Place) -> Map<String, Value> {
    let Place {
        values,
        part,
        position,
        kept,
    } = place;
    let mut json = Map::new();
    json.insert("path".into(), values.to_string().into());
    json.insert("part".into(), part.to_string().into());
    if let (Kept::Text, Some(at)) = (kept, position) {
        json.insert("line".into(), at.line.into());
    }
    json
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule,
        "action": finding.action.to_string(),
        "field": finding.place.field(),
        "message": finding.message,
    })
}
