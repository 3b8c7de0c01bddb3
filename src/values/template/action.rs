//! Finding the actions of a Go template in a text, and what each does.
//!
//! Mirrors `lex.go` of Go's `text/template/parse` as far as it decides where an action begins and
//! ends, and reads of the inside only its first word and, in an output, how it is indented.

use std::ops::Range;

/// One action, from `{{` to `}}`.
#[derive(Clone, Debug)]
pub(super) struct Action {
    /// Its bytes, delimiters included.
    pub(super) bytes: Range<usize>,
    /// `{{-`: the white space before it goes.
    pub(super) trims_before: bool,
    /// `-}}`: the white space behind it goes.
    pub(super) trims_after: bool,
    pub(super) kind: ActionKind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ActionKind {
    /// Begins what may be there or not: `if`, `range`, `with`, `define`.
    Open,
    /// `block`: like [`Self::Open`], and the place of what was defined under its name.
    OpenBlock,
    Else,
    End,
    /// Writes nothing: a comment, an assignment, `break`, `continue`.
    Silent,
    /// Writes something.
    Output(Layout),
}

/// What is known of the lines that an output has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Layout {
    /// Nothing said: one line within a line, and lines as indented as itself where it has a line
    /// of its own.
    Plain,
    /// Ends in `nindent N`: begins a line, and has `N` spaces before each.
    Nindent(usize),
    /// Ends in `indent N`.
    Indent(usize),
    /// `toYaml` without indentation.
    Yaml,
    /// Writes line breaks, indented nobody knows how.
    Lines,
}

/// The actions of a text in their order; `None` if one of them does not end.
pub(super) fn actions(text: &str) -> Option<Vec<Action>> {
    let bytes = text.as_bytes();
    let mut actions = Vec::new();
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find("{{")) {
        let start = from + found;
        let trims_before = bytes.get(start + 2) == Some(&b'-')
            && bytes.get(start + 3).copied().is_some_and(is_space);
        let inside = start + if trims_before { 4 } else { 2 };
        let inner = bytes.get(inside..)?;
        let (end, trims_after, kind) = if inner.starts_with(b"/*") {
            let close = inside + 2 + text.get(inside + 2..)?.find("*/")? + 2;
            let (end, trims_after) = close_delimiter(bytes, close)?;
            (end, trims_after, ActionKind::Silent)
        } else {
            let (words, end, trims_after) = tokens(bytes, inside)?;
            (end, trims_after, kind(&words))
        };
        actions.push(Action {
            bytes: start..end,
            trims_before,
            trims_after,
            kind,
        });
        from = end;
    }
    Some(actions)
}

/// What an action's inside consists of, as far as it matters.
#[derive(Debug, Eq, PartialEq)]
enum Token<'t> {
    Word(&'t [u8]),
    /// A string or character, and whether it may hold a line break.
    Quoted {
        breaks: bool,
    },
    /// `|` outside parentheses.
    Pipe,
    /// `:=` or `=`.
    Assign,
    Other,
}

/// The tokens from `at` to the end of the action, that end, and whether it trims.
fn tokens(bytes: &[u8], mut at: usize) -> Option<(Vec<Token<'_>>, usize, bool)> {
    let mut tokens = Vec::new();
    let mut parentheses = 0_usize;
    loop {
        if let Some((end, trims)) = close_delimiter(bytes, at) {
            return Some((tokens, end, trims));
        }
        let start = at;
        let byte = *bytes.get(at)?;
        at += 1;
        tokens.push(match byte {
            b'"' | b'\'' => {
                let mut breaks = false;
                loop {
                    let inner = *bytes.get(at)?;
                    at += 1;
                    match inner {
                        b'\n' => return None,
                        b'\\' => {
                            breaks |= !matches!(bytes.get(at)?, b'"' | b'\'' | b'\\');
                            at += 1;
                        }
                        _ if inner == byte => break,
                        _ => {}
                    }
                }
                Token::Quoted { breaks }
            }
            b'`' => {
                let length = bytes.get(at..)?.iter().position(|inner| *inner == b'`')?;
                let breaks = bytes.get(at..at + length)?.contains(&b'\n');
                at += length + 1;
                Token::Quoted { breaks }
            }
            // An action in an action is a mistake, and no text could be told from it.
            b'{' => return None,
            b'(' => {
                parentheses += 1;
                Token::Other
            }
            b')' => {
                parentheses = parentheses.checked_sub(1)?;
                Token::Other
            }
            b'|' if parentheses == 0 => Token::Pipe,
            b'=' if parentheses == 0 => Token::Assign,
            byte if is_space(byte) => continue,
            byte if is_word(byte) => {
                let length = bytes.get(at..)?.iter().take_while(|b| is_word(**b)).count();
                at += length;
                Token::Word(bytes.get(start..at)?)
            }
            _ => Token::Other,
        });
    }
}

/// The end of an action that ends at `at`, and whether it trims.
fn close_delimiter(bytes: &[u8], at: usize) -> Option<(usize, bool)> {
    let rest = bytes.get(at..)?;
    if rest.starts_with(b"}}") {
        return Some((at + 2, false));
    }
    let &[space, ref trim @ ..] = rest else {
        return None;
    };
    (is_space(space) && trim.starts_with(b"-}}")).then_some((at + 4, true))
}

