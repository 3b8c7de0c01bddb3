//! The Service leads from the port that the webhooks call to Pods that are ready.

use k8s_openapi::api::core::v1::{Pod, Service, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::json;

use super::super::snapshot::is_ready;
use super::super::{Behind, Check, Finding, Seen, Snapshot, Wanted, quoted};
use super::mends::Mends;
use crate::cluster::Backend;

/// Where `serve` listens.
const PORT: u16 = 8_443;

/// Looks at the way from the API server to the Pods.
pub(super) fn look(snapshot: &Snapshot, wanted: &Wanted) -> Vec<Finding> {
    let check = Check::Service;
    let (
        Some(behind),
        Backend::Service {
            namespace,
            name,
            port,
        },
    ) = (&snapshot.behind, &wanted.backend)
    else {
        return vec![check.ok(format!(
            "none: the webhooks call {}",
            wanted.backend.address()
        ))];
    };
    let title = format!("Service {namespace}/{name}");
    let service = match &behind.service {
        Seen::Is(service) => service,
        Seen::Absent => {
            return vec![
                check
                    .error("is not there")
                    .of(title)
                    .why("the API server finds no server, and cannot ask")
                    .mend_if(Mends { snapshot, wanted }.install()),
            ];
        }
        Seen::Hidden(why) => return vec![check.not_seen(why).of(title)],
    };
    let way = Way {
        behind,
        wanted,
        namespace,
        name,
    };
    let mut findings = way.port(service, *port);
    findings.push(way.pods());
    findings
        .into_iter()
        .map(|one| one.of(title.clone()))
        .collect()
}

struct Way<'a> {
    behind: &'a Behind,
    wanted: &'a Wanted,
    namespace: &'a str,
    name: &'a str,
}

impl Way<'_> {
    fn port(&self, service: &Service, wanted: u16) -> Vec<Finding> {
        let check = Check::Service;
        let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref());
        let ports = ports.unwrap_or_default();
        let Some(number) = ports.iter().position(|one| one.port == i32::from(wanted)) else {
            let has: Vec<_> = ports.iter().map(|one| one.port.to_string()).collect();
            let operation =
                json!([{"op": "replace", "path": "/spec/ports/0/port", "value": wanted}]);
            return vec![
                check
                    .error(format!(
                        "has the port {}, and the webhooks call {wanted}",
                        has.join(", ")
                    ))
                    .at("spec.ports")
                    .why("the API server finds no server, and cannot ask")
                    .mend(self.patch(&operation)),
            ];
        };
        let pods = self.behind.pods.is().map_or(&[][..], Vec::as_slice);
        let lacking = ports.get(number).and_then(|port| lacking(port, pods));
        let Some(target) = lacking else {
            return Vec::new();
        };
        let path = format!("/spec/ports/{number}/targetPort");
        let operation = json!([{"op": "replace", "path": path, "value": PORT}]);
        vec![
            check
                .error(format!("is {target}, which no container of the Pods has"))
                .at(format!("spec.ports[{number}].targetPort"))
                .why("the API server finds no server, and cannot ask")
                .mend(self.patch(&operation)),
        ]
    }

    fn pods(&self) -> Finding {
        let check = Check::Service;
        let ready = match &self.behind.endpoints {
            Seen::Hidden(why) => return check.not_seen(why).at("endpoints"),
            Seen::Absent => 0,
            Seen::Is(all) => all.iter().filter(|one| one.is_ready).count(),
        };
        let plural = if ready == 1 { "address" } else { "addresses" };
        if ready > 0 {
            return check.ok(format!("leads to {ready} {plural} that are ready"));
        }
        let pods = match &self.behind.pods {
            Seen::Is(pods) if pods.is_empty() => "it selects no Pod".to_owned(),
            Seen::Is(pods) => {
                let ready = pods.iter().filter(|pod| is_ready(pod)).count();
                format!("of {} Pods {ready} are ready", pods.len())
            }
            Seen::Absent => "it selects no Pod".to_owned(),
            Seen::Hidden(why) => format!("Pods are not seen: {why}"),
        };
        let restart = format!(
            "-n {} rollout restart deployment/{}",
            self.namespace,
            self.deployment()
        );
        check
            .error(format!("leads nowhere: {pods}"))
            .why("the API server finds no server, and cannot ask")
            .mend(self.wanted.commands.kubectl(&restart))
    }

    fn deployment(&self) -> String {
        let deployments = self.behind.deployments.is();
        let first = deployments.and_then(|all| all.first());
        let name = first.and_then(|one| one.metadata.name.clone());
        name.unwrap_or_else(|| self.name.to_owned())
    }

    fn patch(&self, operations: &serde_json::Value) -> String {
        self.wanted.commands.kubectl(&format!(
            "-n {} patch service {} --type=json -p {}",
            self.namespace,
            self.name,
            quoted(&operations.to_string())
        ))
    }
}

