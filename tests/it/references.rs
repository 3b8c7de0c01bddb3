//! `Reference::parse` against the crate `oci-spec`, a rewrite of the same Go code.

use distrogate::vcluster::Reference;
use oci_spec::distribution::Reference as Oci;
use proptest::prelude::*;

/// Pieces of references, right and wrong; in ASCII, as letters beyond it are tags to oci-spec only.
fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "k3s",
        "B",
        "0",
        "-",
        "--",
        "_",
        "__",
        "___",
        ".",
        "..",
        ":",
        "/",
        "@",
        " ",
        "v1.30.2",
        "rancher/k3s",
        "docker.io/",
        "index.docker.io/",
        "ghcr.io/",
        "r.example:5000/",
        "localhost/",
        "library/",
        ":v1",
        ":5000",
        "@sha256:",
        "@sha512:",
        "[::1]/",
        "+",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ]);
    prop::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
}

/// What oci-spec says, as we say it; `None` also for what it does not know.
fn by_oci(text: &str) -> Option<String> {
    let parsed: Oci = text.parse().ok()?;
    let mut whole = format!(
        "{}/{}",
        parsed.registry().to_ascii_lowercase(),
        parsed.repository()
    );
    // it adds a tag where there is neither tag nor digest
    let (written, _) = text.split_once('@').unwrap_or((text, ""));
    let last = written.rsplit('/').next().unwrap_or_default();
    if let Some(tag) = parsed.tag().filter(|_| last.contains(':')) {
        whole = format!("{whole}:{tag}");
    }
    if let Some(digest) = parsed.digest() {
        whole = format!("{whole}@{digest}");
    }
    Some(whole)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn references_are_read_as_oci_spec_reads_them(text in text()) {
        let ours = Reference::parse(&text).map(|reference| reference.to_string());
        let theirs = by_oci(&text);
        if ours == theirs {
            return Ok(());
        }
        // what newer Go reads, and oci-spec does not, or as a folder: hosts in brackets, or in
        // capitals without a dot; and digests, whose length it checks by algorithm
        let first = text.split('/').next().unwrap_or_default();
        let newer = first.starts_with('[') || first.contains(|c: char| c.is_ascii_uppercase());
        prop_assert!(
            newer || (theirs.is_none() && text.contains('@')),
            "{text:?}: {ours:?}, oci-spec {theirs:?}"
        );
    }
}
