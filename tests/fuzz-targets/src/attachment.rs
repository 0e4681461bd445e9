//! Files: what a message says about one, the sealed blob, and an upload that was broken off.

use crate::{edits, status::seal, survives};
use sotto_crypto::{
    CryptoError, Secret,
    attachment::{
        AttachmentKey, AttachmentRef, FILE_MAX_BYTES, FileState, Layout, Opener, PIECE_BYTES, Sealer,
        Snapshot,
    },
    testing::expand,
};
use sotto_protocol::entry_hash;
use std::sync::LazyLock;

/// One piece, and two of which the last is mostly padding.
const SIZES: [usize; 2] = [300, PIECE_BYTES + 5];

struct Sealed {
    file: AttachmentRef,
    blob: Vec<u8>,
    /// After the first piece.
    snapshot: Vec<u8>,
}

static REAL: LazyLock<Vec<Sealed>> = LazyLock::new(|| SIZES.map(seal_file).into());

/// What a message says about a file: its layout holds together, whatever the lengths are.
pub fn reference(input: &[u8]) {
    let Some(file) = survives::<AttachmentRef>(input) else { return };
    let Ok(layout) = Layout::of(&file, FILE_MAX_BYTES) else { return };
    let count = layout.piece_count();
    let last = count.checked_sub(1).expect("there is a piece");
    assert_eq!(layout.sealed_range(last).end, layout.index_range().start);
    assert_eq!(layout.index_range().end, layout.blob_bytes());
    assert_eq!(layout.file_range(0).start, 0);
    assert_eq!(layout.file_range(last).end, file.size);
    assert!(layout.padded_bytes() >= file.size && layout.blob_bytes() > layout.padded_bytes());
    if let Some(offset) = file.size.checked_sub(1) {
        let piece = layout.piece_of(offset).expect("is in a piece");
        assert!(layout.file_range(piece).contains(&offset) && piece <= last);
    }
    assert_eq!(layout.piece_of(file.size), None);
    assert!(Opener::new(&file, vec![0; 32], FILE_MAX_BYTES).is_err(), "the index is not the message's");
}

/// A blob with a few changes: each piece opens to what was sealed at its place or not at all.
pub fn blob(input: &[u8]) {
    let index = input.first().map_or(0, |first| usize::from(first.saturating_sub(1)) % REAL.len());
    let real = &REAL[index];
    let blobs: Vec<_> = REAL.iter().map(|sealed| sealed.blob.clone()).collect();
    let changed = edits::apply(input, &blobs);
    let layout = Layout::of(&real.file, FILE_MAX_BYTES).expect("the file is good");
    let part = |blob: &[u8], range: core::ops::Range<u64>| {
        let (start, end) = (range.start as usize, range.end as usize);
        blob.get(start.min(blob.len())..end.min(blob.len())).unwrap_or_default().to_vec()
    };
    let hashes = part(&changed, layout.index_range());
    let is_real = hashes == part(&real.blob, layout.index_range());
    let opener = Opener::new(&real.file, hashes, FILE_MAX_BYTES);
    assert_eq!(opener.is_ok(), is_real, "an index that was changed is taken");
    let Ok(opener) = opener else { return };
    for piece in 0..layout.piece_count() {
        let mut buffer = part(&changed, layout.sealed_range(piece));
        let is_real = buffer == part(&real.blob, layout.sealed_range(piece));
        let opened = opener.open_piece(piece, &mut buffer);
        assert_eq!(opened.is_ok(), is_real, "a piece that was changed opens");
        let expected =
            if is_real { part(&contents(SIZES[index]), layout.file_range(piece)) } else { Vec::new() };
        assert!(buffer == expected);
    }
}

/// A piece of any content, sealed without keeping to any rule: `input = length of the file (1) || padded content`.
pub fn chunk(input: &[u8]) {
    let Some((size, content)) = input.split_first() else { return };
    let mut padded = content.to_vec();
    padded.resize(256, 0);
    let opened = open_sealed(*size, &padded);
    let (file, rest) = padded.split_at(usize::from(*size));
    if rest.iter().all(|byte| *byte == 0) {
        assert_eq!(opened.as_deref(), Ok(file));
    } else {
        assert_eq!(opened, Err(CryptoError::Malformed("piece")), "something is hidden in the padding");
    }
}

fn open_sealed(size: u8, padded: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let (size, padded_size, key) = (u64::from(size), padded.len() as u64, Secret::new([2; 32]));
    let parts = [&size.to_be_bytes()[..], &padded_size.to_be_bytes()];
    let okm = expand::<39>(&key, b"sotto/1 attachment", &parts)?;
    let nonce = [&okm[32..], &0_u32.to_be_bytes(), &[1]].concat();
    let mut buffer = seal(&okm[..32], &nonce, padded, &[]);
    let index = entry_hash(&buffer);
    let hash = entry_hash(&[b"sotto/1 attachment index".as_slice(), &index].concat());
    let key = AttachmentKey::from_seed(key);
    let file = AttachmentRef { blob: [1; 16], key, hash, size, padded_size };
    Opener::new(&file, index.to_vec(), FILE_MAX_BYTES)?.open_piece(0, &mut buffer).map(|()| buffer)
}

