//! What is signed for the relay, and for the log: statement by statement, with the key that signs.

use super::{ADA, AUTHORITY, Area, EPOCH, ROOM, Reader, Refused, With, hex, relay_id, secret};
use minicbor::bytes::ByteArray;
use serde_json::{Value, json};
use sotto_crypto::{
    AccessKey, Secret,
    account::{SeenIdentity, check_directory_entry},
    testing::{account_keys, retired, verify},
};
use sotto_protocol::{
    Challenge, DoorId, Rewind, RewindAuthority, RoomId,
    account::{DeviceList, DirectoryEntry, RelayId, directory_statement, registration_statement},
    card_statement, confirm_statement, decode, delete_statement, drop_statement, encode, entry_hash,
    handover_statement, join_statement, open_statement, recovery_statement, retention_statement,
};

/// Readers of this area: they take a signature, but for the last two, which take a rewind and a directory entry.
pub const READERS: &[(&str, Reader)] = &[
    ("open statement", |with, bytes| checked(with, bytes, open)),
    ("card statement", |with, bytes| checked(with, bytes, card)),
    ("join statement", |with, bytes| checked(with, bytes, join)),
    ("delete statement", |with, bytes| checked(with, bytes, delete)),
    ("retention statement", |with, bytes| checked(with, bytes, retention)),
    ("drop statement", |with, bytes| checked(with, bytes, drop_wraps)),
    ("handover statement", |with, bytes| checked(with, bytes, handover)),
    ("confirm statement", |with, bytes| checked(with, bytes, confirm)),
    ("recovery statement", |with, bytes| checked(with, bytes, recovery)),
    ("registration statement", |with, bytes| checked(with, bytes, registration)),
    ("rewind", read_rewind),
    ("directory-entry", read_directory_entry),
];

/// What is signed, from what the reader knows.
type Statement = fn(&With<'_>) -> Vec<u8>;

fn open(with: &With<'_>) -> Vec<u8> {
    open_statement(with.text("authority"), &challenge(with), &room(with), with.number("epoch"))
}

fn card(with: &With<'_>) -> Vec<u8> {
    card_statement(with.text("authority"), &challenge(with), &room(with), &door(with))
}

fn join(with: &With<'_>) -> Vec<u8> {
    let (epoch, entry) = (with.number("epoch"), with.bytes("entry"));
    join_statement(with.text("authority"), &challenge(with), &room(with), epoch, &door(with), &entry)
}

fn delete(with: &With<'_>) -> Vec<u8> {
    delete_statement(with.text("authority"), &challenge(with), &room(with))
}

fn retention(with: &With<'_>) -> Vec<u8> {
    retention_statement(with.text("authority"), &challenge(with), &room(with), with.number("seconds"))
}

fn drop_wraps(with: &With<'_>) -> Vec<u8> {
    let (tag, before) = (with.array("tag"), with.number("before"));
    drop_statement(with.text("authority"), &challenge(with), &room(with), &tag, before)
}

fn confirm(with: &With<'_>) -> Vec<u8> {
    confirm_statement(&room(with), with.number("seq"), &entry_hash(&with.bytes("entry")))
}

fn handover(with: &With<'_>) -> Vec<u8> {
    let listed = with.0["keys"].as_array().unwrap().iter();
    let keys: Vec<ByteArray<32>> = listed
        .map(|key| <[u8; 32]>::try_from(hex::decode(key.as_str().unwrap()).unwrap()).unwrap().into())
        .collect();
    handover_statement(&room(with), with.number("epoch"), &entry_hash(&with.bytes("entry")), &keys)
}

fn recovery(with: &With<'_>) -> Vec<u8> {
    recovery_statement(with.text("authority"), &challenge(with))
}

fn registration(with: &With<'_>) -> Vec<u8> {
    let entry: DirectoryEntry = decode(&with.bytes("directory-entry")).unwrap();
    let (login, record) = (with.array("registration record"), with.bytes("sealed-record"));
    let name = (with.text("name"), with.at("findable").0.as_bool().unwrap());
    registration_statement(with.text("authority"), &challenge(with), (&login, &record), &entry, name)
}

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("statements", "The room socket; Wedge and repair; Login; The account API");
    for_the_relay(&mut area);
    rewinds(&mut area);
    directory(&mut area);
    area
}

fn challenge(with: &With<'_>) -> Challenge {
    Challenge::new(with.array("challenge"))
}

