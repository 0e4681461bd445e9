//! What all formats are made of: Expand, sealing with a key commitment, sealing to a public key, signatures, values at rest.

use super::{Area, Change, Reader, Refused, With, hex, secret};
use serde_json::{Value, json};
use sotto_crypto::{
    DeviceKey, StorageKey,
    testing::{
        WrapKey, check_public_key, expand, open_committed, seal_committed_with_salt, seal_stored,
        seal_to_given, verify,
    },
};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[
    ("sealed", read_sealed),
    ("sealed to a public key", read_sealed_to),
    ("X-Wing public key", read_public_key),
    ("Ed25519 signature", read_signature),
    ("stored value", read_stored),
];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("sealing", "Labels; Doors, cards, capsules, links; Accounts; Storage at rest");
    expanded(&mut area);
    sealed(&mut area);
    to_public_key(&mut area);
    public_key(&mut area);
    signature(&mut area);
    stored(&mut area);
    area
}

fn read_sealed(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let (label, aad) = (with.text("label").as_bytes(), with.bytes("additional data"));
    let content = open_committed(&with.secret("key"), label, &aad, bytes)?;
    Ok(json!({ "content": hex(&*content) }))
}

fn read_sealed_to(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let (info, aad) = (with.text("info").as_bytes(), with.bytes("additional data"));
    let content = WrapKey::from_seed(&with.secret("seed")).open_bytes(info, &aad, bytes)?;
    Ok(json!({ "content": hex(&*content) }))
}

fn read_public_key(_: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    check_public_key(bytes)?;
    Ok(json!({}))
}

fn read_signature(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let signature = bytes.try_into().map_err(|_| Refused("length".to_owned()))?;
    verify(&with.array("key"), &with.bytes("statement"), signature)?;
    Ok(json!({}))
}

fn read_stored(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let value = StorageKey::new(with.secret("storage key")).open(&with.bytes("place"), bytes)?;
    Ok(json!({ "value": hex(&*value) }))
}

fn expanded(area: &mut Area) {
    let secret = secret(0x01);
    let parts: [&[u8]; 2] = [b"part", &[]];
    let okm = expand::<44>(&secret, b"sotto/1 example", &parts).unwrap();
    let info = [&[15][..], b"sotto/1 example", &[0, 4], b"part", &[0, 0]].concat();
    area.value(
        "Expand",
        json!({
            "secret": hex(secret.expose()), "label": "sotto/1 example", "parts": [hex(parts[0]), hex(parts[1])],
            "bytes": 44,
        }),
        json!({ "info": hex(info), "expanded": hex(okm.as_slice()) }),
    );
}

fn sealed(area: &mut Area) {
    const NAME: &str = "sealed with a key commitment";
    let (key, label, salt, aad) = (secret(0x06), "sotto/1 card sealing", [0x55; 16], [0x11; 16]);
    let content = b"the content";
    let okm = expand::<44>(&key, label.as_bytes(), &[b"key and nonce", &salt]).unwrap();
    let commitment = expand::<32>(&key, label.as_bytes(), &[b"commitment", &salt]).unwrap();
    let sealed = seal_committed_with_salt(&key, label.as_bytes(), &aad, content, &salt).unwrap();
    let with = json!({ "key": hex(key.expose()), "label": label, "additional data": hex(aad) });
    area.value(
        "sealing with a key commitment",
        json!({ "with": with, "salt": hex(salt), "content": hex(content) }),
        json!({
            "key": hex(&okm[..32]), "nonce": hex(&okm[32..]), "commitment": hex(commitment.as_slice()),
            "sealed": hex(&sealed),
        }),
    );
    area.read(NAME, "sealed", with, &sealed, json!({ "content": hex(content) }));
    area.refuse_changed(NAME, Change::Xor(0, 3), "a later version");
    let parts =
        [(1, "the salt"), (17, "the commitment"), (49, "the ciphertext"), (sealed.len() - 1, "the tag")];
    area.refuse_damaged(NAME, &parts);
    area.refuse_with(NAME, "key", hex([0x07; 32]), "another key");
    area.refuse_with(NAME, "label", "sotto/1 capsule sealing", "another purpose");
    area.refuse_with(NAME, "additional data", hex([0x12; 16]), "another place");
    // The commitment of one key before a ciphertext of another: AES-GCM alone would open it.
    let other = seal_committed_with_salt(&secret(0x07), label.as_bytes(), &aad, content, &salt).unwrap();
    let mixed = [&other[..49], &sealed[49..]].concat();
    area.refuse_bytes(NAME, &mixed, "the ciphertext is right, and the commitment is another key's");
}

