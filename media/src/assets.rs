//! The sounds that come with the program: ours, made as `media/assets/README.md` says.

use crate::clip::Clip;
use crate::wav::WavFault;

/// A sound that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The name it goes by in the centre's settings.
    pub name: &'static str,
    /// A WAV file.
    pub wav: &'static [u8],
}

/// Music on hold.
pub const MUSIC: Asset = Asset {
    name: "default",
    wav: include_bytes!("../assets/default.wav"),
};

/// Greets callers who are going to wait.
pub const WELCOME: Asset = Asset {
    name: "welcome",
    wav: include_bytes!("../assets/welcome.wav"),
};

/// Tells callers that the queue is closed.
pub const CLOSED: Asset = Asset {
    name: "closed",
    wav: include_bytes!("../assets/closed.wav"),
};

/// Tells callers that nobody can help them now.
pub const SORRY: Asset = Asset {
    name: "sorry",
    wav: include_bytes!("../assets/sorry.wav"),
};

/// Packets without a sound.
pub const SILENCE: Asset = Asset {
    name: "silence",
    wav: include_bytes!("../assets/silence.wav"),
};

/// Whole sentences and music.
pub const PROMPTS: [Asset; 4] = [MUSIC, WELCOME, CLOSED, SORRY];

macro_rules! words {
    ($($name:literal)*) => {
        [$(Asset {
            name: $name,
            wav: include_bytes!(concat!("../assets/words/", $name, ".wav")),
        }),*]
    };
}

/// Words that announcements are strung together from, without silence at their ends. `position`, `wait` and their like
/// are the beginnings of sentences.
#[rustfmt::skip]
pub const WORDS: [Asset; 34] = words![
    "next" "position" "wait" "wait-short" "minute" "minutes" "hundred"
    "number-1" "number-2" "number-3" "number-4" "number-5" "number-6" "number-7" "number-8" "number-9" "number-10"
    "number-11" "number-12" "number-13" "number-14" "number-15" "number-16" "number-17" "number-18" "number-19"
    "number-20" "number-30" "number-40" "number-50" "number-60" "number-70" "number-80" "number-90"
];

/// All of them.
pub fn all() -> impl Iterator<Item = Asset> {
    PROMPTS.into_iter().chain([SILENCE]).chain(WORDS)
}

impl Asset {
    /// The sound, encoded for every codec.
    ///
    /// # Errors
    /// None for those of [`all`]; a test reads them.
    pub fn clip(&self) -> Result<Clip, WavFault> {
        Clip::from_wav(self.wav)
    }
}
