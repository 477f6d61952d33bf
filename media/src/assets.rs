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

/// All of them.
pub const ALL: [Asset; 4] = [MUSIC, WELCOME, CLOSED, SORRY];

impl Asset {
    /// The sound, encoded for every codec.
    ///
    /// # Errors
    /// None for those in [`ALL`]; a test reads them.
    pub fn clip(&self) -> Result<Clip, WavFault> {
        Clip::from_wav(self.wav)
    }
}
