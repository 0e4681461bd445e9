//! Files: what a message says about one, the sealed blob, and an upload that was broken off.

use crate::{edits, status::seal, survives};
use sotto_crypto::{
    CryptoError, Secret,
    attachment::{
        AttachmentKey, AttachmentRef, BlobHash, CHUNK_BYTES, Download, FILE_MAX_BYTES, FileState, Layout,
        Opener, Resumed, Sealer, Snapshot,
    },
    testing::expand,
};
use std::sync::LazyLock;

/// One chunk, and two of which the last is mostly padding.
const SIZES: [usize; 2] = [300, CHUNK_BYTES + 5];

struct Sealed {
    file: AttachmentRef,
    blob: Vec<u8>,
    /// After the first chunk.
    snapshot: Vec<u8>,
}

static REAL: LazyLock<Vec<Sealed>> = LazyLock::new(|| SIZES.map(seal_file).into());

/// What a message says about a file: its layout holds together, whatever the lengths are.
pub fn reference(input: &[u8]) {
    let Some(file) = survives::<AttachmentRef>(input) else { return };
    let Ok(layout) = Layout::of(&file, FILE_MAX_BYTES) else { return };
    let count = layout.chunk_count();
    let last = count.checked_sub(1).expect("there is a chunk");
    assert_eq!(layout.sealed_range(last).end, layout.blob_bytes());
    assert_eq!(layout.file_range(0).start, 0);
    assert_eq!(layout.file_range(last).end, file.size);
    assert!(layout.padded_bytes() >= file.size && layout.blob_bytes() > layout.padded_bytes());
    if let Some(offset) = file.size.checked_sub(1) {
        let chunk = layout.chunk_of(offset).expect("is in a chunk");
        assert!(layout.file_range(chunk).contains(&offset) && chunk <= last);
    }
    assert_eq!(layout.chunk_of(file.size), None);
    let mut nonsense = vec![0; layout.sealed_range(last).count().min(2 * CHUNK_BYTES)];
    let opener = Opener::new(&file, FILE_MAX_BYTES).expect("the layout is good");
    assert!(opener.open(last, &mut nonsense).is_err() && nonsense.is_empty());
}

/// A blob with a few changes: each chunk opens to what was sealed at its place or not at all, and the whole only unchanged.
pub fn blob(input: &[u8]) {
    let index = input.first().map_or(0, |first| usize::from(first.saturating_sub(1)) % REAL.len());
    let real = &REAL[index];
    let blobs: Vec<_> = REAL.iter().map(|sealed| sealed.blob.clone()).collect();
    let changed = edits::apply(input, &blobs);
    let mut download = Download::new(real.file.clone(), FILE_MAX_BYTES).expect("the file is good");
    let opener = Opener::new(&real.file, FILE_MAX_BYTES).expect("the file is good");
    let mut chunk = 0;
    while let Some(wanted) = download.wants() {
        let piece = |blob: &[u8]| {
            let (start, end) = (wanted.start as usize, wanted.end as usize);
            blob.get(start.min(blob.len())..end.min(blob.len())).unwrap_or_default().to_vec()
        };
        let mut buffer = piece(&changed);
        let is_real = buffer == piece(&real.blob);
        let taken = download.take(&mut buffer);
        assert_eq!(taken.is_ok(), is_real, "a chunk that was changed opens");
        if taken.is_err() {
            return;
        }
        let range = opener.layout().file_range(chunk);
        assert_eq!(buffer, contents(SIZES[index])[range.start as usize..range.end as usize]);
        chunk += 1;
    }
    download.finish().expect("all chunks are those of the file");
}

/// A chunk of any content, as somebody seals it who keeps to nothing: `input = length of the file (1) || padded content`.
pub fn chunk(input: &[u8]) {
    let Some((size, content)) = input.split_first() else { return };
    let mut padded = content.to_vec();
    padded.resize(256, 0);
    let opened = open_chunk(*size, &padded);
    let (file, rest) = padded.split_at(usize::from(*size));
    if rest.iter().all(|byte| *byte == 0) {
        assert_eq!(opened.as_deref(), Ok(file));
    } else {
        assert_eq!(opened, Err(CryptoError::Malformed("chunk")), "something is hidden in the padding");
    }
}

