//! What goes to standard output, and errors for people.

use std::io::{self, Write as _};

/// Writes text at once. A reader that has gone away is not our failure.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Tells an error on standard error. If that cannot be written to, nobody can be told.
pub(super) fn complain(error: &anyhow::Error) {
    drop(writeln!(io::stderr().lock(), "error: {error:#}"));
}
