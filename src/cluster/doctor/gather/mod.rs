//! Reading what the checks need. Nothing is written: what is created is created in a dry run.

mod behind;
mod replies;

use std::collections::BTreeMap;
use std::time::Duration;

use kube::Client;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use time::OffsetDateTime;

use self::replies::{Meta, Version, date, named, told};
use super::ask::{Asker, Thing};
use super::handshake;
use super::seen::{Hidden, Seen};
use super::snapshot::{Canary, Expected, Labels, Snapshot, Workload};
use crate::cluster::Backend;

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
    /// Why that is not certain, where it is not.
    pub doubt: Option<String>,
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
            doubt,
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
            doubt,
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
