//! The commands that mend more than a field, as they fit who keeps the installation: Helm, the
//! servers themselves, cert-manager, or files at hand.

use serde_json::Value;

use super::super::commands::{Ca, OWN_CA};
use super::super::snapshot::text;
use super::super::{Snapshot, Wanted, container, quoted};
use super::configurations::present;
use crate::cluster::Backend;

/// Who writes the certificates in, where cert-manager does.
const INJECTED: &str = "/metadata/annotations/cert-manager.io~1inject-ca-from";
/// The release that an object is of.
const RELEASE: &str = "meta.helm.sh/release-name";
/// The Secret with the server's certificate, where the Deployment does not say another.
const SECRET: &str = "distrogate-tls";

/// What the commands depend on.
#[derive(Clone, Copy)]
pub(super) struct Mends<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) wanted: &'a Wanted,
}

impl Mends<'_> {
    /// Installs everything anew, in the way that it was installed before; nothing where that was a
    /// way of one's own.
    pub(super) fn install(&self) -> Option<String> {
        if let Some(upgrade) = self.upgrade() {
            return Some(upgrade);
        }
        let folder = if self.registers() {
            return None;
        } else if self.is_self_managed() {
            "deploy/self-managed"
        } else if self.present().next().is_none() || self.injected_from().is_some() {
            "certs/cert-manager"
        } else {
            "certs/own-ca"
        };
        let apply = || self.wanted.commands.kubectl(&format!("apply -k {folder}"));
        self.is_where_folders_put_it().then(apply)
    }

    /// Writes both configurations as they should be; nothing where it is not known which policy
    /// counts.
    pub(super) fn configurations(&self) -> Option<String> {
        if self.registers() {
            return self.restart();
        }
        if let Some(upgrade) = self.upgrade() {
            return Some(upgrade);
        }
        let commands = &self.wanted.commands;
        let injected_from = self.injected_from();
        let bundle = |one: &&Value| !text(one, "/webhooks/0/clientConfig/caBundle").is_empty();
        let ca = if injected_from.is_some() || self.is_self_managed() {
            Ca::Others
        } else if let Some(file) = &commands.ca_file {
            Ca::File(file)
        } else {
            self.present().find(bundle).map_or(Ca::File(OWN_CA), Ca::Of)
        };
        let apply = self.apply(&ca)?;
        let Some(from) = injected_from else {
            return Some(apply);
        };
        // applying takes the annotation away
        let objects = self.wanted.objects.iter().map(|object| {
            let kind = text(object, "/kind").to_lowercase();
            format!("{kind}/{}", text(object, "/metadata/name"))
        });
        let objects: Vec<_> = objects.collect();
        let annotate = commands.kubectl(&format!(
            "annotate --overwrite {} cert-manager.io/inject-ca-from={}",
            objects.join(" "),
            quoted(from)
        ));
        Some(format!("{apply} && {annotate}"))
    }

    /// Lets whoever writes `caBundle` write it into a configuration.
    pub(super) fn bundle(&self, configuration: &Value) -> Option<String> {
        let commands = &self.wanted.commands;
        if configuration.pointer(INJECTED).is_some() {
            let restart = "-n cert-manager rollout restart deployment/cert-manager-cainjector";
            return Some(commands.kubectl(restart));
        }
        if self.injected_from().is_some() {
            return self.configurations();
        }
        if self.is_self_managed() {
            return self.restart();
        }
        self.trust(commands.ca_file())
    }

    /// Gets another server certificate.
    pub(super) fn certificate(&self) -> String {
        let commands = &self.wanted.commands;
        let secret = self.secret();
        if self.injected_from().is_some() {
            // cert-manager makes another at once
            return self.kubectl(&format!("delete secret {secret}"));
        }
        if self.is_self_managed()
            && let Some(restart) = self.restart()
        {
            return restart;
        }
        let host = self.wanted.backend.host();
        let names = if host.parse::<std::net::IpAddr>().is_ok() {
            format!("--ip {host}")
        } else {
            format!("--dns {host}")
        };
        let init = format!("distrogate certs init --out certs/own-ca --force {names}");
        if matches!(self.wanted.backend, Backend::Url(_)) {
            return init;
        }
        if self.release().is_none() && self.is_where_folders_put_it() {
            return format!("{init} && {}", commands.kubectl("apply -k certs/own-ca"));
        }
        let create = self.kubectl(&format!(
            "create secret tls {secret} --cert=certs/own-ca/tls.crt --key=certs/own-ca/tls.key \
             --dry-run=client -o yaml"
        ));
        let create = format!("{init} && {create} | {}", self.kubectl("apply -f -"));
        match self.trust(OWN_CA) {
            Some(trust) => format!("{create} && {trust}"),
            None => create,
        }
    }

    /// Gets another authority.
    pub(super) fn authority(&self, configuration: &Value) -> String {
        if configuration.pointer(INJECTED).is_none() {
            return self.certificate();
        }
        // there is none of that name where the issuer is one's own
        let secrets = format!("distrogate-ca {}", self.secret());
        self.kubectl(&format!("delete secret --ignore-not-found {secrets}"))
    }

    /// Starts the servers anew, one after another.
    pub(super) fn restart(&self) -> Option<String> {
        let name = self.snapshot.behind.as_ref()?.deployment()?;
        Some(self.kubectl(&format!("rollout restart deployment/{name}")))
    }

    /// Sets a variable of the servers.
    pub(super) fn set(&self, variable: &str) -> Option<String> {
        let name = self.snapshot.behind.as_ref()?.deployment()?;
        Some(self.kubectl(&format!("set env deployment/{name} {variable}")))
    }

    /// `kubectl` in the namespace of the servers.
    pub(super) fn kubectl(&self, arguments: &str) -> String {
        let namespace = &self.wanted.namespace;
        let commands = &self.wanted.commands;
        commands.kubectl(&format!("-n {namespace} {arguments}"))
    }

    /// Writes the certificates of a file into both configurations.
    fn trust(&self, file: &str) -> Option<String> {
        let Some(upgrade) = self.upgrade() else {
            return self.apply(&Ca::File(file));
        };
        let value = quoted(&format!("certificates.caBundle={file}"));
        Some(format!("{upgrade} --set-file {value}"))
    }

    fn apply(&self, ca: &Ca<'_>) -> Option<String> {
        let Self { snapshot, wanted } = self;
        let apply = || wanted.commands.apply(ca, snapshot.knows_conditions());
        wanted.policies.unseen.is_none().then(apply)
    }

    fn upgrade(&self) -> Option<String> {
        let release = quoted(self.release()?);
        let Wanted {
            commands,
            namespace,
            ..
        } = self.wanted;
        Some(format!(
            "{} upgrade {release} deploy/chart --namespace {namespace} --reuse-values",
            commands.helm
        ))
    }

    /// The release of Helm's that this is.
    fn release(&self) -> Option<&str> {
        let mut of_configurations = self.present().filter_map(|one| {
            let annotations = one.pointer("/metadata/annotations")?;
            annotations.get(RELEASE)?.as_str()
        });
        of_configurations.next().or_else(|| {
            let annotations = self.deployment()?.metadata.annotations.as_ref()?;
            annotations.get(RELEASE).map(String::as_str)
        })
    }

    /// The Certificate that cert-manager writes in.
    fn injected_from(&self) -> Option<&str> {
        let mut all = self.present().filter_map(|one| one.pointer(INJECTED));
        all.next()?.as_str()
    }

    fn is_self_managed(&self) -> bool {
        self.snapshot.flag("certificates").as_deref() == Some("self-managed")
    }

    fn registers(&self) -> bool {
        self.deployment().is_some_and(container::registers)
    }

    /// The name of the Secret with the certificate, as a word of a shell: Kubernetes takes any text
    /// for it.
    fn secret(&self) -> String {
        let named = self.deployment().and_then(container::certificate);
        quoted(named.unwrap_or(SECRET))
    }

    /// Whether it has the names that the folders give.
    fn is_where_folders_put_it(&self) -> bool {
        matches!(
            &self.wanted.backend,
            Backend::Service { namespace, name, .. }
                if namespace == "distrogate-system" && name == "distrogate"
        )
    }

    fn present(&self) -> impl Iterator<Item = &Value> {
        let objects = self.wanted.objects.iter();
        objects.filter_map(|one| present(self.snapshot, one))
    }

    fn deployment(&self) -> Option<&k8s_openapi::api::apps::v1::Deployment> {
        self.snapshot.behind.as_ref()?.deployments.is()?.first()
    }
}

#[cfg(test)]
mod tests;
