//! Padding, the entry layer of both kinds, and the log's chain.

use super::{Area, Change, Reader, Refused, With, hex, secret};
use super::{ENTRY, EPOCH, ROOM};
use openmls_traits::{crypto::OpenMlsCrypto as _, types::AeadType};
use serde_json::{Value, json};
use sotto_crypto::testing::{Primitives, expand, open_entry, pad, seal_entry, unpad};
use sotto_protocol::{Chain, EntryKind, RoomId, entry_hash};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[("entry", read_entry), ("padded", read_padded)];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("entries", "Entries; The log");
    padding(&mut area);
    entry(&mut area, "a message entry", EntryKind::Message, 0x02, b"signature || message-body");
    entry(&mut area, "a handshake entry", EntryKind::Handshake, 0x20, b"the MLSMessage of a commit");
    entry(&mut area, "a join", EntryKind::Join, 0x20, b"the MLSMessage of a newcomer's commit");
    badly_padded_entry(&mut area);
    log(&mut area);
    area
}

fn read_entry(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let kind = EntryKind::from_code(with.number("kind") as u8).unwrap();
    let room = RoomId::new(with.array("room"));
    let (header, content) = open_entry(&with.secret("secret"), &room, kind, with.number("epoch"), bytes)?;
    Ok(json!({ "epoch": header.epoch, "entry id": hex(header.id.as_bytes()), "content": hex(&*content) }))
}

fn read_padded(_: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    Ok(json!({ "content": hex(unpad(bytes)?) }))
}

fn padding(area: &mut Area) {
    let lengths = [0, 1, 252, 253, 300, 1000, 1020, 1021, 4096, 65_536, 1_000_000];
    let padded = lengths.map(|length| json!([length, pad(&vec![0; length]).unwrap().len()]));
    area.value("padding of some lengths", json!({}), json!({ "lengths before and after": padded }));
    for (name, content) in [("a short content", &b"hi"[..]), ("a longer content", &[7; 300])] {
        area.read(name, "padded", json!({}), &pad(content).unwrap(), json!({ "content": hex(content) }));
    }
    let short = pad(b"hi").unwrap();
    area.refuse_changed("a short content", Change::Xor(255, 1), "padding that is not zero");
    area.refuse_changed("a short content", Change::Cut(1), "shorter than padme makes it");
    area.refuse_changed("a short content", Change::Append(&[0]), "longer than padme makes it");
    area.refuse_bytes(
        "a short content",
        &[&short[..], &[0; 256]].concat(),
        "twice as long as padme makes it",
    );
    area.refuse_changed("a short content", Change::Xor(0, 1), "a length beyond the end");
    area.refuse_bytes("a short content", &[0, 0, 0], "shorter than a length");
}

fn entry(area: &mut Area, name: &str, kind: EntryKind, seed: u8, content: &[u8]) {
    let secret = secret(seed);
    let parts: [&[u8]; 3] = [&[kind.code()], ROOM.as_bytes(), ENTRY.as_bytes()];
    let okm = expand::<44>(&secret, b"sotto/1 entry key", &parts).unwrap();
    let entry = seal_entry(&secret, &ROOM, kind, EPOCH, ENTRY, content).unwrap();
    let with = json!({
        "secret": hex(secret.expose()), "room": hex(ROOM.as_bytes()), "kind": kind.code(), "epoch": EPOCH,
    });
    area.value(
        &format!("the sealing of {name}"),
        json!({ "with": with, "entry id": hex(ENTRY.as_bytes()), "content": hex(content) }),
        json!({
            "key": hex(&okm[..32]), "nonce": hex(&okm[32..]), "header": hex(&entry[..25]),
            "additional data": hex([&entry[..25], &[kind.code()], ROOM.as_bytes()].concat()),
            "padded": hex(&*pad(content).unwrap()), "entry": hex(&entry),
        }),
    );
    let gives = json!({ "epoch": EPOCH, "entry id": hex(ENTRY.as_bytes()), "content": hex(content) });
    area.read(name, "entry", with, &entry, gives);
    area.refuse_changed(name, Change::Xor(0, 3), "a later entry version");
    let parts = [
        (8, "the header's epoch"),
        (9, "the entry id"),
        (25, "the ciphertext"),
        (entry.len() - 1, "the tag"),
    ];
    area.refuse_damaged(name, &parts);
    area.refuse_changed(name, Change::Cut(entry.len() - 40), "shorter than header and tag");
    area.refuse_with(name, "secret", hex([0x7f; 32]), "the secret of another epoch");
    area.refuse_with(name, "room", hex([0x12; 16]), "another room");
    area.refuse_with(name, "epoch", EPOCH + 1, "another epoch than the header's");
    area.refuse_with(name, "kind", if kind == EntryKind::Message { 1 } else { 2 }, "the other kind");
}

/// Everything is right but the padding: only a member can make it.
fn badly_padded_entry(area: &mut Area) {
    let header = &seal_entry(&secret(0x02), &ROOM, EntryKind::Message, EPOCH, ENTRY, b"").unwrap()[..25];
    let parts: [&[u8]; 3] = [&[2], ROOM.as_bytes(), ENTRY.as_bytes()];
    let okm = expand::<44>(&secret(0x02), b"sotto/1 entry key", &parts).unwrap();
    let aad = [header, &[2], ROOM.as_bytes()].concat();
    let mut padded = pad(b"signature || message-body").unwrap().to_vec();
    padded.extend_from_slice(&[0; 16]);
    let sealed = Primitives.aead_encrypt(AeadType::Aes256Gcm, &okm[..32], &padded, &okm[32..], &aad).unwrap();
    let entry = [header, &sealed].concat();
    area.refuse_bytes("a message entry", &entry, "it opens, and its padding is longer than padme makes it");
}

fn log(area: &mut Area) {
    let entries = [EntryKind::Handshake, EntryKind::Message, EntryKind::Rewind, EntryKind::Join]
        .into_iter()
        .zip([b"first", b"other", b"third", b"forth"]);
    let mut chain = Chain::start(&ROOM);
    let mut from = Vec::new();
    let mut gives = json!({ "H_0": hex(chain.hash) });
    for (place, (kind, entry)) in entries.enumerate() {
        let seq = place as u64 + 1;
        chain = chain.then(seq, kind, &entry_hash(entry));
        from.push(json!({ "seq": seq, "kind": kind.code(), "entry": hex(entry) }));
        gives[format!("H_{seq}")] = hex(chain.hash);
    }
    gives["chain"] = hex(sotto_protocol::encode(&chain));
    area.value("the chain of a log", json!({ "room": hex(ROOM.as_bytes()), "entries": from }), gives);
}
