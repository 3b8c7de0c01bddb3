//! `Quantity` against Go: `kubectl set env --local` reads pods with their types, and so each
//! quantity with `resource.ParseQuantity`. What Go refuses it reports and passes over; what it reads
//! it writes in its own form.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use distrogate::vcluster::Quantity;
use serde_json::{Deserializer, Value, json};

use crate::support::has_kubectl;

const NUMBERS: [&str; 24] = [
    "",
    "0",
    "1",
    "+1",
    "-1",
    "00",
    "01",
    ".",
    "1.",
    ".5",
    "0.5",
    "1.5",
    "-1.5",
    "10",
    "1000",
    "1024",
    "999999999",
    "123456789012345678",
    "9223372036854775807",
    "12345678901234567890",
    "0.000000001",
    "0.0000000001",
    "1.0000000009",
    "99999999999999999999.999999999",
];

const SUFFIXES: [&str; 39] = [
    "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "K", "ki",
    "mi", "i", "B", "MB", "e", "e0", "e3", "E3", "e-3", "e+3", "e-9", "e-10", "e18", "E-12", "e99",
    "e1.5", "eE3", "3", " ", "Ei3", "m1",
];

/// What Go reads right and writes wrong: it has no suffix for 10²¹.
const MISWRITTEN: [(&str, &str); 1] = [("1000E", "1")];

/// A pod for each text; its number is its name.
fn pod(number: usize, text: &str) -> String {
    let container = json!({"name": "a", "image": "b", "resources": {"limits": {"cpu": text}}});
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": format!("p{number}")},
        "spec": {"containers": [container]},
    })
    .to_string()
}

fn kubectl(folder: &std::path::Path) -> (String, String) {
    let output = Command::new("kubectl")
        .env_clear()
        .env("HOME", folder)
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .args(["set", "env", "--local", "-o", "json", "A=b", "-f"])
        .arg(folder)
        .output()
        .unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (out, err)
}

/// What Go writes for each text that it reads.
fn by_go(texts: &[String]) -> BTreeMap<usize, String> {
    let folder = tempfile::tempdir().unwrap();
    for (number, text) in texts.iter().enumerate() {
        let file = folder.path().join(format!("p{number}.json"));
        fs::write(file, pod(number, text)).unwrap();
    }
    // it writes nothing where it could not read all, so that needs a second call
    let (_, errors) = kubectl(folder.path());
    let mut refused = 0;
    for line in errors.lines() {
        let file = line
            .strip_prefix("unable to decode \"")
            .unwrap_or_else(|| panic!("{line}"));
        fs::remove_file(file.split('"').next().unwrap()).unwrap();
        refused += 1;
    }
    let (out, errors) = kubectl(folder.path());
    assert_eq!(errors, "");
    let mut read = BTreeMap::new();
    for object in Deserializer::from_str(&out).into_iter::<Value>() {
        let object = object.unwrap();
        let name = object["metadata"]["name"].as_str().unwrap();
        let written = &object["spec"]["containers"][0]["resources"]["limits"]["cpu"];
        let number = name.strip_prefix('p').unwrap().parse().unwrap();
        read.insert(number, written.as_str().unwrap().to_owned());
    }
    assert_eq!(read.len() + refused, texts.len());
    read
}

#[test]
fn quantities_are_read_as_go_reads_them() {
    if !has_kubectl() {
        return;
    }
    let texts: Vec<_> = NUMBERS
        .iter()
        .flat_map(|number| SUFFIXES.map(|suffix| format!("{number}{suffix}")))
        .collect();
    let by_go = by_go(&texts);
    assert!(
        by_go.len() > 400 && texts.len() > by_go.len() + 200,
        "{}",
        by_go.len()
    );
    let wrong: Vec<_> = texts
        .iter()
        .enumerate()
        .filter_map(|(number, text)| {
            let ours = Quantity::parse(text).ok();
            let written = by_go.get(&number).map(String::as_str);
            if written.is_some_and(|written| MISWRITTEN.contains(&(text, written))) {
                return ours.is_none().then(|| format!("{text:?} is not read"));
            }
            // Go's form is the same number, and mostly with another suffix
            let theirs = written.map(|text| Quantity::parse(text).unwrap());
            (ours != theirs).then(|| format!("{text:?}: {ours:?}, Go {written:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
