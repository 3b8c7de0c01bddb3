//! Policies with a mistake, made from a good one in every place: each is refused with its line and
//! column, and none takes the old policy out of force.

use std::fs;

use distrogate::cli::policy_files::LivePolicy;
use distrogate::policy::{Action, Document};
use distrogate::server::Refresh as _;
use distrogate::telemetry::Metrics;
use distrogate::vcluster::Catalogue;
use serde_json::{Map, Value, json};

use super::full;

/// What a mistake is, and the text that has it.
pub(super) type Mistake = (String, String);

/// Maps in which every key is allowed.
const OPEN: [&str; 3] = ["/metadata/labels", "/metadata/annotations", "/matchLabels"];

/// Every mistake, in an order that never changes.
pub(super) fn mistakes() -> Vec<Mistake> {
    let good = full();
    let mut mistakes = Vec::new();
    let mut places = Vec::new();
    places_of(&good, String::new(), &mut places);
    for at in &places {
        let place = good.pointer(at).unwrap();
        let open = OPEN.iter().any(|open| at.ends_with(open));
        let mut spoil = |what: &str, new: Value| {
            let mut policy = good.clone();
            *policy.pointer_mut(at).unwrap() = new;
            mistakes.push((format!("{at}: {what}"), format!("{policy:#}")));
        };
        match place {
            Value::Object(map) => {
                spoil("a list for a map", json!(["x"]));
                if open {
                    continue;
                }
                spoil("an unknown key", with(map, "zzzzzzzz", &json!(1)));
                for (key, value) in map {
                    let mut without = map.clone();
                    without.remove(key);
                    spoil(
                        &format!("{key} misspelt"),
                        with(&without, &format!("{key}z"), value),
                    );
                }
            }
            Value::Array(_) => spoil("a map for a list", json!({"x": 1})),
            Value::String(_) => {
                spoil("a map for a text", json!({"x": "y"}));
                if has_own_form(at) {
                    spoil("not of its form", json!("[a.."));
                }
            }
            Value::Number(_) => spoil("a word for a number", json!("high")),
            Value::Bool(_) => spoil("a word for a truth", json!("perhaps")),
            Value::Null => {}
        }
    }
    for (at, key) in [
        ("", "apiVersion"),
        ("", "kind"),
        ("", "metadata"),
        ("/metadata", "name"),
        ("/spec/exemptions/0", "rules"),
        ("/spec/exemptions/0", "owner"),
        ("/spec/exemptions/0", "reason"),
        ("/spec/rules/distro-change/allow/0", "from"),
        ("/spec/rules/distro-change/allow/0", "to"),
        ("/spec/defaults/variants/0", "values"),
        ("/spec/match/namespaceSelector/matchExpressions/0", "key"),
        (
            "/spec/match/namespaceSelector/matchExpressions/0",
            "operator",
        ),
        ("/spec/customCarriers/0", "group"),
        ("/spec/customCarriers/0", "kinds"),
        ("/spec/customCarriers/0", "values"),
        ("/spec/customCarriers/0/values/0", "path"),
    ] {
        let mut policy = good.clone();
        let map = policy.pointer_mut(at).unwrap().as_object_mut().unwrap();
        map.remove(key).unwrap();
        mistakes.push((format!("{at}: {key} missing"), format!("{policy:#}")));
    }
    mistakes.extend(broken(&format!("{good:#}\n")));
    mistakes
}

/// Texts that are no YAML, or no single document without duplicates.
fn broken(good: &str) -> Vec<Mistake> {
    let lines: Vec<&str> = good.lines().collect();
    let mut broken = Vec::new();
    for (number, line) in lines.iter().enumerate().step_by(9) {
        let with = |new: Vec<&str>| {
            [&lines[..number], &new, &lines[number + 1..]]
                .concat()
                .join("\n")
        };
        let at = number + 1;
        if number > 0 {
            broken.push((format!("cut behind line {at}"), lines[..number].join("\n")));
            broken.push((format!("a quote in line {at}"), with(vec![line, "\"x"])));
        }
        if line.ends_with(',') && line.contains(": ") {
            broken.push((format!("line {at} twice"), with(vec![line, line])));
        }
    }
    broken.push(("two documents".to_owned(), format!("{good}---\n{good}")));
    broken.push(("not UTF-8 as meant".to_owned(), format!("{good}\u{0}")));
    broken.push((
        "an anchor that is not there".to_owned(),
        format!("a: *b\n{good}"),
    ));
    broken
}

