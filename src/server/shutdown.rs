//! When to stop: gently at the first signal, at once at the second.
//!
//! Owns the two stages and the signals that set them off; what a stage does is the accept loop's
//! and the connections' affair.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The two stages of stopping, shared by whoever asks for them and the server that obeys.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    drain: CancellationToken,
    stop: CancellationToken,
}

impl Shutdown {
    /// A server that stops only when told so by [`drain`](Self::drain) or [`stop`](Self::stop).
    pub fn new() -> Self {
        Self::default()
    }

    /// Drains at the first SIGTERM or SIGINT and stops at the second. From here on neither signal
    /// ends the program by itself.
    pub fn on_signals() -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = Self::new();
        let stages = shutdown.clone();
        tokio::spawn(async move {
            let name = next(&mut terminate, &mut interrupt).await;
            info!(signal = name, "Draining; a second signal stops at once.");
            stages.drain();
            let name = next(&mut terminate, &mut interrupt).await;
            warn!(signal = name, "Stopping at once.");
            stages.stop();
        });
        Ok(shutdown)
    }

    /// Not ready any more; accept nothing new and finish what is under way.
    pub fn drain(&self) {
        self.drain.cancel();
    }

    /// Close every connection now.
    pub fn stop(&self) {
        self.drain.cancel();
        self.stop.cancel();
    }

    /// Whether draining has begun.
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Waits until draining begins.
    pub async fn draining(&self) {
        self.drain.cancelled().await;
    }

    /// Waits for the order to stop at once.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }
}

/// The name of the next signal.
async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
