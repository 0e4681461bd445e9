//! The vectors: from fixed seeds, every step that a stranger's client has to take, with what goes in and what comes out.
//!
//! All bytes are hex. Names are those of `docs/PROTOCOL.md`.

use openmls_traits::{crypto::OpenMlsCrypto as _, types::AeadType};
use serde_json::{Value, json};
use sotto_crypto::{
    AccessKey, DeviceKey, JoinKey, Secret,
    identity::{AccountId, Certificate, CertificateRequest, IdentityKey},
    link::{InviteLink, InviteSecret},
    message::Content,
    room::Invite,
    testing::{Primitives, WrapKey, expand, pad, seal_entry, seal_wrap},
};
use sotto_protocol::{
    Chain, Challenge, DoorId, EntryId, EntryKind, RoomId, entry_hash, join_statement, open_statement,
};
use std::path::PathBuf;

const ROOM: RoomId = RoomId::new([0x11; 16]);
const ENTRY: EntryId = EntryId::new([0x22; 16]);
const EPOCH: u64 = 3;

/// Where the vectors are kept.
pub fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors/v1.json")
}

/// All vectors.
pub fn vectors() -> Value {
    json!({
        "expand": key_derivation(),
        "padding": padding(),
        "entry": entry(),
        "log": log(),
        "certificate": certificate(),
        "message": message(),
        "invite": invite(),
        "card sealing": card_sealing(),
        "wrap": wrap(),
        "relay statements": statements(),
        "stored value": stored_value(),
    })
}

fn hex(bytes: impl AsRef<[u8]>) -> Value {
    Value::String(hex::encode(bytes))
}

/// Secrets that differ from each other and look like what they are: one byte, 32 times.
fn secret(byte: u8) -> Secret {
    Secret::new([byte; 32])
}

fn key_derivation() -> Value {
    let secret = secret(0x01);
    let parts: [&[u8]; 2] = [b"part", &[]];
    let okm = expand::<44>(&secret, b"sotto/1 example", &parts).unwrap();
    let info = [&[15][..], b"sotto/1 example", &[0, 4], b"part", &[0, 0]].concat();
    json!({
        "secret": hex(secret.expose()), "label": "sotto/1 example", "parts": [hex(parts[0]), hex(parts[1])],
        "info": hex(info), "expanded to 44 bytes": hex(okm.as_slice()),
    })
}

fn padding() -> Value {
    let lengths = [0, 1, 252, 253, 300, 1000, 1020, 1021, 4096, 65_536, 1_000_000];
    let padded = lengths.map(|length| json!([length, pad(&vec![0; length]).unwrap().len()]));
    json!({ "content": hex(b"hi"), "padded": hex(&*pad(b"hi").unwrap()), "lengths before and after": padded })
}

fn entry() -> Value {
    let (secret, content) = (secret(0x02), b"content");
    let okm =
        expand::<44>(&secret, b"sotto/1 entry key", &[&[2], ROOM.as_bytes(), ENTRY.as_bytes()]).unwrap();
    let entry = seal_entry(&secret, &ROOM, EntryKind::Message, EPOCH, ENTRY, content).unwrap();
    json!({
        "message secret": hex(secret.expose()), "room": hex(ROOM.as_bytes()), "kind": 2, "epoch": EPOCH,
        "entry id": hex(ENTRY.as_bytes()), "content": hex(content), "key": hex(&okm[..32]),
        "nonce": hex(&okm[32..]), "additional data": hex([&entry[..25], &[2], ROOM.as_bytes()].concat()),
        "entry": hex(&entry),
    })
}

fn log() -> Value {
    let (first, second) = (b"first entry", b"second entry");
    let start = Chain::start(&ROOM);
    let one = start.then(1, EntryKind::Handshake, &entry_hash(first));
    let two = one.then(2, EntryKind::Message, &entry_hash(second));
    json!({
        "room": hex(ROOM.as_bytes()), "H_0": hex(start.hash), "entry 1, a handshake": hex(first),
        "H_1": hex(one.hash), "entry 2, a message": hex(second), "H_2": hex(two.hash),
    })
}

fn certificate() -> Value {
    let (identity, device) = (IdentityKey::from_seed(&secret(0x03)), DeviceKey::from_seed(&secret(0x04)));
    let request = CertificateRequest {
        device_key: device.public(),
        recovery_key_hash: None,
        display_name: "Ada",
        generation: 0,
        not_before_ms: 1_700_000_000_000,
    };
    let certificate = Certificate::issue(&identity, request).unwrap();
    json!({
        "identity seed": hex([0x03; 32]), "identity key": hex(identity.public()),
        "account": hex(certificate.account().as_bytes()), "device seed": hex([0x04; 32]),
        "device key": hex(device.public()), "display name": "Ada", "generation": 0,
        "not before": 1_700_000_000_000_u64, "certificate of a guest": hex(certificate.as_bytes()),
    })
}

fn message() -> Value {
    let (secret, device) = (secret(0x02), DeviceKey::from_seed(&secret(0x04)));
    let content = Content::Text("hello".into()).encode().unwrap();
    let chain = Chain::start(&ROOM);
    let mut body = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut body);
    encoder.array(5).unwrap().u32(1).unwrap().bytes(&[0x33; 16]).unwrap().u64(1_700_000_000_000).unwrap();
    encoder.encode(chain).unwrap().bytes(&content).unwrap();
    let label: &[u8] = b"sotto/1 message signature";
    let statement = [label, ROOM.as_bytes(), &EPOCH.to_be_bytes(), ENTRY.as_bytes(), &body].concat();
    let signature = device.sign(&statement);
    let sealed = [signature.as_slice(), &body].concat();
    let entry = seal_entry(&secret, &ROOM, EntryKind::Message, EPOCH, ENTRY, &sealed).unwrap();
    json!({
        "message secret": hex(secret.expose()), "device seed": hex([0x04; 32]), "room": hex(ROOM.as_bytes()),
        "epoch": EPOCH, "entry id": hex(ENTRY.as_bytes()), "leaf": 1, "message id": hex([0x33; 16]),
        "sent at": 1_700_000_000_000_u64, "chain": [0, hex(chain.hash)], "text": "hello", "content": hex(content),
        "message-body": hex(&body), "statement": hex(statement), "signature": hex(signature), "entry": hex(entry),
    })
}

