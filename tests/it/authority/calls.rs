//! Calls as an API server makes them: each with a handshake of its own, against the `caBundle` that
//! the webhook configurations held some time ago.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use distrogate::server::tls;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use super::replicas::{CONFIGURATIONS, Replicas, bundle_of};
use crate::harness::kubectl::Kubectl;
use crate::support;

/// How far a caller lags behind the stored configurations.
pub(super) const DELAY: Duration = Duration::from_millis(700);

/// Nothing here takes that long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A review of a Secret, with trust in these certificates and no others.
pub(super) fn call(url: &str, bundle: &str) -> Result<(), String> {
    let address = url.strip_prefix("https://").unwrap();
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let told = |error: &dyn ToString| error.to_string();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(address).map_err(|error| told(&error))?;
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = StreamOwned::new(connection, socket);
    let body = support::envelope(&support::secret("0.30.4", b"{}"), None);
    let request = format!(
        "POST /validate?timeout=5s HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream
        .write_all(request.as_bytes())
        .map_err(|error| told(&error))?;
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .map_err(|error| told(&error))?;
    let is_answer = answer.starts_with("HTTP/1.1 200") && answer.contains("\"allowed\":true");
    is_answer.then_some(()).ok_or(answer)
}

/// Whether the served certificate is of this CA, and of no other.
pub(super) fn issuer_of(url: &str, authority: &str) -> Result<(), String> {
    call(url, authority)
}

/// What the admin port answers.
pub(super) fn get(admin: &str, path: &str) -> Result<String, String> {
    let address = admin.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).map_err(|error| error.to_string())?;
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    socket
        .write_all(request.as_bytes())
        .map_err(|error| error.to_string())?;
    let mut answer = String::new();
    socket
        .read_to_string(&mut answer)
        .map_err(|error| error.to_string())?;
    Ok(answer)
}

/// Reads the configurations again and again, as an API server's watch does.
pub(super) struct Follower {
    bundles: Arc<Mutex<Vec<(Instant, String)>>>,
    stopped: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Follower {
    pub(super) fn start(replicas: &Replicas) -> Self {
        let bundles = Arc::new(Mutex::new(vec![(
            Instant::now(),
            replicas.bundle().unwrap(),
        )]));
        let stopped = Arc::new(AtomicBool::new(false));
        let (kubectl, to, stop) = (
            replicas.cluster.admin(),
            Arc::clone(&bundles),
            Arc::clone(&stopped),
        );
        let thread = thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let [[kind, name], _] = CONFIGURATIONS;
                let found = kubectl.run(&["get", kind, name, "-o", "json"], "");
                let at = Instant::now();
                if let Ok(found) = serde_json::from_str::<Value>(&found.stdout)
                    && let Ok(bundle) = bundle_of(&json!({"items": [found]}))
                {
                    to.lock().unwrap().push((at, bundle));
                }
            }
        });
        Self {
            bundles,
            stopped,
            thread,
        }
    }

    pub(super) fn stop(self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

/// What came of the calls.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// By clients of ours.
    pub(super) calls: usize,
    /// By the API server itself, for Secrets that somebody creates.
    pub(super) writes: usize,
    pub(super) failed: Vec<String>,
}

/// Clients that call, one after the other, until told to stop.
pub(super) struct Load {
    stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Done>>,
}

impl Load {
    pub(super) fn start(follower: &Follower, urls: Vec<String>, tenant: Kubectl) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        for url in urls {
            let (stop, bundles) = (Arc::clone(&stopped), Arc::clone(&follower.bundles));
            threads.push(thread::spawn(move || {
                let mut done = Done::default();
                while !stop.load(Ordering::Relaxed) {
                    let bundle = {
                        let bundles = bundles.lock().unwrap();
                        let known = bundles.iter().rev();
                        let mut known = known.skip_while(|(at, _)| at.elapsed() < DELAY);
                        known.next().unwrap_or(&bundles[0]).1.clone()
                    };
                    if let Err(error) = call(&url, &bundle) {
                        done.failed.push(format!("{url}: {error}"));
                    }
                    done.calls += 1;
                }
                done
            }));
        }
        let stop = Arc::clone(&stopped);
        threads.push(thread::spawn(move || {
            let mut done = Done::default();
            let secret = ["-n", "team-a", "create", "secret", "generic", "vc-config-a"];
            let write = [&secret[..], &["--dry-run=server"]].concat();
            while !stop.load(Ordering::Relaxed) {
                let written = tenant.run(&write, "");
                if !written.ok {
                    done.failed
                        .push(format!("the API server: {}", written.stderr));
                }
                done.writes += 1;
            }
            done
        }));
        Self { stopped, threads }
    }

    pub(super) fn stop(self) -> Done {
        self.stopped.store(true, Ordering::Relaxed);
        let mut all = Done::default();
        for thread in self.threads {
            let Done {
                calls,
                writes,
                failed,
            } = thread.join().unwrap();
            all.calls += calls;
            all.writes += writes;
            all.failed.extend(failed);
        }
        all
    }
}
