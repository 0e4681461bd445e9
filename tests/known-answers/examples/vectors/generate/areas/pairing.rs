//! Pairing: one whole story, message by message.

use super::{
    ADA, Area, CborMap, Change, NOW_MS, Reader, Refused, With, diagnostic, encapsulation, hex, secret,
};
use minicbor::bytes::ByteVec;
use serde_json::{Value, json};
use sotto_crypto::{
    CryptoError, DeviceKey,
    account::{
        Mark, NewDevice, OldDevice, PairingGrant, PairingOffer, VaultIndex, VaultKey, VaultLabel, VaultName,
        VerifyingNewDevice, VerifyingOldDevice,
    },
    testing::{
        expand, open_committed, pairing_answer, pairing_grant, pairing_reveal, pairing_start,
        seal_committed_with_salt,
    },
};
use sotto_protocol::entry_hash;

/// Readers of this area. Each replays the story up to its message, with what the file gives.
pub const READERS: &[(&str, Reader)] = &[
    ("pairing offer", read_offer),
    ("hello", read_hello),
    ("answer", read_answer),
    ("reveal", read_reveal),
    ("grant", read_grant),
];

const OFFER: &str = "0123-4567-89AB-CDEF";
const DISPLAY_NAME: &str = "Ada's laptop";
const SESSION: &[u8] = b"session";

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("pairing", "Pairing");
    story(&mut area);
    area
}

fn offer() -> PairingOffer {
    PairingOffer::parse(OFFER).unwrap()
}

/// What the old device has seen: the sealed record, the vault's index, and a record of which the grant says nothing.
fn seen() -> VaultIndex {
    let mut seen = VaultIndex::default();
    let index = VaultKey::from_seed(secret(ADA.vault)).name(VaultLabel::Index).unwrap();
    seen.note(index, Mark::of(9, b"the vault's index, sealed")).unwrap();
    seen.note(VaultName::new([0x01; 32]), Mark::of(3, b"a room of the list, sealed")).unwrap();
    seen.note_record(Mark::of(4, b"sealed-record")).unwrap();
    seen
}

/// The grant of the story, for that code.
fn grant(old: VerifyingOldDevice, typed: &str) -> Result<Vec<u8>, CryptoError> {
    let seen = seen();
    let grant =
        PairingGrant { display_name: DISPLAY_NAME, not_before_ms: NOW_MS, session: SESSION, seen: &seen };
    pairing_grant(old, typed, &ADA.keys(), grant, &[0x56; 16])
}

fn new_device() -> DeviceKey {
    DeviceKey::from_seed(&secret(0x24))
}

fn start() -> NewDevice {
    pairing_start(new_device(), offer(), &secret(0x51), [0x50; 32])
}

fn answered() -> (OldDevice, Vec<u8>) {
    pairing_answer(&offer(), start().hello(), &secret(0x52), &[0x53; 32], &secret(0x57)).unwrap()
}

fn revealed() -> (VerifyingNewDevice, Vec<u8>) {
    pairing_reveal(start(), &answered().1, &[0x55; 16]).unwrap()
}

fn verifying(reveal: &[u8]) -> Result<VerifyingOldDevice, Refused> {
    Ok(answered().0.receive_reveal(reveal)?)
}

fn granted() -> Vec<u8> {
    let (new, reveal) = revealed();
    let old = verifying(&reveal).unwrap();
    grant(old, &new.code().to_string()).unwrap()
}

fn read_offer(_: &With<'_>, text: &[u8]) -> Result<Value, Refused> {
    let text = core::str::from_utf8(text).map_err(|_| Refused("UTF-8".to_owned()))?;
    let offer = PairingOffer::parse(text)?;
    Ok(json!({ "offer": offer.to_text().as_str(), "letter box": hex(offer.mailbox()) }))
}

fn read_hello(_: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let (_, answer) = pairing_answer(&offer(), bytes, &secret(0x52), &[0x53; 32], &secret(0x57))?;
    Ok(json!({ "SHA-256 of the answer": hex(entry_hash(&answer)) }))
}

fn read_answer(_: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let (new, reveal) = pairing_reveal(start(), bytes, &[0x55; 16])?;
    Ok(json!({ "reveal": hex(reveal), "short code": new.code().to_string() }))
}

fn read_reveal(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let old = verifying(bytes)?;
    Ok(json!({ "grant": hex(grant(old, with.text("typed"))?) }))
}

fn read_grant(_: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let paired = revealed().0.confirm().receive_grant(bytes)?;
    Ok(json!({
        "account": hex(paired.account.as_bytes()), "certificate": hex(paired.certificate.as_bytes()),
        "vault key": hex(paired.secrets.vault.seed().expose()), "door seed": hex(paired.secrets.door.seed().expose()),
        "session": hex(&*paired.session), "seen": hex(paired.seen.to_bytes()),
    }))
}

