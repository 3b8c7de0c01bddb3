//! The rules' pages: their examples are tried out, and `docs/rules/` is what they say.

use std::collections::BTreeMap;
use std::fs;

use distrogate::cli::explain::{example, rule};
use distrogate::rules::{Example, Page, RULES, Rule};

use crate::support::file;

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
