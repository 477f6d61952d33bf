//! Uploaded sounds: files in `prompts` below `store.directory`, one for each name.
//!
//! `NAME.wav` is what was uploaded, byte for byte, and `NAME.json` beside it says who did so and when; it carries the
//! sound's digest, so that one of another file is no witness. The folder is the only place they are kept: a copy of it is a
//! backup, and a file that is put there while no daemon runs is as good as uploaded.
//!
//! A file comes in under another name and is moved into place once it is on the disk, so that no reader and no crash
//! finds half of it. What was there before stands aside until the change is known to hold ([`Replaced`]).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use config::PromptName;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::StoreError;
use crate::lock::make_private;

const FOLDER: &str = "prompts";
/// What files are called that are on their way in, and those that stand aside.
const NEW: &str = "new";
const OLD: &str = "old";
/// More of a file is not read: no sound is that large.
const READ_MAX: u64 = 64 << 20;

/// The uploaded sounds of a store. Its changes are made by one thread at a time.
#[derive(Debug, Clone)]
pub struct PromptFiles {
    folder: PathBuf,
}

/// A sound as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPrompt {
    /// The file.
    pub wav: Vec<u8>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// When it was uploaded, or else when the file was last written; UTC microseconds.
    pub uploaded_us: i64,
    /// Who uploaded it, as far as that is known.
    pub uploaded_by: Option<String>,
}

/// What stands beside a sound.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct About {
    sha256: String,
    uploaded_us: i64,
    uploaded_by: String,
}

impl PromptFiles {
    /// Those below this `store.directory`.
    pub fn new(directory: &Path) -> Self {
        Self {
            folder: directory.join(FOLDER),
        }
    }

    /// Removes what an interrupted change has left behind. Only for who holds the store's lock.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read or written.
    pub fn sweep(&self) -> Result<(), StoreError> {
        for path in self.entries()? {
            let extension = path.extension().and_then(|extension| extension.to_str());
            if matches!(extension, Some(NEW | OLD)) {
                fs::remove_file(&path).map_err(|source| failed(&path, source))?;
            }
        }
        Ok(())
    }

