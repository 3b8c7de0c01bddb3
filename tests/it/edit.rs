//! The editor on generated documents: what Go reads afterwards, and what must not change.

mod documents;

use std::collections::BTreeMap;

use distrogate::values::{Change, EditError, Limits, Path, edit, read_yaml};
use serde_json::{Map, Value, json};

use self::documents::Writer;
use crate::oracle::{Random, read_with_go, same};
use crate::support::has_kubectl;

/// How many documents are generated.
const SHAPES: usize = 2_400;

/// Strings that some reader takes for something else.
const VALUES: &[&str] = &[
    "v1.31.1",
    "registry.example/team",
    "256Mi",
    "y",
    "on",
    "1_000",
    "1.30",
    "017",
    "null",
    "~",
    "",
    " x ",
    "a: b",
    "a #x",
    "#",
    "it's",
    "\"q\"",
    "line\nbreak",
    "tab\there",
    "é",
    "1:30",
    "0x1F",
    "-",
    "2001-01-01",
    "{a}",
    "[",
    "*a",
    "&a",
    "!a",
    "|",
    "%",
    "@",
    "`",
    "? a",
    "<<",
    "=",
    "\u{85}",
];

/// One edit of one document.
#[derive(Debug)]
struct Case {
    before: String,
    after: String,
    path: Path,
    value: Value,
    /// Where the value was missing: what was there on the way, null or nothing.
    was: Was,
}

/// What stood in the place of the value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Was {
    Value,
    Nothing,
    Null,
}

#[test]
fn go_reads_the_old_value_with_the_leaf_set() {
    if !has_kubectl() {
        return;
    }
    let cases = cases();
    let old = read_with_go(&texts(&cases, |case| &case.before));
    let new = read_with_go(&texts(&cases, |case| &case.after));
    let mut compared = 0;
    for (number, case) in &cases {
        let Some(old) = old.get(number) else {
            panic!("Go does not read\n{}", case.before)
        };
        let mut expected = old.clone();
        set(&mut expected, &case.path.as_keys().unwrap(), &case.value);
        let new = new.get(number);
        assert!(
            new.is_some_and(|new| same(new, &expected)),
            "{case:#?}\n{}\n=>\n{}\nis {new:?}\nnot {expected}",
            case.before,
            case.after
        );
        compared += 1;
    }
    assert!(compared >= 2_000, "{compared} compared");
}

#[test]
fn comments_and_other_lines_stay_as_they_are() {
    for case in cases().values() {
        let (before, after) = (&case.before, &case.after);
        assert_eq!(comments(before), comments(after), "{before}\n=>\n{after}");
        // The lines before and behind the edit, breaks included.
        let (old, new): (Vec<_>, Vec<_>) = (lines(before), lines(after));
        let same = |pairs: &mut dyn Iterator<Item = (&&str, &&str)>| {
            pairs.take_while(|(old, new)| old == new).count()
        };
        let head = same(&mut old.iter().zip(&new));
        let tail = same(&mut old.iter().rev().zip(new.iter().rev())).min(old.len() - head);
        let touched = old.len() - head - tail;
        // Where an entry is added: the line that gets a comma or loses a null, or the last one,
        // which gets a line break.
        let allowed = match case.was {
            Was::Value => lines(&case.before).len(),
            Was::Nothing | Was::Null => 1,
        };
        assert!(
            touched <= allowed,
            "{touched} lines:\n{before}\n=>\n{after}"
        );
    }
}

#[test]
fn setting_and_removing_gives_the_original_text() {
    let mut restored = 0;
    for case in cases().values() {
        let Case {
            before,
            after,
            path,
            ..
        } = case;
        if case.was == Was::Value {
            continue;
        }
        let removed = edit(after, path, &Change::Remove);
        let removed = removed.unwrap_or_else(|error| panic!("{error}\n{before}\n=>\n{after}"));
        let nulls = case.was == Was::Null;
        // A null that was written out comes back in another spelling, in braces as a map.
        if removed == *before {
            restored += 1;
        } else {
            assert!(nulls, "{before}\n=>\n{after}\n=>\n{removed}");
            let lost = before.len().abs_diff(removed.len());
            assert!(lost <= 8, "{before}\n=>\n{removed}");
        }
    }
    assert!(restored >= 1_000, "{restored} restored");
}

/// The edits that are made; all but a few, which go through anchors, are.
fn cases() -> BTreeMap<usize, Case> {
    let mut refused = 0;
    let mut cases = BTreeMap::new();
    for number in 0..SHAPES {
        let before = Writer::document(number, &format!("d{number}"));
        let read = read_yaml(before.as_bytes(), &Limits::VALUES)
            .unwrap_or_else(|error| panic!("{error} at {:?}:\n{before}", error.at));
        let mut random = Random((number as u64 + 7) << 24);
        random.below(2);
        let (path, was) = path(&read.root.to_json(), &mut random);
        let value = match random.below(8) {
            0 => json!(true),
            1 => json!(17),
            2 => json!(1.5),
            3 => json!(["--a", {"b": [1], "c": "y"}]),
            _ => json!(random.of(VALUES)),
        };
        match edit(&before, &path, &Change::Set(value.clone())) {
            Ok(after) => {
                let case = Case {
                    before,
                    after,
                    path,
                    value,
                    was,
                };
                cases.insert(number, case);
            }
            Err(EditError::Refused(why)) => {
                let known = [
                    "anchor",
                    "alias",
                    "merge",
                    "comment",
                    "line of its key",
                    "not a string",
                ];
                assert!(
                    known.iter().any(|word| why.contains(word)),
                    "{why}: {path}\n{before}"
                );
                refused += 1;
            }
            Err(error) => panic!("{error}\n{before}"),
        }
    }
    assert!(refused * 10 < SHAPES, "{refused} refused");
    cases
}

/// A path in or below a value: to a value that is there, or to one that is not.
fn path(root: &Value, random: &mut Random) -> (Path, Was) {
    let mut path = Path::root();
    let mut place = root;
    loop {
        let Value::Object(map) = place else {
            return match (place, random.below(2)) {
                (Value::Null, 0) => (path.key("new").key("leaf"), Was::Null),
                _ => (path, Was::Value),
            };
        };
        let mine: Vec<_> = map
            .keys()
            .filter(|key| !["apiVersion", "kind", "metadata"].contains(&key.as_str()))
            .collect();
        if mine.is_empty() || random.below(4) == 0 {
            let path = path.key("new");
            return match random.below(3) {
                0 => (path, Was::Nothing),
                1 => (path.key("deeper"), Was::Nothing),
                _ => (path.key("much").key("y"), Was::Nothing),
            };
        }
        let key = mine[random.below(mine.len())];
        path = path.key(key);
        place = &map[key];
    }
}

/// One text of each case. Every manifest's name has the number of its case.
fn texts(cases: &BTreeMap<usize, Case>, text: impl Fn(&Case) -> &String) -> Vec<String> {
    cases.values().map(|case| text(case).clone()).collect()
}

fn set(root: &mut Value, keys: &[&str], value: &Value) {
    let mut place = root;
    for key in keys {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[*key];
    }
    *place = value.clone();
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// The comments of a generated document.
fn comments(text: &str) -> Vec<&str> {
    let rest = text.lines().filter_map(|line| line.get(line.find("#c")?..));
    rest.collect()
}
