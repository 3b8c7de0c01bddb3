//! What a rule reports.

use std::fmt;

use crate::policy::Action;
use crate::values::Path;
use crate::vcluster::Place;

/// One fault of a config.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static str,
    /// What it leads to.
    pub action: Action,
    /// Where the fault is.
    pub place: Place,
    /// What is wrong, and what is allowed.
    pub message: String,
    /// What to change.
    pub fix: Option<String>,
    /// Why it is let off, if it is.
    pub exemption: Option<String>,
    /// What makes it the same fault in another review, besides rule and place.
    evidence: String,
    /// The list that it stands in, whose items may come and go.
    list: Option<Path>,
}

impl Finding {
    /// A fault at a place, in words that tell what is wrong and what is allowed.
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        let message = message.into();
        let evidence = message.clone();
        // rule and action are set by the one who asked the rule
        Self {
            rule: "",
            action: Action::Deny,
            place,
            message,
            fix: None,
            exemption: None,
            evidence,
            list: None,
        }
    }

    /// What to change.
    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// It leads to no more than this, whatever the policy says.
    pub(super) fn at_most(mut self, action: Action) -> Self {
        self.action = self.action.min(action);
        self
    }

    /// What makes it the same fault, where the words say too little or too much.
    pub(super) fn evidence(mut self, evidence: impl fmt::Debug) -> Self {
        self.evidence = format!("{evidence:?}");
        self
    }

    /// It stands in this list, and is the same fault wherever it stands there.
    pub(super) fn somewhere_in(mut self, list: &Path) -> Self {
        self.list = Some(list.clone());
        self
    }

    /// What makes it the same fault in another review: rule, place in the values, and value.
    pub(super) fn fault(&self) -> (&'static str, &Path, &str) {
        let at = self.list.as_ref().unwrap_or(&self.place.values);
        (self.rule, at, &self.evidence)
    }
}

impl fmt::Display for Finding {
    /// `spec.values.controlPlane.distro: only one distro … [only-one-distro]`, without the fix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} [{}]", self.place, self.message, self.rule)
    }
}
