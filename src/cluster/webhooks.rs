//! The two webhook configurations, with every field written out: API server defaults too, else
//! tools that compare with Git see a difference for ever.

use serde_json::{Value, json};

use super::conditions::{
    another_config_than_before, another_pod_than_before, no_last_farewell, no_refreshed_status,
    secrets_of_vcluster,
};
use super::resources::{Resource, Unselected, resources};
use super::rights::{MUTATING, VALIDATING};
use crate::carrier::VALUES_LABEL;
use crate::policy::{Policy, Target};

/// What the API server is told about this server.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Where it is reached.
    pub backend: Backend,
    /// The certificates that it is trusted by, PEM; `None` where somebody else writes them in.
    pub ca_bundle: Option<String>,
    /// What happens when it does not answer.
    pub failure_policies: FailurePolicies,
    /// Seconds until it is taken not to answer.
    pub timeout: u8,
    /// Namespaces that never depend on it, kube-system and its own among them.
    pub exempt: Vec<String>,
}

/// Where the server is reached.
#[derive(Clone, Debug)]
pub enum Backend {
    /// Behind a Service.
    Service {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its port.
        port: u16,
    },
    /// At an address that begins with `https://`.
    Url(String),
}

impl Backend {
    /// The name that a certificate has to be good for.
    pub fn host(&self) -> String {
        match self {
            Self::Service {
                namespace, name, ..
            } => format!("{name}.{namespace}.svc"),
            Self::Url(_) => {
                let (host, _) = self.parts();
                host.trim_matches(['[', ']']).to_owned()
            }
        }
    }

    /// `HOST:PORT` that the API server connects to.
    pub fn address(&self) -> String {
        let (host, port) = self.parts();
        format!("{host}:{port}")
    }

    /// `https://HOST:PORT`, without a path.
    pub fn origin(&self) -> String {
        format!("https://{}", self.address())
    }

    /// Host, in brackets where it is an IPv6 address, and port.
    fn parts(&self) -> (String, u16) {
        match self {
            Self::Service { port, .. } => (self.host(), *port),
            Self::Url(url) => {
                let rest = url.strip_prefix("https://").unwrap_or(url);
                let authority = rest.split('/').next().unwrap_or_default();
                let split = authority.rsplit_once(':');
                match split.map(|(host, port)| (host, port.parse())) {
                    Some((host, Ok(port))) => (host.to_owned(), port),
                    _ => (authority.to_owned(), 443),
                }
            }
        }
    }
}

/// What happens when the server does not answer.
#[derive(Clone, Copy, Debug)]
pub struct FailurePolicies {
    /// `Fail` refuses what nobody could judge, `Ignore` lets it through.
    pub validate: &'static str,
    /// Without defaults a deployment is less tidy, without an answer it is stopped.
    pub mutate: &'static str,
}

/// Keeps AKS from adding selectors to webhooks, by labels that whoever has a namespace may set; what
/// it would keep away from them is kept away by the names of namespaces.
const UNTOUCHED: &str = "admissions.enforcer/disabled";

impl Registration {
    /// Both configurations for the carriers of a policy.
    pub fn objects(&self, policy: &Policy) -> Result<[Value; 2], Unselected> {
        let all = resources(policy)?;
        Ok([self.validating(&all), self.mutating(&all, policy)])
    }

    fn validating(&self, all: &[Resource]) -> Value {
        let fail = self.failure_policies.validate;
        let carriers = all
            .iter()
            .filter(|one| !is_workload(one) && (!is_labelled(one) || one.resource == "secrets"));
        let configuration = [
            json!({
                "name": "validate.distrogate.io",
                "failurePolicy": fail,
                "matchConditions": [
                    secrets_of_vcluster(),
                    another_config_than_before(),
                    no_refreshed_status(),
                    no_last_farewell(),
                ],
                "objectSelector": {},
                "rules": rules(carriers),
            }),
            json!({
                "name": "values.distrogate.io",
                "failurePolicy": fail,
                "objectSelector": {
                    "matchExpressions": [{"key": VALUES_LABEL, "operator": "Exists"}],
                },
                "rules": rules(all.iter().filter(|one| is_labelled(one))),
            }),
            json!({
                "name": "workloads.distrogate.io",
                "failurePolicy": fail,
                "matchConditions": [another_pod_than_before()],
                "objectSelector": {"matchLabels": {"app": "vcluster"}},
                "rules": rules(all.iter().filter(|one| is_workload(one))),
            }),
        ];
        self.configuration(
            "ValidatingWebhookConfiguration",
            VALIDATING,
            "/validate",
            configuration.to_vec(),
        )
    }

