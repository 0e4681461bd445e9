//! Servers as processes of their own, and what the system says about them.

use anyhow::{Context as _, Result};
use sotto_test_services::Postgres;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A server under load. Ends with the value.
pub struct Server {
    child: Child,
    pub authority: String,
    _data: TempDir,
}

impl Server {
    /// The relay, on a fresh database.
    pub fn relay() -> Result<Self> {
        let data = tempfile::tempdir()?;
        Self::start(relay(&data), data)
    }

    /// The relay, on a fresh database of this cluster.
    pub fn relay_on(cluster: &Postgres) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let mut command = relay(&data);
        command.env("SOTTO_RELAY_DATABASE", cluster.new_database()?);
        Self::start(command, data)
    }

    /// This program again, as the bare server that the argument names.
    pub fn bare(argument: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(argument);
        Self::start(command, tempfile::tempdir()?)
    }

    fn start(mut command: Command, data: TempDir) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no stdout")?).read_line(&mut line)?;
        let (_, authority) = line.trim().split_once("http://").context("the server did not start")?;
        Ok(Self { child, authority: authority.to_owned(), _data: data })
    }

    /// CPU time so far, in seconds, user and system.
    pub fn cpu_s(&self) -> Result<f64> {
        const TICKS_PER_S: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(") ").context("no fields")?;
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
        Ok(ticks / TICKS_PER_S)
    }

    /// Memory in use, in KiB.
    pub fn resident_kib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

fn relay(data: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--limits", "off", "--data"])
        .arg(data.path());
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
