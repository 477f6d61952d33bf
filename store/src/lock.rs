//! One process at a time works on a store.
//!
//! The lock is the operating system's, on a file in `store.directory`: it goes with the process that held
//! it, however that ended, so there is never a stale one to remove. The file also names its holder, for
//! the message that the second process prints.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::error::StoreError;

/// The lock of a store's directory; held until dropped.
#[derive(Debug)]
pub struct StoreLock {
    _file: File,
}

impl StoreLock {
    /// Takes the lock, making the directory (readable by its owner only) where there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`] when another process holds it; [`StoreError::File`] when the directory cannot be used.
    pub fn acquire(directory: &Path) -> Result<Self, StoreError> {
        make_private(directory).map_err(|source| StoreError::File {
            path: directory.into(),
            source,
        })?;
        let path = directory.join("lock");
        let failed = |source| StoreError::File {
            path: path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(StoreError::InUse {
                    directory: directory.into(),
                    holder: holder(&mut file),
                });
            }
            Err(errno) => return Err(failed(errno.into())),
        }
        sign(&mut file).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

pub(crate) fn make_private(directory: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    // The holder may be writing its number just now; then its name stays unknown.
    match file.take(20).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => format!("process {}", text.trim()),
        Ok(_) | Err(_) => "another process".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_and_told_who_has_it() {
        let directory = tempfile::tempdir().unwrap();
        let lock = StoreLock::acquire(directory.path()).unwrap();
        let refused = StoreLock::acquire(directory.path()).unwrap_err();
        let expected = format!("in use by process {}", std::process::id());
        assert!(refused.to_string().ends_with(&expected), "{refused}");
        drop(lock);
        assert!(StoreLock::acquire(directory.path()).is_ok());
    }

    #[test]
    fn the_directory_is_made_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("a/b");
        let _lock = StoreLock::acquire(&directory).unwrap();
        let mode = fs::metadata(&directory).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let refused = StoreLock::acquire(&file.join("var")).unwrap_err();
        assert!(matches!(refused, StoreError::File { .. }), "{refused}");
    }
}
