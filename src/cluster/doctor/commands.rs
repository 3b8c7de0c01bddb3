//! The commands that mend, fit for a shell.

use serde_json::{Value, json};

use super::snapshot::{Mounted, text};

/// Where `certs init` puts a CA.
pub(super) const OWN_CA: &str = "certs/own-ca/ca.crt";

/// How the programs are called, with what was said to find this cluster and this installation.
#[derive(Clone, Debug)]
pub struct Commands {
    /// `kubectl`, with the kubeconfig and context that were given.
    pub kubectl: String,
    /// `helm`, told the same.
    pub helm: String,
    /// `distrogate manifests`, with the flags that were given, without the CA and the policies.
    pub manifests: String,
    /// The flags that name the policies which count.
    pub policies: String,
    /// What puts these where the flags say, if they are only in the cluster.
    pub fetch: Option<String>,
    /// The file with the CA, where it was given.
    pub ca_file: Option<String>,
}

/// Where certificates to trust come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ca<'a> {
    /// A file.
    File(&'a str),
    /// A configuration that is there.
    Of(&'a Value),
    /// Others write them in.
    Others,
}

/// What gets policies out of `ConfigMaps` into the folder that one is in, and the flags that name
/// them there; nothing where there are none.
pub fn fetch(kubectl: &str, namespace: &str, mounted: &[Mounted]) -> Option<(String, String)> {
    let mut commands = Vec::new();
    let mut flags = String::new();
    for Mounted {
        config_map, key, ..
    } in mounted
    {
        let template = quoted(&format!("go-template={{{{index .data {key:?}}}}}"));
        let file = quoted(&format!("{config_map}-{key}"));
        commands.push(format!(
            "{kubectl} -n {namespace} get configmap {config_map} -o {template} > {file}"
        ));
        flags = format!("{flags} --policy {file}");
    }
    (!commands.is_empty()).then(|| (commands.join(" && "), flags))
}

impl Commands {
    /// `kubectl` with arguments.
    pub(super) fn kubectl(&self, arguments: &str) -> String {
        format!("{} {arguments}", self.kubectl)
    }

    /// The file with the CA: where it was given, else where `certs init` puts it.
    pub(super) fn ca_file(&self) -> &str {
        self.ca_file.as_deref().unwrap_or(OWN_CA)
    }

    /// Changes one webhook of a configuration; `operations` have paths below the webhook. Nothing
    /// happens if it stands somewhere else by now.
    pub(super) fn patch_webhook(
        &self,
        configuration: &Value,
        number: usize,
        operations: Vec<Value>,
    ) -> String {
        let name = text(configuration, &format!("/webhooks/{number}/name"));
        let mut all =
            vec![json!({"op": "test", "path": format!("/webhooks/{number}/name"), "value": name})];
        for mut operation in operations {
            if let Some(path) = operation.get_mut("path") {
                let below = path.as_str().unwrap_or_default();
                *path = json!(format!("/webhooks/{number}{below}"));
            }
            all.push(operation);
        }
        self.patch(configuration, &all.into())
    }

    /// Adds a webhook to a configuration.
    pub(super) fn add_webhook(&self, configuration: &Value, webhook: &Value) -> String {
        let add = json!([{"op": "add", "path": "/webhooks/-", "value": webhook}]);
        self.patch(configuration, &add)
    }

    /// `distrogate manifests` as it prints what should be.
    pub(super) fn manifests(&self) -> String {
        let Self {
            manifests,
            policies,
            ..
        } = self;
        format!("{manifests}{policies}")
    }

    /// Writes both configurations as they should be. An older API server would call what it does
    /// not know a mistake.
    pub(super) fn apply(&self, ca: &Ca<'_>, knows_conditions: bool) -> String {
        let fetch = self.fetch.iter().flat_map(|fetch| [fetch, " && "]);
        let fetch: String = fetch.collect();
        let manifests = self.manifests();
        let manifests = match ca {
            Ca::File(file) => format!("{manifests} --ca-file {}", quoted(file)),
            Ca::Of(configuration) => {
                let get = self.kubectl(&format!(
                    "get {} {} -o 'jsonpath={{.webhooks[0].clientConfig.caBundle}}'",
                    text(configuration, "/kind").to_lowercase(),
                    text(configuration, "/metadata/name"),
                ));
                format!("{get} | base64 -d | {manifests} --ca-file /dev/stdin")
            }
            Ca::Others => manifests,
        };
        let lenient = if knows_conditions {
            ""
        } else {
            " --validate=false"
        };
        let apply = self.kubectl(&format!("apply{lenient} -f -"));
        format!("{fetch}{manifests} | {apply}")
    }

    fn patch(&self, configuration: &Value, operations: &Value) -> String {
        let kind = text(configuration, "/kind").to_lowercase();
        let name = text(configuration, "/metadata/name");
        let patch = quoted(&operations.to_string());
        self.kubectl(&format!("patch {kind} {name} --type=json -p {patch}"))
    }
}

/// A word of a shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_safe_in_a_shell() {
        for (word, shown) in [
            ("certs/own-ca/ca.crt", "certs/own-ca/ca.crt"),
            ("", "''"),
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("$(reboot)", "'$(reboot)'"),
        ] {
            assert_eq!(quoted(word), shown);
        }
    }

    #[test]
    fn policies_are_fetched_from_where_they_are_mounted() {
        let mounted = ["a.yaml", "b c.yaml"].map(|key| Mounted {
            path: format!("/policies/{key}"),
            text: String::new(),
            config_map: "all".to_owned(),
            key: key.to_owned(),
        });
        let (command, flags) = fetch("kubectl", "gate", &mounted).unwrap();
        assert_eq!(
            command,
            "kubectl -n gate get configmap all -o 'go-template={{index .data \"a.yaml\"}}' > all-a.yaml && \
             kubectl -n gate get configmap all -o 'go-template={{index .data \"b c.yaml\"}}' > 'all-b c.yaml'"
        );
        assert_eq!(flags, " --policy all-a.yaml --policy 'all-b c.yaml'");
        assert_eq!(fetch("kubectl", "gate", &[]), None);
    }

    #[test]
    fn a_patch_names_the_webhook_that_it_means() {
        let commands = Commands {
            kubectl: "kubectl --context prod".to_owned(),
            helm: "helm --kube-context prod".to_owned(),
            manifests: "distrogate manifests".to_owned(),
            policies: String::new(),
            fetch: None,
            ca_file: None,
        };
        let configuration = json!({
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "validate.distrogate.io"},
            "webhooks": [{"name": "a"}, {"name": "b"}],
        });
        let operations = vec![json!({"op": "add", "path": "/failurePolicy", "value": "Fail"})];
        assert_eq!(
            commands.patch_webhook(&configuration, 1, operations),
            "kubectl --context prod patch validatingwebhookconfiguration validate.distrogate.io \
             --type=json -p '[{\"op\":\"test\",\"path\":\"/webhooks/1/name\",\"value\":\"b\"},\
             {\"op\":\"add\",\"path\":\"/webhooks/1/failurePolicy\",\"value\":\"Fail\"}]'"
        );
    }
}
