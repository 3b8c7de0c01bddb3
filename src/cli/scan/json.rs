//! What is printed for programs. `docs/scan.md` describes it.

use serde_json::{Map, Value, json};

use super::judge::{Facts, Place, Release, Scan, Scanned};
use super::{Outcome, Unread};
use crate::gate::Disagreement;
use crate::rules::Finding;

/// The version of the form: another one where a field goes or means something else.
const JSON_VERSION: u32 = 1;

/// All of it.
pub(super) fn text(outcome: &Outcome) -> String {
    let Outcome {
        objects,
        looked_at,
        claims: _,
        disagreements,
        unread,
        notes,
        fail_on: _,
    } = outcome;
    let (refused, warned) = outcome.counts();
    let unread_json = unread.iter();
    let unread_json = unread_json.map(|Unread { what, why }| json!({"what": what, "why": why}));
    let json = json!({
        "version": JSON_VERSION,
        "summary": {
            "lookedAt": looked_at,
            "objects": objects.len(),
            "refused": refused,
            "warned": warned,
            "disagreements": disagreements.len(),
            "unread": unread.len(),
        },
        "objects": objects.iter().map(object).collect::<Vec<_>>(),
        "disagreements": disagreements.iter().map(disagreement).collect::<Vec<_>>(),
        "unread": unread_json.collect::<Vec<_>>(),
        "notes": notes,
    });
    format!("{json:#}\n")
}

fn object(object: &Scanned) -> Value {
    let Scanned {
        place,
        api_version,
        kind,
        namespace,
        name,
        configs,
        remarks,
    } = object;
    let mut json = json!({
        "apiVersion": api_version,
        "kind": kind,
        "namespace": namespace,
        "name": name,
        "action": object.action().map(|action| action.to_string()),
        "configs": configs.iter().map(config).collect::<Vec<_>>(),
        "remarks": remarks,
    });
    if let (Some(Place { file, document }), Some(json)) = (place, json.as_object_mut()) {
        json.insert("file".to_owned(), file.as_str().into());
        json.insert("document".to_owned(), (*document).into());
    }
    json
}

fn config(config: &Scan) -> Value {
    let Scan {
        title,
        item,
        release,
        facts,
        findings,
        advice,
    } = config;
    let Release {
        is_elsewhere,
        namespace,
        name,
    } = release;
    let Facts {
        chart,
        distro,
        kubernetes,
        store,
        images,
    } = facts;
    let images: Map<_, _> = images
        .iter()
        .map(|(component, reference)| ((*component).to_owned(), reference.clone().into()))
        .collect();
    json!({
        "title": title,
        "item": if item.is_empty() { None } else { Some(item) },
        "release": {
            "namespace": namespace,
            "name": name,
            "otherCluster": is_elsewhere,
        },
        "chart": chart,
        "distro": distro,
        "kubernetes": kubernetes,
        "store": store,
        "images": images,
        "action": config.action().map(|action| action.to_string()),
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
        "advice": advice,
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule,
        "action": finding.action.to_string(),
        "field": finding.place.field(),
        "line": finding.place.position.map(|at| at.line),
        "message": finding.message,
        "fix": finding.fix,
        "exemption": finding.exemption,
    })
}

fn disagreement(found: &Disagreement) -> Value {
    let Disagreement {
        namespace,
        release,
        between,
        differences,
        meaning,
    } = found;
    let differences = differences.iter().map(|difference| {
        json!({
            "what": difference.aspect.to_string(),
            "values": [difference.one, difference.other],
        })
    });
    json!({
        "release": {"namespace": namespace, "name": release},
        "between": between,
        "differences": differences.collect::<Vec<_>>(),
        "meaning": meaning.as_str(),
        "message": meaning.to_string(),
    })
}
