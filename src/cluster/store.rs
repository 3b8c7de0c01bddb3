//! The calls to the API server that keep the authority and the webhook configurations; with
//! `lease.rs` all of them, and no more than `rights.rs` has.

use std::collections::BTreeMap;
use std::fmt::Debug;

use futures_util::StreamExt as _;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, PartialObjectMeta};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Error};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tracing::debug;

use super::client::{FIELD_MANAGER, WATCH_SECONDS, told, unquoted};
use super::rights::{AUTHORITY, MUTATING, VALIDATING};
use crate::certs::{Data, ROTATE, Trust};

/// The two configurations, the validating one first.
pub(super) const CONFIGURATIONS: [(&str, &str); 2] = [
    ("ValidatingWebhookConfiguration", VALIDATING),
    ("MutatingWebhookConfiguration", MUTATING),
];

/// Where everything is.
#[derive(Clone)]
pub struct Store {
    secrets: Api<Secret>,
    configurations: [Api<DynamicObject>; 2],
    /// What is watched: that there is a change is enough.
    changes: Changes,
}

/// Metadata alone.
#[derive(Clone)]
struct Changes {
    secrets: Api<PartialObjectMeta<Secret>>,
    validating: Api<PartialObjectMeta<ValidatingWebhookConfiguration>>,
    mutating: Api<PartialObjectMeta<MutatingWebhookConfiguration>>,
}

/// The Secret as it was read.
#[derive(Clone, Debug)]
pub struct Stored {
    secret: Secret,
}

impl Store {
    /// With the Secret in this namespace.
    pub fn new(client: &Client, namespace: &str) -> Self {
        let configurations = CONFIGURATIONS.map(|(kind, _)| {
            let kind = GroupVersionKind::gvk("admissionregistration.k8s.io", "v1", kind);
            Api::all_with(client.clone(), &ApiResource::from_gvk(&kind))
        });
        Self {
            secrets: Api::namespaced(client.clone(), namespace),
            configurations,
            changes: Changes {
                secrets: Api::namespaced(client.clone(), namespace),
                validating: Api::all(client.clone()),
                mutating: Api::all(client.clone()),
            },
        }
    }

    /// The configurations that there are.
    pub async fn configurations(&self) -> Result<[Option<DynamicObject>; 2], Error> {
        let [validating, mutating] = &self.configurations;
        let (validating, mutating) =
            tokio::try_join!(validating.get_opt(VALIDATING), mutating.get_opt(MUTATING))?;
        Ok([validating, mutating])
    }

    /// Makes one of them what a patch says, as our own fields. The version of the object after it.
    pub async fn apply(&self, which: usize, patch: &Value) -> Result<Option<String>, Error> {
        let params = PatchParams::apply(FIELD_MANAGER).force();
        self.patch(which, &params, &Patch::Apply(patch)).await
    }

    /// Writes over whatever is there, whoever's it is. The version of the object after it.
    pub async fn merge(&self, which: usize, patch: &Value) -> Result<Option<String>, Error> {
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        self.patch(which, &params, &Patch::Merge(patch)).await
    }

    async fn patch(
        &self,
        which: usize,
        params: &PatchParams,
        patch: &Patch<&Value>,
    ) -> Result<Option<String>, Error> {
        let (Some(api), Some((_, name))) =
            (self.configurations.get(which), CONFIGURATIONS.get(which))
        else {
            return Ok(None);
        };
        let patched = api.patch(name, params, patch).await?;
        Ok(patched.metadata.resource_version)
    }

    /// The Secret, if it is there.
    pub async fn authority(&self) -> Result<Option<Stored>, Error> {
        let secret = self.secrets.get_opt(AUTHORITY).await.map_err(unquoted)?;
        Ok(secret.map(|secret| Stored { secret }))
    }

