use insta::assert_snapshot;
use serde_json::json;

use super::super::super::Hidden;
use super::super::testing::{NAME, bundle, change, installed, now, serve, told, trust, wanted};
use super::*;
use crate::certs::Authority;

#[test]
fn what_fits_is_good() {
    assert_snapshot!(told(&look(&installed(), &wanted())), @"
    ok: ValidatingWebhookConfiguration validate.distrogate.io webhooks[*].clientConfig.caBundle is good until 2034-10-02, 3650 days left, and fits what is served
    ok: MutatingWebhookConfiguration mutate.distrogate.io webhooks[*].clientConfig.caBundle is good until 2034-10-02, 3650 days left, and fits what is served
    ok: certificate that is served is good for distrogate.distrogate-system.svc until 2025-10-04, 365 days left
    ");
}

#[test]
fn an_authority_that_did_not_sign_is_named() {
    let mut snapshot = installed();
    let other = Authority::generate(now()).unwrap().certificate_pem();
    change(&mut snapshot, "validating", |webhooks| {
        webhooks[1]["clientConfig"]["caBundle"] = bundle(&other);
    });
    change(&mut snapshot, "mutating", |webhooks| {
        webhooks[0]["clientConfig"]
            .as_object_mut()
            .unwrap()
            .remove("caBundle");
    });
    assert_snapshot!(told(&look(&snapshot, &wanted())), @r#"
    ok: ValidatingWebhookConfiguration validate.distrogate.io webhooks[validate.distrogate.io, workloads.distrogate.io].clientConfig.caBundle is good until 2034-10-02, 3650 days left, and fits what is served
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[values.distrogate.io].clientConfig.caBundle is not of the authority that signed the certificate that is served
      why: the API server says "x509: certificate signed by unknown authority", and asks nobody
      mend: distrogate manifests --ca-file certs/own-ca/ca.crt | kubectl apply -f -
    error: MutatingWebhookConfiguration mutate.distrogate.io webhooks[*].clientConfig.caBundle is not set
      why: the API server trusts no certificate of the server, and asks nobody
      mend: distrogate manifests --ca-file certs/own-ca/ca.crt | kubectl apply -f -
    ok: certificate that is served is good for distrogate.distrogate-system.svc until 2025-10-04, 365 days left
    "#);
}

#[test]
fn both_authorities_in_a_bundle_are_as_good() {
    let mut snapshot = installed();
    let [old, new] = [(); 2].map(|()| Authority::generate(now()).unwrap());
    trust(
        &mut snapshot,
        &(old.certificate_pem() + &new.certificate_pem()),
    );
    for authority in [old, new] {
        serve(&mut snapshot, &authority, NAME, 365);
        let told = told(&look(&snapshot, &wanted()));
        assert!(told.starts_with("ok: "), "{told}");
    }
}

#[test]
fn ends_are_told_in_time() {
    let mut snapshot = installed();
    let authority = Authority::generate(now()).unwrap();
    trust(&mut snapshot, &authority.certificate_pem());
    serve(&mut snapshot, &authority, NAME, 20);
    snapshot.now += time::Duration::days(10);
    let only_served = |snapshot: &Snapshot| {
        let findings = look(snapshot, &wanted());
        told(&findings[2..])
    };
    assert_snapshot!(only_served(&snapshot), @"
    warning: certificate that is served ends on 2024-10-24, 10 days left
      why: from then on the API server refuses every connection
      mend: distrogate certs init --out certs/own-ca --force --dns distrogate.distrogate-system.svc && kubectl apply -k certs/own-ca
    ");
    snapshot.now += time::Duration::days(20);
    assert_snapshot!(only_served(&snapshot), @"
    error: certificate that is served ended on 2024-10-24
      why: the API server refuses every connection
      mend: distrogate certs init --out certs/own-ca --force --dns distrogate.distrogate-system.svc && kubectl apply -k certs/own-ca
    ");
    snapshot.now = now() - time::Duration::hours(25);
    assert_snapshot!(told(&look(&snapshot, &wanted())), @"
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[*].clientConfig.caBundle begins on 2024-10-03 00:00 UTC, and the API server has 2024-10-02 23:00 UTC
      why: until then it trusts no certificate of the server: clocks differ
      mend: timedatectl set-ntp true
    error: MutatingWebhookConfiguration mutate.distrogate.io webhooks[*].clientConfig.caBundle begins on 2024-10-03 00:00 UTC, and the API server has 2024-10-02 23:00 UTC
      why: until then it trusts no certificate of the server: clocks differ
      mend: timedatectl set-ntp true
    error: certificate that is served begins on 2024-10-03 00:00 UTC, and the API server has 2024-10-02 23:00 UTC
      why: until then the API server refuses every connection: clocks differ
      mend: timedatectl set-ntp true
    ");
    snapshot.now = now() + time::Duration::days(3_600);
    assert_snapshot!(told(&look(&snapshot, &wanted())[..1]), @"
    warning: ValidatingWebhookConfiguration validate.distrogate.io webhooks[*].clientConfig.caBundle ends on 2034-10-02, 50 days left
      why: from then on the API server trusts no certificate of the server
      mend: distrogate certs init --out certs/own-ca --force --dns distrogate.distrogate-system.svc && kubectl apply -k certs/own-ca
    ");
    snapshot.now = now() + time::Duration::days(3_700);
    assert_snapshot!(told(&look(&snapshot, &wanted())[..1]), @"
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[*].clientConfig.caBundle holds nothing that is good now: it ended on 2034-10-02
      why: the API server trusts no certificate of the server, and asks nobody
      mend: distrogate certs init --out certs/own-ca --force --dns distrogate.distrogate-system.svc && kubectl apply -k certs/own-ca
    ");
}

#[test]
fn another_name_is_named() {
    let mut snapshot = installed();
    let authority = Authority::generate(now()).unwrap();
    trust(&mut snapshot, &authority.certificate_pem());
    serve(&mut snapshot, &authority, "distrogate.other.svc", 365);
    assert_snapshot!(told(&look(&snapshot, &wanted())[2..]), @"
    error: certificate that is served names distrogate, distrogate.other.svc, and the API server calls distrogate.distrogate-system.svc
      why: the API server refuses every connection
      mend: distrogate certs init --out certs/own-ca --force --dns distrogate.distrogate-system.svc && kubectl apply -k certs/own-ca
    ");
}

#[test]
fn who_writes_the_certificates_is_asked_to() {
    let mut snapshot = installed();
    let Seen::Is(validating) = &mut snapshot.validating else {
        panic!("an installation");
    };
    validating[0]["metadata"]["annotations"] =
        json!({"cert-manager.io/inject-ca-from": "distrogate-system/distrogate-tls"});
    change(&mut snapshot, "validating", |webhooks| {
        for webhook in webhooks.as_array_mut().unwrap() {
            webhook["clientConfig"]["caBundle"] = json!("");
        }
    });
    assert_snapshot!(told(&look(&snapshot, &wanted())[..1]), @"
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[*].clientConfig.caBundle is not set
      why: the API server trusts no certificate of the server, and asks nobody
      mend: kubectl -n cert-manager rollout restart deployment/cert-manager-cainjector
    ");
}

#[test]
fn the_given_authority_has_to_be_trusted() {
    let snapshot = installed();
    let mut wanted = wanted();
    let other = Authority::generate(now()).unwrap();
    wanted.authorities = vec![other.certificate().clone()];
    wanted.commands.ca_file = Some("ca.crt".to_owned());
    assert_snapshot!(told(&look(&snapshot, &wanted)[..1]), @"
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[*].clientConfig.caBundle lacks a certificate that --ca-file has
      why: a server certificate of that authority is not trusted
      mend: distrogate manifests --ca-file ca.crt | kubectl apply -f -
    ");
}

#[test]
fn what_is_not_seen_is_no_fault() {
    let mut snapshot = installed();
    snapshot.served = Seen::Hidden(Hidden::Elsewhere("the network".to_owned()));
    assert_snapshot!(told(&look(&snapshot, &wanted())), @"
    ok: ValidatingWebhookConfiguration validate.distrogate.io webhooks[*].clientConfig.caBundle is good until 2034-10-02, 3650 days left
    ok: MutatingWebhookConfiguration mutate.distrogate.io webhooks[*].clientConfig.caBundle is good until 2034-10-02, 3650 days left
    not-seen: certificate that is served not seen from here: the network
    ");
}
