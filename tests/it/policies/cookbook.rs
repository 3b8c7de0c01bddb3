//! The cookbook of `docs/policy.md`: each policy of `examples/policies/` with what it does to the
//! review of the same name, as the page shows it.

use std::collections::BTreeSet;
use std::fs;

use distrogate::policy::{Document, Policy};
use distrogate::vcluster::Catalogue;

use crate::support::{file, run, stderr, stdout};

/// Labels of namespaces, as a flag.
const LABELS: &[&str] = &["--namespace-labels", "examples/namespaces/labels.yaml"];

/// In the order of the page: policy, flags, and who is refused.
const RECIPES: [(&str, &[&str], &[&str]); 13] = [
    ("observe-first", &[], &[]),
    ("only-suggest", &[], &[]),
    ("air-gapped-registry", &[], &["HelmRelease team-b/dev"]),
    ("one-minor-in-production", LABELS, &["HelmRelease shop/dev"]),
    ("resources-by-tier", LABELS, &["HelmRelease shop/big"]),
    (
        "stricter-for-production",
        &[],
        &["Application argocd/prod-shop"],
    ),
    ("no-k3s", &[], &["HelmRelease team-a/dev"]),
    ("migration-window", &[], &["HelmRelease team-b/dev"]),
    (
        "exempt-until",
        &["--today", "2027-03-31"],
        &["HelmRelease team-b/dev"],
    ),
    ("pins-on-updates", &[], &[]),
    ("after-helm", &[], &[]),
    ("chart-in-git", &[], &[]),
    ("custom-carrier", &[], &["Tenant team-a/shop"]),
];

/// Where the written part of the page ends.
const HEADING: &str = "## Cookbook\n";

fn replay(policy: Option<&str>, flags: &[&str], recipe: &str) -> String {
    let policy = policy.map(|policy| format!("examples/policies/{policy}.yaml"));
    let policy: Vec<&str> = policy
        .iter()
        .flat_map(|policy| ["--policy", policy])
        .collect();
    let review = format!("examples/reviews/{recipe}.yaml");
    let output = run(&[&["replay"], &policy[..], flags, &[&review]].concat());
    assert_eq!(stderr(&output), "", "{recipe}");
    stdout(&output)
}

/// Who is refused.
fn refused(told: &str) -> Vec<&str> {
    let lines = told
        .lines()
        .filter_map(|line| line.strip_suffix(" is refused"));
    lines.map(|line| line.split_once(": ").unwrap().1).collect()
}

/// A recipe as the page has it: the comment above the document, the document, and what it does.
fn recipe(name: &str, flags: &[&str]) -> String {
    let text = fs::read_to_string(file(&format!("examples/policies/{name}.yaml"))).unwrap();
    let (comment, document): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with('#'));
    let comment: Vec<_> = comment
        .iter()
        .map(|line| line.trim_start_matches(['#', ' ']))
        .collect();
    let (title, about) = comment.split_first().unwrap();
    let (about, document) = (about.join("\n"), document.join("\n"));
    let flags_shown = flags
        .iter()
        .flat_map(|flag| [" ", flag])
        .collect::<String>();
    let told = replay(Some(name), flags, name);
    format!(
        "\n### {title}\n{about}\n\n\
         [examples/policies/{name}.yaml](../examples/policies/{name}.yaml)\n\n\
         ```yaml\n{document}\n```\n\n\
         `distrogate replay --policy examples/policies/{name}.yaml{flags_shown} \
         examples/reviews/{name}.yaml` says\n\n```\n{told}```\n"
    )
}

/// `UPDATE_DOCS=1` writes the cookbook instead of comparing it.
#[test]
fn the_page_shows_what_each_policy_does() {
    let page = file("docs/policy.md");
    let found = fs::read_to_string(&page).unwrap();
    let (written, _) = found.split_once(HEADING).unwrap();
    let recipes: String = RECIPES
        .iter()
        .map(|(name, flags, _)| recipe(name, flags))
        .collect();
    let about = "\nEach is a whole document. What is left out is as in the built-in policy; several can \
                 be given at the same time.\n";
    let wanted = format!("{written}{HEADING}{about}{recipes}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&page, &wanted).unwrap();
    }
    let found = fs::read_to_string(&page).unwrap();
    assert_eq!(
        found, wanted,
        "UPDATE_DOCS=1 tests/run writes docs/policy.md"
    );
}

#[test]
fn each_policy_does_what_it_is_for_and_without_it_something_else_happens() {
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(file(folder)).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let wanted: BTreeSet<_> = RECIPES
        .iter()
        .map(|(name, ..)| format!("{name}.yaml"))
        .collect();
    assert_eq!(names("examples/policies"), wanted);
    assert_eq!(names("examples/reviews"), wanted);
    for (name, flags, expected) in RECIPES {
        let with = replay(Some(name), flags, name);
        assert_eq!(refused(&with), expected, "{name}: {with}");
        assert_ne!(
            replay(None, flags, name),
            with,
            "{name}: it changes nothing"
        );
        let text = fs::read_to_string(file(&format!("examples/policies/{name}.yaml"))).unwrap();
        let document = Document::parse(&text, Catalogue::embedded()).unwrap();
        assert_eq!(document.name, name);
    }
    let all = RECIPES.iter().map(|(name, ..)| {
        let text = fs::read_to_string(file(&format!("examples/policies/{name}.yaml"))).unwrap();
        Document::parse(&text, Catalogue::embedded()).unwrap()
    });
    let all = Policy::of(all.collect(), Catalogue::embedded()).unwrap();
    assert_eq!(
        all.names().count(),
        RECIPES.len() + 1,
        "they can be given together"
    );
}

#[test]
fn an_exemption_ends_with_its_last_day() {
    let on = |today: &str| replay(Some("exempt-until"), &["--today", today], "exempt-until");
    assert_eq!(refused(&on("2027-03-30")), ["HelmRelease team-b/dev"]);
    assert_eq!(refused(&on("2027-03-31")), ["HelmRelease team-b/dev"]);
    let both = ["HelmRelease team-a/dev", "HelmRelease team-b/dev"];
    assert_eq!(refused(&on("2027-04-01")), both);
    let wrong = run(&[
        "replay",
        "--today",
        "tomorrow",
        "examples/reviews/exempt-until.yaml",
    ]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        stderr(&wrong).starts_with(
            "error: invalid value 'tomorrow' for '--today <YYYY-MM-DD>': has to be a day, as 2027-03-31"
        ),
        "{}",
        stderr(&wrong)
    );
}
