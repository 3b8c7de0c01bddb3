//! The program under load that wants more memory than it has: it stays below its bound.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use rustls::{ClientConnection, StreamOwned};
use serde_json::json;

use crate::dev_server::DevServer;
use crate::serve::connect;
use crate::support::{cluster_api, envelope};

/// The memory limit in `deploy/base/deployment.yaml`, in KiB.
const BOUND: usize = 256 * 1_024;

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// The most memory that a process has had, in KiB.
fn high_water(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

/// The code of the answer; nothing if the connection ends before it.
fn code(stream: &mut Stream) -> Option<u16> {
    let mut start = [0; 12];
    match stream.read_exact(&mut start) {
        Ok(()) => str::from_utf8(&start[9..]).unwrap().parse().ok(),
        Err(error) => {
            assert_ne!(error.kind(), ErrorKind::WouldBlock, "no answer in time");
            None
        }
    }
}

fn head(length: usize) -> String {
    format!(
        "POST /validate?timeout=30s HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// A review whose reading takes a hundred times its size: 200 000 values before and after.
fn dear() -> String {
    let values = format!(
        "controlPlane: {{distro: {{k8s: {{enabled: true}}}}}}\nx: [{}]\n",
        "0,".repeat(199_000)
    );
    let object = cluster_api("0.30.4", &json!(values));
    let old = cluster_api("0.30.4", &json!(values + "#"));
    envelope(&object, Some(&old))
}

/// 40 clients that send all but the last byte of the largest body; those who are refused go.
fn slow_bodies(address: SocketAddr, ca_file: &str) -> Vec<Stream> {
    let length = 7 * 1_024 * 1_024;
    let mut body = vec![b' '; length - 1];
    body[0] = b'{';
    let clients = (0..40).map(|_| {
        let mut stream = connect(address, ca_file);
        stream.write_all(head(length).as_bytes()).unwrap();
        // ends early where the answer is there before
        stream.write_all(&body).ok();
        stream
    });
    clients.collect()
}

#[test]
fn memory_stays_below_its_bound() {
    let server = DevServer::start(&["--log-level", "error"]);
    let (address, ca_file) = (server.address, server.ca_file());

    let slow = slow_bodies(address, ca_file);
    // beside them, large reviews that cost far more than they weigh, of which some are answered,
    // and small ones, of which all are
    let body = dear();
    let codes: Vec<_> = thread::scope(|scope| {
        let ask = || {
            let mut stream = connect(address, ca_file);
            stream.write_all(head(body.len()).as_bytes()).unwrap();
            stream.write_all(body.as_bytes()).ok();
            code(&mut stream)
        };
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let small = r#"{"kind":"nothing"}"#;
    for _ in 0..20 {
        let mut stream = connect(address, ca_file);
        let request = head(small.len()) + small;
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(code(&mut stream), Some(422), "small reviews have room");
    }
    let answered = codes.iter().filter(|code| **code == Some(200)).count();
    assert!(answered >= 1, "{codes:?}");
    assert!(
        codes.iter().all(|code| matches!(code, Some(200 | 429))),
        "{codes:?}"
    );

    // those that were admitted are no reviews, or stood still for too long by now
    let slow_codes: Vec<_> = slow
        .into_iter()
        .map(|mut stream| {
            stream.write_all(b"}").ok();
            code(&mut stream)
        })
        .collect();
    assert!(
        slow_codes
            .iter()
            .all(|code| matches!(code, Some(400 | 422 | 429 | 504))),
        "{slow_codes:?}"
    );
    assert!(slow_codes.contains(&Some(429)), "{slow_codes:?}");
    let memory = high_water(server.id());
    assert!(memory < BOUND, "{memory} KiB");
}
