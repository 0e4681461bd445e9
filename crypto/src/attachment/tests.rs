//! What comes back is the file; what was cut, moved, doubled, extended or swapped is noticed.

use super::*;
use crate::golden;

const GOLDEN: &str = include_str!("../../tests/goldens/attachment-v1.hex");

const MAX: u64 = FILE_MAX_BYTES;
const SIZES: [usize; 9] = [0, 1, 255, 257, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 200_000, 400_003];

fn file(size: usize) -> Vec<u8> {
    (0..size).map(|position| (position % 251) as u8).collect()
}

fn state(size: usize) -> FileState {
    FileState::new(size as u64, b"monday")
}

fn range(bytes: &[u8], range: core::ops::Range<u64>) -> Vec<u8> {
    bytes.get(range.start as usize..range.end as usize).unwrap_or_default().to_vec()
}

/// Seals what is left of a file; gives the blob's chunks.
fn seal_rest(sealer: &mut Sealer, hash: &mut BlobHash, file: &[u8]) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    let mut buffer = Vec::with_capacity(SEALED_CHUNK_BYTES);
    let place = buffer.as_ptr();
    while let Some(wanted) = sealer.wants() {
        buffer.clear();
        buffer.extend_from_slice(&range(file, wanted));
        sealer.seal(&mut buffer).unwrap();
        assert_eq!(buffer.as_ptr(), place, "the buffer is never made anew");
        hash.update(&buffer);
        chunks.push(buffer.clone());
    }
    chunks
}

fn seal(file: &[u8]) -> (AttachmentRef, Vec<u8>) {
    let (mut sealer, mut hash) = (Sealer::new(state(file.len()), MAX).unwrap(), BlobHash::default());
    let blob = seal_rest(&mut sealer, &mut hash, file).concat();
    (sealer.finish(&hash, [1; 16]).unwrap(), blob)
}

fn fetch(file: &AttachmentRef, blob: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let mut download = Download::new(file.clone(), MAX)?;
    let mut opened = Vec::new();
    while let Some(wanted) = download.wants() {
        let mut buffer = range(blob, wanted);
        download.take(&mut buffer)?;
        opened.extend_from_slice(&buffer);
    }
    download.finish().map(|()| opened)
}

#[test]
fn files_of_all_sizes_survive() {
    for size in SIZES {
        let (reference, blob) = seal(&file(size));
        assert_eq!(fetch(&reference, &blob).unwrap(), file(size), "{size}");
        let layout = Layout::of(&reference, MAX).unwrap();
        assert_eq!(layout.blob_bytes(), blob.len() as u64, "{size}");
        assert!(reference.padded_size >= 256 && reference.padded_size >= reference.size);
    }
}

#[test]
fn lengths_fall_together() {
    let length = |size| seal(&file(size)).1.len();
    assert_eq!(length(0), length(256));
    assert_eq!(length(70_000), length(70_001));
    let layouts: std::collections::BTreeSet<_> =
        (1..2000).map(|step| Layout::of_file(step * (1 << 20), MAX).unwrap().padded_bytes()).collect();
    assert!(layouts.len() < 320, "{} lengths of 2,000", layouts.len());
}

#[test]
fn any_chunk_opens_by_itself() {
    let whole = file(300_000);
    let (reference, blob) = seal(&whole);
    let opener = Opener::new(&reference, MAX).unwrap();
    for offset in [299_999_u64, 0, 65_536, 65_535, 131_072] {
        let chunk = opener.layout().chunk_of(offset).unwrap();
        let mut buffer = range(&blob, opener.layout().sealed_range(chunk));
        opener.open(chunk, &mut buffer).unwrap();
        assert_eq!(buffer, range(&whole, opener.layout().file_range(chunk)));
    }
    assert_eq!(opener.layout().chunk_of(300_000), None);
    assert_eq!(opener.open(9, &mut vec![0; 80]), Err(CryptoError::Malformed("chunk")));
}

