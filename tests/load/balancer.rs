//! What stands for a Service: connections are given to the servers in turn, and those that are
//! there stay where they are, whatever becomes of the list.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) struct Balancer {
    pub(crate) address: SocketAddr,
    servers: Arc<Mutex<Servers>>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Servers {
    addresses: Vec<SocketAddr>,
    turn: usize,
}

impl Servers {
    fn next(&mut self) -> Option<SocketAddr> {
        self.turn += 1;
        let turn = self.turn.checked_rem(self.addresses.len())?;
        self.addresses.get(turn).copied()
    }
}

impl Balancer {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let servers = Arc::<Mutex<Servers>>::default();
        Ok(Self {
            address: listener.local_addr()?,
            servers: Arc::clone(&servers),
            accepting: tokio::spawn(async move {
                while let Ok((client, _)) = listener.accept().await {
                    let server = lock(&servers).next();
                    tokio::spawn(carry(client, server));
                }
            }),
        })
    }

    /// New connections may go there.
    pub(crate) fn add(&self, server: SocketAddr) {
        lock(&self.servers).addresses.push(server);
    }

    /// New connections go there no more.
    pub(crate) fn remove(&self, server: SocketAddr) {
        lock(&self.servers)
            .addresses
            .retain(|address| *address != server);
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn lock(servers: &Mutex<Servers>) -> std::sync::MutexGuard<'_, Servers> {
    servers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server that cannot be reached shows as a closed connection, which fails a review.
async fn carry(mut client: TcpStream, server: Option<SocketAddr>) {
    let Some(server) = server else { return };
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    // How it ended is seen by the client.
    copy_bidirectional(&mut client, &mut server).await.ok();
}
