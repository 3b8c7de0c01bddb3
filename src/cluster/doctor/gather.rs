//! Reading what the checks need. Nothing is written: what is created is created in a dry run.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use hyper::header::{DATE, WARNING};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Endpoints, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::Client;
use kube::core::ObjectMeta;
use rustls_pki_types::{CertificateDer, ServerName};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::ask::{Asker, Reply, Thing};
use super::container::{self, Mount};
use super::handshake;
use super::seen::{Hidden, Seen};
use super::selector;
use super::snapshot::{Answer, Behind, Canary, Endpoint, Expected, Labels, Snapshot, Workload};
use crate::cluster::Backend;

/// How many Pods are asked for their state.
const PODS_ASKED: usize = 10;
/// The name that dry runs are made under.
const MANAGER: &str = "distrogate-doctor";

/// What to look at.
#[derive(Clone, Debug)]
pub struct Sight {
    /// Where the API server reaches the server.
    pub backend: Backend,
    /// The namespace of the server.
    pub namespace: String,
    /// `HOST:PORT` where the server is reached from here.
    pub via: Option<String>,
    /// How long one answer may take.
    pub patience: Duration,
}

/// An object to ask the API server for, in a dry run.
#[derive(Clone, Debug)]
pub struct Bait {
    /// Its API group; empty for the core group.
    pub group: &'static str,
    /// Versions of that; the first that is served is taken.
    pub versions: &'static [&'static str],
    /// Its plural, in lower case.
    pub resource: &'static str,
    /// The object.
    pub object: Value,
    /// What should become of it.
    pub expected: Expected,
}

/// Reads a cluster.
pub struct Gatherer {
    asker: Asker,
    sight: Sight,
}

/// An object of the core group, as far as that is the same for all.
const CORE: Thing<'static> = Thing {
    group: "",
    version: "v1",
    resource: "",
    namespace: None,
    name: None,
    below: None,
    query: "",
};

impl Gatherer {
    /// Nothing is asked yet.
    pub const fn new(client: Client, sight: Sight) -> Self {
        let patience = sight.patience;
        Self {
            asker: Asker { client, patience },
            sight,
        }
    }

    /// Reads everything but canaries. An error means that there is no cluster to be asked.
    pub async fn snapshot(&self) -> Result<Snapshot, Hidden> {
        let asker = &self.asker;
        let reply = asker
            .call("GET", "/version", None, "application/json")
            .await?;
        let ours = OffsetDateTime::now_utc();
        let version: Version = match reply.read() {
            Seen::Is(version) => version,
            Seen::Absent => return Err(Hidden::Failed("is no Kubernetes API server".to_owned())),
            Seen::Hidden(hidden) => return Err(hidden),
        };
        let now = date(&reply).unwrap_or(ours);
        let configurations = |resource, kind| async move {
            let thing = Thing {
                group: "admissionregistration.k8s.io",
                resource,
                ..CORE
            };
            let listed: Seen<Vec<Value>> = asker.list(thing).await;
            listed.map(|all| all.into_iter().map(|one| named(one, kind)).collect())
        };
        let (validating, mutating, namespaces, behind, served, workloads) = tokio::join!(
            configurations(
                "validatingwebhookconfigurations",
                "ValidatingWebhookConfiguration"
            ),
            configurations(
                "mutatingwebhookconfigurations",
                "MutatingWebhookConfiguration"
            ),
            self.namespaces(),
            self.behind(),
            self.served(),
            self.workloads(),
        );
        Ok(Snapshot {
            now,
            // the header has whole seconds
            ahead: ours.replace_nanosecond(0).unwrap_or(ours) - now,
            minor: version.minor(),
            version: version.git_version,
            validating,
            mutating,
            namespaces,
            behind,
            served,
            workloads,
            canaries: Vec::new(),
        })
    }

