//! A page of text in blocks, for terminals and as Markdown.

/// How wide a page is in a terminal, in characters.
const WIDTH: usize = 80;

/// A page: its title and what stands below.
#[derive(Debug)]
pub struct Sheet {
    /// What it is about.
    pub title: String,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A piece of a page. Texts may have names in backticks; they have no line breaks.
#[derive(Debug)]
pub enum Block {
    /// What follows is about this.
    Heading(String),
    /// A line of text.
    Text(String),
    /// One of several things, and what is said of it.
    Item(String, String),
    /// Lines that stay as they are, and their language, which is empty for none.
    Code(&'static str, String),
}

impl Sheet {
    /// As a file under `docs/`.
    pub fn markdown(&self) -> String {
        let Self { title, blocks } = self;
        let mut lines = vec![format!("# {title}")];
        for (block, is_apart) in apart(blocks) {
            if is_apart {
                lines.push(String::new());
            }
            match block {
                Block::Heading(text) => lines.push(format!("## {}", escaped(text))),
                Block::Text(text) => lines.push(escaped(text)),
                Block::Item(name, text) => {
                    lines.push(format!("- {}: {}", escaped(name), escaped(text)));
                }
                Block::Code(language, text) => {
                    lines.push(format!("```{language}\n{}\n```", text.trim_end()));
                }
            }
        }
        lines.join("\n") + "\n"
    }

    /// For people at a terminal.
    pub fn text(&self) -> String {
        let Self { title, blocks } = self;
        let mut lines = vec![title.clone()];
        for (block, is_apart) in apart(blocks) {
            if is_apart {
                lines.push(String::new());
            }
            match block {
                Block::Heading(text) => lines.push(text.clone()),
                Block::Text(text) => lines.extend(wrapped("  ", "  ", text)),
                Block::Item(name, text) => {
                    lines.extend(wrapped("  ", "    ", &format!("{name}: {text}")));
                }
                Block::Code(_, text) => {
                    let text = text.trim_end().lines();
                    lines.extend(text.map(|line| format!("    {line}").trim_end().to_owned()));
                }
            }
        }
        lines.join("\n") + "\n"
    }
}

/// A text that stands in a cell of a table in Markdown.
pub fn cell(text: &str) -> String {
    escaped(text).replace('|', "\\|")
}

/// Each block, and whether an empty line stands above it: the items of a list stay together.
fn apart(blocks: &[Block]) -> impl Iterator<Item = (&Block, bool)> {
    let mut in_list = false;
    blocks.iter().map(move |block| {
        let is_item = matches!(block, Block::Item(..));
        let is_apart = !(in_list && is_item);
        in_list = is_item;
        (block, is_apart)
    })
}

/// Without what Markdown would take for its own; what is in backticks stays.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for (number, part) in text.split('`').enumerate() {
        if number > 0 {
            shown.push('`');
        }
        for c in part.chars() {
            if number % 2 == 0 && matches!(c, '*' | '<' | '[' | '\\') {
                shown.push('\\');
            }
            shown.push(c);
        }
    }
    shown
}

/// Lines of at most [`WIDTH`] characters, unless a word alone is longer.
fn wrapped(first: &str, others: &str, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, others.to_owned()));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        Sheet {
            title: "tag-form".to_owned(),
            blocks: vec![
                Block::Text(format!("Some <b> `<c>` *{}", " word".repeat(16))),
                Block::Heading("Settings".to_owned()),
                Block::Item("`a`".to_owned(), "one.".to_owned()),
                Block::Item("`b`".to_owned(), "two.".to_owned()),
                Block::Code("yaml", "a:\n\n  b: *c\n".to_owned()),
            ],
        }
    }

    #[test]
    fn what_markdown_would_take_for_its_own_is_escaped_outside_of_code() {
        insta::assert_snapshot!(sheet().markdown(), @"
        # tag-form

        Some \\<b> `<c>` \\* word word word word word word word word word word word word word word word word

        ## Settings

        - `a`: one.
        - `b`: two.

        ```yaml
        a:

          b: *c
        ```
        ");
        assert_eq!(cell("a|`b|c`"), "a\\|`b\\|c`");
    }

    #[test]
    fn a_terminal_gets_lines_that_it_can_hold() {
        insta::assert_snapshot!(sheet().text(), @"
        tag-form

          Some <b> `<c>` * word word word word word word word word word word word word
          word word word word

        Settings

          `a`: one.
          `b`: two.

            a:

              b: *c
        ");
    }
}