fn with(map: &Map<String, Value>, key: &str, value: &Value) -> Value {
    let mut map = map.clone();
    map.insert(key.to_owned(), value.clone());
    map.into()
}

/// Texts that are words, patterns, ranges, days or paths.
fn has_own_form(at: &str) -> bool {
    const FREE: [&str; 9] = [
        "/labels/a",
        "/annotations/a",
        "/matchLabels/tier",
        "/key",
        "/owner",
        "/reason",
        "/group",
        "/defaultImageRegistry",
        "/tag",
    ];
    // texts of the chart, kinds and values of labels may be anything
    let free = FREE.iter().any(|end| at.ends_with(end))
        || [
            "/kinds/",
            "/carriers/",
            "Expressions/0/values/",
            "/extraArgs/",
        ]
        .iter()
        .any(|part| at.contains(part));
    !free
}

fn places_of(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                places_of(below, format!("{at}/{key}"), places);
            }
        }
        Value::Array(items) => {
            for (number, below) in items.iter().enumerate() {
                places_of(below, format!("{at}/{number}"), places);
            }
        }
        _ => {}
    }
    places.push(at);
}

#[test]
fn every_mistake_is_refused_with_its_place_and_the_old_policy_stays() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    fs::write(&file, format!("{:#}", full())).unwrap();
    let live = LivePolicy::load(vec![file.clone()], Action::Deny, None, Metrics::new()).unwrap();
    let before = live.current();
    let mistakes = mistakes();
    assert!(mistakes.len() >= 200, "{}", mistakes.len());
    for (what, text) in &mistakes {
        let Err(error) = Document::parse(text, Catalogue::embedded()) else {
            panic!("{what}: taken for a policy:\n{text}");
        };
        let at = error
            .at
            .unwrap_or_else(|| panic!("{what}: no place: {error}"));
        assert!(at.line <= text.lines().count() + 1, "{what}: {error}");
        fs::write(&file, text).unwrap();
        assert!(
            !live.refresh().unwrap(),
            "{what}: followed at the first look"
        );
        let told = live.refresh().unwrap_err().to_string();
        let expected = format!("policy {}: {error}", file.display());
        assert_eq!(told, expected, "{what}");
        assert!(!live.refresh().unwrap(), "{what}: told twice");
        assert!(std::sync::Arc::ptr_eq(&before, &live.current()), "{what}");
    }
}

#[test]
fn half_a_file_does_not_count_even_if_it_is_a_policy() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    let head = "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {name: NAME}\n";
    let whole = |name: &str| format!("{head}spec: {{enforcement: Warn}}\n").replace("NAME", name);
    fs::write(&file, whole("old")).unwrap();
    let live = LivePolicy::load(vec![file.clone()], Action::Deny, None, Metrics::new()).unwrap();
    let revision = live.revision();
    let half = head.replace("NAME", "new");
    Document::parse(&half, Catalogue::embedded()).unwrap();
    fs::write(&file, half).unwrap();
    assert!(!live.refresh().unwrap());
    fs::write(&file, whole("new")).unwrap();
    assert!(!live.refresh().unwrap(), "it differs from the last look");
    assert_eq!(
        (live.names(), live.revision()),
        ("old, built-in".into(), revision.clone())
    );
    assert!(live.refresh().unwrap());
    assert_eq!(live.names(), "new, built-in");
    assert_ne!(live.revision(), revision);
    fs::write(&file, whole("old")).unwrap();
    assert_eq!(
        (live.refresh().unwrap(), live.refresh().unwrap()),
        (false, true)
    );
    assert_eq!(live.revision(), revision, "of the same content");
}

#[test]
fn a_link_that_leads_nowhere_is_no_document_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("a.yaml");
    let target = folder.path().join("..data");
    fs::write(&target, format!("{:#}", full())).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let live = LivePolicy::load(
        vec![folder.path().to_owned()],
        Action::Deny,
        None,
        Metrics::new(),
    )
    .unwrap();
    fs::remove_file(&target).unwrap();
    assert!(!live.refresh().unwrap());
    let told = live.refresh().unwrap_err();
    assert!(format!("{told:#}").starts_with(&format!("policy {}: No such file", link.display())));
    assert_eq!(live.names(), "full, built-in");
    fs::remove_file(&link).unwrap();
    assert_eq!(
        (live.refresh().unwrap(), live.refresh().unwrap()),
        (false, true)
    );
    assert_eq!(live.names(), "built-in");
}
