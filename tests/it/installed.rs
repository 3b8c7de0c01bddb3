//! distrogate as it is installed at a real API server: what it may do there, what is left when it
//! goes, and what tenants see who deploy with Helm.
//!
//! One control plane serves all of it, one after the other.

mod charts;
mod leaving;
mod rights;

use crate::harness::cluster::Cluster;
use crate::helm::binary::Helms;

/// The server's namespace, as everywhere in `deploy/`.
const OWN: &str = "distrogate-system";

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS: the folder that holds kube-apiserver and etcd"]
fn installed_at_a_real_api_server() {
    let cluster = Cluster::start();
    let admin = cluster.admin();
    for namespace in [OWN, charts::NAMESPACE] {
        admin.must(&["create", "namespace", namespace], "");
        // what API servers from 1.21 on do by themselves
        let label = format!("kubernetes.io/metadata.name={namespace}");
        admin.must(&["label", "namespace", namespace, &label], "");
    }
    rights::each_mode_may_do_what_it_needs_and_nothing_else(&admin);
    leaving::whatever_is_ours_goes_and_nothing_else(&cluster);
    let Some(helms) = Helms::find() else { return };
    leaving::helm_leaves_nothing(&cluster, &helms);
    charts::a_tenant_with_helm(&cluster, &helms);
}
