//! Corpus replay: the committed seeds, and fresh ones, through every target, on stable and without instruments.

use sotto_fuzz_targets::{TARGETS, seeds};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Most bytes of all committed seeds together.
const MAX_SEED_BYTES: u64 = 200_000;

/// Targets whose every input takes much cryptography: they are tried at fewer places.
const SLOW: [&str; 4] = ["join_by_anyone", "record_contents", "typed_name", "vault_contents"];

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

#[test]
fn the_committed_seeds_break_nothing() {
    let mut total = 0;
    for (name, target) in TARGETS {
        let folder = fuzz_folder().join("seeds").join(name);
        let files: Vec<_> = fs::read_dir(&folder).into_iter().flatten().map(Result::unwrap).collect();
        assert!(files.len() >= 3, "{name} has no seeds: cargo run -p sotto-fuzz-targets --example seeds");
        for file in files {
            let input = fs::read(file.path()).unwrap();
            total += input.len() as u64;
            target(&input);
        }
    }
    assert!(total <= MAX_SEED_BYTES, "{total} bytes of seeds");
}

#[test]
fn real_encodings_cut_and_flipped_anywhere_break_nothing() {
    for (name, target) in TARGETS {
        for real in seeds::of(name) {
            target(&real);
            let places = if SLOW.contains(name) { 8 } else { 40 };
            let step = (real.len() / places).max(1);
            for place in (0..real.len()).step_by(step) {
                target(&real[..place]);
                let mut flipped = real.clone();
                flipped[place] ^= 1 << (place % 8);
                target(&flipped);
            }
        }
    }
}

/// Edits over real bytes: a little of what libFuzzer does, the same in every run.
#[test]
fn edits_of_real_rooms_cards_and_commits_break_nothing() {
    for (name, runs) in [("card", 60), ("commit", 150), ("stored_join", 150), ("stored_room", 300)] {
        for run in 0..runs {
            let place = (run * 257 % 65_536_u32).to_be_bytes();
            let what = (run % 5) as u8;
            sotto_fuzz_targets::run(name, &[1 + (run % 2) as u8, place[2], place[3], what, 0xff]);
        }
    }
}

#[test]
fn every_target_has_its_program() {
    let manifest = fs::read_to_string(fuzz_folder().join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        let program = fs::read_to_string(fuzz_folder().join(format!("fuzz_targets/{name}.rs")));
        let runs = format!("sotto_fuzz_targets::run(\"{name}\", input)");
        assert!(program.is_ok_and(|text| text.contains(&runs)), "fuzz/fuzz_targets/{name}.rs is missing");
        assert!(
            manifest.contains(&format!("name = \"{name}\"\n")),
            "fuzz/Cargo.toml has no `[[bin]]` {name}"
        );
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
}
