//! An account's recovery code, its sealed record, and what a device keeps of it.

use super::{ADA, Area, CborMap, Change, Reader, Refused, With, diagnostic, encapsulation, hex, secret};
use minicbor::bytes::ByteVec;
use serde_json::{Value, json};
use sotto_crypto::{
    account::{AccountKeys, DeviceSecrets, OpenedRecord, RecoveryCode, SealedRecord},
    testing::{
        RecordRandomness, account_keys, expand, open_committed, password_key_of, recovery_code,
        seal_committed_with_salt as committed, seal_record,
    },
};
use sotto_protocol::{encode, entry_hash};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[
    ("recovery code", read_code),
    ("sealed-record by password", read_by_password),
    ("sealed-record by code", read_by_code),
    ("device-secrets", read_device_secrets),
];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("accounts", "Accounts; Login; Sealed record");
    code(&mut area);
    record(&mut area);
    device(&mut area);
    area
}

/// Any 26 symbols.
fn symbols() -> [u8; 26] {
    core::array::from_fn(|place| (place as u8 * 7 + 3) % 32)
}

fn read_code(_: &With<'_>, text: &[u8]) -> Result<Value, Refused> {
    let text = core::str::from_utf8(text).map_err(|_| Refused("UTF-8".to_owned()))?;
    let code = RecoveryCode::parse(text)?;
    Ok(json!({ "code": code.to_text().as_str(), "login key": hex(code.public()?.login_key()) }))
}

fn code(area: &mut Area) {
    const NAME: &str = "a recovery code";
    let code = recovery_code(symbols());
    let digest = entry_hash(&[b"sotto/1 recovery secret", &symbols()[..]].concat());
    let secret = sotto_crypto::Secret::new(digest);
    let seed = |label: &[u8]| hex(expand::<32>(&secret, label, &[]).unwrap().as_slice());
    let text = code.to_text();
    area.value(
        "the keys of a recovery code",
        json!({ "26 symbols": hex(symbols()) }),
        json!({
            "code": text.as_str(), "secret": hex(secret.expose()),
            "seed of the wrap key": seed(b"sotto/1 recovery code wrap key"),
            "seed of the login key": seed(b"sotto/1 recovery code signature key"),
            "wrap key, login key": hex(encode(&code.public().unwrap())),
        }),
    );
    let gives = json!({ "code": text.as_str(), "login key": hex(code.public().unwrap().login_key()) });
    area.read_text(NAME, "recovery code", json!({}), &text, gives.clone());
    let typed = text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
    area.read_text("a recovery code as people type it", "recovery code", json!({}), &typed, gives);
    let other = |at: usize| if text.as_bytes()[at] == b'2' { "3" } else { "2" };
    for at in [0, 18, 34] {
        let mut changed = text.to_string();
        changed.replace_range(at..=at, other(at));
        area.refuse_text(NAME, &changed, "a symbol was mistyped");
    }
    let mut swapped: Vec<_> = text.chars().collect();
    swapped.swap(0, 1);
    area.refuse_text(NAME, &swapped.into_iter().collect::<String>(), "two symbols were swapped");
    area.refuse_text(NAME, &text[1..], "a symbol is missing");
    area.refuse_text(NAME, &format!("{}0", text.as_str()), "a symbol too many");
    area.refuse_text(NAME, &text.replacen(&text[..1], "U", 1), "U is no symbol");
}

fn opened(record: &OpenedRecord) -> Value {
    let keys: &AccountKeys = record.keys();
    let previous: Vec<_> = keys.recovery_keys().skip(1).map(|key| hex(key.public_hash())).collect();
    json!({
        "version": record.version(), "account": hex(keys.account().as_bytes()), "generation": keys.generation(),
        "number of the device keys": keys.device_keys(), "opens by the code": record.opens_by_code(),
        "SHA-256 of the recovery key": hex(keys.recovery().public_hash()),
        "SHA-256 of older recovery keys, the latest first": previous,
    })
}

fn read_by_password(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let password = password_key_of(with.secret("password key"));
    Ok(opened(&SealedRecord::from_bytes(bytes)?.open_with_password(&password)?))
}

fn read_by_code(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let code = RecoveryCode::parse(with.text("code"))?;
    Ok(opened(&SealedRecord::from_bytes(bytes)?.open_with_code(&code)?))
}

/// What a device notes of a record.
fn mark(sealed: &[u8]) -> Vec<u8> {
    entry_hash(&[b"sotto/1 vault mark", sealed].concat())[..16].to_vec()
}

