//! The bytes of a connection between TLS and hyper: reports a request's first byte, and closes
//! gently.
//!
//! A socket that is closed with unread data makes the kernel send a reset, and a reset throws away
//! what the client has not read yet: of a client that is still sending, an early 413 would be
//! lost. So after the closing note the rest of what comes in is discarded for a while.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::activity::Activity;

/// An accepted connection as hyper sees it.
#[derive(Debug)]
pub(super) struct Stream<S> {
    inner: S,
    /// Whom to tell of incoming bytes; nobody for HTTP/2, where bytes need not be of a request.
    activity: Option<Activity>,
    closing: Closing,
}

#[derive(Debug)]
enum Closing {
    /// Still open.
    No {
        linger: Duration,
    },
    /// Our side is closed; discarding until the client closes too, or the time is up.
    Lingering(Pin<Box<Sleep>>),
    Done,
}

impl<S> Stream<S> {
    pub(super) fn new(inner: S, activity: Option<Activity>, linger: Duration) -> Self {
        Self {
            inner,
            activity,
            closing: Closing::No { linger },
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        if buffer.filled().len() > before
            && let Some(activity) = &self.activity
        {
            activity.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self {
            inner,
            activity: _,
            closing,
        } = &mut *self;
        loop {
            match closing {
                Closing::No { linger } => {
                    ready!(Pin::new(&mut *inner).poll_shutdown(cx))?;
                    *closing = Closing::Lingering(Box::pin(sleep(*linger)));
                }
                Closing::Lingering(end) => {
                    if end.as_mut().poll(cx).is_pending() {
                        ready!(poll_discard(inner, cx));
                    }
                    *closing = Closing::Done;
                }
                Closing::Done => return Poll::Ready(Ok(())),
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

/// Reads and forgets until the other side closes or fails.
fn poll_discard<S: AsyncRead + Unpin>(inner: &mut S, cx: &mut Context<'_>) -> Poll<()> {
    let mut scratch = [0; 4_096];
    loop {
        let mut buffer = ReadBuf::new(&mut scratch);
        let read = ready!(Pin::new(&mut *inner).poll_read(cx, &mut buffer));
        if read.is_err() || buffer.filled().is_empty() {
            return Poll::Ready(());
        }
    }
}
