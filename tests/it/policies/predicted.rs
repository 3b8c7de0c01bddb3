//! For generated sets of policies and reviews: the gate answers what a plain model of "the first
//! that matches and mentions it" says.

use std::collections::HashMap;
use std::sync::Arc;

use distrogate::admission::{self, Endpoint};
use distrogate::gate::{self, Cluster, Decision, Verdict};
use distrogate::policy::{Action, Date, Document, Labels, Policy};
use distrogate::rules::{RULES, Rule};
use distrogate::vcluster::Catalogue;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{envelope, release};

const ACTIONS: [Action; 4] = [Action::Disabled, Action::Audit, Action::Warn, Action::Deny];

/// Of these the generated configs break some.
const BROKEN: [&str; 4] = ["only-one-distro", "tag-form", "wrong-type", "unknown-field"];

const TODAY: &str = "2027-01-15";

/// What a document says, as far as the model goes.
#[derive(Clone, Debug)]
struct Said {
    priority: i64,
    namespaces: Option<Vec<&'static str>>,
    tier: Option<&'static str>,
    carriers: Option<&'static str>,
    charts: Option<&'static str>,
    enforcement: Option<Action>,
    rules: HashMap<&'static str, Option<Action>>,
    exemption: Option<(&'static str, Option<&'static str>, Option<&'static str>)>,
}

/// What is reviewed.
#[derive(Clone, Debug)]
struct Asked {
    namespace: &'static str,
    chart: &'static str,
    faults: [bool; 4],
    old_faults: Option<[bool; 4]>,
}

fn said() -> impl Strategy<Value = Said> {
    let select = prop::sample::select::<&'static str>;
    let rules = prop::collection::hash_map(
        select(BROKEN.to_vec()),
        prop::option::of(prop::sample::select(ACTIONS.to_vec())),
        0..4,
    );
    let exemption = (
        select(vec!["*", "tag-form", "only-one-distro"]),
        prop::option::of(select(vec!["team-a", "team-*", "other"])),
        prop::option::of(select(vec!["2027-01-14", "2027-01-15", "2028-01-01"])),
    );
    let namespaces = prop::sample::select(vec![
        vec!["team-*"],
        vec!["team-a"],
        vec!["other", "team-b"],
        vec!["!team-a"],
        vec!["team-*", "!team-b"],
    ]);
    (
        0..3_i64,
        prop::option::of(namespaces),
        prop::option::weighted(0.3, select(vec!["prod", "dev"])),
        prop::option::weighted(0.3, select(vec!["HelmRelease", "Secret"])),
        prop::option::weighted(0.3, select(vec![">=0.30", "<0.30"])),
        prop::option::weighted(
            0.3,
            prop::sample::select(vec![Action::Audit, Action::Warn, Action::Deny]),
        ),
        rules,
        prop::option::weighted(0.3, exemption),
    )
        .prop_map(
            |(priority, namespaces, tier, carriers, charts, enforcement, rules, exemption)| Said {
                priority,
                namespaces,
                tier,
                carriers,
                charts,
                enforcement,
                rules,
                exemption,
            },
        )
}

fn asked() -> impl Strategy<Value = Asked> {
    let select = prop::sample::select::<&'static str>;
    (
        select(vec!["team-a", "team-b", "other"]),
        select(vec!["0.28.0", "0.30.4"]),
        any::<[bool; 4]>(),
        prop::option::of(any::<[bool; 4]>()),
    )
        .prop_map(|(namespace, chart, faults, old_faults)| Asked {
            namespace,
            chart,
            faults,
            old_faults,
        })
}

/// Labels by namespace; those of `other` are not known.
fn labels(namespace: &str) -> Option<&'static str> {
    match namespace {
        "team-a" => Some("prod"),
        "team-b" => Some("dev"),
        _ => None,
    }
}

