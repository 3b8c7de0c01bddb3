//! Which of the resources that hold configs an API server has, and in which version.
//!
//! A kind that it does not have is no error: few clusters have all tools. One whose resources
//! cannot be told (an aggregated API that is down) is.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroup, APIResource};
use kube::Client;

use super::listing::ListError;
use super::resources::{Resource, Selection};
use crate::admission::GroupVersionKind;

/// A resource that the API server has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Served {
    /// What its objects are.
    pub kind: GroupVersionKind<'static>,
    /// The plural in lower case.
    pub resource: String,
    /// Whether its objects live in namespaces.
    pub is_namespaced: bool,
    /// Which of its objects may be carriers.
    pub selection: Selection,
}

/// What an API server has.
#[derive(Debug, Default)]
pub struct Survey {
    /// The resources that can be listed.
    pub served: Vec<Served>,
    /// What could not be found out.
    pub unserved: Vec<Unserved>,
}

/// A group of which nobody can say what it has.
#[derive(Debug)]
pub struct Unserved {
    /// Group and version, as `helm.toolkit.fluxcd.io/v2`.
    pub group_version: String,
    /// Why.
    pub error: ListError,
}

/// Asks which of some resources there are.
/// There is no answer at all where the API server does not say which groups it has.
pub async fn survey(client: &Client, resources: &[Resource]) -> Result<Survey, ListError> {
    let groups = client.list_api_groups().await?.groups;
    let mut survey = Survey::default();
    let mut lists: BTreeMap<String, Vec<APIResource>> = BTreeMap::new();
    for resource in resources {
        let is_shown_elsewhere = resource
            .stored_in()
            .is_some_and(|group| groups.iter().any(|served| served.name == group));
        if is_shown_elsewhere {
            continue;
        }
        for version in versions(resource, &groups) {
            let group_version = match &*resource.group {
                "" => version.clone(),
                group => format!("{group}/{version}"),
            };
            if !lists.contains_key(&group_version) {
                let list = list(client, &group_version).await;
                let list = list.unwrap_or_else(|error| {
                    survey.unserved.push(Unserved {
                        group_version: group_version.clone(),
                        error,
                    });
                    Vec::new()
                });
                lists.insert(group_version.clone(), list);
            }
            let mut found = lists.get(&group_version).into_iter().flatten();
            let can_list = |one: &&APIResource| {
                one.name == resource.resource && one.verbs.iter().any(|verb| verb == "list")
            };
            if let Some(found) = found.find(can_list) {
                survey.served.push(Served {
                    kind: GroupVersionKind {
                        group: resource.group.clone().into(),
                        version: version.into(),
                        kind: found.kind.clone().into(),
                    },
                    resource: resource.resource.clone(),
                    is_namespaced: found.namespaced,
                    selection: resource.selection(),
                });
                break;
            }
        }
    }
    Ok(survey)
}

/// The resources of a version of a group; one that has just gone has none.
async fn list(client: &Client, group_version: &str) -> Result<Vec<APIResource>, ListError> {
    let list = if group_version.contains('/') {
        client.list_api_group_resources(group_version).await
    } else {
        client.list_core_api_resources(group_version).await
    };
    match list {
        Ok(list) => Ok(list.resources),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The versions to look for a resource in: those that are known to hold configs, then what the
/// API server prefers, then the others.
fn versions(resource: &Resource, groups: &[APIGroup]) -> Vec<String> {
    if resource.group.is_empty() {
        return vec!["v1".to_owned()];
    }
    let Some(group) = groups.iter().find(|group| group.name == resource.group) else {
        return Vec::new();
    };
    let served: Vec<_> = group.versions.iter().map(|one| &*one.version).collect();
    let known = resource.versions.iter().copied();
    let preferred = group.preferred_version.iter().map(|one| &*one.version);
    let mut versions: Vec<String> = Vec::new();
    for version in known.chain(preferred).chain(served.iter().copied()) {
        if served.contains(&version) && !versions.iter().any(|known| known == version) {
            versions.push(version.to_owned());
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::GroupVersionForDiscovery;

    use super::*;

    #[test]
    fn known_versions_go_before_what_the_api_server_prefers() {
        let version = |version: &str| GroupVersionForDiscovery {
            group_version: format!("helm.toolkit.fluxcd.io/{version}"),
            version: version.to_owned(),
        };
        let group = APIGroup {
            name: "helm.toolkit.fluxcd.io".to_owned(),
            preferred_version: Some(version("v3")),
            versions: ["v3", "v2beta1", "v2"].map(version).to_vec(),
            ..APIGroup::default()
        };
        let mut resource = Resource {
            group: "helm.toolkit.fluxcd.io".to_owned(),
            versions: vec!["v2", "v2beta2"],
            resource: "helmreleases".to_owned(),
            scope: "Namespaced",
            is_mutated: true,
        };
        let found = |resource: &Resource| versions(resource, std::slice::from_ref(&group));
        assert_eq!(found(&resource), ["v2", "v3", "v2beta1"]);
        resource.versions = vec!["*"];
        assert_eq!(found(&resource), ["v3", "v2beta1", "v2"]);
        resource.group = "argoproj.io".to_owned();
        assert_eq!(found(&resource), [""; 0]);
    }
}
