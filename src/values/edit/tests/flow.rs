//! Flow maps, JSON, and values that are empty.

use super::*;

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
        "a: {\n  x: 1} # c\n",
        "a.c",
        "a: {\n  x: 1,\n  c: v1} # c\n",
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
