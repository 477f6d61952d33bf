//! Uploaded sounds: kept as files, encoded once, known to the media threads by a number and to the centre by name (AP-C.6).
//!
//! **At the start** every file of the folder is read ([`Shelf::load`]). One that cannot be played keeps its name, is in the
//! log and raises an alarm; what comes with the program is heard in its place, if anything does.
//!
//! **A change** takes its turn with all other changes of the centre. The sound goes to the media threads under a number of
//! its own and the file to the disk; then the centre that names both comes into force, or both are taken back. The engine plays by the
//! centre in force, so the next play is of the new sound, and whoever listens to the old one hears that to its end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use admin_api::Answer;
use admin_api::ports::{
    ChangeError, Committed, Prompt, PromptChange, PromptError, Prompts as PromptsPort, Sound,
    StoreError, Upload,
};
use axum::body::Bytes;
use config::{Centre, PromptName};
use engine::Refusal;
use media::clip::Clip;
use media::control::ClipId;
use media::wav::{self, WavFault};
use media_io::MediaSender;
use store::{PromptFiles, Replaced, digest};
use tokio::task::spawn_blocking;

use crate::centre::{Turn, Writer};
use crate::clips::{self, BuiltIn};
use crate::clock::utc_us;

/// The most uploads that are kept.
const UPLOADS_MAX: usize = 1_000;

/// An upload as it is known.
#[derive(Debug, Clone)]
struct Uploaded {
    clip: Option<ClipId>,
    sha256: String,
    upload: Upload,
    /// None when it cannot be played.
    sound: Option<Sound>,
    fault: Option<String>,
}

impl Uploaded {
    fn in_centre(&self) -> config::Prompt {
        config::Prompt {
            sha256: self.sha256.clone(),
            clip: self.clip.map(|clip| clip.0),
        }
    }
}

/// What the folder held at the start.
#[derive(Debug)]
pub(crate) struct Shelf {
    files: PromptFiles,
    media: MediaSender,
    uploads: BTreeMap<String, Uploaded>,
    next_clip: u32,
}

impl Shelf {
    /// Reads all files and hands the sounds to the media threads, numbered from `first` on. What is wrong with one is
    /// no reason not to start.
    pub(crate) fn load(directory: &Path, media: &MediaSender, first: ClipId) -> Self {
        let mut shelf = Self {
            files: PromptFiles::new(directory),
            media: media.clone(),
            uploads: BTreeMap::new(),
            next_clip: first.0,
        };
        if let Err(error) = shelf.files.sweep() {
            tracing::warn!(%error, "what an interrupted upload left behind stays there");
        }
        for name in names(&shelf.files) {
            let uploaded = shelf.read(&name);
            if let Some(fault) = &uploaded.fault {
                tracing::error!(prompt = %name, %fault, "an uploaded prompt cannot be played");
            }
            shelf.uploads.insert(name.to_string(), uploaded);
        }
        shelf
    }

    /// As the centre knows them.
    pub(crate) fn in_centre(&self) -> BTreeMap<String, config::Prompt> {
        let prompts = self.uploads.iter();
        prompts
            .map(|(name, uploaded)| (name.clone(), uploaded.in_centre()))
            .collect()
    }

    fn read(&mut self, name: &PromptName) -> Uploaded {
        let faulty = |upload, fault| Uploaded {
            clip: None,
            sha256: String::new(),
            upload,
            sound: None,
            fault: Some(fault),
        };
        let unknown = Upload { at_us: 0, by: None };
        let stored = match self.files.read(name) {
            Ok(Some(stored)) => stored,
            Ok(None) => return faulty(unknown, "the file has gone".into()),
            Err(error) => return faulty(unknown, error.to_string()),
        };
        let upload = Upload {
            at_us: stored.uploaded_us,
            by: stored.uploaded_by,
        };
        let (clip, sound) = match encode(&stored.wav) {
            Ok(encoded) => encoded,
            Err(fault) => return faulty(upload, fault.to_string()),
        };
        let id = ClipId(self.next_clip);
        self.next_clip += 1;
        if let Err(error) = self.media.add_clip(id, &Arc::new(clip)) {
            return faulty(upload, error.to_string());
        }
        Uploaded {
            clip: Some(id),
            sha256: sound.sha256.clone(),
            upload,
            sound: Some(sound),
            fault: None,
        }
    }
}

/// The uploads of this `store.directory` as a centre must know them where no daemon runs: what names them is right.
pub(crate) fn known(directory: &Path) -> BTreeMap<String, config::Prompt> {
    let known = |name: PromptName| {
        let prompt = config::Prompt {
            sha256: String::new(),
            clip: None,
        };
        (name.to_string(), prompt)
    };
    names(&PromptFiles::new(directory))
        .into_iter()
        .map(known)
        .collect()
}

