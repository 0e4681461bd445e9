//! `sotto-relay config`: settings as an operator sees them.

use super::args::Settings;
use super::settings_file::flags;
use clap::ArgMatches;
use clap::parser::ValueSource;
use sotto_relay::{BlobRates, Config, Database, Limits, Rate, Rates, TlsFiles};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

impl Settings {
    /// As the relay takes them.
    pub fn to_config(&self) -> Config {
        let mut config = Config::new(self.listen, &self.data);
        // One file may hold both.
        config.tls = self.tls_certificate.as_ref().or(self.tls_key.as_ref()).map(|certificate| TlsFiles {
            certificate: certificate.clone(),
            key: self.tls_key.as_ref().unwrap_or(certificate).clone(),
        });
        config.names = self.names.clone().map(|list| list.0).unwrap_or_default();
        if let Some(url) = &self.database {
            config.database = Database::Postgres(url.clone());
        }
        config.metrics = self.metrics;
        config.nats = self.nats.clone();
        config.max_database_bytes = self.max_database_bytes;
        config.max_retention =
            self.max_retention_days.map(|days| Duration::from_secs(u64::from(days) * 24 * 60 * 60));
        config.push.contact = self.push_contact.clone();
        config.push.hosts = self.push_hosts.clone().unwrap_or_default();
        config.accounts.registration = self.registration;
        config.accounts.guests = self.guests;
        config.accounts.session_idle_days = self.session_days;
        config.accounts.secrets_file = self.secrets.clone();
        config.accounts.reserved_names = self.reserved_names.clone().map(|list| list.0).unwrap_or_default();
        config.accounts.trusted_proxies = self.trusted_proxies.clone().map(|list| list.0).unwrap_or_default();
        config.limits = self.limits();
        config.accounts.rates = Rates::new(self.limits);
        if let Some(count) = self.accounts_per_day {
            config.accounts.rates.register = Rate::per_day(count);
        }
        config.accounts.inbox_max_letters = self.max_inbox_letters;
        config.accounts.inbox_days = self.inbox_days;
        config.accounts.vault_max_records = self.max_vault_records;
        config.accounts.vault_max_bytes = self.max_vault_bytes;
        config.accounts.name_rest_days = self.name_rest_days;
        for rate in self.rates.iter().flat_map(|rates| &rates.0) {
            config.limits.set(*rate);
            config.accounts.rates.set(*rate);
        }
        for timeout in self.timeouts.iter().flat_map(|timeouts| &timeouts.0) {
            config.tuning.set(*timeout);
        }
        config.tuning.header_max_bytes = self.max_header_bytes as usize;
        config.tuning.live_queue_max_bytes = self.slow_reader_bytes as usize;
        config.source = self.source_url.clone();
        config.blobs.place = self.blobs.clone();
        config.blobs.endpoint = self.blobs_endpoint.clone();
        config.blobs.quota_bytes = self.blobs_quota_bytes;
        config.blobs.max_bytes = self.max_blob_bytes;
        config.blobs.max_days = (self.max_blob_days > 0).then_some(self.max_blob_days);
        config.blobs.by_address = self.blob_rates();
        config
    }

    fn blob_rates(&self) -> BlobRates {
        let mut rates = BlobRates::new(self.limits);
        rates.uploads_per_day = self.blob_uploads_per_day.unwrap_or(rates.uploads_per_day);
        rates.bytes_per_day = self.blob_bytes_per_day.unwrap_or(rates.bytes_per_day);
        rates.free_parts =
            self.blob_free_parts.map_or(rates.free_parts, |parts| (parts > 1).then_some(parts));
        rates.unfinished = self.blob_unfinished.unwrap_or(rates.unfinished);
        rates
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits::new(self.limits);
        limits.connections = self.max_connections.unwrap_or(limits.connections);
        limits.connections_by_address = self.connections_per_address.unwrap_or(limits.connections_by_address);
        limits.waiting_bytes = self.waiting_bytes.unwrap_or(limits.waiting_bytes);
        limits.rooms = self.rooms_per_day.map_or(limits.rooms, Rate::per_day);
        limits
    }
}

/// A settings file that says nothing, with everything that it could say.
pub fn example() -> String {
    let mut example = String::from(
        "# Settings of sotto-relay. The command line (--listen) and the environment (SOTTO_RELAY_LISTEN) come before this file.\n\
         # Give it with --config, or put it at /etc/sotto/relay.toml.\n",
    );
    for flag in flags() {
        let Some(long) = flag.get_long().filter(|long| *long != "config") else { continue };
        example.push('\n');
        let help = flag.get_long_help().or(flag.get_help()).map(ToString::to_string).unwrap_or_default();
        for line in help.lines() {
            // Writing into a string cannot fail.
            let _ = writeln!(example, "# {line}");
        }
        let value = flag.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
        let name = flag.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
        let is_plain = is_plain(&flag);
        let value = value.unwrap_or_else(|| name.unwrap_or_default());
        let value = if is_plain { value } else { format!("{value:?}") };
        let _ = writeln!(example, "# {} = {value}", long.replace('-', "_"));
    }
    example
}

/// Whether its values stand without quotes: numbers, yes and no.
fn is_plain(flag: &clap::Arg) -> bool {
    use std::any::TypeId;
    let kind = flag.get_value_parser().type_id();
    let numbers = [TypeId::of::<u64>(), TypeId::of::<u32>(), TypeId::of::<u16>(), TypeId::of::<usize>()];
    kind == TypeId::of::<bool>() || numbers.into_iter().any(|number| kind == number)
}