#[test]
fn a_blob_that_was_changed_does_not_open() {
    let whole = file(200_000);
    let (reference, blob) = seal(&whole);
    let chunk = |number: usize| &blob[number * SEALED_CHUNK_BYTES..(number + 1) * SEALED_CHUNK_BYTES];
    let rest = &blob[3 * SEALED_CHUNK_BYTES..];
    let (_, other) = seal(&whole);
    let mut flipped = blob.clone();
    flipped[100_000] ^= 1;
    let cases = [
        ("cut", blob[..blob.len() - 1].to_vec()),
        ("cut at a chunk", blob[..3 * SEALED_CHUNK_BYTES].to_vec()),
        ("cut at the beginning", blob[SEALED_CHUNK_BYTES..].to_vec()),
        ("reordered", [chunk(1), chunk(0), chunk(2), rest].concat()),
        ("doubled", [chunk(0), chunk(0), chunk(2), rest].concat()),
        ("the wrong file", other),
        ("one bit", flipped),
        ("empty", Vec::new()),
    ];
    for (name, changed) in cases {
        assert!(fetch(&reference, &changed).is_err(), "{name}");
    }
    // More than the blob is never asked for; a message that names another length opens nothing.
    for size in [reference.size - 1, reference.size + 1] {
        let layout = Layout::of_file(size, MAX).unwrap();
        let lying = AttachmentRef { size, padded_size: layout.padded_bytes(), ..reference.clone() };
        assert_eq!(fetch(&lying, &blob), Err(CryptoError::DoesNotOpen));
    }
    let extended = AttachmentRef { padded_size: reference.padded_size + 1, ..reference.clone() };
    assert_eq!(fetch(&extended, &blob), Err(CryptoError::Malformed("attachment")));
    let (key, hash) = (AttachmentKey::from_seed(crate::Secret::new([9; 32])), [9; 32]);
    assert_eq!(fetch(&AttachmentRef { key, ..reference.clone() }, &blob), Err(CryptoError::DoesNotOpen));
    assert_eq!(fetch(&AttachmentRef { hash, ..reference }, &blob), Err(CryptoError::DoesNotOpen));
}

#[test]
fn whoever_has_the_key_cannot_show_another_file_under_the_same_message() {
    let (reference, _) = seal(&file(100));
    let state = FileState::new(100, b"tuesday");
    let mut sealer = Sealer::with_key(reference.key.clone(), state, MAX).unwrap();
    let mut other = vec![7; 100];
    sealer.seal(&mut other).unwrap();
    let opener = Opener::new(&reference, MAX).unwrap();
    assert!(opener.open(0, &mut other.clone()).is_ok(), "it opens");
    assert_eq!(fetch(&reference, &other), Err(CryptoError::DoesNotOpen), "and is not the one");
}

#[test]
fn what_does_not_open_leaves_nothing_and_can_be_fetched_again() {
    let whole = file(100_000);
    let (reference, blob) = seal(&whole);
    let mut download = Download::new(reference, MAX).unwrap();
    let wanted = download.wants().unwrap();
    let mut buffer = range(&blob, wanted.clone());
    buffer[5] ^= 1;
    assert_eq!(download.take(&mut buffer), Err(CryptoError::DoesNotOpen));
    assert!(buffer.is_empty());
    assert_eq!(download.wants(), Some(wanted));
    let early = Download::new(seal(&whole).0, MAX).unwrap();
    assert_eq!(early.finish(), Err(CryptoError::DoesNotOpen), "not before everything is there");
}

#[test]
fn an_upload_goes_on_where_it_broke_off() {
    let whole = file(300_000);
    let (reference, blob) = interrupted(&whole, &whole, &state(300_000)).unwrap();
    assert_eq!(fetch(&reference, &blob).unwrap(), whole);
}

#[test]
fn an_upload_of_a_file_that_changed_begins_anew() {
    let whole = file(300_000);
    let mut changed = whole.clone();
    changed[10] ^= 1;
    assert!(interrupted(&whole, &changed, &state(300_000)).is_none(), "other bytes, same state");
    assert!(interrupted(&whole, &whole, &FileState::new(300_000, b"tuesday")).is_none(), "written to");
    assert!(interrupted(&whole, &whole, &state(300_001)).is_none(), "another length");
}

/// Seals two chunks of `before`, breaks off, and goes on with `after`.
fn interrupted(before: &[u8], after: &[u8], state_after: &FileState) -> Option<(AttachmentRef, Vec<u8>)> {
    let (mut sealer, mut hash) = (Sealer::new(state(before.len()), MAX).unwrap(), BlobHash::default());
    let mut chunks = Vec::new();
    for _ in 0..2 {
        let mut buffer = range(before, sealer.wants().unwrap());
        sealer.seal(&mut buffer).unwrap();
        hash.update(&buffer);
        chunks.push(buffer);
    }
    assert!(sealer.snapshot(&BlobHash::default()).is_err(), "the hash must be in step");
    let stored = sealer.snapshot(&hash).unwrap().encode();
    drop(sealer);

    let snapshot = Snapshot::decode(&stored).unwrap();
    assert_eq!(snapshot.sealed_chunks(), 2);
    let mut resuming = Sealer::resume(snapshot, state_after, MAX).unwrap()?;
    while let Some(wanted) = resuming.wants() {
        let mut buffer = range(after, wanted);
        resuming.replay(&mut buffer).unwrap();
        assert!(buffer.is_empty(), "nothing sealed gets out");
    }
    let Resumed::Same(mut sealer, mut hash) = resuming.finish() else { return None };
    chunks.extend(seal_rest(&mut sealer, &mut hash, after));
    Some((sealer.finish(&hash, [1; 16]).unwrap(), chunks.concat()))
}

