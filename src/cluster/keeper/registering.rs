//! The webhook configurations: what they have to be, and putting them right.

use kube::Error;
use kube::core::DynamicObject;
use serde_json::Value;
use tokio::time::{Duration, Instant};
use tracing::{info, warn};

use super::super::Registration;
use super::super::live::{bundle_patch, whole_patch, widening_patch};
use super::super::store::CONFIGURATIONS;
use super::{Found, KeepError, Keeper};
use crate::certs::Trust;
use crate::telemetry::metrics::Trouble;

impl Keeper {
    /// Writes what is not as it has to be in the configurations.
    pub(super) async fn write(
        &mut self,
        live: &[Option<DynamicObject>; 2],
        trust: Option<&Trust>,
    ) -> Result<Found, KeepError> {
        let bundle = trust.map(Trust::bundle);
        let is_old = self.age.is_old(Instant::now(), self.pace.try_anew);
        let wanted = match &self.register {
            Some((registration, policy)) => {
                let registration = Registration {
                    ca_bundle: bundle.clone(),
                    ..registration.clone()
                };
                let mut objects = registration.objects(&policy())?;
                if is_old {
                    objects.iter_mut().for_each(without_conditions);
                }
                objects.map(Some)
            }
            None => [None, None],
        };
        let mut found = Found::Right;
        for (which, (live, wanted)) in live.iter().zip(wanted).enumerate() {
            let purpose = wanted.clone().or_else(|| bundle.clone().map(Value::String));
            let was_right = match self.kept.get_mut(which) {
                Some(kept) => std::mem::replace(kept, purpose.clone()) == purpose,
                None => false,
            };
            let ours = match (live, &wanted, &bundle) {
                (live, Some(wanted), _) => whole_patch(live.as_ref(), wanted),
                (Some(live), None, Some(bundle)) => bundle_patch(live, bundle),
                _ => None,
            };
            let theirs = match (live, &wanted) {
                (Some(live), Some(wanted)) if ours.is_none() => widening_patch(live, wanted),
                _ => None,
            };
            // from then on the API server sends reviews here, and may refuse without an answer
            if live.is_none() && ours.is_some() && !self.is_answering() {
                if let Some(kept) = self.kept.get_mut(which) {
                    *kept = None;
                }
                if found == Found::Right {
                    found = Found::Early;
                }
                continue;
            }
            let written = match (&ours, &theirs) {
                (Some(patch), _) => self.store.apply(which, patch).await,
                (None, Some(patch)) => self.store.merge(which, patch).await,
                (None, None) => continue,
            };
            let after = match written {
                Err(Error::Api(status)) if !is_old && is_too_old(&status.message) => {
                    if self.age.is_news(Instant::now()) {
                        warn!(
                            "This API server is too old for matchConditions: more objects are \
                             sent here than have to be, all Secrets among them."
                        );
                    }
                    return Err(KeepError::Overtaken);
                }
                written => written?,
            };
            let before = live
                .as_ref()
                .and_then(|live| live.metadata.resource_version.clone());
            // an API server that leaves out what it does not know makes no other version of it
            if after == before {
                continue;
            }
            found = Found::Changed;
            let kind = CONFIGURATIONS.get(which).map_or("", |(kind, _)| kind);
            if theirs.is_some() {
                self.metrics.cluster_trouble(Trouble::Overwritten);
                warn!(
                    kind,
                    "Somebody keeps reviews away by selectors or conditions in a webhook \
                     configuration; took them out."
                );
            } else if was_right {
                self.metrics.cluster_trouble(Trouble::Overwritten);
                warn!(
                    kind,
                    "Somebody changed a webhook configuration; put it right."
                );
            } else {
                info!(kind, "Wrote a webhook configuration.");
            }
        }
        Ok(found)
    }

    /// Whether this server has answered for long enough that its Service leads to it.
    fn is_answering(&self) -> bool {
        let since = self.answers_since;
        since.is_some_and(|since| since.elapsed() >= self.pace.answers)
    }
}

/// When the API server said that it is of before `matchConditions`. It may be another by now.
#[derive(Debug, Default)]
pub(super) struct Age(Option<Instant>);

impl Age {
    /// Whether it is still taken to be, rather than asked again.
    fn is_old(&self, now: Instant, try_anew: Duration) -> bool {
        self.0
            .is_some_and(|said| now.saturating_duration_since(said) < try_anew)
    }

    /// It says so; true if that is new.
    fn is_news(&mut self, now: Instant) -> bool {
        self.0.replace(now).is_none()
    }
}

/// What API servers before 1.27 say to a server-side apply.
fn is_too_old(message: &str) -> bool {
    message.contains("matchConditions: field not declared in schema")
}

/// A configuration as such an API server knows it.
fn without_conditions(configuration: &mut Value) {
    let webhooks = configuration.get_mut("webhooks");
    let webhooks = webhooks.and_then(Value::as_array_mut).into_iter().flatten();
    for webhook in webhooks.filter_map(Value::as_object_mut) {
        webhook.remove("matchConditions");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_server_that_was_too_old_is_asked_again() {
        let hour = Duration::from_hours(1);
        let said = Instant::now();
        let mut age = Age::default();
        assert!(!age.is_old(said, hour));
        assert!(age.is_news(said));
        assert!(age.is_old(said + hour / 2, hour));
        assert!(!age.is_old(said + hour, hour));
        // told once
        assert!(!age.is_news(said + hour));
        assert!(age.is_old(said + hour, hour));
    }
}
