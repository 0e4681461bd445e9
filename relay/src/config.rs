//! What an operator can choose, and the measured constants that tests turn down.

use crate::about::{self, SourceUrl};
use crate::account::AccountSettings;
use crate::blob::BlobSettings;
use crate::clock::Clock;
use crate::limit::Limits;
use crate::push::PushSettings;
use crate::tls::TlsFiles;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use zeroize::Zeroizing;

/// Where rooms are kept.
#[derive(Debug, Clone, Default)]
pub enum Database {
    /// One file in the data folder; this relay alone uses it.
    #[default]
    Sqlite,
    /// A PostgreSQL server, which relays share: `postgres://user:password@host/name`.
    Postgres(SecretUrl),
}

/// An address with a password in it: not to be shown, and wiped when it is not needed any more.
#[derive(Clone)]
pub struct SecretUrl(Zeroizing<String>);

impl SecretUrl {
    /// Takes the address.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self(Zeroizing::new(url.into()))
    }

    /// The address, for connecting.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// What PostgreSQL's own programs read from the environment; none if this is no address of a database.
    pub(crate) fn postgres_environment(&self) -> Option<Vec<(&'static str, String)>> {
        use percent_encoding::percent_decode_str;
        let url = url::Url::parse(&self.0).ok()?;
        let plain =
            |text: &str| percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned);
        let database = url.path().trim_start_matches('/');
        let is_named = !database.is_empty() || url.query_pairs().any(|(name, _)| name == "dbname");
        if !is_named {
            return None;
        }
        // A server on this machine may be reached without a host, by a socket (`?host=/var/run/postgresql`), and as who one is.
        let mut all = Vec::new();
        all.extend(url.host_str().filter(|host| !host.is_empty()).map(|host| ("PGHOST", host.to_owned())));
        if !database.is_empty() {
            all.push(("PGDATABASE", plain(database)?));
        }
        all.extend(url.port().map(|port| ("PGPORT", port.to_string())));
        if !url.username().is_empty() {
            all.push(("PGUSER", plain(url.username())?));
        }
        if let Some(password) = url.password() {
            all.push(("PGPASSWORD", plain(password)?));
        }
        // As strictly as the relay itself.
        for (name, value) in url.query_pairs() {
            let variable = match name.as_ref() {
                "sslmode" | "ssl-mode" => "PGSSLMODE",
                "sslrootcert" | "ssl-root-cert" | "ssl-ca" => "PGSSLROOTCERT",
                "sslcert" | "ssl-cert" => "PGSSLCERT",
                "sslkey" | "ssl-key" => "PGSSLKEY",
                "host" => "PGHOST",
                "port" => "PGPORT",
                "user" => "PGUSER",
                "dbname" => "PGDATABASE",
                "password" => "PGPASSWORD",
                _ => continue,
            };
            all.push((variable, value.into_owned()));
        }
        Some(all)
    }
}

impl From<String> for SecretUrl {
    fn from(url: String) -> Self {
        Self::new(url)
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretUrl(…)")
    }
}

/// A name under which a relay is reached, as it stands in its address: `host`, or `host:port` where it is not the usual one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayName(String);

impl RelayName {
    /// In lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RelayName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_good = text.is_ascii()
            && !text.contains('@')
            && text.parse::<axum::http::uri::Authority>().is_ok_and(|name| !name.host().is_empty());
        if is_good {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(
                "it is a host as browsers send it, without https:// and in ASCII, such as chat.example.org or chat.example.org:8443",
            )
        }
    }
}

/// How a relay is to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Under which names it is reached; where there are none, under any.
    pub names: Vec<RelayName>,
    /// Certificate and key, where the relay speaks TLS itself.
    pub tls: Option<TlsFiles>,
    /// Where to tell metrics; nothing: nowhere.
    pub metrics: Option<SocketAddr>,
    /// Where rooms are kept.
    pub database: Database,
    /// The NATS server through which relays on one database wake each other; without it they look once a second.
    pub nats: Option<SecretUrl>,
    /// Folder of the database; made if missing, readable by the relay's user only.
    pub data_dir: PathBuf,
    /// The database does not grow past this many bytes: further entries are refused as `StorageFull`.
    pub max_database_bytes: Option<u64>,
    /// The relay keeps no message longer than this, whatever a room says; nothing: as long as the room wants.
    pub max_retention: Option<Duration>,
    /// Where the source code of this relay is, for `/v1/about`; nothing: the operator is to be asked.
    pub source: Option<SourceUrl>,
    /// What is served as the web client.
    pub web: crate::web::Files,
    /// How accounts are kept.
    pub accounts: AccountSettings,
    /// What addresses and connections may do at the room socket.
    pub limits: Limits,
    /// How devices that are not connected are woken.
    pub push: PushSettings,
    /// How sealed files are kept.
    pub blobs: BlobSettings,
    /// Bounds and times of a connection.
    pub tuning: Tuning,
}

