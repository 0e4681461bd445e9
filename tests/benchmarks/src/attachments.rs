//! What a file costs, piece by piece, beside bare AES-256-GCM over the same pieces, on one core and on all.

use crate::{
    meter::Meter,
    table::{self, Table},
};
use aes_gcm::{Aes256Gcm, KeyInit as _, aead::AeadInOut as _};
use sha2::{Digest as _, Sha256};
use sotto_crypto::attachment::{FILE_MAX_BYTES, FileState, Opener, PIECE_BYTES, SEALED_PIECE_BYTES, Sealer};
use std::{num::NonZero, thread};

/// The share of bare throughput that is to be reached on one core, with the hash.
const TARGET: f64 = 0.55;
/// How many sealed pieces are at hand for opening: they are opened again and again, so that no file is held in memory.
const SAMPLE_PIECES: usize = 8;

/// Medians in nanoseconds, for the whole file.
pub struct AttachmentCosts {
    file_bytes: usize,
    cores: usize,
    bare_seal: Option<f64>,
    bare_hash: Option<f64>,
    seal: Option<f64>,
    seal_on_all: Option<f64>,
    bare_open: Option<f64>,
    open: Option<f64>,
    open_on_all: Option<f64>,
}

/// Measures a file of `file_bytes`: a power of two, so that it needs no padding.
pub fn measure(meter: &mut impl Meter, file_bytes: usize) -> AttachmentCosts {
    let pieces = file_bytes / PIECE_BYTES;
    // In a browser there is one.
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let cipher = Aes256Gcm::new(&[1; 32].into());
    let mut buffer = Vec::with_capacity(SEALED_PIECE_BYTES);

    let bare_seal = meter.slow(
        "bare AES-256-GCM: encrypt",
        || (),
        |()| {
            for number in 0..pieces {
                buffer.resize(PIECE_BYTES, 7);
                cipher.encrypt_in_place(&nonce(number).into(), &[], &mut buffer).unwrap();
            }
        },
    );
    buffer.resize(SEALED_PIECE_BYTES, 7);
    let bare_hash = meter.slow(
        "bare SHA-256",
        || (),
        |()| (0..pieces).map(|_| Sha256::digest(&buffer)).fold(0, |sum, hash| sum ^ hash[0]),
    );
    let prepare = || sealer(file_bytes);
    let sealed = meter.slow("seal and hash", prepare, |sealer| {
        seal(&sealer, 0, 1);
        sealer.finish([1; 16]).unwrap()
    });
    let seal_on_all = meter.slow("seal and hash on all cores", prepare, |sealer| {
        on_all(cores, |first| seal(&sealer, first, cores));
        sealer.finish([1; 16]).unwrap()
    });

    let (opener, sample) = sample();
    let bare: Vec<_> = (0..SAMPLE_PIECES)
        .map(|number| {
            let mut piece = vec![7; PIECE_BYTES];
            cipher.encrypt_in_place(&nonce(number).into(), &[], &mut piece).unwrap();
            piece
        })
        .collect();
    let bare_open = meter.slow(
        "bare AES-256-GCM: decrypt",
        || (),
        |()| {
            for number in 0..pieces {
                let number = number % SAMPLE_PIECES;
                buffer.clear();
                buffer.extend_from_slice(&bare[number]);
                cipher.decrypt_in_place(&nonce(number).into(), &[], &mut buffer).unwrap();
            }
        },
    );
    let opened = meter.slow("hash and open", || (), |()| open(&opener, &sample, 0..pieces));
    let open_on_all = meter.slow(
        "hash and open on all cores",
        || (),
        |()| {
            on_all(cores, |core| open(&opener, &sample, (core..pieces).step_by(cores)));
        },
    );
    AttachmentCosts {
        file_bytes,
        cores,
        bare_seal,
        bare_hash,
        seal: sealed,
        seal_on_all,
        bare_open,
        open: opened,
        open_on_all,
    }
}

/// Throughput, and its share of the bare cipher's.
pub fn table(costs: &AttachmentCosts) -> String {
    let mebibytes = costs.file_bytes / 1024 / 1024;
    let heading = format!("file of {mebibytes} MiB, pieces of 1 MiB");
    let mut table = Table::new([&heading, "MiB/s", "of bare AES-256-GCM", "target"].map(str::to_owned));
    let rate = |time: Option<f64>| {
        time.map_or_else(table::missing, |time| format!("{:.0}", mebibytes as f64 / (time / 1e9)))
    };
    let mut row = |what: &str, time: Option<f64>, bare: Option<f64>, target: Option<f64>| {
        let share = table::ratio(bare, time);
        let verdict = target.map_or_else(String::new, |target| table::at_least(share, target));
        table.row([what.to_owned(), rate(time), table::times(share), verdict]);
    };
    let on_all = |what: &str| format!("{what}, on {} cores", costs.cores);
    row("bare AES-256-GCM: encrypt", costs.bare_seal, None, None);
    row("bare SHA-256", costs.bare_hash, costs.bare_seal, None);
    row("seal and hash", costs.seal, costs.bare_seal, Some(TARGET));
    row(&on_all("seal and hash"), costs.seal_on_all, costs.bare_seal, None);
    row("bare AES-256-GCM: decrypt", costs.bare_open, None, None);
    row("hash and open", costs.open, costs.bare_open, Some(TARGET));
    row(&on_all("hash and open"), costs.open_on_all, costs.bare_open, None);
    table.to_string()
}

/// A thread for each core; none where there is one core, since browsers have none to give.
fn on_all(cores: usize, work: impl Fn(usize) + Sync) {
    if cores == 1 {
        return work(0);
    }
    thread::scope(|scope| {
        for core in 0..cores {
            let work = &work;
            scope.spawn(move || work(core));
        }
    });
}

fn sealer(file_bytes: usize) -> Sealer {
    Sealer::new(FileState::new(file_bytes as u64, b"benchmark"), FILE_MAX_BYTES).unwrap()
}

/// Seals each `step`th piece from `first` on.
fn seal(sealer: &Sealer, first: usize, step: usize) {
    let mut buffer = Vec::with_capacity(SEALED_PIECE_BYTES);
    for piece in (0..sealer.layout().piece_count()).skip(first).step_by(step) {
        buffer.resize(PIECE_BYTES, 7);
        sealer.seal_piece(piece, &mut buffer).unwrap();
    }
}

fn open(opener: &Opener, sample: &[Vec<u8>], pieces: impl Iterator<Item = usize>) {
    let mut buffer = Vec::with_capacity(SEALED_PIECE_BYTES);
    for piece in pieces {
        let piece = piece % SAMPLE_PIECES;
        buffer.clear();
        buffer.extend_from_slice(&sample[piece]);
        opener.open_piece(piece as u32, &mut buffer).unwrap();
    }
}

fn sample() -> (Opener, Vec<Vec<u8>>) {
    let sealer = sealer(SAMPLE_PIECES * PIECE_BYTES);
    let pieces = (0..sealer.layout().piece_count())
        .map(|piece| {
            let mut buffer = vec![7; PIECE_BYTES];
            sealer.seal_piece(piece, &mut buffer).unwrap();
            buffer
        })
        .collect();
    let (file, index) = sealer.finish([1; 16]).unwrap();
    (Opener::new(&file, index.as_bytes().to_vec(), FILE_MAX_BYTES).unwrap(), pieces)
}

fn nonce(number: usize) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&(number as u64).to_be_bytes());
    nonce
}
