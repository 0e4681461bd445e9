//! What comes back is the file; what was cut, moved, doubled, extended or swapped is noticed.

use super::*;
use crate::golden;

const GOLDEN: &str = include_str!("../../tests/goldens/attachment-v1.hex");

const MAX: u64 = FILE_MAX_BYTES;
const SIZES: [usize; 9] = [
    0,
    1,
    255,
    257,
    PIECE_BYTES - 1,
    PIECE_BYTES,
    PIECE_BYTES + 1,
    2 * PIECE_BYTES + 70_000,
    3 * PIECE_BYTES + 3,
];
/// Four pieces, the last a short one.
const FOUR: usize = 3 * PIECE_BYTES + 200_000;

fn file(size: usize) -> Vec<u8> {
    (0..size).map(|position| (position % 251) as u8).collect()
}

fn state(size: usize) -> FileState {
    FileState::new(size as u64, b"monday")
}

fn range(bytes: &[u8], range: core::ops::Range<u64>) -> Vec<u8> {
    bytes.get(range.start as usize..range.end as usize).unwrap_or_default().to_vec()
}

fn seal_piece(sealer: &Sealer, piece: u32, file: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let mut buffer = range(file, sealer.layout().file_range(piece));
    sealer.seal_piece(piece, &mut buffer).map(|()| buffer)
}

/// All pieces in order, and the index.
fn seal_with(sealer: &Sealer, file: &[u8]) -> Result<(AttachmentRef, Vec<u8>), CryptoError> {
    let mut blob = Vec::new();
    for piece in 0..sealer.layout().piece_count() {
        blob.extend(seal_piece(sealer, piece, file)?);
    }
    let (reference, index) = sealer.finish([1; 16])?;
    blob.extend_from_slice(index.as_bytes());
    Ok((reference, blob))
}

fn seal(file: &[u8]) -> (AttachmentRef, Vec<u8>) {
    seal_with(&Sealer::new(state(file.len()), MAX).unwrap(), file).unwrap()
}

fn opener(file: &AttachmentRef, blob: &[u8]) -> Result<Opener, CryptoError> {
    let layout = Layout::of(file, MAX)?;
    Opener::new(file, range(blob, layout.index_range()), MAX)
}

fn open_piece(opener: &Opener, piece: u32, blob: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let mut buffer = range(blob, opener.layout().sealed_range(piece));
    let opened = opener.open_piece(piece, &mut buffer);
    assert!(opened.is_ok() || buffer.is_empty(), "what does not open leaves nothing");
    opened.map(|()| buffer)
}

