//! What a container's security context asks for, beyond what a pod has anyway.
//!
//! A part of what Kubernetes' Pod Security Standards forbid; the schema of `securityContext` is
//! open, so that it is the host's API server which reads the fields.

use super::{Config, Known, Lookup};
use crate::values::{Data, Path};

/// Something that a security context can ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Privilege {
    /// `privileged: true`.
    Privileged,
    /// `allowPrivilegeEscalation: true`.
    Escalation,
    /// `runAsUser: 0`.
    Root,
    /// Anything in `capabilities.add`.
    Capabilities,
    /// `procMount` other than `Default`.
    ProcMount,
    /// `seccompProfile` or `appArmorProfile` of type `Unconfined`.
    Unconfined,
}

/// A field that can ask for a privilege: its keys, and whether a value does.
type Field = (&'static [&'static str], fn(&Data) -> bool);

impl Privilege {
    /// Every privilege, with the word for it.
    pub const WORDS: [(&'static str, Self); 6] = [
        ("privileged", Self::Privileged),
        ("allowPrivilegeEscalation", Self::Escalation),
        ("runAsRoot", Self::Root),
        ("addedCapabilities", Self::Capabilities),
        ("procMount", Self::ProcMount),
        ("unconfined", Self::Unconfined),
    ];

    /// Where a security context asks for it.
    pub fn asked_for(self, config: &Config<'_>, context: &Path) -> Vec<Path> {
        let fields = self.fields().iter().map(|(keys, asks)| {
            let path = keys.iter().fold(context.clone(), |path, key| path.key(key));
            (path, asks)
        });
        fields
            .filter(
                |(path, asks)| match config.get(path.as_keys().unwrap_or_default()) {
                    Lookup::Known(Known { data, .. }) => asks(data),
                    _ => false,
                },
            )
            .map(|(path, _)| path)
            .collect()
    }

    fn fields(self) -> &'static [Field] {
        match self {
            Self::Privileged => &[(&["privileged"], is_true)],
            Self::Escalation => &[(&["allowPrivilegeEscalation"], is_true)],
            Self::Root => &[(&["runAsUser"], is_zero)],
            Self::Capabilities => &[(&["capabilities", "add"], has_items)],
            Self::ProcMount => &[(&["procMount"], is_unmasked)],
            Self::Unconfined => &[
                (&["seccompProfile", "type"], is_unconfined),
                (&["appArmorProfile", "type"], is_unconfined),
            ],
        }
    }
}

fn is_true(data: &Data) -> bool {
    *data == Data::Bool(true)
}

fn is_zero(data: &Data) -> bool {
    matches!(data, Data::Number(user) if user.as_f64() == Some(0.0))
}

fn has_items(data: &Data) -> bool {
    matches!(data, Data::List(items) if !items.is_empty())
}

fn is_unmasked(data: &Data) -> bool {
    matches!(data, Data::String(mount) if !matches!(&**mount, "" | "Default"))
}

fn is_unconfined(data: &Data) -> bool {
    matches!(data, Data::String(profile) if &**profile == "Unconfined")
}

#[cfg(test)]
mod tests {
    use super::super::testing::config;
    use super::*;

    #[test]
    fn what_a_security_context_asks_for_is_found() {
        let path = Path::dotted("controlPlane.distro.k8s.securityContext");
        for (text, expected) in [
            ("{}", vec![]),
            (
                "{privileged: yes, runAsUser: 0}",
                vec!["privileged", "runAsRoot"],
            ),
            (
                "{privileged: \"true\", runAsUser: 1, runAsGroup: 0}",
                vec![],
            ),
            (
                "{allowPrivilegeEscalation: true}",
                vec!["allowPrivilegeEscalation"],
            ),
            (
                "{capabilities: {add: [NET_ADMIN]}}",
                vec!["addedCapabilities"],
            ),
            ("{capabilities: {add: [], drop: [ALL]}}", vec![]),
            ("{procMount: Unmasked}", vec!["procMount"]),
            (
                "{procMount: Default, seccompProfile: {type: RuntimeDefault}}",
                vec![],
            ),
            ("{seccompProfile: {type: Unconfined}}", vec!["unconfined"]),
        ] {
            let text = format!("controlPlane: {{distro: {{k8s: {{securityContext: {text}}}}}}}");
            let config = config("0.30.4", &text);
            let words = Privilege::WORDS.into_iter();
            let found = words.filter(|(_, one)| !one.asked_for(&config, &path).is_empty());
            let found: Vec<_> = found.map(|(word, _)| word).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
