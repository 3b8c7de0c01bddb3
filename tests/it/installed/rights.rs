//! Roles: the same in the kustomization, in the chart and in the program's own table, and what the
//! API server makes of them.

use std::collections::BTreeSet;
use std::fs;

use distrogate::cluster::{Need, RIGHTS, Reach, Right};
use serde_json::{Deserializer, Value, json};

use super::OWN;
use crate::chart::{by_name, template};
use crate::harness::kubectl::Kubectl;
use crate::harness::manifests;
use crate::helm::binary::Helms;
use crate::manifests::{beside, objects_at, of_kind};
use crate::support::has_kubectl;

/// A way to run the server.
struct Mode {
    /// The kustomization, but for its head.
    kustomization: &'static str,
    /// Values of the chart.
    values: fn() -> Value,
    /// What it needs of the table.
    needs: &'static [Need],
    /// Whether it asks the API server at all.
    asks: bool,
}

/// The roles beside the server's own, and what they are for.
const WATCHING: [(&str, Need); 2] = [
    ("distrogate-watch-live", Need::WatchLive),
    ("distrogate-watch-namespaces", Need::WatchNamespaces),
];

const MODES: [Mode; 6] = [
    Mode {
        kustomization: "resources: [../certs/cert-manager]\n",
        values: || json!({"certificates": {"mode": "cert-manager"}}),
        needs: &[],
        asks: false,
    },
    Mode {
        kustomization: "resources: [../deploy/self-managed]\n",
        values: || json!({}),
        needs: &[Need::SelfManaged, Need::Both],
        asks: true,
    },
    Mode {
        kustomization: "resources: [../deploy/self-managed]\ncomponents: [../deploy/register]\n",
        values: || json!({"webhooks": {"register": true}}),
        needs: &[Need::SelfManaged, Need::Both, Need::Register],
        asks: true,
    },
    Mode {
        kustomization: "resources: [../certs/cert-manager]\ncomponents: [../deploy/watch-live]\n",
        values: || json!({"certificates": {"mode": "cert-manager"}, "watchLive": true}),
        needs: &[Need::WatchLive],
        asks: true,
    },
    Mode {
        kustomization: "resources: [../deploy/self-managed]\n\
                        components: [../deploy/watch-live, ../deploy/watch-namespaces]\n",
        values: || json!({"watchLive": true, "watchNamespaces": true}),
        needs: &[
            Need::SelfManaged,
            Need::Both,
            Need::WatchLive,
            Need::WatchNamespaces,
        ],
        asks: true,
    },
    Mode {
        kustomization: "resources: [../certs/cert-manager]\n\
                        components: [../deploy/watch-host-version]\n",
        values: || json!({"certificates": {"mode": "cert-manager"}, "watchHostVersion": true}),
        needs: &[],
        asks: true,
    },
];

impl Mode {
    fn rights(&self, reach: Reach) -> impl Iterator<Item = &Right> {
        RIGHTS
            .iter()
            .filter(move |right| self.needs.contains(&right.need) && right.reach == reach)
    }

    /// Whether the server may do this.
    fn allows(&self, asked: &Asked) -> bool {
        let of_table = |right: &Right, reach| {
            right.verbs.contains(&asked.verb)
                && right.group == asked.group
                && right.resource == asked.resource
                && right.name.is_none_or(|name| name == asked.name)
                && (reach == Reach::Cluster || asked.namespace == OWN)
        };
        [Reach::Namespace, Reach::Cluster]
            .into_iter()
            .any(|reach| self.rights(reach).any(|right| of_table(right, reach)))
    }

    fn objects(&self) -> Vec<Value> {
        let folder = beside(self.kustomization);
        objects_at(&folder.path().join("mine"))
    }
}

/// Single rules, in no order.
fn rules(objects: &[Value], kind: &str, name: &str) -> BTreeSet<String> {
    let role = of_kind(objects, kind)
        .into_iter()
        .find(|role| role["metadata"]["name"] == name);
    let rules = role.and_then(|role| role["rules"].as_array());
    rules.into_iter().flatten().flat_map(single).collect()
}

