//! Set-up and habits: run, test, web, bench, fuzz, and the checks that keep the house rules.
//!
//! Everything that a person or a machine does with this repository goes through here, so that both do the same.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "telling what it does is this program's job")]

mod args;
mod bench;
mod deny;
mod fuzz;
mod report;
mod run;
mod setup;
mod simulate;
mod test;
mod tidy;
mod web;
mod workspace;

use args::{Args, Simulation, Task};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = match Args::parse().task {
        Task::Run { listen, data } => run::run(&listen, &data),
        Task::Test { quick, filters } => test::run(quick, &filters),
        Task::Web { dev } => web::run(dev),
        Task::Bench { what, filter } => bench::run(what, &filter),
        Task::Fuzz { seconds, target } => fuzz::run(seconds, target.as_deref()),
        Task::Simulate { simulation: Simulation::Crypto { runs, seed } } => simulate::run_crypto(runs, seed),
        Task::Tidy => tidy::run(),
        Task::Setup => setup::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
