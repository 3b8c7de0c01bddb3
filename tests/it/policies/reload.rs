//! A running server follows its policies: by content, all or nothing, and never half.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use super::malformed;
use crate::dev_server::DevServer;

/// Two distros at the same time.
const REVIEW: &str = "helmrelease-two-distros-k3s-k8s-0.30";

/// The program, with its log line by line.
struct Served(DevServer);

impl Served {
    fn start(policy: &Path) -> Self {
        let policy = policy.to_str().unwrap();
        Self(DevServer::start(&[
            "--log-format",
            "text",
            "--policy",
            policy,
        ]))
    }

    /// The next line of the log with these words.
    fn line(&mut self, words: &str) -> String {
        self.0.line(words)
    }

    /// `denied`, `warned` or `told nothing`.
    fn answer(&self) -> &'static str {
        let response = self.0.review("/validate", REVIEW);
        match (&response["allowed"], &response["warnings"]) {
            (Value::Bool(false), _) => "denied",
            (_, Value::Array(_)) => "warned",
            _ => "told nothing",
        }
    }

    /// Waits until something else is followed that answers so, and returns the line that says it.
    fn follows(&mut self, answer: &str) -> String {
        loop {
            let line = self.line("Read a changed policy.");
            self.line("Following a changed policy.");
            if self.answer() == answer {
                return line;
            }
        }
    }
}

fn document(name: &str, action: &str) -> String {
    format!(
        "apiVersion: distrogate.io/v1alpha1\nkind: DistroPolicy\nmetadata: {{name: {name}}}\n\
         spec:\n  rules: {{only-one-distro: {{action: {action}}}}}\n"
    )
}

/// Brings files into a folder as the kubelet brings those of a ConfigMap.
fn mount(folder: &Path, version: &str, files: &[(&str, String)]) {
    let data = folder.join(format!("..{version}"));
    fs::create_dir(&data).unwrap();
    for (name, text) in files {
        fs::write(data.join(name), text).unwrap();
    }
    let old = fs::read_link(folder.join("..data")).ok();
    symlink(data.file_name().unwrap(), folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    for (name, _) in files {
        let target = Path::new("..data").join(name);
        symlink(target, folder.join(name)).ok();
    }
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if !name.starts_with("..") && !files.iter().any(|(known, _)| *known == name) {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    if let Some(old) = old {
        fs::remove_dir_all(folder.join(old)).unwrap();
    }
}

/// The value of a field of a log line.
fn field(line: &str, name: &str) -> String {
    let start = format!("{name}=\"");
    let (_, after) = line
        .split_once(&start)
        .unwrap_or_else(|| panic!("{name}: {line}"));
    after.split('"').next().unwrap().to_owned()
}

#[test]
fn a_mounted_folder_is_followed_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let platform = |action| ("platform.yaml", document("platform", action));
    mount(folder.path(), "1", &[platform("Warn")]);
    let mut served = Served::start(folder.path());
    let start = served.line("Starting.");
    assert_eq!(field(&start, "policy"), "platform, built-in");
    assert_eq!(served.answer(), "warned");

    mount(folder.path(), "2", &[platform("Deny")]);
    mount(folder.path(), "3", &[platform("Audit")]);
    let line = served.follows("told nothing");
    assert_ne!(field(&line, "revision"), field(&start, "revision"));

    let broken = ("team.yaml", document("team", "Sometimes"));
    mount(folder.path(), "4", &[platform("Deny"), broken]);
    let line = served.line("Still following the old policy, the new one cannot be used.");
    assert!(
        line.contains("team.yaml: line 5, column 37: spec.rules.only-one-distro.action: has to be"),
        "{line}"
    );
    assert_eq!(
        served.answer(),
        "told nothing",
        "the good half does not count alone"
    );

    let team = ("team.yaml", document("team", "Audit"));
    mount(folder.path(), "5", &[platform("Deny"), team]);
    let line = served.follows("denied");
    assert_eq!(field(&line, "policy"), "platform, team, built-in");

    mount(
        folder.path(),
        "6",
        &[("team.yaml", document("platform", "Warn"))],
    );
    let line = served.follows("warned");
    assert_eq!(field(&line, "policy"), "platform, built-in");

    mount(
        folder.path(),
        "7",
        &[platform("Audit"), ("b.yaml", document("platform", "Deny"))],
    );
    let line = served.line("Still following the old policy");
    assert!(
        line.contains("platform.yaml: two policies have the name platform: rename one of them"),
        "{line}"
    );
    assert_eq!(served.answer(), "warned");
}

#[test]
fn a_file_is_followed_and_the_last_good_one_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    // as an editor saves: beside it, and then in its place
    let save = |text: &str| {
        let beside = folder.path().join(".policy.yaml.swp");
        fs::write(&beside, text).unwrap();
        fs::rename(&beside, &file).unwrap();
    };
    save(&document("a", "Warn"));
    let mut served = Served::start(&file);
    assert_eq!(served.answer(), "warned");
    save(&document("b", "Audit"));
    let line = served.follows("told nothing");
    assert_eq!(field(&line, "policy"), "b, built-in");

    let mistakes = malformed::mistakes();
    for (what, text) in [
        &mistakes[3],
        &mistakes[mistakes.len() / 2],
        &mistakes[mistakes.len() - 3],
    ] {
        save(text);
        let line = served.line("Still following the old policy");
        assert!(line.contains("policy.yaml: line "), "{what}: {line}");
        assert_eq!(served.answer(), "told nothing", "{what}");
    }

    fs::remove_file(&file).unwrap();
    let line = served.line("Still following the old policy");
    assert!(line.contains("policy.yaml: No such file"), "{line}");
    assert_eq!(served.answer(), "told nothing");
    save(&document("c", "Warn"));
    let line = served.follows("warned");
    assert_eq!(field(&line, "policy"), "c, built-in");
}
