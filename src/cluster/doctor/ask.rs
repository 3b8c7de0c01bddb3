//! One question to the API server, in bounded time, and what came of it.

use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::header::{ACCEPT, CONTENT_TYPE};
use hyper::{HeaderMap, Request};
use kube::Client;
use kube::client::Body;
use kube::core::Status;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::seen::{Hidden, Right, Seen};

/// More than any answer has: a page of 500 objects' metadata, every webhook configuration.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// How many objects are asked for at once.
const PAGE: u16 = 500;
/// How many pages are read: what there is more of is not needed to tell the charts in use.
const PAGES: usize = 20;
/// Only the metadata of objects.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// Who asks.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) client: Client,
    /// How long one answer may take.
    pub(super) patience: Duration,
}

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thing<'a> {
    /// The API group; empty for the core group.
    pub(super) group: &'a str,
    /// Its version.
    pub(super) version: &'a str,
    /// The plural, in lower case.
    pub(super) resource: &'a str,
    /// The namespace, for what lives in one.
    pub(super) namespace: Option<&'a str>,
    /// One of them; without it all are meant.
    pub(super) name: Option<&'a str>,
    /// What is below it, with the subresource in front.
    pub(super) below: Option<&'a str>,
    /// What stands after the question mark.
    pub(super) query: &'a str,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Asker {
    /// One object.
    pub(super) async fn get<T: DeserializeOwned>(&self, thing: Thing<'_>) -> Seen<T> {
        match self.ask("get", thing, None).await {
            Err(hidden) => Seen::Hidden(hidden),
            Ok(reply) => reply.read(),
        }
    }

    /// All of them.
    pub(super) async fn list<T: DeserializeOwned>(&self, thing: Thing<'_>) -> Seen<Vec<T>> {
        self.pages(thing, "application/json").await
    }

    /// All of them, without what is in them.
    pub(super) async fn list_metadata<T: DeserializeOwned>(
        &self,
        thing: Thing<'_>,
    ) -> Seen<Vec<T>> {
        self.pages(thing, METADATA).await
    }

    async fn pages<T: DeserializeOwned>(&self, thing: Thing<'_>, accept: &str) -> Seen<Vec<T>> {
        let mut all = Vec::new();
        let mut token = String::new();
        for _ in 0..PAGES {
            let query = format!("{}&limit={PAGE}&continue={token}", thing.query);
            let thing = Thing {
                query: &query,
                ..thing
            };
            let page: Seen<Page<T>> = match self.send("list", thing, None, accept).await {
                Err(hidden) => return Seen::Hidden(hidden),
                Ok(reply) => reply.read(),
            };
            match page {
                Seen::Is(page) => {
                    all.extend(page.items.into_iter().flatten());
                    token = page.metadata.next.unwrap_or_default();
                }
                Seen::Absent => return Seen::Absent,
                Seen::Hidden(hidden) => return Seen::Hidden(hidden),
            }
            if token.is_empty() {
                break;
            }
        }
        Seen::Is(all)
    }

    /// Whatever the answer is, a missing right aside.
    pub(super) async fn ask(
        &self,
        verb: &'static str,
        thing: Thing<'_>,
        body: Option<&Value>,
    ) -> Result<Reply, Hidden> {
        self.send(verb, thing, body, "application/json, */*").await
    }

    async fn send(
        &self,
        verb: &'static str,
        thing: Thing<'_>,
        body: Option<&Value>,
        accept: &str,
    ) -> Result<Reply, Hidden> {
        let method = if verb == "create" { "POST" } else { "GET" };
        let reply = self.call(method, &thing.path(), body, accept).await?;
        let refused = format!(" cannot {verb} resource ");
        if reply.code == 403 && reply.message().contains(&refused) {
            return Err(Hidden::Forbidden(thing.right(verb)));
        }
        Ok(reply)
    }

    /// A question about no resource.
    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        accept: &str,
    ) -> Result<Reply, Hidden> {
        let failed = |error: &dyn std::error::Error| Hidden::Failed(chain(error));
        let body = body.map_or_else(Body::empty, |body| {
            Body::from(body.to_string().into_bytes())
        });
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT, accept)
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| failed(&error))?;
        let exchange = async {
            let response = self.client.send(request).await;
            let response = response.map_err(|error| match &error {
                // what is around it only says that it is one
                kube::Error::Service(inside) => failed(inside.as_ref()),
                error => failed(error),
            })?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
            let body = body.map_err(|error| Hidden::Failed(error.to_string()))?;
            Ok(Reply {
                code: parts.status.as_u16(),
                headers: parts.headers,
                body: body.to_bytes().to_vec(),
            })
        };
        timeout(self.patience, exchange)
            .await
            .unwrap_or_else(|_| Err(Hidden::Late(self.patience.as_secs())))
    }
}

