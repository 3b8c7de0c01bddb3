//! Every case under `tests/fixtures/`: real AdmissionReviews, answered as written down beside them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use distrogate::admission::Endpoint;
use distrogate::gate::Decision;
use distrogate::policy::Policy;
use distrogate::rules::RULES;
use distrogate::vcluster::Catalogue;
use serde_json::Value;

use crate::support::{file, patched, review, run, stderr, stdout};

/// Each case: its name, request and policy.
fn cases() -> Vec<(String, String, Policy)> {
    let mut folders: Vec<PathBuf> = fs::read_dir(file("tests/fixtures"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
        .iter()
        .map(|folder| {
            let policy = match fs::read_to_string(folder.join("policy.yaml")) {
                Ok(text) => Policy::parse(&text, Catalogue::embedded()).unwrap(),
                Err(_) => Policy::built_in(),
            };
            let request = fs::read_to_string(folder.join("request.json")).unwrap();
            (
                folder.file_name().unwrap().to_string_lossy().into_owned(),
                request,
                policy,
            )
        })
        .collect()
}

#[test]
fn every_case_is_answered_as_written_down() {
    let output = run(&["replay", "--format", "json", "tests/fixtures"]);
    assert_eq!(stderr(&output), "");
    let replayed: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let reviews = replayed["reviews"].as_array().unwrap();
    let missed: Vec<_> = reviews
        .iter()
        .filter(|review| review["asExpected"] != true)
        .map(|review| review["file"].as_str().unwrap())
        .collect();
    assert!(
        missed.is_empty(),
        "not as their response.json says: {missed:#?}"
    );
    assert_eq!(reviews.len(), cases().len());
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn every_rule_has_a_case_that_it_refuses_or_warns_of_and_one_that_it_lets_pass() {
    let mut findings: BTreeMap<&str, usize> = BTreeMap::new();
    let mut judged = 0;
    for (_, request, policy) in cases() {
        let (verdict, _) = review(&request, Endpoint::Validate, &policy);
        judged += usize::from(!verdict.configs.is_empty());
        for rule in RULES {
            if verdict.findings().any(|finding| finding.rule == rule.id) {
                *findings.entry(rule.id).or_default() += 1;
            }
        }
    }
    for rule in RULES {
        let found = findings.get(rule.id).copied().unwrap_or_default();
        assert!(
            found > 0 && found < judged,
            "{}: {found} of {judged}",
            rule.id
        );
    }
}

#[test]
fn a_patch_applies_and_the_second_pass_is_empty() {
    let mut patches = 0;
    for (name, request, policy) in cases() {
        let (verdict, response) = review(&request, Endpoint::Mutate, &policy);
        assert_ne!(verdict.decision, Decision::PatchWithheld, "{name}");
        assert_ne!(
            verdict.decision,
            Decision::Denied,
            "{name}: /mutate never denies"
        );
        let again = patched(&request, &response);
        let (second, _) = review(&again, Endpoint::Mutate, &policy);
        assert!(second.patch.0.is_empty(), "{name}: {:?}", second.patch);
        patches += usize::from(verdict.decision == Decision::Patched);
    }
    assert!(patches > 20, "{patches}");
}

#[test]
fn a_patch_only_ever_adds_unless_the_value_is_ours_or_the_policy_says_otherwise() {
    for (name, request, policy) in cases() {
        let (verdict, _) = review(&request, Endpoint::Mutate, &policy);
        for operation in &verdict.patch.0 {
            let is_text = matches!(
                operation,
                json_patch::PatchOperation::Replace(replace) if replace.value.is_string()
                    && ["/values", "/valuesContent", "~1defaults"]
                        .iter()
                        .any(|end| replace.path.as_str().ends_with(end))
            );
            let adds = matches!(operation, json_patch::PatchOperation::Add(_));
            let may = name.contains("apply-always") || name.starts_with("ours-");
            assert!(adds || is_text || may, "{name}: {operation:?}");
        }
    }
}

#[test]
fn untouched_configs_are_seen_as_such() {
    let unchanged: Vec<_> = cases()
        .into_iter()
        .filter(|(_, request, policy)| {
            review(request, Endpoint::Validate, policy).0.decision == Decision::Unchanged
        })
        .map(|(name, ..)| name)
        .collect();
    assert!(
        unchanged
            .iter()
            .all(|name| name.contains("untouched") || name.contains("reordered")),
        "{unchanged:?}"
    );
    for kind in [
        "secret-untouched-annotate",
        "helmrelease-untouched-annotate",
    ] {
        assert!(unchanged.iter().any(|name| name == kind), "{kind}");
    }
}
