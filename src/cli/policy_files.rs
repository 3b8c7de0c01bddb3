//! Policy documents in files and folders, and what is made of them while the server runs.

use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use anyhow::{Context as _, bail};
use time::OffsetDateTime;
use tracing::{info, warn};

use crate::policy::{Action, Date, Document, Policy, SetError};
use crate::server::Refresh;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::{Files, NOTICE};
use crate::vcluster::Catalogue;

/// Endings of files that hold documents.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// What some files hold: path and text.
pub(super) type Texts = Vec<(PathBuf, String)>;

/// The documents that some paths name: a folder stands for the `.yaml`, `.yml` and `.json` files in
/// it. Names that begin with a dot are left out: a mounted `ConfigMap` has such folders.
pub(super) fn read(paths: &[PathBuf]) -> anyhow::Result<Texts> {
    let mut texts = Texts::new();
    for path in paths {
        let shown = path.display();
        if !path.is_dir() {
            let text = fs::read_to_string(path).with_context(|| format!("policy {shown}"))?;
            texts.push((path.clone(), text));
            continue;
        }
        let entries = fs::read_dir(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("policy {shown}"))?;
        let mut files: Vec<_> = entries.iter().map(fs::DirEntry::path).collect();
        files.retain(|file| is_document(file));
        files.sort();
        for file in files {
            let text =
                fs::read_to_string(&file).with_context(|| format!("policy {}", file.display()))?;
            texts.push((file, text));
        }
    }
    Ok(texts)
}

/// Compiles documents, all or none; the error names every file that has a mistake.
pub(super) fn compile(texts: &Texts) -> anyhow::Result<Policy> {
    let catalogue = Catalogue::embedded();
    let mut documents = Vec::new();
    let mut names = Vec::new();
    let mut mistakes = String::new();
    for (file, text) in texts {
        match Document::parse(text, catalogue) {
            Ok(document) => {
                names.push((document.name.clone(), file.display().to_string()));
                documents.push(document);
            }
            Err(error) => {
                let separator = if mistakes.is_empty() { "" } else { "\n" };
                write!(mistakes, "{separator}policy {}: {error}", file.display())?;
            }
        }
    }
    if !mistakes.is_empty() {
        bail!(mistakes);
    }
    Policy::of(documents, catalogue).map_err(|error| {
        let SetError::SameName(twice) = &error else {
            return error.into();
        };
        let files = names.iter().filter(|(name, _)| name == twice);
        let files: Vec<_> = files.map(|(_, file)| &**file).collect();
        anyhow::anyhow!("policy {}: {error}", files.join(", "))
    })
}

/// What tells these texts from others, as `/readyz?verbose` shows it.
pub(super) fn revision_of(texts: &Texts) -> String {
    shown(revision(texts))
}

/// The policy of a running server, which follows its files.
#[derive(Debug)]
pub struct LivePolicy {
    paths: Vec<PathBuf>,
    cap: Action,
    /// The day to judge by, where it is not that of the clock.
    day: Option<Date>,
    current: RwLock<Current>,
    looks: Mutex<Looks>,
    metrics: Metrics,
}

/// What is in force.
#[derive(Debug)]
struct Current {
    policy: Arc<Policy>,
    revision: u64,
}

/// What was seen in the files.
#[derive(Debug)]
struct Looks {
    /// What is in force, or was refused.
    settled: u64,
    /// What was seen at the last look.
    last: u64,
    /// The day on which exemptions were last told of.
    told: Date,
}

impl LivePolicy {
    /// Loads the files; they have to be right now. Without any the built-in policy counts alone.
    /// A day is given where it is not that of the clock.
    pub fn load(
        paths: Vec<PathBuf>,
        cap: Action,
        day: Option<Date>,
        metrics: Metrics,
    ) -> anyhow::Result<Arc<Self>> {
        let texts = read(&paths)?;
        let policy = Arc::new(compile(&texts)?.capped(cap));
        let revision = revision(&texts);
        let told = day.unwrap_or_else(today);
        tell_of_endings(&policy, told);
        metrics.loaded(Files::Policy);
        metrics.policy(shown(revision));
        metrics.exemptions(&policy, told);
        Ok(Arc::new(Self {
            paths,
            cap,
            day,
            current: RwLock::new(Current { policy, revision }),
            looks: Mutex::new(Looks {
                settled: revision,
                last: revision,
                told,
            }),
            metrics,
        }))
    }

    /// What is in force now.
    pub fn current(&self) -> Arc<Policy> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.policy)
    }

    /// The names of the documents in force, the one that counts first in front.
    pub fn names(&self) -> String {
        self.current().names().collect::<Vec<_>>().join(", ")
    }

    /// What tells the policy in force from others.
    pub fn revision(&self) -> String {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        shown(current.revision)
    }

    /// Takes what the files hold now into force.
    fn renew(&self, texts: &Texts, revision: u64, today: Date) -> anyhow::Result<()> {
        let policy = Arc::new(compile(texts)?.capped(self.cap));
        tell_of_endings(&policy, today);
        self.metrics.exemptions(&policy, today);
        self.metrics.policy(shown(revision));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) =
            Current { policy, revision };
        let (policy, revision) = (self.names(), self.revision());
        info!(policy, revision, "Read a changed policy.");
        Ok(())
    }
}

impl Refresh for LivePolicy {
    const RENEWED: &'static str = "Following a changed policy.";
    const KEPT: &'static str = "Still following the old policy, the new one cannot be used.";

