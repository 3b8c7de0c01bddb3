//! Panics in the log: where, not what. And how many, in the metrics.

use std::panic::{PanicHookInfo, set_hook};
use std::thread;

use tracing::error;

use super::Metrics;

/// From here on a panic is logged with its place in the code only. The message of one quotes what
/// it stumbled over (slicing a string does), which can be a Secret.
pub fn withhold_panic_messages(metrics: Metrics) {
    set_hook(Box::new(move |info| {
        metrics.panicked();
        report(info);
    }));
}

fn report(info: &PanicHookInfo<'_>) {
    let thread = thread::current();
    let (file, line) = info
        .location()
        .map_or(("unknown", 0), |at| (at.file(), at.line()));
    error!(
        file,
        line,
        thread = thread.name(),
        "Panicked; the message is withheld."
    );
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::panic::{catch_unwind, take_hook};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_logged_without_its_message() {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .finish();
        let before = take_hook();
        let metrics = Metrics::new();
        withhold_panic_messages(metrics.clone());
        let caught = tracing::subscriber::with_default(log, || catch_unwind(|| panic!("hunter2")));
        set_hook(before);

        caught.unwrap_err();
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("ERROR"), "{text}");
        assert!(
            text.contains("file=\"src/telemetry/panic.rs\" line="),
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
        let none = "\ndistrogate_panics_total 0\n";
        assert!(!metrics.encode().contains(none), "it is counted");
    }
}