/// The port that a Service leads to, if Pods were seen and none of them has it. A number need not
/// be declared.
fn lacking(port: &ServicePort, pods: &[Pod]) -> Option<String> {
    let Some(IntOrString::String(name)) = &port.target_port else {
        return None;
    };
    let containers = pods
        .iter()
        .flat_map(|pod| pod.spec.iter().flat_map(|spec| &spec.containers));
    let mut ports = containers.flat_map(|one| one.ports.iter().flatten());
    let is_there = ports.any(|port| port.name.as_ref() == Some(name));
    (!pods.is_empty() && !is_there).then(|| name.clone())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::super::{Hidden, Right};
    use super::super::testing::{installed, told, wanted};
    use super::*;

    fn with(change: impl FnOnce(&mut Behind)) -> String {
        let mut snapshot = installed();
        change(snapshot.behind.as_mut().unwrap());
        told(&look(&snapshot, &wanted()))
    }

    fn ports(behind: &mut Behind) -> &mut ServicePort {
        let Seen::Is(service) = &mut behind.service else {
            panic!("a Service");
        };
        &mut service.spec.as_mut().unwrap().ports.as_mut().unwrap()[0]
    }

    #[test]
    fn the_way_is_followed_to_the_pods() {
        assert_snapshot!(with(|_| {}), @"ok: Service distrogate-system/distrogate leads to 2 addresses that are ready");
        assert_snapshot!(with(|behind| behind.service = Seen::Absent), @"
        error: Service distrogate-system/distrogate is not there
          why: the API server finds no server, and cannot ask
          mend: kubectl apply -k certs/own-ca
        ");
        assert_snapshot!(with(|behind| ports(behind).port = 8_443), @r#"
        error: Service distrogate-system/distrogate spec.ports has the port 8443, and the webhooks call 443
          why: the API server finds no server, and cannot ask
          mend: kubectl -n distrogate-system patch service distrogate --type=json -p '[{"op":"replace","path":"/spec/ports/0/port","value":443}]'
        ok: Service distrogate-system/distrogate leads to 2 addresses that are ready
        "#);
        assert_snapshot!(with(|behind| {
            ports(behind).target_port = Some(IntOrString::String("web".to_owned()));
        }), @r#"
        error: Service distrogate-system/distrogate spec.ports[0].targetPort is web, which no container of the Pods has
          why: the API server finds no server, and cannot ask
          mend: kubectl -n distrogate-system patch service distrogate --type=json -p '[{"op":"replace","path":"/spec/ports/0/targetPort","value":8443}]'
        ok: Service distrogate-system/distrogate leads to 2 addresses that are ready
        "#);
        assert_snapshot!(with(|behind| {
            ports(behind).target_port = Some(IntOrString::Int(8_443));
            let Seen::Is(endpoints) = &mut behind.endpoints else {
                panic!("endpoints");
            };
            for one in endpoints {
                one.is_ready = false;
            }
        }), @"
        error: Service distrogate-system/distrogate leads nowhere: of 2 Pods 2 are ready
          why: the API server finds no server, and cannot ask
          mend: kubectl -n distrogate-system rollout restart deployment/distrogate
        ");
        assert_snapshot!(with(|behind| {
            behind.endpoints = Seen::Absent;
            behind.pods = Seen::Is(Vec::new());
        }), @"
        error: Service distrogate-system/distrogate leads nowhere: it selects no Pod
          why: the API server finds no server, and cannot ask
          mend: kubectl -n distrogate-system rollout restart deployment/distrogate
        ");
    }

    #[test]
    fn what_may_not_be_seen_is_no_fault() {
        let right = |resource: &str| {
            Hidden::Forbidden(Right {
                verb: "list",
                resource: resource.to_owned(),
                namespace: Some("distrogate-system".to_owned()),
            })
        };
        assert_snapshot!(with(|behind| behind.endpoints = Seen::Hidden(right("endpointslices.discovery.k8s.io"))), @"not-seen: Service distrogate-system/distrogate endpoints needs the right to list endpointslices.discovery.k8s.io in the namespace distrogate-system");
        assert_snapshot!(with(|behind| behind.service = Seen::Hidden(right("services"))), @"not-seen: Service distrogate-system/distrogate needs the right to list services in the namespace distrogate-system");
    }

    #[test]
    fn a_server_at_an_address_has_no_service() {
        let mut snapshot = installed();
        snapshot.behind = None;
        let mut wanted = wanted();
        wanted.backend = Backend::Url("https://10.1.2.3:8443".to_owned());
        assert_snapshot!(told(&look(&snapshot, &wanted)), @"ok: none: the webhooks call 10.1.2.3:8443");
    }
}