fn room(with: &With<'_>) -> RoomId {
    RoomId::new(with.array("room"))
}

fn door(with: &With<'_>) -> DoorId {
    DoorId::new(with.array("door id"))
}

fn checked(with: &With<'_>, bytes: &[u8], statement: Statement) -> Result<Value, Refused> {
    let signature = bytes.try_into().map_err(|_| Refused("length".to_owned()))?;
    let statement = statement(with);
    verify(&with.array("key"), &statement, signature)?;
    Ok(json!({ "statement": hex(statement) }))
}

fn for_the_relay(area: &mut Area) {
    let authority = json!({ "authority": AUTHORITY, "challenge": hex([0x77; 32]) });
    let here = with(&authority, &json!({ "room": hex(ROOM.as_bytes()) }));
    let entry = hex(b"the sealed entry");
    let door = json!({ "door id": hex([0x66; 16]) });
    let cases = [
        ("open statement", open as Statement, 0x09, with(&here, &json!({ "epoch": EPOCH }))),
        ("card statement", card as Statement, 0x05, with(&here, &door)),
        (
            "join statement",
            join as Statement,
            0x0a,
            with(&with(&here, &door), &json!({ "epoch": EPOCH, "entry": entry })),
        ),
        ("delete statement", delete as Statement, 0x25, here.clone()),
        ("retention statement", retention as Statement, 0x25, with(&here, &json!({ "seconds": 86_400 }))),
        (
            "drop statement",
            drop_wraps as Statement,
            0x26,
            with(&here, &json!({ "tag": hex([0x0e; 16]), "before": 9 })),
        ),
        (
            "handover statement",
            handover,
            0x25,
            json!({
                "room": hex(ROOM.as_bytes()), "epoch": EPOCH, "entry": hex(b"the sealed entry"),
                "keys": [hex([0x02; 32]), hex([0x03; 32])],
            }),
        ),
        (
            "confirm statement",
            confirm,
            0x09,
            json!({ "room": hex(ROOM.as_bytes()), "seq": 7, "entry": hex(b"the sealed entry") }),
        ),
        ("recovery statement", recovery as Statement, 0x27, authority.clone()),
    ];
    for (name, statement, seed, given) in cases {
        signed(area, (name, statement), &secret(seed), given);
    }
    area.value(
        "a retention that is absent",
        json!({ "seconds": null, "is signed as": 0 }),
        json!({ "statement": hex(retention_statement(AUTHORITY, &Challenge::new([0x77; 32]), &ROOM, 0)) }),
    );
    let entry = encode(&ADA.keys().directory_entry(&relay_id()));
    let given = json!({
        "registration record": hex([0x09; 192]), "sealed-record": hex([0x07; 40]), "directory-entry": hex(entry),
        "name": "ada", "findable": true,
    });
    signed(area, ("registration statement", registration), &secret(ADA.identity), with(&authority, &given));
    area.refuse_with("registration statement", "sealed-record", hex([0x08; 40]), "another sealed record");
    let elsewhere = encode(&ADA.keys().directory_entry(&RelayId::new([0x93; 32])));
    area.refuse_with(
        "registration statement",
        "directory-entry",
        hex(elsewhere),
        "an entry for another relay",
    );
    area.refuse_with("registration statement", "registration record", hex([0x0a; 192]), "another password");
    area.refuse_with("registration statement", "name", "eve", "another name");
    area.refuse_with("registration statement", "findable", false, "another wish to be found");
    area.refuse_with("join statement", "entry", hex(b"another entry"), "another entry");
    for (what, other, why) in [
        ("entry", json!(hex(b"another entry")), "another entry"),
        ("epoch", json!(EPOCH + 1), "it leaves another epoch"),
        ("keys", json!([hex([0x02; 32])]), "other keys"),
    ] {
        area.refuse_with("handover statement", what, other, why);
    }
    area.refuse_with("confirm statement", "entry", hex(b"another entry"), "another entry");
    area.refuse_with("confirm statement", "seq", 8, "another place in the log");
    area.refuse_with("drop statement", "before", 10, "more epochs than the owner said");
    area.refuse_with("retention statement", "seconds", 60, "another time than the admin said");
}

/// Both, the second where they differ.
fn with(one: &Value, other: &Value) -> Value {
    let mut both = one.clone();
    for (name, value) in other.as_object().unwrap() {
        both[name] = value.clone();
    }
    both
}

