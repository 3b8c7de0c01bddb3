//! What the Deployment tells its server: flags, and the policies that are mounted.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, Volume, VolumeMount};

use super::snapshot::Mounted;

/// Where probes and metrics are if no port is called `admin`.
const ADMIN_PORT: i32 = 8_080;
/// Endings of files that hold policies, as `serve` has them.
const ENDINGS: [&str; 3] = [".yaml", ".yml", ".json"];

/// A folder or file of policies that a `ConfigMap` is mounted at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Mount {
    /// The `ConfigMap`.
    pub(super) config_map: String,
    /// Where it is mounted.
    pub(super) path: String,
    /// The only key of it that is; all are if there is none.
    pub(super) key: Option<String>,
}

/// A flag of the server, or the variable that stands for it.
pub(super) fn flag(deployment: &Deployment, name: &str) -> Option<String> {
    flags(deployment, name).into_iter().next()
}

/// The same, of a flag that may be given several times.
fn flags(deployment: &Deployment, name: &str) -> Vec<String> {
    let Some(container) = pod_spec(deployment).and_then(server) else {
        return Vec::new();
    };
    let flag = format!("--{name}");
    let arguments = container.args.as_deref().unwrap_or_default();
    let said = arguments
        .iter()
        .enumerate()
        .filter_map(|(number, argument)| match argument.strip_prefix(&flag)? {
            "" => arguments.get(number + 1).cloned(),
            rest => rest.strip_prefix('=').map(str::to_owned),
        });
    let said: Vec<_> = said.collect();
    if !said.is_empty() {
        return said;
    }
    let variable = format!("DISTROGATE_{}", name.to_uppercase().replace('-', "_"));
    let variables = container.env.iter().flatten();
    let named = variables.filter(|one| one.name == variable);
    named.filter_map(|one| one.value.clone()).take(1).collect()
}

/// Where the policies of the server are; an error says what is no `ConfigMap`.
pub(super) fn mounts(deployment: &Deployment) -> Result<Vec<Mount>, String> {
    let given = flags(deployment, "policy");
    let paths = given.iter().flat_map(|one| one.split(','));
    paths
        .map(|path| {
            mount(deployment, path.trim_end_matches('/'))
                .ok_or_else(|| format!("--policy={path} is not from a ConfigMap"))
        })
        .collect()
}

