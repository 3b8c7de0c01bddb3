//! `distrogate certs`: certificates for clusters without cert-manager.

use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use time::OffsetDateTime;

use crate::certs::files::{self, Access};
use crate::certs::{AUTHORITY_DAYS, Authority, DnsName, LEAF_DAYS, Names};

use super::output;

pub mod rotate;
pub mod show;
pub mod verify;

use self::rotate::RotateArgs;
use self::show::ShowArgs;
use self::verify::VerifyArgs;

/// The arguments of `certs`.
#[derive(Args, Clone, Debug)]
pub struct CertsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: CertsCommand,
}

/// The commands of `certs`.
#[derive(Clone, Debug, Subcommand)]
pub enum CertsCommand {
    /// Make a certificate authority and a server certificate
    ///
    /// Writes ca.crt, ca.key, tls.crt (with the authority's certificate behind it) and tls.key.
    Init(InitArgs),
    /// Show certificates: names, dates, fingerprints; never a key
    ///
    /// Those of self-managed servers, or those in files. Exit codes: 0 shown, and the CA is of use;
    /// 1 it is damaged or has expired; 2 wrong usage; 3 something could not be read.
    Show(ShowArgs),
    /// Have self-managed servers make another CA, and wait until it signs
    ///
    /// The leader makes it, has it trusted by both webhook configurations, and only then lets it
    /// sign: no call fails. Takes some minutes. Exit codes: 0 done; 1 not done in time; 2 wrong
    /// usage; 3 something could not be read or written.
    Rotate(RotateArgs),
    /// Tell whether a server is trusted by those that are to trust it
    ///
    /// By each webhook that is registered, or by a file. Exit codes: 0 trusted; 1 not; 2 wrong
    /// usage; 3 something could not be read, or nothing answers.
    Verify(VerifyArgs),
}

/// The arguments of `certs init`.
#[derive(Args, Clone, Debug)]
pub struct InitArgs {
    /// Directory to write to, made if need be
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// DNS name of the server, such as distrogate.distrogate-system.svc; can be repeated
    #[arg(long, value_name = "NAME", num_args = 1.., required_unless_present = "ip")]
    pub dns: Vec<DnsName>,

    /// IP address of the server; can be repeated
    #[arg(long, value_name = "ADDRESS", num_args = 1..)]
    pub ip: Vec<IpAddr>,

    /// How many days the server certificate is good
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = LEAF_DAYS,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(AUTHORITY_DAYS))
    )]
    pub days: u16,

    /// Replace files that exist
    #[arg(long)]
    pub force: bool,
}

/// Runs `certs`; the exit code.
pub fn run(args: &CertsArgs) -> anyhow::Result<u8> {
    let now = OffsetDateTime::now_utc();
    match &args.command {
        CertsCommand::Init(args) => {
            let text = init(args, now)?;
            output::print(&text).context("cannot write to standard output")?;
            Ok(0)
        }
        CertsCommand::Show(args) => wait_for(show::run(args, now)),
        CertsCommand::Rotate(args) => wait_for(rotate::run(args, now)),
        CertsCommand::Verify(args) => wait_for(verify::run(args)),
    }
}

/// Runs what asks somebody over the network.
fn wait_for(command: impl Future<Output = anyhow::Result<u8>>) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(command);
    // a name that is still being looked up is not waited for
    runtime.shutdown_background();
    result
}

/// Writes the files and says which.
fn init(args: &InitArgs, now: OffsetDateTime) -> anyhow::Result<String> {
    let InitArgs {
        out,
        dns,
        ip,
        days,
        force,
    } = args;
    let authority = Authority::generate(now)?;
    let leaf = authority.issue(
        &Names {
            dns: dns.clone(),
            ip: ip.clone(),
        },
        now,
        *days,
    )?;
    let authority_pem = authority.certificate_pem();
    let files = [
        ("ca.crt", Access::Public, authority_pem.clone()),
        ("ca.key", Access::Private, authority.key_pem()),
        ("tls.crt", Access::Public, leaf.chain_pem()),
        ("tls.key", Access::Private, leaf.key_pem()),
    ]
    .map(|(name, access, content)| (out.join(name), access, content));

    fs::create_dir_all(out).with_context(|| format!("cannot make directory {}", out.display()))?;
    if !force {
        // Before anything is written: all four or none. Writing looks again.
        files
            .iter()
            .try_for_each(|(file, _, _)| check_absent(file))?;
    }
    let mut text = String::new();
    for (file, access, content) in &files {
        let write = if *force {
            files::replace
        } else {
            files::create
        };
        write(file, *access, content)?;
        writeln!(text, "wrote {}", file.display())?;
    }
    writeln!(
        text,
        "ca.crt is good until {}",
        authority.validity().not_after.date()
    )?;
    writeln!(
        text,
        "tls.crt is good until {}",
        leaf.validity().not_after.date()
    )?;
    writeln!(text, "for the webhook configurations, clientConfig:")?;
    writeln!(text, "  caBundle: {}", STANDARD.encode(authority_pem))?;
    Ok(text)
}

