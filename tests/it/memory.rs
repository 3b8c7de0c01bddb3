//! The program under load that wants more memory than it has: it stays below its bound.

use std::fs;
use std::io::{ErrorKind, Read as _, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use rustls::{ClientConnection, StreamOwned};
use serde_json::{Value, json};

use crate::dev_server::DevServer;
use crate::dev_server::{connect, exchange};
use crate::fake_api::FakeApi;
use crate::harness::process::until;
use crate::support::{cluster_api, envelope, secret};

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

/// A review whose reading takes a hundred times its size: 100 000 values before and after.
fn dear() -> String {
    let values = format!(
        "controlPlane: {{distro: {{k8s: {{enabled: true}}}}}}\nx: [{}]\n",
        "0,".repeat(99_000)
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

/// What the dearest review may take beyond its own body: `work_bytes` in `src/server/limits.rs`;
/// and the program, larger in a debug build, with everything that it has read before, in KiB.
const WORK: usize = (96 + 28) * 1_024;

/// A template of the platform with these values in its versions.
fn platform(texts: &[String]) -> Value {
    let versions = texts.iter().enumerate().map(|(number, values)| {
        json!({
            "version": format!("1.0.{number}"),
            "template": {"helmRelease": {"chart": {"version": "0.30.4"}, "values": values}},
        })
    });
    json!({
        "apiVersion": "storage.loft.sh/v1",
        "kind": "VirtualClusterTemplate",
        "metadata": {"name": "dev"},
        "spec": {"versions": versions.collect::<Vec<_>>()},
    })
}

/// An Application with these settings of Helm in its sources.
fn argo(helms: Vec<Value>) -> Value {
    let sources = helms.into_iter().enumerate().map(|(number, mut helm)| {
        helm["releaseName"] = json!(format!("r{number}"));
        json!({
            "repoURL": "https://charts.loft.sh",
            "chart": "vcluster",
            "targetRevision": "0.30.4",
            "helm": helm,
        })
    });
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "dev", "namespace": "argocd"},
        "spec": {
            "destination": {"namespace": "team-a"},
            "sources": sources.collect::<Vec<_>>(),
        },
    })
}

/// A workload with init containers of every distro's and of one distro again and again, each with
/// as many resources as are looked at, under names of this length.
fn workload(name: usize, again: usize) -> Value {
    let resources = |count: usize| {
        let one = |number| {
            (
                format!("{}.example/r{number:0>1$}", "x".repeat(50), name - 60),
                json!("1"),
            )
        };
        let all: serde_json::Map<String, Value> = (0..count).map(one).collect();
        json!({"limits": all, "requests": all})
    };
    let names = [
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler-manager",
        "vcluster",
    ];
    let again = std::iter::repeat_n("kubernetes", again);
    let containers = names.into_iter().chain(again);
    let containers = containers
        .map(|name| json!({"name": name, "image": "k:v1", "resources": resources(256)}))
        .collect::<Vec<_>>();
    json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {
            "name": "dev",
            "namespace": "team-a",
            "labels": {"app": "vcluster", "release": "dev", "chart": "vcluster-0.24.1"},
        },
        "spec": {"template": {"spec": {
            "initContainers": containers,
            "volumes": [{"name": "k3s-config"}],
        }}},
    })
}

/// Objects that ask for as much as one can, by what makes them dear.
fn dearest() -> Vec<(&'static str, Value)> {
    let distro = "controlPlane: {distro: {k8s: {enabled: true}}}\n";
    let list = |count: usize| format!("{distro}x: [{}]\n", "0,".repeat(count));
    let aliases = |count: usize| {
        let (items, names) = ("0,".repeat(200), "*a,".repeat(count));
        // of what is nearly all aliases Go reads nothing
        let more = "0,".repeat(2_000);
        format!("{distro}x: &a [{items}]\nz: [{more}]\ny: [{names}]\n")
    };
    let parameters = |count: usize| {
        let one = |number| json!({"name": format!("controlPlane.distro.k8s.p{number}")});
        (0..count).map(one).collect::<Vec<_>>()
    };
    let items = "a,".repeat(650_000);
    let set = |value: &str| json!([{"name": "controlPlane.distro.k8s.env", "value": value}]);
    let crossplane = |for_provider: Value| {
        json!({
            "apiVersion": "helm.m.crossplane.io/v1beta1",
            "kind": "Release",
            "metadata": {"name": "dev", "namespace": "team-a"},
            "spec": {"forProvider": for_provider},
        })
    };
    let chart = json!({"name": "vcluster", "version": "0.30.4"});
    let application_set = |generators: usize, values: String| {
        let template = json!({
            "metadata": {"name": "a"},
            "spec": {"source": {"targetRevision": "0.30.4"}},
        });
        json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "ApplicationSet",
            "metadata": {"name": "dev", "namespace": "argocd"},
            "spec": {
                "generators": vec![json!({"list": {"template": template}}); generators],
                "template": {
                    "metadata": {"name": "a"},
                    "spec": {
                        "destination": {"namespace": "team-a"},
                        "source": {"chart": "vcluster", "helm": {"values": values}},
                    },
                },
            },
        })
    };
    let env: String = (0..20_000).map(|_| "{name: a, value: b},").collect();
    let unknown: Vec<_> = (0..95_000).map(|number| format!("x{number}: 0")).collect();
    let unknown = unknown.join(",");
    let text = format!(
        "{distro}x: &a {}\ny: [{}]\n",
        "z".repeat(40_000),
        "*a,".repeat(90)
    );
    vec![
        ("a config", cluster_api("0.30.4", &json!(list(99_000)))),
        ("versions of lists", platform(&vec![list(5_600); 256])),
        ("versions of aliases", platform(&vec![aliases(450); 16])),
        ("versions of long texts", platform(&vec![text; 25])),
        (
            "sources of aliases",
            argo(vec![json!({"values": aliases(450)}); 16]),
        ),
        (
            "sources of parameters",
            argo(vec![json!({"parameters": parameters(250)}); 200]),
        ),
        (
            "one long list in a parameter",
            crossplane(json!({"chart": chart, "set": set(&format!("{{{items}a}}"))})),
        ),
        (
            "generators over a large template",
            application_set(16, list(90_000)),
        ),
        (
            "many generators over a template",
            application_set(256, list(95_000)),
        ),
        (
            "findings",
            cluster_api(
                "0.30.4",
                &json!(format!(
                    "controlPlane: {{distro: {{k8s: {{env: [{env}]}}}}}}"
                )),
            ),
        ),
        (
            "unknown fields",
            cluster_api(
                "0.30.4",
                &json!(format!("controlPlane: {{distro: {{k8s: {{{unknown}}}}}}}")),
            ),
        ),
        ("a workload of many containers", workload(62, 70)),
        ("a workload of long resources", workload(1_000, 1)),
        ("a Secret", secret("0.30.4", list(99_000).as_bytes())),
    ]
}

