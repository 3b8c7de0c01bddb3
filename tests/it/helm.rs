//! Helm itself, 3 and 4, as the judge of what a config means: which distro and images a chart
//! renders from it, and what `--set` assigns.
//!
//! `tests/charts/vcluster` behaves as the distro part of vCluster's charts does; the defaults are
//! the catalogue's. Helm is asked about generated configs, and again with the defaults that a
//! review puts in.

pub(crate) mod binary;
pub(crate) mod chart;
mod config;
mod dice;
mod ours;
mod ranges;
mod set;

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

use self::binary::{Helms, Rendered};
use self::chart::Charts;
use self::config::Case;
use self::dice::Dice;
use self::ours::Ours;

/// Configs of each era: Helm starts in a tenth of a second.
fn cases() -> usize {
    if std::env::var_os("CI").is_some() {
        500
    } else {
        60
    }
}

/// Runs numbered checks on all cores; what goes wrong comes back with its number.
fn on_all_cores(number: usize, check: impl Fn(usize) -> Result<(), String> + Sync) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let work = || loop {
        let case = next.fetch_add(1, Ordering::Relaxed);
        if case >= number {
            break;
        }
        if let Err(why) = check(case) {
            wrong.lock().unwrap().push(format!("{case}: {why}"));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    wrong.into_inner().unwrap()
}

/// The first of what went wrong, in full.
fn told(wrong: &[String]) -> String {
    let mut text = format!("{} wrong", wrong.len());
    for one in wrong.iter().take(5) {
        write!(text, "\n\n{one}").unwrap();
    }
    text
}

/// What Helm renders from a case, as it is and with our defaults, is what we say of it.
fn agrees(
    helms: &Helms,
    charts: &Charts,
    (era, number): (usize, usize),
    defaulted: &AtomicUsize,
) -> Result<Seen, String> {
    let case = Case::generate(&mut Dice::new(era, number), chart::ERAS[era]);
    let folder = charts.scratch(&format!("{era}-{number}"));
    let mut arguments = Vec::new();
    for (number, text) in case.files.iter().enumerate() {
        let path = folder.join(format!("{number}.yaml"));
        fs::write(&path, text).unwrap();
        arguments.push(format!("--values={}", path.display()));
    }
    arguments.extend(case.sets.iter().map(|text| format!("--set={text}")));
    arguments.extend(
        case.strings
            .iter()
            .map(|text| format!("--set-string={text}")),
    );
    arguments.push(format!("--kube-version={}", case.host));
    let helm = helms.of(number);
    let rendered = helm.render(&charts.of(case.chart), &arguments);
    let fail = |what: String| {
        let files = case.files.join("---\n");
        format!(
            "{what}\nchart {}, host {}, sets {:?}, strings {:?}, {helm}\n{files}",
            case.chart, case.host, case.sets, case.strings
        )
    };
    let ours = match Ours::of(&case) {
        Ok(ours) => ours,
        Err(refused) => {
            return match rendered {
                Rendered::Refused(text) if text.starts_with("failed parsing --set") => {
                    Ok(Seen::Refused)
                }
                other => Err(fail(format!("we refuse ({refused}), Helm says {other:?}"))),
            };
        }
    };
    let seen = ours.compare(&case, &rendered).map_err(fail)?;
    if let Some(values) = ours.with_defaults(&case) {
        defaulted.fetch_add(1, Ordering::Relaxed);
        let path = folder.join("defaulted.yaml");
        fs::write(&path, &values).unwrap();
        let arguments = [
            format!("--values={}", path.display()),
            format!("--kube-version={}", case.host),
        ];
        let again = helm.render(&charts.of(case.chart), &arguments);
        if !again.is_alike(&rendered) {
            return Err(fail(format!(
                "with our defaults {again:?}\nwithout {rendered:?}\n{values}"
            )));
        }
    }
    Ok(seen)
}

/// What a comparison was about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Seen {
    /// All of it is known to us, and Helm renders it.
    Known,
    /// Helm fails, as we say it does.
    Refused,
    /// We cannot say, for a reason that holds.
    Unknown,
}

fn era(number: usize) {
    let Some(helms) = Helms::find() else {
        return;
    };
    let charts = Charts::write(chart::ERAS[number]);
    let seen = Mutex::new(Vec::new());
    let defaulted = AtomicUsize::new(0);
    let wrong = on_all_cores(cases(), |case| {
        let one = agrees(&helms, &charts, (number, case), &defaulted)?;
        seen.lock().unwrap().push(one);
        Ok(())
    });
    assert!(wrong.is_empty(), "{}", told(&wrong));
    let seen = seen.into_inner().unwrap();
    let of = |wanted| seen.iter().filter(|seen| **seen == wanted).count();
    let (known, refused, unknown) = (of(Seen::Known), of(Seen::Refused), of(Seen::Unknown));
    let defaulted = defaulted.into_inner();
    eprintln!("known {known}, refused {refused}, unknown {unknown}, defaulted {defaulted}");
    // generated configs that say nothing would make an empty test
    assert!(known * 2 > cases() && refused > 0 && unknown * 5 < cases());
    assert!(defaulted * 2 > cases());
}

#[test]
fn images_and_distro_are_helms_with_charts_0_20_to_0_24() {
    era(0);
}

#[test]
fn images_and_distro_are_helms_with_chart_0_25() {
    era(1);
}

#[test]
fn images_and_distro_are_helms_with_charts_0_26_to_0_32() {
    era(2);
}

#[test]
fn images_and_distro_are_helms_with_charts_from_0_33_on() {
    era(3);
}

#[test]
fn assignments_are_helms() {
    let Some(helms) = Helms::find() else {
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    let number = if std::env::var_os("CI").is_some() {
        300
    } else {
        60
    };
    let refused = AtomicUsize::new(0);
    let wrong = on_all_cores(number, |case| {
        set::agrees(&helms, scratch.path(), case, &refused)
    });
    assert!(wrong.is_empty(), "{}", told(&wrong));
    let refused = refused.into_inner();
    eprintln!("{refused} of {number} refused");
    assert!((number / 5..number * 4 / 5).contains(&refused));
}

#[test]
fn ranges_are_helms() {
    let Some(helms) = Helms::find() else {
        return;
    };
    let wrong = ranges::agree(&helms, 600);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
