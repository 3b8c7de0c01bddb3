//! What must be refused is refused: the API server was asked for objects that nobody would want,
//! and not to keep them.

use serde_json::Value;

use super::super::snapshot::{list, text};
use super::super::{Answer, Canary, Check, Expected, Finding, Seen, Snapshot, Wanted, quoted};
use super::configurations::present;
use super::mends::Mends;
use crate::cluster::Backend;
use crate::text::printable;

/// How much of a message is shown.
const SHOWN: usize = 300;
/// How the API server begins when a webhook refused.
const DENIED: (&str, &str) = ("admission webhook \"", "\" denied the request");
/// And when it got no answer from one.
const FAILED: (&str, &str) = ("failed calling webhook \"", "\":");

/// What the API server says about the way to a server, what it means, and what mends it.
const REASONS: [(&str, &str, Mend); 7] = [
    (
        "signed by unknown authority",
        "caBundle is not of the authority that signed what is served",
        Mend::Bundle,
    ),
    (
        "certificate has expired or is not yet valid",
        "the certificate is over, or clocks differ",
        Mend::Certificate,
    ),
    (
        "certificate is valid for",
        "the certificate has another name",
        Mend::Certificate,
    ),
    ("no endpoints available", "no Pod is ready", Mend::Server),
    ("connection refused", "nobody listens there", Mend::Server),
    ("no such host", "there is no such name", Mend::Server),
    (
        "deadline exceeded",
        "it takes too long: a firewall between API server and Pods, or a server without CPU",
        Mend::Server,
    ),
];

/// Whose affair it is that the API server gets no answer.
#[derive(Clone, Copy, Debug)]
enum Mend {
    Bundle,
    Certificate,
    Server,
}

/// Looks at what became of the canaries.
pub(super) fn look(snapshot: &Snapshot, wanted: &Wanted) -> Vec<Finding> {
    if snapshot.canaries.is_empty() {
        return vec![Check::Canary.not_seen("none was sent: --no-canary")];
    }
    let canaries = snapshot.canaries.iter();
    canaries
        .filter_map(|canary| one(canary, snapshot, wanted))
        .collect()
}

fn one(canary: &Canary, snapshot: &Snapshot, wanted: &Wanted) -> Option<Finding> {
    let check = Check::Canary;
    let finding = match &canary.answer {
        Seen::Is(answer) => answered(answer, canary, snapshot, wanted),
        // the API server does not have the kind
        Seen::Absent => return None,
        Seen::Hidden(why) => check.not_seen(why),
    };
    Some(finding.of(canary.object.clone()))
}

