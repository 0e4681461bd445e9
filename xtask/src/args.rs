//! The command line.

use clap::{Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Set-up and habits of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub task: Task,
}

/// One habit.
#[derive(Subcommand)]
pub enum Task {
    /// Build everything and start a relay with the web client inside
    #[command(after_help = "The first build takes some minutes. Data stays in the data folder between runs.")]
    Run {
        /// Address to listen on
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// Folder of the relay's database
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
    },
    /// Run every test there is: format, lints, house rules, unit tests, stories with a real relay and browser
    #[command(
        after_help = "Nothing is left out silently: what cannot run here is an error that says what to install."
    )]
    Test {
        /// Leave out the web build and the whole-system stories
        #[arg(long, conflicts_with = "filters")]
        quick: bool,
        /// Run only the tests whose names contain one of these, without format, lints and house rules
        #[arg(value_name = "FILTER")]
        filters: Vec<String>,
    },
    /// Build the web client into target/web
    Web {
        /// Compress lightly, for a quick look
        #[arg(long)]
        dev: bool,
    },
    /// Run the benchmarks
    #[command(
        after_help = "At the end of `crypto` and `wasm` stand tables in Markdown, ready for docs/BENCHMARKS.md."
    )]
    Bench {
        /// Which of them
        #[arg(value_enum, default_value_t)]
        what: Benchmarks,
        /// Run only those whose names contain this (not in the browser)
        #[arg(value_name = "FILTER")]
        filter: Vec<String>,
    },
    /// Run the fuzz targets, with a nightly toolchain
    #[command(after_help = "What is found lands in fuzz/artifacts, new inputs in fuzz/corpus.")]
    Fuzz {
        /// How long to run each target
        #[arg(long, value_name = "N", default_value_t = 60)]
        seconds: u32,
        /// Run only this one
        #[arg(value_name = "TARGET")]
        target: Option<String>,
    },
    /// Run a simulation far longer than the tests do
    Simulate {
        /// Of what
        #[command(subcommand)]
        simulation: Simulation,
    },
    /// Check the house rules: dependency arrows, crypto generations, file sizes, the license's text
    Tidy,
    /// Install what building and testing need
    Setup,
}

/// Something that is simulated.
#[derive(Subcommand)]
pub enum Simulation {
    /// Rooms: members, devices, a relay and a bad network, in any order
    Crypto {
        /// How many sequences
        #[arg(long, value_name = "N", default_value_t = 10_000)]
        runs: u32,
        /// Choose the same sequences as an earlier run
        #[arg(long, value_name = "SEED")]
        seed: Option<u64>,
    },
}

/// Which benchmarks.
#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Benchmarks {
    /// All there are
    #[default]
    All,
    /// Messages, rooms and files, natively
    Crypto,
    /// The same in a browser
    Wasm,
    /// The relay under load
    Relay,
}
