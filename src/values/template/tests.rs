//! Whole templates, and what of them is certain.

use serde_json::{Value, json};

use super::*;
use crate::values::ReadErrorKind;

fn read(text: &str) -> Templated {
    read_template(text.as_bytes(), &Limits::VALUES).expect("the text is within the limits")
}

fn seen(text: &str) -> (Value, Vec<String>) {
    let Templated { document, unknown } = read(text);
    (
        document.root.to_json(),
        unknown.iter().map(Path::to_string).collect(),
    )
}

#[track_caller]
fn check(text: &str, known: Value, unknown: &[&str]) {
    let (document, paths) = seen(text);
    assert_eq!(
        (document, paths.iter().map(|path| &**path).collect()),
        (known, unknown.to_vec()),
        "{text}"
    );
}

#[track_caller]
fn check_opaque(text: &str) {
    check(text, json!({}), &[""]);
}

#[test]
fn without_templates_the_text_is_read_as_it_is() {
    check(
        "a: {b: 1}\nc: [x]\n",
        json!({"a": {"b": 1}, "c": ["x"]}),
        &[],
    );
    check("", Value::Null, &[]);
    check("- 1\n", json!([1]), &[]);
    assert!(read_template(b"a: [", &Limits::VALUES).is_err());
    assert!(read_template(b"\xff{{", &Limits::VALUES).is_err());
    assert!(!is_templated("a: {b: {c: 1}}"));
    assert!(is_templated("a: {{ .b }}"));
}

#[test]
fn a_scalar_with_an_action_is_unknown() {
    for scalar in [
        "{{ .x }}",
        "v{{ .x }}-full",
        "\"{{ .x }}\"",
        "'v{{ .x }}'",
        "{{ .x | quote }}  # why",
        "{{ .x | default \"}}\" }}",
        "{{- .x | nindent 2 }}",
        "{{ .x -}}",
        "[{{ .x }}, b]",
        "[[b], {c: {{ .x }}}]",
        "|\n  x\n  {{ .x }}",
        "|\n  {{ .x }}\n  x",
        ">\n  x {{ .x }}\n",
        "|\n  x\n  {{ if .x }}\n  y\n  {{ end }}",
        "\n- x\n- {{ .x }}",
        "\n  - b: {{ .x }}\n    c: 1",
        "\n  - b: 1\n  {{- range .x }}\n  - c: 1\n  {{- end }}",
        "{{ if .x }}v1{{ else }}v2{{ end }}",
        "v1{{ if .x }}-full{{ end }}",
        "{{ if .x }}\"v1\"{{ else if .y }}\"v2\"{{ end }}",
        "{{ toYaml .x }}",
        "{{- toYaml .x | nindent 4 }}",
        "{{ toYaml .x | nindent 1 }}",
        "\n  {{- toYaml .x | nindent 4 }}",
        "\n  {{- with .x }}\n  {{- toYaml . | nindent 4 }}\n  {{- end }}",
        "\n{{ toYaml .x | indent 2 }}",
        "\n  {{ .x }}",
        "\n  {{ include \"b\" . }}",
        "{{ if .x }}{{ toYaml .x | nindent 2 }}{{ end }}",
        "foo\n  {{ .x }}",
        "&n {{ .x }}",
        "!!str {{ .x }}",
        "{\n  {{ .x }}\n  b: 1\n  }",
        "{\n  b: 1,\n  {{ if .x }}\n  c: 1\n  {{ end }}\n  }",
        "\"foo\n  {{ .x }}\n  bar\"",
        "foo\n{{ if .x }}\n  bar\n{{ end }}",
    ] {
        let text = format!("z: 1\na: {scalar}\nw: [2]\n");
        if scalar.ends_with("-}}") {
            // The next line goes on with it.
            check_opaque(&text);
        } else {
            check(&text, json!({"z": 1, "w": [2]}), &["a"]);
        }
    }
}

#[test]
fn a_key_with_an_action_makes_its_map_unknown() {
    check("a:\n  b: 1\n  {{ .x }}: 2\nc: 3\n", json!({"c": 3}), &["a"]);
    check(
        "a: {b: 1, \"x{{ .x }}\": 2}\nc: 3\n",
        json!({"c": 3}),
        &["a"],
    );
    check("a:\n  - {{ .x }}: 1\nc: 3\n", json!({"c": 3}), &["a"]);
    check_opaque("a: 1\nx{{ .x }}: 2\n");
}

