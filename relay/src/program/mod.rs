//! The program: commands, settings, and what is printed.

mod admin;
mod args;
mod copies;
mod serve;
mod settings;
mod settings_file;

use args::{Arguments, Command, ConfigCommand};
use clap::FromArgMatches as _;
use clap::parser::ValueSource;
use sotto_relay::upkeep::{self, Finding};
use std::future::Future;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Why a command did not do what it was to do.
pub struct Failure {
    what: String,
    help: String,
}

impl Failure {
    fn new(what: impl ToString, help: impl Into<String>) -> Self {
        Self { what: what.to_string(), help: help.into() }
    }
}

/// Does what the arguments say.
pub fn run() -> ExitCode {
    match run_command() {
        Ok(code) => code,
        Err(Failure { what, help }) => {
            let mut stderr = std::io::stderr().lock();
            // With stderr gone there is nobody to tell; the exit code still says it.
            let _ = writeln!(stderr, "error: {what}\nhelp: {help}");
            ExitCode::FAILURE
        }
    }
}

fn run_command() -> Result<ExitCode, Failure> {
    let (command, file) =
        settings_file::command_with_file(named_file()).map_err(|error| Failure::new(&error, error.help()))?;
    let matches = command.get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match arguments.command {
        Command::Serve(settings) => in_runtime(serve::serve(settings))?,
        Command::Config { command: ConfigCommand::Example } => print(&settings::example()),
        Command::Config { command: ConfigCommand::Check(settings) } => {
            let mut wrong = Vec::new();
            in_runtime(async {
                wrong = upkeep::check(&settings.to_config()).await;
                Ok(())
            })?;
            wrong.iter().for_each(report);
            if !wrong.is_empty() {
                return Ok(ExitCode::FAILURE);
            }
            print("the settings are good\n");
        }
        Command::Config { command: ConfigCommand::Show(_) } => {
            let show = matches.subcommand().and_then(|(_, config)| config.subcommand());
            if let Some((_, show)) = show {
                print(&settings::show(show, file.as_deref()));
            }
        }
        Command::Migrate(settings) => in_runtime(async move {
            let config = settings.to_config();
            upkeep::migrate(&config).await.map_err(|error| Failure::new(&error, error.help()))?;
            print("the database is up to date\n");
            Ok(())
        })?,
        Command::Backup { folder, verify, settings } => {
            in_runtime(copies::back_up(folder, verify, settings))?
        }
        Command::Restore { from, settings } => in_runtime(copies::restore(from, settings))?,
        Command::Admin(arguments) => in_runtime(admin::run(*arguments))?,
        Command::Doctor(settings) => {
            let mut is_well = true;
            in_runtime(async {
                let findings = upkeep::examine(&settings.to_config()).await;
                is_well = findings.iter().all(|finding| finding.state.is_ok());
                findings.iter().for_each(report);
                Ok(())
            })?;
            return Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The settings file that is named, wherever it stands: it must be read before the rest can be understood.
fn named_file() -> Option<PathBuf> {
    use clap::CommandFactory as _;
    let matches = Arguments::command().ignore_errors(true).disable_help_flag(true).get_matches();
    let mut all = vec![&matches];
    let mut deepest = &matches;
    while let Some((_, inner)) = deepest.subcommand() {
        all.push(inner);
        deepest = inner;
    }
    let named = |matches: &&clap::ArgMatches| {
        let is_said = matches!(
            matches.value_source("config"),
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        );
        is_said.then(|| matches.get_one::<PathBuf>("config").cloned()).flatten()
    };
    all.iter().rev().find_map(named)
}

fn in_runtime(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    // Every connection is an open file; where the limit cannot be raised, the system's own holds.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let help = "check the system's limits on threads and open files";
    runtime.map_err(|error| Failure::new(format!("cannot start: {error}"), help))?.block_on(work)
}

fn report(finding: &Finding) {
    match &finding.state {
        Ok(state) => print(&format!("ok    {}: {state}\n", finding.what)),
        Err((state, help)) => print(&format!("BAD   {}: {state}\n      help: {help}\n", finding.what)),
    }
}

fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    // Whoever closed stdout does not want to know.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}