    /// Asks for an object that should not be made, and is not.
    pub async fn canary(&self, bait: Bait) -> Canary {
        let Bait {
            group,
            versions,
            resource,
            mut object,
            expected,
        } = bait;
        let text = |pointer: &str| {
            let value = object.pointer(pointer).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let namespace = text("/metadata/namespace");
        let title = format!("{} {namespace}/{}", text("/kind"), text("/metadata/name"));
        let mut answer = Seen::Absent;
        for version in versions {
            if !group.is_empty()
                && let Some(written) = object.get_mut("apiVersion")
            {
                *written = format!("{group}/{version}").into();
            }
            let query = format!("dryRun=All&fieldManager={MANAGER}");
            let thing = Thing {
                group,
                version,
                resource,
                namespace: Some(&namespace),
                query: &query,
                ..CORE
            };
            answer = match self.asker.ask("create", thing, Some(&object)).await {
                Err(hidden) => Seen::Hidden(hidden),
                Ok(reply) => told(&reply),
            };
            if answer != Seen::Absent {
                break;
            }
        }
        Canary {
            object: title,
            expected,
            answer,
        }
    }

    async fn namespaces(&self) -> BTreeMap<String, Seen<Labels>> {
        let mut all = BTreeMap::new();
        for name in ["kube-system", &self.sight.namespace] {
            let thing = Thing {
                resource: "namespaces",
                name: Some(name),
                ..CORE
            };
            let seen: Seen<Meta> = self.asker.get(thing).await;
            let labels = seen.map(|one| one.metadata.labels.unwrap_or_default());
            all.insert(name.to_owned(), labels);
        }
        all
    }

    async fn behind(&self) -> Option<Behind> {
        let Backend::Service {
            namespace,
            name,
            port: _,
        } = &self.sight.backend
        else {
            return None;
        };
        let here = Thing {
            namespace: Some(namespace),
            ..CORE
        };
        let service: Seen<Service> = self
            .asker
            .get(Thing {
                resource: "services",
                name: Some(name),
                ..here
            })
            .await;
        let selector = service
            .is()
            .and_then(|one| one.spec.as_ref()?.selector.clone());
        let selector = selector.unwrap_or_default();
        let (endpoints, deployments, pods, budgets) = tokio::join!(
            self.endpoints(here, name),
            self.asker.list::<Deployment>(Thing {
                group: "apps",
                resource: "deployments",
                ..here
            }),
            self.pods(here, &selector),
            self.budgets(here),
        );
        let deployments = deployments.map(|all| of_service(all, &selector));
        let (pages, mounted) = tokio::join!(
            self.pages(here, pods.is().map_or(&[], Vec::as_slice)),
            self.mounted(here, &deployments),
        );
        Some(Behind {
            service,
            endpoints,
            deployments,
            pods,
            budgets,
            pages,
            mounted,
        })
    }

    async fn endpoints(&self, here: Thing<'_>, name: &str) -> Seen<Vec<Endpoint>> {
        let query = format!("labelSelector=kubernetes.io%2Fservice-name%3D{name}");
        let slices: Seen<Vec<EndpointSlice>> = self
            .asker
            .list(Thing {
                group: "discovery.k8s.io",
                resource: "endpointslices",
                query: &query,
                ..here
            })
            .await;
        if let Seen::Is(slices) = slices {
            return Seen::Is(of_slices(slices));
        }
        // before 1.21 there is only the older form
        let older: Seen<Endpoints> = self
            .asker
            .get(Thing {
                resource: "endpoints",
                name: Some(name),
                ..here
            })
            .await;
        match (older, slices) {
            (Seen::Hidden(_), Seen::Hidden(why)) => Seen::Hidden(why),
            (older, _) => older.map(of_endpoints),
        }
    }

    async fn pods(&self, here: Thing<'_>, selector: &Labels) -> Seen<Vec<Pod>> {
        if selector.is_empty() {
            return Seen::Absent;
        }
        let wanted: Vec<_> = selector
            .iter()
            .map(|(key, value)| format!("{}%3D{value}", key.replace('/', "%2F")))
            .collect();
        let query = format!("labelSelector={}", wanted.join("%2C"));
        self.asker
            .list(Thing {
                resource: "pods",
                query: &query,
                ..here
            })
            .await
    }

    /// Every budget, of whatever version the API server has.
    async fn budgets(
        &self,
        here: Thing<'_>,
    ) -> Seen<Vec<k8s_openapi::api::policy::v1::PodDisruptionBudget>> {
        let mut seen = Seen::Absent;
        for version in ["v1", "v1beta1"] {
            seen = self
                .asker
                .list(Thing {
                    group: "policy",
                    version,
                    resource: "poddisruptionbudgets",
                    ..here
                })
                .await;
            if !matches!(seen, Seen::Absent) {
                break;
            }
        }
        seen
    }

    async fn pages(&self, here: Thing<'_>, pods: &[Pod]) -> BTreeMap<String, Seen<String>> {
        let mut pages = BTreeMap::new();
        for pod in pods.iter().filter(|pod| is_ready(pod)).take(PODS_ASKED) {
            let Some(name) = &pod.metadata.name else {
                continue;
            };
            let target = format!("{name}:{}", container::admin_port(pod));
            let thing = Thing {
                resource: "pods",
                name: Some(&target),
                below: Some("proxy/readyz"),
                query: "verbose",
                ..here
            };
            let page = match self.asker.ask("get", thing, None).await {
                Err(hidden) => Seen::Hidden(hidden),
                Ok(reply) => page(&reply),
            };
            pages.insert(name.clone(), page);
        }
        pages
    }

    async fn mounted(
        &self,
        here: Thing<'_>,
        deployments: &Seen<Vec<Deployment>>,
    ) -> Seen<Vec<(String, String)>> {
        let deployment = match deployments {
            Seen::Is(deployments) => deployments.first(),
            Seen::Absent => None,
            Seen::Hidden(why) => return Seen::Hidden(why.clone()),
        };
        let mounts = match deployment.map(container::mounts) {
            None => return Seen::Absent,
            Some(Err(why)) => return Seen::Hidden(Hidden::Elsewhere(why)),
            Some(Ok(mounts)) => mounts,
        };
        let mut files = Vec::new();
        for mount in mounts {
            match self.config_map(here, &mount).await {
                Seen::Is(read) => files.extend(read),
                Seen::Absent => {
                    let why = format!("there is no ConfigMap {}", mount.config_map);
                    return Seen::Hidden(Hidden::Failed(why));
                }
                Seen::Hidden(why) => return Seen::Hidden(why),
            }
        }
        Seen::Is(files)
    }

    async fn config_map(&self, here: Thing<'_>, mount: &Mount) -> Seen<Vec<(String, String)>> {
        let read: Seen<ConfigMap> = self
            .asker
            .get(Thing {
                resource: "configmaps",
                name: Some(&mount.config_map),
                ..here
            })
            .await;
        read.map(|one| container::files(mount, one.data.iter().flatten()))
    }

    async fn served(&self) -> Seen<Vec<CertificateDer<'static>>> {
        let Sight {
            backend,
            namespace: _,
            via,
            patience,
        } = &self.sight;
        let host = backend.host();
        let in_a_pod = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
        let address = match (via, backend) {
            (Some(via), _) => via.clone(),
            (None, Backend::Service { port, .. }) if in_a_pod => format!("{host}:{port}"),
            (None, Backend::Url(_)) => backend.address(),
            (None, Backend::Service { name, port, .. }) => {
                let why = format!(
                    "Services are reached inside of the cluster; run kubectl -n {} port-forward \
                     service/{name} 8443:{port}, and say --via 127.0.0.1:8443",
                    self.sight.namespace
                );
                return Seen::Hidden(Hidden::Elsewhere(why));
            }
        };
        match ServerName::try_from(host.clone()) {
            Ok(name) => handshake::look(&address, name, *patience).await,
            Err(_) => Seen::Hidden(Hidden::Failed(format!("{host} is no name of a server"))),
        }
    }