fn invite() -> Value {
    let inviter = AccountId::new([0x44; 16]);
    let link =
        InviteLink { room: ROOM, secret: InviteSecret::from_seed(secret(0x05)), inviter, epoch: EPOCH };
    let invite = Invite::of_secret(&link.secret, inviter, None).unwrap();
    json!({
        "room": hex(ROOM.as_bytes()), "s": hex([0x05; 32]), "inviter": hex(inviter.as_bytes()), "epoch": EPOCH,
        "fragment": link.to_fragment().as_str(), "door id": hex(invite.id.as_bytes()),
        "signature key": hex(invite.signature_key), "SHA-256 of the X-Wing key": hex(entry_hash(&invite.wrap_key)),
    })
}

fn card_sealing() -> Value {
    let (key, salt, content) = (secret(0x06), [0x55; 16], b"the card's CBOR");
    let label = b"sotto/1 card sealing";
    let okm = expand::<44>(&key, label, &[b"key and nonce", &salt]).unwrap();
    let commitment = expand::<32>(&key, label, &[b"commitment", &salt]).unwrap();
    let padded = pad(content).unwrap();
    let sealed = Primitives
        .aead_encrypt(AeadType::Aes256Gcm, &okm[..32], &padded, &okm[32..], ROOM.as_bytes())
        .unwrap();
    let card = [&[1], salt.as_slice(), commitment.as_slice(), &sealed].concat();
    json!({
        "card key": hex(key.expose()), "salt": hex(salt), "room": hex(ROOM.as_bytes()), "content": hex(content),
        "key": hex(&okm[..32]), "nonce": hex(&okm[32..]), "commitment": hex(commitment.as_slice()),
        "sealed card": hex(card),
    })
}

fn wrap() -> Value {
    let (wrap_secret, door) = (secret(0x07), DoorId::new([0x66; 16]));
    let card_key = Secret::new(*expand::<32>(&wrap_secret, b"sotto/1 card", &[]).unwrap());
    let randomness =
        Secret::new(*expand::<32>(&wrap_secret, b"sotto/1 door randomness", &[door.as_bytes()]).unwrap());
    let encapsulation =
        expand::<64>(&randomness, b"sotto/1 door randomness", &[&0_u32.to_be_bytes()]).unwrap();
    let context = [ROOM.as_bytes().as_slice(), &EPOCH.to_be_bytes(), door.as_bytes()].concat();
    let key = WrapKey::from_seed(&secret(0x08));
    let wrap = seal_wrap(b"sotto/1 door wrap", &key.public(), &context, &card_key, &randomness).unwrap();
    assert_eq!(key.open(b"sotto/1 door wrap", &context, &wrap).unwrap(), card_key);
    json!({
        "wrap secret": hex(wrap_secret.expose()), "room": hex(ROOM.as_bytes()), "epoch": EPOCH,
        "door id": hex(door.as_bytes()), "seed of the door's X-Wing key": hex([0x08; 32]),
        "SHA-256 of the X-Wing key": hex(entry_hash(&key.public())), "card key": hex(card_key.expose()),
        "seed of the wrap": hex(randomness.expose()),
        "encapsulation randomness": hex(encapsulation.as_slice()), "additional data": hex(&context),
        "wrap": hex(wrap),
    })
}

fn statements() -> Value {
    let (challenge, door, entry) = (Challenge::new([0x77; 32]), DoorId::new([0x66; 16]), b"the sealed entry");
    let (access, join) = (AccessKey::from_seed(&secret(0x09)), JoinKey::from_seed(&secret(0x0a)));
    let open_statement = open_statement("relay.example:8443", &challenge, &ROOM, EPOCH);
    let join_statement = join_statement("relay.example:8443", &challenge, &ROOM, EPOCH, &door, entry);
    json!({
        "authority": "relay.example:8443", "challenge": hex(challenge.as_bytes()), "room": hex(ROOM.as_bytes()),
        "epoch": EPOCH, "door id": hex(door.as_bytes()), "entry": hex(entry), "access seed": hex([0x09; 32]),
        "access key": hex(access.public()), "open statement": hex(&open_statement),
        "open signature": hex(access.sign(&open_statement)), "join seed": hex([0x0a; 32]),
        "join key": hex(join.public()), "join statement": hex(&join_statement),
        "join signature": hex(join.sign(&join_statement)),
    })
}

fn stored_value() -> Value {
    let (key, salt) = (secret(0x0b), [0x88; 16]);
    let okm = expand::<44>(&key, b"sotto/1 storage value", &[&salt]).unwrap();
    let sealed =
        Primitives.aead_encrypt(AeadType::Aes256Gcm, &okm[..32], b"value", &okm[32..], b"table key").unwrap();
    let stored = [&[1], salt.as_slice(), &sealed].concat();
    let opened = sotto_crypto::StorageKey::new(key.clone()).open(b"table key", &stored).unwrap();
    assert_eq!(opened.as_slice(), b"value");
    json!({
        "storage key": hex(key.expose()), "salt": hex(salt), "place": hex(b"table key"), "value": hex(b"value"),
        "stored": hex(stored),
    })
}
