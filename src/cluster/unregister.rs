//! What an installation leaves in a cluster, taken away again.
//!
//! Owns which objects that are, in which order they go, and which of them are ours. First the
//! server's right to make them anew: it runs on until somebody stops it, and would register itself
//! again.

use std::fmt;
use std::time::Duration;

use kube::Client;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Preconditions};
use serde_json::Value;
use tokio::time::sleep;

use super::rights::{AUTHORITY, LEASE, MUTATING, VALIDATING};

/// The name of the server's service account and roles.
const NAME: &str = "distrogate";
/// The webhook configurations, by kind; those that refuse first.
const CONFIGURATIONS: [(&str, &str); 2] = [
    ("ValidatingWebhookConfiguration", VALIDATING),
    ("MutatingWebhookConfiguration", MUTATING),
];
/// What our webhooks' names end with.
const DOMAIN: &str = ".distrogate.io";

/// A server that may still register itself does so at once; this is far longer.
const PAUSE: Duration = Duration::from_secs(1);
/// How often what came back is taken away.
const ROUNDS: usize = 5;

/// Whose objects are meant.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The namespace of the server.
    pub namespace: String,
    /// The Service that its webhooks lead to.
    pub service: String,
}

/// An object, and what became of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Removal {
    /// Kind and name, the namespace before it.
    pub object: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It is gone.
    Deleted,
    /// There was none.
    Absent,
    /// It is not ours, and why: it stays.
    Foreign(String),
    /// Somebody makes it anew, or a finalizer holds it.
    Still,
    /// The API server did not let it go, in its words.
    Refused(String),
}

impl Outcome {
    /// Whether nothing of ours is left.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Deleted | Self::Absent)
    }
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { object, outcome } = self;
        match outcome {
            Outcome::Deleted => write!(f, "{object} deleted"),
            Outcome::Absent => write!(f, "{object} not there"),
            Outcome::Foreign(why) => write!(f, "{object} kept: {why}"),
            Outcome::Still => write!(
                f,
                "{object} still there: a server that may register itself makes it anew, or a finalizer holds it"
            ),
            Outcome::Refused(why) => write!(f, "{object} not deleted: {why}"),
        }
    }
}

/// Takes the webhooks away, and with `certificates` what the servers made for them. Errors are those
/// of reaching the API server; what it refuses is an outcome.
pub async fn unregister(
    client: &Client,
    installation: &Installation,
    certificates: bool,
) -> kube::Result<Vec<Removal>> {
    let namespace = Some(&*installation.namespace);
    let mut removals = vec![];
    let binding = Object::new(client, "ClusterRoleBinding", NAME, None);
    removals.push(binding.delete_ours(installation).await?);
    if certificates {
        let binding = Object::new(client, "RoleBinding", NAME, namespace);
        removals.push(binding.delete_ours(installation).await?);
    }
    let configurations = CONFIGURATIONS.map(|(kind, name)| Object::new(client, kind, name, None));
    let first = removals.len();
    for configuration in &configurations {
        removals.push(configuration.delete_ours(installation).await?);
    }
    let is_changed = |removal: &Removal| removal.outcome == Outcome::Deleted;
    if removals.iter().any(is_changed) {
        let registered = removals.iter_mut().skip(first);
        for (configuration, removal) in configurations.iter().zip(registered) {
            if removal.outcome.is_gone() && !configuration.stays_away(installation).await? {
                removal.outcome = Outcome::Still;
            }
        }
    }
    if certificates {
        for (kind, name) in [("Secret", AUTHORITY), ("Lease", LEASE)] {
            let object = Object::new(client, kind, name, namespace);
            // not read: what is in it is nobody's business
            let outcome = object.delete(None).await?;
            removals.push(object.removal(outcome));
        }
    }
    Ok(removals)
}

/// One object, there or not.
struct Object {
    api: Api<DynamicObject>,
    kind: &'static str,
    name: &'static str,
    namespace: Option<String>,
}

