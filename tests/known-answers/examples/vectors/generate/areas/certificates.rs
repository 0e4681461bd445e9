//! Certificates: a guest's and an account's.

use super::{
    ADA, Area, BOB, CborMap, Change, NOW_MS, Person, Reader, Refused, With, diagnostic, hex, other_forms,
};
use minicbor::{
    Encoder,
    bytes::{ByteArray, ByteVec},
};
use serde_json::{Value, json};
use sotto_crypto::{
    identity::{Certificate, DeviceList, IdentityKey},
    testing::{program, retired},
};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[("certificate", read_certificate)];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("certificates", "Inside the room; MLS; Names");
    certificate(&mut area, "certificate of an account", &ADA);
    certificate(&mut area, "certificate of a guest", &BOB);
    of_a_program(&mut area);
    special(&mut area);
    other_forms_of_it(&mut area);
    area
}

fn read_certificate(_: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let certificate = Certificate::verify(bytes)?;
    Ok(json!({
        "account": hex(certificate.account().as_bytes()), "identity key": hex(certificate.identity_key()),
        "SHA-256 of the recovery key": certificate.recovery_key_hash().map(hex),
        "device key": hex(certificate.device_key()), "display name": certificate.display_name(),
        "generation": certificate.generation(),
        "operator": certificate.operator().map(|operator| hex(operator.as_bytes())),
        "devices": certificate.devices().map(|list| json!({ "version": list.version, "hash": hex(list.hash) })),
    }))
}

/// Of an account that has removed a device, and is a program's.
fn of_a_program(area: &mut Area) {
    let operator = BOB.certificate().account();
    let keys = program(&retired(&ADA.keys(), &[[0x61; 32], [0x62; 32]]).unwrap(), operator);
    let certificate = keys.certify(ADA.device().public(), "Helper", NOW_MS).unwrap();
    let name = "certificate of a program whose account has removed a device";
    let gives = read_certificate(&With(&Value::Null), certificate.as_bytes()).unwrap();
    assert_eq!(gives["operator"], json!(hex(operator.as_bytes())));
    assert_eq!(gives["devices"]["version"], json!(1));
    area.read(name, "certificate", json!({}), certificate.as_bytes(), gives);
    let (body, _) = parts(&certificate);
    let none = CborMap::read(&body).with(8, &DeviceList { version: 0, hash: [7; 32] });
    area.refuse_bytes(name, &sign_body(&none.write(), &ADA.identity()), "a list of devices of version 0");
}

/// Body and signature.
fn parts(certificate: &Certificate) -> (Vec<u8>, [u8; 64]) {
    let mut decoder = minicbor::Decoder::new(certificate.as_bytes());
    decoder.array().unwrap();
    (decoder.bytes().unwrap().to_vec(), decoder.bytes().unwrap().try_into().unwrap())
}

fn certificate(area: &mut Area, name: &str, person: &Person) {
    let certificate = person.certificate();
    let (body, signature) = parts(&certificate);
    area.value(
        &format!("the making of the {name}"),
        person.to_json(),
        json!({
            "certificate-body": hex(&body), "shows": diagnostic(&body),
            "statement": hex([b"sotto/1 device certificate", &body[..]].concat()), "signature": hex(signature),
            "certificate": hex(certificate.as_bytes()),
        }),
    );
    let gives = read_certificate(&With(&Value::Null), certificate.as_bytes()).unwrap();
    let own = json!({
        "account": hex(certificate.account().as_bytes()), "identity key": hex(person.identity().public()),
        "SHA-256 of the recovery key": certificate.recovery_key_hash().map(hex),
        "device key": hex(person.device().public()), "display name": person.name,
        "generation": u32::from(person.recovery.is_some()), "operator": null, "devices": null,
    });
    assert_eq!(gives, own);
    area.read(name, "certificate", json!({}), certificate.as_bytes(), gives);
    let bytes = certificate.as_bytes();
    let device_key_at = bytes.windows(32).position(|window| *window == person.device().public()).unwrap();
    area.refuse_damaged(name, &[(device_key_at, "the device key"), (bytes.len() - 1, "the signature")]);
    area.refuse_changed(name, Change::Xor(0, 1), "an array of three");
}

/// Well signed, and yet no certificates.
fn special(area: &mut Area) {
    const NAME: &str = "certificate of a guest";
    let (good, _) = parts(&BOB.certificate());
    let good = CborMap::read(&good);
    assert_eq!(sign_body(&good.write(), &BOB.identity()), BOB.certificate().as_bytes());
    let mut bad = |body: CborMap, why: &str| {
        area.refuse_bytes(NAME, &sign_body(&body.write(), &BOB.identity()), why);
    };
    bad(good.with(0, &2), "a later version");
    bad(good.with(5, &1), "a generation without a recovery key");
    bad(good.with(2, &ByteArray::from([7; 32])), "a recovery key in generation 0");
    let long = "x".repeat(129);
    let names = [
        ("", "an empty name"),
        (" Bob", "space before the name"),
        ("Bo  b", "two spaces in the name"),
        ("Bo\u{200b}b", "an invisible character in the name"),
        ("Bo\u{202e}b", "a direction mark in the name"),
        ("Zoe\u{308}", "a name that is not in NFC"),
        (long.as_str(), "a name of more than 128 bytes"),
    ];
    for (name, why) in names {
        bad(good.with(4, &name), why);
    }
    bad(good.with(23, &ByteVec::from(vec![0; 900])), "longer than 1,024 bytes");
    area.refuse_bytes(NAME, &sign_body(&good.write(), &ADA.identity()), "signed by another identity");
}

/// Well signed, and not in the one form of CBOR. What the code does not refuse yet is not said to be refused.
fn other_forms_of_it(area: &mut Area) {
    const NAME: &str = "certificate of a guest";
    let (body, signature) = parts(&BOB.certificate());
    let mut bodies: Vec<_> = other_forms(&body)
        .into_iter()
        .map(|(body, why)| (sign_body(&body, &BOB.identity()), format!("its body has {why}")))
        .collect();
    let longer = [&[0x98, 0x02], &BOB.certificate().as_bytes()[1..]].concat();
    bodies.push((longer, "its length is not written in its shortest form".to_owned()));
    let mut three = vec![0x83];
    minicbor::Encoder::new(&mut three).bytes(&body).unwrap().bytes(&signature).unwrap().u8(0).unwrap();
    bodies.push((three, "a third value".to_owned()));
    for (certificate, why) in bodies {
        if Certificate::verify(&certificate).is_err() {
            area.refuse_bytes(NAME, &certificate, &why);
        }
    }
}

fn sign_body(body: &[u8], signer: &IdentityKey) -> Vec<u8> {
    let signature = signer.sign(&[b"sotto/1 device certificate", body].concat());
    let mut certificate = Vec::new();
    let mut encoder = Encoder::new(&mut certificate);
    encoder.array(2).unwrap().bytes(body).unwrap().bytes(&signature).unwrap();
    certificate
}