fn fetch(file: &AttachmentRef, blob: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let opener = opener(file, blob)?;
    let mut opened = Vec::new();
    for piece in 0..opener.layout().piece_count() {
        opened.extend(open_piece(&opener, piece, blob)?);
    }
    Ok(opened)
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
fn pieces_are_sealed_and_opened_in_any_order_and_on_any_thread() {
    // That threads can share both is all that a crate without I/O can say; `tests/fuzz-targets` and the benchmark use some.
    const fn is_shared<T: Send + Sync>() {}
    const { is_shared::<Sealer>() };
    const { is_shared::<Opener>() };

    let whole = file(FOUR);
    let sealer = Sealer::new(state(FOUR), MAX).unwrap();
    let mut sealed: Vec<_> =
        [3, 1, 0, 2].map(|piece| (piece, seal_piece(&sealer, piece, &whole).unwrap())).into();
    sealed.sort_by_key(|(piece, _)| *piece);
    let (reference, index) = sealer.finish([1; 16]).unwrap();
    let again = Sealer::with_key(reference.key.clone(), state(FOUR), MAX).unwrap();
    let blob: Vec<_> =
        sealed.into_iter().flat_map(|(_, piece)| piece).chain(index.as_bytes().to_vec()).collect();
    assert!(
        seal_with(&again, &whole).unwrap() == (reference.clone(), blob.clone()),
        "the order changes nothing"
    );

    let opener = opener(&reference, &blob).unwrap();
    for piece in [2, 0, 3, 1] {
        let opened = open_piece(&opener, piece, &blob).unwrap();
        assert!(opened == range(&whole, opener.layout().file_range(piece)));
    }
}

#[test]
fn a_piece_is_never_sealed_with_two_contents() {
    let whole = file(FOUR);
    let sealer = Sealer::new(state(FOUR), MAX).unwrap();
    let first = seal_piece(&sealer, 1, &whole).unwrap();
    let mut other = vec![7; PIECE_BYTES];
    assert!(sealer.seal_piece(1, &mut other).is_err());
    assert!(other.is_empty(), "nothing sealed gets out");
    assert!(seal_piece(&sealer, 1, &whole).unwrap() == first, "the same content can be sealed again");
}

#[test]
fn any_piece_opens_by_itself_and_is_the_messages() {
    let whole = file(FOUR);
    let (reference, blob) = seal(&whole);
    let opener = opener(&reference, &blob).unwrap();
    for offset in [FOUR - 1, 0, PIECE_BYTES, PIECE_BYTES - 1, 2 * PIECE_BYTES] {
        let piece = opener.layout().piece_of(offset as u64).unwrap();
        assert!(
            open_piece(&opener, piece, &blob).unwrap() == range(&whole, opener.layout().file_range(piece))
        );
    }
    assert_eq!(opener.layout().piece_of(FOUR as u64), None);
    let sealer = Sealer::with_key(reference.key.clone(), state(FOUR), MAX).unwrap();
    let mut others = vec![7; PIECE_BYTES];
    sealer.seal_piece(1, &mut others).unwrap();
    assert_eq!(opener.open_piece(1, &mut others), Err(CryptoError::DoesNotOpen), "of the same key and place");
    assert_eq!(opener.open_piece(9, &mut vec![0; 80]), Err(CryptoError::Malformed("piece")));
}

#[test]
fn a_blob_that_was_changed_does_not_open() {
    let whole = file(FOUR);
    let (reference, blob) = seal(&whole);
    let piece = |number: usize| &blob[number * SEALED_PIECE_BYTES..(number + 1) * SEALED_PIECE_BYTES];
    let rest = &blob[3 * SEALED_PIECE_BYTES..];
    let index = blob.len() - 4 * 32;
    let (_, other) = seal(&whole);
    let flip = |place: usize| {
        let mut flipped = blob.clone();
        flipped[place] ^= 1;
        flipped
    };
    let mut swapped_last = blob.clone();
    swapped_last[3 * SEALED_PIECE_BYTES..index].copy_from_slice(&other[3 * SEALED_PIECE_BYTES..index]);
    let mut swapped_first = blob.clone();
    swapped_first[..SEALED_PIECE_BYTES].copy_from_slice(&other[..SEALED_PIECE_BYTES]);
    let mut reordered_index = blob.clone();
    reordered_index[index..].rotate_left(32);
    let cases = [
        ("cut", blob[..blob.len() - 1].to_vec()),
        ("cut at a piece", blob[..3 * SEALED_PIECE_BYTES].to_vec()),
        ("cut at the beginning", blob[SEALED_PIECE_BYTES..].to_vec()),
        ("without its index", blob[..index].to_vec()),
        ("extended within", [piece(0), piece(1), piece(2), piece(2), rest].concat()),
        ("reordered", [piece(1), piece(0), piece(2), rest].concat()),
        ("doubled", [piece(0), piece(0), piece(2), rest].concat()),
        ("a piece of another file", swapped_first),
        ("the last piece of another file", swapped_last),
        ("the wrong file", other),
        ("one bit", flip(100_000)),
        ("one bit of the last piece", flip(index - 1)),
        ("one bit of the index", flip(index)),
        ("the index in another order", reordered_index),
        ("empty", Vec::new()),
    ];
    for (name, changed) in cases {
        assert!(fetch(&reference, &changed).is_err(), "{name}");
    }
    // More than the blob is never asked for; a message that names another length opens nothing.
    for size in [reference.size - 1, reference.size + 1] {
        let layout = Layout::of_file(size, MAX).unwrap();
        let lying = AttachmentRef { size, padded_size: layout.padded_bytes(), ..reference.clone() };
        assert_eq!(fetch(&lying, &blob).err(), Some(CryptoError::DoesNotOpen));
    }
    let extended = AttachmentRef { padded_size: reference.padded_size + 1, ..reference.clone() };
    assert_eq!(fetch(&extended, &blob), Err(CryptoError::Malformed("attachment")));
    let (key, hash) = (AttachmentKey::from_seed(crate::Secret::new([9; 32])), [9; 32]);
    assert_eq!(fetch(&AttachmentRef { key, ..reference.clone() }, &blob), Err(CryptoError::DoesNotOpen));
    assert_eq!(fetch(&AttachmentRef { hash, ..reference }, &blob), Err(CryptoError::DoesNotOpen));
}

#[test]
fn a_piece_opens_only_as_the_last_if_it_was_sealed_as_the_last() {
    // By one who has the key, and makes index and hash fit: a shorter file of the same key and first piece.
    let (reference, blob) = seal(&file(FOUR));
    let size = 3 * PIECE_BYTES as u64;
    let layout = Layout::of_file(size, MAX).unwrap();
    assert_eq!(layout.padded_bytes(), size, "of whole pieces");
    let pieces = range(&blob, 0..3 * SEALED_PIECE_BYTES as u64);
    let index = Index::of(pieces.chunks(SEALED_PIECE_BYTES).map(index::hash_of));
    let lying = AttachmentRef { size, padded_size: size, hash: index.hash(), ..reference };
    let blob = [&pieces[..], index.as_bytes()].concat();
    let opener = opener(&lying, &blob).unwrap();
    for piece in 0..3 {
        assert_eq!(open_piece(&opener, piece, &blob), Err(CryptoError::DoesNotOpen));
    }
}

#[test]
fn whoever_has_the_key_cannot_show_another_file_under_the_same_message() {
    let (reference, blob) = seal(&file(100));
    let state = FileState::new(100, b"tuesday");
    let sealer = Sealer::with_key(reference.key.clone(), state, MAX).unwrap();
    let (other, other_blob) = seal_with(&sealer, &[7; 100]).unwrap();
    assert_eq!(fetch(&other, &other_blob).unwrap(), [7; 100], "it opens");
    assert_eq!(fetch(&reference, &other_blob), Err(CryptoError::DoesNotOpen), "and is not the one");
    let mixed = [&other_blob[..other_blob.len() - 32], &blob[blob.len() - 32..]].concat();
    assert_eq!(fetch(&reference, &mixed), Err(CryptoError::DoesNotOpen), "nor under the right index");
}

#[test]
fn what_does_not_open_leaves_nothing_and_can_be_fetched_again() {
    let (reference, blob) = seal(&file(100_000));
    let opener = opener(&reference, &blob).unwrap();
    let mut changed = blob.clone();
    changed[5] ^= 1;
    assert_eq!(open_piece(&opener, 0, &changed), Err(CryptoError::DoesNotOpen));
    assert!(open_piece(&opener, 0, &blob).is_ok());
}

#[test]
fn an_upload_goes_on_where_it_broke_off() {
    let whole = file(FOUR);
    let (reference, blob) = interrupted(&whole, &whole, &state(FOUR)).unwrap();
    assert_eq!(fetch(&reference, &blob).unwrap(), whole);
}

#[test]
fn an_upload_of_a_file_that_changed_begins_anew() {
    let whole = file(FOUR);
    let mut changed = whole.clone();
    changed[10] ^= 1;
    assert!(interrupted(&whole, &changed, &state(FOUR)).is_none(), "other bytes, same state");
    assert!(interrupted(&whole, &whole, &FileState::new(FOUR as u64, b"tuesday")).is_none(), "written to");
    assert!(interrupted(&whole, &whole, &state(FOUR + 1)).is_none(), "another length");
}

/// Seals pieces 0 and 2 of `before`, breaks off, and goes on with `after`.
fn interrupted(before: &[u8], after: &[u8], state_after: &FileState) -> Option<(AttachmentRef, Vec<u8>)> {
    let sealer = Sealer::new(state(before.len()), MAX).unwrap();
    for piece in [2, 0] {
        seal_piece(&sealer, piece, before).unwrap();
    }
    let stored = sealer.snapshot().encode();
    drop(sealer);

    let snapshot = Snapshot::decode(&stored).unwrap();
    assert!(snapshot.sealed_pieces().eq([0, 2]));
    let sealer = Sealer::resume(snapshot.clone(), state_after, MAX).unwrap()?;
    assert!(sealer.snapshot() == snapshot, "what was sealed before is not forgotten");
    for piece in [1, 3] {
        seal_piece(&sealer, piece, after).unwrap();
    }
    assert_eq!(sealer.wants(), Some(0));
    assert!(sealer.finish([1; 16]).is_err(), "not before the file has shown that it is the same");
    seal_with(&sealer, after).ok()
}

#[test]
fn a_snapshot_with_pieces_that_the_file_does_not_have_is_none_of_it() {
    let pieces = [(4, [0; 32].into())].into();
    let snapshot =
        Snapshot::new(&AttachmentKey::from_seed(crate::Secret::new([2; 32])), &state(FOUR), pieces);
    assert!(Sealer::resume(snapshot, &state(FOUR), MAX).unwrap().is_none());
}

#[test]
fn a_download_goes_on_where_it_broke_off() {
    let whole = file(FOUR);
    let (reference, blob) = seal(&whole);
    let opener = opener(&reference, &blob).unwrap();
    for piece in 0..opener.layout().piece_count() {
        let mut kept = range(&whole, opener.layout().file_range(piece));
        let mut wrong = kept.clone();
        wrong[0] ^= 1;
        assert!(opener.is_piece(piece, &mut kept) && kept.is_empty());
        assert!(!opener.is_piece(piece, &mut wrong) && wrong.is_empty());
    }
    assert!(!opener.is_piece(0, &mut vec![0; 10]));
    assert!(!opener.is_piece(4, &mut Vec::new()));
}

#[test]
fn a_file_that_shrinks_or_grows_while_it_is_read_is_noticed() {
    let sealer = Sealer::new(state(FOUR), MAX).unwrap();
    for length in [PIECE_BYTES - 1, PIECE_BYTES + 1, 0] {
        assert!(sealer.seal_piece(0, &mut vec![0; length]).is_err());
    }
    assert!(sealer.finish([1; 16]).is_err(), "pieces are missing");
}

#[test]
fn a_buffer_is_never_made_anew() {
    let (sealer, mut buffer) =
        (Sealer::new(state(FOUR), MAX).unwrap(), Vec::with_capacity(SEALED_PIECE_BYTES));
    let place = buffer.as_ptr();
    for piece in 0..4 {
        buffer.clear();
        buffer.resize(sealer.layout().file_bytes_in(piece), 7);
        sealer.seal_piece(piece, &mut buffer).unwrap();
        assert_eq!(buffer.as_ptr(), place);
    }
}

#[test]
fn the_limit_is_named_and_can_be_set() {
    let over = Sealer::new(FileState::new(MAX + 1, b""), MAX);
    assert!(matches!(over, Err(CryptoError::OverLimit { what: "attachment", .. })));
    assert!(Layout::of_file(MAX, MAX).is_ok());
    assert!(matches!(Layout::of_file(11, 10), Err(CryptoError::OverLimit { max: 10, .. })));
    let (reference, _) = seal(&file(11));
    assert!(matches!(Opener::new(&reference, vec![0; 32], 10), Err(CryptoError::OverLimit { .. })));
    assert!(Layout::of_file(u64::MAX, u64::MAX).is_err(), "nothing overflows");
}

#[test]
fn the_longest_file_fits_the_longest_blob_exactly() {
    let layout = Layout::of_file(FILE_MAX_BYTES, MAX).unwrap();
    assert_eq!(layout.blob_bytes(), sotto_protocol::blob::BLOB_MAX_BYTES);
    assert_eq!(layout.index_range().count(), 64 * 1024);
}

#[test]
fn the_golden_blob_opens_and_is_what_is_sealed() {
    let plain = file(300);
    let sealer =
        Sealer::with_key(AttachmentKey::from_seed(crate::Secret::new([2; 32])), state(300), MAX).unwrap();
    let (reference, blob) = seal_with(&sealer, &plain).unwrap();
    let snapshot = sealer.snapshot().encode().to_vec();
    let lines = [("reference", sotto_protocol::encode(&reference)), ("snapshot", snapshot), ("blob", blob)];
    golden::check(GOLDEN, &lines);
    let reference = sotto_protocol::decode(&golden::line(GOLDEN, "reference")).unwrap();
    assert_eq!(fetch(&reference, &golden::line(GOLDEN, "blob")).unwrap(), plain);
    assert!(Snapshot::decode(&golden::line(GOLDEN, "snapshot")).unwrap().sealed_pieces().eq([0]));
}

#[test]
fn debug_shows_nothing() {
    let sealer =
        Sealer::with_key(AttachmentKey::from_seed(crate::Secret::new([0x41; 32])), state(1), MAX).unwrap();
    let (reference, blob) = seal(&file(1));
    let opener = opener(&reference, &blob).unwrap();
    let index = seal_with(&sealer, &file(1)).and_then(|_| sealer.finish([1; 16])).unwrap().1;
    let shown = format!("{sealer:?} {:?} {:?} {opener:?} {index:?}", sealer.snapshot(), state(1));
    assert_eq!(shown, "Sealer(…) Snapshot(…) FileState(…) Opener(…) Index(…)");
}