fn kind(tokens: &[Token<'_>]) -> ActionKind {
    match tokens.first() {
        Some(Token::Word(b"if" | b"range" | b"with" | b"define")) => ActionKind::Open,
        Some(Token::Word(b"block")) => ActionKind::OpenBlock,
        Some(Token::Word(b"else")) => ActionKind::Else,
        Some(Token::Word(b"end")) => ActionKind::End,
        Some(Token::Word(b"break" | b"continue")) if tokens.len() == 1 => ActionKind::Silent,
        Some(Token::Word([b'$', ..])) if tokens.contains(&Token::Assign) => ActionKind::Silent,
        _ => ActionKind::Output(layout(tokens)),
    }
}

fn layout(tokens: &[Token<'_>]) -> Layout {
    let last = tokens.rsplit(|token| *token == Token::Pipe).next();
    if let Some(
        &[
            Token::Word(name @ (b"nindent" | b"indent")),
            Token::Word(number),
            ..,
        ],
    ) = last
        && let Some(columns) = str::from_utf8(number).ok().and_then(|n| n.parse().ok())
    {
        return match name {
            b"nindent" => Layout::Nindent(columns),
            _ => Layout::Indent(columns),
        };
    }
    let lines = tokens.iter().any(|token| match token {
        Token::Word(word) => matches!(*word, b"nindent" | b"indent" | b"toToml"),
        Token::Quoted { breaks } => *breaks,
        _ => false,
    });
    let yaml = tokens
        .iter()
        .any(|token| matches!(token, Token::Word(b"toYaml" | b"toYamlPretty")));
    match (lines, yaml) {
        (true, _) => Layout::Lines,
        (false, true) => Layout::Yaml,
        (false, false) => Layout::Plain,
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.') || byte >= 0x80
}

/// What Go's templates trim.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Option<(usize, ActionKind)> {
        let actions = actions(text)?;
        actions
            .first()
            .map(|action| (action.bytes.end, action.kind))
    }

    #[test]
    fn actions_end_where_go_ends_them() {
        for (text, end) in [
            ("{{ .a }} }}", 8),
            (r#"{{ "}}" }}"#, 10),
            (r#"{{ "\"}}" }}"#, 12),
            ("{{ `}}\n\"` }}", 12),
            ("{{ '}' }}", 9),
            ("{{/* }} */}}", 12),
            ("{{- /* }}\n */ -}}", 17),
            ("{{ .a\n}}", 8),
            ("{{.a}}", 6),
        ] {
            assert_eq!(one(text).map(|(end, _)| end), Some(end), "{text}");
        }
        for text in [
            "{{",
            "{{ .a }",
            "{{ \"}}",
            "{{ \"\n\" }}",
            "{{ {{ }}",
            "{{/* }}",
            "{{/* */ x }}",
            "{{ ) }}",
        ] {
            assert_eq!(one(text), None, "{text}");
        }
    }

    #[test]
    fn trims_need_white_space() {
        let trims = |text| {
            let actions = actions(text).expect("actions");
            (actions[0].trims_before, actions[0].trims_after)
        };
        assert_eq!(trims("{{- .a -}}"), (true, true));
        assert_eq!(trims("{{-3}}"), (false, false));
        assert_eq!(trims("{{ .a -}}"), (false, true));
        assert_eq!(trims("{{- /* a */}}"), (true, false));
    }

    #[test]
    fn kinds_and_layouts_are_told_apart() {
        use ActionKind::{Else, End, Open, OpenBlock, Output, Silent};
        for (text, kind) in [
            ("{{ if .a }}", Open),
            ("{{if(eq 1 2)}}", Open),
            ("{{- range $i, $e := .a }}", Open),
            ("{{ block \"a\" . }}", OpenBlock),
            ("{{ else if .b }}", Else),
            ("{{ end }}", End),
            ("{{ $x := .a }}", Silent),
            ("{{ $x = .a | nindent 2 }}", Silent),
            ("{{ $x }}", Output(Layout::Plain)),
            ("{{ iff }}", Output(Layout::Plain)),
            ("{{ .end }}", Output(Layout::Plain)),
            ("{{ toYaml .a | nindent 4 }}", Output(Layout::Nindent(4))),
            ("{{ nindent 4 (toYaml .a) }}", Output(Layout::Nindent(4))),
            ("{{ toYaml .a | indent 4 }}", Output(Layout::Indent(4))),
            ("{{ .a | nindent .n }}", Output(Layout::Lines)),
            ("{{ .a | nindent 4 | trim }}", Output(Layout::Lines)),
            ("{{ (.a | nindent 4) }}", Output(Layout::Lines)),
            ("{{ join \"\\n\" .a }}", Output(Layout::Lines)),
            ("{{ toYaml .a }}", Output(Layout::Yaml)),
            ("{{ template \"x\" . }}", Output(Layout::Plain)),
        ] {
            assert_eq!(one(text).map(|(_, kind)| kind), Some(kind), "{text}");
        }
    }
}
