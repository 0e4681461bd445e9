//! What keeps a relay from starting and can be seen without the network: looked at before each start, and by `config check`, so that
//! the two cannot come to differ. Nothing is written.
//!
//! Whether a server answers, and whether an address is free, is seen at the start alone.

use crate::account::{SecretsError, secrets_check, secrets_file};
use crate::blob::check_place;
use crate::config::{Config, Database};
use crate::error::StartError;
use crate::room::check_address as check_nats;
use crate::store::{StoreError, check_address, check_folder, own_secrets_check, reach};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Everything that is wrong, each with the setting that it is about.
pub(crate) async fn faults(config: &Config) -> Vec<(&'static str, StartError)> {
    let mut faults: Vec<(&'static str, StartError)> = Vec::new();
    let mut note = |what, outcome: Result<(), StartError>| {
        if let Err(error) = outcome {
            faults.push((what, error));
        }
    };
    note("tls_certificate", config.tls.as_ref().map_or(Ok(()), |files| Ok(crate::tls::check(files)?)));
    note("data", check_folder(&config.data_dir).map_err(StartError::from));
    note("database", database(config).await.map_err(StartError::from));
    note("secrets", secrets(config).await.map_err(StartError::from));
    note("nats", config.nats.as_ref().map_or(Ok(()), |url| Ok(check_nats(url)?)));
    note("blobs", check_place(config).await.map_err(StartError::from));
    note("metrics", metrics(config));
    faults
}

async fn database(config: &Config) -> Result<(), StoreError> {
    match &config.database {
        Database::Postgres(url) => check_address(url),
        Database::Sqlite if config.data_dir.is_dir() => {
            reach(&config.database, &config.data_dir).await.map(drop)
        }
        Database::Sqlite => Ok(()),
    }
}

async fn secrets(config: &Config) -> Result<(), SecretsError> {
    let path = secrets_file(&config.accounts, &config.data_dir);
    let failed = |source| SecretsError::File { path: path.clone(), source };
    // What is wrong with the database is said already, and one of a server is not looked into.
    let own = match config.database {
        Database::Sqlite => own_secrets_check(&config.database, &config.data_dir).await.unwrap_or_default(),
        Database::Postgres(_) => None,
    };
    match fs::metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound && own.is_some() => {
            return Err(SecretsError::Missing { path });
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // They will be made. The data folder has been looked at already, and may still be missing.
            return match path.parent() {
                Some(folder) if folder != config.data_dir => check_writable(folder).map_err(failed),
                _ => Ok(()),
            };
        }
        // What is wrong with the data folder is said already.
        Err(_) if path.starts_with(&config.data_dir) => return Ok(()),
        found => found.map_err(failed)?,
    };
    let check = secrets_check(&path)?;
    match own {
        Some(own) if own[..] != check => Err(SecretsError::Others { path }),
        _ => Ok(()),
    }
}

fn metrics(config: &Config) -> Result<(), StartError> {
    match config.metrics {
        Some(listen) if listen == config.listen && listen.port() != 0 => {
            Err(StartError::ListenForMetrics { listen, source: ErrorKind::AddrInUse.into() })
        }
        _ => Ok(()),
    }
}

/// Whether files can be made in a folder.
pub(crate) fn check_writable(folder: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if !fs::metadata(folder)?.is_dir() {
        return Err(ErrorKind::NotADirectory.into());
    }
    Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}