/// A statement that a key signs. What it binds is asked for in each of its parts.
fn signed(area: &mut Area, (name, statement): (&str, Statement), seed: &Secret, given: Value) {
    let key = AccessKey::from_seed(seed);
    let given = with(&given, &json!({ "key": hex(key.public()) }));
    let statement = statement(&With(&given));
    let signature = key.sign(&statement);
    area.value(
        &format!("the signing of the {name}"),
        with(&given, &json!({ "seed": hex(seed.expose()) })),
        json!({ "statement": hex(&statement), "signature": hex(signature) }),
    );
    area.read(name, name, given.clone(), &signature, json!({ "statement": hex(&statement) }));
    area.refuse_damaged(name, &[(0, "R"), (32, "S")]);
    area.refuse_with(name, "key", hex(AccessKey::from_seed(&secret(0x7f)).public()), "another key");
    for (part, value, why) in [
        ("authority", json!("relay.example"), "another relay"),
        ("challenge", hex([0x78; 32]), "another connection"),
        ("room", hex([0x12; 16]), "another room"),
        ("epoch", json!(EPOCH + 1), "another epoch"),
        ("door id", hex([0x67; 16]), "another door"),
        ("tag", hex([0x0f; 16]), "another tag"),
    ] {
        if !given[part].is_null() {
            area.refuse_with(name, part, value, why);
        }
    }
    if !given["authority"].is_null() {
        let upper = with(&given, &json!({ "authority": "Relay.EXAMPLE:8443" }));
        let gives = json!({ "statement": hex(&statement) });
        area.read(&format!("{name}, an authority in upper case"), name, upper, &signature, gives);
    }
}

fn rewinds(area: &mut Area) {
    let rewind = |authority: RewindAuthority, left_out: Option<DoorId>, signer: &AccessKey| {
        let mut rewind = Rewind {
            bad_seq: 7,
            epoch: EPOCH,
            bad_entry: entry_hash(b"the bad entry"),
            access_key: AccessKey::from_seed(&secret(0x09)).public(),
            published_hash: entry_hash(b"what is published"),
            authority,
            left_out,
            signature: [0; 64],
        };
        rewind.signature = signer.sign(&rewind.statement(&ROOM));
        rewind
    };
    let (access, admin) = (AccessKey::from_seed(&secret(0x09)), AccessKey::from_seed(&secret(0x25)));
    let by_admin = RewindAuthority::Admin(admin.public().into());
    for (name, rewind, seed) in [
        ("a rewind by access key", rewind(RewindAuthority::Access, None, &access), 0x09),
        (
            "a rewind that leaves an invite out",
            rewind(RewindAuthority::Access, Some(DoorId::new([0x66; 16])), &access),
            0x09,
        ),
        ("a rewind by room-admin key", rewind(by_admin.clone(), None, &admin), 0x25),
    ] {
        let bytes = rewind.to_bytes();
        let gives = json!({
            "statement": hex(rewind.statement(&ROOM)), "signer": hex(rewind.signer()),
            "entry id": hex(Rewind::entry_id(&bytes).as_bytes()),
        });
        area.value(
            &format!("the signing of {name}"),
            json!({
                "seed": hex([seed; 32]), "room": hex(ROOM.as_bytes()), "bad_seq": 7, "epoch": EPOCH,
                "bad entry": hex(b"the bad entry"), "access key": hex(rewind.access_key), "published": hex(b"what is published"),
                "left out": rewind.left_out.map(|door| hex(door.as_bytes())),
            }),
            json!({ "rewind": hex(&bytes), "shows": super::diagnostic(&bytes) }),
        );
        area.read(name, "rewind", json!({ "room": hex(ROOM.as_bytes()) }), &bytes, gives);
        area.refuse_damaged(
            name,
            &[(2, "bad_seq"), (10, "the bad entry's hash"), (bytes.len() - 1, "the signature")],
        );
        area.refuse_with(name, "room", hex([0x12; 16]), "another room");
    }
    let forged = rewind(by_admin, None, &access).to_bytes();
    area.refuse_bytes(
        "a rewind by room-admin key",
        &forged,
        "it names an admin's key, and another one signed",
    );
}