#[test]
fn blocks_are_unknown_where_their_indentation_puts_them() {
    check(
        "a:\n  b:\n    c: 1\n  {{- toYaml .x | nindent 2 }}\nd: 1\n",
        json!({"d": 1}),
        &["a"],
    );
    check(
        "a:\n  b:\n    c: 1\n  {{- toYaml .x | nindent 4 }}\n  e: 2\nd: 1\n",
        json!({"a": {"e": 2}, "d": 1}),
        &["a.b"],
    );
    check("a:\n  b: 1\n  {{ .x }}\nd: 1\n", json!({"d": 1}), &["a"]);
    check(
        "a:\n  # {{ toYaml .x | nindent 2 }}\n  b: 1\nc: 1\n",
        json!({"c": 1}),
        &["a"],
    );
    for text in [
        "a: 1\n{{ .x }}\n",
        "a: 1\n{{ toYaml .x }}\n",
        "a:\n  {{ toYaml .x }}\n",
        "a:\n  b: {{ .x | nindent 0 }}\n",
        "a: {{ printf \"1\\nb: 2\" }}\n",
        "a:\n  b: {{ .x | nindent .n }}\n",
        "a: {{ .x | nindent 4 }}b\n",
        "{{ .x | nindent 4 }}\na: 1\n",
    ] {
        check_opaque(text);
    }
}

#[test]
fn what_is_conditional_is_unknown() {
    check(
        "a: 1\n{{ if .x }}\nb: 2\n{{ else }}\nb: 3\nc: 4\n{{ end }}\nd: 5\n",
        json!({"a": 1, "d": 5}),
        &["b", "c"],
    );
    check(
        "a:\n  e: 1\n  {{- if .x }}\n  b:\n    c: 1\n  {{- end }}\n  d: 2\n",
        json!({"a": {"e": 1, "d": 2}}),
        &["a.b"],
    );
    check(
        "a:\n  {{- if .x }}\n  b: 1\n  {{- end }}\nd: 2\n",
        json!({"d": 2}),
        &["a"],
    );
    check(
        "{{ if .x -}}\na: 1\n{{ end -}}\nb: 2\n",
        json!({"b": 2}),
        &["a"],
    );
    check(
        "a: 0\n{{ if .x }}a: 1{{ end }}\nb: 2\n{{ if .x }}c: {{ .x }}{{ end }}\n",
        json!({"b": 2}),
        &["a", "c"],
    );
    check("{{ if .x }}\na: 1\n{{ end }}\na: 2\n", json!({"a": 2}), &[]);
    check(
        "{{ define \"x\" }}\na: 1\n{{ end }}\nb: 2\n",
        json!({"b": 2}),
        &["a"],
    );
    check(
        "{{ with .x }}\n{{ if .y }}\na: {b: 1}\n{{ end }}\nc: 1\n{{ end }}\nd: 1\n",
        json!({"d": 1}),
        &["a", "c"],
    );
    check("a: 1{{ if .x }}\nb: 2{{ end }}\n", json!({"a": 1}), &["b"]);
    check(
        "# {{ if .x }}\na: 1\n# {{ end }}\nb: 1\n",
        json!({"b": 1}),
        &["a"],
    );
}

#[test]
fn what_writes_nothing_changes_nothing() {
    check(
        "{{- $x := .Values.y -}}\n{{/* }}\n */}}\na: 1 {{- /* c */}}\nb: {{/* c */ -}} 2\n",
        json!({"a": 1, "b": 2}),
        &[],
    );
    check(
        "a: |\n  x\n{{/* c */}}\n  y\n",
        json!({"a": "x\n\ny\n"}),
        &[],
    );
    check("# see {{ .x }}\na: 1\n", json!({"a": 1}), &[]);
}

#[test]
fn what_cannot_be_seen_through_is_unknown_as_a_whole() {
    for text in [
        "a: {{ .x\n",
        "a: {{ \"x }}\n",
        "{{ if .x }}\na: 1\n",
        "a: 1\n{{ end }}\n",
        "{{ else }}\na: 1\n",
        "a: [{{ .x }}\n",
        "a: b: {{ .x }}\n",
        "a: 1\n{{- if .x -}}\nb: 2\n{{- end -}}\nc: 3\n",
        "a: 1{{ if .x }}\nb: 2\n{{ end }}c: 3\n",
        "a: 1\n{{ if .x }}\n---\n{{ end }}\nb: 2\n",
        "a:\n  e: 1\n{{ if .x }}\nc:\n{{ end }}\n  d: 2\n",
        "a:\n  e: 1\n{{ if .x }}\nc:\n{{ else }}\n  d: 2\n{{ end }}\n",
        "{{ if .x }}\nc:\n{{ end }}\n  d: 2\nc: 1\n",
        "z: |\n  q\n{{ if .x }}\na: |\n  x\n{{ end }}\n  # foo\n",
        "z: q\n{{ if .x }}\na: foo\n{{ end }}\n  bar\n",
        "a:\n  e: 1\n{{ if .x }}\nc:\n{{ end }}\n  {{- .y | nindent 2 }}\n",
        "{{ if .x }}\na: \"\n{{ else }}\nb: 1\na: \"\n{{ end }}\nc: 2\nd: \"\n",
        "{\"a\": 1, {{ if .x }}\n\"b\": 2,\n{{ end }}\"c\": 3}\n",
        "- {{ .x }}\n",
        "{{ .x }}",
    ] {
        check_opaque(text);
    }
}

