//! The objects that may be carriers, page by page.
//!
//! No more than a page is in memory. Of Secrets only the metadata is listed; the few that may hold
//! a config are asked for one by one, and no other Secret's data is.

use std::collections::HashMap;
use std::time::Duration;

use hyper::Request as HttpRequest;
use kube::Client;
use kube::api::{GetParams, ListParams};
use kube::core::{Request, Status};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::discovery::Served;
use super::resources::Selection;
use crate::policy::Labels;
use crate::text::printable;
use crate::vcluster::KubeVersion;

/// How often a listing is begun anew because the API server has forgotten where it was.
const ATTEMPTS: usize = 3;

/// Seconds before an answer is asked for again, where the API server has too much to do.
const PAUSES: [u64; 4] = [1, 2, 4, 8];

/// Lists objects.
#[derive(Clone)]
pub struct Lister {
    /// Whom to ask.
    pub client: Client,
    /// How many objects a page has at most.
    pub page_size: u32,
}

/// An object that was listed.
#[derive(Clone, Copy, Debug)]
pub struct Item<'o> {
    /// Its namespace; empty for one without.
    pub namespace: &'o str,
    /// Its name.
    pub name: &'o str,
    /// All of it. Objects of a list need not say of what kind they are.
    pub object: &'o RawValue,
}