/// A stored upload, changed: it goes on only where what was sealed before is what would be sealed again.
pub fn snapshot(input: &[u8]) {
    let snapshots: Vec<_> = REAL.iter().map(|sealed| sealed.snapshot.clone()).collect();
    let bytes = edits::apply(input, &snapshots);
    let Some(snapshot) = survives::<Snapshot>(&bytes) else { return };
    for size in SIZES {
        let Ok(Some(sealer)) = Sealer::resume(snapshot.clone(), &state(size), FILE_MAX_BYTES) else {
            continue;
        };
        assert!(sealer.snapshot() == snapshot, "an upload goes on from another place than it was stored at");
        let contents = contents(size);
        let goes_on = snapshot.sealed_pieces().all(|piece| {
            let range = sealer.layout().file_range(piece);
            let mut buffer = contents[range.start as usize..range.end as usize].to_vec();
            let sealed = sealer.seal_piece(piece, &mut buffer);
            assert!(
                sealed.is_ok() || buffer.is_empty(),
                "what is sealed again from other bytes does not get out"
            );
            sealed.is_ok()
        });
        assert!(goes_on || sealer.finish([1; 16]).is_err(), "a file that changed is not named by a message");
    }
}

fn contents(size: usize) -> Vec<u8> {
    (0..size).map(|place| (place % 251) as u8).collect()
}

fn state(size: usize) -> FileState {
    FileState::new(size as u64, b"monday")
}

fn seal_file(size: usize) -> Sealed {
    let contents = contents(size);
    let sealer = Sealer::new(state(size), FILE_MAX_BYTES).expect("has randomness");
    let (mut blob, mut snapshot) = (Vec::new(), None);
    while let Some(piece) = sealer.wants() {
        let wanted = sealer.layout().file_range(piece);
        let mut buffer = contents[wanted.start as usize..wanted.end as usize].to_vec();
        sealer.seal_piece(piece, &mut buffer).expect("is sealed");
        blob.extend(buffer);
        snapshot.get_or_insert_with(|| sealer.snapshot());
    }
    let snapshot = snapshot.expect("there is a piece").encode().to_vec();
    let (file, index) = sealer.finish([1; 16]).expect("is whole");
    blob.extend_from_slice(index.as_bytes());
    Sealed { file, blob, snapshot }
}

/// What a message says about the two files.
pub fn real_references() -> Vec<Vec<u8>> {
    let key = AttachmentKey::from_seed(Secret::new([2; 32]));
    let file = |(size, padded_size)| AttachmentRef {
        blob: [1; 16],
        key: key.clone(),
        hash: [3; 32],
        size,
        padded_size,
    };
    [(300, 304), (0, 256), (70_000, 71_680)].map(|sizes| sotto_protocol::encode(&file(sizes))).into()
}

/// A piece that fills its file, and one that is padded.
pub fn real_chunks() -> Vec<Vec<u8>> {
    vec![[&[255], [7; 255].as_slice()].concat(), b"\x05hello".to_vec()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_file_is_fetched_and_its_upload_goes_on() {
        for index in [0, 1] {
            blob(&edits::unchanged(index));
            let snapshot = Snapshot::decode(&REAL[usize::from(index)].snapshot).expect("is a snapshot");
            let size = SIZES[usize::from(index)];
            let sealer = Sealer::resume(snapshot, &state(size), FILE_MAX_BYTES).expect("is within limits");
            let sealer = sealer.expect("the file is in the same state");
            sealer.seal_piece(0, &mut contents(size)[..size.min(PIECE_BYTES)].to_vec()).expect("is the same");
        }
        for reference in real_references() {
            let file: AttachmentRef = sotto_protocol::decode(&reference).expect("is one");
            Layout::of(&file, FILE_MAX_BYTES).expect("its lengths fit together");
        }
        assert_eq!(
            open_sealed(5, &[b"hello".as_slice(), &[0; 251]].concat()).as_deref(),
            Ok(b"hello".as_slice())
        );
    }

    #[test]
    fn threads_that_seal_one_piece_from_different_bytes_get_one_of_them_out() {
        for _ in 0..4 {
            let sealer = Sealer::new(state(PIECE_BYTES), FILE_MAX_BYTES).expect("has randomness");
            let seal = &|byte: u8| {
                let mut buffer = vec![byte; PIECE_BYTES];
                let is_sealed = sealer.seal_piece(0, &mut buffer).is_ok();
                assert!(is_sealed || buffer.is_empty(), "nothing sealed gets out");
                is_sealed
            };
            let sealed = std::thread::scope(|scope| {
                let threads = [1, 2, 3].map(|byte| scope.spawn(move || seal(byte)));
                threads.map(|thread| thread.join().expect("does not panic"))
            });
            assert_eq!(sealed.into_iter().filter(|is_sealed| *is_sealed).count(), 1);
        }
    }
}