    fn mutating(&self, all: &[Resource], policy: &Policy) -> Value {
        let fail = self.failure_policies.mutate;
        // a webhook that runs after these may set a chart version or values; a second call adds
        // only what is still missing
        let again = "IfNeeded";
        let mut webhooks = vec![json!({
            "name": "mutate.distrogate.io",
            "failurePolicy": fail,
            "objectSelector": {},
            "reinvocationPolicy": again,
            "rules": rules(all.iter().filter(|one| one.is_mutated)),
        })];
        if policy.has_defaults_into(Target::Secret) {
            let is_secret = |one: &&Resource| is_labelled(one) && one.resource == "secrets";
            webhooks.push(json!({
                "name": "mutate-secrets.distrogate.io",
                "failurePolicy": fail,
                "matchConditions": [secrets_of_vcluster(), another_config_than_before()],
                "objectSelector": {},
                "reinvocationPolicy": again,
                "rules": rules(all.iter().filter(is_secret)),
            }));
        }
        if policy.has_defaults_into(Target::Workload) {
            webhooks.push(json!({
                "name": "mutate-workloads.distrogate.io",
                "failurePolicy": fail,
                "matchConditions": [another_pod_than_before()],
                "objectSelector": {"matchLabels": {"app": "vcluster"}},
                "reinvocationPolicy": again,
                "rules": rules(all.iter().filter(|one| is_workload(one))),
            }));
        }
        self.configuration(
            "MutatingWebhookConfiguration",
            MUTATING,
            "/mutate",
            webhooks,
        )
    }

    fn configuration(&self, kind: &str, name: &str, path: &str, mut webhooks: Vec<Value>) -> Value {
        for webhook in webhooks.iter_mut().filter_map(Value::as_object_mut) {
            let namespaces = json!({
                "matchExpressions": [{
                    "key": "kubernetes.io/metadata.name",
                    "operator": "NotIn",
                    "values": self.exempt,
                }],
            });
            for (key, value) in [
                ("admissionReviewVersions", json!(["v1"])),
                ("clientConfig", self.client_config(path)),
                ("matchPolicy", json!("Equivalent")),
                ("namespaceSelector", namespaces),
                ("sideEffects", json!("None")),
                ("timeoutSeconds", json!(self.timeout)),
            ] {
                webhook.insert(key.to_owned(), value);
            }
        }
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name, "annotations": {UNTOUCHED: "true"}},
            "webhooks": webhooks,
        })
    }

    fn client_config(&self, path: &str) -> Value {
        let mut config = match &self.backend {
            Backend::Service {
                namespace,
                name,
                port,
            } => json!({
                "service": {"namespace": namespace, "name": name, "path": path, "port": port},
            }),
            Backend::Url(url) => json!({"url": format!("{}{path}", url.trim_end_matches('/'))}),
        };
        if let (Some(pem), Some(config)) = (&self.ca_bundle, config.as_object_mut()) {
            use base64::Engine as _;
            let bundle = base64::engine::general_purpose::STANDARD.encode(pem);
            config.insert("caBundle".to_owned(), json!(bundle));
        }
        config
    }
}

/// Whether a resource is one that may have the label of values.
fn is_labelled(one: &Resource) -> bool {
    one.group.is_empty() && ["configmaps", "secrets"].contains(&one.resource.as_str())
}

/// Whether a resource is what the chart renders.
fn is_workload(one: &Resource) -> bool {
    one.group == "apps" && ["statefulsets", "deployments"].contains(&one.resource.as_str())
}

/// Rules for resources; those that differ in their name only stand in one.
fn rules<'r>(resources: impl Iterator<Item = &'r Resource>) -> Vec<Value> {
    let mut rules: Vec<(&Resource, Vec<&str>)> = Vec::new();
    for resource in resources {
        let same = |(other, _): &&mut (&Resource, Vec<&str>)| {
            (&other.group, &other.versions, other.scope)
                == (&resource.group, &resource.versions, resource.scope)
        };
        match rules.iter_mut().find(same) {
            Some((_, names)) => names.push(&resource.resource),
            None => rules.push((resource, vec![&resource.resource])),
        }
    }
    rules
        .into_iter()
        .map(|(resource, names)| {
            json!({
                "apiGroups": [resource.group],
                "apiVersions": resource.versions,
                "operations": ["CREATE", "UPDATE"],
                "resources": names,
                "scope": resource.scope,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_a_name_and_an_address() {
        let service = Backend::Service {
            namespace: "a".to_owned(),
            name: "b".to_owned(),
            port: 8_443,
        };
        let url = |url: &str| Backend::Url(url.to_owned());
        for (backend, host, address) in [
            (service, "b.a.svc", "b.a.svc:8443"),
            (url("https://a.example/x"), "a.example", "a.example:443"),
            (url("https://10.0.0.1:8443"), "10.0.0.1", "10.0.0.1:8443"),
            (url("https://[::1]"), "::1", "[::1]:443"),
            (url("https://[::1]:8443/"), "::1", "[::1]:8443"),
        ] {
            assert_eq!((&*backend.host(), &*backend.address()), (host, address));
        }
    }
}