fn names(files: &PromptFiles) -> Vec<PromptName> {
    let names = files.names().unwrap_or_else(|error| {
        tracing::error!(%error, "uploaded prompts cannot be read");
        Vec::new()
    });
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

/// The sound as it is played, and what there is to say of its file.
fn encode(wav: &[u8]) -> Result<(Clip, Sound), WavFault> {
    let sound = describe(wav)?;
    Ok((Clip::from_wav(wav)?, sound))
}

fn describe(wav: &[u8]) -> Result<Sound, WavFault> {
    let described = wav::describe(wav)?;
    // To the millisecond.
    let millis = described.duration().as_millis() as f64;
    Ok(Sound {
        seconds: millis / 1000.0,
        bytes: wav.len() as u64,
        sample_rate_hz: described.rate_hz,
        channels: described.channels,
        sha256: digest(wav),
    })
}

/// Reads and changes sounds while the daemon runs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Prompts {
    inner: Arc<Inner>,
}

struct Inner {
    files: PromptFiles,
    media: MediaSender,
    writer: Writer,
    built_in: BTreeMap<&'static str, (BuiltIn, Option<Sound>)>,
    uploads: Mutex<BTreeMap<String, Uploaded>>,
    next_clip: AtomicU32,
}

impl Prompts {
    pub(crate) fn new(shelf: Shelf, writer: Writer) -> Self {
        let built_in = clips::built_in().map(|ours| {
            let sound = describe(&ours.wav).ok();
            (ours.name, (ours, sound))
        });
        let inner = Inner {
            files: shelf.files,
            media: shelf.media,
            writer,
            built_in: built_in.collect(),
            uploads: Mutex::new(shelf.uploads),
            next_clip: AtomicU32::new(shelf.next_clip),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    async fn carry_out(self, change: PromptChange) -> Result<Committed, PromptError> {
        // Encoding takes up to a second: not while others wait for their turn, nor for what is too late already.
        let current = self.inner.writer.current();
        if current.version != change.base {
            return Err(ChangeError::Stale.into());
        }
        let new = match change.wav.clone() {
            Some(wav) => Some(encoded(wav).await?),
            None => None,
        };
        let turn = self.inner.writer.turn().await;
        if turn.current.version != change.base {
            return Err(ChangeError::Stale.into());
        }
        match new {
            Some((clip, sound)) => self.upload(&turn, change, clip, sound).await,
            None => self.remove(&turn, change).await,
        }
    }

    async fn upload(
        &self,
        turn: &Turn,
        change: PromptChange,
        clip: Clip,
        sound: Sound,
    ) -> Result<Committed, PromptError> {
        let before = self.upload_of(&change.name);
        if let Some(before) = &before
            && before.clip.is_some()
            && before.sha256 == sound.sha256
        {
            return Ok(self.inner.writer.unchanged(turn));
        }
        if before.is_none() && self.uploads().len() >= UPLOADS_MAX {
            let what = format!("there are {UPLOADS_MAX} uploads already: remove one first");
            return Err(PromptError::TooMany(what));
        }
        let id = ClipId(self.inner.next_clip.fetch_add(1, Ordering::Relaxed));
        let uploaded = Uploaded {
            clip: Some(id),
            sha256: sound.sha256.clone(),
            upload: Upload {
                at_us: utc_us(),
                by: Some(change.actor.username.clone()),
            },
            sound: Some(sound),
            fault: None,
        };
        if self.inner.media.add_clip(id, &Arc::new(clip)).is_err() {
            self.inner.media.remove_clip(id);
            let why = Refusal::Unavailable("the media threads do not keep up".into());
            return Err(ChangeError::Refused(why).into());
        }
        let done = self.put_in_force(turn, change, Some(&uploaded)).await;
        // Whichever of the two is not in force has no further listeners.
        let unused = match done {
            Ok(_) => before.and_then(|before| before.clip),
            Err(_) => Some(id),
        };
        if let Some(unused) = unused {
            self.inner.media.remove_clip(unused);
        }
        done
    }

    async fn remove(&self, turn: &Turn, change: PromptChange) -> Result<Committed, PromptError> {
        let Some(before) = self.upload_of(&change.name) else {
            return Ok(self.inner.writer.unchanged(turn));
        };
        let done = self.put_in_force(turn, change, None).await;
        if let (Ok(_), Some(unused)) = (&done, before.clip) {
            self.inner.media.remove_clip(unused);
        }
        done
    }

    /// The file first, then the centre that knows of it; or neither.
    async fn put_in_force(
        &self,
        turn: &Turn,
        change: PromptChange,
        uploaded: Option<&Uploaded>,
    ) -> Result<Committed, PromptError> {
        let mut centre = Centre::clone(&turn.current.centre);
        let name = change.name.to_string();
        match uploaded {
            Some(uploaded) => centre.prompts.insert(name.clone(), uploaded.in_centre()),
            None => centre.prompts.remove(&name),
        };
        let actor = change.actor.clone();
        let replaced = self.keep_file(change, uploaded).await?;
        let done = self.inner.writer.put_prompts(turn, actor, centre).await;
        // What is stored holds, even if the engine could not take it up any more.
        let holds = self.inner.writer.current().version != turn.current.version;
        if holds {
            match uploaded {
                Some(uploaded) => self.uploads().insert(name, uploaded.clone()),
                None => self.uploads().remove(&name),
            };
        }
        let settled = spawn_blocking(move || {
            if holds {
                replaced.keep()
            } else {
                replaced.undo()
            }
        });
        if let Ok(Err(error)) = settled.await {
            tracing::error!(%error, "the folder of prompts is not as it should be");
        }
        Ok(done?)
    }

    async fn keep_file(
        &self,
        change: PromptChange,
        uploaded: Option<&Uploaded>,
    ) -> Result<Replaced, PromptError> {
        let files = self.inner.files.clone();
        let at_us = uploaded.map_or(0, |uploaded| uploaded.upload.at_us);
        let kept = spawn_blocking(move || match change.wav {
            Some(wav) => files.put(&change.name, &wav, &change.actor.username, at_us),
            None => files.remove(&change.name),
        });
        let kept = kept
            .await
            .map_err(|error| ChangeError::Store(error.to_string()))?;
        Ok(kept.map_err(|error| ChangeError::Store(error.to_string()))?)
    }

    fn upload_of(&self, name: &str) -> Option<Uploaded> {
        self.uploads().get(name).cloned()
    }

    fn uploads(&self) -> MutexGuard<'_, BTreeMap<String, Uploaded>> {
        let uploads = self.inner.uploads.lock();
        uploads.unwrap_or_else(PoisonError::into_inner)
    }

    async fn file(self, name: String) -> Result<Option<Bytes>, StoreError> {
        let uploaded = self.upload_of(&name);
        let is_played = uploaded.is_some_and(|uploaded| uploaded.fault.is_none());
        let (true, Ok(prompt)) = (is_played, name.parse::<PromptName>()) else {
            let ours = self.inner.built_in.get(name.as_str());
            return Ok(ours.map(|(ours, _)| Bytes::copy_from_slice(&ours.wav)));
        };
        let files = self.inner.files.clone();
        let read = spawn_blocking(move || files.read(&prompt)).await;
        let read = read.map_err(|error| StoreError(error.to_string()))?;
        let read = read.map_err(|error| StoreError(error.to_string()))?;
        Ok(read.map(|stored| Bytes::from(stored.wav)))
    }
}

async fn encoded(wav: Bytes) -> Result<(Clip, Sound), PromptError> {
    let encoded = spawn_blocking(move || encode(&wav)).await;
    let encoded = encoded.map_err(|error| ChangeError::Store(error.to_string()))?;
    encoded.map_err(|fault| match fault.is_other_kind() {
        true => PromptError::OtherKind(fault.to_string()),
        false => PromptError::Faulty(fault.to_string()),
    })
}

impl PromptsPort for Prompts {
    fn all(&self) -> Vec<Prompt> {
        let mut prompts: BTreeMap<String, Prompt> = BTreeMap::new();
        for (name, (_, sound)) in &self.inner.built_in {
            let prompt = Prompt {
                name: (*name).to_owned(),
                built_in: true,
                upload: None,
                sound: sound.clone(),
                fault: None,
            };
            prompts.insert((*name).to_owned(), prompt);
        }
        for (name, uploaded) in self.uploads().iter() {
            let ours = prompts.remove(name);
            let prompt = Prompt {
                name: name.clone(),
                built_in: ours.is_some(),
                upload: Some(uploaded.upload.clone()),
                sound: uploaded.sound.clone().or_else(|| ours?.sound),
                fault: uploaded.fault.clone(),
            };
            prompts.insert(name.clone(), prompt);
        }
        prompts.into_values().collect()
    }

    fn audio(&self, name: &str) -> Answer<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(self.clone().file(name.to_owned()))
    }

    fn change(&self, change: PromptChange) -> Answer<'_, Result<Committed, PromptError>> {
        // A task of its own runs on when nobody waits any more.
        let task = tokio::spawn(self.clone().carry_out(change));
        Box::pin(async move {
            let lost = |error: tokio::task::JoinError| ChangeError::Store(error.to_string());
            task.await.map_err(lost)?
        })
    }
}
