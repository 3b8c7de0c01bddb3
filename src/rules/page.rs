//! What a rule's own page says: why there is such a rule, and examples that tests try out.

/// What is told about a rule beside its findings. `docs/rules/` is written from it, and
/// `distrogate explain` prints it.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// What goes wrong in the virtual cluster, and where that is known from.
    pub why: &'static str,
    /// A config that the rule finds fault with.
    pub refused: Example,
    /// The same as it should be.
    pub allowed: Example,
    /// How one gets from one to the other.
    pub fix: &'static str,
}

/// A config of an example.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The chart.
    pub chart: &'static str,
    /// The values, as YAML.
    pub values: &'static str,
    /// The values that the same virtual cluster had before, for rules about changes.
    pub before: Option<&'static str>,
    /// What a policy says about the rule, as YAML, where it has to say something.
    pub policy: Option<&'static str>,
    /// The host cluster's Kubernetes version, where it matters.
    pub host: Option<&'static str>,
}

/// A key that a policy may set for a rule, besides `action`.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The key.
    pub key: &'static str,
    /// What it says, and in which form.
    pub about: &'static str,
}

impl Example {
    /// Values under a chart.
    pub(super) const fn new(chart: &'static str, values: &'static str) -> Self {
        Self {
            chart,
            values,
            before: None,
            policy: None,
            host: None,
        }
    }

    /// What was there before.
    pub(super) const fn after(mut self, before: &'static str) -> Self {
        self.before = Some(before);
        self
    }

    /// What a policy says about the rule: `versions: ">=1.31"`.
    pub(super) const fn under(mut self, policy: &'static str) -> Self {
        self.policy = Some(policy);
        self
    }

    /// The host cluster's Kubernetes version.
    pub(super) const fn on_host(mut self, version: &'static str) -> Self {
        self.host = Some(version);
        self
    }
}