#[test]
fn the_dearest_reviews_take_no_more_than_is_kept_for_one() {
    for (what, object) in dearest() {
        let mut old = object.clone();
        change(&mut old);
        let body = envelope(&object, Some(&old));
        // what is read is the same for both
        let paths = ["/validate", "/mutate"].into_iter();
        for path in paths.take(if what == "a config" { 2 } else { 1 }) {
            let server = DevServer::start(&["--log-level", "error"]);
            let head = format!(
                "POST {path}?timeout=30s HTTP/1.1\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\n",
                body.len(),
            );
            let answer = exchange(server.address, server.ca_file(), &head, &body);
            assert!(
                answer.starts_with("HTTP/1.1 200 "),
                "{what}, {path}: {answer}"
            );
            let memory = high_water(server.id());
            let most = WORK + body.len() / 1_024;
            eprintln!("{what}, {path}: {memory} KiB of {most}");
            assert!(memory < most, "{what}, {path}: {memory} KiB of {most}");
        }
    }
}

/// Makes other texts, and other parameters, of all that an object has.
fn change(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match (&**key, value) {
                    ("values", Value::String(text)) => text.push('#'),
                    ("value", Value::String(text)) => text.insert(1, 'b'),
                    ("image", Value::String(text)) => text.push('b'),
                    ("name", Value::String(text)) if text.starts_with("controlPlane") => {
                        text.push('b');
                    }
                    ("config.yaml", Value::String(text)) => text.push_str("Iwo="),
                    (_, value) => change(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(change),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn memory_stays_below_its_bound() {
    let server = DevServer::start(&["--log-level", "error"]);
    let (address, ca_file) = (server.address, server.ca_file());

    let slow = slow_bodies(address, ca_file);
    // beside them, large reviews that cost far more than they weigh, of which some are answered
    // (they wait for each other, and whoever waits for too long is told so), and small ones, of
    // which all are
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
        codes
            .iter()
            .all(|code| matches!(code, Some(200 | 429 | 504))),
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

/// More than a server has that reviews nothing, in a debug build, in KiB; a page held once is more.
const IDLE: usize = 56 * 1_024;

#[test]
fn what_tenants_write_into_metadata_is_not_held() {
    const OBJECTS: usize = 40;
    // the most that the API server takes of annotations, as it writes `<`
    let fat = r"\u003c".repeat(256 * 1_024);
    let api = FakeApi::start(move |path, answer| {
        let object = |number: usize, answer: &mut dyn Write| {
            let labels = r#"{"app":"vcluster","chart":"vcluster-0.30.4"}"#;
            write!(
                answer,
                r#"{{"metadata":{{"name":"vc-config-r{number}","namespace":"team-a","#
            )?;
            write!(answer, r#""resourceVersion":"{number}","labels":{labels},"#)?;
            write!(answer, r#""annotations":{{"a":"{fat}","#)?;
            write!(answer, r#""vcluster.loft.sh/distro":"k3s"}}}}}}"#)
        };
        if !path.starts_with("/api/v1/secrets?") {
            return write!(answer, r#"{{"metadata":{{"resourceVersion":"1"}}}}"#);
        }
        if path.contains("watch=true") {
            for number in 0..OBJECTS {
                write!(answer, r#"{{"type":"ADDED","object":"#)?;
                object(OBJECTS + number, answer)?;
                writeln!(answer, "}}")?;
            }
            return Ok(());
        }
        write!(
            answer,
            r#"{{"metadata":{{"resourceVersion":"1"}},"items":["#
        )?;
        for number in 0..OBJECTS {
            let comma = if number > 0 { "," } else { "" };
            write!(answer, "{comma}")?;
            object(number, answer)?;
        }
        write!(answer, "]}}")
    });
    let kubeconfig = api.kubeconfig();
    let flags = ["--watch-live", "--kubeconfig", kubeconfig.to_str().unwrap()];
    let server = DevServer::start(&flags);
    until("all are known", std::time::Duration::from_mins(1), || {
        let page = server.scrape();
        let known = format!(
            "distrogate_watch_objects{{watch=\"secrets\"}} {}\n",
            2 * OBJECTS
        );
        if page.contains(&known) {
            Ok(())
        } else {
            Err(page)
        }
    });
    let memory = high_water(server.id());
    assert!(memory < IDLE, "{memory} KiB");
}
