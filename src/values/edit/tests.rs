//! Texts before and after, for each situation that a text can put a value in.

use serde_json::json;

use super::super::ReadErrorKind;
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
fn empty_values_and_braces_become_maps_and_come_back() {
    there_and_back("a:\n", "a.c", "a:\n  {c: v1}\n");
    there_and_back(
        "a: # c\n  # d\nx: 1\n",
        "a.b.c",
        "a: # c\n  {b: {c: v1}}\n  # d\nx: 1\n",
    );
    there_and_back("a:", "a.c", "a:\n  {c: v1}");
    there_and_back(
        "x:\n    a: &n\n",
        "x.a.c",
        "x:\n    a: &n\n        {c: v1}\n",
    );
    there_and_back("a: {}\n", "a.c", "a: {c: v1}\n");
    there_and_back("a: { } # c\n", "a.c", "a: { c: v1} # c\n");
    there_and_back("a: {}\n", "a.b.c", "a: {b: {c: v1}}\n");
    there_and_back("a:\n  {}\n", "a.c", "a:\n  { c: v1 }\n");
    there_and_back("a: {\n}\n", "a.c", "a: {\n  c: v1\n}\n");
    // A null that was written out is spelt otherwise afterwards.
    replaced("a: ~ # c\nx: 1\n", "a.c", "v1", "a: # c\n  {c: v1}\nx: 1\n");
    replaced("a:\n  null\n", "a.c", "v1", "a:\n  {c: v1}\n");
}

