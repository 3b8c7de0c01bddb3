use proptest::prelude::*;

use super::super::{Data, Node, Note, NoteKind, Path, Position, ReadErrorKind};
use super::*;

/// The constant of the module's documentation.
const STEPS_PER_VALUE: usize = 16;

fn read(text: &str) -> Document {
    read_yaml(text.as_bytes(), &Limits::VALUES).expect("the text is readable")
}

fn refused(text: &str, limits: &Limits) -> ReadErrorKind {
    let error = read_yaml(text.as_bytes(), limits).expect_err("the text is not readable");
    assert!(
        error.steps <= STEPS_PER_VALUE * limits.nodes + 16,
        "{} steps",
        error.steps
    );
    error.kind
}

fn at(byte: usize, line: usize, column: usize) -> Position {
    Position { byte, line, column }
}

fn place(document: &Document, keys: &[&str]) -> Position {
    document
        .root
        .get(keys.iter().copied())
        .and_then(|node| node.at)
        .expect("a value")
}

fn kinds(document: &Document) -> Vec<(&NoteKind, String)> {
    document
        .notes
        .iter()
        .map(|note| (&note.kind, note.path.to_string()))
        .collect()
}

#[test]
fn places_count_bytes_characters_and_lines() {
    let document = read("\u{feff}é: ü\r\nb:\r\n- \"x\"\r\n- {c: d}\r\n");
    assert_eq!(document.root.at, Some(at(3, 1, 1)));
    assert_eq!(place(&document, &["é"]), at(7, 1, 4));
    assert_eq!(place(&document, &["b"]), at(15, 3, 1));
    let map = document.root.as_map().expect("a map");
    assert_eq!(map["b"].at, Some(at(11, 2, 1)));
    let Data::List(items) = &map["b"].value.data else {
        panic!("a list")
    };
    assert_eq!(items[0].at, Some(at(17, 3, 3)));
    assert_eq!(items[1].at, Some(at(24, 4, 3)));
    assert_eq!(
        items[1].get(["c"]).and_then(|node| node.at),
        Some(at(28, 4, 7))
    );
}

#[test]
fn lists_start_at_their_dash_and_block_scalars_at_their_header() {
    let document = read("a:\n  - - x\nb: |  # c\n\n  y\nc: &n\n- 1\nd:\ne: ''\n");
    assert_eq!(place(&document, &["a"]), at(5, 2, 3));
    let Some(Data::List(items)) = document.root.get(["a"]).map(|node| &node.data) else {
        panic!("a list")
    };
    assert_eq!(items[0].at, Some(at(7, 2, 5)));
    assert_eq!(place(&document, &["b"]), at(14, 3, 4));
    assert_eq!(place(&document, &["c"]), at(32, 7, 1));
    assert_eq!(place(&document, &["d"]), at(38, 8, 3), "behind the colon");
}

#[test]
fn plain_sources_are_kept_and_cut() {
    let long = "1".repeat(100);
    let document = read(&format!(
        "a: yes\nb: 'yes'\nc: 1.30\nd: ~\ne:\nf: x\ng: {long}\n"
    ));
    let plain = |key| {
        document
            .root
            .get([key])
            .and_then(|node| node.plain.as_deref())
    };
    assert_eq!(plain("a"), Some("yes"));
    assert_eq!(plain("b"), None);
    assert_eq!(plain("c"), Some("1.30"));
    assert_eq!(plain("d"), Some("~"));
    assert_eq!(plain("e"), None);
    assert_eq!(plain("f"), None);
    assert_eq!(plain("g").map(str::len), Some(64));
}

#[test]
fn notes_name_what_a_strict_reader_dislikes() {
    let document = read(
        "a: 1\na: 2\nb: {on: yes}\nsync: 1\n\u{17f}ync: 2\nc: &c {d: 017}\n\
             e:\n  d: 1\n  <<: *c\nf: *c\n---\ng: 1\n",
    );
    assert_eq!(
        kinds(&document),
        [
            (&NoteKind::Duplicate { first: at(0, 1, 1) }, "a".to_owned()),
            (&NoteKind::CoercedKey, "b.true".to_owned()),
            (&NoteKind::Coerced, "b.true".to_owned()),
            (
                &NoteKind::CaseVariant {
                    other: at(23, 4, 1)
                },
                "[(a key of 4 characters)]".to_owned()
            ),
            (
                &NoteKind::Duplicate {
                    first: at(60, 8, 3)
                },
                "e.d".to_owned()
            ),
            (&NoteKind::Coerced, "c.d".to_owned()),
            (&NoteKind::Coerced, "e.d".to_owned()),
            (&NoteKind::Coerced, "f.d".to_owned()),
            (&NoteKind::Merge, "e".to_owned()),
            (&NoteKind::Alias, "f".to_owned()),
            (&NoteKind::ExtraDocument, String::new()),
        ]
    );
    assert_eq!(
        document.notes.last().map(|note| note.at),
        Some(at(80, 11, 1))
    );
    assert_eq!(
        document.root.get(["e", "d"]).map(|node| &node.data),
        Some(&Data::from(15))
    );
}

