//! A `JUnit` report, as Jenkins and GitLab read it: a suite a namespace, a test case a config.
//!
//! What is taken for a failure is one; what else was found is the case's output. Disagreements and
//! what could not be read have suites of their own.

use std::collections::BTreeMap;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::{FailOn, Outcome, Unread, table};

/// A test case.
struct Case {
    class: String,
    name: String,
    file: Option<String>,
    /// Whether it failed or could not be run: element, message and type.
    fault: Option<(&'static str, String, String)>,
    /// What is said of it.
    output: String,
}

/// All of it.
pub(super) fn text(outcome: &Outcome) -> io::Result<String> {
    let suites = suites(outcome);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let counts = Counts::of(suites.values().flatten());
    let attributes = counts.attributes("distrogate scan");
    let root = writer.create_element("testsuites");
    root.with_attributes(borrowed(&attributes))
        .write_inner_content(|writer| {
            for (name, cases) in &suites {
                suite(writer, name, cases)?;
            }
            Ok(())
        })?;
    let mut text = String::from_utf8(writer.into_inner()).map_err(io::Error::other)?;
    text.push('\n');
    Ok(text)
}

fn suites(outcome: &Outcome) -> BTreeMap<String, Vec<Case>> {
    let Outcome {
        objects,
        looked_at: _,
        claims: _,
        disagreements,
        unread,
        notes: _,
        fail_on: _,
    } = outcome;
    let mut suites: BTreeMap<_, Vec<Case>> = BTreeMap::new();
    for object in objects {
        let namespace = match &*object.namespace {
            "" => "(no namespace)",
            namespace => namespace,
        };
        for config in &object.configs {
            let action = config.action();
            let worst = config
                .findings
                .iter()
                .find(|one| Some(one.action) == action);
            let fault = worst
                .filter(|_| outcome.fails(action))
                .map(|worst| ("failure", worst.message.clone(), worst.rule.to_owned()));
            let mut lines = vec![config.title.clone()];
            lines.extend(config.findings.iter().flat_map(table::finding));
            lines.extend(config.advice.iter().map(|advice| format!("  {advice}")));
            lines.extend(object.remarks.iter().map(|remark| format!("  {remark}")));
            let has_something = lines.len() > 1;
            suites.entry(namespace.to_owned()).or_default().push(Case {
                class: format!("{namespace}.{}", object.kind),
                name: table::name(object, config),
                file: object.place.as_ref().map(|place| place.file.clone()),
                fault,
                output: if has_something {
                    lines.join("\n")
                } else {
                    String::new()
                },
            });
        }
    }
    for found in disagreements {
        let lines = table::disagreement(found);
        let fault = outcome.fails_on(FailOn::Difference).then(|| {
            let message = lines.first().cloned().unwrap_or_default();
            ("failure", message, found.meaning.as_str().to_owned())
        });
        let [one, other] = &found.between;
        suites
            .entry("(disagreements)".to_owned())
            .or_default()
            .push(Case {
                class: format!("{}.{}", found.namespace, found.release),
                name: format!("{one} and {other}"),
                file: None,
                fault,
                output: lines.join("\n"),
            });
    }
    for Unread { what, why } in unread {
        suites
            .entry("(not read)".to_owned())
            .or_default()
            .push(Case {
                class: "not-read".to_owned(),
                name: what.clone(),
                file: None,
                fault: Some(("error", why.clone(), "unreadable".to_owned())),
                output: String::new(),
            });
    }
    suites
}

fn suite(writer: &mut Writer<Vec<u8>>, name: &str, cases: &[Case]) -> io::Result<()> {
    let attributes = Counts::of(cases).attributes(name);
    let suite = writer.create_element("testsuite");
    suite
        .with_attributes(borrowed(&attributes))
        .write_inner_content(|writer| cases.iter().try_for_each(|one| case(writer, one)))?;
    Ok(())
}

fn case(writer: &mut Writer<Vec<u8>>, case: &Case) -> io::Result<()> {
    let Case {
        class,
        name,
        file,
        fault,
        output,
    } = case;
    let mut attributes = vec![("classname", legal(class)), ("name", legal(name))];
    attributes.extend(file.iter().map(|file| ("file", legal(file))));
    let element = writer.create_element("testcase");
    let element = element.with_attributes(borrowed(&attributes));
    if fault.is_none() && output.is_empty() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|writer| {
        let output = legal(output);
        let (element, attributes) = match fault {
            Some((kind, message, rule)) => (
                *kind,
                vec![("message", legal(message)), ("type", legal(rule))],
            ),
            None => ("system-out", Vec::new()),
        };
        writer
            .create_element(element)
            .with_attributes(borrowed(&attributes))
            .write_text_content(BytesText::new(&output))?;
        Ok(())
    })?;
    Ok(())
}

/// How many cases there are, and how they went.
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
}

impl Counts {
    fn of<'c>(cases: impl IntoIterator<Item = &'c Case>) -> Self {
        let mut counts = Self {
            tests: 0,
            failures: 0,
            errors: 0,
        };
        for case in cases {
            counts.tests += 1;
            match &case.fault {
                Some(("error", ..)) => counts.errors += 1,
                Some(_) => counts.failures += 1,
                None => {}
            }
        }
        counts
    }

    fn attributes(&self, name: &str) -> Vec<(&'static str, String)> {
        let Self {
            tests,
            failures,
            errors,
        } = self;
        vec![
            ("name", legal(name)),
            ("tests", tests.to_string()),
            ("failures", failures.to_string()),
            ("errors", errors.to_string()),
            ("skipped", "0".to_owned()),
        ]
    }
}

fn borrowed<'a>(attributes: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    attributes
        .iter()
        .map(|(key, value)| (*key, &**value))
        .collect()
}

/// Without the characters that no XML document may have, escaped or not, and those that it should
/// not have, as they control a terminal.
fn legal(text: &str) -> String {
    let is_legal = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(is_legal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_left_out() {
        assert_eq!(
            legal("a\u{0}b\u{1b}[2K\u{9b}c\u{7f}\u{ffff}\n<&\">"),
            "ab[2Kc\n<&\">"
        );
    }
}
