//! The bytes of a connection between TLS and hyper: reports a request's first byte, and an answer
//! that is not read; and closes gently.
//!
//! A socket that is closed with unread data makes the kernel send a reset, and a reset throws away
//! what the client has not read yet: of a client that is still sending, an early 413 would be
//! lost. So after the closing note the rest of what comes in is discarded for a while, undeciphered.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;

use super::activity::Activity;

/// An accepted connection as hyper sees it.
#[derive(Debug)]
pub(super) struct Stream {
    inner: TlsStream<TcpStream>,
    /// Whom to tell.
    activity: Activity,
    /// Whether incoming bytes are of a request.
    tells_bytes: bool,
    /// Whether the system had not taken all of an answer when it was last asked.
    is_unread: bool,
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

impl Stream {
    pub(super) fn new(
        inner: TlsStream<TcpStream>,
        activity: Activity,
        tells_bytes: bool,
        linger: Duration,
    ) -> Self {
        Self {
            inner,
            activity,
            tells_bytes,
            is_unread: false,
            closing: Closing::No { linger },
        }
    }

    /// Nothing more of an answer is taken, or all of it was.
    fn unread(&mut self, is_unread: bool) {
        if self.is_unread != is_unread {
            self.is_unread = is_unread;
            self.activity.unread(is_unread);
        }
    }

    /// A write that the system does not take yet.
    fn told<T>(&mut self, written: Poll<T>) -> Poll<T> {
        if written.is_pending() {
            self.unread(true);
        }
        written
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        if buffer.filled().len() > before && self.tells_bytes {
            self.activity.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.told(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.unread(flushed.is_pending());
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self {
            inner,
            activity,
            tells_bytes: _,
            is_unread: _,
            closing,
        } = &mut *self;
        loop {
            match closing {
                Closing::No { linger } => {
                    ready!(Pin::new(&mut *inner).poll_shutdown(cx))?;
                    // Who makes room for another has no answer to lose.
                    *closing = if activity.is_unwanted() {
                        Closing::Done
                    } else {
                        Closing::Lingering(Box::pin(sleep(*linger)))
                    };
                }
                Closing::Lingering(end) => {
                    if end.as_mut().poll(cx).is_pending() {
                        ready!(poll_discard(inner.get_mut().0, cx));
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
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.told(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

/// Reads and forgets until the other side closes or fails.
fn poll_discard(socket: &mut TcpStream, cx: &mut Context<'_>) -> Poll<()> {
    let mut scratch = [0; 16 * 1_024];
    loop {
        let mut buffer = ReadBuf::new(&mut scratch);
        let read = ready!(Pin::new(&mut *socket).poll_read(cx, &mut buffer));
        if read.is_err() || buffer.filled().is_empty() {
            return Poll::Ready(());
        }
    }
}
