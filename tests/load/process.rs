//! The server under load: a process of its own, with certificates and policies in folders that
//! change as the kubelet changes those of a Pod.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio, id};
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use distrogate::certs::{Authority, Leaf, Names};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use crate::PATIENCE;
use crate::client::Client;

/// What all servers of a run share: the program, and the authority that clients trust.
pub(crate) struct World {
    program: PathBuf,
    authority: Authority,
    cores: usize,
    /// Soft limit on open files, of this process and its servers.
    pub(crate) files: usize,
}

impl World {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let own = env::current_exe()?;
        // target/PROFILE/examples/load
        let profile = own.parent().and_then(Path::parent);
        let program = profile.context("no folder above")?.join("distrogate");
        ensure!(
            program.is_file(),
            "there is no {}: run `cargo build` first",
            program.display()
        );
        let limits = fs::read_to_string("/proc/self/limits")?;
        let files = limits
            .lines()
            .find_map(|line| line.strip_prefix("Max open files"))
            .and_then(|row| row.split_whitespace().next()?.parse().ok())
            .context("no limit on open files in /proc/self/limits")?;
        Ok(Self {
            program,
            authority: Authority::generate(OffsetDateTime::now_utc())?,
            cores: available_parallelism()?.get(),
            files,
        })
    }

    /// Trusts every certificate of this run.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        Client::trusting(self.authority.certificate())
    }

    /// A fresh certificate for the server.
    pub(crate) fn leaf(&self) -> anyhow::Result<Leaf> {
        let names = Names {
            dns: vec!["localhost".parse()?],
            ip: Vec::new(),
        };
        Ok(self.authority.issue(&names, OffsetDateTime::now_utc(), 1)?)
    }

    /// A folder with a fresh certificate.
    pub(crate) fn certificate(&self) -> anyhow::Result<Folder> {
        let mut folder = Folder::new()?;
        folder.put_leaf(&self.leaf()?)?;
        Ok(folder)
    }

    /// A running server with the certificate in the folder.
    pub(crate) fn serve(&self, certificate: &Folder, arguments: &[&str]) -> anyhow::Result<Server> {
        Self::serve_by(Command::new(&self.program), certificate, arguments)
    }

    /// The same on one core, which this process leaves to it from here on. Where there is but one
    /// they share it.
    pub(crate) fn serve_apart(&self, certificate: &Folder) -> anyhow::Result<Server> {
        if self.cores == 1 {
            println!("  server and load share the one core");
            return self.serve(certificate, &[]);
        }
        let others = format!("1-{}", self.cores - 1);
        let moved = Command::new("taskset")
            .args(["--all-tasks", "--pid", "--cpu-list", &others])
            .arg(id().to_string())
            .stdout(Stdio::null())
            .status();
        let moved = moved.context("cannot run taskset, of util-linux")?;
        ensure!(moved.success(), "cannot be moved to the cores {others}");
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", "0"]).arg(&self.program);
        Self::serve_by(command, certificate, &[])
    }

    fn serve_by(
        mut command: Command,
        certificate: &Folder,
        arguments: &[&str],
    ) -> anyhow::Result<Server> {
        let home = tempfile::tempdir()?;
        let log = home.path().join("log");
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(["--admin-listen", "127.0.0.1:0"])
            .arg("--tls-cert")
            .arg(certificate.path().join("tls.crt"))
            .arg("--tls-key")
            .arg(certificate.path().join("tls.key"))
            .args(arguments)
            .env_clear()
            .envs(env::var_os("PATH").map(|path| ("PATH", path)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log)?)
            .spawn()?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let mut server = Server {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            home,
        };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim_end().strip_prefix("listening on https://");
        let Some(address) = address else {
            bail!("the server did not start: {}", server.last_words());
        };
        server.address = address.parse()?;
        Ok(server)
    }
}

/// A server; ended with whoever has it, however that ends.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    home: TempDir,
}

impl Server {
    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) -> anyhow::Result<()> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status()?;
        ensure!(sent.success(), "cannot send SIGTERM");
        Ok(())
    }

    /// Waits for the process to end by itself.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(start.elapsed() < PATIENCE, "the server does not end");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The most memory that the process ever had, in bytes.
    pub(crate) fn peak_memory(&self) -> anyhow::Result<usize> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kibibytes: usize = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"))
            .context("no VmHWM: has the server ended?")?
            .trim()
            .parse()?;
        Ok(kibibytes * 1_024)
    }

    /// The time that it has had of all cores, in ticks of the system's clock.
    pub(crate) fn cpu_ticks(&self) -> anyhow::Result<usize> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The fields behind the program's name, which ends with the last parenthesis.
        let (_, fields) = stat.rsplit_once(')').context("no /proc/PID/stat")?;
        let fields: Vec<_> = fields.split_whitespace().collect();
        let [user, system] = [11, 12].map(|at| fields.get(at).and_then(|text| text.parse().ok()));
        user.zip(system)
            .map(|(user, system): (usize, usize)| user + system)
            .context("no times in /proc/PID/stat")
    }

    /// How many files it has open, sockets included.
    pub(crate) fn open_files(&self) -> anyhow::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count())
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
        let mut lines: Vec<_> = log.lines().rev().take(5).collect();
        lines.reverse();
        lines.join("\n  ")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A folder as the kubelet mounts a Secret or `ConfigMap`: each file is a link into `..data`, which
/// is a link to the folder that has the content, and is swapped in one step.
pub(crate) struct Folder {
    home: TempDir,
    generation: usize,
}

impl Folder {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            home: tempfile::tempdir()?,
            generation: 0,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    /// Swaps all content for this.
    pub(crate) fn put(&mut self, files: &[(&str, &str)]) -> anyhow::Result<()> {
        let before = format!("..{}", self.generation);
        self.generation += 1;
        let now = format!("..{}", self.generation);
        let at = |name: &str| self.home.path().join(name);
        fs::create_dir(at(&now))?;
        for (name, content) in files {
            fs::write(at(&now).join(name), content)?;
        }
        symlink(&now, at("..data_tmp"))?;
        fs::rename(at("..data_tmp"), at("..data"))?;
        if self.generation > 1 {
            fs::remove_dir_all(at(&before))?;
            return Ok(());
        }
        for (name, _) in files {
            symlink(Path::new("..data").join(name), at(name))?;
        }
        Ok(())
    }

    pub(crate) fn put_leaf(&mut self, leaf: &Leaf) -> anyhow::Result<()> {
        self.put(&[("tls.crt", &leaf.chain_pem()), ("tls.key", &leaf.key_pem())])
    }
}
