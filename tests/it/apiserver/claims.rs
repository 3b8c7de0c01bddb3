//! What is claimed about an answer, and about what is stored after it.

use serde_json::Value;

use super::objects::NAMESPACE;
use crate::harness::kubectl::{Kubectl, Outcome};

/// In the config of every Secret, where no rule looks. No message may hold it.
pub(super) const CANARY: &str = "canary-of-a-tenant";

/// How the API server begins when distrogate refused.
pub(super) const DENIED: &str =
    r#"admission webhook "validate.distrogate.io" denied the request: "#;

/// How the API server begins when distrogate did not answer.
pub(super) const NO_ANSWER: &str = r#"failed calling webhook "validate.distrogate.io""#;

/// What kubectl said, to be claimed about.
pub(super) struct Said {
    pub(super) outcome: Outcome,
}

pub(super) fn create(tenant: &Kubectl, object: &Value) -> Said {
    said(tenant.run(&["create", "-f", "-"], &object.to_string()))
}

pub(super) fn said(outcome: Outcome) -> Said {
    Said { outcome }
}

impl Said {
    #[track_caller]
    pub(super) fn succeeds(&self) {
        assert!(self.outcome.ok, "kubectl: {}", self.outcome.stderr);
    }

    /// Refused by distrogate, in words that begin or go on like this.
    #[track_caller]
    pub(super) fn is_refused(&self, words: &str) {
        self.fails_with(DENIED);
        self.fails_with(words);
        assert!(
            !self.outcome.stderr.contains(CANARY),
            "shows what is secret"
        );
    }

    #[track_caller]
    pub(super) fn fails_with(&self, words: &str) {
        let Outcome { ok, stdout, stderr } = &self.outcome;
        assert!(!ok, "kubectl should have failed:\n{stdout}");
        assert!(stderr.contains(words), "not said: {words}\nbut:\n{stderr}");
    }
}

pub(super) fn stored_k8s(tenant: &Kubectl, release: &str) -> Value {
    let stored = tenant.stored(&["-n", NAMESPACE, "helmrelease", release]);
    let k8s = stored.pointer("/spec/values/controlPlane/distro/k8s");
    k8s.unwrap_or_else(|| panic!("no k8s in {stored:#}"))
        .clone()
}

pub(super) fn reference(image: &Value) -> String {
    let part = |name| image.get(name).and_then(Value::as_str).unwrap_or_default();
    format!(
        "{}/{}:{}",
        part("registry"),
        part("repository"),
        part("tag")
    )
}

pub(super) fn is_absent(tenant: &Kubectl, object: &str) {
    let arguments = [
        "get",
        "-n",
        NAMESPACE,
        object,
        "--ignore-not-found",
        "-o",
        "name",
    ];
    assert_eq!(tenant.must(&arguments, ""), "", "{object} is there");
}
