//! What sealing and opening a file costs, beside bare AES-256-GCM on the same chunks, and beside the hash of the blob.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a benchmark stops where it cannot go on"
)]

use aes_gcm::{Aes256Gcm, KeyInit as _, aead::AeadInOut as _};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sotto_crypto::attachment::{
    BlobHash, CHUNK_BYTES, Download, FILE_MAX_BYTES, FileState, Opener, SEALED_CHUNK_BYTES, Sealer,
};

/// 64 chunks, a length that needs no padding.
const FILE_BYTES: usize = 4 * 1024 * 1024;

fn sealer() -> Sealer {
    Sealer::new(FileState::new(FILE_BYTES as u64, b"bench"), FILE_MAX_BYTES).unwrap()
}

fn attachments(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("attachment of 4 MiB");
    group.throughput(Throughput::Bytes(FILE_BYTES as u64)).sample_size(20);
    let mut buffer = Vec::with_capacity(SEALED_CHUNK_BYTES);

    let cipher = Aes256Gcm::new(&[1; 32].into());
    group.bench_function("bare AES-256-GCM", |bencher| {
        bencher.iter(|| {
            for chunk in 0..(FILE_BYTES / CHUNK_BYTES) as u64 {
                buffer.resize(CHUNK_BYTES, 7);
                let mut nonce = [0; 12];
                nonce.iter_mut().zip(chunk.to_be_bytes()).for_each(|(to, from)| *to = from);
                cipher.encrypt_in_place(&nonce.into(), &[], &mut buffer).unwrap();
            }
        });
    });
    group.bench_function("seal", |bencher| {
        bencher.iter(|| {
            let mut sealer = sealer();
            while sealer.wants().is_some() {
                buffer.resize(CHUNK_BYTES, 7);
                sealer.seal(&mut buffer).unwrap();
            }
        });
    });

    let (mut sealer, mut hash, mut blob) = (sealer(), BlobHash::default(), Vec::new());
    while sealer.wants().is_some() {
        buffer.resize(CHUNK_BYTES, 7);
        sealer.seal(&mut buffer).unwrap();
        hash.update(&buffer);
        blob.extend_from_slice(&buffer);
    }
    let file = sealer.finish(&hash, [1; 16]).unwrap();
    let opener = Opener::new(&file, FILE_MAX_BYTES).unwrap();
    group.bench_function("open", |bencher| {
        bencher.iter(|| {
            for (number, chunk) in (0..).zip(blob.chunks(SEALED_CHUNK_BYTES)) {
                buffer.clear();
                buffer.extend_from_slice(chunk);
                opener.open(number, &mut buffer).unwrap();
            }
        });
    });
    group.bench_function("hash", |bencher| {
        bencher.iter(|| {
            let mut hash = BlobHash::default();
            blob.chunks(SEALED_CHUNK_BYTES).for_each(|chunk| hash.update(chunk));
            hash.check(&file).unwrap();
        });
    });
    group.bench_function("open and check the hash", |bencher| {
        bencher.iter(|| {
            let mut download = Download::new(file.clone(), FILE_MAX_BYTES).unwrap();
            for chunk in blob.chunks(SEALED_CHUNK_BYTES) {
                buffer.clear();
                buffer.extend_from_slice(chunk);
                download.take(&mut buffer).unwrap();
            }
            download.finish().unwrap();
        });
    });
    group.finish();
}

criterion_group!(benches, attachments);
criterion_main!(benches);