fn story(area: &mut Area) {
    let (new, reveal) = revealed();
    let ((_, answer), hello, grant) = (answered(), start().hello().to_vec(), granted());
    let typed = new.code().to_string();
    let symbols: Vec<u8> = (0..16).collect();
    let transcript = |parts: &[&[u8]]| {
        entry_hash(&[&b"sotto/1 pairing transcript"[..], &symbols, &parts.concat()].concat())
    };
    let bound = transcript(&[&hello, &answer]);
    let k =
        sotto_crypto::Secret::new(*expand::<32>(&secret(0x52), b"sotto/1 pairing key", &[&bound]).unwrap());
    let device = open_committed(&k, b"sotto/1 pairing device sealing", &[0x50; 32], &reveal[33..]).unwrap();
    let contents = open_committed(&k, b"sotto/1 pairing grant sealing", &[0x50; 32], &grant).unwrap();
    area.value(
        "a pairing",
        json!({
            "offer": OFFER, "seed of the new device's key": hex([0x24; 32]),
            "seed of the X-Wing key of this pairing": hex([0x51; 32]), "nonce": hex([0x50; 32]), "s": hex([0x52; 32]),
            "nonce'": hex([0x53; 32]), "encapsulation randomness of the answer": hex(encapsulation(0x57)),
            "salt of the reveal": hex([0x55; 16]), "salt of the grant": hex([0x56; 16]), "account": ADA.to_json(),
            "name in the new certificate": DISPLAY_NAME, "not before": NOW_MS, "session": hex(SESSION),
            "what the old device has seen": hex(seen().to_bytes()),
        }),
        json!({
            "o": hex(&symbols), "letter box": hex(offer().mailbox()), "hello": hex(&hello),
            "T(hello)": hex(transcript(&[&hello])), "answer": hex(&answer), "T(hello, answer)": hex(bound),
            "k": hex(k.expose()), "device key and possession": hex(&*device), "reveal": hex(&reveal),
            "T(hello, answer, nonce)": hex(transcript(&[&hello, &answer, &[0x50; 32]])),
            "short code, as it is shown": typed, "grant-contents": hex(&*contents), "grant-contents show": diagnostic(&contents),
            "grant": hex(&grant),
        }),
    );
    let gives = json!({ "offer": OFFER, "letter box": hex(offer().mailbox()) });
    area.read_text("an offer", "pairing offer", json!({}), OFFER, gives.clone());
    area.read_text("an offer as people type it", "pairing offer", json!({}), "ol23 4567 89ab cdef", gives);
    for (text, why) in [
        ("0123-4567-89AB-CDE", "a symbol is missing"),
        ("0123-4567-89AB-CDEF-0", "a symbol too many"),
        ("U123-4567-89AB-CDEF", "U is no symbol"),
    ] {
        area.refuse_text("an offer", text, why);
    }
    let read = |reader: Reader, with: &Value, bytes: &[u8]| reader(&With(with), bytes).unwrap();
    area.read("hello", "hello", json!({}), &hello, read(read_hello, &Value::Null, &hello));
    area.refuse_changed("hello", Change::Xor(0, 3), "a later version");
    area.refuse_changed("hello", Change::Cut(1), "the last byte is missing");
    area.refuse_changed("hello", Change::Append(&[0]), "a byte follows");
    let mut low_order = hello;
    low_order[1 + 1184..1 + 1216].fill(0);
    area.refuse_bytes("hello", &low_order, "the X-Wing key has low order");
    area.read("answer", "answer", json!({}), &answer, read(read_answer, &Value::Null, &answer));
    area.refuse_changed("answer", Change::Xor(0, 3), "a later version");
    area.refuse_damaged("answer", &[(10, "the encapsulated key"), (1125, "the ciphertext")]);
    let with = json!({ "typed": typed });
    area.read("reveal", "reveal", with.clone(), &reveal, read(read_reveal, &with, &reveal));
    area.refuse_changed("reveal", Change::Xor(0, 3), "a later version");
    let parts = [(1, "the nonce is not the one committed to"), (34, "the salt"), (100, "the ciphertext")];
    area.refuse_damaged("reveal", &parts);
    area.refuse_with("reveal", "typed", "000 0000", "another code is typed");
    let unsigned =
        [new_device().public().as_slice(), &DeviceKey::from_seed(&secret(0x7f)).sign(b"")].concat();
    let sealed =
        seal_committed_with_salt(&k, b"sotto/1 pairing device sealing", &[0x50; 32], &unsigned, &[0x55; 16])
            .unwrap();
    let without = [&[1][..], &[0x50; 32], &sealed].concat();
    area.refuse_bytes("reveal", &without, "the new device does not show that it has the key");
    area.read("grant", "grant", json!({}), &grant, read(read_grant, &Value::Null, &grant));
    area.refuse_changed("grant", Change::Xor(0, 3), "a later version");
    area.refuse_damaged("grant", &[(1, "the salt"), (17, "the commitment"), (100, "the ciphertext")]);
    let certificate = ByteVec::from(ADA.certificate().as_bytes().to_vec());
    let mut again = |contents: CborMap, why: &str| {
        let contents = contents.write();
        let label = b"sotto/1 pairing grant sealing";
        let sealed = seal_committed_with_salt(&k, label, &[0x50; 32], &contents, &[0x56; 16]).unwrap();
        area.refuse_bytes("grant", &sealed, why);
    };
    let inside = CborMap::read(&contents);
    again(inside.with(1, &certificate), "the certificate is for another device");
    again(inside.with(0, &ByteVec::from(vec![0x0c; 16])), "the certificate is another account's");
    let recovery = ByteVec::from(super::CLEO.recovery_public().unwrap());
    again(inside.with(4, &recovery), "the certificate names another recovery key");
    again(inside.with(5, &ByteVec::from(vec![0; 4097])), "a session of more than 4 KiB");
    again(inside.with(6, &ByteVec::from(b"no index".to_vec())), "what was seen is no index");
    again(inside.without(6), "nothing of what was seen");
}
