//! What is shared, removed, refused and suggested.

use serde_json::json;

use super::super::super::ReadErrorKind;
use super::*;

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
    refused(
        set("b: &b {1: x}\na:\n  <<: *b\n", "a.1", 2),
        "not a string",
    );
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
    refused(remove("a: 1\nb: 2\na: 3\n", "a"), "more than once");
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
