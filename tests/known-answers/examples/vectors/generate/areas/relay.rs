//! Which relay it is: the id of its keys, and how it shows that an address is its own.

use super::{AUTHORITY, Area, Change, Reader, Refused, With, diagnostic, hex, relay_id, relay_keys, secret};
use opaque_ke::Ristretto255;
use serde_json::{Value, json};
use sotto_crypto::{AccessKey, account::check_relay, testing::relay_question};
use sotto_protocol::account::{RelayId, RelayKeys, ThisRelay, relay_statement};
use voprf::{Group as _, PoprfServer};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[("answer of /v1/relay", read_answer)];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("relay", "Which relay it is");
    id(&mut area);
    answer(&mut area);
    area
}

/// The relay's half of room tokens, from a seed of one byte.
pub fn tokens(seed: u8) -> PoprfServer<Ristretto255> {
    PoprfServer::new_from_seed(&[seed; 32], b"sotto/1 room token key").unwrap()
}

/// A relay's keys, each from a seed of one byte.
pub fn keys(signing: u8, token_seed: u8) -> RelayKeys {
    let element = Ristretto255::serialize_elem(tokens(token_seed).get_public_key());
    RelayKeys { signing: signing_key(signing).public(), tokens: element.as_slice().try_into().unwrap() }
}

/// Signs as any Ed25519 key does.
fn signing_key(seed: u8) -> AccessKey {
    AccessKey::from_seed(&secret(seed))
}

fn id(area: &mut Area) {
    area.value(
        "a relay's keys and its id",
        json!({ "signing seed": hex([0x8b; 32]), "seed of the key of room tokens": hex([0x8c; 32]) }),
        json!({
            "signing key": hex(relay_keys().signing), "key of room tokens": hex(relay_keys().tokens),
            "relay-keys": hex(sotto_protocol::encode(&relay_keys())), "relay id": hex(relay_id().as_bytes()),
        }),
    );
}

fn read_answer(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let answer: ThisRelay = sotto_protocol::decode(bytes)?;
    let keys = relay_question(with.array("nonce")).finish(with.text("authority"), &answer)?;
    let known = with.has("known relay id").then(|| RelayId::new(with.array("known relay id")));
    let id = check_relay(&keys, known.as_ref())?;
    Ok(json!({ "relay id": hex(id.as_bytes()), "key of room tokens": hex(keys.tokens) }))
}

fn signed(keys: RelayKeys, signing: u8, authority: &str, nonce: u8) -> Vec<u8> {
    let statement = relay_statement(authority, &[nonce; 32], &keys.id());
    sotto_protocol::encode(&ThisRelay { keys, signature: signing_key(signing).sign(&statement) })
}

fn answer(area: &mut Area) {
    const NAME: &str = "a relay shows which it is";
    const NONCE: u8 = 0x91;
    let bytes = signed(relay_keys(), 0x8b, AUTHORITY, NONCE);
    let statement = relay_statement(AUTHORITY, &[NONCE; 32], &relay_id());
    area.value(
        "the signing of a relay statement",
        json!({
            "signing seed": hex([0x8b; 32]), "authority": AUTHORITY, "nonce": hex([NONCE; 32]),
            "relay id": hex(relay_id().as_bytes()),
        }),
        json!({
            "statement": hex(statement), "answer of /v1/relay": hex(&bytes), "shows": diagnostic(&bytes),
        }),
    );
    let with = json!({ "authority": AUTHORITY, "nonce": hex([NONCE; 32]), "known relay id": null });
    let gives =
        json!({ "relay id": hex(relay_id().as_bytes()), "key of room tokens": hex(relay_keys().tokens) });
    let mut read = |name: &str, part: &str, value: Value| {
        let mut with = with.clone();
        with[part] = value;
        area.read(name, READERS[0].0, with, &bytes, gives.clone());
    };
    read(NAME, "known relay id", Value::Null);
    read("a relay that is known", "known relay id", hex(relay_id().as_bytes()));
    read("an authority in upper case", "authority", json!("Relay.EXAMPLE:8443"));
    area.refuse_damaged(
        NAME,
        &[(6, "the signing key"), (41, "the key of room tokens"), (bytes.len() - 1, "the signature")],
    );
    area.refuse_changed(NAME, Change::Cut(64), "no signature");
    area.refuse_with(NAME, "authority", "relay.between", "it was passed on under another address");
    area.refuse_with(NAME, "authority", "relay.example", "the same host at another port");
    area.refuse_with(NAME, "nonce", hex([0x92; 32]), "the answer to another question");
    let id = |keys: RelayKeys| hex(keys.id().as_bytes());
    area.refuse_with(NAME, "known relay id", id(keys(0x8b, 0x8d)), "another relay was at this address");
    let own_tokens = RelayKeys { tokens: keys(0x8b, 0x8d).tokens, ..relay_keys() };
    let mut bytes = |keys, signing, why: &str| {
        area.refuse_bytes("a relay that is known", &signed(keys, signing, AUTHORITY, NONCE), why);
    };
    bytes(own_tokens, 0x8b, "another key of room tokens, well signed: it is another relay");
    bytes(keys(0x8e, 0x8c), 0x8e, "another signing key, well signed: it is another relay");
    bytes(relay_keys(), 0x8e, "the keys of one relay, signed by another");
}
