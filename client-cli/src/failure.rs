//! What went wrong, and what to do: two lines on standard error, and an exit code.

use crate::output;
use sotto_client_core::{ClientError, SessionError};
use std::process::ExitCode;

/// Not done.
const FAILED: u8 = 1;
/// Kept, but not sent yet.
const KEPT: u8 = 3;

/// Why a command did not do what it should.
#[derive(Debug, Clone)]
pub struct Failure {
    message: String,
    help: String,
    code: u8,
    is_quiet: bool,
    is_unwritable: bool,
}

impl Failure {
    /// Not done.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
            code: FAILED,
            is_quiet: false,
            is_unwritable: false,
        }
    }

    /// Whether the profile can be read and not written.
    pub const fn is_unwritable(&self) -> bool {
        self.is_unwritable
    }

    /// Kept, to be done later.
    pub fn kept(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code: KEPT, ..Self::new(message, help) }
    }

    /// The same, of something that is kept all the same.
    pub fn but_kept(self, kept: &str) -> Self {
        Self { help: format!("{} {kept}", self.help), code: KEPT, ..self }
    }

    /// The reader of our output has stopped: nothing to say.
    pub fn closed_pipe() -> Self {
        Self { is_quiet: true, ..Self::new("", "") }
    }

    /// Says it.
    pub fn report(&self) -> ExitCode {
        if !self.is_quiet {
            output::error(&self.message, &self.help);
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
        Self { is_unwritable: error.is_read_only_error(), ..Self::new(error.to_string(), error.remedy()) }
    }
}
