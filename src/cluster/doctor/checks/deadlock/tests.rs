use insta::assert_snapshot;

use super::super::super::Hidden;
use super::super::testing::{change, installed, told, wanted};
use super::*;

#[test]
fn what_manifests_prints_cannot_deadlock() {
    let mut snapshot = installed();
    let ok = "ok: kube-system, distrogate-system and what Pods and nodes need never wait for the server\n";
    assert_eq!(told(&look(&snapshot, &wanted())), ok);
    for labels in snapshot.namespaces.values_mut() {
        *labels = Seen::Hidden(Hidden::Late(5));
    }
    assert_eq!(
        told(&look(&snapshot, &wanted())),
        ok,
        "names are known without a look"
    );
}

#[test]
fn a_namespace_without_its_label_is_named() {
    let mut snapshot = installed();
    let labels = Seen::Is(Labels::new());
    snapshot
        .namespaces
        .insert("distrogate-system".to_owned(), labels);
    assert_snapshot!(told(&look(&snapshot, &wanted())), @r#"
    error: Namespace distrogate-system metadata.labels.kubernetes\.io/metadata\.name is not set, and the webhooks leave namespaces alone by it
      why: what is written there waits for the server; the API server sets it from 1.21 on
      mend: kubectl label namespace distrogate-system kubernetes.io/metadata.name=distrogate-system
    "#);
}

#[test]
fn what_takes_our_namespace_or_what_pods_need_is_named() {
    let mut snapshot = installed();
    change(&mut snapshot, "validating", |webhooks| {
        webhooks[2]["namespaceSelector"] = json!({
            "matchExpressions": [
                {"key": NAME, "operator": "NotIn", "values": ["kube-system"]},
            ],
        });
    });
    change(&mut snapshot, "mutating", |webhooks| {
        webhooks[0]["rules"].as_array_mut().unwrap().push(json!({
            "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"],
        }));
    });
    assert_snapshot!(told(&look(&snapshot, &wanted())), @r#"
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[workloads.distrogate.io].namespaceSelector takes the namespace distrogate-system
      why: what is written there waits for the server, also what it takes to start it
      mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/2/name","value":"workloads.distrogate.io"},{"op":"add","path":"/webhooks/2/namespaceSelector","value":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["kube-system","distrogate-system"]}]}}]'
    warning: MutatingWebhookConfiguration mutate.distrogate.io webhooks[mutate.distrogate.io].rules asks about *.*
      why: without a server, nothing starts that could bring the server back
      mend: kubectl patch mutatingwebhookconfiguration mutate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/0/name","value":"mutate.distrogate.io"},{"op":"remove","path":"/webhooks/0/rules/10"}]'
    "#);
}

#[test]
fn nothing_is_taken_away_that_a_policy_may_want() {
    let mut snapshot = installed();
    change(&mut snapshot, "validating", |webhooks| {
        webhooks[0]["rules"][0]["resources"] = json!(["*"]);
        webhooks[0]["rules"][0]["apiGroups"] = json!(["*"]);
        webhooks[1]["name"] = json!("another.distrogate.io");
        webhooks[1]["timeoutSeconds"] = json!(30);
        webhooks[2]["timeoutSeconds"] = json!(30);
    });
    let mut wanted = wanted();
    wanted.policies.unseen = Some("no answer in 5 s".to_owned());
    let found = look(&snapshot, &wanted);
    let mends: Vec<_> = found.iter().map(|one| one.mend.is_some()).collect();
    assert_eq!(mends, [false, false, true], "{}", told(&found));
    wanted.policies.unseen = None;
    let found = look(&snapshot, &wanted);
    assert!(found.iter().all(|one| one.mend.is_some()));
}

#[test]
fn what_is_wide_or_slow_is_named() {
    let mut snapshot = installed();
    change(&mut snapshot, "validating", |webhooks| {
        webhooks[0]["matchConditions"] = json!([]);
        webhooks[1]["objectSelector"] = json!({});
        webhooks[2]["timeoutSeconds"] = json!(30);
    });
    assert_snapshot!(told(&look(&snapshot, &wanted())), @r#"
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[validate.distrogate.io].matchConditions lets all secrets come here
      why: every namespace depends on them, and they would on the server
      mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/0/name","value":"validate.distrogate.io"},{"op":"add","path":"/webhooks/0/matchConditions","value":[{"expression":"request.resource.group != '\'''\'' || request.resource.resource != '\''secrets'\'' || (has(request.name) && request.name != '\'''\'' ? request.name : has(object.metadata.generateName) ? object.metadata.generateName : '\'''\'').startsWith('\''vc-config-'\'')","name":"secrets-of-vcluster-only"},{"expression":"request.operation != '\''UPDATE'\'' || request.resource.group != '\'''\'' || request.resource.resource != '\''secrets'\'' || has(object.data) != has(oldObject.data) || (has(object.data) && object.data != oldObject.data) || (has(object.metadata.labels) && '\''chart'\'' in object.metadata.labels ? object.metadata.labels['\''chart'\''] : '\'''\'') != (has(oldObject.metadata.labels) && '\''chart'\'' in oldObject.metadata.labels ? oldObject.metadata.labels['\''chart'\''] : '\'''\'')","name":"another-config-than-before"},{"expression":"request.resource.group != '\''argoproj.io'\'' || request.operation != '\''UPDATE'\'' || has(object.spec) != has(oldObject.spec) || (has(object.spec) && object.spec != oldObject.spec) || (has(object.operation) && (!has(oldObject.operation) || object.operation != oldObject.operation))","name":"no-refreshed-status"},{"expression":"request.operation != '\''UPDATE'\'' || !has(object.metadata.deletionTimestamp) || !has(object.spec) || !has(oldObject.spec) || object.spec != oldObject.spec","name":"no-last-farewell"}]}]'
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[values.distrogate.io].objectSelector lets all secrets and configmaps come here
      why: every namespace depends on them, and they would on the server
      mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/1/name","value":"values.distrogate.io"},{"op":"add","path":"/webhooks/1/objectSelector","value":{"matchExpressions":[{"key":"distrogate.io/values","operator":"Exists"}]}}]'
    warning: ValidatingWebhookConfiguration validate.distrogate.io webhooks[workloads.distrogate.io].timeoutSeconds is 30
      why: every write that is asked about takes that long if a server hangs
      mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/2/name","value":"workloads.distrogate.io"},{"op":"add","path":"/webhooks/2/timeoutSeconds","value":5}]'
    "#);
    snapshot.minor = 20;
    change(&mut snapshot, "validating", |webhooks| {
        webhooks.as_array_mut().unwrap().truncate(1);
    });
    let told = told(&look(&snapshot, &wanted()));
    assert!(
        told.starts_with("ok: "),
        "the API server's own finding: {told}"
    );
}
