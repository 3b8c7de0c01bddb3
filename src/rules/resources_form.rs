//! `resources-form`: resources that the API server refuses.
//!
//! Mirrors `ValidateResourceRequirements` of Kubernetes: quantities, none negative, no request
//! above its limit.

use super::{Context, Example, Finding, Page, Rule};
use crate::policy::Action;
use crate::text::printable;
use crate::values::{Data, Path};
use crate::vcluster::{Certainty, Distro, Known, Lookup, Quantity, QuantityError};

pub(super) const RULE: Rule = Rule {
    id: "resources-form",
    action: Action::Deny,
    about: "a resource that is no quantity or negative, or a request above its limit",
    page: Page {
        why: "The chart's schema takes anything for resources, and the API server refuses the StatefulSet that comes of it. A limit below the chart's own request (40m and 64Mi) is enough.",
        refused: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      resources:\n        limits:\n          memory: 512MB\n",
        ),
        allowed: Example::new(
            "0.30.4",
            "controlPlane:\n  distro:\n    k8s:\n      resources:\n        limits:\n          memory: 512Mi\n",
        ),
        fix: "Write a number with m, k, M, G, Ki, Mi or Gi behind it, and limits that are at least the requests.",
    },
    settings: &[],
    ratchet: true,
    check,
};

fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let config = context.config;
    let Some(resources) = resources(context) else {
        return;
    };
    for (path, known) in config.leaves(&resources) {
        if findings.len() >= super::FINDINGS_OF_A_RULE || !known.origin.is_user() {
            continue;
        }
        let Some(fault) = fault(&path, known) else {
            continue;
        };
        let Fault { message, fix } = fault;
        findings.push(
            Finding::new(config.place(&path), message)
                .fix(fix)
                .at_most(context.at_most()),
        );
    }
    let requests = resources.key("requests");
    for (path, request) in config.leaves(&requests) {
        let Some(name) = path.last_key().filter(|_| path.parent() == requests) else {
            continue;
        };
        let limit_path = resources.key("limits").key(name);
        let Lookup::Known(limit) = config.get(limit_path.as_keys().unwrap_or_default()) else {
            continue;
        };
        let (Some(requested), Some(limited)) = (quantity(request), quantity(limit)) else {
            continue;
        };
        if findings.len() >= super::FINDINGS_OF_A_RULE || requested <= limited {
            continue;
        }
        let [of_request, of_limit] = [request, limit].map(text);
        // the one that is not the chart's own, written out or not
        let of_chart = config
            .defaults()
            .get(limit_path.as_keys().unwrap_or_default());
        let limit_is_own = matches!(of_chart, Lookup::Known(own) if own.data == limit.data);
        let (place, fix) = if limit.origin.is_user() && !limit_is_own {
            (
                &limit_path,
                format!("set {limit_path} to at least {of_request}"),
            )
        } else if request.origin.is_user() {
            (
                &path,
                format!("set {path} to at most {of_limit}, or {limit_path} to more"),
            )
        } else {
            continue;
        };
        findings.push(
            Finding::new(
                config.place(place),
                format!("the request {of_request} is above the limit {of_limit}"),
            )
            .fix(fix)
            .at_most(context.at_most()),
        );
    }
}

/// Where the resources of the distro in force stand.
pub(super) fn resources(context: &Context<'_>) -> Option<Path> {
    let distro = context
        .config
        .distro()
        .filter(|distro| *distro != Distro::Eks)?;
    let readable = context.config.chart.certainty() != Certainty::Legacy;
    readable.then(|| Path::keys(["controlPlane", "distro", distro.key(), "resources"]))
}

/// The quantity that the API server will read, if it can.
pub(super) fn quantity(known: &Known) -> Option<Quantity> {
    match &known.data {
        Data::String(_) | Data::Number(_) => Quantity::parse(&text(known)).ok(),
        _ => None,
    }
}

/// A quantity as it is shown.
pub(super) fn text(known: &Known) -> String {
    match &known.data {
        Data::String(text) => printable(text, 40),
        Data::Number(number) => number.to_string(),
        data => format!("a {}", data.type_name()),
    }
}

struct Fault {
    message: String,
    fix: String,
}

fn fault(path: &Path, known: &Known) -> Option<Fault> {
    let keys = path.as_keys()?;
    let (kind, name) = match keys.get(4..)? {
        [kind @ ("limits" | "requests")] => (*kind, None),
        [kind @ ("limits" | "requests"), name] => (*kind, Some(*name)),
        _ => return None,
    };
    let example = match name {
        Some("cpu") => "100m",
        _ => "256Mi",
    };
    let text = text(known);
    let (message, fix) = match (&known.data, name) {
        (Data::Null, _) => return None,
        (_, None) => (
            format!("has to be a map of quantities, found {text}"),
            format!("write {kind}: {{cpu: 100m, memory: 256Mi}}"),
        ),
        (Data::String(written), Some(_)) => match Quantity::parse(written) {
            Ok(quantity) => return negative(&quantity, &text, example),
            Err(QuantityError::Form) => (
                format!("\"{text}\" is no quantity, they are like {example}"),
                format!(
                    "write {}",
                    near(written).unwrap_or_else(|| example.to_owned())
                ),
            ),
            Err(error @ QuantityError::TooLarge) => (
                format!("\"{text}\" is {error}"),
                format!("write it like {example}"),
            ),
        },
        (Data::Number(_), Some(_)) => {
            let quantity = Quantity::parse(&text).ok()?;
            return negative(&quantity, &text, example);
        }
        (_, Some(_)) => (
            format!("has to be a quantity like {example}, found {text}"),
            format!("write one, as {example}"),
        ),
    };
    Some(Fault { message, fix })
}

fn negative(quantity: &Quantity, text: &str, example: &str) -> Option<Fault> {
    quantity.is_negative().then(|| Fault {
        message: format!("{text} is negative, which no resource can be"),
        fix: format!("write a quantity like {example}"),
    })
}

/// The quantity that was meant: `512MB`, `512 Mi`, `512mi`.
fn near(written: &str) -> Option<String> {
    let written: String = written.split_whitespace().collect();
    let written = written.trim_end_matches(['b', 'B']);
    let end = written.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, suffix) = written.split_at_checked(end)?;
    let suffix = match &*suffix.to_ascii_lowercase() {
        "k" => "k",
        "ki" => "Ki",
        "m" => "M",
        "mi" => "Mi",
        "g" => "G",
        "gi" => "Gi",
        "t" => "T",
        "ti" => "Ti",
        _ => return None,
    };
    let near = format!("{number}{suffix}");
    (!number.is_empty() && Quantity::parse(&near).is_ok()).then(|| printable(&near, 40))
}
