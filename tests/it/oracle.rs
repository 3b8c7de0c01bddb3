//! `read_yaml` against Go: `kubectl label --local` reads its files with `sigs.k8s.io/yaml`.
//!
//! Every document is a manifest of its own, read by both sides as it stands, so that nothing is
//! wrapped and no meaning changes on the way. One call reads hundreds of files: what Go refuses it
//! reports and passes over, and what it reads is known by `metadata.name`.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use distrogate::values::{Limits, read_yaml};
use serde_json::Value;

use crate::support::has_kubectl;

/// Documents that Go reads and we refuse: text, our words, and why that is so. Each must go on to
/// be one: one that Go and we read alike is to be moved to the other documents.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "# a\u{85}b: 1\n",
        SEPARATOR,
        "Go ends the comment here, which no editor shows",
    ),
    ("a: \"x\u{2028}y\"\n", SEPARATOR, "a line break to Go"),
    (
        "a: \"\u{feff}\"\n",
        BOM,
        "invisible, and sometimes skipped by Go",
    ),
    ("\u{feff}\u{feff}HEADa: b\n", BOM, "the same"),
    (
        "a: \"x\"# c\n",
        "comments must be separated from other tokens by whitespace",
        "YAML wants a space",
    ),
    (
        "a: 'x'# c\n",
        "comments must be separated from other tokens by whitespace",
        "the same",
    ),
    (
        "a: [b]# c\n",
        "comments must be separated from other tokens by whitespace",
        "the same",
    ),
    (
        "a: |# c\n  b\n",
        "comments must be separated from other tokens by whitespace",
        "the same",
    ),
    (
        "a: [-]\n",
        "plain scalar cannot start with '-' followed by ,[]{}",
        "our parser",
    ),
    (
        "a: {b:}\n",
        "a : after a plain key inside [] or {} needs a space behind it",
        "`b:` to Go",
    ),
    (
        "a: [?x]\n",
        "a plain value inside [] or {} cannot hold ? or start with :",
        "a key to Go",
    ),
    (
        "a: [!!str, b]\n",
        "a tag must be followed by white space",
        "the comma is Go's tag's",
    ),
    (
        "a: !x[y] z\n",
        "while scanning a tag, did not find expected whitespace or line break",
        "our parser",
    ),
    (
        "a: [!!, b]\n",
        "while parsing a tag, did not find expected tag URI",
        "our parser",
    ),
    (
        "a: \"\\'\"\n",
        "while parsing a quoted scalar, found unknown escape character",
        "our parser",
    ),
    (
        "a: \"b\nc\"\n",
        "invalid indentation in multiline quoted scalar",
        "our parser",
    ),
    (
        "a: &x b\n*x: c\n",
        "simple key expected ':'",
        "the colon is our parser's alias's",
    ),
    (
        "a: b\n%YAML 1.1\n",
        "missing explicit document end marker before directive",
        "Go looks no further",
    ),
    (
        "a: b\n... c\n",
        "invalid content after document end marker",
        "Go looks no further",
    ),
    (
        "# c\n{FLOW, a: 1}}\n",
        "misplaced bracket",
        "Go looks no further",
    ),
    (
        "a: [b\n :, c]\n",
        "illegal placement of ':' indicator",
        "our parser",
    ),
    (
        "a: &x:b\n",
        "an anchor name has letters, digits, - and _ only",
        "the colon is our parser's anchor's",
    ),
    (
        "a: .inf\na: 1\n",
        "infinity and .nan are not JSON",
        "Go never looks at what is replaced",
    ),
    (
        "a: [b:]\n",
        "a : after a plain key inside [] or {} needs a space behind it",
        "`b:` to Go",
    ),
    (
        "a: {b: c:}\n",
        "while parsing a flow mapping, did not find expected ',' or '}'",
        "`c:` to Go",
    ),
    (
        "a: |2\n # b\n",
        "wrongly indented line in block scalar",
        "our parser",
    ),
    (
        "a: [!!str,, b]\n",
        "unexpected EOF while parsing an implicit flow mapping",
        "the comma is Go's tag's",
    ),
];

/// How many documents are generated; tens of thousands agree, too, and take half a minute.
const GENERATED: usize = 600;

const SEPARATOR: &str = "found a line separator (U+0085, U+2028 or U+2029); write it as an escape";
const BOM: &str = "found a byte order mark inside the text";

