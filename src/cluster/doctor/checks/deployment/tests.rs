use insta::assert_snapshot;
use serde_json::{Value, json};

use super::super::testing::{budget, change, deployment, installed, pod, read, told, wanted};
use super::*;

fn with(change: impl FnOnce(&mut Behind)) -> String {
    let mut snapshot = installed();
    change(snapshot.behind.as_mut().unwrap());
    told(&look(&snapshot, &wanted()))
}

fn with_budgets(replicas: u32, bounds: &[Value]) -> String {
    with(|behind| {
        behind.deployments = read(json!([deployment(replicas)]));
        let budgets: Vec<_> = bounds.iter().map(budget).collect();
        behind.budgets = read(json!(budgets));
    })
}

#[test]
fn what_bears_a_drain_is_good() {
    assert_snapshot!(with(|_| {}), @"ok: Deployment distrogate-system/distrogate 2 of 2 replicas are available, and bear a drain");
    for (replicas, bounds) in [
        (2, json!({"maxUnavailable": 1})),
        (3, json!({"minAvailable": 2})),
        (3, json!({"minAvailable": "50%"})),
        (2, json!({"maxUnavailable": "50%"})),
    ] {
        let told = with_budgets(replicas, &[bounds]);
        assert!(told.starts_with("ok: "), "{told}");
    }
}

#[test]
fn too_few_servers_are_told() {
    assert_snapshot!(with(|behind| behind.deployments = Seen::Is(Vec::new())), @"
    error: there is none in distrogate-system whose Pods the Service selects
      why: nothing keeps a server running
      mend: kubectl apply -k certs/own-ca
    ");
    assert_snapshot!(with(|behind| behind.deployments = read(json!([deployment(0)]))), @"
    error: Deployment distrogate-system/distrogate spec.replicas is 0
      why: there is no server
      mend: kubectl -n distrogate-system scale deployment/distrogate --replicas=2
    ");
    assert_snapshot!(with(|behind| {
        let mut one = deployment(2);
        one["status"]["availableReplicas"] = json!(1);
        behind.deployments = read(json!([one]));
    }), @"
    warning: Deployment distrogate-system/distrogate status.availableReplicas is 1, has to be 2
      why: what is left may not bear the next loss
      mend: kubectl -n distrogate-system rollout restart deployment/distrogate
    ");
    assert_snapshot!(with(|behind| {
        let mut one = deployment(2);
        one["status"] = json!({});
        behind.deployments = read(json!([one]));
    }), @"
    error: Deployment distrogate-system/distrogate status.availableReplicas is 0, has to be 2
      why: there is no server
      mend: kubectl -n distrogate-system rollout restart deployment/distrogate
    ");
}

#[test]
fn a_budget_that_blocks_or_is_missing_is_told() {
    assert_snapshot!(with_budgets(2, &[]), @"
    warning: Deployment distrogate-system/distrogate has no PodDisruptionBudget
      why: draining nodes may take every server at once
      mend: kubectl -n distrogate-system create poddisruptionbudget distrogate --selector=app.kubernetes.io/name=distrogate --min-available=1
    ");
    assert_snapshot!(with_budgets(2, &[json!({"minAvailable": 2})]), @r#"
    warning: PodDisruptionBudget distrogate-system/distrogate spec.minAvailable is 2, of 2 in all
      why: no Pod may ever be taken, and draining a node waits for ever
      mend: kubectl -n distrogate-system patch poddisruptionbudget distrogate --type=merge -p '{"spec":{"maxUnavailable":null,"minAvailable":1}}'
    "#);
    assert_snapshot!(with_budgets(3, &[json!({"maxUnavailable": 0})]), @r#"
    warning: PodDisruptionBudget distrogate-system/distrogate spec.maxUnavailable is 0
      why: no Pod may ever be taken, and draining a node waits for ever
      mend: kubectl -n distrogate-system patch poddisruptionbudget distrogate --type=merge -p '{"spec":{"maxUnavailable":null,"minAvailable":1}}'
    "#);
    assert_snapshot!(with_budgets(3, &[json!({"minAvailable": "80%"})]), @r#"
    warning: PodDisruptionBudget distrogate-system/distrogate spec.minAvailable is 80%, of 3 in all
      why: no Pod may ever be taken, and draining a node waits for ever
      mend: kubectl -n distrogate-system patch poddisruptionbudget distrogate --type=merge -p '{"spec":{"maxUnavailable":null,"minAvailable":1}}'
    "#);
    assert_snapshot!(with_budgets(1, &[json!({"minAvailable": 1})]), @"
    warning: Deployment distrogate-system/distrogate spec.replicas is 1, and validation fails closed
      why: whenever that Pod moves, writes of objects with vCluster configs are refused
      mend: kubectl -n distrogate-system scale deployment/distrogate --replicas=2
    warning: PodDisruptionBudget distrogate-system/distrogate spec.minAvailable is 1, of 1 in all
      why: no Pod may ever be taken, and draining a node waits for ever
      mend: kubectl -n distrogate-system scale deployment/distrogate --replicas=2
    ");
    let two = [json!({"minAvailable": 1}), json!({"minAvailable": 1})];
    assert_snapshot!(with_budgets(2, &two), @"
    warning: PodDisruptionBudget distrogate-system/distrogate is about the same Pods as distrogate
      why: Kubernetes evicts nothing that two budgets are about, and draining a node waits for ever
      mend: kubectl -n distrogate-system delete poddisruptionbudget distrogate
    ");
}

#[test]
fn one_replica_is_enough_where_nothing_fails_closed() {
    let mut snapshot = installed();
    change(&mut snapshot, "validating", |webhooks| {
        for webhook in webhooks.as_array_mut().unwrap() {
            webhook["failurePolicy"] = json!("Ignore");
        }
    });
    let behind = snapshot.behind.as_mut().unwrap();
    behind.deployments = read(json!([deployment(1)]));
    behind.budgets = Seen::Is(Vec::new());
    let told = told(&look(&snapshot, &wanted()));
    assert!(told.starts_with("ok: "), "{told}");
}

#[test]
fn one_node_and_no_priority_are_told() {
    assert_snapshot!(with(|behind| {
        behind.pods = read(json!([pod("a", "node-1"), pod("b", "node-1")]));
        let mut one = deployment(2);
        one["spec"]["template"]["spec"]["priorityClassName"].take();
        behind.deployments = read(json!([one]));
    }), @r#"
    warning: Deployment distrogate-system/distrogate all 2 Pods that are ready run on the node node-1
      why: the loss of that node takes every server at once
      mend: kubectl -n distrogate-system rollout restart deployment/distrogate
    info: Deployment distrogate-system/distrogate spec.template.spec.priorityClassName is not set
      why: where nodes are full, ordinary workloads are scheduled before the server that they wait for
      mend: kubectl -n distrogate-system patch deployment distrogate --type=merge -p '{"spec":{"template":{"spec":{"priorityClassName":"distrogate"}}}}'
    "#);
}
