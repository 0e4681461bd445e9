//! The relay as a program of its own.

use crate::support::database_url;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

pub struct Program {
    pub child: Child,
    pub authority: String,
}

impl Program {
    pub fn start(data: &std::path::Path) -> Self {
        Self::start_with(data, &[], Stdio::null())
    }

    pub fn start_with(data: &std::path::Path, more: &[&str], stderr: Stdio) -> Self {
        Self::start_command(command(data, "127.0.0.1:0").args(more).stderr(stderr))
    }

    pub fn start_command(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let authority = line.trim().strip_prefix("Sotto relay is ready: http://");
        let authority = authority.unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { child, authority }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, on this folder and its database.
pub fn command(data: &std::path::Path, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
    command.args(["serve", "--listen", listen, "--limits", "off", "--data"]).arg(data);
    if let Some(url) = database_url(data) {
        command.env("SOTTO_RELAY_DATABASE", url);
    }
    command
}
