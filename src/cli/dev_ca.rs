//! What `serve --dev` leaves for clients: the certificate to trust, in a file, and a command to try.

use std::borrow::Cow;
use std::env;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::bail;
use tracing::{debug, warn};

use crate::certs::files::{self, Access};
use crate::server::tls;

/// What the printed command posts, from the root of the source tree.
const SAMPLE_REVIEW: &str = "tests/fixtures/helmrelease-two-distros-k3s-k8s-0.30/request.json";

/// The file with the certificate that clients have to trust.
pub(super) struct DevCaFile {
    path: PathBuf,
    /// Whether nobody asked for it by name.
    temporary: bool,
}

impl DevCaFile {
    /// Writes it where it is wanted, or else to a new file in the temporary directory; none if
    /// that cannot be, as on a read-only disk: then the server serves all the same.
    pub(super) fn offer(
        wanted: Option<&Path>,
        authority_pem: &str,
    ) -> anyhow::Result<Option<Self>> {
        match Self::write(wanted, authority_pem) {
            Ok(file) => Ok(Some(file)),
            Err(error) if wanted.is_none() => {
                let error = format!("{error:#}");
                warn!(
                    error,
                    "No file with the certificate to trust: give one with --dev-ca-file."
                );
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// What to do with a development server.
    pub(super) fn hints(&self, address: SocketAddr) -> String {
        dev_hints(&self.path, address)
    }

    fn write(wanted: Option<&Path>, authority_pem: &str) -> anyhow::Result<Self> {
        if let Some(path) = wanted {
            files::replace(path, Access::Public, authority_pem)?;
            return Ok(Self {
                path: path.to_owned(),
                temporary: false,
            });
        }
        // A name that nobody can have taken before.
        let mut random = [0; 8];
        if tls::provider().secure_random.fill(&mut random).is_err() {
            bail!("no random numbers for the name of a file");
        }
        let name = format!("distrogate-dev-ca-{:016x}.crt", u64::from_be_bytes(random));
        let path = env::temp_dir().join(name);
        files::create(&path, Access::Public, authority_pem)?;
        Ok(Self {
            path,
            temporary: true,
        })
    }
}

impl Drop for DevCaFile {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_file(&self.path)
        {
            debug!(%error, "Cannot remove the file with the development CA.");
        }
    }
}

/// What to do with a development server.
fn dev_hints(ca_file: &Path, address: SocketAddr) -> String {
    // An unspecified address is none to connect to.
    let mut target = address;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => target.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => target.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    let ca_file = ca_file.to_string_lossy();
    format!(
        "certificate to trust: {ca_file}\n\
         to post a review:\n  \
         curl --cacert {} -H 'Content-Type: application/json' --data-binary @{SAMPLE_REVIEW} \
         'https://{target}/validate'\n",
        quoted(&ca_file),
    )
}

/// For a POSIX shell.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_can_be_pasted() {
        let hints =
            |file: &str, address: &str| dev_hints(Path::new(file), address.parse().unwrap());
        assert_eq!(
            hints("/run/ca.crt", "127.0.0.1:4433"),
            "certificate to trust: /run/ca.crt\n\
             to post a review:\n  \
             curl --cacert /run/ca.crt -H 'Content-Type: application/json' \
             --data-binary @tests/fixtures/helmrelease-two-distros-k3s-k8s-0.30/request.json \
             'https://127.0.0.1:4433/validate'\n",
        );
        let hints = hints("/run/it's.crt", "[::]:4433");
        assert!(hints.contains(r"--cacert '/run/it'\''s.crt' "), "{hints}");
        assert!(
            hints.ends_with("'https://[::1]:4433/validate'\n"),
            "{hints}"
        );
    }

    #[test]
    fn the_authority_is_in_a_new_file_that_goes_away() {
        let file = DevCaFile::write(None, "PEM").unwrap();
        let path = file.path.clone();
        assert_eq!(path.parent(), Some(env::temp_dir().as_path()));
        assert_eq!(fs::read_to_string(&path).unwrap(), "PEM");
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn a_file_asked_for_is_replaced_and_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.crt");
        for content in ["one", "two"] {
            drop(DevCaFile::write(Some(&path), content).unwrap());
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }
}
