//! `--set` and `--set-string` against Helm's own.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use distrogate::values::{Limits, SetError, assign, read_set, read_yaml};
use serde_json::{Value, json};

use super::binary::Helms;
use super::dice::Dice;
use crate::support::file;

/// What is there before.
const BASES: [&str; 4] = [
    "{}",
    "{a: {b: {c: 1}, d: x}, l: [1, {a: 1, b: [1]}, [2, [3]], null], s: text, z: null}",
    "{a: [{a: 1}, {b: {c: [1]}}], l: {a: [], b: {}}, '': {a: 1}, 'a.b': {c: 1}}",
    "{'': [1, 2], a: {'': {b: 1}}, b: 1, l: [[[1]]]}",
];
const KEYS: [&str; 20] = [
    "a", "b", "c", "l", "s", "z", "", "a\\.b", "\\=x\\,", "d", "é", "\\x", "a", "l", "e", "f", "g",
    "h", "i", "j",
];
const INDEXES: [&str; 14] = [
    "0", "1", "2", "0", "1", "3", "5", "+1", "01", "\\2", "-1", "x", "", "65537",
];
const VALUES: [&str; 30] = [
    "1",
    "0",
    "-0",
    "+7",
    "007",
    "1.5",
    "9223372036854775807",
    "9223372036854775808",
    "true",
    "False",
    "falſe",
    "null",
    "NULL",
    "nil",
    "",
    "",
    "text",
    "a=b",
    "a\\,b",
    "\\{a\\}",
    "x{y}",
    "{}",
    "{a,b}",
    "{1,null,true}",
    "{a\\,b,\\}}",
    "{a}rest",
    "{a}{b}",
    "{a",
    "\\",
    " x ",
];
const SLIPS: [&str; 10] = [",", ".", "=", "[", "]", "{", "}", "\\", "0", "[0]"];

/// Whether we assign what Helm does, or refuse what it refuses.
pub(super) fn agrees(
    helms: &Helms,
    scratch: &Path,
    number: usize,
    refused: &AtomicUsize,
) -> Result<(), String> {
    let dice = &mut Dice::new(9, number);
    let base = dice.pick(&BASES);
    let typed = dice.chance(70);
    let texts: Vec<_> = (0..=usize::from(dice.chance(20)))
        .map(|_| text(dice))
        .collect();
    let path = scratch.join(format!("{number}.yaml"));
    fs::write(&path, base).unwrap();
    let mut arguments = vec![format!("--values={}", path.display())];
    let flag = if typed { "--set" } else { "--set-string" };
    arguments.extend(texts.iter().map(|text| format!("{flag}={text}")));
    let helm = helms.of(number);
    let rendered = helm.template(&file("tests/charts/print"), &arguments);
    let ours = assigned(base, &texts, typed);
    match (&ours, &rendered) {
        (Ok(ours), Ok(helms)) if json!({"values": ours}) == *helms => Ok(()),
        (Err(_), Err(helms)) if helms.starts_with("failed parsing --set") => {
            refused.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
        // Helm 4 takes this for the end of the text, Helm 3 does not
        (Err(SetError::BadIndex(_)), Ok(_)) if helm.major() == 4 && open(&texts) => Ok(()),
        _ => Err(format!(
            "{helm} {arguments:?} on {base}\nours  {ours:?}\nHelm {rendered:?}"
        )),
    }
}

fn assigned(base: &str, texts: &[String], typed: bool) -> Result<Value, SetError> {
    let document = read_yaml(base.as_bytes(), &Limits::VALUES);
    let mut root = document.unwrap().root;
    for text in texts {
        for assignment in read_set(text, typed)? {
            assign(&mut root, &assignment)?;
        }
    }
    Ok(root.to_json())
}

/// Whether the last bracket of a text stays open.
fn open(texts: &[String]) -> bool {
    texts.iter().any(|text| {
        let behind = text.rsplit_once('[').map(|(_, behind)| behind);
        behind.is_some_and(|behind| !behind.replace("\\]", "").contains(']'))
    })
}

/// Assignments, some of them with a slip of the pen.
fn text(dice: &mut Dice) -> String {
    let mut text = String::new();
    for number in 0..=dice.below(3) {
        if number > 0 {
            text.push(',');
        }
        for level in 0..=dice.below(4) {
            if level > 0 {
                text.push('.');
            }
            text.push_str(dice.pick(&KEYS));
            while dice.chance(25) {
                let index = if dice.chance(93) {
                    dice.pick(&INDEXES[..7])
                } else {
                    dice.pick(&INDEXES)
                };
                text.push_str(&format!("[{index}]"));
            }
        }
        text.push('=');
        text.push_str(dice.pick(&VALUES));
    }
    if dice.chance(15) {
        let at = dice.below(text.chars().count());
        let slip = dice.pick(&SLIPS);
        let (before, behind): (String, String) = (
            text.chars().take(at).collect(),
            text.chars()
                .skip(at + usize::from(dice.chance(50)))
                .collect(),
        );
        text = format!("{before}{slip}{behind}");
    }
    if dice.chance(10) {
        let keep = dice.below(text.chars().count());
        text = text.chars().take(keep).collect();
    }
    text
}
