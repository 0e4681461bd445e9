//! Looks for what would keep a relay from running well.

use super::contradictions;
use crate::blob::{self, BlobPlace};
use crate::config::{Config, Database};
use crate::server::unnamed_proxy_was_seen;
use crate::store::reach;
use crate::tls::{days_left, is_short, read_chain};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;

/// Open files: one for each connection, and some.
const OPEN_FILES_MIN: u64 = 4096;
/// Free space below which an operator should know.
const FREE_MIN_BYTES: u64 = 1 << 30;

/// One thing that was looked at.
#[derive(Debug)]
pub struct Finding {
    /// What.
    pub what: &'static str,
    /// What was seen, and what to do if it is not good.
    pub state: Result<String, (String, String)>,
}

/// Looks at everything. Nothing is changed, except that the data folder is made if it is missing.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = contradictions(config);
    // That is told below.
    findings.retain(|finding| finding.what != "nats");
    findings.extend([
        Finding { what: "data folder", state: data_folder(&config.data_dir) },
        Finding { what: "disk", state: free_space(&config.data_dir) },
        Finding { what: "database", state: database(config).await },
        Finding { what: "files", state: blobs(config).await },
        Finding { what: "other relays", state: hints(config).await },
        Finding { what: "address", state: address(config) },
        Finding { what: "proxies", state: proxies(config) },
        Finding { what: "certificate", state: certificate(config) },
        Finding { what: "open files", state: open_files() },
        Finding { what: "web client", state: web_client(config) },
    ]);
    findings
}

type State = Result<String, (String, String)>;

fn bad(what: impl Into<String>, help: impl Into<String>) -> State {
    Err((what.into(), help.into()))
}

fn data_folder(folder: &Path) -> State {
    use std::os::unix::fs::PermissionsExt as _;
    if !folder.exists() {
        return Ok(format!("{} will be made", folder.display()));
    }
    let Ok(metadata) = folder.metadata() else {
        return bad(format!("{} cannot be read", folder.display()), "run as the relay's user");
    };
    if !metadata.is_dir() {
        return bad(format!("{} is no folder", folder.display()), "choose another with --data");
    }
    let probe = folder.join(".writable");
    if std::fs::write(&probe, []).and_then(|()| std::fs::remove_file(&probe)).is_err() {
        return bad(
            format!("{} cannot be written", folder.display()),
            "run as the relay's user, or choose another with --data",
        );
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return bad(format!("{} is open to other users", folder.display()), "chmod 700 on it");
    }
    Ok(format!("{} is writable, and for this user alone", folder.display()))
}

fn free_space(folder: &Path) -> State {
    let place = folder.ancestors().find(|place| place.exists()).unwrap_or(Path::new("."));
    let Ok(disk) = rustix::fs::statvfs(place) else { return Ok("not known".to_owned()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let shown = format!("{} MiB free", free >> 20);
    if free < FREE_MIN_BYTES {
        bad(shown, "make space: a full disk refuses every message")
    } else {
        Ok(shown)
    }
}

async fn database(config: &Config) -> State {
    let kind = match config.database {
        Database::Sqlite => "SQLite",
        Database::Postgres(_) => "PostgreSQL",
    };
    match reach(&config.database, &config.data_dir).await {
        Ok(true) => Ok(format!("{kind}, of this version")),
        Ok(false) => Ok(format!("{kind}, new or older: it is brought up to date at the next start")),
        Err(error) => bad(error.to_string(), error.help()),
    }
}

async fn blobs(config: &Config) -> State {
    // The folder's own fault is told already.
    if !config.data_dir.exists() && matches!(config.blobs.place, BlobPlace::Disk) {
        return Ok("the folder will be made".to_owned());
    }
    let examined = blob::examine(config).await;
    let is_shared = matches!(config.database, Database::Postgres(_));
    match examined {
        Ok(state) if is_shared && matches!(config.blobs.place, BlobPlace::Disk) => {
            Ok(format!("{state}; several relays on this database must share it"))
        }
        Ok(state) => Ok(state.to_owned()),
        Err(error) => bad(
            format!("the place for files is not to be had: {error}"),
            "check --blobs, --blobs-endpoint and the AWS_… variables, or the folder blobs in the data folder",
        ),
    }
}

async fn hints(config: &Config) -> State {
    match (&config.nats, &config.database) {
        (None, Database::Sqlite) => Ok("none: this relay is alone".to_owned()),
        (None, Database::Postgres(_)) => {
            Ok("no NATS server: entries of other relays come up to a second later".to_owned())
        }
        (Some(_), Database::Sqlite) => {
            bad("a NATS server is set, and SQLite is not shared", "leave --nats out, or set --database")
        }
        (Some(url), Database::Postgres(_)) => match async_nats::connect(url.reveal()).await {
            Ok(_) => Ok("the NATS server answers".to_owned()),
            Err(error) => {
                bad(format!("the NATS server does not answer: {error}"), "check that it runs, and --nats")
            }
        },
    }
}

fn address(config: &Config) -> State {
    match TcpListener::bind(config.listen) {
        Ok(_) => Ok(format!("{} is free", config.listen)),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            Ok(format!("{} is in use, perhaps by this relay", config.listen))
        }
        Err(error) => {
            bad(format!("cannot listen on {}: {error}", config.listen), "choose another with --listen")
        }
    }
}

fn proxies(config: &Config) -> State {
    let named = &config.accounts.trusted_proxies;
    if unnamed_proxy_was_seen(&config.data_dir) {
        return bad(
            "requests came through a proxy that is not named: all who use it count as one address",
            "if it sets X-Forwarded-For itself, in place of what the client sent, name its address with --trusted-proxies (127.0.0.1,::1 on this machine) and restart; if it is a tunnel or an onion service, leave it, and raise --limits",
        );
    }
    match named.len() {
        0 => Ok("none is named: each client counts by the address it connects from".to_owned()),
        count => Ok(format!("{count} named: they have to set X-Forwarded-For themselves")),
    }
}

fn certificate(config: &Config) -> State {
    let Some(files) = &config.tls else { return Ok("none: a proxy has to end TLS".to_owned()) };
    if let Err(error) = crate::tls::check(files) {
        return bad(error.to_string(), error.help());
    }
    let days = read_chain(&files.certificate).ok().and_then(|chain| days_left(chain.first()?));
    match days {
        None => Ok("good; until when cannot be told".to_owned()),
        Some(days) if days < 0 => bad(
            format!("ended {} days ago", -days),
            "put a new one into its file: the relay takes it up by itself",
        ),
        Some(days) if is_short(days) => {
            bad(format!("ends in {days} days"), "renew it: the relay takes the new one up by itself")
        }
        Some(days) => Ok(format!("good for {days} days")),
    }
}

fn open_files() -> State {
    // The relay raises the soft limit to the hard one when it starts.
    let Ok((_, hard)) = rlimit::Resource::NOFILE.get() else { return Ok("not known".to_owned()) };
    let shown = format!("up to {hard}");
    if hard < OPEN_FILES_MIN {
        bad(shown, "raise the limit (LimitNOFILE= in systemd): each connection is one")
    } else {
        Ok(shown)
    }
}

fn web_client(config: &Config) -> State {
    if config.web.is_there() {
        Ok("built in".to_owned())
    } else {
        bad("not built in: browsers get a notice", "build with `cargo xtask run`, or take a released program")
    }
}
