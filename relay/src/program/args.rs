//! The one definition of every command and setting: it feeds the flags, the environment, the settings file, the help and the
//! example file.

use super::admin::AdminArguments;
use clap::{Args, Parser, Subcommand};
use sotto_relay::about::{self, SourceUrl};
use sotto_relay::{
    BlobPlace, Guests, PushContact, PushHosts, Registration, RelayName, SecretUrl, SetRate, SetTimeout,
    Strictness,
};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use tracing_subscriber::filter::LevelFilter;

/// Sotto's relay: keeps sealed rooms, and serves the web client.
///
/// It never sees a message, a room's name, or who is in it.
#[derive(Parser)]
#[command(
    name = "sotto-relay",
    version,
    long_version = about::long_version(),
    max_term_width = 100,
    after_help = "Settings are taken from the command line, else from the environment, else from the settings file. \
                  `sotto-relay config example` prints one with every setting explained."
)]
pub struct Arguments {
    /// Settings file (TOML)
    #[arg(long, value_name = "FILE", global = true, env = "SOTTO_RELAY_CONFIG")]
    pub config: Option<PathBuf>,

    /// What is to be done.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Subcommand)]
pub enum Command {
    /// Run the relay until it is stopped (Ctrl-C, or SIGTERM)
    Serve(Settings),
    /// Look at the settings without running
    Config {
        /// What about them.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Bring the database up to date and stop
    Migrate(Settings),
    /// Copy everything that a restore needs into a new folder, while the relay runs
    Backup {
        /// The folder to make
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// Make nothing: prove that FOLDER is a whole copy, or say what is wrong with it
        #[arg(long)]
        verify: bool,
        /// Which relay.
        #[command(flatten)]
        settings: Settings,
    },
    /// Restore a backup into an empty data folder, after proving that it is whole
    Restore {
        /// The backup
        #[arg(value_name = "FOLDER")]
        from: PathBuf,
        /// Which relay.
        #[command(flatten)]
        settings: Settings,
    },
    /// See to accounts, invite codes, rooms and quotas, on the database of a relay that may be running
    Admin(Box<AdminArguments>),
    /// Look for what would keep the relay from running well, and say what to do
    Doctor(Settings),
}

/// What can be asked about settings.
#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Find what keeps `serve` from starting, as far as that can be seen without the network
    Check(Settings),
    /// Print the settings as they are in force, and where each comes from; secrets are left out
    Show(Settings),
    /// Print a settings file with every setting explained
    Example,
}

/// Everything that an operator can choose.
#[derive(Args, Clone)]
pub struct Settings {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", env = "SOTTO_RELAY_LISTEN")]
    pub listen: SocketAddr,

    /// Serve TLS with this certificate: a PEM file, with the certificates that lead to its issuer after it. Both files are read
    /// anew when they change, and on SIGHUP
    #[arg(long, value_name = "FILE", env = "SOTTO_RELAY_TLS_CERTIFICATE")]
    pub tls_certificate: Option<PathBuf>,

    /// The certificate's private key, a PEM file (default: in the certificate's file)
    #[arg(long, value_name = "FILE", env = "SOTTO_RELAY_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// Tell metrics at http://ADDR/metrics, for Prometheus (default: nowhere). For the operator's network: whoever reads them sees how
    /// much the relay is used
    #[arg(long, value_name = "ADDR", env = "SOTTO_RELAY_METRICS")]
    pub metrics: Option<SocketAddr>,

    /// Names under which this relay is reached, with commas between them, as they stand in its address: chat.example.org, or
    /// chat.example.org:8443. Requests by any other name are sent away (default: any name will do)
    #[arg(long, value_name = "NAMES", env = "SOTTO_RELAY_NAMES")]
    pub names: Option<List<RelayName>>,

    /// Folder for database and secrets; made if it is missing
    #[arg(long, value_name = "DIR", default_value = "./data", env = "SOTTO_RELAY_DATA")]
    pub data: PathBuf,

    /// Keep rooms in this PostgreSQL server instead of a file: postgres://user:password@host/name. Other users of this
    /// machine see a program's arguments: put an address with a password into the environment or the settings file
    #[arg(long, value_name = "URL", env = "SOTTO_RELAY_DATABASE", hide_env_values = true)]
    pub database: Option<SecretUrl>,

    /// Wake other relays on the same database through this NATS server: nats://host:4222
    #[arg(long, value_name = "URL", env = "SOTTO_RELAY_NATS", hide_env_values = true)]
    pub nats: Option<SecretUrl>,