/// Scalars, each tried as a value, as a key, and in flow collections.
const SCALARS: &[&str] = &[
    "y",
    "Y",
    "yes",
    "Yes",
    "YES",
    "yEs",
    "true",
    "True",
    "TRUE",
    "tRUE",
    "on",
    "On",
    "ON",
    "oN",
    "n",
    "N",
    "no",
    "No",
    "NO",
    "nO",
    "false",
    "False",
    "FALSE",
    "off",
    "Off",
    "OFF",
    "null",
    "Null",
    "NULL",
    "nULL",
    "~",
    "''",
    "\"\"",
    "0",
    "-0",
    "+0",
    "00",
    "1",
    "-1",
    "+12",
    "12",
    "017",
    "-017",
    "+017",
    "0o17",
    "0O17",
    "-0o17",
    "0o8",
    "08",
    "089",
    "0x1F",
    "0X1f",
    "-0x1F",
    "0xG",
    "0x",
    "0b101",
    "0B101",
    "-0b11",
    "0b2",
    "0b",
    "1_000",
    "1__0",
    "1_",
    "_1",
    "0_7",
    "0x_1F",
    "+_1",
    "-_",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "12345678901234567890123",
    "0777777777777777777777777",
    "0x1FFFFFFFFFFFFFFFFFFFF",
    "1.0",
    "1.30",
    "1.5",
    "-1.5",
    ".5",
    "+.5",
    "-.5",
    "5.",
    "1e3",
    "1E3",
    "1e+3",
    "1e-3",
    "1.5e300",
    "1e400",
    "-1e400",
    "1e-400",
    ".1e400",
    "1e21",
    "1e20",
    "123456789.0",
    "1e-7",
    "0.000001",
    "1.",
    ".",
    "..",
    "...x",
    "-",
    "+",
    ".inf",
    "-.inf",
    "+.inf",
    ".Inf",
    ".iNF",
    ".nan",
    ".NaN",
    "inf",
    "nan",
    "+inf",
    "1:30",
    "1:30:45.5",
    "190:20:30",
    "2001-01-01",
    "2001-1-1",
    "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43.10",
    "12e03",
    "1e",
    "1e+",
    "e3",
    "1.2.3",
    "v1.30",
    "1.30.0",
    "0x1.8p1",
    "1_0.5",
    "._5",
    ".1_0",
    "<<",
    "=",
    "!custom 1",
    "! 12",
    "! ''",
    "!!str 1",
    "!!str yes",
    "!!str",
    "!!int 1",
    "!!int '1'",
    "!!int 1.5",
    "!!int x",
    "!!float 1",
    "!!float 1.5",
    "!!float x",
    "!!float '1'",
    "!!bool yes",
    "!!bool 1",
    "!!bool 'no'",
    "!!null ~",
    "!!null x",
    "!!null ''",
    "!!binary aGVsbG8=",
    "!!binary /w==",
    "!!binary aGk",
    "!!binary aGl=",
    "!!binary 'aG Vs'",
    "!!set x",
    "!<tag:yaml.org,2002:str> 1",
    "!<tag:yaml.org,2002:int> 1",
    "!!merge <<",
    "!local 'x'",
    "é",
    "日本語",
    "😀",
    "a b",
    "a#b",
    "a:b",
    "http://x.y/z?q=1",
    "10.0.0.0/8",
    "fd00::/64",
    "::1",
    "a,b",
    "'a: b'",
    "'it''s'",
    "\"a\\tb\\n\\u00e9\\x41\\U0001F600\"",
    "\"\\N\\_\\L\\P\\0\\a\\b\\v\\f\\r\\e\\ \\\\\\\"\"",
    "\"\\/\"",
    "\"\\'\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\q\"",
    "\"\\x4\"",
    "'\\n'",
    "@x",
    "`x",
    "%x",
    "&a x",
    "&a.b x",
    "&a",
    "*x",
    "|x",
    ">x",
    "x |",
    "x]",
    "]x",
    "{x",
    "x}",
    "-x",
    "--x",
    "- x",
    "?x",
    "? x",
    ":x",
    ": x",
    "x:",
    "#x",
    "x #y",
    "x# y",
    "'x' #y",
    "!",
    "!!",
    "&",
    "*",
    "'x",
    "\"x",
    "x'",
    "x\"",
    "'x' y",
];