fn to_public_key(area: &mut Area) {
    const NAME: &str = "sealed to an X-Wing key";
    let (key, info, aad, content) =
        (WrapKey::from_seed(&secret(0x08)), "sotto/1 door wrap", [0x5a; 40], [0x06; 32]);
    let randomness = [0x57; 64];
    let sealed = seal_to_given(&key.public(), info.as_bytes(), &aad, &content, &randomness).unwrap();
    let with = json!({ "seed": hex([0x08; 32]), "info": info, "additional data": hex(aad) });
    area.value(
        "sealing to an X-Wing key",
        json!({ "with": with, "encapsulation randomness": hex(randomness), "content": hex(content) }),
        json!({ "X-Wing key": hex(key.public()), "sealed": hex(&sealed) }),
    );
    area.read(NAME, "sealed to a public key", with, &sealed, json!({ "content": hex(content) }));
    let parts = [
        (0, "the ML-KEM part of the encapsulated key"),
        (1100, "its X25519 part"),
        (1120, "the ciphertext"),
        (sealed.len() - 1, "the tag"),
    ];
    area.refuse_damaged(NAME, &parts);
    area.refuse_with(NAME, "seed", hex([0x09; 32]), "another key");
    area.refuse_with(NAME, "info", "sotto/1 capsule wrap", "another purpose");
    area.refuse_with(NAME, "additional data", hex([0x5b; 40]), "another place");
    area.refuse_changed(NAME, Change::Cut(sealed.len() - 1119), "shorter than an encapsulated key");
    let mut low_order = sealed;
    low_order[1088..1120].fill(0);
    area.refuse_bytes(NAME, &low_order, "the X25519 part of the encapsulated key has low order");
}

fn public_key(area: &mut Area) {
    const NAME: &str = "an X-Wing public key";
    let key = WrapKey::from_seed(&secret(0x08)).public();
    area.read(NAME, "X-Wing public key", json!({}), &key, json!({}));
    area.refuse_changed(NAME, Change::Cut(1), "a byte is missing");
    area.refuse_changed(NAME, Change::Append(&[0]), "a byte follows");
    let with = |at: core::ops::Range<usize>, bytes: &[u8]| {
        let mut changed = key.clone();
        changed[at].copy_from_slice(bytes);
        changed
    };
    // RFC 7748: u-coordinates of low order; the last one is 1, written with the prime added.
    let mut one = [0; 32];
    one[0] = 1;
    let mut prime_and_one = [0xff; 32];
    (prime_and_one[0], prime_and_one[31]) = (0xee, 0x7f);
    for (u, why) in [([0; 32], "0"), (one, "1"), (prime_and_one, "1, not reduced")] {
        let why = format!("its X25519 part has low order: u is {why}");
        area.refuse_bytes(NAME, &with(1184..1216, &u), &why);
    }
    let unreduced = with(0..3, &[0xff; 3]);
    if check_public_key(&unreduced).is_err() {
        area.refuse_bytes(
            NAME,
            &unreduced,
            "a coefficient of its ML-KEM part is not below 3329 (FIPS 203, 7.2)",
        );
    }
}

fn signature(area: &mut Area) {
    const NAME: &str = "a signature";
    let (key, statement) = (DeviceKey::from_seed(&secret(0x04)), b"a statement");
    let signature = key.sign(statement);
    let with = json!({ "key": hex(key.public()), "statement": hex(statement) });
    area.value(
        "signing",
        json!({ "seed": hex([0x04; 32]), "statement": hex(statement) }),
        json!({ "key": hex(key.public()), "signature": hex(signature) }),
    );
    area.read(NAME, "Ed25519 signature", with, &signature, json!({}));
    area.refuse_damaged(NAME, &[(0, "R"), (32, "S")]);
    area.refuse_with(NAME, "statement", hex(b"a Statement"), "another statement");
    area.refuse_with(NAME, "key", hex(DeviceKey::from_seed(&secret(0x05)).public()), "another key");
    // S + L, the group's order: the same number, written another way.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    let mut unreduced = signature;
    for (byte, add) in unreduced[32..].iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry as u8;
        carry >>= 8;
    }
    area.refuse_bytes(NAME, &unreduced, "S is not below the group's order");
    let mut neutral = [0; 32];
    neutral[0] = 1;
    area.refuse_with(NAME, "key", hex(neutral), "the key is the neutral element");
    area.refuse_bytes(NAME, &[&neutral[..], &[0; 32]].concat(), "R is the neutral element, S is 0");
}

fn stored(area: &mut Area) {
    const NAME: &str = "a value at rest";
    let (key, salt) = (StorageKey::new(secret(0x0b)), [0x88; 16]);
    let stored = seal_stored(&key, b"table key", b"value", &salt).unwrap();
    let with = json!({ "storage key": hex([0x0b; 32]), "place": hex(b"table key") });
    area.value(
        "sealing a value at rest",
        json!({ "with": with, "salt": hex(salt), "value": hex(b"value") }),
        json!({ "stored": hex(&stored) }),
    );
    area.read(NAME, "stored value", with, &stored, json!({ "value": hex(b"value") }));
    area.refuse_changed(NAME, Change::Xor(0, 3), "a later version");
    area.refuse_damaged(NAME, &[(1, "the salt"), (17, "the ciphertext"), (stored.len() - 1, "the tag")]);
    area.refuse_with(NAME, "place", hex(b"table Key"), "another place");
    area.refuse_with(NAME, "storage key", hex([0x0c; 32]), "another key");
}
