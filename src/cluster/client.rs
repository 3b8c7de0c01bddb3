//! A client of the Kubernetes API, for whoever needs one.
//!
//! Owns where the API server is found and how long a call may take. What a client is used for is
//! written beside its use.

use std::path::PathBuf;
use std::time::Duration;

use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use serde::de::Error as _;

use crate::server::tls;
use crate::text::printable;

/// The name that our own server-side applies are made under.
pub const FIELD_MANAGER: &str = "distrogate";

/// How long a watch lasts, in seconds, until it is begun anew: so long nobody may notice that an API
/// server is silent because it is gone.
pub(super) const WATCH_SECONDS: u32 = 120;
/// No answer is silent for longer; watches end earlier by themselves.
const READ_TIMEOUT: Duration = Duration::from_secs(150);
/// How much is told of an API server's words, in characters: a webhook may have written them.
pub(super) const LONGEST_MESSAGE: usize = 1_024;
/// An API server that does not even take the connection is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the API server is, and as whom it is asked.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// A kubeconfig; without it `KUBECONFIG`, the Pod's service account or `~/.kube/config`, the
    /// first that is there.
    pub kubeconfig: Option<PathBuf>,
    /// The context to use instead of the kubeconfig's current one.
    pub context: Option<String>,
}

impl Access {
    /// A client; nothing is asked yet.
    pub async fn client(&self) -> Result<Client, AccessError> {
        Self::client_of(self.config().await?)
    }

    /// What every call keeps to. A call is made once: whoever makes it knows whether to ask again,
    /// and how long that is worth waiting for.
    fn client_of(mut config: Config) -> Result<Client, AccessError> {
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        config.read_timeout = Some(READ_TIMEOUT);
        config.reset_reader_on_write = true;
        tls::install_default_provider();
        Client::try_from(config).map_err(AccessError::Client)
    }

    async fn config(&self) -> Result<Config, AccessError> {
        let Self {
            kubeconfig,
            context,
        } = self;
        let options = KubeConfigOptions {
            context: context.clone(),
            ..KubeConfigOptions::default()
        };
        if let Some(file) = kubeconfig {
            let fail = |error| AccessError::File {
                file: file.clone(),
                source: cause(error),
            };
            let read = Kubeconfig::read_from(file).map_err(fail)?;
            return Config::from_custom_kubeconfig(read, &options)
                .await
                .map_err(fail);
        }
        let in_a_pod = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
        let is_told = context.is_some() || std::env::var_os("KUBECONFIG").is_some();
        if in_a_pod && !is_told {
            return Config::incluster_env().map_err(AccessError::Pod);
        }
        Config::from_kubeconfig(&options)
            .await
            .map_err(|error| AccessError::Found(cause(error)))
    }
}

/// An error to pass on, without a word of an answer that could not be read: it may be a Secret.
pub(super) fn unquoted(error: kube::Error) -> kube::Error {
    match error {
        kube::Error::SerdeError(_) => {
            kube::Error::SerdeError(serde_json::Error::custom("it has another form"))
        }
        error => error,
    }
}

/// What an error says, without a word of an answer that could not be read.
pub(super) fn told(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return printable(&status.message, LONGEST_MESSAGE);
    }
    if let kube::Error::SerdeError(_) = error {
        return "the API server answers something else than what was asked".to_owned();
    }
    // the reasons stand below
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(reason) = source {
        let reason_text = reason.to_string();
        if !text.contains(&reason_text) {
            text = format!("{text}: {reason_text}");
        }
        source = reason.source();
    }
    text
}

/// What is behind an error.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What is wrong with a kubeconfig. Where it cannot be read the library says twice why, and which.
fn cause(error: KubeconfigError) -> Cause {
    match error {
        KubeconfigError::ReadConfig(error, _) => error.into(),
        error => error.into(),
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The kubeconfig that was named is of no use.
    #[error("kubeconfig {}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: Cause,
    },
    /// The kubeconfig that was found is of no use.
    #[error("no cluster to ask: name a kubeconfig with --kubeconfig")]
    Found(#[source] Cause),
    /// The Pod has no service account.
    #[error("no service account in this Pod: its token has to be mounted")]
    Pod(#[source] InClusterError),
    /// The parts do not fit together.
    #[error("no client for the API server")]
    Client(#[source] kube::Error),
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::http::StatusCode;

    use super::*;

    #[tokio::test]
    async fn an_api_server_that_has_too_much_to_do_is_asked_once_by_each_call() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let busy = Router::new().fallback(async move || {
            counted.fetch_add(1, Ordering::Relaxed);
            (StatusCode::TOO_MANY_REQUESTS, [("Retry-After", "1")], "")
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(axum::serve(listener, busy).into_future());
        let client = Access::client_of(Config::new(uri.parse().unwrap())).unwrap();
        let error = client.apiserver_version().await.unwrap_err();
        assert!(matches!(error, kube::Error::Api(_)), "{error}");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        server.abort();
    }

    #[tokio::test]
    async fn a_kubeconfig_that_is_not_there_is_named() {
        let access = Access {
            kubeconfig: Some(PathBuf::from("/nowhere/kubeconfig")),
            context: None,
        };
        let error = access.client().await.err().unwrap();
        assert_eq!(error.to_string(), "kubeconfig /nowhere/kubeconfig");
    }

    #[tokio::test]
    async fn a_context_that_is_not_there_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("kubeconfig");
        let text = "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n";
        std::fs::write(&file, text).unwrap();
        let access = Access {
            kubeconfig: Some(file),
            context: Some("production".to_owned()),
        };
        let error = anyhow::Error::from(access.client().await.err().unwrap());
        assert!(format!("{error:#}").contains("production"), "{error:#}");
    }
}
