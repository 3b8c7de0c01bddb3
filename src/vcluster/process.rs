//! The processes of a control plane and the flags that they are given.
//!
//! `command` replaces the whole command that vCluster would start, `extraArgs` are added to it
//! (`pkg/k8s/k8s.go`, `pkg/k3s/k3s.go` and `pkg/k0s/k0s.go` of vCluster).

use super::{Component, Config, Distro, Known, Lookup};
use crate::values::{Data, Node, Path};

/// One flag of a command line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Flag<'n> {
    /// The number of the item that has its name.
    pub item: usize,
    /// The name as Kubernetes' components take it: without dashes before it, `-` for `_`.
    pub name: String,
    /// What follows `=`, or stands in the next item.
    pub value: Option<&'n str>,
    /// Whether dashes stand before the name: without them it is no flag to the component, although
    /// it may have been meant as one.
    pub has_dashes: bool,
}

impl Component {
    /// Every component that is a process of its own, with the word for it.
    pub const PROCESSES: [(&'static str, Self); 5] = [
        ("apiServer", Self::ApiServer),
        ("controllerManager", Self::ControllerManager),
        ("scheduler", Self::Scheduler),
        ("k3s", Self::Distro(Distro::K3s)),
        ("k0s", Self::Distro(Distro::K0s)),
    ];

    /// Whether a distro has it.
    pub fn is_of(self, distro: Distro) -> bool {
        match self {
            Self::Distro(own) => own == distro,
            Self::ApiServer | Self::ControllerManager | Self::Scheduler => distro == Distro::K8s,
        }
    }

    /// Where its settings are.
    pub fn settings_path(self) -> Path {
        let distro = Path::keys(["controlPlane", "distro"]);
        match self {
            Self::Distro(distro_itself) => distro.key(distro_itself.key()),
            Self::ApiServer => distro.key("k8s").key("apiServer"),
            Self::ControllerManager => distro.key("k8s").key("controllerManager"),
            Self::Scheduler => distro.key("k8s").key("scheduler"),
        }
    }
}

impl Config<'_> {
    /// A list below a path, if one is known to stand there.
    pub fn list(&self, path: &Path) -> Option<&[Node]> {
        match self.get(path.as_keys()?) {
            Lookup::Known(Known {
                data: Data::List(items),
                ..
            }) => Some(items),
            _ => None,
        }
    }
}

impl<'n> Flag<'n> {
    /// The flags in a list of arguments: `--flag=value`, `--flag` and the value as two items, names
    /// without dashes. What k3s hands on (`--kube-apiserver-arg=anonymous-auth=true`) is a flag of
    /// its own besides. Null and what is no text are passed over.
    pub fn parse(items: &'n [Node]) -> Vec<Self> {
        let mut flags: Vec<Self> = Vec::new();
        // whether the last flag still has no value
        let mut open = false;
        for (item, node) in items.iter().enumerate() {
            let text = match node.data {
                Data::Null => None,
                _ => node.as_str().or(node.plain.as_deref()),
            };
            let Some(text) = text else {
                open = false;
                continue;
            };
            let bare = text.trim_start_matches('-');
            let has_dashes = bare.len() < text.len() && !bare.is_empty();
            if let (true, false, Some(last)) = (open, has_dashes, flags.last_mut()) {
                last.value = Some(text);
                open = false;
            } else if !bare.is_empty() {
                let (name, value) = match bare.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (bare, None),
                };
                open = has_dashes && value.is_none();
                flags.push(Self {
                    item,
                    name: Self::normal(name),
                    value,
                    has_dashes,
                });
            }
        }
        let handed_on: Vec<_> = flags.iter().filter_map(Self::handed_on).collect();
        flags.extend(handed_on);
        flags
    }

    /// A name as Kubernetes' components normalize it (`WordSepNormalizeFunc`).
    pub fn normal(name: &str) -> String {
        name.trim_start_matches('-').replace('_', "-")
    }

    /// The flag of a component that k3s hands on to it.
    fn handed_on(&self) -> Option<Self> {
        let to = self.name.strip_suffix("-arg")?;
        let known = to.starts_with("kube") || to == "etcd";
        let text = self.value.filter(|_| known)?.trim_start_matches('-');
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        Some(Self {
            item: self.item,
            name: Self::normal(name),
            value,
            has_dashes: self.has_dashes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Limits, read_yaml};

    fn flags(text: &str) -> Vec<String> {
        let document = read_yaml(text.as_bytes(), &Limits::VALUES).unwrap();
        let Data::List(items) = &document.root.data else {
            panic!("no list: {text}");
        };
        let flags = Flag::parse(items);
        flags
            .iter()
            .map(|flag| {
                let dashes = if flag.has_dashes { "--" } else { "" };
                let value = flag.value.map(|value| format!(" = {value}"));
                let value = value.unwrap_or_default();
                format!("{}: {dashes}{}{value}", flag.item, flag.name)
            })
            .collect()
    }

    #[test]
    fn flags_are_found_in_every_way_of_writing_them() {
        for (text, expected) in [
            ("[]", vec![]),
            (
                "[--a=1, \"--b\", \"2\", --a=3]",
                vec!["0: --a = 1", "1: --b = 2", "3: --a = 3"],
            ),
            ("[--audit-log-path, \"-\"]", vec!["0: --audit-log-path = -"]),
            ("[--anonymous_auth]", vec!["0: --anonymous-auth"]),
            ("[-v=2, --c]", vec!["0: --v = 2", "1: --c"]),
            ("[anonymous-auth=true]", vec!["0: anonymous-auth = true"]),
            ("[--a, null, b]", vec!["0: --a", "2: b"]),
            ("[--a, yes, 0x10]", vec!["0: --a = yes", "2: 0x10"]),
            ("[--, --a==]", vec!["1: --a = ="]),
            ("[{a: b}, [c]]", vec![]),
            (
                "[--kube-apiserver-arg=anonymous-auth=true, --etcd-arg, a]",
                vec![
                    "0: --kube-apiserver-arg = anonymous-auth=true",
                    "1: --etcd-arg = a",
                    "0: --anonymous-auth = true",
                    "1: --a",
                ],
            ),
        ] {
            assert_eq!(flags(text), expected, "{text}");
        }
    }
}
