//! The vault: names and values of every label, and what stands in them.

use super::{ADA, Area, Change, NOW_MS, ROOM, Reader, Refused, With, diagnostic, encapsulation, hex, secret};
use serde_json::{Value, json};
use sotto_crypto::{
    account::{
        AccountDevice, RecoveryKey, RoomPosition, VaultIndex, VaultKey, VaultLabel, VaultName, open_archive,
    },
    identity::{Pins, Subject},
    testing::{open_committed, seal_archive_seeded, seal_committed_with_salt, seal_vault},
};
use sotto_protocol::{Chain, RoomId};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[
    ("vault value", read_value),
    ("index", |_, bytes| Ok(json!({ "shows": diagnostic(&VaultIndex::from_bytes(bytes)?.to_bytes()) }))),
    ("last place read", |_, bytes| {
        Ok(json!({ "shows": diagnostic(&RoomPosition::from_bytes(bytes)?.to_bytes()) }))
    }),
    ("device of the account", |_, bytes| {
        Ok(json!({ "shows": diagnostic(&AccountDevice::from_bytes(bytes)?.to_bytes()) }))
    }),
    ("pins", |_, bytes| Ok(json!({ "shows": diagnostic(&Pins::decode(bytes)?.encode()) }))),
    ("history archive", read_archive),
];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("vault", "Vault; Safety numbers and pins");
    values(&mut area);
    contents(&mut area);
    archive(&mut area);
    area
}

fn read_value(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let key = VaultKey::from_seed(with.secret("vault key"));
    let name = VaultName::new(with.array("name"));
    let (label, content) = key.open(&name, with.number("version"), bytes)?;
    Ok(json!({ "label": hex(label_bytes(label)), "content": hex(&*content) }))
}

/// A label as PROTOCOL.md has it.
fn label_bytes(label: VaultLabel) -> Vec<u8> {
    match label {
        VaultLabel::Index => vec![0],
        VaultLabel::DoorKey => vec![1],
        VaultLabel::Settings => vec![2],
        VaultLabel::Pins => vec![3],
        VaultLabel::Room(room) => [&[4], &room.as_bytes()[..]].concat(),
        VaultLabel::Position(room) => [&[5], &room.as_bytes()[..]].concat(),
        VaultLabel::HistoryArchive(room, part) => [&[6], &room.as_bytes()[..], &part.to_be_bytes()].concat(),
        VaultLabel::Device(key) => [&[7], &key[..]].concat(),
    }
}

fn values(area: &mut Area) {
    let key = VaultKey::from_seed(secret(ADA.vault));
    let labels = [
        ("the index", VaultLabel::Index),
        ("the door seed", VaultLabel::DoorKey),
        ("settings", VaultLabel::Settings),
        ("pins", VaultLabel::Pins),
        ("a room of the list", VaultLabel::Room(ROOM)),
        ("the last place read", VaultLabel::Position(ROOM)),
        ("a history archive", VaultLabel::HistoryArchive(ROOM, 2)),
        ("a device", VaultLabel::Device(ADA.device().public())),
    ];
    for (name, label) in labels {
        let vault_name = key.name(label).unwrap();
        let value = seal_vault(&key, label, 2, b"content", &[0x55; 16]).unwrap();
        area.value(
            &format!("the name and value of {name}"),
            json!({
                "vault key": hex([ADA.vault; 32]), "label": hex(label_bytes(label)), "version": 2,
                "content": hex(b"content"), "salt": hex([0x55; 16]),
            }),
            json!({ "name": hex(vault_name.as_bytes()), "value": hex(&value) }),
        );
        let with =
            json!({ "vault key": hex([ADA.vault; 32]), "name": hex(vault_name.as_bytes()), "version": 2 });
        let gives = json!({ "label": hex(label_bytes(label)), "content": hex(b"content") });
        area.read(name, "vault value", with, &value, gives);
    }
    const NAME: &str = "a room of the list";
    area.refuse_changed(NAME, Change::Xor(0, 3), "a later version of the sealing");
    area.refuse_damaged(NAME, &[(1, "the salt"), (17, "the commitment"), (49, "the ciphertext")]);
    area.refuse_with(NAME, "version", 1, "an older version of the record");
    area.refuse_with(NAME, "vault key", hex([0x24; 32]), "another vault key");
    let other = key.name(VaultLabel::Position(ROOM)).unwrap();
    area.refuse_with(NAME, "name", hex(other.as_bytes()), "under another name");
    // Sealed for a name whose label it is not: only somebody with the vault key can make it.
    let name = key.name(VaultLabel::Room(ROOM)).unwrap();
    let aad = [&[1][..], name.as_bytes(), &2_u64.to_be_bytes()].concat();
    let labelled = |label: &[u8]| {
        let mut bytes = Vec::new();
        minicbor::Encoder::new(&mut bytes).array(2).unwrap().bytes(label).unwrap().bytes(b"content").unwrap();
        seal_committed_with_salt(key.seed(), b"sotto/1 vault value", &aad, &bytes, &[0x55; 16]).unwrap()
    };
    let good = labelled(&label_bytes(VaultLabel::Room(ROOM)));
    assert!(open_committed(key.seed(), b"sotto/1 vault value", &aad, &good).is_ok());
    for (label, why) in [
        (label_bytes(VaultLabel::Room(RoomId::new([0x12; 16]))), "the label inside is another one's"),
        (vec![0, 0], "the index with something behind it"),
        (vec![4; 16], "a room id of 15 bytes"),
        (vec![8], "a label of a later version: it is kept and passed over"),
        (Vec::new(), "an empty label"),
    ] {
        area.refuse_bytes(NAME, &labelled(&label), why);
    }
}