#[test]
fn aliases_and_merges_are_unknown() {
    check(
        "z: &x 0\n{{ if .x }}\na: &x 1\n{{ end }}\nb: *x\nc: {d: *x, e: 1}\n",
        json!({"z": 0, "c": {"e": 1}}),
        &["a", "b", "c.d"],
    );
    check(
        "a: &x {b: {{ .x }}, c: 1}\nd:\n  <<: *x\n  e: 1\nf: 1\n",
        json!({"a": {"c": 1}, "f": 1}),
        &["a.b", "d"],
    );
}

#[test]
fn places_are_those_of_the_text_with_templates() {
    let text = "{{- /* é\n */}}\na: {é: {{ .Values.é }}, b: x}\r\n{{ if .x }}\n{{ end }}\n  {{- /**/}}\nc: {{ .x }}\nd: 1\nd: 2\n";
    let Templated { document, .. } = read(text);
    let place = |keys: &[&str]| {
        let at = document.root.get(keys.iter().copied()).and_then(|n| n.at);
        at.map(|at| (at.byte, at.line, at.column))
    };
    let found = |word: &str| text.find(word).expect("a word");
    assert_eq!(place(&["a", "b"]), Some((found("x}"), 3, 28)));
    assert_eq!(place(&["d"]), Some((found("2\n"), 9, 4)));
    let note = &document.notes[0];
    assert_eq!(
        (note.at.byte, note.at.line, note.at.column),
        (found("d: 2"), 9, 1)
    );
    let NoteKind::Duplicate { first } = note.kind else {
        panic!("{note:?}")
    };
    assert_eq!((first.byte, first.line), (found("d: 1"), 8));
}

#[test]
fn duplicates_between_branches_are_none() {
    let Templated { document, .. } = read("{{ if .x }}\na: 1\n{{ else }}\na: 2\n{{ end }}\nA: 1\n");
    assert_eq!(document.notes, []);
}

#[test]
fn only_bounds_are_errors() {
    let limits = Limits {
        bytes: 100,
        depth: 4,
        nodes: 10,
        ..Limits::VALUES
    };
    for (text, kind) in [
        (
            format!("a: {{{{ .x }}}}{}", " ".repeat(100)),
            ReadErrorKind::TooLarge { limit: 100 },
        ),
        (
            "a: {{ .x }}\nb: [[[[[[1]]]]]]\n".to_owned(),
            ReadErrorKind::TooDeep { limit: 4 },
        ),
        (
            format!("a: {{{{ .x }}}}\nb: [{}]", "1,".repeat(20)),
            ReadErrorKind::TooManyNodes { limit: 10 },
        ),
    ] {
        let error = read_template(text.as_bytes(), &limits).expect_err("over a bound");
        assert_eq!(error.kind, kind);
    }
}

#[test]
fn paths_stay_small() {
    let many: Vec<_> = (0..2_000).map(|n| format!("k{n}: {{{{ .x }}}}")).collect();
    let many = many.join("\n");
    let key = "k".repeat(500_000);
    check(
        &format!("a:\n  ? {key}\n  : {{b: {{{{ .x }}}}, c: 1}}\nd: 1\n"),
        json!({"d": 1}),
        &["a"],
    );
    check_opaque(&format!("a: [1]\n{many}"));
}

#[test]
fn time_is_linear() {
    for unit in [
        "{{ .x }}",
        "{{if 1}}",
        "{{",
        "a: {{ .x }}\n",
        "{{if 1}}\na: 1\n{{end}}\n",
        "{{/**/}}",
        "[{{1}},",
        "{{1}}\n",
        "  {{1}}\n",
        "- {{1}}\n",
        "{{(",
        "{{\"",
        "{{`",
    ] {
        for start in ["", "a: {b: 1,\n", "a:\n  b: |\n"] {
            let text = format!("{start}{}", unit.repeat(200_000 / unit.len()));
            let begin = std::time::Instant::now();
            drop(read_template(text.as_bytes(), &Limits::VALUES));
            assert!(begin.elapsed().as_secs() < 5, "{start}{unit}");
        }
    }
}
