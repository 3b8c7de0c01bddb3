//! The commands that mend, fit for a shell.

use serde_json::{Value, json};

use super::snapshot::text;

/// How the programs are called, with what was said to find this cluster and this installation.
#[derive(Clone, Debug)]
pub struct Commands {
    /// `kubectl`, with the kubeconfig and context that were given.
    pub kubectl: String,
    /// `distrogate manifests`, with the flags that were given, without the CA.
    pub manifests: String,
    /// The file with the CA, where it was given.
    pub ca_file: Option<String>,
}

impl Commands {
    /// `kubectl` with arguments.
    pub(super) fn kubectl(&self, arguments: &str) -> String {
        format!("{} {arguments}", self.kubectl)
    }

    /// The file with the CA: where it was given, else where `certs init` puts it.
    pub(super) fn ca_file(&self) -> String {
        quoted(self.ca_file.as_deref().unwrap_or("certs/own-ca/ca.crt"))
    }

    /// Changes one webhook of a configuration; `operations` have paths below the webhook. Nothing
    /// happens if it stands somewhere else by now.
    pub(super) fn patch_webhook(
        &self,
        configuration: &Value,
        number: usize,
        operations: Vec<Value>,
    ) -> String {
        let kind = text(configuration, "/kind").to_lowercase();
        let configuration_name = text(configuration, "/metadata/name");
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
        let patch = quoted(&Value::from(all).to_string());
        self.kubectl(&format!(
            "patch {kind} {configuration_name} --type=json -p {patch}"
        ))
    }

    /// Writes both configurations as they should be. The certificates come from the file that was
    /// given, else from a configuration that is there, else from where `certs init` puts them.
    pub(super) fn apply(&self, present: Option<&Value>, knows_conditions: bool) -> String {
        let ca = match (&self.ca_file, present) {
            (None, Some(configuration)) => {
                let get = self.kubectl(&format!(
                    "get {} {} -o 'jsonpath={{.webhooks[0].clientConfig.caBundle}}'",
                    text(configuration, "/kind").to_lowercase(),
                    text(configuration, "/metadata/name"),
                ));
                format!("<({get} | base64 -d)")
            }
            _ => self.ca_file(),
        };
        // an older API server would call what it does not know a mistake
        let lenient = if knows_conditions {
            ""
        } else {
            " --validate=false"
        };
        let manifests = &self.manifests;
        let apply = self.kubectl(&format!("apply{lenient} -f -"));
        format!("{manifests} --ca-file {ca} | {apply}")
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
    fn a_patch_names_the_webhook_that_it_means() {
        let commands = Commands {
            kubectl: "kubectl --context prod".to_owned(),
            manifests: "distrogate manifests".to_owned(),
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
