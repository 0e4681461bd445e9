//! Files, sealed piece by piece; and what a writer keeps to go on.

use super::{Area, Reader, Refused, With, diagnostic, hex, secret};
use serde_json::{Value, json};
use sotto_crypto::{
    attachment::{AttachmentKey, AttachmentRef, FILE_MAX_BYTES, FileState, Layout, Opener, Sealer, Snapshot},
    testing::{expand, sealer_with_key},
};
use sotto_protocol::{decode, encode, entry_hash};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] =
    &[("blob", read_blob), ("piece", read_piece), ("snapshot", read_snapshot)];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("files", "Attachments");
    for size in [0, 1, 256, 257, 1_048_576, 1_048_577, 3_000_000] {
        sealed(&mut area, size);
    }
    a_small_one(&mut area);
    one_of_two_pieces(&mut area);
    snapshot(&mut area);
    area
}

/// The content of a file: byte n is the last byte of n + n / 256.
fn content(size: usize) -> Vec<u8> {
    (0..size).map(|place| (place + place / 256) as u8).collect()
}

/// Pieces, the index, and what a message says of them.
fn seal(content: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>, AttachmentRef) {
    let state = FileState::new(content.len() as u64, b"modified");
    let sealer = sealer_with_key(AttachmentKey::from_seed(secret(0x32)), state, FILE_MAX_BYTES).unwrap();
    let pieces =
        (0..sealer.layout().piece_count()).map(|piece| seal_piece(&sealer, piece, content)).collect();
    let (file, index) = sealer.finish([0x01; 16]).unwrap();
    (pieces, index.as_bytes().to_vec(), file)
}

fn seal_piece(sealer: &Sealer, piece: u32, content: &[u8]) -> Vec<u8> {
    let range = sealer.layout().file_range(piece);
    let mut sealed = content[range.start as usize..range.end as usize].to_vec();
    sealer.seal_piece(piece, &mut sealed).unwrap();
    sealed
}

fn read_blob(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let file: AttachmentRef = decode(&with.bytes("attachment-ref"))?;
    let layout = Layout::of(&file, FILE_MAX_BYTES)?;
    if layout.blob_bytes() != bytes.len() as u64 {
        return Err(Refused("the blob has another length".to_owned()));
    }
    let part = |range: core::ops::Range<u64>| bytes[range.start as usize..range.end as usize].to_vec();
    let opener = Opener::new(&file, part(layout.index_range()), FILE_MAX_BYTES)?;
    let mut content = Vec::new();
    for piece in 0..layout.piece_count() {
        let mut opened = part(layout.sealed_range(piece));
        opener.open_piece(piece, &mut opened)?;
        content.extend(opened);
    }
    Ok(json!({ "SHA-256 of the content": hex(entry_hash(&content)) }))
}

fn read_piece(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let file: AttachmentRef = decode(&with.bytes("attachment-ref"))?;
    let mut piece = bytes.to_vec();
    Opener::new(&file, with.bytes("index"), FILE_MAX_BYTES)?
        .open_piece(with.number("piece") as u32, &mut piece)?;
    Ok(json!({ "content": hex(piece) }))
}

fn read_snapshot(_: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let snapshot = Snapshot::decode(bytes)?;
    Ok(json!({ "shows": diagnostic(&snapshot.encode()) }))
}

fn sealed(area: &mut Area, size: usize) {
    let (pieces, index, file) = seal(&content(size));
    let layout = Layout::of(&file, FILE_MAX_BYTES).unwrap();
    let parts = [&(size as u64).to_be_bytes()[..], &layout.padded_bytes().to_be_bytes()];
    let okm = expand::<39>(&secret(0x32), b"sotto/1 attachment", &parts).unwrap();

    area.value(
        &format!("a file of {size} bytes"),
        json!({ "file key": hex([0x32; 32]), "size": size, "content": "byte n is (n + floor(n / 256)) mod 256" }),
        json!({
            "padded size": layout.padded_bytes(), "key": hex(&okm[..32]), "nonce prefix": hex(&okm[32..]),
            "pieces": pieces.len(), "index": hex(index), "length of the blob": layout.blob_bytes(),
            "SHA-256 of the content": hex(entry_hash(&content(size))), "hash in the message": hex(file.hash),
            "attachment-ref, blob id 01…": hex(encode(&file)),
        }),
    );
}

