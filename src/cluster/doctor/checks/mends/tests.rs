use insta::assert_snapshot;
use serde_json::json;

use super::super::super::Seen;
use super::super::testing::{deployment, installed, read, wanted};
use super::*;

/// An installation with another annotation on both configurations.
fn annotated(annotation: &str, value: &str) -> Snapshot {
    let mut snapshot = installed();
    for seen in [&mut snapshot.validating, &mut snapshot.mutating] {
        let Seen::Is(all) = seen else {
            panic!("an installation");
        };
        all[0]["metadata"]["annotations"][annotation] = json!(value);
    }
    snapshot
}

fn of_helm() -> Snapshot {
    annotated("meta.helm.sh/release-name", "gate")
}

fn injected() -> Snapshot {
    annotated(
        "cert-manager.io/inject-ca-from",
        "distrogate-system/distrogate-tls",
    )
}

/// An installation whose servers are told this.
fn told(arguments: &[&str]) -> Snapshot {
    let mut snapshot = installed();
    let mut one = deployment(2);
    one["metadata"]["name"] = json!("gate");
    one["spec"]["template"]["spec"]["containers"][0]["args"] = json!(arguments);
    snapshot.behind.as_mut().unwrap().deployments = read(json!([one]));
    snapshot
}

fn self_managed() -> Snapshot {
    told(&["serve", "--certificates=self-managed"])
}

fn in_gate() -> Wanted {
    let mut wanted = wanted();
    "gate".clone_into(&mut wanted.namespace);
    wanted.backend = Backend::Service {
        namespace: "gate".to_owned(),
        name: "distrogate".to_owned(),
        port: 443,
    };
    wanted
}

#[test]
fn it_is_installed_as_it_was() {
    let install = |snapshot: &Snapshot, wanted: &Wanted| {
        Mends { snapshot, wanted }.install().unwrap_or_default()
    };
    let helm = "helm upgrade gate deploy/chart --namespace distrogate-system --reuse-values";
    for (snapshot, expected) in [
        (installed(), "kubectl apply -k certs/own-ca"),
        (injected(), "kubectl apply -k certs/cert-manager"),
        (self_managed(), "kubectl apply -k deploy/self-managed"),
        (of_helm(), helm),
    ] {
        assert_eq!(install(&snapshot, &wanted()), expected);
    }
    // the folders would install another one
    assert_eq!(install(&installed(), &in_gate()), "");
    assert_snapshot!(install(&of_helm(), &in_gate()), @"helm upgrade gate deploy/chart --namespace gate --reuse-values");
    let mut of_deployment = self_managed();
    let Seen::Is(all) = &mut of_deployment.behind.as_mut().unwrap().deployments else {
        panic!("an installation");
    };
    let annotations = [("meta.helm.sh/release-name".to_owned(), "gate".to_owned())];
    all[0].metadata.annotations = Some(annotations.into());
    assert_eq!(install(&of_deployment, &wanted()), helm);
}

#[test]
fn configurations_are_written_by_who_keeps_them() {
    let write = |snapshot: &Snapshot, wanted: &Wanted| {
        let mends = Mends { snapshot, wanted };
        mends.configurations().unwrap_or_default()
    };
    assert_snapshot!(write(&installed(), &wanted()), @"kubectl get validatingwebhookconfiguration validate.distrogate.io -o 'jsonpath={.webhooks[0].clientConfig.caBundle}' | base64 -d | distrogate manifests --ca-file /dev/stdin | kubectl apply -f -");
    assert_snapshot!(write(&injected(), &wanted()), @"distrogate manifests | kubectl apply -f - && kubectl annotate --overwrite validatingwebhookconfiguration/validate.distrogate.io mutatingwebhookconfiguration/mutate.distrogate.io cert-manager.io/inject-ca-from=distrogate-system/distrogate-tls");
    assert_snapshot!(write(&of_helm(), &wanted()), @"helm upgrade gate deploy/chart --namespace distrogate-system --reuse-values");
    assert_snapshot!(write(&self_managed(), &wanted()), @"distrogate manifests | kubectl apply -f -");
    let registers = told(&["serve", "--certificates=self-managed", "--register"]);
    assert_snapshot!(write(&registers, &wanted()), @"kubectl -n distrogate-system rollout restart deployment/gate");

    let mut mounted = wanted();
    mounted.commands.fetch = Some("kubectl get configmap a > a.yaml".to_owned());
    " --policy a.yaml".clone_into(&mut mounted.commands.policies);
    mounted.commands.ca_file = Some("my ca.crt".to_owned());
    assert_snapshot!(write(&installed(), &mounted), @"kubectl get configmap a > a.yaml && distrogate manifests --policy a.yaml --ca-file 'my ca.crt' | kubectl apply -f -");
    mounted.policies.unseen = Some("no answer".to_owned());
    assert_eq!(write(&installed(), &mounted), "");
}