    /// The names of all sounds, sorted. Files with other names than sounds can have are passed over.
    ///
    /// # Errors
    ///
    /// When the folder is there and cannot be read.
    pub fn names(&self) -> Result<Vec<String>, StoreError> {
        let mut names: Vec<String> = self
            .entries()?
            .iter()
            .filter_map(|path| path.file_name()?.to_str()?.strip_suffix(".wav"))
            .filter(|name| name.parse::<PromptName>().is_ok())
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Reads a sound; none when there is no such file.
    ///
    /// # Errors
    ///
    /// When it is there and cannot be read.
    pub fn read(&self, name: &PromptName) -> Result<Option<StoredPrompt>, StoreError> {
        let path = self.path(name, "wav");
        let (wav, written_us) = match read_file(&path) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed(&path, source)),
        };
        let sha256 = digest(&wav);
        let about = self.about(name).filter(|about| about.sha256 == sha256);
        Ok(Some(StoredPrompt {
            wav,
            sha256,
            uploaded_us: about.as_ref().map_or(written_us, |about| about.uploaded_us),
            uploaded_by: about.map(|about| about.uploaded_by),
        }))
    }

    /// Keeps a sound, in place of the one of its name.
    ///
    /// # Errors
    ///
    /// When it cannot be written; then all is as before.
    pub fn put(
        &self,
        name: &PromptName,
        wav: &[u8],
        uploaded_by: &str,
        uploaded_us: i64,
    ) -> Result<Replaced, StoreError> {
        make_private(&self.folder).map_err(|source| failed(&self.folder, source))?;
        let about = About {
            sha256: digest(wav),
            uploaded_us,
            uploaded_by: uploaded_by.to_owned(),
        };
        let about = serde_json::to_vec(&about).map_err(|error| StoreError::Unreadable {
            what: format!("what is known of prompt {name}"),
            why: error.to_string(),
        })?;
        let files = [("wav", wav), ("json", about.as_slice())];
        for (extension, bytes) in files {
            let path = self.path(name, &format!("{extension}.{NEW}"));
            write_synced(&path, bytes).map_err(|source| failed(&path, source))?;
        }
        let replaced = self.set_aside(name, link)?;
        for (extension, _) in files {
            let path = self.path(name, extension);
            let moved = fs::rename(self.path(name, &format!("{extension}.{NEW}")), &path);
            if let Err(source) = moved {
                replaced.undo()?;
                return Err(failed(&path, source));
            }
        }
        self.sync()?;
        Ok(replaced)
    }

    /// Removes a sound.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn remove(&self, name: &PromptName) -> Result<Replaced, StoreError> {
        let replaced = self.set_aside(name, |from, to| fs::rename(from, to))?;
        self.sync()?;
        Ok(replaced)
    }

    /// Lets the files of that name, if there are any, stand aside as well.
    fn set_aside(
        &self,
        name: &PromptName,
        aside: impl Fn(&Path, &Path) -> io::Result<()>,
    ) -> Result<Replaced, StoreError> {
        for extension in ["wav", "json"] {
            let path = self.path(name, extension);
            let old = self.path(name, &format!("{extension}.{OLD}"));
            // What an earlier change has left there is no part of this one.
            remove(&old)?;
            match aside(&path, &old) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(failed(&path, source));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(Replaced {
            files: self.clone(),
            name: name.clone(),
        })
    }

    fn about(&self, name: &PromptName) -> Option<About> {
        let (bytes, _) = read_file(&self.path(name, "json")).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    fn path(&self, name: &PromptName, extension: &str) -> PathBuf {
        self.folder.join(format!("{name}.{extension}"))
    }

    fn entries(&self) -> Result<Vec<PathBuf>, StoreError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(failed(&self.folder, source)),
        };
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        paths
            .collect::<io::Result<_>>()
            .map_err(|source| failed(&self.folder, source))
    }

    /// Renamed files are on the disk when their folder is.
    fn sync(&self) -> Result<(), StoreError> {
        match File::open(&self.folder).and_then(|folder| folder.sync_all()) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(failed(&self.folder, source))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// A change of one sound, with what was there before standing aside.
#[derive(Debug)]
#[must_use = "what stands aside goes by `keep` or comes back by `undo`"]
pub struct Replaced {
    files: PromptFiles,
    name: PromptName,
}

impl Replaced {
    /// The change holds: what was there before goes.
    ///
    /// # Errors
    ///
    /// When it cannot be removed; [`PromptFiles::sweep`] makes up for that.
    pub fn keep(self) -> Result<(), StoreError> {
        for extension in ["wav", "json"] {
            remove(&self.files.path(&self.name, &format!("{extension}.{OLD}")))?;
        }
        Ok(())
    }

    /// The change does not hold: what was there before comes back.
    ///
    /// # Errors
    ///
    /// When it cannot.
    pub fn undo(self) -> Result<(), StoreError> {
        for extension in ["wav", "json"] {
            let path = self.files.path(&self.name, extension);
            match fs::rename(
                self.files.path(&self.name, &format!("{extension}.{OLD}")),
                &path,
            ) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => remove(&path)?,
                Err(source) => return Err(failed(&path, source)),
            }
        }
        self.files.sync()
    }
}

/// The same file under a second name, or where the file system has no links a copy: what is to be replaced stays in its
/// place until then, so that a crash finds one or the other.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => fs::copy(from, to).map(drop),
        linked => linked,
    }
}

