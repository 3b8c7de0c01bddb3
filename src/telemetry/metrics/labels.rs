//! What labels can say. Every set of values is closed: what a tenant writes never makes a series.

use std::fmt;
use std::sync::LazyLock;

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

use crate::admission::{Endpoint, GroupVersionKind, Operation};
use crate::carrier;
use crate::gate::Decision;
use crate::policy::Action;
use crate::rules::{Finding, RULES};
use crate::values::Path;

/// A label's value, of a closed set.
pub(super) trait Closed: Copy {
    /// All of the set.
    fn all() -> Vec<Self>;

    /// As it is exposed.
    fn word(self) -> &'static str;
}

/// An enum whose variants are values of a label, with the words for them.
macro_rules! closed {
    ($(#[$meta:meta])* $vis:vis $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        $vis enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl Closed for $name {
            fn all() -> Vec<Self> {
                vec![$(Self::$variant),+]
            }

            fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        encoded!($name);
    };
}

/// Writes a value as its word.
macro_rules! encoded {
    ($($name:ty),+) => {
        $(impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
                self.word().encode(encoder)
            }
        })+
    };
}

closed! {
    /// Why a request is turned away for now, to be sent again.
    pub Shed {
        /// 429: the bytes of the reviews under way are at their bound.
        Bytes = "bytes",
        /// 503: the server is about to stop.
        Draining = "draining",
    }
}

closed! {
    /// Why a request is refused for good.
    pub Refused {
        /// 400 or 422: the body is no AdmissionReview.
        Unreadable = "unreadable",
        /// 400, 411 and the like: what HTTP does not allow, or does not give to the end.
        Http = "http",
        /// 404: no such path.
        Path = "path",
        /// 405: no such method there.
        Method = "method",
        /// 408: the body did not come in its time.
        Slow = "slow",
        /// 413: the body is too large.
        TooLarge = "too_large",
        /// 415: the body is of another type.
        MediaType = "media_type",
        /// 500: a defect in the server.
        Defect = "defect",
        /// 504: no answer within the time that the API server waits.
        Deadline = "deadline",
    }
}

closed! {
    /// Why a TLS handshake fails.
    pub Handshake {
        /// It took too long.
        Timeout = "timeout",
        /// The client speaks HTTP without TLS.
        PlainHttp = "plain_http",
        /// The client does not trust our certificate: `caBundle` does not fit.
        UnknownCa = "unknown_ca",
        /// The client's certificate is missing or not one of those allowed.
        ClientCertificate = "client_certificate",
        /// No common version, cipher or protocol, or bytes that are no TLS.
        Protocol = "protocol",
        /// Anything else: mostly clients that go away.
        Other = "other",
    }
}

closed! {
    /// What is kept in files and followed.
    pub Files {
        /// The policy's documents.
        Policy = "policy",
        /// Certificate and key.
        Certificate = "certificate",
        /// The CA of clients' certificates.
        ClientCa = "client_ca",
    }
}

closed! {
    /// What stands in the way of looking after something in the cluster.
    pub Trouble {
        /// The API server does not answer.
        Unreachable = "unreachable",
        /// The server may not do it.
        Forbidden = "forbidden",
        /// The API server does not take it.
        Refused = "refused",
        /// The Secret with the authority cannot be used.
        Damaged = "damaged",
        /// Somebody else changed a webhook configuration.
        Overwritten = "overwritten",
        /// Something that the cluster has no part in.
        Internal = "internal",
    }
}

