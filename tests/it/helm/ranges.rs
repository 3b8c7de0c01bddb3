//! Ranges of versions, of charts and of Kubernetes, against Helm's `semverCompare`.

use std::fmt::Write as _;
use std::fs;

use distrogate::vcluster::Range;
use semver::Version;
use serde_json::{Value, json};

use super::binary::Helms;
use super::dice::Dice;

const OPERATORS: [&str; 11] = ["", "=", "!=", ">", "<", ">=", "<=", "~", "^", "=>", "=<"];

fn comparator(dice: &mut Dice) -> String {
    let (minor, patch) = (dice.below(40), dice.below(6));
    let version = match dice.below(5) {
        0 => format!("1.{minor}"),
        1 => format!("1.{minor}.x"),
        2 => format!("v1.{minor}.{patch}"),
        3 => format!("0.{minor}.*"),
        _ => format!("{}.{minor}.{patch}", dice.below(2)),
    };
    format!("{}{version}", dice.pick(&OPERATORS))
}

fn range(dice: &mut Dice) -> String {
    if dice.chance(10) {
        let from = dice.below(30);
        return format!("1.{from}.0 - 1.{}.3", from + dice.below(9));
    }
    let mut text = comparator(dice);
    for _ in 0..dice.below(3) {
        let separator = dice.pick(&[" ", ", ", " || "]);
        write!(text, "{separator}{}", comparator(dice)).unwrap();
    }
    text
}

/// All cases in one chart: the text of each, what we say, and what each Helm says.
pub(super) fn agree(helms: &Helms, number: usize) -> Vec<String> {
    let cases: Vec<_> = (0..number)
        .map(|number| {
            let mut dice = Dice::new(9, number);
            let range = range(&mut dice);
            let version = Version::new(
                dice.below(2) as u64,
                dice.below(40) as u64,
                dice.below(6) as u64,
            );
            (range, version)
        })
        .filter(|(range, _)| Range::parse(range).is_ok())
        .collect();
    assert!(cases.len() * 2 > number, "{} of {number}", cases.len());
    let chart = tempfile::tempdir().unwrap();
    fs::create_dir(chart.path().join("templates")).unwrap();
    let write = |name: &str, text: &str| fs::write(chart.path().join(name), text).unwrap();
    write(
        "Chart.yaml",
        "{apiVersion: v2, name: ranges, version: 1.0.0}",
    );
    write(
        "templates/answers.yaml",
        "answers:\n{{- range .Values.cases }}\n- {{ semverCompare .range .version }}\n{{- end }}\n",
    );
    let values: Vec<_> = cases
        .iter()
        .map(|(range, version)| json!({"range": range, "version": version.to_string()}))
        .collect();
    write("values.yaml", &json!({"cases": values}).to_string());
    let ours: Vec<_> = cases
        .iter()
        .map(|(range, version)| Range::parse(range).unwrap().contains(version))
        .collect();
    assert!(ours.contains(&true) && ours.contains(&false));
    let mut wrong = Vec::new();
    for helm in helms.each() {
        let answers = helm.template(chart.path(), &[]).unwrap();
        for (number, (range, version)) in cases.iter().enumerate() {
            let answer = &answers["answers"][number];
            if *answer != Value::Bool(ours[number]) {
                wrong.push(format!(
                    "{range} and {version}: Helm {} says {answer}",
                    helm.major()
                ));
            }
        }
    }
    wrong
}