fn check_absent(file: &Path) -> anyhow::Result<()> {
    // A link to nowhere counts as there.
    if file.symlink_metadata().is_ok() {
        bail!(
            "{} exists already\nhint: --force replaces it",
            file.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use clap::Parser;

    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const FILES: [(&str, u32); 4] = [
        ("ca.crt", 0o644),
        ("ca.key", 0o600),
        ("tls.crt", 0o644),
        ("tls.key", 0o600),
    ];

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: CertsArgs,
    }

    fn parse(args: &[&str]) -> Result<InitArgs, String> {
        let cli = Cli::try_parse_from([&["certs", "init"], args].concat());
        match cli.map_err(|error| error.to_string())?.args.command {
            CertsCommand::Init(args) => Ok(args),
            other => panic!("{other:?}"),
        }
    }

    fn args(out: &Path, more: &[&str]) -> InitArgs {
        let out = out.to_str().unwrap();
        parse(&[&["--out", out, "--dns", "localhost"], more].concat()).unwrap()
    }

    #[test]
    fn four_files_are_written_and_named() {
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().join("new/certs");
        let text = init(&args(&out, &[]), NOW).unwrap();

        let authority = fs::read_to_string(out.join("ca.crt")).unwrap();
        let mut expected = String::new();
        for (name, mode) in FILES {
            let file = out.join(name);
            let found = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{name}");
            writeln!(expected, "wrote {}", file.display()).unwrap();
        }
        expected += "ca.crt is good until 1979-12-30\ntls.crt is good until 1971-01-01\n";
        expected += "for the webhook configurations, clientConfig:\n";
        writeln!(expected, "  caBundle: {}", STANDARD.encode(&authority)).unwrap();
        assert_eq!(text, expected);
        assert!(
            fs::read_to_string(out.join("tls.crt"))
                .unwrap()
                .ends_with(&authority)
        );
        crate::server::tls::load(&out.join("tls.crt"), &out.join("tls.key")).unwrap();
        crate::server::tls::load(&out.join("ca.crt"), &out.join("ca.key")).unwrap();
    }

    #[test]
    fn nothing_is_replaced_unless_forced() {
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path();
        let last = out.join("tls.key");
        fs::write(&last, "precious").unwrap();
        fs::set_permissions(&last, fs::Permissions::from_mode(0o644)).unwrap();

        let error = init(&args(out, &[]), NOW).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            format!(
                "{} exists already\nhint: --force replaces it",
                last.display()
            )
        );
        assert_eq!(fs::read_dir(out).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(&last).unwrap(), "precious");

        init(&args(out, &["--force"]), NOW).unwrap();
        assert_eq!(fs::read_dir(out).unwrap().count(), 4);
        assert_eq!(
            fs::metadata(&last).unwrap().permissions().mode() & 0o777,
            0o600
        );
        crate::server::tls::load(&out.join("tls.crt"), &last).unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let out = file.path().join("certs");
        let error = init(&args(&out, &[]), NOW).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            format!(
                "cannot make directory {}: Not a directory (os error 20)",
                out.display()
            )
        );
    }

    #[test]
    fn bad_names_and_days_are_refused() {
        parse(&["--out", "d", "--ip", "::1", "10.0.0.1", "--days", "3650"]).unwrap();
        for (args, expected) in [
            (&["--out", "d"][..], "--dns"),
            (
                &["--out", "d", "--dns", "10.0.0.1"],
                "this is an IP address, not a DNS name",
            ),
            (&["--out", "d", "--dns", "a_b!"], "not a DNS name"),
            (
                &["--out", "d", "--dns", "a", "--days", "0"],
                "0 is not in 1..=3650",
            ),
            (
                &["--out", "d", "--dns", "a", "--days", "3651"],
                "3651 is not in 1..=3650",
            ),
        ] {
            let error = parse(args).unwrap_err();
            assert!(error.contains(expected), "{args:?}: {error}");
        }
    }
}
