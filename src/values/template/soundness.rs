//! Generated templates: what is known of them is compared with what they render to.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn read(text: &str) -> Templated {
    read_template(text.as_bytes(), &Limits::VALUES).expect("the text is within the limits")
}

/// A template, as its renderings see it.
#[derive(Clone, Debug)]
enum Part {
    Text(String),
    /// An action and what it may write.
    Output(String, [String; 4]),
    If(Vec<Vec<Self>>, &'static str, bool),
}

fn template(parts: &[Part]) -> String {
    parts
        .iter()
        .map(|part| match part {
            Part::Text(text) | Part::Output(text, _) => text.clone(),
            Part::If(branches, indent, trim) => {
                let dash = if *trim { "-" } else { "" };
                let inner: Vec<_> = branches.iter().map(|branch| template(branch)).collect();
                let between = format!("{indent}{{{{{dash} else }}}}\n");
                format!(
                    "{indent}{{{{{dash} if .x }}}}\n{}{indent}{{{{{dash} end }}}}\n",
                    inner.join(&between)
                )
            }
        })
        .collect()
}

/// Renders with choices from a small generator.
fn render(parts: &[Part], seed: &mut u64) -> String {
    let mut text = String::new();
    for part in parts {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let choice = usize::try_from(*seed >> 40).expect("small");
        match part {
            Part::Text(plain) => text.push_str(plain),
            Part::Output(action, substitutes) => {
                let (before, rest) = action.split_once("{{").expect("an action");
                let (_, after) = rest.split_once("}}").expect("an action");
                let before = if rest.starts_with('-') {
                    before.trim_end()
                } else {
                    before
                };
                text.push_str(before);
                text.push_str(&substitutes[choice % 4]);
                text.push_str(after);
            }
            Part::If(branches, indent, trim) => {
                let lead = |text: &mut String| {
                    if *trim {
                        text.truncate(text.trim_end().len());
                    } else {
                        text.push_str(indent);
                    }
                    text.push('\n');
                };
                lead(&mut text);
                if let Some(branch) = branches.get(choice % (branches.len() + 1)) {
                    text.push_str(&render(branch, seed));
                }
                lead(&mut text);
            }
        }
    }
    text
}

const KEYS: [&str; 5] = ["a", "b", "c", "d", "e"];
const INDENTS: [&str; 4] = ["", "  ", "    ", "      "];

fn line() -> impl Strategy<Value = Part> {
    const VALUES: [&str; 14] = [
        "",
        " 1",
        " x",
        " |\n      t",
        " {f: 1}",
        " [1, 2]",
        " 'q'",
        " \"q\n        r\"",
        " >-\n     t",
        " &n 1",
        " *n",
        " {",
        " |+\n        t",
        " \"",
    ];
    const LINES: [&str; 6] = ["- x", "-", "}", "# c", "t", "\""];
    let plain = (0..4_usize, 0..5_usize, 0..VALUES.len()).prop_map(|(indent, key, value)| {
        Part::Text(format!(
            "{}{}:{}\n",
            INDENTS[indent], KEYS[key], VALUES[value]
        ))
    });
    let other = (0..4_usize, 0..LINES.len())
        .prop_map(|(indent, line)| Part::Text(format!("{}{}\n", INDENTS[indent], LINES[line])));
    let scalar = (0..4_usize, 0..5_usize).prop_map(|(indent, key)| {
        Part::Output(
            format!("{}{}: {{{{ .x }}}}\n", INDENTS[indent], KEYS[key]),
            ["1", "x", "", "'s'"].map(str::to_owned),
        )
    });
    let block = (1..4_usize).prop_map(|indent| match indent {
        1 => Part::Output(
            "  {{ .x }}\n".into(),
            ["y: 1", "", "z: 1\n  d: 2", "- 1"].map(str::to_owned),
        ),
        2 => Part::Output(
            "  {{- toYaml .x | nindent 4 }}\n".into(),
            [
                "\n    y: 1",
                "\n    {}",
                "\n    z: 1\n    d: 2",
                "\n    - 1",
            ]
            .map(str::to_owned),
        ),
        _ => Part::Output(
            "a: {{- toYaml .x | nindent 2 }}\n".into(),
            ["\n  y: 1", "\n  {}", "\n  z:\n    d: 2", "\n  - 1"].map(str::to_owned),
        ),
    });
    prop_oneof![8 => plain, 2 => other, 2 => scalar, 1 => block]
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let leaf = line().boxed();
    let part = leaf.prop_recursive(2, 24, 5, |inner| {
        let branch = proptest::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            3 => line(),
            1 => (proptest::collection::vec(branch, 1..3), 0..3_usize, any::<bool>())
                .prop_map(|(branches, indent, trim)| Part::If(branches, INDENTS[indent], trim)),
        ]
    });
    proptest::collection::vec(part, 1..9)
}