closed! {
    /// What is watched in the cluster.
    pub Watch {
        /// The chart's Secrets.
        Secrets = "secrets",
        /// The claims of control planes.
        Claims = "claims",
        /// Namespaces, for their labels.
        Namespaces = "namespaces",
        /// The host's version.
        HostVersion = "host_version",
    }
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

closed! {
    /// How a look at changed files ends.
    pub(super) Outcome {
        /// What they hold counts from now on.
        Taken = "taken",
        /// What they hold cannot be used, and what counted before counts on.
        Refused = "refused",
    }
}

closed! {
    /// What a default is about.
    pub(super) Family {
        /// Registry, repository or tag of an image.
        Image = "image",
        /// The distro's version.
        Version = "version",
        /// The registry of all images.
        Registry = "registry",
        /// Requests and limits.
        Resources = "resources",
        /// Anything else that a policy wishes.
        Other = "other",
    }
}

closed! {
    /// How long an exemption still counts.
    pub(super) Term {
        /// For more than two weeks, or without an end.
        InEffect = "in_effect",
        /// For two weeks at most.
        Ending = "ending",
        /// Not any more.
        Over = "over",
    }
}

impl Family {
    /// What a values path is about.
    pub(super) fn of(path: &Path) -> Self {
        let keys = path.as_keys().unwrap_or_default();
        match keys.as_slice() {
            ["controlPlane", "advanced", "defaultImageRegistry"] => Self::Registry,
            ["controlPlane", "distro", _, "version"] => Self::Version,
            ["controlPlane", "distro", _, "resources", ..] => Self::Resources,
            keys if keys.contains(&"image") => Self::Image,
            _ => Self::Other,
        }
    }
}

/// The kind of object that holds the config.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Carrier {
    /// A kind that is known without a policy.
    BuiltIn(&'static str),
    /// A kind that a policy declares.
    Custom,
    /// The object holds no config.
    None,
}

impl Carrier {
    /// Of a kind of object that holds a config, or of one that holds none.
    pub(super) fn of(kind: &GroupVersionKind<'_>, holds_config: bool) -> Self {
        static KNOWN: LazyLock<Vec<(&str, &str)>> = LazyLock::new(carrier::Carrier::kinds);

        if !holds_config {
            return Self::None;
        }
        let wanted = (&*kind.group, &*kind.kind);
        let known = KNOWN.iter().find(|known| **known == wanted);
        known.map_or(Self::Custom, |(_, name)| Self::BuiltIn(name))
    }
}

impl Closed for Carrier {
    fn all() -> Vec<Self> {
        let mut kinds: Vec<_> = carrier::Carrier::kinds()
            .iter()
            .map(|kind| kind.1)
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        let known = kinds.into_iter().map(Self::BuiltIn);
        known.chain([Self::Custom, Self::None]).collect()
    }

    fn word(self) -> &'static str {
        match self {
            Self::BuiltIn(kind) => kind,
            Self::Custom => "custom",
            Self::None => "none",
        }
    }
}

/// A rule, by its name.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Rule(&'static str);

impl Rule {
    /// The one that a finding is of.
    pub(super) fn of(finding: &Finding) -> Self {
        Self(finding.rule)
    }
}

impl Closed for Rule {
    fn all() -> Vec<Self> {
        RULES.iter().map(|rule| Self(rule.id)).collect()
    }

    fn word(self) -> &'static str {
        self.0
    }
}

impl Closed for Endpoint {
    fn all() -> Vec<Self> {
        vec![Self::Mutate, Self::Validate]
    }

    fn word(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }
}

impl Closed for Operation {
    fn all() -> Vec<Self> {
        vec![
            Self::Create,
            Self::Update,
            Self::Delete,
            Self::Connect,
            Self::Other,
        ]
    }

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Closed for Decision {
    fn all() -> Vec<Self> {
        vec![
            Self::NotOurs,
            Self::Unchanged,
            Self::Allowed,
            Self::Patched,
            Self::PatchWithheld,
            Self::Denied,
        ]
    }

    fn word(self) -> &'static str {
        self.as_str()
    }
}

impl Closed for Action {
    /// Those that a finding can have.
    fn all() -> Vec<Self> {
        vec![Self::Audit, Self::Warn, Self::Deny]
    }

    fn word(self) -> &'static str {
        self.as_str()
    }
}

encoded!(Carrier, Rule, Endpoint, Operation, Decision, Action);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_object_is_known_by_group_and_name() {
        let kind = |group: &'static str, kind: &'static str| GroupVersionKind {
            group: group.into(),
            version: "v1".into(),
            kind: kind.into(),
        };
        let word = |group, name, holds| Carrier::of(&kind(group, name), holds).word();
        assert_eq!(word("", "Secret", true), "Secret");
        assert_eq!(word("", "Secret", false), "none");
        assert_eq!(word("corp.example", "Secret", true), "custom");
        assert_eq!(word("corp.example", "hunter2", true), "custom");
    }

    #[test]
    fn a_default_is_counted_by_what_it_is_about() {
        for (path, family) in [
            (
                "controlPlane.advanced.defaultImageRegistry",
                Family::Registry,
            ),
            ("controlPlane.distro.k8s.version", Family::Version),
            ("controlPlane.distro.k8s.apiServer.image.tag", Family::Image),
            (
                "controlPlane.distro.k3s.resources.limits.cpu",
                Family::Resources,
            ),
            ("controlPlane.distro.k3s.imagePullPolicy", Family::Other),
        ] {
            assert_eq!(Family::of(&Path::dotted(path)), family, "{path}");
        }
    }
}
