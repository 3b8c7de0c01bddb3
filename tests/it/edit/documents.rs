//! Documents in every style that people write, grown from a seed.
//!
//! Every comment is `#c` with a number, which stands nowhere else, so that comments can be found
//! without a parser.

use crate::oracle::Random;

/// A document, and how its writer writes.
pub(crate) struct Writer {
    random: Random,
    text: String,
    newline: &'static str,
    step: usize,
    list_step: usize,
    keys: usize,
    comments: usize,
    anchors: usize,
    /// Whether a block scalar may end the text without a line break, which `kubectl label` adds.
    last_is_open: bool,
}

impl Writer {
    /// A manifest named `name` with much else in it.
    pub(crate) fn document(seed: usize, name: &str) -> String {
        let mut writer = Self {
            random: Random(0x9e37_79b9_7f4a_7c15 ^ ((seed as u64 + 1) << 20)),
            text: String::new(),
            newline: "\n",
            step: 2,
            list_step: 0,
            keys: 0,
            comments: 0,
            anchors: 0,
            last_is_open: false,
        };
        for _ in 0..8 {
            writer.random.below(2);
        }
        writer.write(name);
        writer.text
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.random.below(n) == 0
    }

    fn write(&mut self, name: &str) {
        if self.one_in(4) {
            self.newline = "\r\n";
        }
        self.step = 1 + self.random.below(4);
        self.list_step = if self.one_in(2) { 0 } else { self.step };
        if self.one_in(12) {
            self.text.push('\u{feff}');
        }
        if self.one_in(6) {
            self.comment_line(0);
        }
        if self.one_in(8) {
            self.push(&["---"]);
            self.end_line();
        }
        let head = ["apiVersion: v1", "kind: ConfigMap"];
        let kind = self.random.below(8);
        if kind < 2 {
            // kubectl reads a file that begins with a brace as JSON.
            self.comment_line(0);
        }
        match kind {
            0 => {
                let name = format!("metadata: {{name: {name}}}");
                self.push(&["{", &head.join(", "), ", ", &name, ", "]);
                self.flow_pairs(3);
                self.push(&["}"]);
            }
            1 => {
                self.push(&["{"]);
                let head = format!(
                    "\"apiVersion\": \"v1\",NL  \"kind\": \"ConfigMap\",NL  \"metadata\": {{\"name\": \"{name}\"}},"
                );
                self.break_line();
                let head = head.replace("NL", self.newline);
                self.push(&["  ", &head]);
                self.json_pairs(2, 2);
                self.break_line();
                self.push(&["}"]);
            }
            _ => {
                for line in head {
                    self.push(&[line]);
                    self.end_line();
                }
                self.push(&["metadata: {name: ", name, "}"]);
                self.end_line();
                self.block_map(0, 3);
                let text = self.text.trim_end_matches(['\r', '\n']).len();
                if self.one_in(5) && !self.last_is_open {
                    self.text.truncate(text);
                    return;
                }
                if self.one_in(8) {
                    self.push(&["..."]);
                    self.end_line();
                }
                return;
            }
        }
        if !self.one_in(3) {
            self.end_line();
        }
    }

    fn push(&mut self, parts: &[&str]) {
        self.text.extend(parts.iter().copied());
    }

    fn break_line(&mut self) {
        self.text.push_str(self.newline);
    }

    fn comment(&mut self) -> String {
        self.comments += 1;
        let words = self
            .random
            .of(&["", " a: b", " it's \"so\"", "\ttab", " {", " - é"]);
        format!("#c{}{words}", self.comments)
    }

    fn comment_line(&mut self, indent: usize) {
        let comment = self.comment();
        self.push(&[&" ".repeat(indent), &comment]);
        self.break_line();
    }

    /// Ends a line, perhaps behind a comment.
    fn end_line(&mut self) {
        if self.one_in(5) {
            // Go refuses a tab where a key or dash could follow.
            let spaces = if self.text.ends_with(':') { 2 } else { 3 };
            let space = self.random.of(&[" ", "  ", "\t"][..spaces]);
            let comment = self.comment();
            self.push(&[space, &comment]);
        } else if self.one_in(12) {
            self.push(&["  "]);
        }
        self.break_line();
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        let key = self
            .random
            .of(&["k", "alpha", "controlPlane", "b.c/d-e", "x_y"]);
        let key = format!("{key}{}", self.keys);
        match self.random.below(12) {
            0 => format!("\"{key}\""),
            1 => format!("'{key}'"),
            2 => format!("{}", 100 + self.keys),
            _ => key,
        }
    }

    fn scalar(&mut self) -> String {
        let scalar = self.random.of(&[
            "1",
            "v1.30.2",
            "true",
            "1.30",
            "yes",
            "plain words",
            "\"quoted: #x\"",
            "'it''s'",
            "~",
            "null",
            "0x1F",
            "http://x.y/z",
            "!!str 12",
            "!custom x",
            "\"\"",
            "a#b",
            "-1",
            "é",
        ]);
        scalar.to_owned()
    }

    fn block_map(&mut self, indent: usize, depth: usize) {
        let pad = " ".repeat(indent);
        for number in 0..=self.random.below(4) {
            if number > 0 && self.one_in(8) {
                self.push(&[self.newline]);
            }
            if self.one_in(6) {
                self.comment_line(indent);
            }
            self.last_is_open = false;
            let key = self.key();
            if self.one_in(16) {
                self.push(&[&pad, "? ", &key]);
                self.break_line();
                self.push(&[&pad, ":"]);
            } else {
                self.push(&[&pad, &key, ":"]);
            }
            self.value(indent, depth);
            if self.one_in(12) {
                let indent = self.random.below(indent + 3);
                if !self.last_is_open {
                    self.comment_line(indent);
                }
            }
        }
    }

