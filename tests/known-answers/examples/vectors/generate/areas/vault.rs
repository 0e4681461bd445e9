//! The vault: names and values of every label, and what stands in them.

use super::{ADA, Area, Change, NOW_MS, ROOM, Reader, Refused, With, diagnostic, encapsulation, hex, secret};
use serde_json::{Value, json};
use sotto_crypto::{
    account::{
        AccountDevice, Mark, ReadMarks, RecoveryKey, RoomPosition, VaultIndex, VaultKey, VaultLabel,
        VaultName, open_archive,
    },
    identity::{AccountId, Pins, Subject},
    status::ReadMark,
    testing::{open_committed, seal_archive_seeded, seal_committed_with_salt, seal_vault},
};
use sotto_protocol::{Chain, RoomId, entry_hash};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[
    ("vault value", read_value),
    ("vault value and index", read_noted),
    ("index of another device", read_merged),
    ("index", |_, bytes| Ok(json!({ "shows": diagnostic(&VaultIndex::from_bytes(bytes)?.to_bytes()) }))),
    ("read marks", |_, bytes| Ok(json!({ "shows": diagnostic(&ReadMarks::from_bytes(bytes)?.to_bytes()) }))),
    ("device of the account", |with, bytes| {
        let account = AccountId::new(with.array("account"));
        Ok(json!({ "shows": diagnostic(&AccountDevice::from_bytes(bytes, &account)?.to_bytes()) }))
    }),
    ("pins", |_, bytes| Ok(json!({ "shows": diagnostic(&Pins::decode(bytes)?.encode()) }))),
    ("history archive", read_archive),
];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("vault", "Vault; Safety numbers and pins");
    values(&mut area);
    tombstone(&mut area);
    seen(&mut area);
    contents(&mut area);
    archive(&mut area);
    area
}

fn read_value(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let key = VaultKey::from_seed(with.secret("vault key"));
    let name = VaultName::new(with.array("name"));
    let (label, content) = key.open(&name, with.number("version"), bytes)?;
    let content = content.map(|content| hex(&*content));
    Ok(json!({ "label": hex(label_bytes(label)), "content": content }))
}

