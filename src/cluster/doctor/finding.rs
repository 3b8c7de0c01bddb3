//! What a check says: how bad it is, where, why it matters, and the command that mends it.

use serde::{Serialize, Serializer};

/// What is looked at; one of them has findings of one room.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Check {
    /// The API server itself: version and clock.
    ApiServer,
    /// Both webhook configurations are there, and no others of ours.
    Configurations,
    /// They say what `distrogate manifests` prints.
    Registration,
    /// They cannot stop what the server itself needs.
    Deadlock,
    /// The API server can trust what is served, and for how long.
    Certificates,
    /// The Service leads to Pods that are ready.
    Service,
    /// The Deployment bears the loss of a node.
    Deployment,
    /// What other webhooks can do to us.
    OtherWebhooks,
    /// The policies can be read, and every Pod follows the same.
    Policies,
    /// The charts that run are known.
    Charts,
    /// What must be refused is refused.
    Canary,
}

/// How good or bad a finding is, from the best to the worst.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Status {
    /// As it should be.
    Ok,
    /// Good to know.
    Info,
    /// Could not be looked at.
    NotSeen,
    /// It works, and something less than usual will end that.
    Warning,
    /// It does not protect, or can hurt.
    Error,
}

/// One thing that a check says; programs get the same fields.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// Whose it is.
    pub check: Check,
    /// How bad it is.
    pub status: Status,
    /// The object: `Deployment distrogate-system/distrogate`; empty where there is none.
    pub object: String,
    /// The field of it; empty where it is about the whole.
    pub field: String,
    /// What is the case.
    pub says: String,
    /// Why that matters.
    pub why: Option<String>,
    /// The command that mends it.
    pub mend: Option<String>,
}

impl Check {
    /// Every check, in the order in which they are told.
    pub const ALL: [Self; 11] = [
        Self::ApiServer,
        Self::Configurations,
        Self::Registration,
        Self::Deadlock,
        Self::Certificates,
        Self::Service,
        Self::Deployment,
        Self::OtherWebhooks,
        Self::Policies,
        Self::Charts,
        Self::Canary,
    ];

    /// Its name.
    pub const fn id(self) -> &'static str {
        match self {
            Self::ApiServer => "api-server",
            Self::Configurations => "configurations",
            Self::Registration => "registration",
            Self::Deadlock => "deadlock",
            Self::Certificates => "certificates",
            Self::Service => "service",
            Self::Deployment => "deployment",
            Self::OtherWebhooks => "other-webhooks",
            Self::Policies => "policies",
            Self::Charts => "charts",
            Self::Canary => "canary",
        }
    }

    pub(super) fn ok(self, says: impl Into<String>) -> Finding {
        self.finding(Status::Ok, says)
    }

    pub(super) fn info(self, says: impl Into<String>) -> Finding {
        self.finding(Status::Info, says)
    }

    pub(super) fn not_seen(self, why: &(impl ToString + ?Sized)) -> Finding {
        self.finding(Status::NotSeen, why.to_string())
    }

    pub(super) fn warning(self, says: impl Into<String>) -> Finding {
        self.finding(Status::Warning, says)
    }

    pub(super) fn error(self, says: impl Into<String>) -> Finding {
        self.finding(Status::Error, says)
    }

    pub(super) fn finding(self, status: Status, says: impl Into<String>) -> Finding {
        Finding {
            check: self,
            status,
            object: String::new(),
            field: String::new(),
            says: says.into(),
            why: None,
            mend: None,
        }
    }
}

impl Status {
    /// As it is shown.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::NotSeen => "not-seen",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl Finding {
    /// With the object that it is about.
    #[must_use]
    pub(super) fn of(mut self, object: impl Into<String>) -> Self {
        self.object = object.into();
        self
    }

    /// With the object's field.
    #[must_use]
    pub(super) fn at(mut self, field: impl Into<String>) -> Self {
        self.field = field.into();
        self
    }

    /// With the reason why it matters.
    #[must_use]
    pub(super) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// With the command that mends it.
    #[must_use]
    pub(super) fn mend(self, command: impl Into<String>) -> Self {
        self.mend_if(Some(command.into()))
    }

    /// With the command that mends it, where there is one.
    #[must_use]
    pub(super) fn mend_if(mut self, command: Option<String>) -> Self {
        self.mend = command;
        self
    }
}