impl Thing<'_> {
    /// One page of a list.
    fn path(&self) -> String {
        let Thing {
            group,
            version,
            resource,
            namespace,
            name,
            below,
            query,
        } = self;
        let mut path = if group.is_empty() {
            format!("/api/{version}")
        } else {
            format!("/apis/{group}/{version}")
        };
        let namespace = namespace.map(|namespace| format!("namespaces/{namespace}"));
        for part in [namespace.as_deref(), Some(resource), *name, *below]
            .into_iter()
            .flatten()
        {
            path.push('/');
            path.push_str(part);
        }
        format!("{path}?{query}")
    }

    fn right(&self, verb: &'static str) -> Right {
        let below = self.below.and_then(|below| below.split('/').next());
        let mut resource = self.resource.to_owned();
        if let Some(below) = below {
            resource = format!("{resource}/{below}");
        }
        if !self.group.is_empty() {
            resource = format!("{resource}.{}", self.group);
        }
        Right {
            verb,
            resource,
            namespace: self.namespace.map(str::to_owned),
        }
    }
}

impl Reply {
    /// The object in it.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Seen<T> {
        match self.code {
            200..=299 => match serde_json::from_slice(&self.body) {
                Ok(object) => Seen::Is(object),
                // its text may quote the object
                Err(_) => Seen::Hidden(Hidden::Failed("the answer has another form".to_owned())),
            },
            404 => Seen::Absent,
            code => Seen::Hidden(Hidden::Failed(format!("{code}: {}", self.message()))),
        }
    }

    /// For tests.
    #[cfg(test)]
    pub(super) fn of(code: u16, body: &Value) -> Self {
        Self {
            code,
            headers: HeaderMap::new(),
            body: body.to_string().into_bytes(),
        }
    }

    /// The message of a `Status`; empty if it is none.
    pub(super) fn message(&self) -> String {
        let status: Result<Status, _> = serde_json::from_slice(&self.body);
        status.map(|status| status.message).unwrap_or_default()
    }
}

/// One page of a list.
#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
    /// Null in a list of a Go program that has none.
    items: Option<Vec<T>>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// An error with its causes, each of which is told once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PODS: Thing<'_> = Thing {
        group: "",
        version: "v1",
        resource: "pods",
        namespace: Some("distrogate-system"),
        name: Some("a:8080"),
        below: Some("proxy/readyz"),
        query: "verbose",
    };

    #[test]
    fn paths_and_rights_are_those_of_kubernetes() {
        assert_eq!(
            PODS.path(),
            "/api/v1/namespaces/distrogate-system/pods/a:8080/proxy/readyz?verbose"
        );
        assert_eq!(
            PODS.right("get").to_string(),
            "get pods/proxy in the namespace distrogate-system"
        );
        let all = Thing {
            group: "apps",
            resource: "deployments",
            namespace: None,
            name: None,
            below: None,
            query: "limit=1",
            ..PODS
        };
        assert_eq!(all.path(), "/apis/apps/v1/deployments?limit=1");
        assert_eq!(all.right("list").to_string(), "list deployments.apps");
    }

    #[test]
    fn a_list_may_be_null() {
        let page: Page<u8> = serde_json::from_str(r#"{"items": null}"#).unwrap();
        assert_eq!(page.items, None);
        let page: Page<u8> =
            serde_json::from_str(r#"{"items": [1], "metadata": {"continue": "x"}}"#).unwrap();
        assert_eq!(
            (page.items, page.metadata.next.as_deref()),
            (Some(vec![1]), Some("x"))
        );
    }
}
