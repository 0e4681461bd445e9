//! The settings file: a flat TOML table whose keys are the long flags, with underscores for hyphens.
//!
//! What it says becomes the default of the flag, so that the command line and the environment come before it and every value
//! is read and refused in the same way wherever it stands.

use super::args::Arguments;
use clap::{Arg, Command, CommandFactory as _};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Read if no other file is named, where there is one.
const USUAL_PLACE: &str = "/etc/sotto/relay.toml";

/// Why a settings file is no good.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not there, or not to be read.
    #[error("cannot read the settings file {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not TOML. The library's own words would quote the line, and with it perhaps a password.
    #[error("the settings file {} is not TOML near line {line}", path.display())]
    Toml {
        /// Which.
        path: PathBuf,
        /// Where.
        line: usize,
    },
    /// There is no such setting.
    #[error("the settings file {} has `{key}`, which is no setting", path.display())]
    Unknown {
        /// Which.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A value is a list or a table.
    #[error("`{key}` in the settings file {} must be a text, a number or true/false", path.display())]
    Shape {
        /// Which.
        path: PathBuf,
        /// The key.
        key: String,
    },
}

impl FileError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Read { .. } => "check the path given with --config".to_owned(),
            Self::Toml { .. } => {
                "a line is `key = \"text\"` or `key = number`; texts stand in quotes".to_owned()
            }
            Self::Unknown { .. } | Self::Shape { .. } => {
                "`sotto-relay config example` prints every setting there is".to_owned()
            }
        }
    }
}

/// The command with the file's values as defaults, and the path of the file, if there is one.
pub fn command_with_file(named: Option<PathBuf>) -> Result<(Command, Option<PathBuf>), FileError> {
    // Settings stand behind the last word of a command, however many words it has.
    let command =
        Arguments::command().mut_subcommand("admin", |admin| admin.mut_args(|arg| arg.global(true)));
    let Some(path) = named.or_else(|| Path::new(USUAL_PLACE).is_file().then(|| USUAL_PLACE.into())) else {
        return Ok((command, None));
    };
    let values = read(&path)?;
    Ok((with_defaults(command, &values), Some(path)))
}

fn read(path: &Path) -> Result<BTreeMap<String, String>, FileError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
        FileError::Toml { path: path.to_owned(), line }
    })?;
    let flags = flags();
    let mut values = BTreeMap::new();
    for (key, value) in table {
        let flag = key.replace('_', "-");
        if !flags.iter().any(|known| known.get_long() == Some(flag.as_str())) {
            return Err(FileError::Unknown { path: path.to_owned(), key });
        }
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(number) => number.to_string(),
            toml::Value::Boolean(is_set) => is_set.to_string(),
            _ => return Err(FileError::Shape { path: path.to_owned(), key }),
        };
        values.insert(flag, value);
    }
    Ok(values)
}

fn with_defaults(command: Command, values: &BTreeMap<String, String>) -> Command {
    let command = command.mut_args(|arg| {
        let value = arg.get_long().and_then(|long| values.get(long)).cloned();
        match value {
            Some(value) => arg.default_value(value),
            None => arg,
        }
    });
    command.mut_subcommands(|sub| with_defaults(sub, values))
}

/// The settings, as flags of `serve`.
pub fn flags() -> Vec<Arg> {
    let command = Arguments::command();
    let serve = command.find_subcommand("serve");
    serve
        .map(|serve| serve.get_arguments().filter(|arg| arg.get_long() != Some("help")).cloned().collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::FromArgMatches as _;

    fn listen(file: &str, arguments: &[&str]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relay.toml");
        std::fs::write(&path, file).unwrap();
        let (command, _) = command_with_file(Some(path)).map_err(|error| error.to_string())?;
        let all = ["sotto-relay", "serve"].iter().chain(arguments);
        let matches = command.try_get_matches_from(all).map_err(|error| error.to_string())?;
        match Arguments::from_arg_matches(&matches).unwrap().command {
            super::super::args::Command::Serve(settings) => Ok(settings.listen.to_string()),
            _ => unreachable!("serve was asked for"),
        }
    }

    #[test]
    fn the_command_line_comes_before_the_file_and_the_file_before_what_is_built_in() {
        assert_eq!(listen("", &[]).unwrap(), "127.0.0.1:8080");
        assert_eq!(
            listen("listen = \"0.0.0.0:9000\"\nmax_database_bytes = 500000", &[]).unwrap(),
            "0.0.0.0:9000"
        );
        assert_eq!(listen("listen = \"0.0.0.0:9000\"", &["--listen", "[::1]:1"]).unwrap(), "[::1]:1");
    }

    #[test]
    fn what_is_wrong_in_the_file_is_named_without_its_value() {
        for (file, expected) in [
            ("listen = \"nonsense\"", "invalid value"),
            ("lisen = \"0.0.0.0:1\"", "`lisen`"),
            ("listen = [1]", "`listen`"),
            ("\n\ndatabase = postgres://u:hunter2@h/d", "near line 3"),
        ] {
            let error = listen(file, &[]).unwrap_err();
            assert!(error.contains(expected) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_example_is_a_good_file_and_names_every_setting() {
        let example = super::super::settings::example();
        assert_eq!(listen(&example, &[]).unwrap(), "127.0.0.1:8080");
        let set: String = example
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .fold(String::new(), |all, line| all + line + "\n");
        for flag in flags() {
            let key = flag.get_long().unwrap().replace('-', "_");
            assert!(key == "config" || set.contains(&format!("{key} = ")), "{key}");
        }
    }
}
