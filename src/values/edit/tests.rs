//! Texts before and after, for each situation that a text can put a value in.

mod bounds;
mod flow;

use serde_json::json;

use super::*;

fn set(text: &str, path: &str, value: impl Into<Value>) -> Result<String, EditError> {
    edit(text, &Path::dotted(path), &Change::Set(value.into()))
}

fn remove(text: &str, path: &str) -> Result<String, EditError> {
    edit(text, &Path::dotted(path), &Change::Remove)
}

/// Sets `a.b.c`, or another path, to `v1`; compares; removes it; compares again.
#[track_caller]
fn there_and_back(before: &str, path: &str, after: &str) {
    assert_eq!(set(before, path, "v1").as_deref(), Ok(after), "set");
    assert_eq!(remove(after, path).as_deref(), Ok(before), "and removed");
}

#[track_caller]
fn replaced(before: &str, path: &str, value: impl Into<Value>, after: &str) {
    assert_eq!(set(before, path, value).as_deref(), Ok(after));
}

#[track_caller]
fn refused(result: Result<String, EditError>, words: &str) {
    match result {
        Err(EditError::Refused(why)) => assert!(why.contains(words), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn new_entries_go_last_in_their_map() {
    there_and_back(
        "a:\n  b:\n    x: 1\nd: 2\n",
        "a.b.c",
        "a:\n  b:\n    x: 1\n    c: v1\nd: 2\n",
    );
    there_and_back(
        "a:\n  b:\n    x: 1 # x\n",
        "a.b.c",
        "a:\n  b:\n    x: 1 # x\n    c: v1\n",
    );
    there_and_back(
        "a:\n  b:\n    x: 1\n    # c: v0\n\n  # of d\n  d: 2\n",
        "a.b.c",
        "a:\n  b:\n    x: 1\n    # c: v0\n    c: v1\n\n  # of d\n  d: 2\n",
    );
    there_and_back(
        "x: 1\n\n# end\t# of it\n\n",
        "c",
        "x: 1\n\n# end\t# of it\nc: v1\n\n",
    );
    there_and_back(
        "a:\n  b:\n    x:\n",
        "a.b.c",
        "a:\n  b:\n    x:\n    c: v1\n",
    );
}

#[test]
fn missing_maps_are_made_in_the_style_of_their_siblings() {
    there_and_back("x: 1\n", "a.b.c", "x: 1\na:\n  b:\n    c: v1\n");
    there_and_back(
        "x:\n    y:\n        z: 1\n",
        "x.b.c",
        "x:\n    y:\n        z: 1\n    b:\n        c: v1\n",
    );
    there_and_back("x:\n    y: 1\n", "a.b", "x:\n    y: 1\na:\n    b: v1\n");
    there_and_back(
        "x:\n   y: 1\nz:\n  - a\n",
        "x.b.c",
        "x:\n   y: 1\n   b:\n      c: v1\nz:\n  - a\n",
    );
    there_and_back("\"x\": 1\n", "a.b", "\"x\": 1\n\"a\":\n  \"b\": v1\n");
    there_and_back("  x: 1\n", "a.b", "  x: 1\n  a:\n    b: v1\n");
}

#[test]
fn line_breaks_and_the_end_of_the_text_are_kept() {
    there_and_back(
        "a:\r\n  x: 1\r\nd: 2\r\n",
        "a.c",
        "a:\r\n  x: 1\r\n  c: v1\r\nd: 2\r\n",
    );
    there_and_back("a:\r\n  x: 1", "a.b.c", "a:\r\n  x: 1\r\n  b:\r\n    c: v1");
    there_and_back("x: 1", "c", "x: 1\nc: v1");
    there_and_back("a: 1\rb: 2\r", "c", "a: 1\rb: 2\rc: v1\r");
    there_and_back("\u{feff}x: 1\n", "c", "\u{feff}x: 1\nc: v1\n");
    there_and_back("x: 1   \n   \n", "c", "x: 1   \nc: v1\n   \n");
}

#[test]
fn documents_without_values_are_filled() {
    there_and_back("", "a.c", "a:\n  c: v1\n");
    there_and_back("\n", "c", "\nc: v1\n");
    there_and_back("# only\n# this\n", "c", "# only\n# this\nc: v1\n");
    there_and_back("# only", "c", "# only\nc: v1");
    there_and_back("# only\r\n", "c", "# only\r\nc: v1\r\n");
    there_and_back("\u{feff}", "c", "\u{feff}c: v1\n");
    there_and_back("---\n", "c", "---\nc: v1\n");
    there_and_back("---", "c", "---\nc: v1");
    there_and_back("--- # c\n# d\n", "c", "--- # c\n# d\nc: v1\n");
    there_and_back("---\n...\n", "c", "---\nc: v1\n...\n");
    there_and_back("{}\n", "c", "{c: v1}\n");
    there_and_back("--- {}\n", "a.c", "--- {a: {c: v1}}\n");
    replaced("~\n", "c", "v1", "{c: v1}\n");
    there_and_back(
        "# a\n---\n# b\n---\nc: 1\n",
        "c",
        "# a\n---\n# b\nc: v1\n---\nc: 1\n",
    );
}

#[test]
fn marks_of_documents_are_kept() {
    there_and_back(
        "%YAML 1.1\n---\nx: 1\n...\n",
        "c",
        "%YAML 1.1\n---\nx: 1\nc: v1\n...\n",
    );
    there_and_back(
        "---\nx: 1\n# d\n---\ny: 2\n",
        "c",
        "---\nx: 1\n# d\nc: v1\n---\ny: 2\n",
    );
    there_and_back("x: 1\n...\n]\n", "c", "x: 1\nc: v1\n...\n]\n");
}

#[test]
fn scalars_are_replaced_in_their_own_quotes() {
    replaced("a: 1 # c\n", "a", 2, "a: 2 # c\n");
    replaced("a: 'x'\n", "a", "it's", "a: 'it''s'\n");
    replaced("a: \"x\"\n", "a", "y", "a: \"y\"\n");
    replaced("a: \"x\"\n", "a", true, "a: true\n");
    replaced("a: 'x'\n", "a", "x\ny", "a: \"x\\ny\"\n");
    replaced("a:   x   # c\n", "a", "y", "a:   \"y\"   # c\n");
    replaced("a: # c\n", "a", "v", "a: v # c\n");
    replaced("a:", "a", Value::Null, "a:");
    replaced("a: 1", "a", Value::Null, "a: null");
    replaced("a:\n  x\n  y # c\nb: 1\n", "a", "z", "a:\n  z # c\nb: 1\n");
    replaced("? a\n: x # c\n", "a", "z", "? a\n: z # c\n");
    replaced("yes: 1\n", "true", 2, "yes: 2\n");
    replaced("{\"a\":1}", "a", "v", "{\"a\":\"v\"}");
    // What is there already is left as it is written.
    replaced("a: \"v1\"\nb: 0x10\n", "a", "v1", "a: \"v1\"\nb: 0x10\n");
    replaced("b: 0x10\n", "b", 16, "b: 0x10\n");
    replaced("b: 1.30\n", "b", json!(1.3), "b: 1.30\n");
}

#[test]
fn strings_stay_strings_for_go() {
    for text in [
        "y", "1_000", "1.30", "017", "~", "on", "null", "", " x", "a: b", "# c", "1:30",
    ] {
        replaced("a: v\n", "a", text, &format!("a: \"{text}\"\n"));
    }
    replaced("a: v\n", "y", "v", "a: v\n\"y\": v\n");
    replaced("a: v\n", "<<", "v", "a: v\n\"<<\": v\n");
    replaced("a: 1\n", "a", json!(2.0), "a: 2\n");
}

#[test]
fn tags_and_anchors_stay_where_they_suit() {
    replaced(
        "a: !!str 1.30 # c\n",
        "a",
        "1.31",
        "a: !!str \"1.31\" # c\n",
    );
    replaced("a: !!int 1\n", "a", "x", "a: x\n");
    replaced("a: !!str 1\n", "a", 2, "a: 2\n");
    replaced("a: &n !!int 1\n", "a", "x", "a: &n x\n");
    replaced("a: &n 1\n", "a", 2, "a: &n 2\n");
    replaced("a: &n 1\nb: *n\n", "b", 2, "a: &n 1\nb: 2\n");
    there_and_back("a: !!map\n  x: 1\n", "a.c", "a: !!map\n  x: 1\n  c: v1\n");
    there_and_back("a: &n\n  x: 1\n", "a.c", "a: &n\n  x: 1\n  c: v1\n");
    there_and_back("? a\n:\n  x: 1\n", "a.c", "? a\n:\n  x: 1\n  c: v1\n");
    there_and_back("? a\n: b\n", "c", "? a\n: b\nc: v1\n");
    there_and_back("? a\n", "c", "? a\nc: v1\n");
    there_and_back(
        "? a\n: x: 1\n  y: 2\n",
        "a.c",
        "? a\n: x: 1\n  y: 2\n  c: v1\n",
    );
}

#[test]
fn block_scalars_before_behind_and_instead() {
    there_and_back("x: |\n  a: b\n\n", "c", "x: |\n  a: b\nc: v1\n\n");
    there_and_back("x: |+\n  a: b\n\n", "c", "x: |+\n  a: b\n\nc: v1\n");
    there_and_back(
        "x: >-\n  a\n # less\n# end\n",
        "c",
        "x: >-\n  a\n # less\n# end\nc: v1\n",
    );
    there_and_back(
        "a:\n  x: |2-\n     b\nd: |\n  e\n",
        "a.c",
        "a:\n  x: |2-\n     b\n  c: v1\nd: |\n  e\n",
    );
    // With a line break at the end it would have another value.
    there_and_back("y: 1\nx: |\n  a", "c", "y: 1\nc: v1\nx: |\n  a");
    replaced(
        "a: | # c\n  x\n  # no comment\n\nb: 1\n",
        "a",
        "v",
        "a: v # c\n\nb: 1\n",
    );
    replaced("a: &n >-\n  x", "a", "v", "a: &n v");
    replaced("a: |\nb: 1\n", "a", "v", "a: v\nb: 1\n");
    replaced("a: |\r\n  x\r\n", "a", "y\nz", "a: \"y\\nz\"\r\n");
    assert_eq!(
        remove("a: |\n  x\n\nb: 1\n", "a").as_deref(),
        Ok("\nb: 1\n")
    );
    assert_eq!(remove("a: |\n  x\nb: 1", "b").as_deref(), Ok("a: |\n  x\n"));
}

#[test]
fn collections_are_given_whole() {
    let list = json!(["--a=b", {"c": 1, "d": [2]}]);
    replaced(
        "a:\n- x\n",
        "a",
        list.clone(),
        "a:\n- \"--a=b\"\n- c: 1\n  d:\n  - 2\n",
    );
    replaced(
        "x:\n    - y\n",
        "a",
        list.clone(),
        "x:\n    - y\na:\n    - \"--a=b\"\n    - c: 1\n      d:\n          - 2\n",
    );
    replaced(
        "a: [x] # c\n",
        "a",
        list.clone(),
        "a: [\"--a=b\", {c: 1, d: [2]}] # c\n",
    );
    replaced(
        "a: 1 # c\nb: 2\n",
        "a",
        list,
        "a: # c\n  - \"--a=b\"\n  - c: 1\n    d:\n      - 2\nb: 2\n",
    );
    replaced(
        "a: # c\nb: 2\n",
        "a",
        json!({"x": 1}),
        "a: # c\n  x: 1\nb: 2\n",
    );
    replaced(
        "a:\n    x: 1 \nb: 2\n",
        "a",
        json!({"w": {"z": 1}}),
        "a:\n    w:\n        z: 1 \nb: 2\n",
    );
    replaced("a: # c\n  x: 1\nb: 2\n", "a", 1, "a: 1 # c\nb: 2\n");
    replaced("a:\n- 1\n- 2\n", "a", json!([]), "a: []\n");
    replaced("a: |\n  x\n", "a", json!({"w": 1}), "a: {w: 1}\n");
    replaced(
        "a: *n\n".replace("*n", "&n 1").as_str(),
        "a",
        json!({"w": 1}),
        "a: &n\n  w: 1\n",
    );
}