#[test]
fn another_certificate_goes_where_it_is_read() {
    let renew = |snapshot: &Snapshot, wanted: &Wanted| Mends { snapshot, wanted }.certificate();
    assert_snapshot!(renew(&installed(), &wanted()), @"distrogate certs init --out certs/own-ca --force --dns distrogate.distrogate-system.svc && kubectl apply -k certs/own-ca");
    assert_snapshot!(renew(&installed(), &in_gate()), @"distrogate certs init --out certs/own-ca --force --dns distrogate.gate.svc && kubectl -n gate create secret tls distrogate-tls --cert=certs/own-ca/tls.crt --key=certs/own-ca/tls.key --dry-run=client -o yaml | kubectl -n gate apply -f - && distrogate manifests --ca-file certs/own-ca/ca.crt | kubectl apply -f -");
    assert_snapshot!(renew(&of_helm(), &in_gate()), @"distrogate certs init --out certs/own-ca --force --dns distrogate.gate.svc && kubectl -n gate create secret tls distrogate-tls --cert=certs/own-ca/tls.crt --key=certs/own-ca/tls.key --dry-run=client -o yaml | kubectl -n gate apply -f - && helm upgrade gate deploy/chart --namespace gate --reuse-values --set-file certificates.caBundle=certs/own-ca/ca.crt");
    assert_snapshot!(renew(&of_helm(), &wanted()), @"distrogate certs init --out certs/own-ca --force --dns distrogate.distrogate-system.svc && kubectl -n distrogate-system create secret tls distrogate-tls --cert=certs/own-ca/tls.crt --key=certs/own-ca/tls.key --dry-run=client -o yaml | kubectl -n distrogate-system apply -f - && helm upgrade gate deploy/chart --namespace distrogate-system --reuse-values --set-file certificates.caBundle=certs/own-ca/ca.crt");
    assert_snapshot!(renew(&injected(), &in_gate()), @"kubectl -n gate delete secret distrogate-tls");
    assert_snapshot!(renew(&self_managed(), &wanted()), @"kubectl -n distrogate-system rollout restart deployment/gate");
    let mut at_an_address = wanted();
    at_an_address.backend = Backend::Url("https://10.1.2.3:8443".to_owned());
    assert_snapshot!(renew(&installed(), &at_an_address), @"distrogate certs init --out certs/own-ca --force --ip 10.1.2.3");

    let mut another = told(&["serve", "--tls-cert=/tls/tls.crt"]);
    let Seen::Is(all) = &mut another.behind.as_mut().unwrap().deployments else {
        panic!("an installation");
    };
    let pod = all[0]
        .spec
        .as_mut()
        .unwrap()
        .template
        .spec
        .as_mut()
        .unwrap();
    let mounts = json!([{"name": "tls", "mountPath": "/tls"}]);
    pod.containers[0].volume_mounts = serde_json::from_value(mounts).unwrap();
    let volumes = json!([{"name": "tls", "secret": {"secretName": "corp-tls"}}]);
    pod.volumes = serde_json::from_value(volumes).unwrap();
    let renewed = renew(&another, &in_gate());
    assert!(
        renewed.contains(" create secret tls corp-tls "),
        "{renewed}"
    );
}

#[test]
fn trust_is_written_by_who_keeps_it() {
    let bundle = |snapshot: &Snapshot, wanted: &Wanted| {
        let configuration = present(snapshot, &wanted.objects[0]).unwrap();
        let mends = Mends { snapshot, wanted };
        mends.bundle(configuration).unwrap_or_default()
    };
    assert_snapshot!(bundle(&installed(), &wanted()), @"distrogate manifests --ca-file certs/own-ca/ca.crt | kubectl apply -f -");
    assert_snapshot!(bundle(&injected(), &wanted()), @"kubectl -n cert-manager rollout restart deployment/cert-manager-cainjector");
    assert_snapshot!(bundle(&of_helm(), &wanted()), @"helm upgrade gate deploy/chart --namespace distrogate-system --reuse-values --set-file certificates.caBundle=certs/own-ca/ca.crt");
    assert_snapshot!(bundle(&self_managed(), &wanted()), @"kubectl -n distrogate-system rollout restart deployment/gate");
    // the annotation is gone from one of both
    let mut half = injected();
    let Seen::Is(all) = &mut half.validating else {
        panic!("an installation");
    };
    all[0]["metadata"]["annotations"] = json!({});
    assert_snapshot!(bundle(&half, &wanted()), @"distrogate manifests | kubectl apply -f - && kubectl annotate --overwrite validatingwebhookconfiguration/validate.distrogate.io mutatingwebhookconfiguration/mutate.distrogate.io cert-manager.io/inject-ca-from=distrogate-system/distrogate-tls");
}
