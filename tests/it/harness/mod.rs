//! What the tests against a real API server stand on: child processes that end
//! with their owner, etcd and kube-apiserver on loopback ports of their own, our
//! own binary, and the manifests of `deploy/` as the server at hand can take
//! them. Nothing here knows what is tested.
//!
//! Standard library only. Whatever talks to the API server is `kubectl`, so the
//! words that a test sees are those that a tenant sees.

pub(crate) mod certificates;
pub(crate) mod cluster;
pub(crate) mod kubectl;
pub(crate) mod manifests;
pub(crate) mod process;
pub(crate) mod server;
