//! When to stop: gently at the first signal, within a second at the second.
//!
//! Owns the stages and the signals that set them off; what a stage does is the accept loop's
//! and the connections' affair.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The stages of stopping, shared by whoever asks for them and the server that obeys.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    leave: CancellationToken,
    drain: CancellationToken,
    give_up: CancellationToken,
    stop: CancellationToken,
}

impl Shutdown {
    /// A server that stops only when told so by [`leave`](Self::leave), [`drain`](Self::drain) or
    /// [`stop`](Self::stop).
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves at the first SIGTERM or SIGINT, drains when the delay is over, and stops at the
    /// second. From here on neither signal ends the program by itself.
    pub fn on_signals(delay: Duration) -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = Self::new();
        let stages = shutdown.clone();
        tokio::spawn(async move {
            let name = next(&mut terminate, &mut interrupt).await;
            info!(
                signal = name,
                ?delay,
                "Not ready any more, and draining after the delay; a second signal ends it within a second."
            );
            stages.leave();
            let mut second = std::pin::pin!(next(&mut terminate, &mut interrupt));
            let name = tokio::select! {
                biased;
                name = second.as_mut() => name,
                () = sleep(delay) => {
                    stages.drain();
                    second.await
                }
            };
            warn!(
                signal = name,
                "Stopping; whoever waits is told to ask elsewhere."
            );
            stages.stop();
        });
        Ok(shutdown)
    }

    /// Not ready any more, and every connection ends with its next answer; new ones are still
    /// served.
    pub fn leave(&self) {
        self.leave.cancel();
    }

    /// Accept nothing new and finish what is under way.
    pub fn drain(&self) {
        self.leave();
        self.drain.cancel();
    }

    /// Answer what is still under way with an error, so that it is asked elsewhere.
    pub(super) fn give_up(&self) {
        self.drain();
        self.give_up.cancel();
    }

    /// Close every connection now; whoever still waits is told to ask elsewhere.
    pub fn stop(&self) {
        self.drain();
        self.stop.cancel();
    }

    /// Whether the server is about to stop.
    pub fn is_leaving(&self) -> bool {
        self.leave.is_cancelled()
    }

    /// Waits until the server is about to stop.
    pub async fn leaving(&self) {
        self.leave.cancelled().await;
    }

    /// Waits until draining begins.
    pub async fn draining(&self) {
        self.drain.cancelled().await;
    }

    /// Waits until nothing under way will be finished.
    pub(super) async fn giving_up(&self) {
        self.give_up.cancelled().await;
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