#[test]
fn flow_maps_on_one_line() {
    there_and_back("a: {x: 1}\n", "a.c", "a: {x: 1, c: v1}\n");
    there_and_back("a: { x: 1 } # c\n", "a.c", "a: { x: 1, c: v1 } # c\n");
    there_and_back("a: {x: 1,}\n", "a.c", "a: {x: 1, c: v1,}\n");
    there_and_back("a: {x: }\n", "a.c", "a: {x: , c: v1}\n");
    there_and_back("a: {x}\n", "a.c", "a: {x, c: v1}\n");
    there_and_back("a: {? x : 1}\n", "a.c", "a: {? x : 1, c: v1}\n");
    there_and_back("{x: [1, 2]}", "a.c", "{x: [1, 2], a: {c: v1}}");
    there_and_back("{x: {}}", "x.b.c", "{x: { b: {c: v1} }}");
    there_and_back("{x: {}, y: 1}", "x.c", "{x: { c: v1 }, y: 1}");
    there_and_back(r#"{"x":1}"#, "a.c", r#"{"x":1,"a":{"c":"v1"}}"#);
    there_and_back(r#"{"x": {"y": 1}}"#, "x.c", r#"{"x": {"y": 1, "c": "v1"}}"#);
    replaced("{a: }", "a.c", "v1", "{a: { c: v1 } }");
    replaced("{a: ~, b: 1}", "a.c", "v1", "{a: { c: v1 }, b: 1}");
    replaced("{a, b: 1}", "a.c", "v1", "{a: { c: v1 }, b: 1}");
    assert_eq!(
        remove("{a: 1, b: 2, c: 3}", "a").as_deref(),
        Ok("{b: 2, c: 3}")
    );
    assert_eq!(
        remove("{a: 1, b: 2, c: 3}", "b").as_deref(),
        Ok("{a: 1, c: 3}")
    );
    assert_eq!(remove("{a: 1 , b: 2 }", "b").as_deref(), Ok("{a: 1  }"));
    assert_eq!(remove("{a: {b: {c: 1}}}", "a.b.c").as_deref(), Ok("{}"));
    assert_eq!(remove("x: {a: {b: 1}}", "x.a.b").as_deref(), Ok("x: {}"));
}

#[test]
fn flow_maps_on_many_lines() {
    there_and_back(
        "a: {\n  x: 1, # x\n  y: 2 # y\n}\n",
        "a.c",
        "a: {\n  x: 1, # x\n  y: 2, # y\n  c: v1\n}\n",
    );
    there_and_back(
        "a: {\n  x: 1,\n  y: 2, # y\n  # end\n}\n",
        "a.c",
        "a: {\n  x: 1,\n  y: 2, # y\n  c: v1,\n  # end\n}\n",
    );
    there_and_back(
        "{\r\n\t\"x\": {\r\n\t\t\"y\": 1\r\n\t}\r\n}",
        "a.b.c",
        "{\r\n\t\"x\": {\r\n\t\t\"y\": 1\r\n\t},\r\n\t\"a\": {\r\n\t\t\"b\": {\r\n\t\t\t\"c\": \"v1\"\r\n\t\t}\r\n\t}\r\n}",
    );
    there_and_back(
        "{\n  \"x\": {}\n}\n",
        "x.c",
        "{\n  \"x\": { \"c\": \"v1\" }\n}\n",
    );
    there_and_back(
        "a: {x: 1,\n  y: 2}\n",
        "a.c",
        "a: {x: 1,\n  y: 2,\n  c: v1}\n",
    );
    assert_eq!(
        remove("{\n  x: 1, # x\n  w: 2,\n  z: 3\n}\n", "w").as_deref(),
        Ok("{\n  x: 1, # x\n  z: 3\n}\n")
    );
    assert_eq!(
        remove("{\n  x: 1, # x\n  y: 2\n}\n", "x").as_deref(),
        Ok("{\n  # x\n  y: 2\n}\n")
    );
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

#[test]
fn merge_keys_are_overruled_locally() {
    let base = "base: &b {x: 1, o: {z: 1}}\n";
    let text = |rest: &str| [base, rest].concat();
    there_and_back(
        &text("a:\n  <<: *b\n"),
        "a.x",
        &text("a:\n  <<: *b\n  x: v1\n"),
    );
    there_and_back(
        &text("a:\n  <<: *b\n"),
        "a.b.c",
        &text("a:\n  <<: *b\n  b:\n    c: v1\n"),
    );
    there_and_back(&text("a: {<<: *b}\n"), "a.x", &text("a: {<<: *b, x: v1}\n"));
    there_and_back(
        &text("a:\n  k: 1\n  <<: [*b, {m: 1}]\nd: 1\n"),
        "a.m",
        &text("a:\n  k: 1\n  <<: [*b, {m: 1}]\n  m: v1\nd: 1\n"),
    );
    refused(set(&text("a:\n  <<: *b\n"), "a.o.z", 2), "merge key");
    refused(remove(&text("a:\n  <<: *b\n"), "a.x"), "merge key");
    refused(set(&text("a:\n  x: 2\n  <<: *b\n"), "a.x", 3), "overrules");
}

#[test]
fn what_an_alias_shares_is_not_touched() {
    let text = "base: &b\n  x: 1\n  y: &c 2\na: *b\nd: *c\n";
    refused(set(text, "base.x", 2), "anchor");
    refused(set(text, "base.new", 2), "anchor");
    refused(set(text, "base", 2), "anchor");
    refused(remove(text, "base"), "anchor");
    refused(set(text, "a.x", 2), "alias");
    replaced(text, "a", 2, "base: &b\n  x: 1\n  y: &c 2\na: 2\nd: *c\n");
    assert_eq!(
        remove(text, "a").as_deref(),
        Ok("base: &b\n  x: 1\n  y: &c 2\nd: *c\n")
    );
    refused(
        set(
            "a: &x [*x]\n".replace("[*x]", "1\nb: [*x]").as_str(),
            "a",
            2,
        ),
        "anchor",
    );
}

#[test]
fn removal_takes_what_is_empty_and_bare() {
    for (before, path, after) in [
        ("a:\n  b:\n    c: 1\nd: 2\n", "a.b.c", "d: 2\n"),
        ("a:\n  b:\n    c: 1\n  d: 2\n", "a.b.c", "a:\n  d: 2\n"),
        (
            "a:\n  b: # keep\n    c: 1\n",
            "a.b.c",
            "a:\n  b: {} # keep\n",
        ),
        ("a:\n  # keep\n  b: 1\n", "a.b", "a: {}\n  # keep\n"),
        (
            "a:\n  b: 1\n  # keep\nd: 1\n",
            "a.b",
            "a: {}\n  # keep\nd: 1\n",
        ),
        ("a: &n\n  b: 1\n", "a.b", "a: &n {}\n"),
        ("a: !!map\n  b: 1\n", "a.b", "a: !!map {}\n"),
        ("? a\n:\n  b: 1\n", "a.b", "? a\n: {}\n"),
        ("# c\na:\n  b: 1\n# d\n", "a.b", "# c\n# d\n"),
        ("a: 1 # keep\nb: 2\n", "a", "# keep\nb: 2\n"),
        (
            "a:\n  b: 1 # keep\n  c: 2\n",
            "a.b",
            "a:\n  # keep\n  c: 2\n",
        ),
        ("a:\n  b: 1 # keep\n", "a.b", "a: {}\n  # keep\n"),
        ("a: 1\nb:\n- 1\n- 2\nc: 3\n", "b", "a: 1\nc: 3\n"),
        ("? a\n: b\nc: 1\n", "a", "c: 1\n"),
        ("a: 1\r\nb: 2", "b", "a: 1"),
        ("a: 1\n", "b.c", "a: 1\n"),
        ("a:\n", "a.c", "a:\n"),
        ("", "a.c", ""),
    ] {
        assert_eq!(remove(before, path).as_deref(), Ok(after), "{before:?}");
    }
    refused(remove("a:\n- 1 # c\n- 2\n", "a"), "comments");
    refused(remove("a: 1\nb: 2\na: 3\n", "a"), "something else");
    refused(remove("? a\n: b: 1\n", "a.b"), "line");
}

#[test]
fn what_cannot_be_edited_is_said() {
    refused(set("a: 1\n", "a.b", 2), "not a map");
    refused(set("- a\n", "a", 2), "not a map");
    refused(set("a:\n- b\n", "a.b", 2), "not a map");
    refused(set("a:\n- 1 # c\n- 2\n", "a", 2), "comments");
    refused(set("a: [1, # c\n  2]\n", "a", 2), "comments");
    refused(set("? a\n? b\n", "a", 2), "colon");
    refused(set("", "", 2), "whole");
    refused(
        edit("a: [1]\n", &Path::dotted("a").index(0), &Change::Remove),
        "lists",
    );
    let deep = (0..200).fold(json!(1), |value, _| json!([value]));
    refused(set("a: 1\n", "a", deep), "deep");
    assert!(matches!(
        set("a: [\n", "b", 1),
        Err(EditError::Unreadable(ReadError {
            kind: ReadErrorKind::Syntax(_),
            ..
        }))
    ));
    let long = "a: 1\n".to_owned() + &"#".repeat(MAX_EDIT_BYTES);
    let too_large = EditError::TooLarge {
        limit: MAX_EDIT_BYTES,
    };
    assert_eq!(set(&long, "b", 1), Err(too_large.clone()));
    assert_eq!(
        set("a: 1\n", "b", "x".repeat(MAX_EDIT_BYTES)),
        Err(too_large)
    );
}

#[test]
fn changes_are_made_together_or_not_at_all() {
    let path = Path::dotted;
    let set = |value: &str| Change::Set(value.into());
    let changes = [
        (path("a.b"), set("v1")),
        (path("a.c"), set("v2")),
        (path("x"), Change::Remove),
    ];
    assert_eq!(
        edit_all("x: 1\nz: 2\n", &changes).as_deref(),
        Ok("z: 2\na:\n  b: v1\n  c: v2\n")
    );
    let mut changes = changes.to_vec();
    changes.push((path("z.z"), set("v3")));
    refused(edit_all("x: 1\nz: 2\n", &changes), "not a map");
}

#[test]
fn suggestions_are_lines_to_paste() {
    assert_eq!(
        suggestion(&[
            (Path::dotted("a.b.version"), json!("v1.31.1")),
            (Path::dotted("a.b.enabled"), json!(true)),
            (Path::dotted("a.args"), json!(["x", "1.30"])),
            (Path::dotted("c").index(0), json!(1)),
        ]),
        "a:\n  args:\n    - x\n    - \"1.30\"\n  b:\n    enabled: true\n    version: v1.31.1\n"
    );
    assert_eq!(suggestion(&[]), "");
}
