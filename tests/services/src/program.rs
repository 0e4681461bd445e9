//! Finding, starting and ending a program.

use crate::port::lasting_port;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longer than anything here takes to start on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Why a program does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It is not installed.
    #[error("{0} is not installed; `cargo xtask setup` does that")]
    Missing(&'static str),
    /// It does not start.
    #[error("{program} does not start: {source}")]
    Start {
        /// Which.
        program: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// It ended with an error.
    #[error("{program} failed: {text}")]
    Failed {
        /// Which.
        program: &'static str,
        /// What it printed.
        text: String,
    },
    /// It does not answer.
    #[error("{0} does not answer on its port")]
    Silent(&'static str),
    /// There is no folder for it.
    #[error("no folder for {program}: {source}")]
    Folder {
        /// Which.
        program: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// The program on the search path or in one of the folders where Debian keeps it.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/bin")])
        .chain(folders)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The program, or the error that says how to get it.
pub(crate) fn program(name: &'static str) -> Result<PathBuf, ServiceError> {
    find(name).ok_or(ServiceError::Missing(name))
}

/// Runs a program to its end.
pub(crate) fn run(program: &'static str, command: &mut Command) -> Result<(), ServiceError> {
    let output = command.stdin(Stdio::null()).output();
    let output: Output = output.map_err(|source| ServiceError::Start { program, source })?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(ServiceError::Failed { program, text: String::from_utf8_lossy(&text).into_owned() })
}

/// Starts a server in silence, and waits until it listens on its port.
pub(crate) fn serve(program: &'static str, command: &mut Command, port: u16) -> Result<Child, ServiceError> {
    let deadline = Instant::now() + PATIENCE;
    let mut server = spawn(program, command)?;
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    while Instant::now() < deadline {
        if let Ok(Some(status)) = server.try_wait() {
            return Err(ServiceError::Failed { program, text: format!("it ended at once: {status}") });
        }
        if TcpStream::connect_timeout(&addr, Duration::from_secs(1)).is_ok() {
            return Ok(server);
        }
        sleep(Duration::from_millis(20));
    }
    // Nobody is to be left behind, and it may have ended by itself.
    let _ = server.kill();
    let _ = server.wait();
    Err(ServiceError::Silent(program))
}

fn spawn(program: &'static str, command: &mut Command) -> Result<Child, ServiceError> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|source| ServiceError::Start { program, source })
}

/// A port that stays free while the server is away.
pub(crate) fn free_port(program: &'static str) -> Result<u16, ServiceError> {
    lasting_port().map_err(|source| ServiceError::Start { program, source })
}

/// A command that runs as somebody else than root, where root runs the tests: PostgreSQL refuses to run as root.
pub(crate) fn not_as_root(program: &Path, user: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--clear-groups", "--"]).arg(program).current_dir("/");
    command
}

/// Whether root runs the tests.
pub(crate) fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