    /// Refuse new entries once the database file has grown to this many bytes (default: no limit)
    #[arg(
        long,
        value_name = "BYTES",
        // An empty one has 237,568.
        value_parser = clap::value_parser!(u64).range(262_144..),
        env = "SOTTO_RELAY_MAX_DATABASE_BYTES"
    )]
    pub max_database_bytes: Option<u64>,

    /// Who may make an account: open (anybody), codes (whoever has an invite code) or closed (nobody)
    #[arg(long, value_name = "POLICY", default_value = "open", env = "SOTTO_RELAY_REGISTRATION")]
    pub registration: Registration,

    /// What people without an account may do: open (make rooms, and come in by invite) or invited (come in by invite)
    #[arg(long, value_name = "POLICY", default_value = "open", env = "SOTTO_RELAY_GUESTS")]
    pub guests: Guests,

    /// Names that no account gets, with commas between them
    #[arg(long, value_name = "NAMES", env = "SOTTO_RELAY_RESERVED_NAMES")]
    pub reserved_names: Option<List<String>>,

    /// Sessions of accounts that were not used for so many days end
    #[arg(long, value_name = "DAYS", default_value_t = 90, env = "SOTTO_RELAY_SESSION_DAYS")]
    pub session_days: u32,

    /// File with the secrets of the accounts, made if it is missing (default: relay.secrets in the data folder). Relays on one
    /// database share one
    #[arg(long, value_name = "FILE", env = "SOTTO_RELAY_SECRETS")]
    pub secrets: Option<PathBuf>,

    /// Addresses of reverse proxies, with commas between them, such as 127.0.0.1,::1: limits by address believe their X-Forwarded-For. None
    /// is believed that is not named. Name only those that set this header themselves, in place of what the client sent; no tunnel, and no
    /// onion service
    #[arg(long, value_name = "ADDRS", env = "SOTTO_RELAY_TRUSTED_PROXIES")]
    pub trusted_proxies: Option<List<IpAddr>>,

    /// How much one address, and one connection, may do: strict (a quarter of the usual), normal, generous (eight times), or off
    /// (nothing is limited but tries of passwords)
    #[arg(long, value_name = "WORD", default_value = "normal", env = "SOTTO_RELAY_LIMITS")]
    pub limits: Strictness,

    /// Connections at one time, all in all; never more than there are open files for (default: 100000)
    #[arg(long, value_name = "COUNT", env = "SOTTO_RELAY_MAX_CONNECTIONS")]
    pub max_connections: Option<u32>,

    /// Connections at one time from one address (default: 256, times what --limits says)
    #[arg(long, value_name = "COUNT", env = "SOTTO_RELAY_CONNECTIONS_PER_ADDRESS")]
    pub connections_per_address: Option<u32>,

    /// Rooms made from one address in a day (default: 200, times what --limits says)
    #[arg(long, value_name = "COUNT", env = "SOTTO_RELAY_ROOMS_PER_DAY")]
    pub rooms_per_day: Option<u32>,

    /// Accounts made from one address in a day (default: 60, times what --limits says)
    #[arg(long, value_name = "COUNT", env = "SOTTO_RELAY_ACCOUNTS_PER_DAY")]
    pub accounts_per_day: Option<u32>,

    /// Single rates in the place of what --limits says, with commas between them: NAME=COUNT/SECONDS is COUNT at once, and one more
    /// every SECONDS; NAME=off is none. Names: sockets, rooms, opens, cards, joins, address-bytes, address-day-bytes, requests, bytes, calls, accounts,
    /// logins, letters, lookups, passwords, name-passwords, session-passwords, room-tokens
    #[arg(long, value_name = "RATES", env = "SOTTO_RELAY_RATES")]
    pub rates: Option<List<SetRate>>,

    /// Single time limits in the place of the usual ones, with commas between them: NAME=SECONDS. Names: tls, header, body, answer, frame,
    /// first, unused, ping, silence
    #[arg(long, value_name = "TIMEOUTS", env = "SOTTO_RELAY_TIMEOUTS")]
    pub timeouts: Option<List<SetTimeout>>,

    /// The longest header of a request, in bytes
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 16_384,
        value_parser = clap::value_parser!(u32).range(8192..=1_048_576),
        env = "SOTTO_RELAY_MAX_HEADER_BYTES"
    )]
    pub max_header_bytes: u32,

    /// New entries that wait for a connection that does not read them, in bytes; past it, it is told to fetch them
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 1_048_576,
        value_parser = clap::value_parser!(u32).range(4096..),
        env = "SOTTO_RELAY_SLOW_READER_BYTES"
    )]
    pub slow_reader_bytes: u32,

    /// Memory for answers that wait to be read and for long messages that are not whole yet, in bytes, over all connections; an eighth
    /// of it for one address (default: 512 MiB; no limit where --limits is off)
    #[arg(long, value_name = "BYTES", env = "SOTTO_RELAY_WAITING_BYTES")]
    pub waiting_bytes: Option<usize>,

    /// Letters in an inbox at most. `admin quotas set` changes that, and the vault's bounds, while relays run
    #[arg(long, value_name = "COUNT", default_value_t = 64, env = "SOTTO_RELAY_MAX_INBOX_LETTERS")]
    pub max_inbox_letters: u32,

    /// Days after which a letter is removed that nobody took out
    #[arg(long, value_name = "DAYS", default_value_t = 90, env = "SOTTO_RELAY_INBOX_DAYS")]
    pub inbox_days: u32,

    /// Records in a vault at most
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = sotto_protocol::limits::VAULT_RECORDS_MAX as u64,
        env = "SOTTO_RELAY_MAX_VAULT_RECORDS"
    )]
    pub max_vault_records: u64,

    /// Bytes in a vault at most (default: 64 MiB)
    #[arg(long, value_name = "BYTES", default_value_t = 67_108_864, env = "SOTTO_RELAY_MAX_VAULT_BYTES")]
    pub max_vault_bytes: u64,

    /// Days for which nobody gets the name of a deleted account
    #[arg(long, value_name = "DAYS", default_value_t = 30, env = "SOTTO_RELAY_NAME_REST_DAYS")]
    pub name_rest_days: u32,

    /// Keep no message longer than this many days, whatever a room says (default: as long as the room wants)
    #[arg(long, value_name = "DAYS", env = "SOTTO_RELAY_MAX_RETENTION_DAYS")]
    pub max_retention_days: Option<u32>,

    /// Wake devices by web push, and name this address to push services: mailto:somebody@example.org, or an https address
    /// (default: wake nobody)
    #[arg(long, value_name = "ADDR", env = "SOTTO_RELAY_PUSH_CONTACT")]
    pub push_contact: Option<PushContact>,

    /// Push services that the relay posts to, with commas between them: host, *.host or host:port; any for every host of the
    /// internet (default: those of Chromium, Firefox, Safari and Edge)
    #[arg(long, value_name = "HOSTS", env = "SOTTO_RELAY_PUSH_HOSTS")]
    pub push_hosts: Option<PushHosts>,

    /// Where to keep sealed files: disk (in the data folder), s3://bucket/prefix (with credentials and region in the usual AWS_…
    /// variables), or off
    #[arg(long, value_name = "PLACE", default_value = "disk", env = "SOTTO_RELAY_BLOBS")]
    pub blobs: BlobPlace,

    /// Address of the object store, if it is not Amazon's: https://host:9000
    #[arg(long, value_name = "URL", env = "SOTTO_RELAY_BLOBS_ENDPOINT")]
    pub blobs_endpoint: Option<String>,

    /// Take no more sealed files once they are this many bytes together (default: 20 GiB)
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 21_474_836_480,
        env = "SOTTO_RELAY_BLOBS_QUOTA_BYTES"
    )]
    pub blobs_quota_bytes: u64,

    /// The longest sealed file, in bytes (default: a file of 2 GiB)
    #[arg(long, value_name = "BYTES", default_value_t = sotto_protocol::blob::BLOB_MAX_BYTES, env = "SOTTO_RELAY_MAX_BLOB_BYTES")]
    pub max_blob_bytes: u64,

    /// Keep no sealed file longer than this many days, whatever its uploader says; 0 for as long as they say
    #[arg(long, value_name = "DAYS", default_value_t = 180, env = "SOTTO_RELAY_MAX_BLOB_DAYS")]
    pub max_blob_days: u32,

    /// How many sealed files one address may upload in a day (default: by --limits; 1000 where normal)
    #[arg(long, value_name = "COUNT", env = "SOTTO_RELAY_BLOB_UPLOADS_PER_DAY")]
    pub blob_uploads_per_day: Option<u32>,

    /// How many bytes of sealed files one address may upload in a day (default: by --limits; 8 GiB where normal)
    #[arg(long, value_name = "BYTES", env = "SOTTO_RELAY_BLOB_BYTES_PER_DAY")]
    pub blob_bytes_per_day: Option<u64>,

    /// One address takes no more in a day than this part of the free space: 8 for an eighth, 1 for all; its network (of IPv4 24 bits, of IPv6 48)
    /// twice that (default: by --limits; 8 where normal)
    #[arg(
        long,
        value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=1000),
        env = "SOTTO_RELAY_BLOB_FREE_PARTS"
    )]
    pub blob_free_parts: Option<u32>,

    /// How many uploads one address may have begun and not ended (default: by --limits; 16 where normal)
    #[arg(long, value_name = "COUNT", env = "SOTTO_RELAY_BLOB_UNFINISHED")]
    pub blob_unfinished: Option<u32>,

    /// Where the source code of this relay is; people who use the relay find it at /v1/about. The license (AGPL) asks you to
    /// offer it to them, above all where you changed the relay (default: what this program was built with; without one, they are told to ask you)
    #[arg(long, value_name = "URL", default_value = about::BUILT_FROM, env = "SOTTO_RELAY_SOURCE_URL")]
    pub source_url: Option<SourceUrl>,

    /// What to log, to stderr: off, error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "SOTTO_RELAY_LOG")]
    pub log: LevelFilter,

    /// How to log: text, for people, or json, a line of JSON for each event
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "SOTTO_RELAY_LOG_FORMAT")]
    pub log_format: LogFormat,
}

/// How to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("it is text or json"),
        }
    }
}

/// Several values in one, with commas between them.
#[derive(Debug, Clone)]
pub struct List<T>(pub Vec<T>);

impl<T: FromStr> FromStr for List<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}