fn read_rewind(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let rewind = Rewind::from_bytes(bytes)?;
    let statement = rewind.statement(&room(with));
    verify(rewind.signer(), &statement, &rewind.signature)?;
    let id = Rewind::entry_id(bytes);
    Ok(json!({ "statement": hex(statement), "signer": hex(rewind.signer()), "entry id": hex(id.as_bytes()) }))
}

fn read_directory_entry(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let entry: DirectoryEntry = decode(bytes)?;
    let seen = with.has("seen").then(|| with.at("seen")).map(|seen| SeenIdentity {
        generation: seen.number("generation") as u32,
        hash: seen.array("SHA-256 of the recovery key"),
        devices: seen
            .has("devices")
            .then(|| seen.at("devices"))
            .map(|list| DeviceList { version: list.number("version") as u32, hash: list.array("hash") }),
    });
    let recipient =
        check_directory_entry(&entry, &RelayId::new(with.array("relay id")), None, seen.as_ref())?;
    Ok(json!({
        "account": hex(recipient.account.as_bytes()), "generation": entry.generation,
        "SHA-256 of the recovery key": hex(entry_hash(recipient.recovery_public)),
    }))
}

fn directory(area: &mut Area) {
    const NAME: &str = "directory-entry";
    // Of generation 2, so that there is an earlier one.
    let recovery = (secret(0x21), 2, vec![secret(0x2a)]);
    let keys = account_keys(&secret(ADA.identity), recovery, secret(ADA.vault), secret(ADA.door), 1);
    let staying = [[0x61; 32], [0x62; 32]];
    let keys = retired(&keys, &staying).unwrap();
    let list = keys.devices().unwrap();
    area.value(
        "the list of devices after the first removal",
        json!({
            "account": hex(keys.account().as_bytes()), "version before": 0,
            "keys of the devices that stay": staying.map(hex),
        }),
        json!({ "version": list.version, "hash": hex(list.hash) }),
    );
    let devices = json!({ "version": list.version, "hash": hex(list.hash) });
    let (relay, own) = (hex(relay_id().as_bytes()), hex(keys.recovery().public_hash()));
    let entry = keys.directory_entry(&relay_id());
    let bytes = encode(&entry);
    area.value(
        "the signing of a directory-entry",
        json!({
            "relay id": relay, "identity seed": hex([ADA.identity; 32]), "recovery seed": hex([0x21; 32]),
            "generation": 2, "devices": devices,
        }),
        json!({
            "statement": hex(directory_statement(&relay_id(), 2, &entry.recovery_public, entry.devices.as_ref())),
            "signature": hex(entry.signature), "directory-entry": hex(&bytes),
        }),
    );
    let gives = json!({
        "account": hex(keys.account().as_bytes()), "generation": 2, "SHA-256 of the recovery key": own,
    });
    let seen = |generation: u32, hash: Value| json!({ "generation": generation, "SHA-256 of the recovery key": hash });
    let seen_list = |version: u32, list: Value| {
        json!({
            "generation": 2, "SHA-256 of the recovery key": own,
            "devices": { "version": version, "hash": list },
        })
    };
    let mut read = |name: &str, seen: Value| {
        let with = json!({ "relay id": relay, "seen": seen });
        area.read(name, "directory-entry", with, &bytes, gives.clone());
    };
    let older = hex(entry_hash(b"an older recovery key"));
    read(NAME, Value::Null);
    read("directory-entry, of the generation that was seen", seen(2, own.clone()));
    read("directory-entry, of a later generation than was seen", seen(1, older.clone()));
    read("directory-entry, of the list of devices that was seen", seen_list(1, hex(list.hash)));
    area.refuse_damaged(
        NAME,
        &[(10, "the identity"), (60, "the recovery key"), (bytes.len() - 1, "the list of devices")],
    );
    area.refuse_with(NAME, "seen", seen_list(2, hex([1; 32])), "an earlier list of devices than was seen");
    area.refuse_with(
        NAME,
        "seen",
        seen_list(1, hex([1; 32])),
        "another list of devices in the version that was seen",
    );
    area.refuse_with(NAME, "relay id", hex([0x93; 32]), "another relay");
    area.refuse_with(NAME, "seen", seen(3, own), "an earlier generation than was seen");
    area.refuse_with(NAME, "seen", seen(2, older), "another recovery key in the generation that was seen");
    let other = DirectoryEntry { generation: 3, ..entry };
    area.refuse_bytes(NAME, &encode(&other), "another generation");
}
