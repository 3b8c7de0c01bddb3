//! What the server may do at the API server, and needs: the one table of it.
//!
//! Nothing else in the program asks for more; the roles in `deploy/` are compared with this. Only
//! `/version`, for `--watch-host-version`, has no row: Kubernetes lets everybody read it.

use serde_json::{Value, json};

/// The Secret with the authority, in the server's own namespace.
pub const AUTHORITY: &str = "distrogate-authority";
/// The Lease that says which replica renews it, in the same namespace.
pub const LEASE: &str = "distrogate";
/// The validating configuration.
pub const VALIDATING: &str = "validate.distrogate.io";
/// The mutating configuration.
pub const MUTATING: &str = "mutate.distrogate.io";

/// When a right is needed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Need {
    /// `--certificates=self-managed`.
    SelfManaged,
    /// `--register`.
    Register,
    /// Either of them.
    Both,
    /// `--watch-live`.
    WatchLive,
    /// `--watch-namespaces`.
    WatchNamespaces,
}

/// Where a right is given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// In the server's own namespace: a Role.
    Namespace,
    /// In the whole cluster: a `ClusterRole`.
    Cluster,
}

/// Something that may be done with a resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Right {
    /// When it is needed.
    pub need: Need,
    /// Where it is given.
    pub reach: Reach,
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The plural in lower case.
    pub resource: &'static str,
    /// The one object; `None` for `create`, which the API server cannot limit to a name, and for
    /// what is looked at everywhere.
    pub name: Option<&'static str>,
    /// What may be done.
    pub verbs: &'static [&'static str],
}

/// `list` and `watch` are with a field selector on the name, which is all that this allows.
const FOLLOW: &[&str] = &["get", "list", "watch", "patch"];
const CREATE: &[&str] = &["create"];
/// RBAC knows no beginnings of names: who can list the Secrets `vc-config-*` can list all.
const LOOK: &[&str] = &["list", "watch"];
const REGISTRATION: &str = "admissionregistration.k8s.io";

/// All of them.
pub const RIGHTS: [Right; 11] = [
    Right {
        need: Need::SelfManaged,
        reach: Reach::Namespace,
        group: "",
        resource: "secrets",
        name: Some(AUTHORITY),
        verbs: &["get", "list", "watch", "update"],
    },
    Right {
        need: Need::SelfManaged,
        reach: Reach::Namespace,
        group: "",
        resource: "secrets",
        name: None,
        verbs: CREATE,
    },
    Right {
        need: Need::Both,
        reach: Reach::Namespace,
        group: "coordination.k8s.io",
        resource: "leases",
        name: Some(LEASE),
        verbs: &["get", "update"],
    },
    Right {
        need: Need::Both,
        reach: Reach::Namespace,
        group: "coordination.k8s.io",
        resource: "leases",
        name: None,
        verbs: CREATE,
    },
    Right {
        need: Need::Both,
        reach: Reach::Cluster,
        group: REGISTRATION,
        resource: "validatingwebhookconfigurations",
        name: Some(VALIDATING),
        verbs: FOLLOW,
    },
    Right {
        need: Need::Both,
        reach: Reach::Cluster,
        group: REGISTRATION,
        resource: "mutatingwebhookconfigurations",
        name: Some(MUTATING),
        verbs: FOLLOW,
    },
    Right {
        need: Need::Register,
        reach: Reach::Cluster,
        group: REGISTRATION,
        resource: "validatingwebhookconfigurations",
        name: None,
        verbs: CREATE,
    },
    Right {
        need: Need::Register,
        reach: Reach::Cluster,
        group: REGISTRATION,
        resource: "mutatingwebhookconfigurations",
        name: None,
        verbs: CREATE,
    },
    Right {
        need: Need::WatchLive,
        reach: Reach::Cluster,
        group: "",
        resource: "persistentvolumeclaims",
        name: None,
        verbs: LOOK,
    },
    Right {
        need: Need::WatchLive,
        reach: Reach::Cluster,
        group: "",
        resource: "secrets",
        name: None,
        verbs: LOOK,
    },
    Right {
        need: Need::WatchNamespaces,
        reach: Reach::Cluster,
        group: "",
        resource: "namespaces",
        name: None,
        verbs: LOOK,
    },
];

impl Right {
    /// As a rule of a Role or `ClusterRole`.
    pub fn rule(&self) -> Value {
        let Self {
            need: _,
            reach: _,
            group,
            resource,
            name,
            verbs,
        } = self;
        let mut rule = json!({"apiGroups": [group], "resources": [resource], "verbs": verbs});
        if let (Some(name), Some(rule)) = (name, rule.as_object_mut()) {
            rule.insert("resourceNames".to_owned(), json!([name]));
        }
        rule
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_creating_and_looking_is_limited_to_one_name() {
        for right in RIGHTS {
            let is_create = right.verbs == CREATE;
            let watches = [Need::WatchLive, Need::WatchNamespaces];
            let is_look = watches.contains(&right.need) && right.verbs == LOOK;
            assert_eq!(right.name.is_none(), is_create || is_look, "{right:?}");
            assert!(is_create || !right.verbs.contains(&"create"), "{right:?}");
            for verb in ["delete", "deletecollection", "*"] {
                assert!(!right.verbs.contains(&verb), "{right:?}");
            }
        }
    }

    #[test]
    fn a_right_is_a_rule_of_a_role() {
        let rules: Vec<_> = RIGHTS.iter().take(2).map(Right::rule).collect();
        assert_eq!(
            rules,
            [
                json!({
                    "apiGroups": [""],
                    "resources": ["secrets"],
                    "resourceNames": ["distrogate-authority"],
                    "verbs": ["get", "list", "watch", "update"],
                }),
                json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}),
            ]
        );
    }
}
