//! What went wrong, and what to do: two lines on standard error, and an exit code.

use sotto_client_core::{ClientError, SessionError};
use std::process::ExitCode;

/// Not done.
const FAILED: u8 = 1;
/// Kept, but not sent yet.
const KEPT: u8 = 3;

/// Why a command did not do what it should.
#[derive(Debug)]
pub struct Failure {
    message: String,
    help: String,
    code: u8,
    is_quiet: bool,
}

impl Failure {
    /// Not done.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into(), code: FAILED, is_quiet: false }
    }

    /// Kept, to be done later.
    pub fn kept(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code: KEPT, ..Self::new(message, help) }
    }

    /// Whoever reads our output has stopped: nothing to say.
    pub fn closed_pipe() -> Self {
        Self { is_quiet: true, ..Self::new("", "") }
    }

    /// Says it, in the manner of rustc.
    #[allow(clippy::print_stderr, reason = "this is where errors are printed")]
    pub fn report(&self) -> ExitCode {
        if !self.is_quiet {
            let error = anstyle::Style::new().bold().fg_color(Some(anstyle::AnsiColor::Red.into()));
            let help = anstyle::Style::new().bold().fg_color(Some(anstyle::AnsiColor::Cyan.into()));
            anstream::eprintln!("{error}error{error:#}: {}", self.message);
            if !self.help.is_empty() {
                anstream::eprintln!("{help}help{help:#}: {}", self.help);
            }
        }
        ExitCode::from(self.code)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::new(error.to_string(), error.remedy())
    }
}

impl From<SessionError<crate::store::StoreError>> for Failure {
    fn from(error: SessionError<crate::store::StoreError>) -> Self {
        match error {
            SessionError::Client(error) => error.into(),
            SessionError::Store(error) => error.into(),
        }
    }
}

impl From<crate::store::StoreError> for Failure {
    fn from(error: crate::store::StoreError) -> Self {
        Self::new(error.to_string(), error.remedy())
    }
}