/// SHA-256 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A file and when it was last written.
fn read_file(path: &Path) -> io::Result<(Vec<u8>, i64)> {
    let file = File::open(path)?;
    let written = file.metadata()?.modified()?.duration_since(UNIX_EPOCH);
    let written = written.unwrap_or_default().as_micros();
    let mut bytes = Vec::new();
    file.take(READ_MAX).read_to_end(&mut bytes)?;
    Ok((bytes, i64::try_from(written).unwrap_or(i64::MAX)))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(failed(path, source)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn failed(path: &Path, source: io::Error) -> StoreError {
    StoreError::File {
        path: path.into(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const AT: i64 = 1_700_000_000_000_000;

    fn files() -> (TempDir, PromptFiles) {
        let directory = tempfile::tempdir().unwrap();
        let files = PromptFiles::new(directory.path());
        (directory, files)
    }

    fn name(text: &str) -> PromptName {
        text.parse().unwrap()
    }

    fn put(files: &PromptFiles, prompt: &str, wav: &[u8]) {
        files
            .put(&name(prompt), wav, "root", AT)
            .unwrap()
            .keep()
            .unwrap();
    }

    fn wav(files: &PromptFiles, prompt: &str) -> Option<Vec<u8>> {
        files.read(&name(prompt)).unwrap().map(|found| found.wav)
    }

    fn file_names(directory: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(directory.path().join(FOLDER)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn ap_c_6_a_sound_is_kept_byte_for_byte_with_who_and_when() {
        let (directory, files) = files();
        assert_eq!(files.names().unwrap(), [] as [String; 0]);
        assert_eq!(wav(&files, "welcome"), None);
        put(&files, "welcome", b"a sound");
        put(&files, "number-1", b"one");
        assert_eq!(files.names().unwrap(), ["number-1", "welcome"]);
        let expected = StoredPrompt {
            wav: b"a sound".to_vec(),
            sha256: digest(b"a sound"),
            uploaded_us: AT,
            uploaded_by: Some("root".into()),
        };
        assert_eq!(files.read(&name("welcome")).unwrap(), Some(expected));
        let expected = [
            "number-1.json",
            "number-1.wav",
            "welcome.json",
            "welcome.wav",
        ];
        assert_eq!(file_names(&directory), expected);
    }

    #[test]
    fn the_digest_is_sha_256() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest(b"abc"), expected);
    }

    #[test]
    fn a_change_that_does_not_hold_is_undone() {
        let (directory, files) = files();
        let sounds = || (wav(&files, "old"), wav(&files, "new"));
        put(&files, "old", b"old");
        files
            .put(&name("old"), b"other", "sue", AT + 1)
            .unwrap()
            .undo()
            .unwrap();
        files
            .put(&name("new"), b"new", "sue", AT + 1)
            .unwrap()
            .undo()
            .unwrap();
        files.remove(&name("old")).unwrap().undo().unwrap();
        assert_eq!(sounds(), (Some(b"old".to_vec()), None));
        let by = files.read(&name("old")).unwrap().unwrap().uploaded_by;
        assert_eq!(by.as_deref(), Some("root"));
        assert_eq!(file_names(&directory), ["old.json", "old.wav"]);
        files.remove(&name("old")).unwrap().keep().unwrap();
        assert_eq!(sounds(), (None, None));
        assert_eq!(file_names(&directory), [] as [&str; 0]);
    }

    /// `kill -9` at any moment of a change: what is found is whole, and nothing else is left after the next start.
    #[test]
    fn what_an_interrupted_change_has_left_is_swept_and_never_played() {
        let (directory, files) = files();
        put(&files, "welcome", b"old");
        drop(files.put(&name("welcome"), b"new", "sue", AT).unwrap());
        fs::write(directory.path().join("prompts/closed.wav.new"), "hal").unwrap();
        assert_eq!(files.names().unwrap(), ["welcome"]);
        files.sweep().unwrap();
        assert_eq!(wav(&files, "welcome").as_deref(), Some(b"new".as_slice()));
        assert_eq!(file_names(&directory), ["welcome.json", "welcome.wav"]);
    }

    #[test]
    fn a_file_that_was_put_there_by_hand_is_as_good_as_uploaded_by_nobody() {
        let (directory, files) = files();
        put(&files, "welcome", b"uploaded");
        for file in ["welcome.wav", "hello.wav", "Not A Name.wav", "notes.txt"] {
            fs::write(directory.path().join(FOLDER).join(file), "by hand").unwrap();
        }
        assert_eq!(files.names().unwrap(), ["hello", "welcome"]);
        for prompt in ["hello", "welcome"] {
            let found = files.read(&name(prompt)).unwrap().unwrap();
            assert_eq!(found.uploaded_by, None, "{prompt}");
            assert!(
                found.uploaded_us > AT,
                "{prompt}: since the file was written"
            );
        }
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_named() {
        let (directory, files) = files();
        fs::write(directory.path().join(FOLDER), "no folder").unwrap();
        let error = files.names().unwrap_err().to_string();
        assert!(error.contains("/prompts: "), "{error}");
    }
}
