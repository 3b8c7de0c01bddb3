//! `distrogate certs show`: which certificates there are, and until when. Keys are not read where
//! they are not needed, and never printed.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use time::OffsetDateTime;

use crate::certs::{Certificate, Trust};
use crate::cli::cluster_args::ClusterArgs;
use crate::cli::{FOUND, output};
use crate::cluster::{AUTHORITY, Store};

/// The arguments of `certs show`.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// Certificates in PEM, instead of those of self-managed servers; can be repeated
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Namespace of the servers
    #[arg(long, value_name = "NAME", default_value = "distrogate-system")]
    pub namespace: String,

    /// Where the API server is.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

pub(super) async fn run(args: &ShowArgs, now: OffsetDateTime) -> anyhow::Result<u8> {
    let ShowArgs {
        files,
        namespace,
        cluster,
    } = args;
    let (code, text) = if files.is_empty() {
        let store = Store::new(&cluster.client().await?, namespace);
        let stored = store.authority().await?;
        let Some(stored) = stored else {
            bail!("no Secret {AUTHORITY} in namespace {namespace}: nothing is self-managed there");
        };
        match Trust::read(&stored.data(), &stored.annotations(), now) {
            Ok((trust, flawed)) => (u8::from(flawed) * FOUND, of_trust(&trust, now)?),
            Err(damage) => (
                FOUND,
                format!("the Secret {AUTHORITY} is of no use: {damage}\n"),
            ),
        }
    } else {
        let mut text = String::new();
        let mut code = 0;
        for file in files {
            let shown = file.display();
            let pem = fs::read(file).with_context(|| shown.to_string())?;
            let (all, whole) = Certificate::all(&pem);
            if all.is_empty() || !whole {
                bail!("{shown}: has to hold certificates in PEM");
            }
            for certificate in &all {
                line(&mut text, &shown.to_string(), certificate, now)?;
                if certificate.validity.is_over(now) {
                    code = FOUND;
                }
            }
        }
        (code, text)
    };
    output::print(&text).context("cannot write to standard output")?;
    Ok(code)
}

/// All authorities, the one that signs first.
fn of_trust(trust: &Trust, now: OffsetDateTime) -> anyhow::Result<String> {
    let mut text = String::new();
    let signers = [
        ("signs", Some(&trust.current)),
        ("next", trust.next.as_ref()),
    ];
    for (word, authority) in signers {
        let certificate = authority.map(|authority| authority.certificate().clone());
        if let Some(certificate) = certificate.and_then(Certificate::read) {
            line(&mut text, word, &certificate, now)?;
        }
    }
    for certificate in &trust.old {
        line(&mut text, "trusted still", certificate, now)?;
    }
    if let Some(until) = trust.old_until.filter(|_| !trust.old.is_empty()) {
        let (date, time) = (until.date(), until.time());
        writeln!(
            text,
            "old ones are trusted until {date} {:02}:{:02} UTC",
            time.hour(),
            time.minute()
        )?;
    }
    if trust.asked.is_some() {
        writeln!(text, "a rotation was asked for, and has not begun")?;
    }
    Ok(text)
}

fn line(
    text: &mut String,
    word: &str,
    certificate: &Certificate,
    now: OffsetDateTime,
) -> anyhow::Result<()> {
    let names = certificate.names.join(", ");
    let validity = certificate.validity;
    let (from, until) = (validity.not_before.date(), validity.not_after.date());
    let days = (validity.not_after - now).whole_days();
    let left = if validity.is_over(now) {
        "expired".to_owned()
    } else {
        format!("{days} days left")
    };
    writeln!(text, "{word}: {names}")?;
    writeln!(text, "  good from {from} until {until}, {left}")?;
    writeln!(text, "  SHA-256 {}", certificate.fingerprint())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::certs::Overlap;

    #[test]
    fn a_rotation_can_be_followed_and_no_key_shows() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let overlap = Overlap(Duration::DAY);
        let mut trust = Trust::fresh(Vec::new(), now, overlap).unwrap();
        let one = trust.current.fingerprint();
        let line = |word, of| {
            format!(
                "{word}: distrogate CA\n  good from 1969-12-31 until 1979-12-30, 3650 days left\n  \
                 SHA-256 {of}\n"
            )
        };
        trust.asked = Some("x".to_owned());
        assert_eq!(
            of_trust(&trust, now).unwrap(),
            line("signs", one.clone()) + "a rotation was asked for, and has not begun\n"
        );
        trust.step(now, overlap, |_| true).unwrap();
        let two = trust.next.as_ref().unwrap().fingerprint();
        assert_eq!(
            of_trust(&trust, now).unwrap(),
            line("signs", one.clone()) + &line("next", two.clone())
        );
        trust.step(now, overlap, |_| true).unwrap();
        assert_eq!(
            of_trust(&trust, now).unwrap(),
            line("signs", two)
                + &line("trusted still", one)
                + "old ones are trusted until 1970-01-02 00:00 UTC\n"
        );
    }
}
