//! Which labels stand together.

use prometheus_client::encoding::EncodeLabelSet;

use super::labels::{
    Carrier, Closed, Family, Files, Handshake, Outcome, Refused, Rule, Shed, Term, Trouble, Watch,
};
use crate::admission::{Endpoint, Operation};
use crate::gate::Decision;
use crate::policy::Action;

/// A set of labels, with what each of them can be.
pub(super) trait Labels {
    /// Each label's name, and its values; none for what is not closed but there once at a time.
    fn values() -> Vec<(&'static str, Vec<&'static str>)>;
}

/// A set of labels whose values are all closed.
macro_rules! labels {
    ($(#[$meta:meta])* $name:ident { $($label:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
        pub(super) struct $name {
            $(pub(super) $label: $type,)+
        }

        impl Labels for $name {
            fn values() -> Vec<(&'static str, Vec<&'static str>)> {
                vec![$((
                    stringify!($label),
                    <$type>::all().into_iter().map(Closed::word).collect(),
                )),+]
            }
        }
    };
}

labels! {
    /// Of an answered review.
    ByReview { endpoint: Endpoint, carrier: Carrier, operation: Operation, decision: Decision, }
}
labels! {
    /// Of what one webhook does.
    ByEndpoint { endpoint: Endpoint, }
}
labels! {
    /// Of a finding.
    ByFinding { rule: Rule, action: Action, }
}
labels! {
    /// Of a default.
    ByFamily { family: Family, }
}
labels! {
    /// Of what could not be done in the cluster.
    ByTrouble { kind: Trouble, }
}
labels! {
    /// Of what is watched.
    ByWatch { watch: Watch, }
}
labels! {
    /// Of a request that is to be sent again.
    ByShed { reason: Shed, }
}
labels! {
    /// Of a request that is refused.
    ByRefused { reason: Refused, }
}
labels! {
    /// Of a failed handshake.
    ByHandshake { kind: Handshake, }
}
labels! {
    /// Of something kept in files.
    ByFiles { files: Files, }
}
labels! {
    /// Of a look at changed files.
    ByReload { files: Files, outcome: Outcome, }
}
labels! {
    /// Of exemptions.
    ByTerm { term: Term, }
}

/// The one policy that is in force.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct ByRevision {
    pub(super) revision: String,
}

impl Labels for ByRevision {
    fn values() -> Vec<(&'static str, Vec<&'static str>)> {
        vec![("revision", Vec::new())]
    }
}

impl Labels for () {
    fn values() -> Vec<(&'static str, Vec<&'static str>)> {
        Vec::new()
    }
}
