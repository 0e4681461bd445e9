//! Files, sealed chunk by chunk; and what a writer keeps to go on.

use super::{Area, Reader, Refused, With, diagnostic, hex, secret};
use serde_json::{Value, json};
use sotto_crypto::{
    attachment::{
        AttachmentKey, AttachmentRef, BlobHash, Download, FILE_MAX_BYTES, FileState, Layout, Opener, Snapshot,
    },
    testing::{expand, sealer_with_key},
};
use sotto_protocol::{decode, encode, entry_hash};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] =
    &[("blob", read_blob), ("chunk", read_chunk), ("snapshot", read_snapshot)];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("files", "Attachments");
    for size in [0, 1, 256, 257, 65_536, 65_537, 200_000] {
        sealed(&mut area, size);
    }
    a_small_one(&mut area);
    one_of_two_chunks(&mut area);
    snapshot(&mut area);
    area
}

/// The content of a file: byte n is the last byte of n + n / 256.
fn content(size: usize) -> Vec<u8> {
    (0..size).map(|place| (place + place / 256) as u8).collect()
}

/// Chunks, and what a message says of them.
fn seal(content: &[u8]) -> (Vec<Vec<u8>>, AttachmentRef) {
    let state = FileState::new(content.len() as u64, b"modified");
    let mut sealer = sealer_with_key(AttachmentKey::from_seed(secret(0x32)), state, FILE_MAX_BYTES).unwrap();
    let (mut chunks, mut hash) = (Vec::new(), BlobHash::default());
    while let Some(range) = sealer.wants() {
        let mut chunk = content[range.start as usize..range.end as usize].to_vec();
        sealer.seal(&mut chunk).unwrap();
        hash.update(&chunk);
        chunks.push(chunk);
    }
    let reference = sealer.finish(&hash, [0x01; 16]).unwrap();
    (chunks, reference)
}

fn read_blob(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let file: AttachmentRef = decode(&with.bytes("attachment-ref"))?;
    let mut download = Download::new(file, FILE_MAX_BYTES)?;
    let mut content = Vec::new();
    while let Some(range) = download.wants() {
        let mut chunk = bytes
            .get(range.start as usize..range.end as usize)
            .ok_or_else(|| Refused("the blob is cut".to_owned()))?
            .to_vec();
        download.take(&mut chunk)?;
        content.extend(chunk);
        if download.wants().is_none() && range.end as usize != bytes.len() {
            return Err(Refused("the blob is longer".to_owned()));
        }
    }
    download.finish()?;
    Ok(json!({ "SHA-256 of the content": hex(entry_hash(&content)) }))
}

fn read_chunk(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let file: AttachmentRef = decode(&with.bytes("attachment-ref"))?;
    let mut chunk = bytes.to_vec();
    Opener::new(&file, FILE_MAX_BYTES)?.open(with.number("chunk") as u32, &mut chunk)?;
    Ok(json!({ "content": hex(chunk) }))
}

fn read_snapshot(_: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let snapshot = Snapshot::decode(bytes)?;
    Ok(json!({ "shows": diagnostic(&snapshot.encode()) }))
}

fn sealed(area: &mut Area, size: usize) {
    let (chunks, file) = seal(&content(size));
    let layout = Layout::of(&file, FILE_MAX_BYTES).unwrap();
    let parts = [&(size as u64).to_be_bytes()[..], &layout.padded_bytes().to_be_bytes()];
    let okm = expand::<39>(&secret(0x32), b"sotto/1 attachment", &parts).unwrap();
    let hashes: Vec<_> = chunks.iter().map(|chunk| hex(entry_hash(chunk))).collect();
    area.value(
        &format!("a file of {size} bytes"),
        json!({ "file key": hex([0x32; 32]), "size": size, "content": "byte n is (n + floor(n / 256)) mod 256" }),
        json!({
            "padded size": layout.padded_bytes(), "key": hex(&okm[..32]), "nonce prefix": hex(&okm[32..]),
            "chunks": chunks.len(), "SHA-256 of each sealed chunk": hashes, "length of the blob": layout.blob_bytes(),
            "SHA-256 of the content": hex(entry_hash(&content(size))), "hash in the message": hex(file.hash),
            "attachment-ref, blob id 01…": hex(encode(&file)),
        }),
    );
}

fn a_small_one(area: &mut Area) {
    const NAME: &str = "the blob of a file of 257 bytes";
    let (chunks, file) = seal(&content(257));
    let blob = chunks.concat();
    let with = json!({ "attachment-ref": hex(encode(&file)) });
    let gives = json!({ "SHA-256 of the content": hex(entry_hash(&content(257))) });
    area.read(NAME, "blob", with, &blob, gives);
    area.refuse_damaged(NAME, &[(0, "the ciphertext"), (blob.len() - 1, "the tag")]);
    let mut with =
        |file: AttachmentRef, why: &str| area.refuse_with(NAME, "attachment-ref", hex(encode(&file)), why);
    let key = AttachmentKey::from_seed(secret(0x33));
    with(AttachmentRef { key, ..file.clone() }, "another key");
    with(
        AttachmentRef { hash: [0; 32], ..file.clone() },
        "another blob's hash: it opens, and is not the message's",
    );
    with(AttachmentRef { size: 258, ..file.clone() }, "another size");
    with(AttachmentRef { padded_size: 288, ..file.clone() }, "a padded size that padme does not make");
    with(AttachmentRef { size: u64::MAX, ..file.clone() }, "a size past every limit");
}

fn one_of_two_chunks(area: &mut Area) {
    const NAME: &str = "the last chunk of a file of 65,537 bytes";
    let (chunks, file) = seal(&content(65_537));
    assert_eq!(chunks.len(), 2);
    let with = json!({ "attachment-ref": hex(encode(&file)), "chunk": 1 });
    area.read(NAME, "chunk", with, &chunks[1], json!({ "content": hex(&content(65_537)[65_536..]) }));
    area.refuse_damaged(NAME, &[(0, "the ciphertext"), (chunks[1].len() - 1, "the tag")]);
    area.refuse_with(NAME, "chunk", 0, "at another place");
    area.refuse_with(NAME, "chunk", 2, "past the last chunk");
}

fn snapshot(area: &mut Area) {
    const NAME: &str = "what is kept to go on after one chunk";
    let file = content(200_000);
    let state = FileState::new(200_000, b"modified");
    let mut sealer = sealer_with_key(AttachmentKey::from_seed(secret(0x32)), state, FILE_MAX_BYTES).unwrap();
    let mut chunk = file[..65_536].to_vec();
    sealer.seal(&mut chunk).unwrap();
    let mut hash = BlobHash::default();
    hash.update(&chunk);
    let bytes = sealer.snapshot(&hash).unwrap().encode();
    area.value(
        "a snapshot",
        json!({ "file key": hex([0x32; 32]), "size": 200_000, "what the system changes": hex(b"modified"), "chunks": 1 }),
        json!({ "snapshot": hex(&*bytes) }),
    );
    area.read(NAME, "snapshot", json!({}), &bytes, json!({ "shows": diagnostic(&bytes) }));
    area.refuse_changed(NAME, super::Change::Cut(1), "the last byte is missing");
    area.refuse_changed(NAME, super::Change::Append(&[0]), "a byte follows");
}
