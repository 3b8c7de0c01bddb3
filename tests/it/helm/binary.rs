//! Helm's programs, and what they say.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use distrogate::values::{Limits, read_yaml};
use serde_json::Value;

/// Helm 3 and Helm 4.
pub(crate) struct Helms([Helm; 2]);

/// One of them.
pub(crate) struct Helm {
    binary: PathBuf,
    home: tempfile::TempDir,
    major: usize,
}

/// What Helm made of a chart and values.
#[derive(Debug)]
pub(super) enum Rendered {
    /// Init containers with their images, and volumes.
    Workload {
        images: BTreeMap<String, String>,
        volumes: Vec<String>,
    },
    /// Its error.
    Refused(String),
}

impl Helms {
    /// Both, as HELM3 and HELM4 name them. Where they are not named, the caller returns, and a
    /// line on standard error says so; in CI they have to be there.
    pub(crate) fn find() -> Option<Self> {
        let found = ["HELM3", "HELM4"].map(std::env::var_os);
        assert!(
            found.iter().all(Option::is_some) || std::env::var_os("CI").is_none(),
            "HELM3 and HELM4 have to be set in CI"
        );
        let [Some(helm3), Some(helm4)] = found else {
            eprintln!("skipped: HELM3 and HELM4 are not set");
            return None;
        };
        Some(Self([(3, helm3), (4, helm4)].map(|(major, binary)| {
            let helm = Helm {
                binary: binary.into(),
                home: tempfile::tempdir().unwrap(),
                major,
            };
            let version = helm.run(&["version", "--short"]).unwrap();
            assert!(version.starts_with(&format!("v{major}.")), "{version}");
            helm
        })))
    }

    /// Both.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Helm> {
        self.0.iter()
    }

    /// One after the other.
    pub(super) fn of(&self, case: usize) -> &Helm {
        &self.0[case % 2]
    }
}

impl Helm {
    /// 3 or 4.
    pub(crate) const fn major(&self) -> usize {
        self.major
    }

    /// What it writes, or the error that it ends with.
    pub(crate) fn run(&self, arguments: &[impl AsRef<std::ffi::OsStr>]) -> Result<String, String> {
        let output = Command::new(&self.binary)
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if output.status.success() {
            return Ok(text(output.stdout));
        }
        let errors = text(output.stderr);
        let error = errors.split_once("Error: ").map(|(_, error)| error.trim());
        Err(error.unwrap_or(&errors).to_owned())
    }

    /// The one manifest that a chart renders.
    pub(super) fn template(&self, chart: &Path, arguments: &[String]) -> Result<Value, String> {
        let mut all = vec!["template".to_owned(), "dev".to_owned()];
        all.push(chart.display().to_string());
        all.extend(arguments.iter().cloned());
        let manifest = self.run(&all)?;
        let document = read_yaml(manifest.as_bytes(), &Limits::VALUES);
        Ok(document.unwrap().root.to_json())
    }

    /// What it makes of our chart.
    pub(super) fn render(&self, chart: &Path, arguments: &[String]) -> Rendered {
        let only = "--show-only=templates/statefulset.yaml".to_owned();
        let manifest = match self.template(chart, &[arguments, &[only]].concat()) {
            Ok(manifest) => manifest,
            Err(error) => return Rendered::Refused(error),
        };
        let pod = &manifest["spec"]["template"]["spec"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let containers = pod["initContainers"].as_array().unwrap().iter();
        let volumes = pod["volumes"].as_array().unwrap().iter();
        Rendered::Workload {
            images: containers
                .map(|container| (text(&container["name"]), text(&container["image"])))
                .collect(),
            volumes: volumes.map(|volume| text(&volume["name"])).collect(),
        }
    }
}

impl Rendered {
    /// Whether both came to the same: the same workload, or failures of one kind.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Workload { images, volumes },
                Self::Workload {
                    images: other_images,
                    volumes: other_volumes,
                },
            ) => images == other_images && volumes == other_volumes,
            (Self::Refused(_), Self::Refused(_)) => self.is_several() == other.is_several(),
            _ => false,
        }
    }

    /// Whether it failed for several distros.
    pub(super) fn is_several(&self) -> bool {
        matches!(self, Self::Refused(error)
            if error.contains("you can only enable one distro at the same time"))
    }
}

impl fmt::Display for Helm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Helm {}", self.major)
    }
}