fn contents(area: &mut Area) {
    let mut both = |name: &str, reader: &str, bytes: &[u8]| {
        area.read(name, reader, json!({}), bytes, json!({ "shows": diagnostic(bytes) }));
        area.refuse_changed(name, Change::Cut(1), "the last byte is missing");
        area.refuse_changed(name, Change::Append(&[0]), "a byte follows");
    };
    let mut index = VaultIndex::default();
    index.note(VaultName::new([0x02; 32]), 7).unwrap();
    index.note(VaultName::new([0x01; 32]), 300).unwrap();
    both("the content of an index", "index", &index.to_bytes());
    let position = RoomPosition { epoch: 3, chain: Chain { seq: 8, hash: [0x08; 32] } };
    both("the content of a last place read", "last place read", &position.to_bytes());
    let device =
        AccountDevice { certificate: ADA.certificate(), recovery_public: ADA.recovery_public().unwrap() };
    both("the content of a device", "device of the account", &device.to_bytes());
    let mut pins = Pins::default();
    let (name, contact) = (Subject::name("ada"), Subject::contact(&[0x0c; 16]));
    pins.observe(&name, &ADA.identity().public(), NOW_MS);
    pins.verify(&name, &ADA.identity().public(), NOW_MS + 10);
    pins.observe(&name, &super::BOB.identity().public(), NOW_MS + 20);
    pins.observe(&contact, &super::CLEO.identity().public(), NOW_MS);
    both("the content of pins", "pins", &pins.encode());
    let mut later = pins.encode();
    later[2] = 2;
    area.refuse_bytes("the content of pins", &later, "a later version");
    let mut twice = index.to_bytes();
    twice.splice(0..1, [0x83]);
    twice.extend_from_slice(&index.to_bytes()[1..36]);
    area.refuse_bytes("the content of an index", &twice, "a name twice");
    let mut foreign = device.to_bytes();
    let last = foreign.len() - 1;
    foreign[last] ^= 1;
    area.refuse_bytes("the content of a device", &foreign, "the certificate names another recovery key");
}

fn read_archive(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let recovery = RecoveryKey::from_seed(with.secret("recovery seed"));
    let room = RoomId::new(with.array("room"));
    let secrets = open_archive(&recovery, &room, with.number("part") as u32, bytes)?;
    Ok(json!({ "secrets": hex(&*secrets) }))
}

fn archive(area: &mut Area) {
    const NAME: &str = "the content of a history archive";
    let public = ADA.recovery_public().unwrap();
    let sealed = seal_archive_seeded(&public, &ROOM, 2, b"message secrets", &secret(0x57)).unwrap();
    let with = json!({ "recovery seed": hex([0x21; 32]), "room": hex(ROOM.as_bytes()), "part": 2 });
    area.value(
        "the sealing of a history archive",
        json!({
            "with": with, "encapsulation randomness": hex(encapsulation(0x57)), "secrets": hex(b"message secrets"),
        }),
        json!({ "sealed": hex(&sealed) }),
    );
    area.read(NAME, "history archive", with, &sealed, json!({ "secrets": hex(b"message secrets") }));
    area.refuse_damaged(NAME, &[(10, "the encapsulated key"), (1121, "the ciphertext")]);
    area.refuse_with(NAME, "part", 3, "another part");
    area.refuse_with(NAME, "room", hex([0x12; 16]), "another room");
    area.refuse_with(NAME, "recovery seed", hex([0x61; 32]), "another recovery key");
}