    /// Makes the Secret; an error if somebody was faster.
    pub async fn create(&self, trust: &Trust) -> Result<Stored, Error> {
        let mut annotations = BTreeMap::new();
        trust.annotate(&mut annotations);
        let labels = ["name", "part-of"]
            .map(|key| (format!("app.kubernetes.io/{key}"), "distrogate".to_owned()));
        let secret = Secret {
            metadata: ObjectMeta {
                name: Some(AUTHORITY.to_owned()),
                annotations: Some(annotations),
                labels: Some(labels.into()),
                ..ObjectMeta::default()
            },
            type_: Some("Opaque".to_owned()),
            data: Some(bytes(trust)),
            ..Secret::default()
        };
        let secret = self.secrets.create(&manager(), &secret).await;
        let secret = secret.map_err(unquoted)?;
        Ok(Stored { secret })
    }

    /// Writes the Secret; an error if somebody else did since it was read.
    pub async fn update(&self, stored: &Stored, trust: &Trust) -> Result<Stored, Error> {
        let mut secret = stored.secret.clone();
        secret.data = Some(bytes(trust));
        trust.annotate(secret.metadata.annotations.get_or_insert_default());
        let secret = self.secrets.replace(AUTHORITY, &manager(), &secret).await;
        let secret = secret.map_err(unquoted)?;
        Ok(Stored { secret })
    }

    /// Asks for a rotation, in the name of whoever runs the command: the servers only read this.
    pub async fn ask_for_rotation(&self, request: &str) -> Result<(), Error> {
        let patch = json!({"metadata": {"annotations": {ROTATE: request}}});
        let params = PatchParams {
            field_manager: Some("distrogate-certs".to_owned()),
            ..PatchParams::default()
        };
        self.secrets
            .patch(AUTHORITY, &params, &Patch::Merge(patch))
            .await
            .map_err(unquoted)?;
        Ok(())
    }

    /// Tells whoever waits of each change of the Secret, for ever.
    pub async fn watch_authority(&self, changed: &(impl Fn() + Sync)) {
        follow(self.changes.secrets.clone(), AUTHORITY, changed).await;
    }

    /// Tells whoever waits of each change of the configurations, for ever.
    pub async fn watch_configurations(&self, changed: &(impl Fn() + Sync)) {
        let Changes {
            secrets: _,
            validating,
            mutating,
        } = self.changes.clone();
        tokio::join!(
            follow(validating, VALIDATING, changed),
            follow(mutating, MUTATING, changed),
        );
    }
}

impl Stored {
    /// What is in it.
    pub fn data(&self) -> Data {
        let data = self.secret.data.iter().flatten();
        data.map(|(key, ByteString(value))| (key.clone(), value.clone()))
            .collect()
    }

    /// Its annotations.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        self.secret.metadata.annotations.clone().unwrap_or_default()
    }
}

fn bytes(trust: &Trust) -> BTreeMap<String, ByteString> {
    let data = trust.data().into_iter();
    data.map(|(key, value)| (key, ByteString(value))).collect()
}

pub(super) fn manager() -> PostParams {
    PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    }
}

/// One object by its name, with growing pauses while that does not work.
async fn follow<K>(api: Api<PartialObjectMeta<K>>, name: &str, changed: &(impl Fn() + Sync))
where
    K: kube::Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let config = watcher::Config::default()
        .fields(&format!("metadata.name={name}"))
        .timeout(WATCH_SECONDS);
    let events = watcher(api, config).default_backoff();
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(_) | Event::Delete(_) | Event::InitDone) => changed(),
            Ok(Event::Init | Event::InitApply(_)) => {}
            Err(error) => {
                let why = words(&error);
                debug!(why, name, "A watch ended, and begins again.");
            }
        }
    }
}

fn words(error: &watcher::Error) -> String {
    use watcher::Error::{
        InitialListFailed, NoResourceVersion, WatchError, WatchFailed, WatchStartFailed,
    };
    match error {
        InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => told(error),
        WatchError(status) => status.message.clone(),
        NoResourceVersion => error.to_string(),
    }
}
