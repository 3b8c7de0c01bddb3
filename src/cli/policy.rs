//! `distrogate policy`: the built-in policy, the form of policies, and mistakes in them.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{FOUND, objects, output};
use crate::policy::{BUILT_IN, PolicyError, mistakes, schema};
use crate::values::Position;
use crate::vcluster::Catalogue;

/// How many characters of a line are shown, and how many of them before the mistake.
const SHOWN: (usize, usize) = (120, 60);

/// Arguments of `distrogate policy`.
#[derive(Args, Debug)]
pub struct PolicyArgs {
    /// What to do; without a command the built-in policy is printed.
    #[command(subcommand)]
    pub command: Option<PolicyCommand>,
}

/// The commands of `distrogate policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Print the form of a policy as a JSON Schema (2020-12)
    Schema,
    /// Check policies for mistakes
    ///
    /// Exit codes: 0 all well; 1 there are mistakes; 2 wrong usage; 3 something could not be read.
    Check(CheckArgs),
}

/// Arguments of `distrogate policy check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Policies, YAML or JSON; a folder stands for all .yaml, .yml and .json files in it, - for
    /// standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// Runs `distrogate policy`, and returns the exit code.
pub fn run(args: &PolicyArgs) -> anyhow::Result<u8> {
    match &args.command {
        None => output::print(BUILT_IN)?,
        Some(PolicyCommand::Schema) => output::print(&format!("{:#}\n", schema()))?,
        Some(PolicyCommand::Check(args)) => return check(args),
    }
    Ok(0)
}

fn check(CheckArgs { paths }: &CheckArgs) -> anyhow::Result<u8> {
    let mut told = Vec::new();
    let mut code = 0;
    for file in objects::files(paths, &[])? {
        let text = objects::read(&file)?;
        let name = if file == Path::new("-") {
            "standard input".to_owned()
        } else {
            file.display().to_string()
        };
        let mistakes = mistakes(&text, Catalogue::embedded());
        if mistakes.is_empty() {
            told.push(format!("{name}: ok\n"));
        } else {
            code = FOUND;
        }
        told.extend(mistakes.iter().map(|mistake| tell(&name, &text, mistake)));
    }
    output::print(&told.concat())?;
    Ok(code)
}

/// `FILE:5:3: spec.enforcment: unknown key; …`, and the line with a mark below.
fn tell(file: &str, text: &str, mistake: &PolicyError) -> String {
    let PolicyError { at, path, message } = mistake;
    let path = match path.steps() {
        [] => String::new(),
        _ => format!("{path}: "),
    };
    match at {
        Some(at) => {
            let (line, column) = (at.line, at.column);
            let snippet = snippet(text, *at).unwrap_or_default();
            format!("{file}:{line}:{column}: {path}{message}\n{snippet}")
        }
        None => format!("{file}: {path}{message}\n"),
    }
}

/// The line of a place, with its number, and a mark below what stands there.
fn snippet(text: &str, at: Position) -> Option<String> {
    let line: Vec<char> = text.lines().nth(at.line.checked_sub(1)?)?.chars().collect();
    let column = at.column.checked_sub(1)?.min(line.len());
    let (width, before) = SHOWN;
    let first = column.saturating_sub(before);
    let shown: String = line
        .iter()
        .skip(first)
        .take(width)
        // one column each: what moves the cursor would move the mark
        .map(|c| if c.is_control() { ' ' } else { *c })
        .collect();
    let mark = " ".repeat(column - first) + &"^".repeat(word(line.get(column..)?).max(1));
    let number = at.line.to_string();
    let margin = " ".repeat(number.len());
    let cut = |is_cut: bool| if is_cut { "…" } else { "" };
    let (left, right) = (cut(first > 0), cut(first + width < line.len()));
    let shift = " ".repeat(left.chars().count());
    Some(format!(
        "{margin} |\n{number} | {left}{shown}{right}\n{margin} | {shift}{mark}\n"
    ))
}

/// How many characters the key or value has that stands at the beginning.
fn word(line: &[char]) -> usize {
    let end = match line.first() {
        Some(quote @ ('"' | '\'')) => {
            let mut inside = line.iter().skip(1);
            return inside.position(|c| c == quote).map_or(1, |end| end + 2);
        }
        _ => line
            .iter()
            .position(|c| c.is_whitespace() || [',', ':', '{', '}', '[', ']'].contains(c)),
    };
    end.unwrap_or(line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: usize, column: usize) -> Position {
        Position {
            byte: 0,
            line,
            column,
        }
    }

    #[test]
    fn a_mark_stands_below_the_whole_word() {
        let text = "a: 1\n\tb: {\"c d\": é, e: [x]}\n";
        let told: Vec<_> = [at(1, 1), at(2, 6), at(2, 13), at(2, 19), at(2, 20)]
            .into_iter()
            .map(|at| snippet(text, at).unwrap())
            .collect();
        insta::assert_snapshot!(told.concat(), @r#"
          |
        1 | a: 1
          | ^
          |
        2 |  b: {"c d": é, e: [x]}
          |      ^^^^^
          |
        2 |  b: {"c d": é, e: [x]}
          |             ^
          |
        2 |  b: {"c d": é, e: [x]}
          |                   ^
          |
        2 |  b: {"c d": é, e: [x]}
          |                    ^
        "#);
        assert_eq!(snippet(text, at(9, 1)), None);
    }

    #[test]
    fn of_a_long_line_a_window_is_shown() {
        let text = format!("{}wrong{}", "a ".repeat(80), " b".repeat(80));
        insta::assert_snapshot!(snippet(&text, at(1, 161)).unwrap(), @"
          |
        1 | …a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a wrong b b b b b b b b b b b b b b b b b b b b b b b b b b b …
          |                                                              ^^^^^
        ");
        let beyond = snippet("a: [", at(1, 5)).unwrap();
        insta::assert_snapshot!(beyond, @"
          |
        1 | a: [
          |     ^
        ");
    }
}
