//! Clients that keep connections as an API server does (Go's `net/http` and client-go).
//!
//! At most 25 idle connections, the last one used first; an idle one that the other side is known
//! to have closed is left alone. A review that fails on its way is not sent again, as it is a POST.
//! An answer of 429 or from 500 with `Retry-After` is followed, up to ten times
//! (`client-go/rest/with_retry.go`).

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::client::{Client, Connection, Failure, Reply};
use crate::reviews::TIMEOUT;

/// client-go's `MaxIdleConnsPerHost`.
pub(crate) const IDLE: usize = 25;

/// How often client-go asks again.
const RETRIES: usize = 10;

pub(crate) struct Pool {
    client: Client,
    address: SocketAddr,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(crate) fn new(client: Client, address: SocketAddr) -> Self {
        Self {
            client,
            address,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// The answer to a review, or why the API server would fail the user's request.
    pub(crate) async fn review(&self, request: &[u8]) -> Result<Reply, Failure> {
        let review = async {
            for _ in 0..RETRIES {
                let reply = self.send(request).await?;
                let may_retry = reply.code == 429 || reply.code >= 500;
                match reply.retry_after.filter(|_| may_retry) {
                    Some(seconds) => sleep(Duration::from_secs(seconds)).await,
                    None => return ok(reply),
                }
            }
            ok(self.send(request).await?)
        };
        timeout(TIMEOUT, review).await.unwrap_or(Err(Failure::Late))
    }

    async fn send(&self, request: &[u8]) -> Result<Reply, Failure> {
        let mut connection = match self.idle_connection().await {
            Some(connection) => connection,
            None => self.client.connect(self.address).await?,
        };
        let reply = connection.exchange(request).await?;
        if !reply.closes {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE {
                idle.push(connection);
            }
        }
        Ok(reply)
    }

    async fn idle_connection(&self) -> Option<Connection> {
        loop {
            let last = {
                let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
                idle.pop()
            };
            let mut connection = last?;
            if !connection.is_closed().await {
                return Some(connection);
            }
        }
    }
}

fn ok(reply: Reply) -> Result<Reply, Failure> {
    match reply.code {
        200 => Ok(reply),
        code => Err(Failure::Code(code)),
    }
}
