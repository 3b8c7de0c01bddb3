//! `distrogate certs rotate`: asks for another CA, and watches it come.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use crate::certs::Trust;
use crate::cli::cluster_args::ClusterArgs;
use crate::cli::{FOUND, output};
use crate::cluster::{AUTHORITY, Store};
use crate::server::go_duration;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// The arguments of `certs rotate`.
#[derive(Args, Clone, Debug)]
pub struct RotateArgs {
    /// Namespace of the servers
    #[arg(long, value_name = "NAME", default_value = "distrogate-system")]
    pub namespace: String,

    /// How long to wait, as 10m
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    pub timeout: Duration,

    /// Where the API server is.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

pub(super) async fn run(args: &RotateArgs, now: OffsetDateTime) -> anyhow::Result<u8> {
    let RotateArgs {
        namespace,
        timeout,
        cluster,
    } = args;
    let store = Store::new(&cluster.client().await?, namespace);
    let read = async || {
        let stored = store.authority().await?;
        let stored = stored.ok_or_else(|| {
            anyhow!("no Secret {AUTHORITY} in namespace {namespace}: nothing is self-managed there")
        })?;
        let now = OffsetDateTime::now_utc();
        let (trust, _) = Trust::read(&stored.data(), &stored.annotations(), now)
            .with_context(|| format!("the Secret {AUTHORITY} is of no use"))?;
        anyhow::Ok(trust)
    };
    let before = read().await?.current.fingerprint();
    let asked = now.unix_timestamp();
    store.ask_for_rotation(&asked.to_string()).await?;
    say("asked for another CA")?;
    let until = Instant::now() + *timeout;
    let mut next = None;
    while Instant::now() < until {
        let trust = read().await?;
        let current = trust.current.fingerprint();
        if let Some(staged) = trust.next.as_ref().map(|next| next.fingerprint())
            && next.as_ref() != Some(&staged)
        {
            say(&format!("CA {staged} is made, and becomes known"))?;
            next = Some(staged);
        }
        // one that was under way already is not the one that was asked for
        if trust.asked.is_none() && trust.next.is_none() && current != before {
            say(&format!("CA {current} signs from now on"))?;
            return Ok(0);
        }
        sleep(PAUSE).await;
    }
    say("not done in time: the servers go on with it, and their logs say what they wait for")?;
    Ok(FOUND)
}

fn say(words: &str) -> anyhow::Result<()> {
    output::print(&format!("{words}\n")).context("cannot write to standard output")
}

fn parse_duration(text: &str) -> anyhow::Result<Duration> {
    match go_duration(text) {
        Some(duration) => Ok(duration),
        None => bail!("has to be a duration as 10m or 90s"),
    }
}