/// A map as it is commonly written, some of its entries and values templated.
fn entries(depth: usize) -> BoxedStrategy<Vec<Part>> {
    let indent = " ".repeat(2 * depth);
    let entry = {
        let indent = indent.clone();
        (0..5_usize, 0..7_usize, 0..6_usize).prop_map(move |(key, kind, seed)| {
            let key = KEYS[key];
            let line = match kind {
                0 => format!("{indent}{key}: {{{{ .x }}}}\n"),
                1 => format!("{indent}{key}: v{{{{ .x }}}}\n"),
                2 => format!("{indent}{key}: {seed}\n"),
                3 => format!("{indent}{key}:\n{indent}- {seed}\n"),
                4 => format!("{indent}{key}: {{a: {seed}, b: x}}\n"),
                5 => format!("{indent}{key}: |\n{indent}  t{seed}\n"),
                _ => {
                    let columns = indent.len() + 2;
                    let inner = " ".repeat(columns);
                    let text = format!("{indent}{key}: {{{{- toYaml .x | nindent {columns} }}}}\n");
                    let written = match seed % 4 {
                        0 => format!("\n{inner}y: 1"),
                        1 => format!("\n{inner}- 1"),
                        2 => format!("\n{inner}s"),
                        _ => format!("\n{inner}a:\n{inner}  b: 1"),
                    };
                    let written = [(); 4].map(|()| written.clone());
                    return vec![Part::Output(text, written)];
                }
            };
            vec![if line.contains("{{") {
                Part::Output(line, ["1", "x", "", "y"].map(str::to_owned))
            } else {
                Part::Text(line)
            }]
        })
    };
    if depth >= 3 {
        return entry.boxed();
    }
    let inner = || entries(depth + 1);
    let key = {
        let indent = indent.clone();
        (0..5_usize).prop_map(move |key| vec![Part::Text(format!("{indent}{}:\n", KEYS[key]))])
    };
    let nested = (key, proptest::collection::vec(inner(), 0..3))
        .prop_map(|(key, inner)| key.into_iter().chain(inner.into_iter().flatten()).collect());
    let branch = proptest::collection::vec(prop_oneof![3 => entry.clone(), 1 => inner()], 0..3);
    let conditional = (
        proptest::collection::vec(branch, 1..3),
        0..3_usize,
        any::<bool>(),
    )
        .prop_map(|(branches, indent, trim)| {
            let branches = branches
                .into_iter()
                .map(|branch| branch.into_iter().flatten().collect())
                .collect();
            vec![Part::If(branches, INDENTS[indent], trim)]
        });
    prop_oneof![3 => entry, 3 => nested, 2 => conditional].boxed()
}

fn documents() -> impl Strategy<Value = Vec<Part>> {
    proptest::collection::vec(entries(0), 1..8)
        .prop_map(|parts| parts.into_iter().flatten().collect())
}

/// Whether all that is known is so in a rendering, and all that is in a rendering is known.
fn agrees(known: &Value, rendered: &Value, path: &Path, unknown: &[Path]) -> bool {
    if unknown.contains(path) {
        return true;
    }
    match (known, rendered) {
        (Value::Object(known), Value::Object(rendered)) => {
            known.keys().chain(rendered.keys()).all(|key| {
                let path = path.key(key);
                unknown.contains(&path)
                    || match (known.get(key), rendered.get(key)) {
                        (Some(known), Some(rendered)) => agrees(known, rendered, &path, unknown),
                        _ => false,
                    }
            })
        }
        (Value::Object(known), Value::Null) => known.is_empty() && *path == Path::root(),
        (known, rendered) => known == rendered || (*path == Path::root() && known.is_null()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_known_is_so_in_every_rendering(
        parts in prop_oneof![parts().boxed(), documents().boxed()],
        seed in any::<u64>(),
    ) {
        let text = format!("{{{{/**/}}}}{}", template(&parts));
        let Templated { document, unknown } = read(&text);
        let known = document.root.to_json();
        let mut seed = seed;
        for _ in 0..12 {
            let rendered = render(&parts, &mut seed);
            if let Ok(truth) = read_yaml(rendered.as_bytes(), &Limits::VALUES) {
                let truth = truth.root.to_json();
                prop_assert!(
                    agrees(&known, &truth, &Path::root(), &unknown),
                    "template:\n{text}\nrendering:\n{rendered}\nknown {known}, unknown {unknown:?}",
                );
            }
        }
    }

    #[test]
    fn nothing_panics_and_places_lie_in_the_text(
        text in "([ \n\r:,?&*!|>'\"#{}\\[\\]ab1-]|- |: |\n  |a: |\\{\\{ |-\\}\\}| \\}\\}|\\{\\{- |\\{\\{ if \\}\\}|\\{\\{ end \\}\\}|\\{\\{ else \\}\\}|\\{\\{ .x \\}\\}|\\{\\{/\\*|\\*/\\}\\}|é|\u{feff}|\u{e000}){0,40}",
    ) {
        if let Ok(Templated { document, .. }) = read_template(text.as_bytes(), &Limits::VALUES) {
            let inside = |at: Position| at.byte <= text.len() && text.is_char_boundary(at.byte);
            prop_assert!(document.root.at.is_none_or(inside));
            prop_assert!(document.notes.iter().all(|note| inside(note.at)));
        }
    }
}
