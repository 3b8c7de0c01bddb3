use insta::assert_snapshot;

use super::super::super::{Hidden, Labels, Right};
use super::super::testing::{installed, told, wanted};
use super::*;

fn with(expected: Expected, answer: Seen<Answer>) -> String {
    doubted(expected, None, answer)
}

fn doubted(expected: Expected, doubt: Option<&str>, answer: Seen<Answer>) -> String {
    let mut snapshot = installed();
    snapshot.canaries = vec![Canary {
        object: "Secret default/vc-config-distrogate-canary".to_owned(),
        expected,
        doubt: doubt.map(str::to_owned),
        answer,
    }];
    told(&look(&snapshot, &wanted()))
}

fn refusal(message: &str) -> Seen<Answer> {
    Seen::Is(Answer {
        code: 403,
        message: message.to_owned(),
        ..Answer::default()
    })
}

fn made(warnings: &[&str], record: &str) -> Seen<Answer> {
    Seen::Is(Answer {
        code: 201,
        warnings: warnings.iter().map(ToString::to_string).collect(),
        annotations: Labels::from([("distrogate.io/defaults".to_owned(), record.to_owned())]),
        ..Answer::default()
    })
}

#[test]
fn refused_warned_and_silent_are_told_apart() {
    let refused = "admission webhook \"validate.distrogate.io\" denied the request: Secret x";
    assert_snapshot!(with(Expected::Refused, refusal(refused)), @"ok: Secret default/vc-config-distrogate-canary is refused by validate.distrogate.io, as it should be");
    let warning = ["Secret x: only one distro [only-one-distro]"];
    assert_snapshot!(with(Expected::Refused, made(&warning, "")), @"
    error: Secret default/vc-config-distrogate-canary is let through with our warning, and should be refused
      why: the server follows a milder policy than was told here
      mend: kubectl -n distrogate-system set env deployment/distrogate DISTROGATE_ENFORCEMENT=deny
    ");
    assert_snapshot!(with(Expected::Warned, made(&warning, "")), @"info: Secret default/vc-config-distrogate-canary is let through with our warning: that is the enforcement");
    assert_snapshot!(with(Expected::Silence, made(&[], "")), @"
    info: Secret default/vc-config-distrogate-canary is let through without a word: that is the enforcement
      why: whether the server was asked is in the API server's audit log alone
    ");
    assert_snapshot!(with(Expected::Warned, made(&[], "")), @"
    error: Secret default/vc-config-distrogate-canary is let through: validate.distrogate.io was not asked, or not heard
      why: two distros at a time would be stored, and the virtual cluster not start
      mend: kubectl get validatingwebhookconfiguration validate.distrogate.io -o yaml
    ");
    let other = ["some/v1beta1 is deprecated"];
    assert_snapshot!(with(Expected::Refused, made(&other, "")), @"
    error: Secret default/vc-config-distrogate-canary is let through: validate.distrogate.io was not asked, or not heard
      why: two distros at a time would be stored, and the virtual cluster not start
      mend: kubectl get validatingwebhookconfiguration validate.distrogate.io -o yaml
    ");
}

#[test]
fn a_lie_that_comes_back_was_not_looked_at() {
    let lie = || Expected::Changed {
        annotation: "distrogate.io/defaults",
        lie: "a lie".to_owned(),
    };
    assert_snapshot!(with(lie(), made(&[], "")), @"ok: Secret default/vc-config-distrogate-canary comes back with a wrong record of defaults taken out, as it should be");
    assert_snapshot!(with(lie(), made(&[], "a lie")), @"
    error: Secret default/vc-config-distrogate-canary comes back as it was: mutate.distrogate.io was not asked, or not heard
      why: configs get no defaults, and as it fails open nobody is told
      mend: kubectl get mutatingwebhookconfiguration mutate.distrogate.io -o yaml
    ");
    let refused = "admission webhook \"validate.distrogate.io\" denied the request: x";
    assert_snapshot!(with(lie(), refusal(refused)), @"not-seen: Secret default/vc-config-distrogate-canary whether defaults go in: what they would go into is refused");
}

#[test]
fn what_is_not_certain_is_no_fault() {
    let doubt = |expected, answer| doubted(expected, Some("no policy was seen"), answer);
    assert_snapshot!(doubt(Expected::Refused, made(&[], "")), @"not-seen: Secret default/vc-config-distrogate-canary is let through, and whether it should be is not certain: no policy was seen");
    assert_snapshot!(doubt(Expected::Silence, made(&[], "")), @"not-seen: Secret default/vc-config-distrogate-canary is let through, and whether it should be is not certain: no policy was seen");
    let warning = ["Secret x: only one distro [only-one-distro]"];
    assert_snapshot!(doubt(Expected::Refused, made(&warning, "")), @"info: Secret default/vc-config-distrogate-canary is let through with our warning: that is the enforcement");
    let lie = || Expected::Changed {
        annotation: "distrogate.io/defaults",
        lie: "a lie".to_owned(),
    };
    assert_snapshot!(doubt(lie(), made(&[], "a lie")), @"not-seen: Secret default/vc-config-distrogate-canary is let through, and whether it should be is not certain: no policy was seen");
    assert_snapshot!(doubt(lie(), made(&[], "")), @"ok: Secret default/vc-config-distrogate-canary comes back with a wrong record of defaults taken out, as it should be");
    let refused = "admission webhook \"validate.distrogate.io\" denied the request: x";
    assert_snapshot!(doubt(Expected::Warned, refusal(refused)), @"ok: Secret default/vc-config-distrogate-canary is refused by validate.distrogate.io, as it should be");
}

#[test]
fn no_answer_is_told_with_its_reason() {
    let failed = |why: &str| {
        let message = format!(
            "Internal error occurred: failed calling webhook \"validate.distrogate.io\": Post \
             \"https://distrogate.distrogate-system.svc:443/validate?timeout=5s\": {why}"
        );
        with(Expected::Refused, refusal(&message))
    };
    assert_snapshot!(failed("x509: certificate signed by unknown authority"), @r#"
    error: Secret default/vc-config-distrogate-canary cannot be judged: validate.distrogate.io does not answer: Post "https://distrogate.distrogate-system.svc:443/validate?timeout=5s": x509: certificate signed by unknown authority
      why: caBundle is not of the authority that signed what is served; writes of objects with vCluster configs are refused
      mend: distrogate manifests --ca-file certs/own-ca/ca.crt | kubectl apply -f -
    "#);
    for (words, why, _) in REASONS {
        let told = failed(words);
        assert!(told.contains(&format!("\n  why: {why}; ")), "{told}");
    }
    let of_policy = "failed calling webhook \"mutate-secrets.distrogate.io\": no such host";
    let told = with(Expected::Refused, refusal(of_policy));
    assert!(told.starts_with("error: "), "{told}");
    assert_snapshot!(failed("something else"), @r#"
    error: Secret default/vc-config-distrogate-canary cannot be judged: validate.distrogate.io does not answer: Post "https://distrogate.distrogate-system.svc:443/validate?timeout=5s": something else
      why: the API server got no answer; writes of objects with vCluster configs are refused
      mend: kubectl -n distrogate-system rollout restart deployment/distrogate
    "#);
}

#[test]
fn what_others_say_is_no_proof() {
    let other = "admission webhook \"guard.example\" denied the request: no Secrets here";
    assert_snapshot!(with(Expected::Refused, refusal(other)), @"not-seen: Secret default/vc-config-distrogate-canary another webhook refused it: guard.example");
    let failed = "Internal error occurred: failed calling webhook \"guard.example\": Post \"https://guard.x.svc:443/\": connection refused";
    assert_snapshot!(with(Expected::Refused, refusal(failed)), @"not-seen: Secret default/vc-config-distrogate-canary another webhook gave no answer: guard.example");
    assert_snapshot!(with(Expected::Refused, refusal("namespaces \"x\" not found")), @r#"not-seen: Secret default/vc-config-distrogate-canary the API server says 403: namespaces "x" not found"#);
    let right = Right {
        verb: "create",
        resource: "secrets".to_owned(),
        namespace: Some("default".to_owned()),
    };
    let hidden = Seen::Hidden(Hidden::Forbidden(right));
    assert_snapshot!(with(Expected::Refused, hidden), @"not-seen: Secret default/vc-config-distrogate-canary needs the right to create secrets in the namespace default");
    assert_eq!(with(Expected::Refused, Seen::Absent), "", "no such kind");
    assert_snapshot!(told(&look(&installed(), &wanted())), @"not-seen: none was sent: --no-canary");
}
