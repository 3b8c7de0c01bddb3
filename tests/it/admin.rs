//! The admin port of the program: what it shows, and to whom it listens.

use std::io::Read as _;
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::dev_server::DevServer;
use crate::support::file;

/// The review of a fixture.
fn request(case: &str) -> String {
    std::fs::read_to_string(file(&format!("tests/fixtures/{case}/request.json"))).unwrap()
}

#[test]
fn probes_and_metrics_are_on_a_port_of_their_own() {
    let server = DevServer::start(&[]);
    let ready = server.admin("GET /readyz?verbose HTTP/1.1\r\n");
    assert!(ready.starts_with("HTTP/1.1 200 OK\r\n"), "{ready}");
    assert!(ready.contains("\r\nconnection: close\r\n"), "{ready}");
    assert!(ready.contains("\r\n\r\n[+]policy ok: revision "), "{ready}");
    assert!(ready.ends_with("readyz check passed\n"), "{ready}");
    let live = server.admin("GET /livez HTTP/1.1\r\n");
    assert!(live.ends_with("\r\n\r\nok"), "{live}");
    let head = server.admin("HEAD /metrics HTTP/1.1\r\n");
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );

    server.post(
        "/validate",
        &request("helmrelease-two-distros-k3s-k8s-0.30"),
    );
    server.post("/validate", "{");
    let scraped = server.scrape();
    for line in [
        "distrogate_reviews_total{endpoint=\"validate\",carrier=\"HelmRelease\",operation=\"CREATE\",decision=\"denied\"} 1",
        "distrogate_findings_total{rule=\"only-one-distro\",action=\"Deny\"} 1",
        "distrogate_refused_requests_total{reason=\"unreadable\"} 1",
        "distrogate_files_usable{files=\"policy\"} 1",
        "distrogate_panics_total 0",
        "distrogate_build_info{version=\"0.1.0\"} 1",
    ] {
        assert!(
            scraped.lines().any(|found| found == line),
            "{line}\n{scraped}"
        );
    }
}

#[test]
fn who_holds_connections_open_keeps_nobody_out() {
    let server = DevServer::start(&[]);
    let held: Vec<_> = (0..100)
        .map(|_| TcpStream::connect(server.admin).unwrap())
        .collect();
    let live = server.admin("GET /livez HTTP/1.1\r\n");
    assert!(live.ends_with("\r\n\r\nok"), "{live}");
    let mut oldest = &held[0];
    assert_eq!(oldest.read(&mut [0; 1]).unwrap_or(0), 0, "it was closed");
}

#[test]
fn promtool_finds_nothing_wrong_with_a_scrape() {
    if !crate::alerts::has_promtool() {
        return;
    }
    let server = DevServer::start(&[]);
    for case in [
        "helmrelease-two-distros-k3s-k8s-0.30",
        "helmrelease-documented-k8s-0.20",
        "secret-untouched-annotate",
        "connect-pod-exec",
    ] {
        for path in ["/mutate", "/validate"] {
            server.post(path, &request(case));
        }
    }
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics", "--extended"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let scraped = server.scrape();
    std::io::Write::write_all(&mut promtool.stdin.take().unwrap(), scraped.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && said.is_empty(),
        "{said}\n{scraped}"
    );
    let cardinality = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        cardinality.contains("distrogate_reviews_total"),
        "{cardinality}"
    );
}
