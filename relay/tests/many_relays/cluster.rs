//! A PostgreSQL, a NATS server, and relays as programs of their own that share them.

use sotto_test_services::{Nats, Postgres, lasting_port};
use sqlx::{AnyConnection, Connection as _};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

pub struct Cluster {
    pub relays: Vec<Relay>,
    pub nats: Option<Nats>,
    pub postgres: Postgres,
    database: String,
}

/// A relay that keeps its address when it is started again.
pub struct Relay {
    pub authority: String,
    child: Option<Child>,
    data: TempDir,
}

impl Cluster {
    pub fn start(relays: usize, with_nats: bool) -> Self {
        let postgres = Postgres::start().unwrap();
        let database = postgres.new_database().unwrap();
        let nats = with_nats.then(|| Nats::start().unwrap());
        let mut cluster = Self { relays: Vec::new(), nats, postgres, database };
        for index in 0..relays {
            let authority = format!("127.0.0.1:{}", lasting_port().unwrap());
            cluster.relays.push(Relay { authority, child: None, data: tempfile::tempdir().unwrap() });
            cluster.start_relay(index);
        }
        cluster
    }

    /// Starts a relay (again), and waits until it is ready.
    pub fn start_relay(&mut self, index: usize) {
        let secrets = self.relays[0].data.path().join("relay.secrets");
        let relay = &mut self.relays[index];
        let mut command = Command::new(env!("CARGO_BIN_EXE_sotto-relay"));
        command
            .args(["serve", "--log", "off", "--limits", "off", "--listen", &relay.authority, "--data"])
            .arg(relay.data.path());
        command.env("SOTTO_RELAY_DATABASE", &self.database).env("SOTTO_RELAY_SECRETS", secrets);
        if let Some(nats) = &self.nats {
            command.env("SOTTO_RELAY_NATS", nats.url());
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("Sotto relay is ready"), "{line:?}");
        relay.child = Some(child);
    }

    /// Addresses of all relays.
    pub fn authorities(&self) -> Vec<String> {
        self.relays.iter().map(|relay| relay.authority.clone()).collect()
    }

    /// A connection to the database, beside the relays.
    pub async fn database(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.database).await.unwrap()
    }

    /// Lets it stand still; its connections stay open.
    pub fn freeze_relay(&self, index: usize) {
        self.signal(index, "-STOP");
    }

    /// Lets it go on.
    pub fn thaw_relay(&self, index: usize) {
        self.signal(index, "-CONT");
    }

    fn signal(&self, index: usize, signal: &str) {
        let pid = self.relays[index].child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// kill -9.
    pub fn kill_relay(&mut self, index: usize) {
        let mut child = self.relays[index].child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