fn a_small_one(area: &mut Area) {
    const NAME: &str = "the blob of a file of 257 bytes";
    let (pieces, index, file) = seal(&content(257));
    let blob = [pieces.concat(), index].concat();
    let with = json!({ "attachment-ref": hex(encode(&file)) });
    let gives = json!({ "SHA-256 of the content": hex(entry_hash(&content(257))) });
    area.read(NAME, "blob", with, &blob, gives);
    let index = blob.len() - 32;
    area.refuse_damaged(NAME, &[(0, "the ciphertext"), (index - 1, "the tag"), (index, "the index")]);
    area.refuse_changed(NAME, super::Change::Cut(1), "the last byte is missing");
    area.refuse_changed(NAME, super::Change::Append(&[0]), "a byte follows");
    let mut with =
        |file: AttachmentRef, why: &str| area.refuse_with(NAME, "attachment-ref", hex(encode(&file)), why);
    let key = AttachmentKey::from_seed(secret(0x33));
    with(AttachmentRef { key, ..file.clone() }, "another key");
    with(
        AttachmentRef { hash: [0; 32], ..file.clone() },
        "another blob's hash: it would open, and is not the message's",
    );
    with(AttachmentRef { size: 258, ..file.clone() }, "another size");
    with(AttachmentRef { padded_size: 288, ..file.clone() }, "a padded size that padme does not make");
    with(AttachmentRef { size: u64::MAX, ..file.clone() }, "a size past every limit");
}

fn one_of_two_pieces(area: &mut Area) {
    const NAME: &str = "the last piece of a file of 1,048,577 bytes";
    let (pieces, index, file) = seal(&content(1_048_577));
    assert_eq!(pieces.len(), 2);
    let with = json!({ "attachment-ref": hex(encode(&file)), "index": hex(&index), "piece": 1 });
    area.read(NAME, "piece", with, &pieces[1], json!({ "content": hex(&content(1_048_577)[1_048_576..]) }));
    area.refuse_damaged(NAME, &[(0, "the ciphertext"), (pieces[1].len() - 1, "the tag")]);
    area.refuse_with(NAME, "piece", 0, "at another place");
    area.refuse_with(NAME, "piece", 2, "past the last piece");
    area.refuse_with(NAME, "index", hex([&index[32..], &index[..32]].concat()), "an index in another order");
    area.refuse_with(NAME, "index", hex(&index[..32]), "an index that is cut");
}

fn snapshot(area: &mut Area) {
    const NAME: &str = "what is kept to go on after pieces 0 and 2";
    let file = content(3_000_000);
    let state = FileState::new(3_000_000, b"modified");
    let sealer = sealer_with_key(AttachmentKey::from_seed(secret(0x32)), state, FILE_MAX_BYTES).unwrap();
    for piece in [2, 0] {
        seal_piece(&sealer, piece, &file);
    }
    let bytes = sealer.snapshot().encode();
    area.value(
        "a snapshot",
        json!({ "file key": hex([0x32; 32]), "size": 3_000_000, "what the system changes": hex(b"modified"), "pieces": [0, 2] }),
        json!({ "snapshot": hex(&*bytes) }),
    );
    area.read(NAME, "snapshot", json!({}), &bytes, json!({ "shows": diagnostic(&bytes) }));
    area.refuse_changed(NAME, super::Change::Cut(1), "the last byte is missing");
    area.refuse_changed(NAME, super::Change::Append(&[0]), "a byte follows");
}