    async fn workloads(&self) -> Seen<Vec<Workload>> {
        let mut all = Vec::new();
        for (kind, resource) in [
            ("StatefulSet", "statefulsets"),
            ("Deployment", "deployments"),
        ] {
            let thing = Thing {
                group: "apps",
                resource,
                query: "labelSelector=app%3Dvcluster",
                ..CORE
            };
            let listed: Seen<Vec<Meta>> = self.asker.list_metadata(thing).await;
            match listed {
                Seen::Is(listed) => all.extend(listed.into_iter().map(|one| one.workload(kind))),
                Seen::Absent => {}
                Seen::Hidden(why) => return Seen::Hidden(why),
            }
        }
        Seen::Is(all)
    }
}

/// Whether reviews are sent to a Pod.
pub(super) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    let mut ready = conditions.filter(|one| one.type_ == "Ready" && one.status == "True");
    ready.next().is_some() && pod.metadata.deletion_timestamp.is_none()
}

/// What `/version` says.
#[derive(Deserialize)]
struct Version {
    minor: String,
    #[serde(rename = "gitVersion")]
    git_version: String,
}

impl Version {
    /// Some providers write `28+`.
    fn minor(&self) -> u32 {
        let digits = self.minor.trim_end_matches(|c: char| !c.is_ascii_digit());
        digits.parse().unwrap_or(0)
    }
}