/// A rule for each resource.
fn single(rule: &Value) -> Vec<String> {
    let resources = rule["resources"].as_array().unwrap().iter();
    resources
        .map(|resource| {
            let mut rule = rule.clone();
            rule["resources"] = json!([resource]);
            rule.to_string()
        })
        .collect()
}

#[test]
fn roles_are_those_of_the_table() {
    let Some(helms) = Helms::find() else { return };
    if !has_kubectl() {
        return;
    }
    for mode in &MODES {
        let kustomized = mode.objects();
        let of_table = |reach, watches: Option<Need>| -> BTreeSet<_> {
            mode.rights(reach)
                .filter(|right| match watches {
                    Some(need) => right.need == need,
                    None => WATCHING.iter().all(|(_, need)| right.need != *need),
                })
                .flat_map(|right| single(&right.rule()))
                .collect()
        };
        let own = [("Role", Reach::Namespace), ("ClusterRole", Reach::Cluster)];
        let own = own.map(|(kind, reach)| (kind, "distrogate", of_table(reach, None)));
        let watching = WATCHING
            .map(|(name, need)| ("ClusterRole", name, of_table(Reach::Cluster, Some(need))));
        for (kind, name, wanted) in own.into_iter().chain(watching) {
            assert_eq!(
                rules(&kustomized, kind, name),
                wanted,
                "{}",
                mode.kustomization
            );
        }
        // the chart's are the same, but for those of the Job that comes before an uninstall
        let of_roles = |objects: &[Value]| {
            let mut named = by_name(objects);
            named.retain(|name, _| name.contains("Role") && !name.ends_with("-unregister"));
            named
        };
        for helm in helms.each() {
            let rendered = template(helm, OWN, &(mode.values)()).unwrap();
            let (rendered, kustomized) = (of_roles(&rendered), of_roles(&kustomized));
            assert_eq!(
                rendered.keys().collect::<Vec<_>>(),
                kustomized.keys().collect::<Vec<_>>()
            );
            for (name, role) in &kustomized {
                let other = &rendered[name];
                for key in ["subjects", "roleRef"] {
                    assert_eq!(role[key], other[key], "{helm}: {name}");
                }
                let all = |role: &Value| -> BTreeSet<String> {
                    let rules = role["rules"].as_array().into_iter().flatten();
                    rules.flat_map(single).collect()
                };
                assert_eq!(all(role), all(other), "{helm}: {name}");
            }
        }
    }
}

