//! The test vectors (`docs/vectors`) against the peer: it takes and refuses what they say, and computes the same, in every format of
//! which it has an implementation of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use ed25519_dalek::SigningKey;
use mls_rs::Extension;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use sotto_independent_peer::{
    PeerError,
    capsule::{EpochRecord, capsule_tag, capsule_wraps},
    card::Card,
    certificate::{self, AccountKeys, Device},
    chain::Chain,
    door::{InviteKeys, doors},
    encoding::{Bytes32, Id, decode, encode},
    entry::{self, Kind},
    expand::expand,
    join::Join,
    join_proof::{self, JoinProof},
    labels,
    leaf_data::{LEAF_DATA, LeafData},
    link::InviteLink,
    message, padding,
    removal_proof::RemovalProof,
    room_state::{ROOM_STATE, RoomState},
    roster::{Roster, RosterEntry},
    sealed,
    secrets::EpochSecrets,
    statement, status,
    wrap::{KeyPair, Place, Wrap},
};
use std::path::PathBuf;

fn file(name: &str) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors");
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

/// Every file there is.
fn files() -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .map(|name| (name.clone(), file(&name)))
        .collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(value: &Value) -> Vec<u8> {
    from_hex(value.as_str().expect("is hex"))
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn id(value: &Value) -> Id {
    array::<16>(value).into()
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("is a number")
}

/// What the peer reads of a case. Nothing where it has no reader of that name.
fn read(name: &str, with: &Value, bytes: &[u8]) -> Option<Result<(), PeerError>> {
    let read: fn(&Value, &[u8]) -> Result<(), PeerError> = match name {
        "padded" => |_, bytes| padding::unpad(bytes).map(drop),
        "entry" => read_entry,
        "sealed" => |with, bytes| {
            let aad = self::bytes(&with["additional data"]);
            sealed::open(&array(&with["key"]), with["label"].as_str().unwrap(), &aad, bytes).map(drop)
        },
        "certificate" => |_, bytes| certificate::verify(bytes).map(drop),
        "message" => read_message,
        "status" => |with, bytes| read_status(with, bytes).map(drop),
        "room-state" => read_room_state,
        "leaf-data" => read_leaf_data,
        "join-proof" => read_join_proof,
        "removal-proof" => read_removal_proof,
        "link" => |_, text| InviteLink::from_fragment(core::str::from_utf8(text).unwrap()).map(drop),
        "card" => read_card,
        "door's wrap" => |with, bytes| {
            let (room, epoch) = (id(&with["room"]), number(&with["epoch"]));
            let key = KeyPair::of_seed(&array(&with["seed"]));
            key.open(labels::DOOR_WRAP, &room, epoch, &id(&with["door id"]), bytes).map(drop)
        },
        "capsule's wrap" => |with, bytes| {
            let (room, epoch) = (id(&with["room"]), number(&with["epoch"]));
            let key = KeyPair::of_seed(&array(&with["recovery seed"]));
            key.open(labels::CAPSULE_WRAP, &room, epoch, &id(&with["tag"]), bytes).map(drop)
        },
        "capsule" => |with, bytes| {
            let (room, epoch) = (id(&with["room"]), number(&with["epoch"]));
            EpochRecord::of_capsule(&array(&with["capsule key"]), &room, epoch, bytes).map(drop)
        },
        "history link" => |with, bytes| {
            let (room, epoch) = (id(&with["room"]), number(&with["epoch"]));
            EpochRecord::of_link(&array(&with["next message secret"]), &room, epoch, bytes).map(drop)
        },
        "open statement" => |with, bytes| {
            let (room, challenge) = (id(&with["room"]), array(&with["challenge"]));
            let authority = with["authority"].as_str().unwrap().to_ascii_lowercase();
            let statement = statement::open_statement(&authority, &challenge, &room, number(&with["epoch"]));
            signed(with, &statement, bytes)
        },
        "join statement" => |with, bytes| {
            let (room, challenge) = (id(&with["room"]), array(&with["challenge"]));
            let authority = with["authority"].as_str().unwrap().to_ascii_lowercase();
            let (epoch, door, entry) =
                (number(&with["epoch"]), id(&with["door id"]), self::bytes(&with["entry"]));
            let statement = statement::join_statement(&authority, &challenge, &room, epoch, &door, &entry);
            signed(with, &statement, bytes)
        },
        "Ed25519 signature" => |with, bytes| signed(with, &self::bytes(&with["statement"]), bytes),
        "card of a link" => read_card_of_link,
        _ => return None,
    };
    Some(read(with, bytes))
}

fn signed(with: &Value, statement: &[u8], signature: &[u8]) -> Result<(), PeerError> {
    let signature: [u8; 64] = signature.try_into().map_err(|_| PeerError::BadSignature("length"))?;
    certificate::verify_signature(
        &array::<32>(&with["key"]).into(),
        statement,
        &signature.into(),
        "statement",
    )
}

fn read_entry(with: &Value, bytes: &[u8]) -> Result<(), PeerError> {
    let kind = match number(&with["kind"]) {
        1 => Kind::Handshake,
        4 => Kind::Join,
        _ => Kind::Message,
    };
    entry::open(&array(&with["secret"]), kind, &id(&with["room"]), number(&with["epoch"]), bytes).map(drop)
}

fn read_message(with: &Value, bytes: &[u8]) -> Result<(), PeerError> {
    let device_key = |leaf: u32| {
        let roster = with["roster"].as_array().unwrap();
        let entry = roster.iter().find(|entry| number(&entry["leaf"]) == u64::from(leaf))?;
        Some(array::<32>(&entry["device key"]).into())
    };
    let secret = array(&with["message secret"]);
    match message::open(&secret, &id(&with["room"]), number(&with["epoch"]), device_key, bytes) {
        // The peer has no word for content that is nonsense: it says so, and the entry is good.
        Err(PeerError::Malformed("content")) => Ok(()),
        read => read.map(drop),
    }
}

fn read_status(with: &Value, bytes: &[u8]) -> Result<Value, PeerError> {
    let (secret, room, register) = (array(&with["status secret"]), id(&with["room"]), id(&with["register"]));
    let place =
        status::Place { secret: &secret, room: &room, epoch: number(&with["epoch"]), register: &register };
    let device_key = |leaf: u32| {
        let roster = with["roster"].as_array().unwrap();
        let entry = roster.iter().find(|entry| number(&entry["leaf"]) == u64::from(leaf))?;
        Some(array::<32>(&entry["device key"]).into())
    };
    let (body, mark) = status::open(place, &array(&with["vault key"]), device_key, bytes)?;
    Ok(json!({
        "leaf": body.leaf, "version": body.version, "chain": [body.chain.seq, to_hex(&body.chain.hash[..])],
        "received": body.received, "read": body.read, "types until": body.types_until,
        "is there until": body.there_until, "own mark": mark,
    }))
}

fn read_room_state(_: &Value, bytes: &[u8]) -> Result<(), PeerError> {
    let mut extensions = RoomState::new("Room", [0; 16].into(), [0; 32].into()).to_extensions()?.to_vec();
    extensions.retain(|extension| extension.extension_type != ROOM_STATE);
    extensions.push(Extension::new(ROOM_STATE, bytes.to_vec()));
    RoomState::of(&extensions.into()).map(drop)
}

fn read_leaf_data(with: &Value, bytes: &[u8]) -> Result<(), PeerError> {
    let extensions = vec![Extension::new(LEAF_DATA, bytes.to_vec())];
    LeafData::of(&extensions.into()).map(|data| data.door(&id(&with["account"]))).map(drop)
}

fn read_join_proof(with: &Value, bytes: &[u8]) -> Result<(), PeerError> {
    let proof = JoinProof::from_bytes(bytes)?;
    if proof.to_bytes()? != bytes {
        return Err(PeerError::Malformed("join proof"));
    }
    let JoinProof::Invite(_, signature) = proof else { return Ok(()) };
    // The account is the hash of the identity: that of the joiner, or another one.
    let joiner = people().into_iter().find(|device| device.body.account() == id(&with["account"])).unwrap();
    let joiner = certificate::Body { device: array::<32>(&with["device key"]).into(), ..joiner.body };
    let key: Bytes32 = array::<32>(&with["invite signature key"]).into();
    join_proof::verify(&signature, &key, &id(&with["room"]), number(&with["epoch"]), &joiner)
}

fn read_removal_proof(with: &Value, bytes: &[u8]) -> Result<(), PeerError> {
    let room = id(&with["room"]);
    match RemovalProof::read(bytes)?.ok_or(PeerError::Malformed("removal proof"))? {
        RemovalProof::Leave(statement) => statement.verify(&room),
        proof @ (RemovalProof::OwnDevices(_) | RemovalProof::Retired(_)) => {
            let committer = &with["committer"];
            let ada = people().into_iter().find(|device| device.body.account() == id(&committer["account"]));
            let mut entry = entry_of(&ada.unwrap(), &room, None, 1);
            entry.leaf.stay = id(&committer["stay"]);
            entry.certificate.device = array::<32>(&committer["device key"]).into();
            match proof {
                RemovalProof::Retired(removal) => removal.verify_retirement(&room, &entry),
                RemovalProof::OwnDevices(removal) => removal.verify(&room, &entry),
                RemovalProof::Leave(_) => Err(PeerError::Malformed("removal proof")),
            }
        }
    }
}

fn read_card(with: &Value, bytes: &[u8]) -> Result<(), PeerError> {
    let card = Card::open(&array(&with["card key"]), &id(&with["room"]), bytes)?;
    if card.epoch == number(&with["epoch"]) { Ok(()) } else { Err(PeerError::Forbidden("epoch")) }
}

fn read_card_of_link(with: &Value, bytes: &[u8]) -> Result<(), PeerError> {
    let link = InviteLink::from_fragment(with["link"].as_str().unwrap())?;
    let [_, _, cleo] = people();
    let join = Join::by_invite(&link, bytes, &self::bytes(&with["wrap"]), number(&with["epoch"]), &cleo)?;
    join.commit_as_it_is().map(drop)
}

/// Ada, Bob and Cleo, from the seeds that the files state.
fn people() -> [Device; 3] {
    let who = |identity: u8, device: u8, recovery: Option<u8>, vault: u8, door: u8, name: &str| {
        let keys = AccountKeys {
            vault: [vault; 32],
            door_seed: [door; 32],
            recovery_seed: recovery.map(|seed| [seed; 32]),
        };
        let (identity, device) =
            (SigningKey::from_bytes(&[identity; 32]), SigningKey::from_bytes(&[device; 32]));
        Device::issue(&identity, keys, device, name).unwrap()
    };
    [
        who(0x03, 0x04, Some(0x21), 0x23, 0x22, "Ada"),
        who(0x13, 0x14, None, 0x33, 0x32, "Bob"),
        who(0x43, 0x44, Some(0x61), 0x63, 0x62, "Cleo"),
    ]
}

fn person(json: &Value) -> Device {
    let seed = |name: &str| array::<32>(&json[name]);
    let recovery_seed = json["recovery seed"].as_str().map(|_| seed("recovery seed"));
    let keys = AccountKeys { vault: seed("vault key"), door_seed: seed("door seed"), recovery_seed };
    let identity = SigningKey::from_bytes(&seed("identity seed"));
    let device = SigningKey::from_bytes(&seed("device seed"));
    Device::issue(&identity, keys, device, json["name"].as_str().unwrap()).unwrap()
}

/// As the vectors' leaves are: they have not committed since they came in, and their stays come from the epoch of that.
fn entry_of(device: &Device, room: &Id, via: Option<Id>, joined: u64) -> RosterEntry {
    let stay = [0x80 | joined as u8; 16];
    RosterEntry {
        certificate: device.body.clone(),
        certificate_bytes: device.certificate.clone(),
        leaf: device.keys.leaf_data(room, via, joined, stay.into()).unwrap(),
    }
}

/// A good case with what a bad one changes (`docs/vectors/README.md`).
fn changed(good: &Value, bad: &Value) -> Value {
    let mut case = good.clone();
    for instead in ["bytes", "text"] {
        if !bad[instead].is_null() {
            case[instead] = bad[instead].clone();
        }
    }
    for (name, value) in bad["with"].as_object().unwrap_or(&Map::new()) {
        case["with"][name] = value.clone();
    }
    let change = &bad["change"];
    if !change.is_null() {
        let mut bytes = bytes(&case["bytes"]);
        if let Some(bits) = change["xor"].as_str() {
            bytes[number(&change["at"]) as usize] ^= from_hex(bits)[0];
        }
        bytes.truncate(bytes.len() - change["cut"].as_u64().unwrap_or_default() as usize);
        bytes.extend(from_hex(change["append"].as_str().unwrap_or_default()));
        case["bytes"] = Value::String(to_hex(&bytes));
    }
    case
}

fn read_case(case: &Value) -> Option<Result<(), PeerError>> {
    let bytes = case["text"].as_str().map_or_else(|| bytes(&case["bytes"]), |text| text.as_bytes().to_vec());
    read(case["as"].as_str().unwrap(), &case["with"], &bytes)
}

/// The peer speaks the classical suite only.
fn is_spoken(file: &str, case: &Value) -> bool {
    file != "room-004e.json" || case["as"] != "card of a link"
}

#[test]
fn the_peer_takes_and_refuses_what_the_vectors_say() {
    let (mut taken, mut refused, mut faults) = (0, 0, Vec::new());
    for (name, file) in files() {
        let good: Vec<_> =
            file["read"].as_array().unwrap().iter().filter(|case| is_spoken(&name, case)).collect();
        for case in &good {
            match read_case(case) {
                Some(Ok(())) => taken += 1,
                Some(Err(error)) => faults.push(format!("{name}, {}: {error}", case["name"])),
                None => {}
            }
        }
        for bad in file["refuse"].as_array().unwrap() {
            let Some(case) = good.iter().find(|case| case["name"] == bad["of"]) else { continue };
            match read_case(&changed(case, bad)) {
                Some(Err(_)) => refused += 1,
                Some(Ok(())) => faults.push(format!("{name}, {} is taken: {}", bad["of"], bad["why"])),
                None => {}
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(taken >= 80 && refused >= 230, "{taken} taken, {refused} refused");
}

fn value(file: &Value, name: &str) -> Value {
    let values = file["values"].as_array().unwrap();
    values.iter().find(|value| value["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
}

fn secrets(json: &Value) -> EpochSecrets {
    let secret = |name: &str| array::<32>(&json[name]);
    EpochSecrets {
        message: secret("message"),
        handshake: secret("handshake"),
        access: secret("access"),
        join: secret("join"),
        status: secret("status"),
        wrap: secret("wrap"),
    }
}

fn sha256(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

#[test]
fn the_peer_reads_in_statuses_what_the_vectors_say() {
    let file = file("status.json");
    let cases = file["read"].as_array().unwrap();
    for case in cases {
        let read = read_status(&case["with"], &bytes(&case["bytes"])).unwrap();
        assert_eq!(read, case["gives"], "{}", case["name"]);
    }
    assert!(cases.iter().any(|case| case["gives"]["own mark"].is_array()), "one has an own mark");
}

#[test]
fn the_peer_computes_the_same_doors_and_capsule_wraps() {
    let case = value(&file("doors.json"), "the doors of an epoch");
    let (from, gives) = (&case["from"], &case["gives"]);
    let room = id(&from["room"]);
    let leaves = from["leaves"].as_array().unwrap().iter().map(|leaf| {
        let entry = entry_of(&person(&leaf["person"]), &room, None, number(&leaf["joined"]));
        (number(&leaf["leaf"]) as u32, entry)
    });
    let roster = Roster(leaves.collect());
    let state: RoomState = decode(&bytes(&from["room-state"]), "room state").unwrap();
    let secrets = secrets(&from["secrets"]);
    let place = Place {
        room: &room,
        epoch: number(&from["epoch"]),
        decoy_seed: &state.decoy_seed,
        secrets: &secrets,
    };
    let made = doors(&place, &state, &roster).unwrap();
    let made: Vec<_> = made
        .iter()
        .map(|door| (to_hex(&door.wrap.id[..]), to_hex(&door.key[..]), sha256(&door.wrap.wrap)))
        .collect();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let expected: Vec<_> = gives["doors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|door| (text(&door["id"]), text(&door["key"]), text(&door["SHA-256 of the wrap"])))
        .collect();
    assert_eq!(made, expected);
    let case = value(&file("history.json"), "the capsule wraps of an epoch");
    let (from, gives) = (&case["from"], &case["gives"]);
    let people: Vec<_> = from["people"].as_array().unwrap().iter().map(person).collect();
    let leaves =
        people.iter().enumerate().map(|(leaf, person)| (leaf as u32, entry_of(person, &room, None, 1)));
    let roster = Roster(leaves.collect());
    let decoy_seed: Bytes32 = array::<32>(&from["decoy seed"]).into();
    let secrets = EpochSecrets { wrap: array(&from["wrap secret"]), ..secrets };
    let place =
        Place { room: &room, epoch: number(&from["epoch"]), decoy_seed: &decoy_seed, secrets: &secrets };
    let shown = |wrap: &Wrap| (to_hex(&wrap.id[..]), sha256(&wrap.wrap));
    let made: Vec<_> = capsule_wraps(&place, &roster).unwrap().iter().map(shown).collect();
    let expected: Vec<_> = gives["capsule wraps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|wrap| (text(&wrap["tag"]), text(&wrap["SHA-256 of the wrap"])))
        .collect();
    assert_eq!(made, expected);
    for tag in gives["tags"].as_array().unwrap() {
        assert_eq!(capsule_tag(&decoy_seed, &id(&tag["account"])).unwrap(), id(&tag["tag"]));
    }
}

#[test]
fn the_peer_computes_the_same_values() {
    let case = value(&file("sealing.json"), "Expand");
    let parts: Vec<_> = case["from"]["parts"].as_array().unwrap().iter().map(bytes).collect();
    let parts: Vec<_> = parts.iter().map(Vec::as_slice).collect();
    let label = case["from"]["label"].as_str().unwrap();
    let made: [u8; 44] = expand(&array(&case["from"]["secret"]), label, &parts).unwrap();
    assert_eq!(to_hex(&made), case["gives"]["expanded"]);
    let case = value(&file("entries.json"), "the chain of a log");
    let mut chain = Chain::start(&id(&case["from"]["room"]));
    for entry in case["from"]["entries"].as_array().unwrap() {
        chain = chain.then(number(&entry["kind"]) as u8, &bytes(&entry["entry"]));
        assert_eq!(to_hex(&chain.hash[..]), case["gives"][format!("H_{}", chain.seq)]);
    }
    assert_eq!(to_hex(&encode(&chain).unwrap()), case["gives"]["chain"]);
    let case = value(&file("doors.json"), "the keys of an invite");
    let keys = InviteKeys::of_secret(&array(&case["from"]["s"])).unwrap();
    assert_eq!(to_hex(&keys.door[..]), case["gives"]["door id"]);
    assert_eq!(to_hex(&keys.signature.verifying_key().to_bytes()), case["gives"]["signature key"]);
    assert_eq!(to_hex(&keys.wrap.public_bytes()), case["gives"]["X-Wing key"]);
    let rooms = file("rooms.json");
    let case = value(&rooms, "the making of leaf-data of a guest");
    let from = &case["from"];
    let leaf = entry_of(
        &person(&from["person"]),
        &id(&from["room"]),
        Some(id(&from["via"])),
        number(&from["joined"]),
    );
    assert_eq!(to_hex(&encode(&leaf.leaf).unwrap()), case["gives"]["leaf-data"]);
    assert_eq!(to_hex(&leaf.door()[..]), case["gives"]["door id"]);
    let case = value(&rooms, "what is remembered of a removed device (rule 18)");
    let [ada, ..] = people();
    let entry = entry_of(&ada, &id(&from["room"]), None, 1);
    assert_eq!(to_hex(&entry.revocation_hash()[..]), case["gives"]["revocation hash"]);
    assert_eq!(to_hex(&entry.suspension_hash()[..]), case["gives"]["suspension hash"]);
}