/// A label as PROTOCOL.md has it.
fn label_bytes(label: VaultLabel) -> Vec<u8> {
    match label {
        VaultLabel::Index => vec![0],
        VaultLabel::DoorKey => vec![1],
        VaultLabel::Settings => vec![2],
        VaultLabel::Pins => vec![3],
        VaultLabel::Room(room) => [&[4], &room.as_bytes()[..]].concat(),
        VaultLabel::ReadMarks => vec![5],
        VaultLabel::HistoryArchive(room, part) => [&[6], &room.as_bytes()[..], &part.to_be_bytes()].concat(),
        VaultLabel::Device(key) => [&[7], &key[..]].concat(),
        VaultLabel::Invites => vec![8],
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
        ("the read marks", VaultLabel::ReadMarks),
        ("a history archive", VaultLabel::HistoryArchive(ROOM, 2)),
        ("a device", VaultLabel::Device(ADA.device().public())),
        ("the invites taken", VaultLabel::Invites),
    ];
    for (name, label) in labels {
        let vault_name = key.name(label).unwrap();
        let value = seal_vault(&key, label, 2, Some(b"content"), &[0x55; 16]).unwrap();
        area.value(
            &format!("the name and value of {name}"),
            json!({
                "vault key": hex([ADA.vault; 32]), "label": hex(label_bytes(label)), "version": 2,
                "content": hex(b"content"), "salt": hex([0x55; 16]),
            }),
            json!({ "name": hex(vault_name.as_bytes()), "value": hex(&value), "mark": hex(mark(&value)) }),
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
    let other = key.name(VaultLabel::ReadMarks).unwrap();
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
        ([&[5], &ROOM.as_bytes()[..]].concat(), "the read marks with a room behind them"),
        (vec![8, 0], "the invites taken with something behind it"),
        (vec![7; 32], "a device key of 31 bytes"),
        (vec![9], "a label of a later version: it is kept and passed over"),
        (Vec::new(), "an empty label"),
    ] {
        area.refuse_bytes(NAME, &labelled(&label), why);
    }
}

/// What a device notes of a value, beside its version.
fn mark(value: &[u8]) -> Vec<u8> {
    entry_hash(&[b"sotto/1 vault mark", value].concat())[..16].to_vec()
}

fn tombstone(area: &mut Area) {
    const NAME: &str = "settings that were deleted";
    let (key, label) = (VaultKey::from_seed(secret(ADA.vault)), VaultLabel::Settings);
    let name = key.name(label).unwrap();
    let value = seal_vault(&key, label, 3, None, &[0x55; 16]).unwrap();
    let aad = [&[1][..], name.as_bytes(), &3_u64.to_be_bytes()].concat();
    let sealed = open_committed(key.seed(), b"sotto/1 vault value", &aad, &value).unwrap();
    area.value(
        "the value of settings that were deleted",
        json!({
            "vault key": hex([ADA.vault; 32]), "label": hex(label_bytes(label)), "version": 3, "content": null,
            "salt": hex([0x55; 16]),
        }),
        json!({
            "name": hex(name.as_bytes()), "sealed": hex(&*sealed), "shows": diagnostic(&sealed),
            "value": hex(&value), "mark": hex(mark(&value)),
        }),
    );
    let with = json!({ "vault key": hex([ADA.vault; 32]), "name": hex(name.as_bytes()), "version": 3 });
    let gives = json!({ "label": hex(label_bytes(label)), "content": null });
    area.read(NAME, "vault value", with, &value, gives);
    area.refuse_with(NAME, "version", 4, "an older tombstone as a later version");
    area.refuse_damaged(NAME, &[(49, "the ciphertext")]);
    let without = [&[0x81, 0x41][..], &label_bytes(label)].concat();
    let without =
        seal_committed_with_salt(key.seed(), b"sotto/1 vault value", &aad, &without, &[0x55; 16]).unwrap();
    area.refuse_bytes(NAME, &without, "a label without content and without its null");
}

/// Opens a value, and takes note of it in what was seen.
fn read_noted(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let mut index = VaultIndex::from_bytes(&with.bytes("index"))?;
    let (name, version) = (VaultName::new(with.array("name")), with.number("version"));
    VaultKey::from_seed(with.secret("vault key")).open(&name, version, bytes)?;
    index.note(name, Mark::of(version, bytes))?;
    Ok(json!({ "index afterwards": hex(index.to_bytes()) }))
}

/// Merges another device's index into what was seen.
fn read_merged(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let mut index = VaultIndex::from_bytes(&with.bytes("own index"))?;
    index.merge(&VaultIndex::from_bytes(bytes)?)?;
    Ok(json!({ "own index afterwards": hex(index.to_bytes()) }))
}

/// An index of one record and, perhaps, the sealed record.
fn index_of(name: VaultName, mark: Mark, record: Option<Mark>) -> Vec<u8> {
    let mut index = VaultIndex::default();
    index.note(name, mark).unwrap();
    if let Some(record) = record {
        index.note_record(record).unwrap();
    }
    index.to_bytes()
}

fn seen(area: &mut Area) {
    let (key, label) = (VaultKey::from_seed(secret(ADA.vault)), VaultLabel::Settings);
    let name = key.name(label).unwrap();
    let value = |version, content: Option<&[u8]>, salt: u8| {
        seal_vault(&key, label, version, content, &[salt; 16]).unwrap()
    };
    let (second, third) = (value(2, Some(b"content"), 0x55), value(3, None, 0x55));
    let index = |version, value: &[u8]| index_of(name, Mark::of(version, value), None);
    let with = |version: u64, index: &[u8]| {
        json!({
            "vault key": hex([ADA.vault; 32]), "name": hex(name.as_bytes()), "version": version, "index": hex(index),
        })
    };
    let mut read = |case: &str, with: &Value, bytes: &[u8]| {
        let gives = read_noted(&With(with), bytes).unwrap();
        area.read(case, "vault value and index", with.clone(), bytes, gives);
    };
    const NAME: &str = "a value that was seen";
    const TOMBSTONE: &str = "a tombstone after a value that was seen";
    read(NAME, &with(2, &index(2, &second)), &second);
    read(TOMBSTONE, &with(3, &index(2, &second)), &third);
    read("a value of a name that was not seen", &with(2, &VaultIndex::default().to_bytes()), &second);
    area.refuse_with(NAME, "index", hex(index(3, &third)), "an older value: what was deleted comes back");
    area.refuse_bytes(NAME, &value(2, Some(b"content"), 0x58), "another value of the version that was seen");
    area.refuse_bytes(NAME, &value(2, None, 0x55), "a tombstone of the version that was seen");
    let fork = index(3, &value(3, Some(b"content"), 0x55));
    area.refuse_with(TOMBSTONE, "index", hex(&fork), "another value of this version was seen");
    merged(area, (name, &second, &third, &fork));
}

fn merged(area: &mut Area, (name, second, third, fork): (VaultName, &[u8], &[u8], &[u8])) {
    const NAME: &str = "an index of a device that has seen more";
    let record = |version, bytes: &[u8]| Some(Mark::of(version, bytes));
    let own = index_of(name, Mark::of(2, second), record(4, b"sealed-record"));
    let theirs = index_of(name, Mark::of(3, third), record(5, b"its next version"));
    let mut read = |case: &str, own: &[u8], theirs: &[u8]| {
        let with = json!({ "own index": hex(own) });
        let gives = read_merged(&With(&with), theirs).unwrap();
        area.read(case, "index of another device", with, theirs, gives);
    };
    read(NAME, &own, &theirs);
    read("an index of a device that has seen less", &theirs, &own);
    area.refuse_with(NAME, "own index", hex(fork), "the relay has led the two devices apart");
    let other = index_of(name, Mark::of(2, second), record(5, b"another one"));
    area.refuse_with(NAME, "own index", hex(other), "two sealed records of one version");
}

fn contents(area: &mut Area) {
    let mut both = |name: &str, reader: &str, bytes: &[u8]| {
        let of_account = json!({ "account": hex(ADA.certificate().account().as_bytes()) });
        let with = if reader == "device of the account" { of_account } else { json!({}) };
        area.read(name, reader, with, bytes, json!({ "shows": diagnostic(bytes) }));
        area.refuse_changed(name, Change::Cut(1), "the last byte is missing");
        area.refuse_changed(name, Change::Append(&[0]), "a byte follows");
    };
    let mut index = VaultIndex::default();
    index.note(VaultName::new([0x02; 32]), Mark::of(7, b"value")).unwrap();
    index.note(VaultName::new([0x01; 32]), Mark::of(300, b"another value")).unwrap();
    both("an index without the sealed record", "index", &index.to_bytes());
    index.note_record(Mark::of(4, b"sealed-record")).unwrap();
    both("the content of an index", "index", &index.to_bytes());
    let mut marks = ReadMarks::default();
    for (room, turn, seq) in [(0x12, 1, 300), (0x11, 0, 7)] {
        let position =
            RoomPosition { mark: ReadMark { turn, seq }, chain: Chain { seq: 301, hash: [room; 32] } };
        marks.take(RoomId::new([room; 16]), position).unwrap();
    }
    both("the content of read marks", "read marks", &marks.to_bytes());
    let recovery_public = ADA.recovery_public().unwrap();
    let device = AccountDevice { certificate: ADA.certificate(), recovery_public, session: None };
    both("the content of a device without a session", "device of the account", &device.to_bytes());
    let device = AccountDevice { session: Some([0x0b; 16]), ..device };
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
    for (names, why) in [([1, 1], "a name twice"), ([2, 1], "names that do not ascend")] {
        let bytes = index_bytes(&names.map(|name| (vec![name; 32], vec![0x0d; 16])));
        area.refuse_bytes("the content of an index", &bytes, why);
    }
    area.refuse_bytes("the content of an index", &[0xa2, 0, 0xf6, 1, 0x80], "null in place of an absent key");
    area.refuse_bytes("the content of an index", &[0xa0], "no list of names");
    for (rooms, why) in [([0x11, 0x11], "a room twice"), ([0x12, 0x11], "rooms that do not ascend")] {
        area.refuse_bytes("the content of read marks", &marks_bytes(rooms), why);
    }
    let bytes = index_bytes(&[(vec![1; 32], vec![0x0d; 15])]);
    area.refuse_bytes("the content of an index", &bytes, "a mark of 15 bytes");
    let mut foreign = device.to_bytes();
    // Key, head and 16 bytes of the session come last.
    let last = foreign.len() - 1 - 18;
    foreign[last] ^= 1;
    area.refuse_bytes("the content of a device", &foreign, "the certificate names another recovery key");
    area.refuse_with(
        "the content of a device",
        "account",
        hex([0x0e; 16]),
        "the certificate is another account's",
    );
}

/// An index of these names and marks, in this order, each of version 1.
fn index_bytes(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut bytes);
    encoder.map(1).unwrap().u8(1).unwrap().array(entries.len() as u64).unwrap();
    for (name, mark) in entries {
        encoder.array(3).unwrap().bytes(name).unwrap().u8(1).unwrap().bytes(mark).unwrap();
    }
    bytes
}

/// Read marks of these rooms, in this order.
fn marks_bytes(rooms: [u8; 2]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut bytes);
    encoder.array(2).unwrap();
    for room in rooms {
        encoder.map(4).unwrap().u8(0).unwrap().bytes(&[room; 16]).unwrap().u8(1).unwrap().u8(0).unwrap();
        encoder.u8(2).unwrap().u8(7).unwrap().u8(3).unwrap();
        encoder.array(2).unwrap().u8(8).unwrap().bytes(&[room; 32]).unwrap();
    }
    bytes
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