impl Said {
    fn to_document(&self, number: usize) -> Value {
        let mut matching = json!({});
        if let Some(namespaces) = &self.namespaces {
            matching["namespaces"] = json!(namespaces);
        }
        if let Some(tier) = self.tier {
            matching["namespaceSelector"] = json!({"matchLabels": {"tier": tier}});
        }
        if let Some(carriers) = self.carriers {
            matching["carriers"] = json!([carriers]);
        }
        if let Some(charts) = self.charts {
            matching["charts"] = json!(charts);
        }
        let rules = self.rules.iter().map(|(rule, action)| {
            let action = action.map_or(Value::Null, |action| json!(action.as_str()));
            ((*rule).to_owned(), json!({"action": action}))
        });
        let rules: serde_json::Map<_, _> = rules.collect();
        let exemptions: Vec<_> = self
            .exemption
            .iter()
            .map(|(rule, namespace, until)| {
                json!({
                    "rules": [rule],
                    "namespaces": namespace.map(|namespace| [namespace]),
                    "until": until,
                    "owner": "a",
                    "reason": "b",
                })
            })
            .collect();
        json!({
            "apiVersion": "distrogate.io/v1alpha1",
            "kind": "DistroPolicy",
            "metadata": {"name": format!("d{number}")},
            "spec": {
                "priority": self.priority,
                "enforcement": self.enforcement.map(Action::as_str),
                "match": matching,
                "rules": rules,
                "exemptions": exemptions,
            },
        })
    }

    fn is_about(&self, asked: &Asked) -> bool {
        let namespaces = self.namespaces.iter().all(|patterns| {
            let (out, within): (Vec<&str>, Vec<&str>) = patterns
                .iter()
                .partition(|pattern| pattern.starts_with('!'));
            (within.is_empty() || within.iter().any(|pattern| fits(pattern, asked.namespace)))
                && !out
                    .iter()
                    .any(|pattern| fits(pattern.trim_start_matches('!'), asked.namespace))
        });
        let charts = self
            .charts
            .is_none_or(|charts| (charts == ">=0.30") == (asked.chart == "0.30.4"));
        namespaces
            && charts
            && self
                .tier
                .is_none_or(|tier| labels(asked.namespace) == Some(tier))
            && self.carriers.is_none_or(|kind| kind == "HelmRelease")
    }