/// Whole documents. `HEAD` stands for the manifest's own fields in block style, and `FLOW` for
/// them in flow style; without either they come first.
const DOCUMENTS: &[&str] = &[
    // What vCluster configs look like.
    "controlPlane:\n  distro:\n    k8s:\n      enabled: true\n      version: v1.30.2\n",
    "controlPlane:\n  backingStore:\n    etcd:\n      deploy:\n        enabled: yes\n",
    "controlPlane:\n  distro: {k3s: {enabled: true, image: {tag: v1.30.2-k3s1}}}\n",
    "controlPlane:\n  statefulSet:\n    image:\n      tag: 1.30\n    resources:\n      limits: {memory: 2Gi, cpu: 1}\n",
    "sync:\n  toHost:\n    ingresses:\n      enabled: on\n  fromHost:\n    nodes: {enabled: off}\n",
    "experimental:\n  deploy:\n    vcluster:\n      manifests: |-\n        apiVersion: v1\n        kind: X\n        data:\n          a: b\n",
    "# leading comment\ncontrolPlane: # here\n  # and here\n  proxy:\n    extraSANs:\n    - a.b # and here\n    # last\n",
    "exportKubeConfig:\n  context: my-ctx\n  server: https://localhost:8443\n  secret: {name: x, namespace: ~}\n",
    "controlPlane:\n  distro:\n    k8s:\n      apiServer:\n        extraArgs:\n          - --a=b\n          - \"--c=d\"\n          - --e={f: g}\n",
    "policies:\n  resourceQuota: {enabled: auto, quota: {requests.cpu: 10, count/pods: 20}}\n",
    // Duplicates and keys that are no strings.
    "a: 1\na: 2\n",
    "a: {b: 1}\na: {c: 2}\n",
    "a: {b: 1, b: 2, b: 3}\n",
    "{a: 1}: 2\n",
    "[a]: 2\n",
    "? [a, b]\n: c\n",
    "? {a: b}\n: c\n",
    "? a\n: b\n",
    "? a\n",
    "? a\n? b\n",
    "? |\n  a\n: b\n",
    "? a\n: - b\n  - c\n",
    "?\n: b\n",
    ": b\n",
    "a: {: b}\n",
    "a: {? b : c}\n",
    "a: {? b, c}\n",
    "a: [? b : c]\n",
    "a: [b: c]\n",
    "a: [b: c, d: e, f]\n",
    "a: [{b: c}: d]\n",
    "a: {\"b\":1,'c':2}\n",
    "a: {\"b\":[1],'c':{\"d\":2}}\n",
    "a: {b, c: , d: e}\n",
    "a: {b: c,}\n",
    "a: [b,]\n",
    "a: [b,,c]\n",
    "a: [,]\n",
    "a: {,}\n",
    "a: []\nb: {}\n",
    "a: [b\nc: d\n",
    "a: {b: c\n",
    "a: b]\n",
    "a: [b] c\n",
    "a: [b]c\n",
    "a: {b: c} d\n",
    "a: 'b' c\n",
    "a: [b]# c\n",
    "a: {b: c}# d\n",
    "a: [x:y, b:c]\n",
    "a: {x:y}\n",
    "a: [b:]\n",
    "a: {b: :c}\n",
    "a: [:b]\n",
    "a: [a?b]\n",
    "a: [::1]\n",
    "a: [http://x.y/z]\n",
    "a: [http://x.y/z?q]\n",
    "a: [- b]\n",
    "a: [-b, -1]\n",
    "a: [b\n  c,\n  d]\n",
    "a: [b, # c\n  d]\n",
    "a: [b #c\n  ,d]\n",
    "a:\n  [b,\n  c]\n",
    "a:\n [\n b\n ]\n",
    "a: [\nb\n]\n",
    "a: {\nb: c\n}\n",
    "a: {b:\n  c}\n",
    "a: {b\n  : c}\n",
    "a: {\"b\"\n  : c}\n",
    "a: [[[[[[]]]]]]\n",
    // Anchors, aliases, merges.
    "a: &x 1\nb: *x\n",
    "a: &x {b: 1}\nc: *x\n",
    "a: &x [1, 2]\nc: [*x, *x]\n",
    "a: &x 1\nb: &x 2\nc: *x\n",
    "a: *x\n",
    "a: *x\nb: &x 1\n",
    "a: &x [*x]\n",
    "a: &x {b: *x}\n",
    "a: &x\nb: *x\n",
    "a: &x !!str\nb: *x\n",
    "a: !!str &x 1\nb: *x\n",
    "a: &x\n  b: 1\nc: *x\n",
    "a: &x\n- 1\nc: *x\n",
    "a: &x\n  - 1\nc: *x\n",
    "a: &x b\n*x : c\n",
    "a: &x b\n*x: c\n",
    "a: &x [b]\n*x : c\n",
    "a: &x 1\n*x : c\n",
    "a: [&x b, *x]\n",
    "a: {&x b: *x}\n",
    "a: {b: &x c, d: *x}\n",
    "&x a: *x\n",
    "a: &x-1_Z b\nc: *x-1_Z\n",
    "a: &é b\n",
    "a: &x:b\n",
    "a: &x &y b\n",
    "a: !x !y b\n",
    "a: &x *x\n",
    "a: & b\n",
    "a: * b\n",
    "b: 2\n<<: {b: 1}\n",
    "<<: {b: 1}\nb: 2\n",
    "a: &x {b: 1}\nc:\n  b: 2\n  <<: *x\n",
    "a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\n",
    "a: &x {b: 1, c: 1}\nd: &y {b: 2, e: 2}\nf:\n  <<: [*x, *y]\n",
    "a: &x {b: 1, c: 1}\nf:\n  <<: [*x, {b: 3, g: 4}]\n  g: 5\n",
    "a: &x {b: 1}\nc: &y {<<: *x, d: 2}\ne: {<<: *y}\n",
    "a: &x {b: 1}\nf:\n  <<: *x\n  <<: {b: 2}\n",
    "a: &x {b: {c: 1}}\nf:\n  <<: *x\n  b: {d: 2}\n",
    "f:\n  <<: []\n",
    "f:\n  <<:\n",
    "f:\n  <<: 1\n",
    "f:\n  <<: [1]\n",
    "f:\n  <<: [[{a: 1}]]\n",
    "a: &x 1\nf:\n  <<: *x\n",
    "a: &x [{b: 1}]\nf:\n  <<: *x\n",
    "a: &x [{b: 1}]\nf:\n  <<: [*x]\n",
    "f:\n  \"<<\": {a: 1}\n",
    "f:\n  !!merge <<: {a: 1}\n",
    "f:\n  !!str <<: {a: 1}\n",
    "f:\n  ! <<: {a: 1}\n",
    "f: &x\n  <<: *x\n",
    "f:\n  <<: {<<: {<<: {a: 1}, a: 2}, a: 3}\n",
    "f:\n  - <<: {a: 1}\n    b: 2\n",
    "f: {a: 1, <<: {a: 2}, a: 3}\n",
    "f: [<<, {<<: {a: 1}}]\n",
    "a: &k <<\nf:\n  *k : {a: 1}\n",
    "f: {<<: {yes: 1}, on: 2}\n",
    "a: [? b\n: c]\n",
    "a: {? b\n: c}\n",
    "a: {? b, c\n: d}\n",
    "a: {!!str\n b: c}\n",
    "a: {? b :,c}\n",
    "a: [b :c]\n",
    // Block scalars.
    "a: |\n  b\n  c\n",
    "a: |-\n  b\n  c\n\n",
    "a: |+\n  b\n\n\nc: d\n",
    "a: >\n  b\n  c\n\n  d\n   e\n  f\n",
    "a: >-\n  b\n\n\n  c\n",
    "a: >+\n  b\n\n",
    "a: |2\n   b\n  c\n",
    "a: |2-\n   b\n",
    "a: |-2\n   b\n",
    "a: |0\n b\n",
    "a: |10\n b\n",
    "a: |1\n b\n  c\n",
    "a: | # comment\n  b\n",
    "a: |# comment\n  b\n",
    "a: |x\n  b\n",
    "a: |\n\n\n  b\n",
    "a: |\n    \n  b\n",
    "a: |\n  b\n    c\n d: e\n",
    "a: |\n  b\nc: d\n",
    "a: |\nb: c\n",
    "a: |\n",
    "a: >\n",
    "a: |\n  \tb\n",
    "a: |\n\tb\n",
    "a: |\n  b\n\tc\n",
    "a: |\n  b\t\n  c\n",
    "a: |\n  # not a comment\n # a comment\nb: c\n",
    "a: |\n  b\n # c\nd: e\n",
    "a:\n- |\n b\n- >\n c\n d\n",
    "- |\n b\n",
    "a: &x |\n  b\nc: *x\n",
    "a: !!str |\n  1\n",
    "a: !!int |-\n  1\n",
    "a: [|\n b]\n",
    "a: |\n  é\n  日\n",
    "a: |\n  b\r\n  c\r\nd: e\r\n",
    "a: >\n\n  b\n\n   c\n\n  d\n",
    "a: >\n   b\n  c\n",
    "a: |\n  {{ .Values.x }}\n  'x\n  \"y\n",
    // Plain and quoted scalars on several lines.
    "a: b\n  c\n",
    "a: b\n  c\n\n  d\n",
    "a:\n  b\n  c\n",
    "a: b\nc\n",
    "a: b\n c: d\n",
    "a: b: c\n",
    "a: b\n  - c\n",
    "a:\n  b\n  c: d\n",
    "a: \"b\n  c\"\n",
    "a: \"b\nc\"\n",
    "a: 'b\nc'\n",
    "a: \"b\\\n  c\"\n",
    "a: \"b  \n\n\n  c\"\n",
    "a: 'b\n\n  c'\n",
    "a: \" b \"\n",
    "a: \"b\n  # c\n  d\"\n",
    "a: b\n  # c\n  d\n",
    "a: b # c\n  d\n",
    "\"a\nb\": c\n",
    "a\nb: c\n",
    "a: \"x\n\ty\"\n",
    "a: 'x\n\ty'\n",
    "a: [\"x\ny\", 'z\n w']\n",
    // Indentation.
    "a:\n- b\n- c\n",
    "a:\n  - b\n  - c\n",
    "a:\n - b\n  - c\n",
    "a:\n  b: 1\n c: 2\n",
    "a:\n  b: 1\n   c: 2\n",
    " a: 1\n",
    "a:\n    b:\n     c: d\n    e: f\n",
    "a:\n- - b\n  - c\n- - - d\n",
    "a:\n- b: c\n  d: e\n- b: f\n",
    "a:\n- b:\n  - c\n  d: e\n",
    "a:\n-\n  b: c\n-\n",
    "a:\n-   b: c\n    d: e\n",
    "a: - b\n",
    "a: - - b\n",
    "a:\n- b\nc:\n- d\n",
    "a:\n  - b\n c: d\n",
    "- a\n",
    "a: b\n- c\n",
    "a: &x - b\n",
    "a: ? b\n",
    "a:\n  ? b\n  : c\n  d: e\n",
    "a:\n  ? b\n  :\n    - c\n",
    // Tabs.
    "a:\n\tb: c\n",
    "a:\tb\n",
    "a: \tb\n",
    "a:\n  b:\tc\n",
    "a: b\t\n",
    "a: b\t# c\n",
    "a:\t# c\n  b: d\n",
    "a: b\n\t\nc: d\n",
    "a: b\n  \t\nc: d\n",
    "a: b\n  \tc\n",
    "a: b\n\tc\n",
    "a: b\n \t c\n",
    "a: 'b'\n\t\nc: d\n",
    "a: 'b'\n  \t# c\nd: e\n",
    "a: b\n\t# c\nd: e\n",
    "a:\n-\tb\n",
    "a:\n- \tb\n",
    "a:\n-\t- b\n",
    "a:\n  -\tb: c\n",
    "a:\n- b\n-\t\n",
    "a:\n- b\n- \t# c\n",
    "a: [b,\n\tc]\n",
    "a: {\n\tb: c,\n\td: e\n}\n",
    "a: [b,\tc]\n",
    "a: [b\n\t, c]\n",
    "a: [b\n \t, c]\n",
    "a:\n  b: [c\n\t,d]\n",
    "a: [\"b\"\n\t, c]\n",
    "a: |\n  b\n\t\nc: d\n",
    "? a\n:\tb\n",
    "?\ta\n: b\n",
    "a\t: b\n",
    "\"a\"\t: b\n",
    "a: \"b\tc\"\n",
    "a: b\tc\n",
    "a: &x\tb\n",
    "a: !!str\tb\n",
    "a: *x\t\n",
    "\ta: b\n",
    "a:\n  \tb: c\n",
    "a:\n  b: c\n\t\n",
    "a: >\t\n  b\n",
    "a: |\t# c\n  b\n",
    // Tags.
    "a: !!map {b: c}\n",
    "a: !!seq [b]\n",
    "a: !!seq\n- b\n",
    "a: !!seq - b\n",
    "a: !!map\n  b: c\n",
    "a: !!map [b]\n",
    "a: !!str {b: c}\n",
    "a: !!null [b]\n",
    "a: !!set {b, c}\n",
    "a: !!omap\n- b: c\n",
    "!!str a: b\n",
    "!!int 1: b\n",
    "!!int a: b\n",
    "!!binary YQ==: b\n",
    "a: [!!str, b]\n",
    "a: [!!str , b]\n",
    "a: [!!int 1, !x y]\n",
    "a: {!!str b: !!int 1}\n",
    "a: !a!b c\n",
    "a: !<x c\n",
    "a: !<> c\n",
    "a: !e%21 c\n",
    "a: !e%zz c\n",
    "a: !!str\nb: c\n",
    "a: !x\nb: c\n",
    "a: !!null\nb: c\n",
    "a: !!int\nb: c\n",
    "a: !!str # c\n  b\n",
    "a: !x(y) z\n",
    "a: !x#y z\n",
    "a: !x[y] z\n",
    "--- # c\nHEADa: b\n",
    // Directives, ends, empties, comments, other spaces.
    "%YAML 1.1\n",
    "a: b\n%YAML 1.1\n",
    "a: b\n...\n",
    "a: b\n... # c\n",
    "a: b\n...\n...\n",
    "a: b\n...\n\"\n",
    "a: b\n...\n]\n",
    "a: b\n...\n- c\n- d: [\n",
    "a: b\n... c\n",
    "a: b\n...c: d\n",
    "a: b\n.. .: d\n",
    "a: b\n ...\n",
    "\n\n\na: b\n\n\n",
    "# c\n\n# d\na: b\n# e\n",
    "a: b #\n",
    "a: #b\n",
    "a:#b\n",
    "a: b #c: d\n",
    "#\n#\na: b\n",
    "a: b\n   # c\n# d\nc: e\n",
    "\u{feff}HEADa: b\n",
    "\u{feff}# c\nHEADa: b\n",
    "\u{feff}\u{feff}HEADa: b\n",
    "a: b\n\u{feff}c: d\n",
    "a: b\u{feff}c\n",
    "a: \"\u{feff}\"\n",
    "a: b\u{a0}c\n",
    "a:\u{a0}b\n",
    "a: \u{3000}b\n",
    "a: b\u{7}\n",
    "a: b\u{7f}\n",
    "a: b\u{80}\n",
    "a: b\u{fffe}\n",
    "a: b\u{e000}\n",
    "a: \"\u{1b}\"\n",
    "a: b\rc: d\r",
    "a: b\r\nc:\r\n- d\r\n- e\r\n",
    "a: \"b\r\n  c\"\r\n",
    "a: |\r\n  b\r\n  c\r\n",
    "a: >\r\n  b\r\n  c\r\n",
    "a: b\r\n\r\n# c\r\nd: e\r\n",
    "日本: 語\n😀: 'é'\n",
    "\"é\": \"\\u00e9\"\n",
    "# c\n{FLOW, a: 1}\n",
    "# c\n{FLOW, \"a\": [1, {\"b\": null}], \"c\": true}\n",
    "# c\n{FLOW,\n  \"a\": \"b\",\n\t\"c\": 1.0\n}\n",
    "# c\n{FLOW, a: 1,}\n",
    "# c\n{FLOW, a: 1}}\n",
    "# c\n{FLOW, a: 1\n",
    "# c\n{FLOW}\n# d\n",
    "# c\n  {FLOW}\n",
    "# c\n{FLOW, ? a : b}\n",
    "# c\n{FLOW, <<: {a: 1}, a: 2}\n",
];

