//! What a user at a real API server does not notice: that distrogate is full, that it is replaced,
//! and that it stops with a review under way.

use std::fs;
use std::io::{Write, copy};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use distrogate::server::Limits;
use serde_json::{Value, json};

use crate::dev_server::connect;
use crate::dev_server::{DevServer, ask};
use crate::harness::cluster::Cluster;
use crate::harness::kubectl::Kubectl;
use crate::harness::manifests::{self, Target};
use crate::harness::process::until;
use crate::support::file;

/// The API server takes seconds to follow a webhook configuration.
const WITHIN: Duration = Duration::from_mins(1);

/// Objects that are created at most, should the end not come.
const MOST: usize = 500;

const DENIED: &str = r#"admission webhook "validate.distrogate.io" denied the request: "#;

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS: the folder that holds kube-apiserver and etcd"]
fn a_full_a_replaced_and_a_stopped_server_are_not_noticed() {
    let cluster = Cluster::start();
    let admin = cluster.admin();
    let old = DevServer::start(&["--shutdown-delay", "5s"]);
    let new = DevServer::start(&["--shutdown-delay", "1h", "--log-level", "debug"]);
    let last = DevServer::start(&[]);
    let service = Service::start(old.address);
    install(&cluster, service.address, &[&old, &new, &last]);

    while_it_is_full(&admin, &old);
    while_it_is_replaced(&admin, &service, old, &new);
    while_it_stops(&admin, &service, new, &last);
}

/// Two objects come while there is no room: one is stored and one is refused for what is in it,
/// with no trace of the 429 that came before.
fn while_it_is_full(admin: &Kubectl, server: &DevServer) {
    let crowd = crowd(server, FULL);
    let good = large_config("patient", &["k8s"]);
    let bad = large_config("impatient", &["k3s", "k8s"]);
    let (stored, refused) = thread::scope(|scope| {
        let [stored, refused] = [&good, &bad]
            .map(|object| scope.spawn(|| admin.run(&["create", "-f", "-"], &object.to_string())));
        until("both are told to ask again", WITHIN, || {
            match counted(server, "distrogate_shed_requests_total{reason=\"bytes\"}") {
                0 | 1 => Err("nobody asked".to_owned()),
                _ => Ok(()),
            }
        });
        drop(crowd);
        (stored.join().unwrap(), refused.join().unwrap())
    });
    assert!(stored.ok, "{}", stored.stderr);
    assert_eq!(stored.stdout, "secret/vc-config-patient created\n");
    assert_eq!(stored.stderr, "");
    assert!(!refused.ok);
    assert!(refused.stderr.contains(DENIED), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("[only-one-distro]"),
        "{}",
        refused.stderr
    );
}

/// One object after the other is created while the server is told to stop, goes on answering
/// because connections are still made to it, and ends; another is there by then.
fn while_it_is_replaced(admin: &Kubectl, service: &Service, old: DevServer, new: &DevServer) {
    let (created, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let so_far = || created.load(Ordering::SeqCst);
    let more_than = |count: usize| {
        until("another object", WITHIN, || {
            if so_far() > count {
                Ok(())
            } else {
                Err(format!("{count} objects"))
            }
        });
    };
    let (old_admin, next) = (old.admin, new.address);
    let connections = "distrogate_connections_accepted_total";
    let before = counted(new, connections);
    thread::scope(|scope| {
        let creating = scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) && so_far() < MOST {
                let object = config(&format!("number-{}", so_far()), &["k8s"]);
                let outcome = admin.run(&["create", "-f", "-"], &object.to_string());
                assert!(outcome.ok, "{}", outcome.stderr);
                created.fetch_add(1, Ordering::SeqCst);
            }
        });
        scope.spawn(move || {
            until("not ready", WITHIN, || {
                let answer = ask(old_admin, "GET /readyz HTTP/1.1\r\n");
                if answer.starts_with("HTTP/1.1 503 ") {
                    Ok(())
                } else {
                    Err(answer)
                }
            });
            // of which one at least began after that
            more_than(so_far() + 1);
            service.now_is(next);
        });
        more_than(1);
        // Waits for the end, with exit code 0.
        let (_, log) = old.stop();
        assert!(log.contains("Not accepting connections any more."), "{log}");
        more_than(so_far() + 1);
        is_over.store(true, Ordering::SeqCst);
        creating.join().unwrap();
    });
    assert!(counted(new, connections) > before, "{}", new.scrape());
}

/// An object's review waits for others when the server is told to stop, twice: it is sent elsewhere
/// and the API server asks again, there.
fn while_it_stops(admin: &Kubectl, service: &Service, mut old: DevServer, new: &DevServer) {
    let before = begun(&old);
    let others = FULL - 4;
    let _crowd = crowd(&old, others);
    let object = large_config("interrupted", &["k8s"]).to_string();
    let created = thread::scope(|scope| {
        let created = scope.spawn(|| admin.run(&["create", "-f", "-"], &object));
        until("its review is under way", WITHIN, || {
            let reviews = begun(&old) - before;
            if reviews > others as u64 {
                Ok(())
            } else {
                Err(format!("{reviews} reviews"))
            }
        });
        service.now_is(new.address);
        old.signal("-TERM");
        old.line("a second signal ends it");
        old.signal("-TERM");
        created.join().unwrap()
    });
    assert!(created.ok, "{}", created.stderr);
    assert_eq!(created.stdout, "secret/vc-config-interrupted created\n");
    assert_eq!(created.stderr, "");
    old.line("Sent a review elsewhere: the server stops.");
}

