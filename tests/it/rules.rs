//! The rules' pages: their examples are tried out, and `docs/rules/` is what they say.

use std::collections::BTreeMap;
use std::fs;

use distrogate::cli::explain::{example, rule};
use distrogate::rules::{Example, Page, RULES, Rule};
use insta::assert_snapshot;

use crate::support::{file, run, stderr, stdout};

#[test]
fn every_page_shows_what_its_rule_finds_and_what_it_lets_pass() {
    for rule in RULES {
        let tried = example::try_out(rule).unwrap();
        assert!(!tried.refused.is_empty(), "{}", rule.id);
        assert_eq!(tried.allowed, [], "{}", rule.id);
        assert!(tried.told.contains(rule.id), "{}: {}", rule.id, tried.told);
    }
}

#[test]
fn every_page_is_written_as_pages_are() {
    let is_one_line = |rule: &Rule, text: &str| {
        assert!(!text.contains(['\n', '\t']), "{}: {text}", rule.id);
        assert!(!text.contains("  "), "{}: {text}", rule.id);
        for host in ["://", "www.", ".com", ".org", ".net"] {
            assert!(!text.contains(host), "{}: {text}", rule.id);
        }
        assert_eq!(
            text.matches('`').count() % 2,
            0,
            "{}: an open backtick: {text}",
            rule.id
        );
    };
    for rule in RULES {
        let Page {
            why,
            refused,
            allowed,
            fix,
        } = rule.page;
        for text in [why, fix] {
            is_one_line(rule, text);
            assert!(text.ends_with('.'), "{}: {text}", rule.id);
        }
        is_one_line(rule, rule.about);
        for setting in rule.settings {
            is_one_line(rule, setting.key);
            is_one_line(rule, setting.about);
        }
        for Example {
            chart: _,
            values,
            before,
            policy,
            host: _,
        } in [refused, allowed]
        {
            for text in [Some(values), before, policy].into_iter().flatten() {
                assert!(!text.contains('\t'), "{}: {text}", rule.id);
                for (_, host) in text
                    .match_indices("://")
                    .map(|(at, separator)| text.split_at(at + separator.len()))
                {
                    let host = host.split(['/', ':', '\n', '"']).next().unwrap();
                    assert!(host.ends_with(".example"), "{}: {host}", rule.id);
                }
            }
            for text in [Some(values), before].into_iter().flatten() {
                assert!(text.ends_with('\n'), "{}: {text}", rule.id);
            }
        }
        assert!(rule::built_in(rule).is_some(), "{}", rule.id);
    }
}

/// `UPDATE_DOCS=1` writes the files instead of comparing them.
#[test]
fn the_pages_under_docs_are_what_the_rules_say() {
    let folder = file("docs/rules");
    let mut wanted: BTreeMap<String, String> = RULES
        .into_iter()
        .map(|rule| {
            let page = rule::sheet(rule).unwrap().markdown();
            (format!("{}.md", rule.id), page)
        })
        .collect();
    wanted.insert("README.md".to_owned(), rule::index());
    let read = || -> BTreeMap<String, String> {
        let entries = fs::read_dir(&folder).map(Iterator::collect::<Vec<_>>);
        let paths = entries.into_iter().flatten().map(|entry| entry.unwrap());
        paths
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read_to_string(entry.path()).unwrap())
            })
            .collect()
    };
    if std::env::var_os("UPDATE_DOCS").is_some() {
        for name in read().keys().filter(|name| !wanted.contains_key(*name)) {
            fs::remove_file(folder.join(name)).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        for (name, page) in &wanted {
            fs::write(folder.join(name), page).unwrap();
        }
    }
    let found = read();
    let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<Vec<_>>();
    let hint = "UPDATE_DOCS=1 tests/run writes docs/rules/";
    assert_eq!(names(&found), names(&wanted), "{hint}");
    for (name, page) in &wanted {
        assert_eq!(&found[name], page, "{name}: {hint}");
    }
}

#[test]
fn a_rule_is_explained_at_the_terminal() {
    let output = run(&["explain", "distro-change"]);
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(0));
    assert_snapshot!(stdout(&output), @r#"
    distro-change

      About: another distro than before.
      Action: Deny, unless a policy says otherwise.
      On an update: nothing is milder, it judges the change itself.

    Why

      Each distro keeps its state in a form of its own. vCluster checks a change
      only in its command line and when the pod starts, after the object was stored;
      from chart 0.33 on nobody checks, and the control plane comes up empty. A
      claim outlives a virtual cluster that is deleted, and what is created again
      under its name comes upon the data: with serve --watch-live that is found out
      too. Who deploys to another namespace than that of the object is refused as
      well, and not told what is there.

    Refused

      Chart 0.30.4, before:

        controlPlane:
          distro:
            k3s:
              enabled: true

      After:

        controlPlane:
          distro:
            k8s:
              enabled: true

      As the values of a Flux HelmRelease, that gets:

        HelmRelease team-a/dev (vCluster chart 0.30.4) refused:
          spec.values.controlPlane.distro: the distro of a virtual cluster cannot be changed, it is k3s and would become k8s; vCluster can migrate k3s to k8s, one way, if the platform team lets it: rules.distro-change.allow: [{from: k3s, to: k8s, charts: ">=0.25"}] in the policy [distro-change]
            fix: set controlPlane.distro.k3s.enabled to true and controlPlane.distro.k8s.enabled to false

    Allowed

      Chart 0.30.4, before and after:

        controlPlane:
          distro:
            k3s:
              enabled: true

    What to do

      Keep the distro, or create a new virtual cluster under another name; where it
      was deleted and may go, delete its claim too. vCluster itself migrates k3s to
      k8s from chart 0.25 on, one way: the platform team can let that through with
      allow.

    Settings

      A policy sets them at `spec.rules.distro-change`:

      `action`: `Deny`, `Warn`, `Audit` or `Disabled`.
      `allow`: changes that are let through, each with from, to and, if it counts
        under some charts only, charts: [{from: k3s, to: k8s, charts: ">=0.25"}].

      The built-in policy says:

        spec:
          rules:
            # allow lists the changes that are let through, for example
            #   allow: [{from: k3s, to: k8s, charts: ">=0.25"}]
            distro-change: {action: Deny, allow: []}
    "#);
}

#[test]
fn a_rule_that_is_not_there_ends_with_2_and_the_nearest() {
    let mut told = String::new();
    for arguments in [vec!["explain", "tag-from"], vec!["explain"]] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stdout(&output), "");
        told.push_str(&stderr(&output));
    }
    assert_snapshot!(told, @"
    error: invalid value 'tag-from' for '<RULE>': there is no such rule or topic; did you mean tag-form?

    For more information, try '--help'.
    error: the following required arguments were not provided:
      <RULE>

    Usage: distrogate explain <RULE>

    For more information, try '--help'.
    ");
}
