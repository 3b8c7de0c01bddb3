//! The text between two events: white space, comments, indicators, anchors, tags, directives.

use granit_parser::Span;

use super::{Dialect, Refusal, TAB, TIGHT_COLON, is_word, span_range};

impl<'t> Dialect<'t> {
    /// Looks at the text between the last event and this one, and moves to this one's end.
    pub(super) fn gap(&mut self, span: &Span) -> Result<(), Refusal> {
        let (start, end) = span_range(span);
        self.dash = None;
        self.header = None;
        let mut line_is_blank = false;
        while self.byte < start
            && let Some(byte) = self.byte_at(self.byte)
        {
            match byte {
                b'\n' | b'\r' => {
                    let both = byte == b'\r' && self.byte_at(self.byte + 1) == Some(b'\n');
                    self.byte += if both { 2 } else { 1 };
                    self.line += 1;
                    self.column = 0;
                    self.key_allowed = self.key_allowed || !self.in_flow();
                    line_is_blank = true;
                    continue;
                }
                b' ' => {}
                b'\t' => {
                    let refused = match self.tail {
                        Some(indent) => line_is_blank && self.column < indent,
                        None => self.key_allowed && !self.in_flow(),
                    };
                    if refused {
                        return Err((TAB, self.here()));
                    }
                }
                b'#' => {
                    self.tail = None;
                    self.skip_line();
                    continue;
                }
                _ => {
                    line_is_blank = false;
                    let after_plain = self.tail.take().is_some();
                    if after_plain
                        && byte == b':'
                        && self.in_flow()
                        && !self.is_blank(self.byte + 1)
                    {
                        return Err((TIGHT_COLON, self.here()));
                    }
                    self.indicator(byte, start)?;
                    continue;
                }
            }
            self.step(1);
        }
        self.tail = None;
        if self.byte <= end {
            self.byte = end;
            self.line = span.end.line();
            self.column = span.end.col();
        }
        Ok(())
    }

    /// One indicator, anchor, tag or directive of a gap.
    fn indicator(&mut self, byte: u8, gap_end: usize) -> Result<(), Refusal> {
        let block = !self.in_flow();
        let marker = self.column == 0 && self.is_blank(self.byte + 3);
        if !matches!(byte, b'&' | b'!') {
            self.properties = None;
        }
        match byte {
            b'-' | b'.' if marker && self.starts_with(["---", "..."]) => {
                self.key_allowed = false;
                self.step(3);
            }
            b'%' if self.column == 0 => {
                let known = self.starts_with(["%YAML ", "%TAG "])
                    || self.starts_with(["%YAML\t", "%TAG\t"]);
                if !known {
                    return Err(("unknown directive", self.here()));
                }
                self.skip_line();
            }
            b'-' | b'?' if block => {
                if !self.key_allowed {
                    return Err(("an entry is not allowed in this place", self.here()));
                }
                if byte == b'-' {
                    self.dash = Some((self.byte, self.line, self.column));
                }
                self.step(1);
            }
            b'|' | b'>' => {
                self.header = Some(self.here());
                self.skip_line();
            }
            b'&' => {
                let name = self.run(|byte| is_word(byte) || byte == b'&');
                let end = self.byte + name.len();
                let closed = self.is_blank(end)
                    || (!block && matches!(self.byte_at(end), Some(b',' | b']' | b'}')));
                if name.len() < 2 || name.get(1..).is_some_and(|name| name.contains('&')) || !closed
                {
                    let why = "an anchor name has letters, digits, - and _ only";
                    return Err((why, self.here()));
                }
                self.key_allowed = false;
                self.properties = self.properties.or(Some(self.line));
                self.step(name.len());
            }
            b'!' => {
                let tag = self.run(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
                if self.byte + tag.len() > gap_end || !is_tag(tag) {
                    return Err(("a tag must be followed by white space", self.here()));
                }
                self.key_allowed = false;
                self.properties = self.properties.or(Some(self.line));
                self.step(tag.len());
            }
            b'?' => {
                self.explicit_key = true;
                self.step(1);
            }
            b':' if !block => {
                if !self.explicit_key && self.node_line != self.line {
                    return Err(("a key and its : must be on one line", self.here()));
                }
                self.explicit_key = false;
                self.step(1);
            }
            b',' => {
                self.explicit_key = false;
                self.step(1);
            }
            // A colon keeps the state as it is, after an explicit key as after a simple one.
            _ => self.step(1),
        }
        Ok(())
    }

    fn step(&mut self, bytes: usize) {
        self.byte += bytes;
        self.column += bytes;
    }

    /// Moves to the next line break. The column is not kept: a break sets it.
    fn skip_line(&mut self) {
        self.byte += self.run(|byte| !matches!(byte, b'\n' | b'\r')).len();
    }

    fn run(&self, of: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.source.text.get(self.byte..).unwrap_or("");
        let length = rest
            .bytes()
            .position(|byte| !of(byte))
            .unwrap_or(rest.len());
        rest.get(..length).unwrap_or("")
    }

    fn starts_with(&self, any: [&str; 2]) -> bool {
        let rest = self.source.text.as_bytes().get(self.byte..).unwrap_or(&[]);
        any.iter().any(|start| rest.starts_with(start.as_bytes()))
    }
}

/// A tag that both parsers end in the same place. To goyaml, flow indicators can be part of any.
fn is_tag(tag: &str) -> bool {
    let verbatim = tag.strip_prefix("!<").and_then(|tag| tag.strip_suffix('>'));
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"[]{}<>\"#".contains(&byte);
    verbatim.unwrap_or(tag).bytes().all(plain) && (verbatim.is_some() || !tag.contains(','))
}