/// A Secret as a chart's release makes it, with these distros enabled.
fn config(release: &str, enabled: &[&str]) -> Value {
    let distro: Value = enabled
        .iter()
        .map(|distro| ((*distro).to_owned(), json!({"enabled": true})))
        .collect();
    let values = json!({"controlPlane": {"distro": distro}}).to_string();
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": format!("vc-config-{release}"), "namespace": "default"},
        "stringData": {"config.yaml": values},
    })
}

/// The same, and longer than what the crowd leaves room for.
fn large_config(release: &str, enabled: &[&str]) -> Value {
    let mut config = config(release, enabled);
    let values = &mut config["stringData"]["config.yaml"];
    let comment = "#".repeat(BYTES);
    *values = json!(format!("{}\n{comment}\n", values.as_str().unwrap()));
    config
}

/// The webhooks of `deploy/`, at the service, trusting whichever server is behind it.
fn install(cluster: &Cluster, service: SocketAddr, servers: &[&DevServer]) {
    let bundle = cluster.dir().join("authorities.crt");
    let authorities = servers.iter();
    let authorities = authorities.map(|server| fs::read_to_string(server.ca_file()).unwrap());
    fs::write(&bundle, authorities.collect::<String>()).unwrap();
    let admin = cluster.admin();
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let mut objects = manifests::build(&admin, &deploy);
    let target = Target {
        url: &format!("https://{service}"),
        ca: &bundle,
        minor_version: cluster.minor_version(),
    };
    manifests::adapt(&mut objects, &target);
    admin.must(&["apply", "-f", "-"], &manifests::list(&objects));
    let label = "kubernetes.io/metadata.name=default";
    admin.must(&["label", "--overwrite", "namespace", "default", label], "");
    let bad = config("canary", &["k3s", "k8s"]).to_string();
    until("validation active", WITHIN, || {
        let outcome = admin.run(&["create", "--dry-run=server", "-f", "-"], &bad);
        if outcome.stderr.contains(DENIED) {
            Ok(())
        } else {
            Err(outcome.stdout + &outcome.stderr)
        }
    });
}

/// What a counter or gauge stands at.
fn counted(server: &DevServer, series: &str) -> u64 {
    let scrape = server.scrape();
    let value = scrape
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{scrape}")).parse().unwrap()
}

/// How many requests have come in, answered or not.
fn begun(server: &DevServer) -> u64 {
    let scrape = server.scrape();
    let answered = scrape.lines().filter_map(|line| {
        let (series, value) = line.split_once(' ')?;
        series
            .starts_with("distrogate_request_duration_seconds_count")
            .then(|| value.parse::<u64>().unwrap())
    });
    answered.sum::<u64>() + counted(server, "distrogate_in_flight_reviews")
}

/// Length of what a review of the [`crowd`] is about, in bytes.
const BYTES: usize = 512 * 1_024;

/// So many of them leave no room for one more.
const FULL: usize = Limits::DEFAULT.flight_bytes / BYTES;

/// Clients that have sent a review each: these take long, and wait for each other.
fn crowd(server: &DevServer, count: usize) -> Vec<impl Send + use<>> {
    let request = file("tests/fixtures/secret-create-era-c-0.30/request.json");
    let mut review: Value = serde_json::from_slice(&fs::read(request).unwrap()).unwrap();
    let item = "- {name: SETTING, value: \"1\"}\n";
    // Base64 makes four of three.
    let values = format!("notes:\n{}", item.repeat(BYTES * 3 / 4 / item.len()));
    review["request"]["object"]["data"]["config.yaml"] = json!(STANDARD.encode(values));
    let body = review.to_string();
    let head = format!(
        "POST /validate?timeout=30s HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let (address, ca_file) = (server.address, server.ca_file());
    thread::scope(|scope| {
        let come = || {
            let mut client = connect(address, ca_file);
            client.write_all((head.clone() + &body).as_bytes()).unwrap();
            client
        };
        let coming: Vec<_> = (0..count).map(|_| scope.spawn(come)).collect();
        coming
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    })
}

/// What stands for a Service: connections are made to one server, then to another; those that are
/// there stay where they are.
struct Service {
    address: SocketAddr,
    server: Arc<Mutex<SocketAddr>>,
}

impl Service {
    fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = Arc::new(Mutex::new(server));
        let current = Arc::clone(&server);
        // Both end with the process.
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = *current.lock().unwrap();
                // A server that is gone shows as a closed connection.
                if let Ok(server) = TcpStream::connect(server) {
                    carry(&client, &server);
                    carry(&server, &client);
                }
            }
        });
        Self { address, server }
    }

    fn now_is(&self, server: SocketAddr) {
        *self.server.lock().unwrap() = server;
    }
}

/// From one to the other, to the end.
fn carry(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        // How it ended is seen by the client.
        copy(&mut from, &mut to).ok();
        to.shutdown(Shutdown::Write).ok();
    });
}