impl Config {
    /// The usual relay, with the web client that was built into it.
    #[must_use]
    pub fn new(listen: SocketAddr, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            listen,
            names: Vec::new(),
            tls: None,
            metrics: None,
            database: Database::default(),
            nats: None,
            data_dir: data_dir.into(),
            max_database_bytes: None,
            max_retention: None,
            source: about::BUILT_FROM.and_then(|url| url.parse().ok()),
            web: crate::web::Files::Embedded,
            accounts: AccountSettings::default(),
            limits: Limits::default(),
            push: PushSettings::default(),
            blobs: BlobSettings::default(),
            tuning: Tuning::default(),
        }
    }
}

/// Bounds and times of a connection.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// Live entries waiting for one connection, in bytes, before it is told that it is behind.
    pub live_queue_max_bytes: usize,
    /// Entries waiting for the disk, over all connections, in bytes, before appends are refused as `Overloaded`.
    pub write_queue_max_bytes: usize,
    /// Silence after which the relay pings.
    pub ping_after: Duration,
    /// Silence after which the relay takes a connection for dead.
    pub drop_after: Duration,
    /// How often the relay looks whether there is a new certificate.
    pub certificate_every: Duration,
    /// How long the beginning of TLS may take.
    pub handshake_timeout: Duration,
    /// How long a connection may ask for nothing at first.
    pub first_frame_timeout: Duration,
    /// How long a connection that follows no room may ask for nothing.
    pub unopened_timeout: Duration,
    /// How long a frame may take, and a second more for each 4 KiB of it.
    pub frame_timeout: Duration,
    /// How long a request's header may take.
    pub header_timeout: Duration,
    /// How long it may be; 8 KiB at least.
    pub header_max_bytes: usize,
    /// How often the relay looks for messages that are too old and doors whose time has come.
    pub sweep_every: Duration,
    /// How long a request's body may take.
    pub body_timeout: Duration,
    /// How long an answer over HTTP may wait to be read, and a second more for each 4 KiB of it that was.
    pub answer_timeout: Duration,
    /// How long a transaction may take on PostgreSQL before its connection is given up.
    pub database_within: Duration,
    /// The time.
    pub clock: Clock,
    /// How long stopping may take before connections are cut.
    pub stop_within: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            live_queue_max_bytes: 1024 * 1024,
            write_queue_max_bytes: 64 * 1024 * 1024,
            ping_after: Duration::from_secs(30),
            drop_after: Duration::from_secs(90),
            certificate_every: Duration::from_secs(60),
            handshake_timeout: Duration::from_secs(10),
            first_frame_timeout: Duration::from_secs(5 * 60),
            unopened_timeout: Duration::from_secs(30 * 60),
            frame_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            header_max_bytes: 16 * 1024,
            sweep_every: Duration::from_secs(60),
            body_timeout: Duration::from_secs(20),
            answer_timeout: Duration::from_secs(30),
            // PostgreSQL itself gives a statement up after 30 s.
            database_within: Duration::from_secs(40),
            clock: Clock::default(),
            stop_within: Duration::from_secs(9),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_browsers_send() {
        let name = |text: &str| text.parse::<RelayName>().map(|name| name.as_str().to_owned());
        assert_eq!(name("Chat.Example.org").as_deref(), Ok("chat.example.org"));
        assert_eq!(name("[::1]:8443").as_deref(), Ok("[::1]:8443"));
        let wrong = [
            "",
            "https://chat.example",
            "chat.example/",
            "u@chat.example",
            "ch\u{e4}t.example",
            "a b",
            ":80",
        ];
        assert!(wrong.iter().all(|wrong| name(wrong).is_err()), "{:?}", wrong.map(name));
    }

    #[test]
    fn postgresqls_own_programs_get_all_that_the_address_says() {
        let url = SecretUrl::new(
            "postgres://so%40tto:p%3Aw@db.example:6432/ro%2Fom?sslmode=verify-full&sslrootcert=/etc/ca.pem&x=y",
        );
        let expected = [
            ("PGHOST", "db.example"),
            ("PGDATABASE", "ro/om"),
            ("PGPORT", "6432"),
            ("PGUSER", "so@tto"),
            ("PGPASSWORD", "p:w"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "/etc/ca.pem"),
        ];
        let expected = expected.map(|(name, value)| (name, value.to_owned()));
        assert_eq!(url.postgres_environment().unwrap(), expected);
        assert!(!format!("{url:?}").contains("p:w"));
        assert!(SecretUrl::new("no address").postgres_environment().is_none());
        assert!(SecretUrl::new("postgres://").postgres_environment().is_none());
        let socket = SecretUrl::new("postgres:///sotto?host=/var/run/postgresql").postgres_environment();
        let expected = [("PGDATABASE", "sotto"), ("PGHOST", "/var/run/postgresql")];
        let expected: Vec<_> = expected.map(|(name, value)| (name, value.to_owned())).into();
        assert_eq!(socket, Some(expected));
    }
}