#[test]
fn go_reads_the_same() {
    if !has_kubectl() {
        return;
    }
    let mut documents: Vec<String> = DOCUMENTS.iter().map(|text| (*text).to_owned()).collect();
    for scalar in SCALARS {
        documents.push(format!("a: {scalar}\n"));
        documents.push(format!("{scalar}: a\n"));
        documents.push(format!("a: [{scalar}, b]\n"));
        documents.push(format!("a:\n- {scalar}\n- {{b: {scalar}}}\n"));
    }
    // Around the share of aliases that goyaml still accepts.
    for (size, aliases) in [(300, 90), (300, 110), (100, 200), (1_000, 97), (1_000, 110)] {
        let (items, aliases) = ("x,".repeat(size), "*a,".repeat(aliases));
        documents.push(format!("a: &a [{items}]\nb: [{aliases}]\n"));
    }
    check(&documents);
}

#[test]
fn go_reads_generated_documents_the_same() {
    if !has_kubectl() {
        return;
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let documents: Vec<String> = (0..GENERATED).map(|_| random.document()).collect();
    check(&documents);
}

#[test]
fn what_only_we_refuse_is_known() {
    if !has_kubectl() {
        return;
    }
    let documents: Vec<String> = REFUSED
        .iter()
        .map(|(text, ..)| (*text).to_owned())
        .collect();
    let found = compare(&documents);
    for (number, (text, words, why)) in REFUSED.iter().enumerate() {
        let ours = match found.get(&number) {
            Some(Difference::WeRefuse { words, .. }) => words.as_str(),
            other => panic!("{text:?} ({why}) is no longer refused by us alone: {other:?}"),
        };
        assert_eq!(ours, *words, "{text:?} ({why})");
    }
}

/// Fails on every difference except that we refuse in words which `REFUSED` knows.
fn check(documents: &[String]) {
    let mut known = 0;
    let mut wrong = Vec::new();
    for (number, difference) in compare(documents) {
        match difference {
            Difference::WeRefuse { words, .. } if REFUSED.iter().any(|(_, it, _)| *it == words) => {
                known += 1;
            }
            difference => wrong.push(format!("{:?}\n  {difference:?}", documents[number])),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} documents differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        known * 20 < documents.len(),
        "{known} of {} documents refused",
        documents.len()
    );
}

#[derive(Debug)]
#[expect(dead_code, reason = "the fields are for the message of a failed test")]
enum Difference {
    WeRefuse { words: String, go: Value },
    GoRefuses { we: Value },
    Values { go: Value, we: Value },
}

/// The documents, by number, that Go and we read differently.
fn compare(documents: &[String]) -> BTreeMap<usize, Difference> {
    let manifests: Vec<String> = documents
        .iter()
        .enumerate()
        .map(|(number, text)| manifest(number, text))
        .collect();
    let mut read = read_with_go(&manifests);
    let differences = manifests
        .iter()
        .enumerate()
        .filter_map(|(number, manifest)| {
            let we =
                read_yaml(manifest.as_bytes(), &Limits::VALUES).map(|read| read.root.to_json());
            let difference = match (we, read.remove(&number)) {
                (Ok(we), Some(go)) if same(&we, &go) => return None,
                (Err(_), None) => return None,
                (Ok(we), Some(go)) => Difference::Values { go, we },
                (Ok(we), None) => Difference::GoRefuses { we },
                (Err(error), Some(go)) => Difference::WeRefuse {
                    words: error.to_string(),
                    go,
                },
            };
            Some((number, difference))
        });
    differences.collect()
}

fn manifest(number: usize, text: &str) -> String {
    let head = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: d{number}}}\n");
    let flow = format!("apiVersion: v1, kind: ConfigMap, metadata: {{name: d{number}}}");
    if text.contains("HEAD") || text.contains("FLOW") {
        text.replace("HEAD", &head).replace("FLOW", &flow)
    } else {
        head + text
    }
}

