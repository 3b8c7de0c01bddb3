//! What must be refused is refused: the API server was asked for objects that nobody would want,
//! and not to keep them.

use serde_json::Value;

use super::super::snapshot::{list, text};
use super::super::{Answer, Canary, Check, Expected, Finding, Seen, Snapshot, Wanted, quoted};
use super::configurations::{is_ours, present};
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
                unheard("comes back as it was", mutating, wanted)
                    .why("configs get no defaults, and as it fails open nobody is told")
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
            unheard("is let through", validating, wanted)
                .why("two distros at a time would be stored, and the virtual cluster not start")
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

/// What became of a canary that a configuration should have sent; the command shows who is asked.
fn unheard(what: &str, configuration: &Value, wanted: &Wanted) -> Finding {
    let kind = text(configuration, "/kind").to_lowercase();
    let name = text(configuration, "/metadata/name");
    let get = format!("get {kind} {name} -o yaml");
    Check::Canary
        .error(format!("{what}: {name} was not asked, or not heard"))
        .mend(wanted.commands.kubectl(&get))
}

/// What stands between two texts.
fn between<'m>(message: &'m str, (before, after): (&str, &str)) -> Option<&'m str> {
    let (_, rest) = message.split_once(before)?;
    let (inside, _) = rest.split_once(after)?;
    Some(inside)
}

#[cfg(test)]
mod tests;