impl Object {
    fn new(
        client: &Client,
        kind: &'static str,
        name: &'static str,
        namespace: Option<&str>,
    ) -> Self {
        let resource = resource(kind);
        let api = match namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        };
        Self {
            api,
            kind,
            name,
            namespace: namespace.map(str::to_owned),
        }
    }

    /// Deletes it if it is ours, and that very one.
    async fn delete_ours(&self, installation: &Installation) -> kube::Result<Removal> {
        let found = match self.api.get_opt(self.name).await {
            Ok(found) => found,
            Err(kube::Error::Api(status)) => {
                return Ok(self.removal(Outcome::Refused(status.message)));
            }
            Err(error) => return Err(error),
        };
        let outcome = match found {
            None => Outcome::Absent,
            Some(object) => match why_not_ours(self.kind, &object.data, installation) {
                Some(why) => Outcome::Foreign(why),
                None => self.delete(object.metadata.uid).await?,
            },
        };
        Ok(self.removal(outcome))
    }

    async fn delete(&self, uid: Option<String>) -> kube::Result<Outcome> {
        let mut how = DeleteParams::background();
        how.preconditions = uid.map(|uid| Preconditions {
            uid: Some(uid),
            resource_version: None,
        });
        match self.api.delete(self.name, &how).await {
            Ok(_) => Ok(Outcome::Deleted),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(Outcome::Absent),
            Err(kube::Error::Api(status)) => Ok(Outcome::Refused(status.message)),
            Err(error) => Err(error),
        }
    }

    /// Whether nobody makes it anew, or only until its rights are gone everywhere.
    async fn stays_away(&self, installation: &Installation) -> kube::Result<bool> {
        for _ in 0..ROUNDS {
            sleep(PAUSE).await;
            if self.delete_ours(installation).await?.outcome == Outcome::Absent {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn removal(&self, outcome: Outcome) -> Removal {
        let Self {
            kind,
            name,
            namespace,
            api: _,
        } = self;
        let object = match namespace {
            Some(namespace) => format!("{kind} {namespace}/{name}"),
            None => format!("{kind} {name}"),
        };
        Removal { object, outcome }
    }
}

/// As the API server names the kinds that are met here.
fn resource(kind: &str) -> ApiResource {
    let group = match kind {
        "Secret" => "",
        "Lease" => "coordination.k8s.io",
        "ClusterRoleBinding" | "RoleBinding" => "rbac.authorization.k8s.io",
        _ => "admissionregistration.k8s.io",
    };
    let kind = kube::core::GroupVersionKind::gvk(group, "v1", kind);
    ApiResource::from_gvk(&kind)
}

/// Why an object with one of our names is somebody else's; `None` if it is ours.
fn why_not_ours(kind: &str, object: &Value, installation: &Installation) -> Option<String> {
    let Installation { namespace, service } = installation;
    let text = |value: &Value, pointer: &str| {
        let text = value.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let list = |key: &str| {
        let list = object.get(key).and_then(Value::as_array);
        list.map(Vec::as_slice).unwrap_or_default()
    };
    if kind.ends_with("RoleBinding") {
        let is_ours = |subject: &Value| {
            text(subject, "/kind") == "ServiceAccount"
                && text(subject, "/name") == NAME
                && text(subject, "/namespace") == *namespace
        };
        let others = list("subjects").iter().any(|subject| !is_ours(subject));
        return others
            .then(|| format!("it is not about the service account {namespace}/{NAME} alone"));
    }
    list("webhooks").iter().find_map(|webhook| {
        let name = text(webhook, "/name");
        if !name.ends_with(DOMAIN) {
            return Some(format!("its webhook {name} is not ours"));
        }
        // an address says nothing of a namespace
        webhook.pointer("/clientConfig/service")?;
        let leads = |key: &str| text(webhook, &format!("/clientConfig/service/{key}"));
        let (their_namespace, their_service) = (leads("namespace"), leads("name"));
        let is_ours = their_namespace == *namespace && their_service == *service;
        (!is_ours).then(|| {
            format!(
                "its webhook {name} leads to the Service {their_namespace}/{their_service}, not to \
                 {namespace}/{service}"
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_leads_to_this_server_is_ours() {
        let installation = Installation {
            namespace: "distrogate-system".to_owned(),
            service: "distrogate".to_owned(),
        };
        let at = |name: &str, config: Value| json!({"name": name, "clientConfig": config});
        let service =
            |namespace: &str| json!({"service": {"namespace": namespace, "name": "distrogate"}});
        let ours = at("validate.distrogate.io", service("distrogate-system"));
        for (webhooks, expected) in [
            (json!([]), None),
            (json!([ours]), None),
            (
                json!([at(
                    "values.distrogate.io",
                    json!({"url": "https://a.example"})
                )]),
                None,
            ),
            (
                json!([ours, at("validate.example", service("distrogate-system"))]),
                Some("its webhook validate.example is not ours"),
            ),
            (
                json!([at("validate.distrogate.io", service("platform"))]),
                Some(
                    "its webhook validate.distrogate.io leads to the Service platform/distrogate, \
                     not to distrogate-system/distrogate",
                ),
            ),
        ] {
            let object = json!({"webhooks": webhooks});
            let why = why_not_ours("ValidatingWebhookConfiguration", &object, &installation);
            assert_eq!(why.as_deref(), expected, "{object}");
        }
    }

    #[test]
    fn a_binding_of_others_stays() {
        let installation = Installation {
            namespace: "platform".to_owned(),
            service: "distrogate".to_owned(),
        };
        let account = |namespace: &str| json!({"kind": "ServiceAccount", "name": "distrogate", "namespace": namespace});
        let user = json!({"kind": "User", "name": "distrogate", "namespace": "platform"});
        for (subjects, is_ours) in [
            (json!([account("platform")]), true),
            (json!([account("platform"), account("other")]), false),
            (json!([user]), false),
        ] {
            let object = json!({"subjects": subjects});
            let why = why_not_ours("ClusterRoleBinding", &object, &installation);
            assert_eq!(why.is_none(), is_ours, "{object}");
        }
    }
}