/// Where nothing is asked, there is no token and no way out; where something is, both.
#[test]
fn a_token_and_a_way_out_are_there_where_they_are_needed() {
    let Some(helms) = Helms::find() else { return };
    if !has_kubectl() {
        return;
    }
    for mode in &MODES {
        let asks = mode.asks;
        let mut all = vec![mode.objects()];
        for helm in helms.each() {
            all.push(template(helm, OWN, &(mode.values)()).unwrap());
        }
        for objects in all {
            let [deployment] = of_kind(&objects, "Deployment")[..] else {
                panic!("one Deployment")
            };
            let pod = &deployment["spec"]["template"]["spec"];
            assert_eq!(pod["automountServiceAccountToken"], asks);
            let [policy] = of_kind(&objects, "NetworkPolicy")[..] else {
                panic!("one NetworkPolicy")
            };
            let egress = policy["spec"]["egress"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let ports = [443, 6443].map(|port| json!({"port": port, "protocol": "TCP"}));
            let wanted = if asks {
                vec![json!({"ports": ports})]
            } else {
                vec![]
            };
            assert_eq!(egress, wanted, "{}", mode.kustomization);
            for account in of_kind(&objects, "ServiceAccount") {
                assert_eq!(account["automountServiceAccountToken"], false);
            }
        }
    }
}

/// One question to the API server.
struct Asked {
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    name: &'static str,
    namespace: &'static str,
}

/// What is tried: all that the table has, and all that would be worth having.
fn questions() -> Vec<Asked> {
    let verbs = [
        "get",
        "list",
        "watch",
        "create",
        "update",
        "patch",
        "delete",
        "deletecollection",
    ];
    let known = RIGHTS.iter().map(|right| (right.group, right.resource));
    let known: BTreeSet<_> = known.collect();
    let names: BTreeSet<_> = RIGHTS.iter().filter_map(|right| right.name).collect();
    let mut all = vec![];
    for (group, resource) in &known {
        for name in names.iter().copied().chain(["vc-config-dev", ""]) {
            for namespace in [OWN, "team-a", ""] {
                all.extend(verbs.map(|verb| Asked {
                    verb,
                    group,
                    resource,
                    name,
                    namespace,
                }));
            }
        }
    }
    for (group, resource) in [
        ("", "configmaps"),
        ("", "events"),
        ("", "namespaces"),
        ("", "nodes"),
        ("", "pods"),
        ("", "pods/exec"),
        ("", "pods/log"),
        ("", "serviceaccounts"),
        ("", "serviceaccounts/token"),
        ("apiextensions.k8s.io", "customresourcedefinitions"),
        ("apps", "deployments"),
        ("apps", "statefulsets"),
        ("helm.toolkit.fluxcd.io", "helmreleases"),
        ("rbac.authorization.k8s.io", "clusterrolebindings"),
        ("rbac.authorization.k8s.io", "clusterroles"),
        ("rbac.authorization.k8s.io", "rolebindings"),
        ("rbac.authorization.k8s.io", "roles"),
    ] {
        for verb in [
            "get",
            "list",
            "create",
            "update",
            "delete",
            "impersonate",
            "escalate",
            "bind",
        ] {
            let (name, namespace) = ("distrogate", OWN);
            all.push(Asked {
                verb,
                group,
                resource,
                name,
                namespace,
            });
        }
    }
    all
}

pub(super) fn each_mode_may_do_what_it_needs_and_nothing_else(admin: &Kubectl) {
    let questions = questions();
    let folder = tempfile::tempdir().unwrap();
    for mode in &MODES {
        let mut roles = mode.objects();
        roles.retain(|object| object["kind"].as_str().unwrap().contains("Role"));
        let file = folder.path().join("roles.json");
        fs::write(&file, manifests::list(&roles)).unwrap();
        let file = file.to_str().unwrap();
        if !roles.is_empty() {
            admin.must(&["apply", "-f", file], "");
        }
        let reviews: Vec<_> = questions.iter().map(review).collect();
        let mut wanted = questions.iter().map(|asked| mode.allows(asked));
        let answers = admin.must(
            &["create", "-o", "json", "-f", "-"],
            &manifests::list(&reviews),
        );
        let answers = Deserializer::from_str(&answers).into_iter::<Value>();
        let answers: Vec<_> = answers
            .map(Result::unwrap)
            .flat_map(|answer| match answer["items"].as_array() {
                Some(items) => items.clone(),
                None => vec![answer],
            })
            .collect();
        assert_eq!(answers.len(), questions.len());
        for answer in &answers {
            let asked = &answer["spec"]["resourceAttributes"];
            let may = answer["status"]["allowed"].as_bool();
            assert_eq!(may, wanted.next(), "{}: {asked}", mode.kustomization);
        }
        let allowed = answers
            .iter()
            .filter(|answer| answer["status"]["allowed"] == true);
        assert_eq!(allowed.count() == 0, mode.needs.is_empty());
        if !roles.is_empty() {
            admin.must(&["delete", "-f", file], "");
        }
    }
}

fn review(asked: &Asked) -> Value {
    let Asked {
        verb,
        group,
        resource,
        name,
        namespace,
    } = asked;
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": format!("system:serviceaccount:{OWN}:distrogate"),
            "groups": [
                "system:serviceaccounts",
                format!("system:serviceaccounts:{OWN}"),
                "system:authenticated",
            ],
            "resourceAttributes": {
                "verb": verb, "group": group, "resource": resource, "subresource": subresource,
                "name": name, "namespace": namespace,
            },
        },
    })
}