/// The files that a `ConfigMap`'s data are, sorted as the server reads them.
pub(super) fn files<'d>(
    mount: &Mount,
    data: impl Iterator<Item = (&'d String, &'d String)>,
) -> Vec<Mounted> {
    let Mount {
        config_map,
        path,
        key: only,
    } = mount;
    let mut files: Vec<_> = data
        .filter_map(|(key, text)| {
            let path = match only {
                Some(only) => (key == only).then(|| path.clone()),
                None => is_document(key).then(|| format!("{path}/{key}")),
            };
            Some(Mounted {
                path: path?,
                text: text.clone(),
                config_map: config_map.clone(),
                key: key.clone(),
            })
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The port for probes of a Pod.
pub(super) fn admin_port(pod: &Pod) -> i32 {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let ports = containers.flat_map(|one| one.ports.iter().flatten());
    let mut named = ports.filter(|port| port.name.as_deref() == Some("admin"));
    named.next().map_or(ADMIN_PORT, |port| port.container_port)
}

/// Whether the server is told to keep the configurations itself.
pub(super) fn registers(deployment: &Deployment) -> bool {
    let container = pod_spec(deployment).and_then(server);
    let mut arguments = container
        .into_iter()
        .flat_map(|one| one.args.iter().flatten());
    arguments.any(|argument| argument == "--register")
}

/// The Secret that the server's certificate is in.
pub(super) fn certificate(deployment: &Deployment) -> Option<&str> {
    let (_, volume) = volume(deployment, &flag(deployment, "tls-cert")?)?;
    volume.secret.as_ref()?.secret_name.as_deref()
}

/// What is mounted at a path, or above it.
fn volume<'d>(deployment: &'d Deployment, path: &str) -> Option<(&'d VolumeMount, &'d Volume)> {
    let spec = pod_spec(deployment)?;
    let mounts = server(spec)?.volume_mounts.iter().flatten();
    // the longest path that leads there
    let mount = mounts
        .filter(|mount| {
            let at = mount.mount_path.trim_end_matches('/');
            path.strip_prefix(at)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
        .max_by_key(|mount| mount.mount_path.len())?;
    let is_it = |volume: &&Volume| volume.name == mount.name;
    let volume = spec.volumes.iter().flatten().find(is_it)?;
    Some((mount, volume))
}

fn mount(deployment: &Deployment, path: &str) -> Option<Mount> {
    let (mount, volume) = volume(deployment, path)?;
    let source = volume.config_map.as_ref()?;
    let at = mount.mount_path.trim_end_matches('/');
    let rest = path.strip_prefix(at)?.trim_start_matches('/');
    // keys may be given other names: what that leads to is not followed
    if source.items.is_some() || rest.contains('/') {
        return None;
    }
    let key = match (&mount.sub_path, rest) {
        (Some(key), "") => Some(key.clone()),
        (Some(_), _) => return None,
        (None, "") => None,
        (None, key) => Some(key.to_owned()),
    };
    Some(Mount {
        config_map: source.name.clone(),
        path: path.to_owned(),
        key,
    })
}

fn is_document(key: &str) -> bool {
    !key.starts_with('.') && ENDINGS.iter().any(|ending| key.ends_with(ending))
}

fn pod_spec(deployment: &Deployment) -> Option<&PodSpec> {
    deployment.spec.as_ref()?.template.spec.as_ref()
}

/// The container that serves, among those that a mesh may add.
fn server(spec: &PodSpec) -> Option<&Container> {
    let serves = |one: &&Container| one.args.iter().flatten().any(|one| one == "serve");
    let mut containers = spec.containers.iter();
    containers.find(serves).or_else(|| spec.containers.first())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn deployment(args: &Value, env: &Value, mounts: &Value, volumes: &Value) -> Deployment {
        let containers = json!([
            {"name": "proxy", "args": ["--policy=/none"]},
            {"name": "distrogate", "args": args, "env": env, "volumeMounts": mounts},
        ]);
        let spec = json!({"containers": containers, "volumes": volumes});
        serde_json::from_value(json!({
            "spec": {"selector": {}, "template": {"spec": spec}},
        }))
        .unwrap()
    }

    #[test]
    fn flags_are_found_in_each_form() {
        let none = json!([]);
        for (args, env, expected) in [
            (
                json!(["serve", "--enforcement=audit"]),
                none.clone(),
                Some("audit"),
            ),
            (
                json!(["serve", "--enforcement", "warn"]),
                none.clone(),
                Some("warn"),
            ),
            (json!(["serve", "--enforcement-x=1"]), none.clone(), None),
            (
                json!(["serve"]),
                json!([{"name": "DISTROGATE_ENFORCEMENT", "value": "audit"}]),
                Some("audit"),
            ),
            (json!(["serve"]), none.clone(), None),
        ] {
            let deployment = deployment(&args, &env, &none, &none);
            assert_eq!(
                flag(&deployment, "enforcement").as_deref(),
                expected,
                "{args}"
            );
        }
    }

    #[test]
    fn mounted_policies_are_found() {
        let mounts_json = json!([
            {"name": "policies", "mountPath": "/policies/"},
            {"name": "one", "mountPath": "/etc/one.yaml", "subPath": "one.yaml"},
            {"name": "tls", "mountPath": "/tls"},
        ]);
        let volumes = json!([
            {"name": "policies", "configMap": {"name": "all"}},
            {"name": "one", "configMap": {"name": "single"}},
            {"name": "tls", "secret": {"secretName": "distrogate-tls"}},
        ]);
        let found = |policy: &str| {
            let args = json!(["serve", format!("--policy={policy}")]);
            mounts(&deployment(&args, &json!([]), &mounts_json, &volumes))
        };
        let mount = |config_map: &str, path: &str, key: Option<&str>| Mount {
            config_map: config_map.to_owned(),
            path: path.to_owned(),
            key: key.map(str::to_owned),
        };
        assert_eq!(
            found("/policies,/etc/one.yaml,/policies/a.yaml"),
            Ok(vec![
                mount("all", "/policies", None),
                mount("single", "/etc/one.yaml", Some("one.yaml")),
                mount("all", "/policies/a.yaml", Some("a.yaml")),
            ])
        );
        let args = json!([
            "serve",
            "--policy=/policies",
            "--policy",
            "/etc/one.yaml,/policies/a.yaml"
        ]);
        let several = deployment(&args, &json!([]), &mounts_json, &volumes);
        assert_eq!(
            mounts(&several),
            found("/policies,/etc/one.yaml,/policies/a.yaml"),
            "given several times"
        );
        for elsewhere in ["/tls", "/policies-2", "/nowhere"] {
            let error = format!("--policy={elsewhere} is not from a ConfigMap");
            assert_eq!(found(elsewhere), Err(error));
        }
        let data = [
            ("b.yaml", "2"),
            ("a.yml", "1"),
            ("notes", "-"),
            (".x.yaml", "-"),
        ];
        let data = data.map(|(key, text)| (key.to_owned(), text.to_owned()));
        let data = || data.iter().map(|(key, text)| (key, text));
        let file = |path: &str, text: &str, key: &str| Mounted {
            path: path.to_owned(),
            text: text.to_owned(),
            config_map: "all".to_owned(),
            key: key.to_owned(),
        };
        assert_eq!(
            files(&mount("all", "/policies", None), data()),
            [
                file("/policies/a.yml", "1", "a.yml"),
                file("/policies/b.yaml", "2", "b.yaml"),
            ]
        );
        assert_eq!(
            files(&mount("all", "/p/b.yaml", Some("b.yaml")), data()),
            [file("/p/b.yaml", "2", "b.yaml")]
        );
        let args = json!(["serve", "--tls-cert=/tls/tls.crt"]);
        let served = deployment(&args, &json!([]), &mounts_json, &volumes);
        assert_eq!(certificate(&served), Some("distrogate-tls"));
    }
}