/// Go's reading of each manifest that it does not refuse.
pub(crate) fn read_with_go(manifests: &[String]) -> BTreeMap<usize, Value> {
    let directory = tempfile::tempdir().unwrap();
    let mut read = BTreeMap::new();
    let numbered: Vec<_> = manifests.iter().enumerate().collect();
    for batch in numbered.chunks(400) {
        let mut command = Command::new("kubectl");
        command.args([
            "label",
            "--local",
            "foo=bar",
            "-o",
            "json",
            "--dry-run=client",
        ]);
        for (number, manifest) in batch {
            let file = directory.path().join(format!("{number}.yaml"));
            fs::write(&file, manifest).unwrap();
            command.arg("-f").arg(file);
        }
        let output = command.output().unwrap();
        for object in serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>() {
            let mut object = object.unwrap();
            object["metadata"].as_object_mut().unwrap().remove("labels");
            let name = object["metadata"]["name"].as_str().unwrap();
            let number = name.strip_prefix('d').unwrap().parse().unwrap();
            read.insert(number, object);
        }
    }
    read
}

/// Equal as JSON, numbers by their value as floats.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// A xorshift generator: the same documents in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    pub(crate) fn of<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.below(items.len())]
    }

    /// Half grown from a grammar, half curated documents with a few characters changed.
    fn document(&mut self) -> String {
        if self.below(2) == 0 {
            let mut text = String::from("base: &base {x: 1, y: [2]}\n");
            self.map(&mut text, 0, 3);
            return text;
        }
        let mut text: Vec<char> = self.of(DOCUMENTS).chars().collect();
        for _ in 0..=self.below(3) {
            let at = self.below(text.len());
            let new = self.of(&[
                " ", "\n", "\t", ":", "-", "?", ",", "[", "]", "{", "}", "#", "&", "*", "!", "|",
                ">", "'", "\"", "%", "@", "\\", "a", "1", "~", ".", "<<", ": ", "- ", "\n  ", "é",
            ]);
            let removed = self.below(2);
            text.splice(at..at + removed, new.chars());
        }
        let text: String = text.into_iter().collect();
        // These mean something to kubectl itself, or to this test.
        if text.contains("---") || text.contains("FLOW") || text.contains("HEAD") {
            return "a: b\n".to_owned();
        }
        text.trim_end_matches('\r').to_owned() + "\n"
    }

    fn map(&mut self, text: &mut String, indent: usize, depth: usize) {
        for _ in 0..=self.below(4) {
            text.push_str(&" ".repeat(indent));
            let key = match self.below(8) {
                0 => self.of(&["yes", "1", "1.5", "\"q\"", "'s'", "0x1F", "on", "é", "a b"]),
                1 => "<<",
                _ => self.of(&["a", "b", "c", "d", "e", "f", "g", "h"]),
            };
            text.push_str(key);
            text.push(':');
            if key == "<<" {
                text.push_str(self.of(&[" *base\n", " [*base, {x: 2}]\n", " {z: 3}\n"]));
            } else {
                self.value(text, indent, depth);
            }
            if self.below(8) == 0 {
                text.push_str(self.of(&["\n", "# c\n", "   # c\n", "  \n"]));
            }
        }
    }

    fn value(&mut self, text: &mut String, indent: usize, depth: usize) {
        match self.below(if depth == 0 { 5 } else { 8 }) {
            0 => text.push_str(self.of(&[
                " *base\n",
                "\n",
                " \n",
                " # c\n",
                " 'x'\n",
                " \"y\\n\"\n",
            ])),
            1 => {
                text.push(' ');
                self.flow(text, 2);
                text.push('\n');
            }
            2 => {
                let header = self.of(&["|", "|-", "|+", ">", ">-", ">+", "|2", "> # c"]);
                let pad = " ".repeat(indent + 2);
                text.extend([" ", header, "\n", &pad, "x: y\n"]);
                for _ in 0..self.below(3) {
                    let line = self.of(&["\n", "  more\n", "z # z\n", " 'q\n"]);
                    if line != "\n" {
                        text.push_str(&pad);
                    }
                    text.push_str(line);
                }
            }
            3 | 4 => {
                let scalar = self.of(SCALARS);
                let more = self.of(&["", "", "", " # c", "  "]);
                text.extend([" ", scalar, more, "\n"]);
            }
            5 => {
                text.push('\n');
                let indent = indent + 2 * self.below(2);
                for _ in 0..=self.below(3) {
                    text.push_str(&" ".repeat(indent));
                    text.push('-');
                    self.value(text, indent, depth - 1);
                }
            }
            _ => {
                text.push('\n');
                let indent = indent + 1 + self.below(4);
                self.map(text, indent, depth - 1);
            }
        }
    }

    fn flow(&mut self, text: &mut String, depth: usize) {
        match self.below(if depth == 0 { 2 } else { 4 }) {
            0 | 1 => text.push_str(self.of(SCALARS)),
            2 => {
                text.push('[');
                for _ in 0..self.below(4) {
                    self.flow(text, depth - 1);
                    text.push_str(self.of(&[", ", ",", " , ", ",\n      "]));
                }
                text.push(']');
            }
            _ => {
                text.push('{');
                for _ in 0..self.below(4) {
                    text.push_str(self.of(&["a: ", "b: ", "\"c\": ", "'d':", "yes: ", "e : "]));
                    self.flow(text, depth - 1);
                    text.push_str(self.of(&[", ", ",", " ,"]));
                }
                text.push('}');
            }
        }
    }
}