#[test]
fn a_download_goes_on_where_it_broke_off() {
    let whole = file(300_000);
    let (reference, blob) = seal(&whole);
    for is_kept_right in [true, false] {
        let mut download = Download::new(reference.clone(), MAX).unwrap();
        for chunk in 0..2 {
            let mut kept = range(&whole, Layout::of(&reference, MAX).unwrap().file_range(chunk));
            kept[0] ^= u8::from(!is_kept_right);
            download.replay(&mut kept).unwrap();
            assert!(kept.is_empty());
        }
        while let Some(wanted) = download.wants() {
            download.take(&mut range(&blob, wanted)).unwrap();
        }
        assert_eq!(download.finish().is_ok(), is_kept_right);
    }
    let mut download = Download::new(reference, MAX).unwrap();
    assert_eq!(download.replay(&mut vec![0; 10]), Err(CryptoError::Malformed("chunk")));
}

#[test]
fn a_file_that_shrinks_or_grows_while_it_is_read_is_noticed() {
    let mut sealer = Sealer::new(state(100_000), MAX).unwrap();
    for length in [CHUNK_BYTES - 1, CHUNK_BYTES + 1, 0] {
        assert!(sealer.seal(&mut vec![0; length]).is_err());
    }
    assert!(sealer.finish(&BlobHash::default(), [1; 16]).is_err(), "chunks are missing");
}

#[test]
fn the_limit_is_named_and_can_be_set() {
    let over = Sealer::new(FileState::new(MAX + 1, b""), MAX);
    assert!(matches!(over, Err(CryptoError::OverLimit { what: "attachment", .. })));
    assert!(Layout::of_file(MAX, MAX).is_ok());
    assert!(matches!(Layout::of_file(11, 10), Err(CryptoError::OverLimit { max: 10, .. })));
    let (reference, _) = seal(&file(11));
    assert!(matches!(Opener::new(&reference, 10), Err(CryptoError::OverLimit { .. })));
    assert!(Layout::of_file(u64::MAX, u64::MAX).is_err(), "nothing overflows");
}

#[test]
fn the_golden_blob_opens_and_is_what_is_sealed() {
    let plain = file(300);
    let mut sealer =
        Sealer::with_key(AttachmentKey::from_seed(crate::Secret::new([2; 32])), state(300), MAX).unwrap();
    let mut hash = BlobHash::default();
    let blob = seal_rest(&mut sealer, &mut hash, &plain).concat();
    let snapshot = sealer.snapshot(&hash).unwrap().encode().to_vec();
    let reference = sealer.finish(&hash, [1; 16]).unwrap();
    let lines = [("reference", sotto_protocol::encode(&reference)), ("snapshot", snapshot), ("blob", blob)];
    golden::check(GOLDEN, &lines);
    let reference = sotto_protocol::decode(&golden::line(GOLDEN, "reference")).unwrap();
    assert_eq!(fetch(&reference, &golden::line(GOLDEN, "blob")).unwrap(), plain);
    assert_eq!(Snapshot::decode(&golden::line(GOLDEN, "snapshot")).unwrap().sealed_chunks(), 1);
}

#[test]
fn debug_shows_nothing() {
    let sealer =
        Sealer::with_key(AttachmentKey::from_seed(crate::Secret::new([0x41; 32])), state(1), MAX).unwrap();
    let snapshot = sealer.snapshot(&BlobHash::default()).unwrap();
    let (reference, _) = seal(&file(1));
    let (opener, download) = (Opener::new(&reference, MAX).unwrap(), Download::new(reference, MAX).unwrap());
    let shown = format!("{sealer:?} {snapshot:?} {:?} {opener:?} {download:?}", state(1));
    let expected = "Sealer { next: 0, .. } Snapshot(…) FileState(…) Opener(…) Download { next: 0, .. }";
    assert_eq!(shown, expected);
}
