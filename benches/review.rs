//! What a review costs, from bytes to bytes: the cases that an API server sends most.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use distrogate::admission::{self, Endpoint};
use distrogate::gate::{self, Cluster};
use distrogate::policy::Policy;
use distrogate::values::{Limits, read_yaml};

/// Cases of `tests/fixtures`, and the webhook that is called.
const CASES: [(&str, Endpoint); 6] = [
    // the pod writes an annotation
    ("secret-untouched-annotate", Endpoint::Validate),
    // `helm upgrade` writes another merged config, 5 KB
    ("secret-update-era-d-0.36", Endpoint::Validate),
    ("secret-two-distros-k3s-k8s-0.30", Endpoint::Validate),
    ("helmrelease-create-era-d-0.36", Endpoint::Mutate),
    ("helmrelease-create-era-d-0.36", Endpoint::Validate),
    // no version: every chart of the catalogue has to be thought of
    ("helmrelease-chart-no-version", Endpoint::Validate),
];

fn review(criterion: &mut Criterion) {
    let policy = Policy::built_in();
    let cluster = Cluster::default();
    for (case, endpoint) in CASES {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(case)
            .join("request.json");
        let body = fs::read(file).expect("a fixture of this name");
        criterion.bench_function(&format!("{endpoint:?} {case}"), |bencher| {
            bencher.iter(|| {
                let answer = admission::answer(black_box(&body), |request| {
                    gate::review(request, endpoint, &policy, &cluster)
                });
                black_box(answer.is_ok())
            });
        });
    }
}

fn reader(criterion: &mut Criterion) {
    let entries: Vec<_> = (0..1_000)
        .map(|n| format!("key{n}:\n  enabled: true\n  image: v1.{n}.0\n"))
        .collect();
    let config = entries.concat();
    let name = format!("read_yaml, {} KB of block maps", config.len() / 1_000);
    criterion.bench_function(&name, |bencher| {
        bencher.iter(|| read_yaml(black_box(config.as_bytes()), &Limits::VALUES));
    });
}

criterion_group!(benches, review, reader);
criterion_main!(benches);
