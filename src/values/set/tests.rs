//! Tests of reading assignments.

use super::*;

fn read(text: &str) -> Result<Vec<(String, String)>, String> {
    let shown = |one: &Assignment| {
        let value = if one.is_value() {
            one.value.to_json().to_string()
        } else {
            "-".to_owned()
        };
        (one.path.to_string(), value)
    };
    read_set(text, true)
        .map(|assignments| assignments.iter().map(shown).collect())
        .map_err(|error| error.to_string())
}

#[test]
fn assignments_are_read_as_helm_reads_them() {
    for (text, expected) in [
        ("a.b=c", vec![("a.b", "\"c\"")]),
        ("a=TRUE,b=null", vec![("a", "true"), ("b", "null")]),
        (
            "a=1,b=01,c=0,d=-2,e=1.5,f=+3",
            vec![
                ("a", "1"),
                ("b", "\"01\""),
                ("c", "0"),
                ("d", "-2"),
                ("e", "\"1.5\""),
                ("f", "3"),
            ],
        ),
        (r"a\.b=c\,d", vec![("[a.b]", "\"c,d\"")]),
        (r"a\[0\]=\{x", vec![("[(a key of 4 characters)]", "\"{x\"")]),
        ("a=", vec![("a", "\"\"")]),
        ("a=b=c", vec![("a", "\"b=c\"")]),
        ("a[0].b=c", vec![("a[0].b", "\"c\"")]),
        ("a[+1][02]=c", vec![("a[1][2]", "\"c\"")]),
        ("a.b={x}", vec![("a.b", "[\"x\"]")]),
        ("a={x,1,null,}", vec![("a", "[\"x\",1,null,\"\"]")]),
        (
            r"a={x\,y,\}},b=1",
            vec![("a", "[\"x,y\",\"}\"]"), ("b", "1")],
        ),
        ("a={x}b=1,", vec![("a", "[\"x\"]"), ("b", "1")]),
        ("a={}", vec![("a", "[\"\"]")]),
        (
            "a={x}{y=1",
            vec![("a", "[\"x\"]"), ("[(a key of 2 characters)]", "1")],
        ),
        ("a=falſe", vec![("a", "false")]),
        ("=1", vec![("[(a key of 0 characters)]", "1")]),
        ("a[0]", vec![("a[0]", "-")]),
        ("a.", vec![("a[(a key of 0 characters)]", "-")]),
        ("a=1\\", vec![("a", "1")]),
        ("", vec![]),
        ("\\", vec![]),
    ] {
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(path, value)| (path.to_owned(), value.to_owned()))
            .collect();
        assert_eq!(read(text), Ok(expected), "{text}");
    }
    let text = read_set("a=true,b={null,1}", false).unwrap();
    assert_eq!(text[0].value, Data::String("true".into()), "--set-string");
    assert_eq!(text[1].value.to_json().to_string(), r#"["null","1"]"#);
}

#[test]
fn what_helm_refuses_is_refused() {
    let no_value = "has no value: write name=value, and a comma within a value as \\,";
    for (text, expected) in [
        ("a", format!("assignment 1 {no_value}")),
        ("a.b", format!("assignment 1 {no_value}")),
        ("a=1,,", format!("assignment 2 {no_value}")),
        ("password=hunter,secret", format!("assignment 2 {no_value}")),
        (
            "a[0]x=1",
            "assignment 1 has text behind an index, where only `.`, `[` or `=` may stand"
                .to_owned(),
        ),
        (
            "a[0],b=2",
            "assignment 1 has text behind an index, where only `.`, `[` or `=` may stand"
                .to_owned(),
        ),
        (
            "a[x]=1",
            "assignment 1 has an index that is not a number from 0".to_owned(),
        ),
        (
            "a[-1]=1",
            "assignment 1 has an index that is not a number from 0".to_owned(),
        ),
        (
            "a[]=1",
            "assignment 1 has an index that is not a number from 0".to_owned(),
        ),
        (
            "a[0",
            "assignment 1 has an index that is not a number from 0".to_owned(),
        ),
        (
            "a={x",
            "assignment 1 begins a list that no } ends".to_owned(),
        ),
    ] {
        assert_eq!(read(text), Err(expected), "{text}");
    }
    let deep = |keys| read(&format!("{}=1", vec!["a"; keys].join(".")));
    assert!(deep(31).is_ok());
    assert_eq!(
        deep(32),
        Err("assignment 1 nests more than 30 keys deep".to_owned())
    );
    assert_eq!(
        read(&format!("a{}=1", "[0]".repeat(100))),
        Err("assignment 1 nests deeper than 100 levels".to_owned())
    );
    assert_eq!(
        read(&"a=1,".repeat(4_097)),
        Err("more than 4096 assignments".to_owned())
    );
}

#[test]
fn names_lead_to_one_path_or_to_none() {
    for (name, expected) in [
        ("a.b", Some("a.b")),
        ("a[0].b", Some("a[0].b")),
        (r"a\.b.c", Some("[a.b].c")),
        (r"a\=b", Some("[(a key of 3 characters)]")),
        ("a=1,b", None),
        ("a=", None),
        (r"a=\", None),
        (r"a\", None),
        ("a={x}b", None),
        ("a,b", None),
        ("a..b", None),
        ("a[0", None),
        ("", None),
    ] {
        let path = read_set_name(name).map(|path| path.to_string());
        assert_eq!(path.as_deref(), expected, "{name}");
    }
}
