//! Text that is fit to be sent: printable, bounded, and within the API server's budgets.

use crate::text::printable;

/// How many warnings' characters the API server passes on in all
/// (`apiserver/pkg/admission/plugin/webhook/…/warnings`, `endpoints/filters/warning.go`).
const WARNINGS_TOTAL: usize = 4_096;
/// How many characters of one warning it passes on once that budget is spent.
const WARNING: usize = 256;
/// Length of an audit annotation's key, which is the name part of a qualified name.
const AUDIT_KEY: usize = 63;
/// Length of an audit annotation's value: enough for a finding, too little to fill an audit log.
const AUDIT_VALUE: usize = 1_024;

/// Warnings as the API server passes them on: one line each, no control characters (it drops
/// such warnings silently), long ones continued in the next, doubles left out, the rest counted.
pub(super) fn warnings(warnings: &[String]) -> Vec<String> {
    let mut legal: Vec<String> = Vec::new();
    // room for the line that counts the rest
    let mut budget = WARNINGS_TOTAL - 64;
    for (number, warning) in warnings.iter().enumerate() {
        if warnings
            .iter()
            .take(number)
            .any(|earlier| earlier == warning)
        {
            continue;
        }
        let pieces = split(&one_line(warning));
        let length: usize = pieces.iter().map(|piece| piece.chars().count()).sum();
        if length > budget {
            let rest = warnings.len() - number;
            legal.push(format!(
                "and {rest} more warnings, which do not fit in here"
            ));
            break;
        }
        budget -= length;
        legal.extend(pieces);
    }
    legal
}

/// A key and value as the API server accepts them for an audit annotation.
pub(super) fn audit_annotation(key: &str, value: &str) -> (String, String) {
    let key: String = key
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .take(AUDIT_KEY)
        .collect();
    let key = key
        .trim_matches(|c: char| !c.is_ascii_alphanumeric())
        .to_owned();
    (key, printable(&one_line(value), AUDIT_VALUE))
}

fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    printable(
        &spaced.split_whitespace().collect::<Vec<_>>().join(" "),
        usize::MAX - 1,
    )
}

/// Pieces of at most [`WARNING`] characters, split at spaces where there are some; each but the
/// first begins with an ellipsis.
fn split(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest: Vec<char> = text.chars().collect();
    while rest.len() > WARNING {
        // a space in the second half, so that pieces do not get short; else in mid-word
        let end = (WARNING / 2..WARNING)
            .rev()
            .find(|at| rest.get(*at) == Some(&' '));
        let tail = rest.split_off(end.unwrap_or(WARNING));
        pieces.push(rest.into_iter().collect());
        let space = usize::from(end.is_some());
        rest = "… ".chars().chain(tail.into_iter().skip(space)).collect();
    }
    pieces.push(rest.into_iter().collect());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_single_lines_within_the_budget_and_said_once() {
        let long = "word ".repeat(120);
        let given = vec![
            "a\nb\u{1b}[31m".to_owned(),
            "a\nb\u{1b}[31m".to_owned(),
            long,
        ];
        let legal = warnings(&given);
        assert_eq!(legal[0], "a b [31m");
        assert_eq!(legal.len(), 4, "one, and three pieces: {legal:?}");
        assert!(legal.iter().all(|text| text.chars().count() <= WARNING));
        let words: usize = legal.iter().map(|text| text.matches("word").count()).sum();
        assert_eq!(words, 120, "nothing is lost");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let given: Vec<_> = (0..100)
            .map(|n| format!("{n} {}", "x".repeat(200)))
            .collect();
        let legal = warnings(&given);
        let total: usize = legal.iter().map(|text| text.chars().count()).sum();
        assert!(total <= WARNINGS_TOTAL, "{total}");
        assert_eq!(
            legal.last().unwrap(),
            "and 81 more warnings, which do not fit in here"
        );
    }

    #[test]
    fn a_word_longer_than_a_warning_is_split() {
        let legal = warnings(&["é".repeat(600)]);
        assert!(
            legal.iter().all(|text| text.chars().count() <= WARNING),
            "{legal:?}"
        );
        let letters: usize = legal.iter().map(|text| text.matches('é').count()).sum();
        assert_eq!(letters, 600);
    }

    #[test]
    fn audit_keys_are_names() {
        let (key, value) = audit_annotation("/only one/distro/", "a\nb");
        assert_eq!((key.as_str(), value.as_str()), ("only-one-distro", "a b"));
        assert_eq!(audit_annotation(&"k".repeat(99), "").0.len(), AUDIT_KEY);
    }
}
