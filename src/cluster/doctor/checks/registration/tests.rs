use insta::assert_snapshot;

use super::super::testing::{change, installed, told, wanted};
use super::*;

#[test]
fn what_is_as_printed_is_good() {
    assert_snapshot!(told(&look(&installed(), &wanted())), @"ok: as distrogate manifests prints it");
}

#[test]
fn order_and_empty_selectors_do_not_matter() {
    let mut snapshot = installed();
    change(&mut snapshot, "validating", |webhooks| {
        let names = "/0/namespaceSelector/matchExpressions/0/values";
        let names = webhooks.pointer_mut(names).unwrap().as_array_mut().unwrap();
        names.reverse();
        let rules = webhooks.pointer_mut("/0/rules").unwrap();
        rules.as_array_mut().unwrap().reverse();
        webhooks[0]
            .as_object_mut()
            .unwrap()
            .remove("objectSelector");
    });
    assert_snapshot!(told(&look(&snapshot, &wanted())), @"ok: as distrogate manifests prints it");
}

#[test]
fn every_field_that_differs_is_named_with_what_mends_it() {
    let mut snapshot = installed();
    change(&mut snapshot, "validating", |webhooks| {
        webhooks[0]["failurePolicy"] = json!("Ignore");
        webhooks[0]["clientConfig"]["service"]["path"] = json!("/mutate");
        webhooks[1]["namespaceSelector"] = json!({"matchLabels": {"judged": "yes"}});
        webhooks[1]["timeoutSeconds"] = json!(30);
        webhooks[2]["matchConditions"][0]["expression"] = json!("true");
    });
    assert_snapshot!(told(&look(&snapshot, &wanted())), @r#"
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[validate.distrogate.io].failurePolicy is Ignore, has to be Fail
      why: while no server answers, configs are let through unjudged
      mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/0/name","value":"validate.distrogate.io"},{"op":"add","path":"/webhooks/0/failurePolicy","value":"Fail"}]'
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[validate.distrogate.io].clientConfig is {"service":{"name":"distrogate","namespace":"distrogate-system","path":"/mutate","port":443}}, has to be {"service":{"name":"distrogate","namespace":"distrogate-system","path":"/validate","port":443}}
      why: another server is asked, or another question
      mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/0/name","value":"validate.distrogate.io"},{"op":"add","path":"/webhooks/0/clientConfig/service","value":{"name":"distrogate","namespace":"distrogate-system","path":"/validate","port":443}}]'
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[values.distrogate.io].namespaceSelector is {"matchLabels":{"judged":"yes"}}, has to be {"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["kube-system","distrogate-system"]}]}
      why: other namespaces are asked about than should be
      mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/1/name","value":"values.distrogate.io"},{"op":"add","path":"/webhooks/1/namespaceSelector","value":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["kube-system","distrogate-system"]}]}}]'
    warning: ValidatingWebhookConfiguration validate.distrogate.io webhooks[values.distrogate.io].timeoutSeconds is 30, has to be 5
      why: the API server waits longer, or not as long, as was meant
      mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/1/name","value":"values.distrogate.io"},{"op":"add","path":"/webhooks/1/timeoutSeconds","value":5}]'
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[workloads.distrogate.io].matchConditions has another expression
      why: more is asked about than depends on the server, or less than it protects
      mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/2/name","value":"workloads.distrogate.io"},{"op":"add","path":"/webhooks/2/matchConditions","value":[{"expression":"request.operation != '\''UPDATE'\'' || object.spec.template != oldObject.spec.template","name":"another-pod-than-before"}]}]'
    "#);
}

#[test]
fn rules_are_compared_by_what_they_cover() {
    let mut snapshot = installed();
    change(&mut snapshot, "mutating", |webhooks| {
        let rules = webhooks[0]["rules"].as_array_mut().unwrap();
        // Argo CD's
        rules.remove(0);
        rules.push(json!({
            "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
            "resources": ["pods"], "scope": "*",
        }));
    });
    assert_snapshot!(told(&look(&snapshot, &wanted())), @r#"
    error: MutatingWebhookConfiguration mutate.distrogate.io webhooks[mutate.distrogate.io].rules does not ask about applications.argoproj.io, applicationsets.argoproj.io, and asks, too, about pods
      why: configs in what is not asked about are not looked at
      mend: kubectl patch mutatingwebhookconfiguration mutate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/0/name","value":"mutate.distrogate.io"},{"op":"remove","path":"/webhooks/0/rules/9"},{"op":"add","path":"/webhooks/0/rules/-","value":{"apiGroups":["argoproj.io"],"apiVersions":["v1alpha1"],"operations":["CREATE","UPDATE"],"resources":["applications","applicationsets"],"scope":"Namespaced"}}]'
    "#);
    let mut snapshot = installed();
    change(&mut snapshot, "validating", |webhooks| {
        webhooks[2]["rules"][0]["operations"] = json!(["UPDATE"]);
    });
    assert_snapshot!(told(&look(&snapshot, &wanted())), @r#"
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[workloads.distrogate.io].rules asks with other versions, operations or scope about deployments.apps, statefulsets.apps
      why: configs in what is not asked about are not looked at
      mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/2/name","value":"workloads.distrogate.io"},{"op":"add","path":"/webhooks/2/rules/-","value":{"apiGroups":["apps"],"apiVersions":["v1"],"operations":["CREATE","UPDATE"],"resources":["deployments","statefulsets"],"scope":"Namespaced"}}]'
    "#);
}

#[test]
fn webhooks_are_missing_or_too_many() {
    let mut snapshot = installed();
    change(&mut snapshot, "validating", |webhooks| {
        webhooks[1]["name"] = json!("other.distrogate.io");
        webhooks[0]["clientConfig"]["caBundle"] = json!("Q0E=");
    });
    assert_snapshot!(told(&look(&snapshot, &wanted())), @r#"
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[values.distrogate.io] is not there
      why: what it asks about is not looked at
      mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"add","path":"/webhooks/-","value":{"admissionReviewVersions":["v1"],"clientConfig":{"caBundle":"Q0E=","service":{"name":"distrogate","namespace":"distrogate-system","path":"/validate","port":443}},"failurePolicy":"Fail","matchPolicy":"Equivalent","name":"values.distrogate.io","namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["kube-system","distrogate-system"]}]},"objectSelector":{"matchExpressions":[{"key":"distrogate.io/values","operator":"Exists"}]},"rules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE","UPDATE"],"resources":["configmaps","secrets"],"scope":"Namespaced"}],"sideEffects":"None","timeoutSeconds":5}}]'
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[other.distrogate.io] is not one of ours
      why: it asks this server about what nobody meant it to be asked about
      mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/1/name","value":"other.distrogate.io"},{"op":"remove","path":"/webhooks/1"}]'
    "#);
}

#[test]
fn what_follows_from_a_policy_that_was_not_seen_is_not_judged() {
    let mut snapshot = installed();
    change(&mut snapshot, "validating", |webhooks| {
        let custom = json!({
            "apiGroups": ["corp.example"], "apiVersions": ["v1"], "operations": ["CREATE"],
            "resources": ["clusters"], "scope": "Namespaced",
        });
        webhooks[0]["rules"].as_array_mut().unwrap().push(custom);
    });
    change(&mut snapshot, "mutating", |webhooks| {
        let mut another = webhooks[0].clone();
        another["name"] = json!("mutate-secrets.distrogate.io");
        webhooks.as_array_mut().unwrap().push(another);
    });
    let mut wanted = wanted();
    assert_eq!(look(&snapshot, &wanted).len(), 2);
    wanted.policies.unseen = Some("what is mounted: no answer in 5 s".to_owned());
    assert_snapshot!(told(&look(&snapshot, &wanted)), @"
    not-seen: rules, which follow from the policy: what is mounted: no answer in 5 s
      why: with --policy they are compared with those of the files that it names
    ");
    change(&mut snapshot, "validating", |webhooks| {
        webhooks[0]["sideEffects"] = json!("Some");
    });
    assert_snapshot!(told(&look(&snapshot, &wanted)), @r#"
    error: ValidatingWebhookConfiguration validate.distrogate.io webhooks[validate.distrogate.io].sideEffects is Some, has to be None
      why: dry runs are refused, or not asked about
      mend: kubectl patch validatingwebhookconfiguration validate.distrogate.io --type=json -p '[{"op":"test","path":"/webhooks/0/name","value":"validate.distrogate.io"},{"op":"add","path":"/webhooks/0/sideEffects","value":"None"}]'
    not-seen: rules, which follow from the policy: what is mounted: no answer in 5 s
      why: with --policy they are compared with those of the files that it names
    "#);
}