#[test]
fn an_alias_is_at_its_own_place_and_what_it_holds_is_not() {
    let document = read("a: &x {b: 1}\nc: *x\n");
    assert_eq!(place(&document, &["c"]), at(16, 2, 4));
    assert_eq!(place(&document, &["c", "b"]), at(10, 1, 11));
}

#[test]
fn empty_texts_are_null() {
    for text in ["", "# only a comment\n", "---\n", "\u{feff}"] {
        assert_eq!(read(text).root.data, Data::Null, "{text:?}");
    }
    assert_eq!(read("---\n---\na: 1\n").notes.len(), 1);
}

#[test]
fn a_last_line_without_a_break_is_read_as_go_does() {
    // From `kubectl config view`, which reads its file as it is, unlike `kubectl label`.
    for (text, value) in [
        ("a: |\n x", "x"),
        ("a: |\n x\n", "x\n"),
        ("a: >\n x", "x"),
        ("a: |+\n x", "x"),
        ("a: |-\n x", "x"),
        ("a: |\n x\n ", "x\n"),
        ("a: |+\n x\n ", "x\n"),
        ("a: |+\n x\n\n", "x\n\n"),
        ("a: >\n x\n  y", "x\n y"),
        ("a: |\r\n x\r\n y\r\n", "x\ny\n"),
        ("a: \"x\r\n y\"\r\n", "x y"),
        ("a: |\n x\n   ", "x\n  "),
    ] {
        let document = read(text);
        assert_eq!(
            document.root.get(["a"]).and_then(Node::as_str),
            Some(value),
            "{text:?}"
        );
    }
}

#[test]
fn tabs_are_white_space_in_flow_collections_only() {
    let document = read("a: {\n\t\"b\": [\n\t\t\"x\"\n\t]\n}\n");
    assert_eq!(
        document.root.to_json(),
        serde_json::json!({"a": {"b": ["x"]}})
    );
    assert_eq!(place(&document, &["a", "b"]), at(11, 2, 7));
    for text in [
        "a:\n\tb: 1\n",
        "a: {\n\tb: 1}\nc: |\n  \tx\n",
        "a: {\n\tb: 1}\nc: |2\n  \tx\n",
    ] {
        let ReadErrorKind::Syntax(words) = refused(text, &Limits::VALUES) else {
            panic!("{text:?}")
        };
        assert_eq!(words, "a tab cannot be used as indentation");
    }
}

#[test]
fn errors_have_places_and_do_not_quote() {
    for text in [
        "a: s3cret: s3cret\n",
        "a: \"s3cret\n",
        "a: *s3cret\n",
        "a: !!int s3cret\n",
        "a: @s3cret\n",
        "a: [s3cret\n",
        "a: {s3cret: 1}}\n",
        "%s3cret\n---\na: 1\n",
        "a: !s3cret!s3cret x\n",
        "s3cret\n[s3cret]: ]\n",
        "a: .inf\ns3cret: 1\n",
        "a: \"\\s3cret\"\n",
        "a: &s3cret&s3cret x\n",
    ] {
        let error = read_yaml(text.as_bytes(), &Limits::VALUES).expect_err(text);
        assert!(error.at.is_some(), "{text:?}");
        assert!(
            !format!("{error} {error:?}").contains("s3cret"),
            "{text:?}: {error:?}"
        );
    }
}

