//! Programs of others that the tests run.

use std::process::{Child, Command};

/// Starts a program that Debian packages.
///
/// # Panics
///
/// When it is not installed: a test that cannot run has not passed.
pub fn start(command: &mut Command, package: &str) -> Running {
    match command.spawn() {
        Ok(child) => Running(child),
        Err(error) => panic!(
            "{} does not start ({error}): install it with `apt-get install {package}`, or run tests/tools.sh",
            command.get_program().display(),
        ),
    }
}

/// A process that ends with its test.
#[derive(Debug)]
pub struct Running(pub Child);

impl Running {
    /// Kills it as a power cut would.
    pub fn kill9(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Its exit code, once it has ended by itself.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.0
            .try_wait()
            .unwrap()
            .map(|status| status.code().unwrap_or(-1))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill9();
    }
}
