//! A line on standard error that tells how far a scan is; only where a person sees it.

use std::io::{self, IsTerminal as _, Stderr, Write};

/// Goes back to the beginning of the line and wipes it.
const WIPE: &str = "\r\x1b[2K";
/// Objects between two updates.
const EVERY: usize = 50;

/// How far a scan is.
#[derive(Debug)]
pub(super) struct Progress<W: Write = Stderr> {
    /// `None` where nobody looks.
    to: Option<W>,
    doing: String,
    done: usize,
}

impl Progress {
    /// On standard error, if that is a terminal.
    pub(super) fn to_terminal() -> Self {
        let stderr = io::stderr();
        Self::to(stderr.is_terminal().then_some(stderr))
    }
}

impl<W: Write> Progress<W> {
    const fn to(to: Option<W>) -> Self {
        Self {
            to,
            doing: String::new(),
            done: 0,
        }
    }

    /// Something else is being done now.
    pub(super) fn begin(&mut self, doing: &str) {
        doing.clone_into(&mut self.doing);
        self.done = 0;
        self.draw();
    }

    /// One more object.
    pub(super) fn one(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(EVERY) {
            self.draw();
        }
    }

    /// Leaves nothing behind.
    pub(super) fn end(&mut self) {
        self.write(WIPE);
    }

    fn draw(&mut self) {
        if self.to.is_some() {
            let count = match self.done {
                0 => String::new(),
                done => format!(": {done} objects"),
            };
            let line = format!("{WIPE}{}{count}", self.doing);
            self.write(&line);
        }
    }

    /// A terminal that cannot be written to is told nothing more.
    fn write(&mut self, text: &str) {
        if let Some(to) = &mut self.to
            && to
                .write_all(text.as_bytes())
                .and_then(|()| to.flush())
                .is_err()
        {
            self.to = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_drawn_over_and_wiped_in_the_end() {
        let mut progress = Progress::to(Some(Vec::new()));
        progress.begin("secrets");
        for _ in 0..120 {
            progress.one();
        }
        progress.end();
        let drawn = String::from_utf8(progress.to.unwrap()).unwrap();
        let lines: Vec<_> = drawn.split(WIPE).collect();
        assert_eq!(
            lines,
            [
                "",
                "secrets",
                "secrets: 50 objects",
                "secrets: 100 objects",
                ""
            ]
        );
    }

    #[test]
    fn nobody_is_told_where_nobody_looks() {
        let mut progress = Progress::<Vec<u8>>::to(None);
        progress.begin("secrets");
        progress.end();
        assert_eq!(progress.to, None);
    }
}
