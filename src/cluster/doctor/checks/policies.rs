//! The policies can be used, and every Pod follows the same.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Behind, Check, Finding, Seen, Snapshot, Status, Wanted, container, quoted};
use super::mends::Mends;
use crate::text::printable;

/// How much of what a Pod says is shown.
const SHOWN: usize = 200;

/// Looks at files, at what is mounted, and at what the Pods say.
pub(super) fn look(snapshot: &Snapshot, wanted: &Wanted) -> Vec<Finding> {
    let check = Check::Policies;
    let policies = &wanted.policies;
    let mut findings = Vec::new();
    if let Some(Err(mistakes)) = &policies.files {
        findings.push(
            check
                .error(format!("those of --policy cannot be used: {mistakes}"))
                .why("a server that is given them does not start")
                .mend(format!("distrogate policy check {}", policies.paths)),
        );
    }
    let Some(behind) = &snapshot.behind else {
        let why = "which policies the server follows: it is not behind a Service";
        findings.push(check.not_seen(why));
        return findings;
    };
    let mends = Mends { snapshot, wanted };
    let room = Room {
        behind,
        wanted,
        mends,
    };
    findings.extend(room.mounted());
    findings.extend(room.pods());
    if findings.is_empty() && behind.pages.is_empty() {
        findings.push(check.not_seen("what is followed: no Pod is ready to be asked"));
    }
    if !findings.iter().any(|one| one.status > Status::Info) {
        let revision = match &policies.mounted {
            Some(Ok(revision)) => format!(", revision {revision}"),
            _ => String::new(),
        };
        let files = behind.mounted.is().map_or(0, Vec::len);
        let which = match files {
            0 => "the built-in policy".to_owned(),
            1 => "1 policy".to_owned(),
            count => format!("{count} policies"),
        };
        let pods = match behind.pages.len() {
            1 => "on 1 Pod".to_owned(),
            count => format!("on each of {count} Pods"),
        };
        findings.push(check.ok(format!("{which}{revision}, {pods}")));
    }
    findings
}

struct Room<'a> {
    behind: &'a Behind,
    wanted: &'a Wanted,
    mends: Mends<'a>,
}