fn answered(answer: &Answer, canary: &Canary, snapshot: &Snapshot, wanted: &Wanted) -> Finding {
    let check = Check::Canary;
    let expected = &canary.expected;
    let mends = Mends { snapshot, wanted };
    let message = &answer.message;
    let is_ours = |name: &str| {
        let all = wanted.objects.iter().flat_map(|one| list(one, "/webhooks"));
        all.into_iter()
            .any(|webhook| text(webhook, "/name") == name)
    };
    if let Some(webhook) = between(message, FAILED) {
        if !is_ours(webhook) {
            let webhook = printable(webhook, 253);
            return check.not_seen(&format!("another webhook gave no answer: {webhook}"));
        }
        return failed(message, webhook, snapshot, wanted);
    }
    if let Some(webhook) = between(message, DENIED) {
        if !is_ours(webhook) {
            let webhook = printable(webhook, 253);
            return check.not_seen(&format!("another webhook refused it: {webhook}"));
        }
        return match expected {
            Expected::Changed { .. } => {
                check.not_seen("whether defaults go in: what they would go into is refused")
            }
            _ => check.ok(format!("is refused by {webhook}, as it should be")),
        };
    }
    if !(200..300).contains(&answer.code) {
        let message = printable(message, SHOWN);
        return check.not_seen(&format!("the API server says {}: {message}", answer.code));
    }
    let is_warned = answer
        .warnings
        .iter()
        .any(|one| one.contains("[only-one-distro]"));
    let comes_back = match expected {
        Expected::Changed { annotation, lie } => answer.annotations.get(*annotation) == Some(lie),
        _ => !is_warned,
    };
    if let Some(doubt) = &canary.doubt
        && comes_back
    {
        return check.not_seen(&format!(
            "is let through, and whether it should be is not certain: {doubt}"
        ));
    }
    match expected {
        Expected::Changed { .. } => {
            if comes_back {
                let [_, mutating] = &wanted.objects;
                let name = text(mutating, "/metadata/name");
                check
                    .error(format!(
                        "comes back as it was: {name} was not asked, or not heard"
                    ))
                    .why("configs get no defaults, and as it fails open nobody is told")
                    .mend(see(wanted, "mutatingwebhookconfiguration", name))
            } else {
                check.ok("comes back with a wrong record of defaults taken out, as it should be")
            }
        }
        _ if is_warned && *expected == Expected::Refused && canary.doubt.is_none() => check
            .error("is let through with our warning, and should be refused")
            .why("the server follows a milder policy than was told here")
            .mend_if(mends.set("DISTROGATE_ENFORCEMENT=deny")),
        _ if is_warned => check.info("is let through with our warning: that is the enforcement"),
        Expected::Silence => check
            .info("is let through without a word: that is the enforcement")
            .why("whether the server was asked is in the API server's audit log alone"),
        Expected::Refused | Expected::Warned => {
            let [validating, _] = &wanted.objects;
            let name = text(validating, "/metadata/name");
            check
                .error(format!(
                    "is let through: {name} was not asked, or not heard"
                ))
                .why("two distros at a time would be stored, and the virtual cluster not start")
                .mend(see(wanted, "validatingwebhookconfiguration", name))
        }
    }
}

fn failed(message: &str, webhook: &str, snapshot: &Snapshot, wanted: &Wanted) -> Finding {
    let reason = REASONS.iter().find(|(words, ..)| message.contains(words));
    let (why, mend) = reason.map_or(
        ("the API server got no answer", Mend::Server),
        |(_, why, mend)| (*why, *mend),
    );
    let mends = Mends { snapshot, wanted };
    let mend = match (mend, &wanted.backend) {
        (Mend::Bundle, _) => mends.bundle(asked(webhook, snapshot, wanted)),
        (Mend::Certificate, _) => Some(mends.certificate()),
        (Mend::Server, Backend::Url(_)) => Some(format!(
            "distrogate probe --url {} --ca-file {}",
            wanted.backend.origin(),
            quoted(wanted.commands.ca_file())
        )),
        (Mend::Server, Backend::Service { .. }) => {
            let pods = || mends.kubectl("get pods");
            Some(mends.restart().unwrap_or_else(pods))
        }
    };
    let (_, said) = message.split_once(FAILED.1).unwrap_or(("", message));
    let webhook = printable(webhook, 253);
    Check::Canary
        .error(format!(
            "cannot be judged: {webhook} does not answer:{}",
            printable(said, SHOWN)
        ))
        .why(format!(
            "{why}; writes of objects with vCluster configs are refused"
        ))
        .mend_if(mend)
}

/// The configuration that a webhook is in.
fn asked<'s>(webhook: &str, snapshot: &'s Snapshot, wanted: &Wanted) -> &'s Value {
    let is_it = |one: &&Value| {
        let mut webhooks = list(one, "/webhooks").iter();
        webhooks.any(|one| text(one, "/name") == webhook)
    };
    let object = wanted.objects.iter().find(is_it);
    object
        .and_then(|object| present(snapshot, object))
        .unwrap_or(&Value::Null)
}

/// What shows who is asked.
fn see(wanted: &Wanted, kind: &str, name: &str) -> String {
    wanted
        .commands
        .kubectl(&format!("get {kind} {name} -o yaml"))
}

/// What stands between two texts.
fn between<'m>(message: &'m str, (before, after): (&str, &str)) -> Option<&'m str> {
    let (_, rest) = message.split_once(before)?;
    let (inside, _) = rest.split_once(after)?;
    Some(inside)
}

#[cfg(test)]
mod tests {
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
}