/// Why objects could not be listed. No variant quotes what was listed.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The API server says no; its own words.
    #[error("{}", printable(&.0.message, 512))]
    Refused(Box<Status>),
    /// It cannot be asked.
    #[error("the API server cannot be asked")]
    Unreachable(#[source] kube::Error),
    /// A name that no object or namespace has.
    #[error("no name of an object")]
    Name(#[source] kube::core::request::Error),
    /// What it answers is no list.
    #[error("the API server answers something else than objects")]
    Form,
}

impl Lister {
    /// What `keep` makes of every object that may be a carrier, in one namespace or in all. Where
    /// the API server has forgotten the list, everything is thrown away and listed again.
    pub async fn list<T>(
        &self,
        served: &Served,
        namespace: Option<&str>,
        mut keep: impl FnMut(Item<'_>) -> Option<T>,
    ) -> Result<Vec<T>, ListError> {
        let mut attempt = 1;
        loop {
            match self.list_once(served, namespace, &mut keep).await {
                Err(ListError::Refused(status)) if status.code == 410 && attempt < ATTEMPTS => {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    /// The labels of namespaces, of all where none is named.
    pub async fn labels(
        &self,
        namespaces: &[String],
    ) -> Result<HashMap<String, Labels>, ListError> {
        let request = Request::new("/api/v1/namespaces");
        let mut labels = HashMap::new();
        if namespaces.is_empty() {
            let mut next = ListParams::default().limit(self.page_size);
            loop {
                let text = self.text(request.list_metadata(&next)?).await?;
                let page: Page<'_> = serde_json::from_str(&text)?;
                for object in page.items.iter().flatten() {
                    let Meta { metadata } = serde_json::from_str(object.get())?;
                    labels.insert(metadata.name, metadata.labels);
                }
                match page.next() {
                    Some(token) => next = next.continue_token(&token),
                    None => return Ok(labels),
                }
            }
        }
        for name in namespaces {
            let request = request.get(name, &GetParams::default())?;
            let text = self.text(request).await?;
            let Meta { metadata } = serde_json::from_str(&text)?;
            labels.insert(metadata.name, metadata.labels);
        }
        Ok(labels)
    }

    /// The API server's own version, which is the host's; `None` where it tells none.
    pub async fn version(&self) -> Result<Option<KubeVersion>, ListError> {
        let version = self.client.apiserver_version().await?;
        Ok(KubeVersion::parse(&version.git_version))
    }

    /// One answer. A scan asks for more than anybody else, and begins anew where it has none.
    async fn text(&self, request: HttpRequest<Vec<u8>>) -> Result<String, kube::Error> {
        for pause in PAUSES {
            match self.client.request_text(request.clone()).await {
                Err(kube::Error::Api(status)) if matches!(status.code, 429 | 503 | 504) => {
                    tokio::time::sleep(Duration::from_secs(pause)).await;
                }
                result => return result,
            }
        }
        self.client.request_text(request).await
    }

    async fn list_once<T>(
        &self,
        served: &Served,
        namespace: Option<&str>,
        mut keep: impl FnMut(Item<'_>) -> Option<T>,
    ) -> Result<Vec<T>, ListError> {
        let request = Request::new(served.path(namespace));
        let mut next = ListParams::default().limit(self.page_size);
        if let Selection::Labels(selector) = served.selection {
            next = next.labels(selector);
        }
        let mut kept = Vec::new();
        loop {
            let page = match served.selection {
                Selection::NameOrLabel(..) => request.list_metadata(&next)?,
                Selection::All | Selection::Labels(_) => request.list(&next)?,
            };
            let text = self.text(page).await?;
            let page: Page<'_> = serde_json::from_str(&text)?;
            let token = page.next();
            match served.selection {
                Selection::All | Selection::Labels(_) => {
                    for object in page.items.into_iter().flatten() {
                        kept.extend(keep_one(object, &mut keep)?);
                    }
                }
                Selection::NameOrLabel(prefix, label) => {
                    let mut chosen = Vec::new();
                    for object in page.items.into_iter().flatten() {
                        let Meta { metadata } = serde_json::from_str(object.get())?;
                        let is_labelled = metadata.labels.contains_key(label);
                        if metadata.name.starts_with(prefix) || is_labelled {
                            chosen.push((metadata.namespace, metadata.name));
                        }
                    }
                    drop(text);
                    for (namespace, name) in chosen {
                        let one = served.path(Some(&namespace));
                        let one = Request::new(one).get(&name, &GetParams::default())?;
                        match self.text(one).await {
                            Ok(text) => {
                                let object: &RawValue = serde_json::from_str(&text)?;
                                kept.extend(keep_one(object, &mut keep)?);
                            }
                            // it has gone in between
                            Err(kube::Error::Api(status)) if status.is_not_found() => {}
                            Err(error) => return Err(error.into()),
                        }
                    }
                }
            }
            match token {
                Some(token) => next = next.continue_token(&token),
                None => return Ok(kept),
            }
        }
    }
}

impl Served {
    /// As the API server names it in what it refuses: `helmreleases.helm.toolkit.fluxcd.io`.
    pub fn full_name(&self) -> String {
        match &*self.kind.group {
            "" => self.resource.clone(),
            group => format!("{}.{group}", self.resource),
        }
    }

    /// Where its objects are listed.
    fn path(&self, namespace: Option<&str>) -> String {
        let version = &self.kind.version;
        let root = match &*self.kind.group {
            "" => format!("/api/{version}"),
            group => format!("/apis/{group}/{version}"),
        };
        match namespace {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.resource),
            None => format!("{root}/{}", self.resource),
        }
    }
}

impl From<kube::Error> for ListError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Refused(status),
            kube::Error::SerdeError(_) => Self::Form,
            error => Self::Unreachable(error),
        }
    }
}

impl From<kube::core::request::Error> for ListError {
    fn from(error: kube::core::request::Error) -> Self {
        Self::Name(error)
    }
}

impl From<serde_json::Error> for ListError {
    fn from(_: serde_json::Error) -> Self {
        Self::Form
    }
}

fn keep_one<T>(
    object: &RawValue,
    keep: &mut impl FnMut(Item<'_>) -> Option<T>,
) -> Result<Option<T>, ListError> {
    let Meta { metadata } = serde_json::from_str(object.get())?;
    Ok(keep(Item {
        namespace: &metadata.namespace,
        name: &metadata.name,
        object,
    }))
}

/// One page of a list.
#[derive(Deserialize)]
struct Page<'t> {
    #[serde(default)]
    metadata: PageMeta,
    /// Null in some lists of nothing.
    #[serde(borrow, default)]
    items: Option<Vec<&'t RawValue>>,
}

#[derive(Default, Deserialize)]
struct PageMeta {
    #[serde(default, rename = "continue")]
    token: Option<String>,
}

#[derive(Deserialize)]
struct Meta {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    labels: Labels,
}

impl Page<'_> {
    /// What to ask for the next page with; `None` behind the last one.
    fn next(&self) -> Option<String> {
        self.metadata
            .token
            .clone()
            .filter(|token| !token.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    use hyper::{Request, Response};
    use kube::client::Body;
    use serde_json::json;

    use super::*;
    use crate::admission::GroupVersionKind;

    fn served(group: &'static str, version: &'static str, resource: &str) -> Served {
        Served {
            kind: GroupVersionKind {
                group: group.into(),
                version: version.into(),
                kind: "".into(),
            },
            resource: resource.to_owned(),
            is_namespaced: true,
            selection: Selection::All,
        }
    }

    /// A client whose API server gives these answers, one after another, and what it was asked. A
    /// real one forgets a list only after minutes.
    fn answering(answers: Vec<(u16, String)>) -> (Lister, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(answers.into_iter()));
        let log = Arc::clone(&asked);
        let service = tower::service_fn(move |request: Request<Body>| {
            log.lock().unwrap().push(request.uri().to_string());
            let (code, body) = answers.lock().unwrap().next().expect("one more answer");
            let body = Body::from(body.into_bytes());
            let answer = Response::builder().status(code).body(body).unwrap();
            std::future::ready(Ok::<_, Infallible>(answer))
        });
        let lister = Lister {
            client: Client::new(service, "default"),
            page_size: 2,
        };
        (lister, asked)
    }

    fn page(names: &[&str], token: &str) -> (u16, String) {
        let items = names
            .iter()
            .map(|name| json!({"metadata": {"name": name, "namespace": "team-a"}}));
        let items: Vec<_> = items.collect();
        let list = json!({"metadata": {"continue": token}, "items": items});
        (200, list.to_string())
    }

    fn refused(code: u16, reason: &str) -> (u16, String) {
        let message = format!("no: {reason}");
        let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
            "code": code, "reason": reason, "message": message});
        (code, status.to_string())
    }

    async fn names(lister: &Lister) -> Result<Vec<String>, ListError> {
        let served = served("helm.toolkit.fluxcd.io", "v2", "helmreleases");
        let names = lister.list(&served, None, |item| Some(item.name.to_owned()));
        names.await
    }

    #[tokio::test]
    async fn a_list_that_was_forgotten_is_begun_anew() {
        let (lister, asked) = answering(vec![
            page(&["a", "b"], "one"),
            refused(410, "Expired"),
            page(&["a", "b"], "two"),
            page(&["c"], ""),
        ]);
        assert_eq!(names(&lister).await.unwrap(), ["a", "b", "c"]);
        let path = "/apis/helm.toolkit.fluxcd.io/v2/helmreleases?&limit=2";
        assert_eq!(
            *asked.lock().unwrap(),
            [
                path.to_owned(),
                format!("{path}&continue=one"),
                path.to_owned(),
                format!("{path}&continue=two")
            ]
        );
    }

    #[tokio::test]
    async fn a_list_that_is_forgotten_always_is_given_up() {
        let mut answers = Vec::new();
        for _ in 0..ATTEMPTS {
            answers.extend([page(&["a"], "one"), refused(410, "Expired")]);
        }
        let (lister, _) = answering(answers);
        let error = names(&lister).await.unwrap_err();
        assert_eq!(error.to_string(), "no: Expired");
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_has_too_much_to_do_is_asked_again() {
        let busy = || refused(429, "TooManyRequests");
        let (lister, asked) = answering(vec![busy(), busy(), page(&["a"], "")]);
        assert_eq!(names(&lister).await.unwrap(), ["a"]);
        assert_eq!(asked.lock().unwrap().len(), 3);
        let (lister, _) = answering((0..=PAUSES.len()).map(|_| busy()).collect());
        let error = names(&lister).await.unwrap_err();
        assert_eq!(error.to_string(), "no: TooManyRequests");
    }

    #[tokio::test]
    async fn a_list_of_nothing_may_have_null_for_its_items() {
        let (lister, _) = answering(vec![(200, r#"{"metadata":{},"items":null}"#.to_owned())]);
        assert_eq!(names(&lister).await.unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn what_is_no_list_is_not_quoted() {
        let (lister, _) = answering(vec![(200, r#"{"items":"hunter2"}"#.to_owned())]);
        let error = names(&lister).await.unwrap_err();
        let words = "the API server answers something else than objects";
        assert_eq!(error.to_string(), words);
    }

    #[test]
    fn a_resource_is_named_and_found_as_the_api_server_does() {
        let secrets = served("", "v1", "secrets");
        assert_eq!(secrets.full_name(), "secrets");
        assert_eq!(secrets.path(None), "/api/v1/secrets");
        let releases = served("helm.toolkit.fluxcd.io", "v2", "helmreleases");
        assert_eq!(releases.full_name(), "helmreleases.helm.toolkit.fluxcd.io");
        assert_eq!(
            releases.path(Some("team-a")),
            "/apis/helm.toolkit.fluxcd.io/v2/namespaces/team-a/helmreleases"
        );
    }
}