    /// Looks again. What differs has to be there twice in the same form before it counts: a file
    /// that is half written may be a policy too, and another one than is meant.
    fn refresh(&self) -> anyhow::Result<bool> {
        let read = read(&self.paths);
        let now = read.as_ref().map_or(0, revision);
        let today = self.day.unwrap_or_else(today);
        {
            let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
            if looks.told != today {
                looks.told = today;
                tell_of_endings(&self.current(), today);
                self.metrics.exemptions(&self.current(), today);
            }
            let before = std::mem::replace(&mut looks.last, now);
            if looks.settled == now || before != now {
                return Ok(false);
            }
            looks.settled = now;
        }
        let renewed = read.and_then(|texts| self.renew(&texts, now, today));
        self.metrics.reloaded(Files::Policy, renewed.is_ok());
        renewed.map(|()| true)
    }
}

fn is_document(file: &Path) -> bool {
    let hidden = file
        .file_name()
        .is_none_or(|name| name.to_string_lossy().starts_with('.'));
    let ending = file
        .extension()
        .is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known));
    // a link that leads nowhere is a document that cannot be read, not one that was taken away
    !hidden && ending && !file.is_dir()
}

fn revision(texts: &Texts) -> u64 {
    let mut hasher = DefaultHasher::new();
    texts.hash(&mut hasher);
    hasher.finish()
}

/// A revision as people see it.
fn shown(revision: u64) -> String {
    format!("{revision:016x}")
}

fn today() -> Date {
    Date::of(OffsetDateTime::now_utc())
}

/// An exemption that ends is somebody's deployment that stops. Told at the start, with every change
/// and every new day.
fn tell_of_endings(policy: &Policy, today: Date) {
    for (document, exemption) in policy.exemptions() {
        if let Some(days) = exemption.days_left(today).filter(|days| *days <= NOTICE) {
            let (owner, rules) = (&exemption.owner, exemption.rules.join(", "));
            if days == 0 {
                warn!(policy = document, %owner, rules, "An exemption is over.");
            } else {
                warn!(policy = document, %owner, rules, days, "An exemption ends soon.");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged meanwhile.
    fn logged(action: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .with_target(false)
            .without_time()
            .finish();
        tracing::subscriber::with_default(log, action);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    fn policy(exemption: &str) -> Policy {
        let text = format!(
            "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {{name: platform}}\n\
             spec:\n  exemptions:\n  - {{rules: [tag-form, registry-form], {exemption} owner: a, reason: b}}\n"
        );
        Policy::parse(&text, Catalogue::embedded()).unwrap()
    }

    #[test]
    fn endings_are_told_two_weeks_before() {
        let ends = policy("until: 2027-03-31,");
        let told = |policy: &Policy, today: &str| {
            let today = Date::parse(today).unwrap();
            logged(|| tell_of_endings(policy, today))
        };
        let soon = |days: u8| {
            format!(
                " WARN An exemption ends soon. policy=\"platform\" owner=a rules=\"tag-form, registry-form\" days={days}\n"
            )
        };
        assert_eq!(told(&ends, "2027-03-17"), "");
        assert_eq!(told(&ends, "2027-03-18"), soon(14));
        assert_eq!(told(&ends, "2027-03-31"), soon(1));
        assert_eq!(
            told(&ends, "2027-04-01"),
            " WARN An exemption is over. policy=\"platform\" owner=a rules=\"tag-form, registry-form\"\n",
        );
        assert_eq!(told(&policy(""), "2027-03-31"), "", "it never ends");
    }

    fn document(name: &str, rest: &str) -> String {
        format!(
            "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\n\
             metadata: {{name: {name}}}\nspec: {rest}\n"
        )
    }

    #[test]
    fn what_becomes_of_changed_files_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("platform.yaml");
        fs::write(&file, document("platform", "{enforcement: Warn}")).unwrap();
        let metrics = Metrics::new();
        let paths = vec![folder.path().to_owned()];
        let policy = LivePolicy::load(paths, Action::Deny, None, metrics.clone()).unwrap();
        let first = policy.revision();
        let shows = |line: &str| metrics.encode().contains(&format!("\ndistrogate_{line}\n"));
        assert!(shows(&format!("policy_info{{revision=\"{first}\"}} 1")));
        assert!(shows("files_usable{files=\"policy\"} 1"));

        fs::write(&file, document("platform", "{enforcement: Loud}")).unwrap();
        assert!(!policy.refresh().unwrap(), "seen once");
        policy.refresh().unwrap_err();
        assert!(shows("files_usable{files=\"policy\"} 0"));
        assert!(shows(
            "reloads_total{files=\"policy\",outcome=\"refused\"} 1"
        ));
        assert_eq!(policy.revision(), first, "what is in force is the old one");

        let ended = "{exemptions: [{rules: [tag-form], until: 2020-01-01, owner: ann, reason: x}]}";
        fs::write(&file, document("platform", ended)).unwrap();
        assert!(!policy.refresh().unwrap());
        assert!(policy.refresh().unwrap());
        assert_ne!(policy.revision(), first);
        assert!(shows(&format!(
            "policy_info{{revision=\"{}\"}} 1",
            policy.revision()
        )));
        assert!(!metrics.encode().contains(&first), "one at a time");
        assert!(shows("files_usable{files=\"policy\"} 1"));
        assert!(shows("exemptions{term=\"over\"} 1"));
    }
}
