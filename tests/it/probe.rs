//! `distrogate probe` at a running server.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use crate::harness::certificates::Certificates;
use crate::harness::server::Server;
use crate::support::{distrogate, run, stderr, stdout};

#[test]
fn a_server_that_answers_is_told_from_one_that_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(&folder.path().join("certificates"));
    let server = Server::start(&certificates, folder.path());
    let url = server.url();
    let ca = certificates.ca();
    let output = run(&["probe", "--url", url, "--ca-file", ca.to_str().unwrap()]);
    assert_eq!(stderr(&output), "");
    assert_eq!(
        stdout(&output),
        format!("{url} answers: two distros are refused\n")
    );
    assert_eq!(output.status.code(), Some(0));

    let others = Certificates::make(&folder.path().join("others"));
    let ca = others.ca();
    let output = run(&["probe", "--url", url, "--ca-file", ca.to_str().unwrap()]);
    assert_eq!(
        stderr(&output),
        format!("error: {url}: invalid peer certificate: BadSignature\n")
    );
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn it_waits_for_what_is_mounted_late() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(&folder.path().join("certificates"));
    let server = Server::start(&certificates, folder.path());
    let late = folder.path().join("late.crt");
    let url = server.url();
    let early = run(&["probe", "--url", url, "--ca-file", late.to_str().unwrap()]);
    assert_eq!(
        stderr(&early).replace(folder.path().to_str().unwrap(), "DIR"),
        format!("error: {url}: DIR/late.crt: No such file or directory (os error 2)\n")
    );
    assert_eq!(early.status.code(), Some(3));

    let mut probe = distrogate()
        .args(["probe", "--wait=60", "--url", url, "--ca-file"])
        .arg(&late)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    fs::copy(certificates.ca(), &late).unwrap();
    let lines = BufReader::new(probe.stdout.take().unwrap()).lines();
    assert_eq!(
        lines.map(Result::unwrap).collect::<Vec<_>>(),
        [format!("{url} answers: two distros are refused")]
    );
    assert_eq!(probe.wait().unwrap().code(), Some(0));
}

#[test]
fn where_nobody_listens_nobody_answers() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(&folder.path().join("certificates"));
    let ca = certificates.ca();
    // taken, so that nobody else has it, and free again at the end of the statement
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("https://{address}");
    let output = run(&["probe", "--url", &url, "--ca-file", ca.to_str().unwrap()]);
    assert_eq!(
        stderr(&output),
        format!("error: {url}: cannot connect: Connection refused (os error 111)\n")
    );
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn only_https_is_asked() {
    let output = run(&["probe", "--url", "http://localhost", "--ca-file", "ca.crt"]);
    assert_eq!(
        stderr(&output),
        "error: --url has to be https://HOST or https://HOST:PORT\n"
    );
    assert_eq!(output.status.code(), Some(3));
}
