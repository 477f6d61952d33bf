//! Makes the music on hold that comes with Lampfield:
//!
//! ```text
//! cargo run --profile ci -p media --example make_music -- media/assets/default.wav
//! ```

mod music;

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: make_music FILE.wav");
        return ExitCode::from(2);
    };
    match std::fs::write(&path, music::wav_file()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
