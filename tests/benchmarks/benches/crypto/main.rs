//! What the cryptography costs, natively: messages beside their primitives and their peers, rooms by size, files.
//!
//! `cargo xtask bench crypto` runs it. Criterion measures; the tables at the end are Markdown, ready for `docs/BENCHMARKS.md`.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark stops where it cannot go on, and says what it measured"
)]

mod criterion_meter;
mod megolm;
mod mls;

use criterion_meter::CriterionMeter;
use sotto_benchmarks::{
    attachments, messages, primitives, rooms,
    stage::{SUITES, Stage},
    table,
};
use sotto_crypto::room::Suite;

const ROOM_SIZES: [usize; 4] = [2, 10, 100, 250];
const PEER_SIZES: [usize; 2] = [2, 50];
const FILE_BYTES: usize = 64 * 1024 * 1024;

fn main() {
    let mut meter = CriterionMeter::from_args();

    meter.begin("message");
    let ours = messages::measure(&mut meter);
    let bare = primitives::measure(&mut meter, ours.sizes);
    let mut peers = vec![peer("vodozemac, Megolm", megolm::measure(&mut meter))];
    for (name, suite) in SUITES {
        for size in PEER_SIZES {
            let (seal, open) = mls::measure(&mut meter, name, ciphersuite(suite), size);
            peers.push(peer(&format!("openmls, application message, {size} members, {name}"), (seal, open)));
        }
    }
    let mut tables = vec![table::messages(&ours, &bare, &peers)];

    meter.begin("file");
    tables.push(attachments::table(&attachments::measure(&mut meter, FILE_BYTES)));

    for (name, suite) in SUITES {
        let mut costs = Vec::new();
        Stage::grow(suite, &ROOM_SIZES, |stage| {
            meter.begin(&format!("room, {name}, {} devices", stage.devices));
            costs.push(rooms::measure(&mut meter, stage));
        });
        tables.push(rooms::table(name, &costs));
    }

    println!("\n{}", tables.join("\n"));
}

fn peer(name: &str, (seal, open): (Option<f64>, Option<f64>)) -> (String, Option<f64>, Option<f64>) {
    (name.to_owned(), seal, open)
}

const fn ciphersuite(suite: Suite) -> openmls::prelude::Ciphersuite {
    match suite {
        Suite::Hybrid => openmls::prelude::Ciphersuite::MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519,
        Suite::Classical => openmls::prelude::Ciphersuite::MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519,
    }
}
