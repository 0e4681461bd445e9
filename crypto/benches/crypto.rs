//! What the cryptography costs: sealing and opening a message, making and taking in a commit, joining; for both suites.
//!
//! `cargo xtask bench` runs it. Rooms of 10 and 100 devices are grown as they grow in life, one join after the other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    reason = "a benchmark stops where it cannot go on, and says what it measured"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use sotto_crypto::{
    link::InviteLink,
    room::{Handshake, Room, RoomChange, Suite},
};
use std::hint::black_box;
use support::{Person, hear, invite, receive, say, start};
use zeroize::Zeroizing;

const SIZES: [usize; 2] = [10, 100];
const SUITES: [(&str, Suite); 2] = [("hybrid", Suite::Hybrid), ("classical", Suite::Classical)];

/// A room of some size, as its maker and as another member has it.
struct Grown {
    ada: Person,
    bob: Person,
    link: InviteLink,
    card: Handshake,
    adas: Zeroizing<Vec<u8>>,
    bobs: Zeroizing<Vec<u8>>,
}

impl Grown {
    fn new(suite: Suite, devices: usize) -> Self {
        let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
        let mut adas = ada.creates(suite);
        let (link, card) = invite(&mut adas, &ada, None);
        let joining = bob.tries_to_join(&link, &card, adas.epoch()).unwrap();
        receive(&mut adas, &joining.handshake).unwrap();
        let (mut bobs, mut card) = (joining.room, joining.handshake);
        for number in 2..devices {
            let guest = Person::new(&format!("Guest {number}"));
            card = guest.tries_to_join(&link, &card, adas.epoch()).unwrap().handshake;
            receive(&mut adas, &card).unwrap();
            receive(&mut bobs, &card).unwrap();
        }
        let (adas, bobs) = (adas.save().unwrap(), bobs.save().unwrap());
        Self { ada, bob, link, card, adas, bobs }
    }

    fn adas(&self) -> Room {
        Room::load(self.link.room, self.ada.own.device.clone(), &self.adas).unwrap()
    }

    fn bobs(&self) -> Room {
        Room::load(self.link.room, self.bob.own.device.clone(), &self.bobs).unwrap()
    }
}

fn messages(criterion: &mut Criterion) {
    let grown = Grown::new(Suite::Hybrid, 2);
    let (adas, bobs) = (grown.adas(), grown.bobs());
    let text = "x".repeat(256);
    let sealed = say(&adas, &text);
    criterion.bench_function("message of 256 B: seal", |bencher| {
        bencher.iter(|| say(black_box(&adas), &text));
    });
    criterion.bench_function("message of 256 B: open", |bencher| {
        bencher.iter(|| hear(black_box(&bobs), &sealed).unwrap());
    });
}

fn rooms(criterion: &mut Criterion) {
    for (name, suite) in SUITES {
        for devices in SIZES {
            let grown = Grown::new(suite, devices);
            let mut group = criterion.benchmark_group(format!("room of {devices} devices, {name}"));
            group.sample_size(10);
            group.bench_function(BenchmarkId::from_parameter("commit: create"), |bencher| {
                let create = |mut room: Room| room.commit(&RoomChange::Rotate, start(&room)).unwrap();
                bencher.iter_batched(|| grown.adas(), create, BatchSize::PerIteration);
            });
            let mut adas = grown.adas();
            let commit = adas.commit(&RoomChange::Rotate, start(&adas)).unwrap();
            group.bench_function(BenchmarkId::from_parameter("commit: judge and merge"), |bencher| {
                let take = |mut room: Room| receive(&mut room, &commit).unwrap();
                bencher.iter_batched(|| grown.bobs(), take, BatchSize::PerIteration);
            });
            let epoch = adas.epoch();
            let join = || Person::new("Newcomer").tries_to_join(&grown.link, &grown.card, epoch).unwrap();
            group.bench_function(BenchmarkId::from_parameter("external join: create"), |bencher| {
                bencher.iter(join);
            });
            let joining = join();
            group.bench_function(BenchmarkId::from_parameter("external join: judge and merge"), |bencher| {
                let take = |mut room: Room| receive(&mut room, &joining.handshake).unwrap();
                bencher.iter_batched(|| grown.bobs(), take, BatchSize::PerIteration);
            });
            group.finish();
            eprintln!(
                "room of {devices} devices, {name}: commit {} B, card {} B, stored {} B",
                commit.entry.len(),
                commit.card.len(),
                grown.adas.len()
            );
        }
    }
}

criterion_group!(benches, messages, rooms);
criterion_main!(benches);
