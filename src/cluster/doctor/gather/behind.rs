//! What stands behind the Service: Pods, what keeps them there, and what they say.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Endpoints, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde_json::json;

use super::super::ask::{Reply, Thing};
use super::super::container::{self, Mount};
use super::super::seen::{Hidden, Seen};
use super::super::selector;
use super::super::snapshot::{Behind, Endpoint, Labels, Mounted, is_ready};
use super::{CORE, Gatherer};
use crate::cluster::Backend;

/// How many Pods are asked for their state.
const PODS_ASKED: usize = 10;

impl Gatherer {
    /// Nothing where the webhooks call an address.
    pub(super) async fn behind(&self) -> Option<Behind> {
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
    async fn budgets(&self, here: Thing<'_>) -> Seen<Vec<PodDisruptionBudget>> {
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
    ) -> Seen<Vec<Mounted>> {
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

    async fn config_map(&self, here: Thing<'_>, mount: &Mount) -> Seen<Vec<Mounted>> {
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
    let selector = json!({"matchLabels": wanted});
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
    use super::*;

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
        let mut ready = Reply::of(503, &json!({}));
        ready.body = b"[-]draining failed: about to stop\n".to_vec();
        assert!(page(&ready).is().is_some());
        let status = json!({"kind": "Status", "message": "error trying to reach service"});
        assert_eq!(
            page(&Reply::of(503, &status)),
            Seen::Hidden(Hidden::Elsewhere(
                "error trying to reach service".to_owned()
            ))
        );
    }
}