/// A record whose recovery key was changed once.
fn record(area: &mut Area) {
    let recovery = (secret(0x21), 2, vec![secret(0x2a)]);
    let keys = account_keys(&secret(ADA.identity), recovery, secret(ADA.vault), secret(ADA.door), 3);
    let (password, code) = (password_key_of(secret(0x40)), recovery_code(symbols()));
    let randomness = RecordRandomness {
        record_key: secret(0x41),
        body_salt: [0x55; 16],
        password_salt: [0x56; 16],
        code_seed: secret(0x57),
    };
    let sealed = seal_record(&keys, 7, &password, &code, randomness).unwrap().to_bytes();
    let [body, password_wrap, code_wrap] = [1, 2, 3].map(|key| CborMap::read(&sealed).bytes(key));
    let aad = [&[1][..], &7_u64.to_be_bytes()].concat();
    let contents = open_committed(&secret(0x41), b"sotto/1 record sealing", &aad, &body).unwrap();
    area.value(
        "the sealing of a record",
        json!({
            "identity seed": hex([ADA.identity; 32]), "recovery seed": hex([0x21; 32]), "generation": 2,
            "number of the device keys": 3, "older recovery seeds": [hex([0x2a; 32])], "vault key": hex([ADA.vault; 32]),
            "door seed": hex([ADA.door; 32]), "code": code.to_text().as_str(), "version": 7,
            "password key": hex([0x40; 32]), "record key": hex([0x41; 32]), "salt of the body": hex([0x55; 16]),
            "salt of the password wrap": hex([0x56; 16]),
            "encapsulation randomness of the code wrap": hex(encapsulation(0x57)),
        }),
        json!({
            "additional data": hex(&aad), "record-contents": hex(&*contents), "shows": diagnostic(&contents),
            "body": hex(&body), "password wrap": hex(&password_wrap), "code wrap": hex(&code_wrap),
            "SHA-256(code wrap)": hex(entry_hash(&code_wrap)), "sealed-record": hex(&sealed),
            "mark": hex(mark(&sealed)),
        }),
    );
    let gives = opened(&SealedRecord::from_bytes(&sealed).unwrap().open_with_code(&code).unwrap());
    let (by_password, by_code) = ("a sealed-record, by password", "a sealed-record, by code");
    let with = json!({ "password key": hex([0x40; 32]) });
    area.read(by_password, "sealed-record by password", with, &sealed, gives.clone());
    let with = json!({ "code": code.to_text().as_str() });
    area.read(by_code, "sealed-record by code", with, &sealed, gives);
    let mut garbled_wrap = code_wrap.clone();
    garbled_wrap[20] ^= 1;
    let garbled = CborMap::read(&sealed).with(3, &ByteVec::from(garbled_wrap)).write();
    let with = json!({ "password key": hex([0x40; 32]) });
    let gives = opened(&SealedRecord::from_bytes(&garbled).unwrap().open_with_password(&password).unwrap());
    assert_eq!(gives["opens by the code"], false);
    let name = "a sealed-record whose code wrap was garbled, by password";
    area.read(name, "sealed-record by password", with, &garbled, gives);
    let at = |part: &[u8]| sealed.windows(part.len()).position(|window| window == part).unwrap();
    let (device_keys, login_key) = (sealed.len() - 1, sealed.len() - 3);
    area.refuse_damaged(
        by_password,
        &[
            (at(&body) + 20, "the body"),
            (at(&password_wrap) + 20, "the password wrap"),
            (login_key, "the code's login key is not the one inside"),
            (device_keys, "the number of the device keys is not the one inside"),
        ],
    );
    area.refuse_changed(by_password, Change::Xor(2, 1), "another version of the record");
    area.refuse_with(by_password, "password key", hex([0x42; 32]), "another password");
    area.refuse_changed(by_code, Change::Xor(at(&code_wrap) + 20, 1), "a bit is flipped: the code wrap");
    area.refuse_changed(by_code, Change::Xor(login_key, 1), "a bit is flipped: the code's login key");
    let mut again = |contents: CborMap, why: &str| {
        let contents = contents.write();
        let body = committed(&secret(0x41), b"sotto/1 record sealing", &aad, &contents, &[0x55; 16]).unwrap();
        let changed = CborMap::read(&sealed).with(1, &ByteVec::from(body)).write();
        area.refuse_bytes(by_password, &changed, why);
    };
    let inside = CborMap::read(&contents);
    again(inside.with(7, &4_u32), "the number of the device keys inside is another one");
    again(inside.with(3, &vec![ByteVec::from(vec![0x2a; 32]); 65]), "more than 64 older recovery keys");
    area.refuse_bytes(by_password, &vec![0; 16_385], "more than 16 KiB");
    area.refuse_with(by_code, "code", recovery_code([5; 26]).to_text().as_str(), "another code");
    area.refuse_changed(by_code, Change::Xor(at(&body), 3), "a later version of the sealing");
}

fn read_device_secrets(_: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let secrets = DeviceSecrets::from_bytes(bytes)?;
    Ok(json!({
        "device key": hex(secrets.device.public()), "vault key": hex(secrets.vault.seed().expose()),
        "door seed": hex(secrets.door.seed().expose()),
    }))
}

fn device(area: &mut Area) {
    const NAME: &str = "device-secrets";
    let bytes = ADA.keys().device_secrets(ADA.device()).to_bytes();
    let gives = json!({
        "device key": hex(ADA.device().public()), "vault key": hex([ADA.vault; 32]), "door seed": hex([ADA.door; 32]),
    });
    area.read(NAME, NAME, json!({}), &bytes, gives);
    area.refuse_changed(NAME, Change::Cut(1), "the last byte is missing");
    area.refuse_changed(NAME, Change::Append(&[0]), "a byte follows");
}
