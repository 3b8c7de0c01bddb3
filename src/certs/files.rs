//! Certificates and keys on a disk.
//!
//! Owns that a key is never readable for others, not even for a moment, and that a file is there
//! whole or not at all. No file is ever written through a symbolic link.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Who may read a file; the umask can take away more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Everyone: certificates.
    Public,
    /// The owner: keys.
    Private,
}

impl Access {
    /// The mode to create a file with.
    const fn mode(self) -> u32 {
        match self {
            Self::Public => 0o644,
            Self::Private => 0o600,
        }
    }
}

/// Writes a file that must not exist yet.
pub fn create(file: &Path, access: Access, content: &str) -> Result<(), FileError> {
    let fail = |source| FileError {
        file: file.to_owned(),
        source,
    };
    let mut created = open_new(file, access).map_err(fail)?;
    fill(&mut created, content).map_err(|source| {
        // Half a file is of no use, and would be in the way of the next attempt.
        drop(fs::remove_file(file));
        fail(source)
    })
}

/// Writes a file that may exist already: readers see the old or the new one.
pub fn replace(file: &Path, access: Access, content: &str) -> Result<(), FileError> {
    let fail = |source| FileError {
        file: file.to_owned(),
        source,
    };
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = PathBuf::from(name);
    let write = || -> io::Result<()> {
        // One that an interrupted run left behind: in a container every run has the same number.
        drop(fs::remove_file(&new));
        fill(&mut open_new(&new, access)?, content)?;
        fs::rename(&new, file)
    };
    write().map_err(|source| {
        drop(fs::remove_file(&new));
        fail(source)
    })
}

fn open_new(file: &Path, access: Access) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(access.mode())
        .open(file)
}

fn fill(file: &mut File, content: &str) -> io::Result<()> {
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", file.display())]
pub struct FileError {
    file: PathBuf,
    source: io::Error,
}

impl FileError {
    /// What the system says.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_is_for_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("tls.key");
        create(&file, Access::Private, "one").unwrap();
        assert_eq!(
            (mode(&file), fs::read_to_string(&file).unwrap()),
            (0o600, "one".to_owned())
        );
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        replace(&file, Access::Private, "two").unwrap();
        assert_eq!(
            (mode(&file), fs::read_to_string(&file).unwrap()),
            (0o600, "two".to_owned())
        );
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_existing_file_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.crt");
        create(&file, Access::Public, "one").unwrap();
        let error = create(&file, Access::Public, "two").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot write {}", file.display())
        );
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&file).unwrap(), "one");
    }

    #[test]
    fn links_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        let link = directory.path().join("link");
        fs::write(&target, "precious").unwrap();
        symlink(&target, &link).unwrap();
        assert_eq!(
            create(&link, Access::Public, "x").unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        replace(&link, Access::Public, "new").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
        assert_eq!(fs::read_to_string(&link).unwrap(), "new");
    }
}
