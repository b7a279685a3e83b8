//! PEM files on disk: read with a look at who else may read them, written so that a reader never sees half of one.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::CertError;

/// Permission bits of a file that everybody may read, and of a private key.
pub(super) const PUBLIC: u32 = 0o644;
pub(super) const PRIVATE: u32 = 0o600;
/// What group and others must not have of a key.
const OTHERS: u32 = 0o077;
/// The largest PEM file; a longer one is something else.
const MAX_BYTES: u64 = 1024 * 1024;

/// The three PEM files one endpoint needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authority whose peers are trusted; several, one after another, while one follows another.
    pub ca: PathBuf,
    /// This endpoint's certificate chain.
    pub certificate: PathBuf,
    /// This endpoint's private key.
    pub key: PathBuf,
}

impl TlsFiles {
    /// `ca.pem`, `<role>.pem` and `<role>.key` in `dir`.
    #[must_use]
    pub fn of(dir: &Path, role: &str) -> Self {
        Self {
            ca: dir.join("ca.pem"),
            certificate: dir.join(format!("{role}.pem")),
            key: dir.join(format!("{role}.key")),
        }
    }
}

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays, and nothing is written.
    Refuse,
    /// It is replaced in one step.
    Replace,
}

/// The texts of [`TlsFiles`].
pub(super) struct Pems {
    pub(super) ca: String,
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Pems {
    pub(super) fn read(files: &TlsFiles) -> Result<Self, CertError> {
        Ok(Self {
            ca: text("the authority's certificate", &files.ca)?,
            certificate: text("the certificate", &files.certificate)?,
            key: key(&files.key)?,
        })
    }
}

pub(super) fn text(what: &'static str, path: &Path) -> Result<String, CertError> {
    let file = File::open(path).map_err(|source| CertError::Read { what, path: path.to_owned(), source })?;
    contents(what, path, file)
}

/// A private key, where nobody but its owner may read it.
pub(super) fn key(path: &Path) -> Result<String, CertError> {
    const WHAT: &str = "the private key";
    let fail = |source| CertError::Read { what: WHAT, path: path.to_owned(), source };
    let file = File::open(path).map_err(fail)?;
    // Of the open file, so that what is looked at is what is read.
    let mode = file.metadata().map_err(fail)?.mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(CertError::LooseKey { path: path.to_owned(), mode, right: mode & !OTHERS });
    }
    contents(WHAT, path, file)
}

fn contents(what: &'static str, path: &Path, file: File) -> Result<String, CertError> {
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(|source| CertError::Read {
        what,
        path: path.to_owned(),
        source,
    })?;
    Ok(text)
}

/// Writes beside the file and renames, so that a process that reads it meanwhile finds the old one or the new one.
pub(super) fn write(path: &Path, text: &str, mode: u32, overwrite: Overwrite) -> Result<(), CertError> {
    let fail = |source| CertError::Write { path: path.to_owned(), source };
    if overwrite == Overwrite::Refuse {
        absent(path)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    // The mode is given at creation, so that a key is at no moment readable by others.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside).map_err(fail)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
    std::fs::rename(&beside, path).map_err(fail)
}

/// Says so where `path` exists.
pub(super) fn absent(path: &Path) -> Result<(), CertError> {
    match path.symlink_metadata() {
        Ok(_) => Err(CertError::Exists { path: path.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(CertError::Write { path: path.to_owned(), source }),
    }
}

pub(super) fn folder(path: &Path) -> Result<(), CertError> {
    std::fs::create_dir_all(path).map_err(|source| CertError::Write { path: path.to_owned(), source })
}
