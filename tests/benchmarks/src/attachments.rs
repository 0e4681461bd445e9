//! What a file costs, chunk by chunk, beside bare AES-256-GCM over the same chunks.

use crate::{
    meter::Meter,
    table::{self, Table},
};
use aes_gcm::{Aes256Gcm, KeyInit as _, aead::AeadInOut as _};
use sotto_crypto::attachment::{
    AttachmentRef, BlobHash, CHUNK_BYTES, Download, FILE_MAX_BYTES, FileState, Opener, SEALED_CHUNK_BYTES,
    Sealer,
};

/// The share of bare throughput that is to be reached.
const TARGET: f64 = 0.8;

/// Medians in nanoseconds, for the whole file.
pub struct AttachmentCosts {
    file_bytes: usize,
    bare_seal: Option<f64>,
    seal: Option<f64>,
    seal_and_hash: Option<f64>,
    bare_open: Option<f64>,
    open: Option<f64>,
    open_and_hash: Option<f64>,
}

/// Measures a file of `file_bytes`: a power of two, so that it needs no padding.
pub fn measure(meter: &mut impl Meter, file_bytes: usize) -> AttachmentCosts {
    let (file, blob) = seal(file_bytes);
    let opener = Opener::new(&file, FILE_MAX_BYTES).unwrap();
    let cipher = Aes256Gcm::new(&[1; 32].into());
    let mut buffer = Vec::with_capacity(SEALED_CHUNK_BYTES);

    let bare_seal = meter.slow(
        "bare AES-256-GCM: encrypt",
        || (),
        |()| {
            for number in 0..file_bytes / CHUNK_BYTES {
                buffer.resize(CHUNK_BYTES, 7);
                cipher.encrypt_in_place(&nonce(number).into(), &[], &mut buffer).unwrap();
            }
        },
    );
    let sealed = meter.slow(
        "seal",
        || sealer(file_bytes),
        |mut sealer| {
            while sealer.wants().is_some() {
                buffer.resize(CHUNK_BYTES, 7);
                sealer.seal(&mut buffer).unwrap();
            }
        },
    );
    let seal_and_hash = meter.slow(
        "seal and hash",
        || (sealer(file_bytes), BlobHash::default()),
        |(mut sealer, mut hash)| {
            while sealer.wants().is_some() {
                buffer.resize(CHUNK_BYTES, 7);
                sealer.seal(&mut buffer).unwrap();
                hash.update(&buffer);
            }
            sealer.finish(&hash, [1; 16]).unwrap()
        },
    );

    let mut bare = Vec::with_capacity(blob.len());
    for number in 0..file_bytes / CHUNK_BYTES {
        buffer.resize(CHUNK_BYTES, 7);
        cipher.encrypt_in_place(&nonce(number).into(), &[], &mut buffer).unwrap();
        bare.extend_from_slice(&buffer);
    }
    let bare_open = meter.slow(
        "bare AES-256-GCM: decrypt",
        || (),
        |()| {
            for (number, chunk) in bare.chunks(SEALED_CHUNK_BYTES).enumerate() {
                buffer.clear();
                buffer.extend_from_slice(chunk);
                cipher.decrypt_in_place(&nonce(number).into(), &[], &mut buffer).unwrap();
            }
        },
    );
    drop(bare);
    let opened = meter.slow(
        "open",
        || (),
        |()| {
            for (number, chunk) in (0..).zip(blob.chunks(SEALED_CHUNK_BYTES)) {
                buffer.clear();
                buffer.extend_from_slice(chunk);
                opener.open(number, &mut buffer).unwrap();
            }
        },
    );
    let download = || Download::new(file.clone(), FILE_MAX_BYTES).unwrap();
    let open_and_hash = meter.slow("open and hash", download, |mut download| {
        for chunk in blob.chunks(SEALED_CHUNK_BYTES) {
            buffer.clear();
            buffer.extend_from_slice(chunk);
            download.take(&mut buffer).unwrap();
        }
        download.finish().unwrap();
    });
    AttachmentCosts {
        file_bytes,
        bare_seal,
        seal: sealed,
        seal_and_hash,
        bare_open,
        open: opened,
        open_and_hash,
    }
}

/// Throughput, and its share of the bare cipher's.
pub fn table(costs: &AttachmentCosts) -> String {
    let mebibytes = costs.file_bytes / 1024 / 1024;
    let heading = format!("file of {mebibytes} MiB, chunks of 64 KiB");
    let mut table = Table::new([&heading, "MiB/s", "of bare AES-256-GCM", "target"].map(str::to_owned));
    let rate = |time: Option<f64>| {
        time.map_or_else(table::missing, |time| format!("{:.0}", mebibytes as f64 / (time / 1e9)))
    };
    let mut row = |what: &str, time: Option<f64>, bare: Option<f64>, target: Option<f64>| {
        let share = table::ratio(bare, time);
        let verdict = target.map_or_else(String::new, |target| table::at_least(share, target));
        table.row([what.to_owned(), rate(time), table::times(share), verdict]);
    };
    row("bare AES-256-GCM: encrypt", costs.bare_seal, None, None);
    row("seal", costs.seal, costs.bare_seal, Some(TARGET));
    row("seal, with the blob's SHA-256", costs.seal_and_hash, costs.bare_seal, None);
    row("bare AES-256-GCM: decrypt", costs.bare_open, None, None);
    row("open", costs.open, costs.bare_open, Some(TARGET));
    row("open, with the blob's SHA-256", costs.open_and_hash, costs.bare_open, None);
    table.to_string()
}

fn sealer(file_bytes: usize) -> Sealer {
    Sealer::new(FileState::new(file_bytes as u64, b"benchmark"), FILE_MAX_BYTES).unwrap()
}

fn seal(file_bytes: usize) -> (AttachmentRef, Vec<u8>) {
    let (mut sealer, mut hash) = (sealer(file_bytes), BlobHash::default());
    let (mut blob, mut buffer) = (Vec::new(), Vec::new());
    while sealer.wants().is_some() {
        buffer.resize(CHUNK_BYTES, 7);
        sealer.seal(&mut buffer).unwrap();
        hash.update(&buffer);
        blob.extend_from_slice(&buffer);
    }
    (sealer.finish(&hash, [1; 16]).unwrap(), blob)
}

fn nonce(number: usize) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&(number as u64).to_be_bytes());
    nonce
}