fn open_chunk(size: u8, padded: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let (size, padded_size, key) = (u64::from(size), padded.len() as u64, Secret::new([2; 32]));
    let parts = [&size.to_be_bytes()[..], &padded_size.to_be_bytes()];
    let okm = expand::<39>(&key, b"sotto/1 attachment", &parts)?;
    let nonce = [&okm[32..], &0_u32.to_be_bytes(), &[1]].concat();
    let mut buffer = seal(&okm[..32], &nonce, padded, &[]);
    let (key, hash) = (AttachmentKey::from_seed(key), [0; 32]);
    let file = AttachmentRef { blob: [1; 16], key, hash, size, padded_size };
    Opener::new(&file, FILE_MAX_BYTES)?.open(0, &mut buffer).map(|()| buffer)
}

/// A stored upload, changed: it goes on only where what was sealed before is what would be sealed again.
pub fn snapshot(input: &[u8]) {
    let snapshots: Vec<_> = REAL.iter().map(|sealed| sealed.snapshot.clone()).collect();
    let bytes = edits::apply(input, &snapshots);
    let Some(snapshot) = survives::<Snapshot>(&bytes) else { return };
    let sealed_chunks = snapshot.sealed_chunks();
    for size in SIZES {
        let Ok(Some(mut resuming)) = Sealer::resume(snapshot.clone(), &state(size), FILE_MAX_BYTES) else {
            continue;
        };
        while let Some(wanted) = resuming.wants() {
            let mut buffer = contents(size)[wanted.start as usize..wanted.end as usize].to_vec();
            resuming.replay(&mut buffer).expect("is what was wanted");
            assert!(buffer.is_empty(), "what is sealed again does not get out");
        }
        if let Resumed::Same(sealer, hash) = resuming.finish() {
            assert_eq!(sealer.sealed_chunks(), sealed_chunks);
            let again = sealer.snapshot(&hash).expect("the hash is of these chunks");
            assert!(again == snapshot, "an upload goes on from another place than it was stored at");
        }
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
    let mut sealer = Sealer::new(state(size), FILE_MAX_BYTES).expect("has randomness");
    let (mut hash, mut blob, mut snapshot) = (BlobHash::default(), Vec::new(), None);
    while let Some(wanted) = sealer.wants() {
        let mut buffer = contents[wanted.start as usize..wanted.end as usize].to_vec();
        sealer.seal(&mut buffer).expect("is sealed");
        hash.update(&buffer);
        blob.extend(buffer);
        snapshot.get_or_insert_with(|| sealer.snapshot(&hash).expect("the hash is of these chunks"));
    }
    let snapshot = snapshot.expect("there is a chunk").encode().to_vec();
    Sealed { file: sealer.finish(&hash, [1; 16]).expect("is whole"), blob, snapshot }
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

/// A chunk that fills its file, and one that is padded.
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
            let resuming = Sealer::resume(snapshot, &state(size), FILE_MAX_BYTES).expect("is within limits");
            let mut resuming = resuming.expect("the file is in the same state");
            resuming.replay(&mut contents(size)[..size.min(CHUNK_BYTES)].to_vec()).expect("is wanted");
            assert!(matches!(resuming.finish(), Resumed::Same(..)));
        }
        for reference in real_references() {
            let file: AttachmentRef = sotto_protocol::decode(&reference).expect("is one");
            Layout::of(&file, FILE_MAX_BYTES).expect("its lengths fit together");
        }
        assert_eq!(
            open_chunk(5, &[b"hello".as_slice(), &[0; 251]].concat()).as_deref(),
            Ok(b"hello".as_slice())
        );
    }
}