    fn value(&mut self, indent: usize, depth: usize) {
        let nested = depth > 0;
        match self.random.below(if nested { 17 } else { 9 }) {
            0 => self.end_line(),
            1 => {
                let braces = self.random.of(&[" {}", " { }", " []"]);
                self.push(&[braces]);
                self.end_line();
            }
            2 => {
                self.push(&[" {"]);
                self.flow_pairs(2);
                let tail = self.random.of(&["}", " }", ",}"]);
                self.push(&[tail]);
                self.end_line();
            }
            3 => self.block_scalar(indent),
            4 => {
                let pad = " ".repeat(indent + self.step);
                self.push(&[" words on", self.newline, &pad, "two lines"]);
                self.end_line();
            }
            5..=8 => {
                let scalar = self.scalar();
                self.push(&[" ", &scalar]);
                self.end_line();
            }
            9 | 10 => self.list(indent, depth),
            11 => {
                self.push(&[" {"]);
                self.json_pairs(indent + self.step, 1);
                self.break_line();
                self.push(&[&" ".repeat(indent), "}"]);
                self.end_line();
            }
            12 => self.shared(indent, depth),
            _ => {
                if self.one_in(10) {
                    self.anchors += 1;
                    self.push(&[" &unused", &self.anchors.to_string()]);
                } else if self.one_in(14) {
                    self.push(&[" !!map"]);
                }
                self.end_line();
                self.block_map(indent + self.step, depth - 1);
            }
        }
    }

    fn block_scalar(&mut self, indent: usize) {
        let header = self.random.of(&["|", "|-", "|+", ">", ">-"]);
        let explicit = self.one_in(6);
        let digit = if explicit {
            self.step.to_string()
        } else {
            String::new()
        };
        self.push(&[" ", header, &digit]);
        self.end_line();
        let pad = " ".repeat(indent + self.step);
        for number in 0..=self.random.below(3) {
            let line = self
                .random
                .of(&["text: x", "# no comment", "  more", "- 'y", "{"]);
            if number > 0 || !line.starts_with(' ') || explicit {
                self.push(&[&pad, line]);
            } else {
                self.push(&[&pad, "first"]);
            }
            self.break_line();
            if self.one_in(6) {
                self.break_line();
            }
        }
        self.last_is_open = true;
    }

    fn list(&mut self, indent: usize, depth: usize) {
        self.end_line();
        let column = indent + self.list_step;
        for _ in 0..=self.random.below(3) {
            self.push(&[&" ".repeat(column), "-"]);
            match self.random.below(4) {
                0 => {
                    let key = self.key();
                    self.push(&[" ", &key, ": 1"]);
                    self.end_line();
                    self.block_map(column + 2, depth.saturating_sub(2));
                }
                1 => self.push(&[" [a, {b: c}]", self.newline]),
                2 => self.break_line(),
                _ => {
                    let scalar = self.scalar();
                    self.push(&[" ", &scalar]);
                    self.end_line();
                }
            }
        }
    }

    /// An anchored map, and further entries that use it.
    fn shared(&mut self, indent: usize, depth: usize) {
        self.anchors += 1;
        let name = format!("n{}", self.anchors);
        self.push(&[" &", &name]);
        self.end_line();
        self.block_map(indent + self.step, depth - 1);
        let pad = " ".repeat(indent);
        let key = self.key();
        if self.one_in(3) {
            self.push(&[&pad, &key, ": *", &name]);
            self.end_line();
        } else {
            self.push(&[&pad, &key, ":"]);
            self.end_line();
            let deeper = " ".repeat(indent + self.step);
            self.push(&[&deeper, "<<: *", &name]);
            self.end_line();
            if self.one_in(2) {
                self.block_map(indent + self.step, 0);
            }
        }
        self.last_is_open = false;
    }

    fn flow_pairs(&mut self, depth: usize) {
        for number in 0..=self.random.below(3) {
            if number > 0 {
                let comma = self.random.of(&[", ", ",  ", " , "]);
                self.push(&[comma]);
            }
            let key = self.key();
            self.push(&[&key, ": "]);
            match self.random.below(if depth == 0 { 4 } else { 6 }) {
                0 => self.push(&["{}"]),
                1 => self.push(&["[1, [a]]"]),
                4 | 5 => {
                    self.push(&["{"]);
                    self.flow_pairs(depth - 1);
                    self.push(&["}"]);
                }
                _ => {
                    let scalar = self.random.of(&["1", "\"q, r\"", "v1", "~", "'s'"]);
                    self.push(&[scalar]);
                }
            }
        }
    }

    fn json_pairs(&mut self, indent: usize, depth: usize) {
        for number in 0..=self.random.below(3) {
            if number > 0 {
                self.push(&[","]);
                if self.one_in(5) {
                    let comment = self.comment();
                    self.push(&[" ", &comment]);
                }
            }
            self.break_line();
            self.keys += 1;
            let key = format!("\"j{}\": ", self.keys);
            self.push(&[&" ".repeat(indent), &key]);
            match self.random.below(if depth == 0 { 4 } else { 6 }) {
                0 => self.push(&["{}"]),
                1 => self.push(&["null"]),
                4 | 5 => {
                    self.push(&["{"]);
                    self.json_pairs(indent + 2, depth - 1);
                    self.break_line();
                    self.push(&[&" ".repeat(indent), "}"]);
                }
                _ => {
                    let scalar = self.random.of(&["1", "\"x\"", "true", "[1, 2]"]);
                    self.push(&[scalar]);
                }
            }
        }
    }
}