    /// Whether it lets a rule off.
    fn exempts(&self, rule: &str, asked: &Asked) -> bool {
        self.exemption.is_some_and(|(id, namespace, until)| {
            (id == "*" || id == rule)
                && namespace.is_none_or(|namespace| fits(namespace, asked.namespace))
                && until.is_none_or(|until| until >= TODAY)
        })
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

impl Asked {
    fn body(&self) -> String {
        let object = |faults: [bool; 4]| {
            let [two, tag, kind, field] = faults;
            let mut values = json!({"controlPlane": {"distro": {
                "k8s": {"enabled": true, "image": {}},
                "k3s": {"enabled": two},
            }}});
            let k8s = &mut values["controlPlane"]["distro"]["k8s"];
            if tag {
                k8s["image"]["tag"] = json!("1.31.1");
            }
            if kind {
                k8s["version"] = json!(1.3);
            }
            if field {
                k8s["imag"] = json!({});
            }
            let mut object = release(self.chart, &values);
            object["metadata"]["namespace"] = json!(self.namespace);
            object
        };
        let mut now = object(self.faults);
        let old = self.old_faults.map(object);
        // never the same as before
        now["spec"]["values"]["sync"] = json!({});
        envelope(&now, old.as_ref())
    }
}

fn review(body: &str, policy: &Policy) -> Verdict {
    let labels: HashMap<String, Arc<Labels>> = ["team-a", "team-b"]
        .into_iter()
        .map(|namespace| {
            let tier = labels(namespace).unwrap().to_owned();
            (
                namespace.to_owned(),
                Arc::new(Labels::from([("tier".to_owned(), tier)])),
            )
        })
        .collect();
    let cluster = Cluster {
        today: Date::parse(TODAY),
        namespace_labels: Arc::new(labels),
        ..Cluster::default()
    };
    let answered = admission::answer(body.as_bytes(), |request| {
        gate::review(request, Endpoint::Validate, policy, &cluster)
    });
    answered.unwrap().1
}

/// What was found: rule, place and words, with the action.
fn found(verdict: &Verdict) -> Vec<(String, Action)> {
    let mut found: Vec<_> = verdict
        .findings()
        .map(|finding| (finding.to_string(), finding.action))
        .collect();
    found.sort();
    found
}

/// Every rule at its strictest.
fn strictest() -> Policy {
    let rules: serde_json::Map<_, _> = RULES
        .into_iter()
        .map(|rule| (rule.id.to_owned(), json!({"action": "Deny"})))
        .collect();
    let document = json!({
        "apiVersion": "distrogate.io/v1alpha1",
        "kind": "DistroPolicy",
        "metadata": {"name": "strictest"},
        "spec": {"rules": rules},
    });
    Policy::parse(&document.to_string(), Catalogue::embedded()).unwrap()
}

/// What a rule leads to by the first of the documents that mentions it.
fn action(rule: &Rule, documents: &[&Said]) -> Action {
    let mut said = documents.iter().filter_map(|said| said.rules.get(rule.id));
    let action = said.next().copied().flatten().unwrap_or(rule.action);
    let mut enforcement = documents.iter().filter_map(|said| said.enforcement);
    action.min(enforcement.next().unwrap_or(Action::Deny))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_gate_answers_what_the_first_document_says(
        documents in prop::collection::vec(said(), 0..6),
        asked in asked(),
    ) {
        let policy = documents.iter().enumerate().map(|(number, said)| {
            let text = said.to_document(number).to_string();
            Document::parse(&text, Catalogue::embedded()).unwrap()
        });
        let policy = Policy::of(policy.collect(), Catalogue::embedded()).unwrap();
        let mut about: Vec<_> = documents.iter().filter(|said| said.is_about(&asked)).collect();
        // the higher priority first; the names are in order already
        about.sort_by_key(|said| -said.priority);

        let body = asked.body();
        let update = review(&body, &strictest());
        let mut as_new: Value = serde_json::from_str(&body).unwrap();
        as_new["request"]["operation"] = json!("CREATE");
        as_new["request"]["oldObject"] = Value::Null;
        let as_new: HashMap<_, _> =
            found(&review(&as_new.to_string(), &strictest())).into_iter().collect();
        let mut expected = Vec::new();
        for finding in update.findings() {
            let text = finding.to_string();
            let rule = RULES.into_iter().find(|rule| rule.id == finding.rule).unwrap();
            let action = action(rule, &about);
            if action == Action::Disabled {
                continue;
            }
            // a change is found in updates only
            let most = as_new.get(&text).copied().unwrap_or(finding.action);
            let mut expect = most.min(action);
            if finding.action < most {
                expect = expect.milder();
            }
            if about.iter().any(|said| said.exempts(rule.id, &asked)) {
                expect = expect.min(Action::Audit);
            }
            expected.push((text, expect));
        }
        expected.sort();
        let verdict = review(&body, &policy);
        let denied = expected.iter().any(|(_, action)| *action == Action::Deny);
        prop_assert_eq!(found(&verdict), expected);
        prop_assert_eq!(verdict.decision == Decision::Denied, denied);
        let unsure = documents.iter().enumerate().filter(|(_, said)| {
            let known = Said { tier: None, ..(*said).clone() };
            said.tier.is_some() && labels(asked.namespace).is_none() && known.is_about(&asked)
        });
        let unsure: Vec<_> = unsure
            .map(|(number, _)| format!(
                "policy d{number} is not looked at: the labels of the namespace are not known"
            ))
            .collect();
        prop_assert_eq!(verdict.notes.into_iter().collect::<Vec<_>>(), unsure);
    }
}