#[test]
fn every_bound_has_its_own_error() {
    let limits = Limits {
        bytes: 1_000,
        depth: 4,
        nodes: 20,
        scalar_bytes: 100,
        aliases: 3,
    };
    for (text, kind) in [
        ("x".repeat(1_001), ReadErrorKind::TooLarge { limit: 1_000 }),
        ("[[[[[".to_owned(), ReadErrorKind::TooDeep { limit: 4 }),
        (
            "- - - - - a\n".to_owned(),
            ReadErrorKind::TooDeep { limit: 4 },
        ),
        (
            "a: [[{b: [1]}]]".to_owned(),
            ReadErrorKind::TooDeep { limit: 4 },
        ),
        (
            "[&a [&b [1]], [[*a]]]".to_owned(),
            ReadErrorKind::TooDeep { limit: 4 },
        ),
        (
            format!("[{}]", "1,".repeat(20)),
            ReadErrorKind::TooManyNodes { limit: 20 },
        ),
        (
            format!("a: &a [{}]\nb: *a\n", "1,".repeat(10)),
            ReadErrorKind::TooManyNodes { limit: 20 },
        ),
        (
            format!("a: &a {{{}}}\nb: {{<<: *a}}\n", "k: 1,".repeat(10)),
            ReadErrorKind::TooManyNodes { limit: 20 },
        ),
        (
            "<<: {}\n".repeat(20),
            ReadErrorKind::TooManyNodes { limit: 20 },
        ),
        (
            format!("a: {}", "x".repeat(100)),
            ReadErrorKind::TooManyScalarBytes { limit: 100 },
        ),
        (
            format!("a: &a {}\nb: [*a, *a]", "x".repeat(40)),
            ReadErrorKind::TooManyScalarBytes { limit: 100 },
        ),
        (
            "a: &a 1\nb: [*a, *a, *a, *a]".to_owned(),
            ReadErrorKind::TooManyAliases { limit: 3 },
        ),
        (
            "a: &a {<<: {<<: {<<: {<<: {}}}}}".to_owned(),
            ReadErrorKind::TooDeep { limit: 4 },
        ),
    ] {
        assert_eq!(refused(&text, &limits), kind, "{text}");
    }
    assert!(read_yaml(b"a: [[{b: 1}]]", &limits).is_ok());
}

#[test]
fn self_reference_and_bad_merges_are_refused() {
    for text in [
        "a: &a [*a]",
        "a: &a {b: *a}",
        "a: &a {<<: *a}",
        "<<: 1",
        "? [a]\n: 1",
        "~: 1",
    ] {
        assert!(
            matches!(refused(text, &Limits::VALUES), ReadErrorKind::NotJson(_)),
            "{text}"
        );
    }
    assert_eq!(
        refused("a: *b", &Limits::VALUES),
        ReadErrorKind::UnknownAnchor
    );
}

#[test]
fn steps_stay_within_a_factor_of_the_limit() {
    let limits = Limits {
        nodes: 500,
        ..Limits::VALUES
    };
    for unit in [
        "[",
        "{",
        "- ",
        "? ",
        "- - a\n",
        "a: 1\n",
        "a:\n",
        "\"\\",
        "*a ",
        "&a ",
        "'",
        "? a\n: b\n",
        "- a: b\n",
        "[],",
        "<<: {}\n",
        "- |\n",
        "a: &a\n",
        "- &a b\n",
        ": ",
        "!!str ",
        "[a: b],",
        "\t",
        "# c\n",
    ] {
        for start in ["", "[", "a: &a b\nc:\n  "] {
            let text = format!("{start}{}", unit.repeat(20_000));
            let steps = match read_yaml(text.as_bytes(), &limits) {
                Ok(document) => document.steps,
                Err(error) => error.steps,
            };
            assert!(
                steps <= STEPS_PER_VALUE * limits.nodes + 16,
                "{start}{unit}: {steps} steps"
            );
        }
    }
}

#[test]
fn notes_about_paths_below_long_keys_stay_small() {
    let key = "k".repeat(500_000);
    let document = read(&format!("? {key}\n: [{}]\n", "yes, ".repeat(1_000)));
    assert!(
        document
            .notes
            .iter()
            .all(|Note { path, .. }| *path == Path::root())
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_panics_and_places_lie_in_the_text(
        text in "([ \n\t\r:,?&*!|>'\"%@#{}\\[\\]ab1~.<-]|- |: |\n  |<<: |&a |\\*a|é|\u{feff}){0,60}",
    ) {
        let inside = |at: Position| at.byte <= text.len() && text.is_char_boundary(at.byte);
        match read_yaml(text.as_bytes(), &Limits::VALUES) {
            Ok(document) => {
                prop_assert!(document.notes.iter().all(|note| inside(note.at)));
                prop_assert!(document.root.at.is_some_and(inside));
            }
            Err(error) => prop_assert!(error.at.is_none_or(inside)),
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(read_yaml(&bytes, &Limits::VALUES));
    }
}