impl Room<'_> {
    fn mounted(&self) -> Vec<Finding> {
        let check = Check::Policies;
        let mut findings = Vec::new();
        if let Seen::Hidden(why) = &self.behind.mounted {
            findings.push(check.not_seen(&format!("what is mounted: {why}")));
        }
        let policies = &self.wanted.policies;
        if let Some(Err(mistakes)) = &policies.mounted {
            findings.push(
                check
                    .error(format!("those that are mounted cannot be used: {mistakes}"))
                    .why("the servers go on with what they had, and none would start again")
                    .mend(self.edit()),
            );
        }
        if policies.is_same == Some(false) {
            findings.push(
                check
                    .warning("those that are mounted are not those of --policy")
                    .why("what was tried out is not what is in force")
                    .mend(self.edit()),
            );
        }
        findings
    }

    fn pods(&self) -> Vec<Finding> {
        let check = Check::Policies;
        let mut findings = Vec::new();
        let mut hidden: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let mut followed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (pod, page) in &self.behind.pages {
            let page = match page {
                Seen::Is(page) => page,
                Seen::Absent => continue,
                Seen::Hidden(why) => {
                    hidden.entry(why.to_string()).or_default().push(pod);
                    continue;
                }
            };
            for line in page.lines() {
                if let Some(failed) = line.strip_prefix("[-]") {
                    findings.push(
                        check
                            .warning(format!("is not ready: {}", printable(failed, SHOWN)))
                            .of(format!("Pod {}/{pod}", self.wanted.namespace))
                            .why("no review is sent there")
                            .mend(self.mends.kubectl(&format!("delete pod {pod}"))),
                    );
                }
                let revision = line.strip_prefix("[+]policy ok: revision ");
                followed
                    .entry(revision.unwrap_or(""))
                    .or_default()
                    .push(pod);
            }
        }
        followed.remove("");
        findings.extend(hidden.iter().map(|(why, pods)| {
            let pods = pods.join(", ");
            check.not_seen(&format!("what Pods {pods} follow: {why}"))
        }));
        findings.extend(self.differ(&followed));
        findings
    }

    fn differ(&self, followed: &BTreeMap<&str, Vec<&str>>) -> Option<Finding> {
        let check = Check::Policies;
        let told: Vec<_> = followed
            .iter()
            .map(|(revision, pods)| format!("{} {}", pods.join(" and "), printable(revision, 16)))
            .collect();
        let why = "the same config is judged in one way or the other";
        let restart = || self.mends.restart();
        if followed.len() > 1 {
            let says = format!("Pods follow different ones: {}", told.join(", "));
            return Some(check.warning(says).why(why).mend_if(restart()));
        }
        let Some(Ok(mounted)) = &self.wanted.policies.mounted else {
            return None;
        };
        let is_other = followed.keys().any(|revision| revision != mounted);
        is_other.then(|| {
            check
                .warning(format!(
                    "Pods follow others than are mounted, which are {mounted}: {}",
                    told.join(", ")
                ))
                .why("what was written is not in force; the kubelet brings it within two minutes")
                .mend_if(restart())
        })
    }

    fn edit(&self) -> String {
        let deployments = self.behind.deployments.is();
        let mounts = deployments.and_then(|all| container::mounts(all.first()?).ok());
        let mounts = mounts.unwrap_or_default();
        let names: BTreeSet<_> = mounts
            .iter()
            .map(|mount| quoted(&mount.config_map))
            .collect();
        let names: Vec<_> = names.into_iter().collect();
        self.mends
            .kubectl(&format!("edit configmap {}", names.join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::json;

    use super::super::super::{Hidden, Right};
    use super::super::testing::{deployment, installed, read, told, wanted};
    use super::*;

    fn with(change: impl FnOnce(&mut Snapshot, &mut Wanted)) -> String {
        let (mut snapshot, mut wanted) = (installed(), wanted());
        change(&mut snapshot, &mut wanted);
        told(&look(&snapshot, &wanted))
    }

    fn page(snapshot: &mut Snapshot, pod: &str, page: &str) {
        let behind = snapshot.behind.as_mut().unwrap();
        behind
            .pages
            .insert(pod.to_owned(), Seen::Is(page.to_owned()));
    }

    #[test]
    fn what_every_pod_follows_is_told() {
        assert_snapshot!(with(|_, _| {}), @"ok: the built-in policy, revision 00000000000000aa, on each of 2 Pods");
    }

    #[test]
    fn mistakes_are_named() {
        let mistake = "policy /policies/a.yaml: line 4, column 9: spec.rules: no such rule";
        assert_snapshot!(with(|_, wanted| {
            wanted.policies.mounted = Some(Err(mistake.to_owned()));
            wanted.policies.files = Some(Err("policy a.yaml: the policy is empty".to_owned()));
            "a.yaml".clone_into(&mut wanted.policies.paths);
        }), @"
        error: those of --policy cannot be used: policy a.yaml: the policy is empty
          why: a server that is given them does not start
          mend: distrogate policy check a.yaml
        error: those that are mounted cannot be used: policy /policies/a.yaml: line 4, column 9: spec.rules: no such rule
          why: the servers go on with what they had, and none would start again
          mend: kubectl -n distrogate-system edit configmap
        ");
        assert_snapshot!(with(|snapshot, wanted| {
            wanted.policies.is_same = Some(false);
            let behind = snapshot.behind.as_mut().unwrap();
            let mut one = deployment(2);
            let spec = &mut one["spec"]["template"]["spec"];
            spec["containers"][0]["args"] = json!(["serve", "--policy=/policies"]);
            spec["containers"][0]["volumeMounts"] =
                json!([{"name": "policies", "mountPath": "/policies"}]);
            spec["volumes"] =
                json!([{"name": "policies", "configMap": {"name": "distrogate-policies"}}]);
            behind.deployments = read(json!([one]));
        }), @"
        warning: those that are mounted are not those of --policy
          why: what was tried out is not what is in force
          mend: kubectl -n distrogate-system edit configmap distrogate-policies
        ");
    }

    #[test]
    fn pods_that_differ_are_named() {
        assert_snapshot!(with(|snapshot, _| {
            page(snapshot, "b", "[+]policy ok: revision 00000000000000bb\n");
        }), @"
        warning: Pods follow different ones: a 00000000000000aa, b 00000000000000bb
          why: the same config is judged in one way or the other
          mend: kubectl -n distrogate-system rollout restart deployment/distrogate
        ");
        assert_snapshot!(with(|snapshot, wanted| {
            wanted.policies.mounted = None;
            page(snapshot, "b", "[+]policy ok: revision 00000000000000bb\n");
        }), @"
        warning: Pods follow different ones: a 00000000000000aa, b 00000000000000bb
          why: the same config is judged in one way or the other
          mend: kubectl -n distrogate-system rollout restart deployment/distrogate
        ");
        assert_snapshot!(with(|snapshot, _| {
            for pod in ["a", "b"] {
                page(snapshot, pod, "[+]policy ok: revision 00000000000000bb\n");
            }
        }), @"
        warning: Pods follow others than are mounted, which are 00000000000000aa: a and b 00000000000000bb
          why: what was written is not in force; the kubelet brings it within two minutes
          mend: kubectl -n distrogate-system rollout restart deployment/distrogate
        ");
        assert_snapshot!(with(|snapshot, _| {
            let text = "[+]policy ok: revision 00000000000000aa\n[-]draining failed: about to stop\n";
            page(snapshot, "a", text);
        }), @"
        warning: Pod distrogate-system/a is not ready: draining failed: about to stop
          why: no review is sent there
          mend: kubectl -n distrogate-system delete pod a
        ");
    }

    #[test]
    fn what_may_not_be_seen_is_no_fault() {
        let right = Right {
            verb: "get",
            resource: "pods/proxy".to_owned(),
            namespace: Some("distrogate-system".to_owned()),
        };
        assert_snapshot!(with(|snapshot, wanted| {
            let behind = snapshot.behind.as_mut().unwrap();
            for page in behind.pages.values_mut() {
                *page = Seen::Hidden(Hidden::Forbidden(right.clone()));
            }
            behind.mounted = Seen::Hidden(Hidden::Late(5));
            wanted.policies.mounted = None;
        }), @"
        not-seen: what is mounted: no answer in 5 s
        not-seen: what Pods a, b follow: needs the right to get pods/proxy in the namespace distrogate-system
        ");
        assert_snapshot!(with(|snapshot, _| {
            snapshot.behind.as_mut().unwrap().pages.clear();
        }), @"not-seen: what is followed: no Pod is ready to be asked");
        assert_snapshot!(with(|snapshot, _| snapshot.behind = None), @"not-seen: which policies the server follows: it is not behind a Service");
    }
}