/// The metadata of any object.
#[derive(Deserialize)]
struct Meta {
    metadata: ObjectMeta,
}

impl Meta {
    fn workload(self, kind: &str) -> Workload {
        let ObjectMeta {
            name,
            namespace,
            labels,
            ..
        } = self.metadata;
        let chart = labels.and_then(|mut labels| labels.remove("chart"));
        Workload {
            object: format!(
                "{kind} {}/{}",
                namespace.unwrap_or_default(),
                name.unwrap_or_default()
            ),
            chart: chart.unwrap_or_default(),
        }
    }
}

/// An object of a list, which has no kind there.
fn named(mut object: Value, kind: &str) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert("kind".to_owned(), kind.into());
    }
    object
}

fn date(reply: &Reply) -> Option<OffsetDateTime> {
    let date = reply.headers.get(DATE)?.to_str().ok()?;
    let date: SystemTime = httpdate::parse_http_date(date).ok()?;
    Some(date.into())
}

/// What was said to a canary; nothing where the API server does not have the kind.
fn told(reply: &Reply) -> Seen<Answer> {
    let message = reply.message();
    if reply.code == 404 && !message.starts_with("namespaces ") {
        return Seen::Absent;
    }
    let warnings = reply.headers.get_all(WARNING).into_iter();
    let warnings = warnings.filter_map(|one| Some(warning(one.to_str().ok()?)));
    let object: Option<Meta> = serde_json::from_slice(&reply.body).ok();
    Seen::Is(Answer {
        code: reply.code,
        message,
        warnings: warnings.collect(),
        annotations: object
            .and_then(|one| one.metadata.annotations)
            .unwrap_or_default(),
    })
}

/// The text of `299 - "text"`.
fn warning(header: &str) -> String {
    let text = header.split_once('"').map_or(header, |(_, text)| text);
    let text = text.strip_suffix('"').unwrap_or(text);
    text.replace("\\\"", "\"").replace("\\\\", "\\")
}

/// The page of a Pod; what the API server says in its stead is none.
fn page(reply: &Reply) -> Seen<String> {
    let page = String::from_utf8_lossy(&reply.body);
    if page.starts_with('[') {
        return Seen::Is(page.into_owned());
    }
    let message = reply.message();
    let why = if message.is_empty() {
        format!("answers {}", reply.code)
    } else {
        message
    };
    Seen::Hidden(Hidden::Elsewhere(why))
}

/// The Deployments whose Pods a Service selects.
fn of_service(all: Vec<Deployment>, wanted: &Labels) -> Vec<Deployment> {
    let selector = LabelSelector {
        match_labels: Some(wanted.clone()),
        match_expressions: None,
    };
    let selector = serde_json::to_value(selector).unwrap_or_default();
    all.into_iter()
        .filter(|one| {
            let template = one
                .spec
                .as_ref()
                .and_then(|spec| spec.template.metadata.as_ref());
            let labels = template.and_then(|template| template.labels.as_ref());
            !wanted.is_empty() && labels.is_some_and(|labels| selector::matches(&selector, labels))
        })
        .collect()
}

