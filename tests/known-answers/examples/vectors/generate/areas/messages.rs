//! A message: body, signature and the entry around it.

use super::{ADA, Area, BOB, ENTRY, EPOCH, ROOM, Reader, Refused, With, diagnostic, hex, secret};
use serde_json::{Value, json};
use sotto_crypto::{
    message::{Content, Draft, open},
    room::{MessageSecret, Roster},
    testing::{open_entry, seal_entry, seal_message},
};
use sotto_protocol::{Chain, EntryId, EntryKind, RoomId};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[("message", read_message)];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("messages", "Messages; Content");
    message(&mut area);
    area
}

/// Leaf 0 is Ada's, leaf 1 Bob's.
pub fn roster(leaves: &[(u32, &super::Person)]) -> Roster {
    let leaf = |(leaf, person): &(u32, &super::Person)| super::rooms::leaf_of(*leaf, person, None, 1);
    super::rooms::epoch_of(leaves.iter().map(leaf).collect()).roster().unwrap()
}

fn read_message(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let entries = with.list("roster").into_iter().map(|entry| {
        let known = roster(&[(0, &ADA), (1, &BOB)]);
        let device_key: [u8; 32] = entry.array("device key");
        let mut found = known.iter().find(|(_, known)| known.device_key == device_key).unwrap().1.clone();
        found.device_key = device_key;
        (entry.number("leaf") as u32, found)
    });
    let roster = Roster::from_entries(entries.collect::<Vec<_>>());
    let secret = MessageSecret::from_seed(with.secret("message secret"));
    let room = RoomId::new(with.array("room"));
    let (header, opened) = open(&secret, &room, with.number("epoch"), &roster, bytes)?;
    Ok(json!({
        "entry id": hex(header.id.as_bytes()), "device key": hex(opened.sender.device_key),
        "message id": hex(opened.id), "sent at": opened.sent_at_ms,
        "chain": [opened.chain.seq, hex(opened.chain.hash)],
        "content": opened.content.encode().map_or(Value::Null, hex),
    }))
}

fn message(area: &mut Area) {
    const NAME: &str = "a message";
    let secret = MessageSecret::from_seed(secret(0x02));
    let content = Content::text("hello").encode().unwrap();
    let chain = Chain { seq: 8, hash: [0x08; 32] };
    let draft = Draft { leaf: 1, id: [0x33; 16], sent_at_ms: super::NOW_MS, chain, content: &content };
    let seal = |device: &sotto_crypto::DeviceKey, draft: &Draft<'_>| {
        seal_message(&secret, device, &ROOM, EPOCH, draft, ENTRY).unwrap()
    };
    let entry = seal(&BOB.device(), &draft);
    let open = |entry: &[u8]| {
        let (_, inside) = open_entry(secret.seed(), &ROOM, EntryKind::Message, EPOCH, entry).unwrap();
        inside.to_vec()
    };
    let inside = open(&entry);
    let (signature, body) = inside.split_at(64);
    let with = json!({
        "message secret": hex(secret.seed().expose()), "room": hex(ROOM.as_bytes()), "epoch": EPOCH,
        "roster": [
            { "leaf": 0, "device key": hex(ADA.device().public()) },
            { "leaf": 1, "device key": hex(BOB.device().public()) },
        ],
    });
    area.value(
        "the sealing of a message",
        json!({
            "with": with, "device seed": hex([BOB.device; 32]), "entry id": hex(ENTRY.as_bytes()), "leaf": 1,
            "message id": hex([0x33; 16]), "sent at": super::NOW_MS, "chain": [8, hex([0x08; 32])], "text": "hello",
        }),
        json!({
            "content": hex(&content), "message-body": hex(body), "shows": diagnostic(body),
            "signature": hex(signature), "content of the entry": hex(&inside), "entry": hex(&entry),
        }),
    );
    let gives = json!({
        "entry id": hex(ENTRY.as_bytes()), "device key": hex(BOB.device().public()), "message id": hex([0x33; 16]),
        "sent at": super::NOW_MS, "chain": [8, hex([0x08; 32])], "content": hex(&content),
    });
    area.read(NAME, "message", with, &entry, gives);
    area.refuse_damaged(NAME, &[(9, "the entry id"), (25, "the ciphertext")]);
    area.refuse_with(NAME, "epoch", EPOCH + 1, "another epoch");
    area.refuse_with(NAME, "room", hex([0x12; 16]), "another room");
    area.refuse_with(NAME, "message secret", hex([0x7f; 32]), "the secret of another epoch");
    let alone = json!([{ "leaf": 0, "device key": hex(ADA.device().public()) }]);
    area.refuse_with(NAME, "roster", alone, "the sender's leaf is not in the roster");
    area.refuse_bytes(NAME, &seal(&ADA.device(), &draft), "another member signs in its sender's name");
    let again = |inside: &[u8], epoch, id| {
        seal_entry(secret.seed(), &ROOM, EntryKind::Message, epoch, id, inside).unwrap()
    };
    let passed_on = again(&inside, EPOCH, EntryId::new([0x23; 16]));
    area.refuse_bytes(NAME, &passed_on, "a member seals its words again, as another entry");
    let mut flipped = inside.clone();
    flipped[70] ^= 1;
    area.refuse_bytes(NAME, &again(&flipped, EPOCH, ENTRY), "a member changes its words");
    area.refuse_bytes(NAME, &again(&inside[..inside.len() - 1], EPOCH, ENTRY), "its body is cut");
    area.refuse_bytes(
        NAME,
        &again(&[&inside[..], &[0]].concat(), EPOCH, ENTRY),
        "something stands behind its body",
    );
    area.refuse_bytes(NAME, &again(&inside[..63], EPOCH, ENTRY), "shorter than a signature");
    // Content of no shape that its type may have is shown as such: the entry is not damaged.
    let nonsense = seal(&BOB.device(), &Draft { content: b"nonsense", ..draft });
    let mut gives = read_message(&With(&with_of(area, NAME)), &nonsense).unwrap();
    gives["content"] = Value::Null;
    area.read("a message whose content is nonsense", "message", with_of(area, NAME), &nonsense, gives);
}

fn with_of(area: &Area, name: &str) -> Value {
    area.case(name)["with"].clone()
}
