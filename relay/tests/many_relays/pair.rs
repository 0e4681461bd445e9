//! Two relays in this process that share a database.

use crate::support::*;
use sotto_relay::{Database, Rates, RunningRelay, SecretUrl};
use sotto_test_services::{Nats, Postgres};
use sqlx::{AnyConnection, Connection as _};
use std::time::Duration;
use tempfile::TempDir;

pub struct Pair {
    pub relays: [RunningRelay; 2],
    database: String,
    /// Gone before the relays, if it is taken.
    pub nats: Option<Nats>,
    _data: [TempDir; 2],
}

impl Pair {
    pub async fn start(with_nats: bool) -> Self {
        let database = Postgres::new_shared_database().unwrap();
        let nats = with_nats.then(|| Nats::start().unwrap());
        let data = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let secrets = data[0].path().join("relay.secrets");
        let start = async |data: &TempDir| {
            start_on(data.path(), |config| {
                config.database = Database::Postgres(SecretUrl::new(database.clone()));
                config.nats = nats.as_ref().map(|nats| SecretUrl::new(nats.url()));
                config.accounts.secrets_file = Some(secrets.clone());
                config.accounts.rates = Rates::unlimited();
                config.tuning.sweep_every = Duration::from_millis(50);
            })
            .await
        };
        let relays = [start(&data[0]).await, start(&data[1]).await];
        Self { relays, database, nats, _data: data }
    }

    pub fn authority(&self, which: usize) -> String {
        self.relays[which].addr().to_string()
    }

    pub async fn connect(&self, which: usize) -> Client {
        Client::connect(&self.authority(which)).await
    }

    pub async fn database(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.database).await.unwrap()
    }
}