/// The settings in force, a line each, with where they come from.
pub fn show(matches: &ArgMatches, file: Option<&Path>) -> String {
    let mut shown = String::new();
    for flag in flags() {
        let Some(long) = flag.get_long().filter(|long| *long != "config") else { continue };
        let id = flag.get_id().as_str();
        let source = match matches.value_source(id) {
            Some(ValueSource::CommandLine) => "command line",
            Some(ValueSource::EnvVariable) => "environment",
            Some(_) if is_from_file(&flag, matches) => "settings file",
            Some(_) => "built in",
            None => continue,
        };
        let is_secret = flag.is_hide_env_values_set();
        let value = match matches.get_raw(id).and_then(|mut values| values.next()) {
            Some(_) if is_secret => "(set, not shown)".to_owned(),
            Some(value) => value.to_string_lossy().into_owned(),
            None => continue,
        };
        // Writing into a string cannot fail.
        let _ = writeln!(shown, "{} = {value}    # {source}", long.replace('-', "_"));
    }
    if let Some(file) = file {
        let _ = writeln!(shown, "# settings file: {}", file.display());
    }
    shown
}

fn is_from_file(flag: &clap::Arg, matches: &ArgMatches) -> bool {
    let built_in = flag.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
    let value = matches.get_raw(flag.get_id().as_str()).and_then(|mut values| values.next());
    value.map(|value| value.to_string_lossy().into_owned()) != built_in
}

#[cfg(test)]
mod tests {
    use super::super::args::{Arguments, Command};
    use super::*;
    use clap::Parser as _;
    use sotto_relay::{Counted, Timed};

    fn config(arguments: &[&str]) -> Config {
        let all = ["sotto-relay", "serve"].iter().chain(arguments);
        match Arguments::try_parse_from(all).unwrap().command {
            Command::Serve(settings) => settings.to_config(),
            _ => unreachable!("serve was asked for"),
        }
    }

    #[test]
    fn one_word_sets_all_limits_and_a_number_sets_its_own() {
        let usual = config(&[]);
        assert_eq!((usual.limits.connections_by_address, usual.limits.rooms.burst), (256, 200));
        let strict = config(&["--limits", "strict", "--rooms-per-day", "7", "--accounts-per-day", "3"]);
        assert_eq!((strict.limits.connections_by_address, strict.limits.rooms.burst), (64, 7));
        assert_eq!(strict.accounts.rates.register, Rate::per_day(3));
        assert_eq!(strict.accounts.rates.password, usual.accounts.rates.password);
        let off = config(&["--limits", "off", "--max-connections", "9", "--connections-per-address", "8"]);
        assert_eq!((off.limits.connections, off.limits.connections_by_address), (9, 8));
        assert_eq!(off.limits.requests, Rate::UNLIMITED);
        assert_eq!(off.accounts.rates.password, usual.accounts.rates.password, "guessing is never free");
    }

    #[test]
    fn every_rate_and_time_limit_can_be_set_by_its_name() {
        let all: Vec<_> = Counted::ALL.iter().map(|(name, _)| format!("{name}=7/11")).collect();
        let Config { limits, accounts, .. } = config(&["--rates", &all.join(",")]);
        let Rates { calls, register, login, deposit, lookup, password, name, proof, room_tokens } =
            accounts.rates;
        let of_accounts = [calls, register, login, deposit, lookup, password, name, proof, room_tokens];
        let Limits { sockets, rooms, opens, cards, joins, bytes_by_address, day_bytes_by_address, .. } =
            limits;
        let of_addresses = [sockets, rooms, opens, cards, joins, bytes_by_address, day_bytes_by_address];
        let of_rooms = [&of_addresses[..], &[limits.requests, limits.bytes]].concat();
        assert!(of_accounts.iter().chain(&of_rooms).all(|rate| *rate == Rate { burst: 7, every_s: 11.0 }));
        assert_eq!(of_accounts.len() + of_rooms.len(), Counted::ALL.len());
        let one =
            config(&["--limits", "off", "--rates", "rooms=5/60", "--timeouts", "header=3, silence=120"]);
        assert_eq!((one.limits.rooms.burst, one.limits.opens), (5, Rate::UNLIMITED));
        assert_eq!(one.tuning.header_timeout, Duration::from_secs(3));
        assert_eq!(one.tuning.drop_after, Duration::from_secs(120));
        let refused =
            ["--rates=rooms=0/1", "--rates=doors=1/1", "--timeouts=header=no", "--max-header-bytes=100"];
        for refused in refused {
            assert!(Arguments::try_parse_from(["sotto-relay", "serve", refused]).is_err(), "{refused}");
        }
        let help = flags();
        let names_in = |flag: &str, names: Vec<&str>| {
            let flag = help.iter().find(|known| known.get_long() == Some(flag)).unwrap();
            let help = flag.get_help().unwrap().to_string();
            names.iter().all(|name| help.contains(&format!(" {name}")))
        };
        assert!(names_in("rates", Counted::ALL.map(|(name, _)| name).to_vec()), "the help names them all");
        assert!(names_in("timeouts", Timed::ALL.map(|(name, _)| name).to_vec()), "the help names them all");
    }

    #[test]
    fn certificate_and_key_may_be_in_one_file_and_neither_is_passed_over() {
        assert!(config(&[]).tls.is_none());
        for arguments in [["--tls-certificate", "both.pem"], ["--tls-key", "both.pem"]] {
            let files = config(&arguments).tls.unwrap();
            assert_eq!((files.certificate, files.key), ("both.pem".into(), "both.pem".into()));
        }
        let files = config(&["--tls-certificate", "chain.pem", "--tls-key", "key.pem"]).tls.unwrap();
        assert_eq!((files.certificate, files.key), ("chain.pem".into(), "key.pem".into()));
    }
}