fn of_slices(slices: Vec<EndpointSlice>) -> Vec<Endpoint> {
    let endpoints = slices.into_iter().flat_map(|slice| slice.endpoints);
    endpoints
        .flat_map(|one| {
            // not said is yes
            let ready = one.conditions.and_then(|conditions| conditions.ready);
            one.addresses.into_iter().map(move |address| Endpoint {
                address,
                is_ready: ready.unwrap_or(true),
            })
        })
        .collect()
}

fn of_endpoints(endpoints: Endpoints) -> Vec<Endpoint> {
    let mut all = Vec::new();
    for subset in endpoints.subsets.into_iter().flatten() {
        for (addresses, is_ready) in [
            (subset.addresses, true),
            (subset.not_ready_addresses, false),
        ] {
            all.extend(addresses.into_iter().flatten().map(|one| Endpoint {
                address: one.ip,
                is_ready,
            }));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;
    use serde_json::json;

    use super::*;

    fn reply(code: u16, body: &Value) -> Reply {
        Reply {
            code,
            headers: HeaderMap::new(),
            body: body.to_string().into_bytes(),
        }
    }

    #[test]
    fn the_clock_is_the_api_servers() {
        let mut reply = reply(200, &json!({}));
        assert_eq!(date(&reply), None);
        let header = "Thu, 26 Nov 2026 20:32:22 GMT".parse().unwrap();
        reply.headers.insert(DATE, header);
        assert_eq!(date(&reply).unwrap().unix_timestamp(), 1_795_725_142);
    }

    #[test]
    fn versions_of_providers_are_read() {
        for (minor, expected) in [("20", 20), ("28+", 28), ("", 0)] {
            let version = Version {
                minor: minor.to_owned(),
                git_version: String::new(),
            };
            assert_eq!(version.minor(), expected);
        }
    }

    #[test]
    fn a_kind_that_is_not_there_is_told_from_a_namespace_that_is_not() {
        let status = |message: &str| json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message});
        let absent = status("the server could not find the requested resource");
        assert_eq!(told(&reply(404, &absent)), Seen::Absent);
        assert_eq!(
            told(&reply(404, &json!("404 page not found"))),
            Seen::Absent
        );
        let namespace = told(&reply(404, &status("namespaces \"x\" not found")));
        assert_eq!(
            namespace.is().unwrap().message,
            "namespaces \"x\" not found"
        );
    }

    #[test]
    fn warnings_are_unquoted() {
        assert_eq!(warning(r#"299 - "a \"b\" c""#), r#"a "b" c"#);
        assert_eq!(warning("299 - x"), "299 - x");
    }

    #[test]
    fn slices_and_endpoints_say_the_same() {
        let slice = json!({
            "addressType": "IPv4",
            "endpoints": [
                {"addresses": ["10.0.0.1"], "conditions": {"ready": true}},
                {"addresses": ["10.0.0.2"], "conditions": {"ready": false}},
            ],
        });
        let older = json!({"subsets": [{
            "addresses": [{"ip": "10.0.0.1"}], "notReadyAddresses": [{"ip": "10.0.0.2"}],
        }]});
        let endpoint = |address: &str, is_ready| Endpoint {
            address: address.to_owned(),
            is_ready,
        };
        let expected = vec![endpoint("10.0.0.1", true), endpoint("10.0.0.2", false)];
        assert_eq!(
            of_slices(vec![serde_json::from_value(slice).unwrap()]),
            expected
        );
        assert_eq!(
            of_endpoints(serde_json::from_value(older).unwrap()),
            expected
        );
    }

    #[test]
    fn a_page_is_told_from_an_excuse_of_the_api_server() {
        let mut ready = reply(503, &json!({}));
        ready.body = b"[-]draining failed: about to stop\n".to_vec();
        assert!(page(&ready).is().is_some());
        let status = json!({"kind": "Status", "message": "error trying to reach service"});
        assert_eq!(
            page(&reply(503, &status)),
            Seen::Hidden(Hidden::Elsewhere(
                "error trying to reach service".to_owned()
            ))
        );
    }
}
