//! A world of people, devices, a relay and a bad network, in which anything may happen in any order: whatever did, rooms keep
//! what they promise.
//!
//! [`actions`] says what can happen, [`world`] (with [`wishes`], [`joins`], [`wedge`], [`attack`], [`damage`], [`client`], [`relay`] and [`people`]) makes it
//! happen, [`rules`] is a second opinion on who may do what, [`properties`] and [`outsiders`] say what must hold.
//!
//! `SOTTO_SIMULATIONS` says how many sequences are run; `PROPTEST_RNG_SEED` makes a run choose the same ones again. A sequence
//! that failed is kept in `regressions.txt` beside this file, and tried first from then on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a simulation stops where it fails"
)]

mod actions;
mod attack;
mod client;
mod damage;
mod joins;
mod outsiders;
mod people;
mod properties;
mod relay;
mod rules;
mod wedge;
mod wishes;
mod world;

use actions::{Action, actions};
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};
use sotto_crypto::room::Suite;
use std::{cell::RefCell, collections::BTreeMap};
use world::World;

/// Sequences in an ordinary test run, over all tests here.
const SIMULATIONS: u32 = 256;

#[test]
fn a_few_people_do_many_things() {
    simulate(Suite::Classical, [3, 3], 18, 5, false);
}

#[test]
fn many_people_do_some_things() {
    simulate(Suite::Classical, [8, 4], 15, 5, false);
}

#[test]
fn newcomers_read_what_is_shared() {
    simulate(Suite::Classical, [4, 2], 18, 4, true);
}

#[test]
fn a_hybrid_room_is_no_different() {
    simulate(Suite::Hybrid, [4, 3], 10, 2, false);
}

/// Runs `share` sixteenths of the sequences.
fn simulate(suite: Suite, [accounts, here]: [usize; 2], most_actions: usize, share: u32, is_shared: bool) {
    let runs =
        std::env::var("SOTTO_SIMULATIONS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(SIMULATIONS);
    let config = Config {
        cases: (runs * share).div_ceil(16),
        max_shrink_time: 120_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/simulation/regressions.txt",
        ))),
        ..Config::default()
    };
    let cases = config.cases;
    let tally = RefCell::new(BTreeMap::new());
    let outcome = TestRunner::new(config).run(&actions(most_actions), |actions| {
        for (what, often) in run(suite, [accounts, here], is_shared, &actions) {
            *tally.borrow_mut().entry(what).or_insert(0) += often;
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    println!("{cases} sequences with {accounts} accounts, {suite:?}: {:#?}", tally.borrow());
}

/// Runs a sequence and gives how often what happened.
fn run(
    suite: Suite,
    [accounts, here]: [usize; 2],
    is_shared: bool,
    actions: &[Action],
) -> BTreeMap<&'static str, u32> {
    let mut world = World::new(suite, accounts, here, is_shared);
    world.check_step();
    for action in actions {
        world.act(action);
        world.check_step();
    }
    world.check_end();
    world.tally
}
