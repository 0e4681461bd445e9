//! Status registers.

use super::{ADA, Area, BOB, Change, EPOCH, NOW_MS, ROOM, Reader, Refused, With, hex, messages, secret};
use serde_json::{Value, json};
use sotto_crypto::{
    account::VaultKey,
    room::{Roster, StatusKey},
    status::{ReadMark, Status, StatusRegisters},
    testing::{expand, seal_status},
};
use sotto_protocol::{Chain, RoomId, register_of};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[("status", read_status)];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("status", "Status registers");
    statuses(&mut area);
    area
}

fn read_status(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let known = messages::roster(&[(0, &ADA), (1, &BOB)]);
    let entries = with.list("roster").into_iter().map(|entry| {
        let device_key: [u8; 32] = entry.array("device key");
        let (_, found) = known.iter().find(|(_, known)| known.device_key == device_key).unwrap();
        (entry.number("leaf") as u32, found.clone())
    });
    let roster = Roster::from_entries(entries);
    let key = StatusKey::from_seed(with.secret("status secret"));
    let registers = StatusRegisters::new(&key, RoomId::new(with.array("room")), with.number("epoch"));
    let vault = VaultKey::from_seed(with.secret("vault key"));
    let registers = registers.of_account(&vault);
    let opened = registers.open(&roster, &with.array("register"), bytes)?;
    let Status { version, chain, delivered_seq, read_seq, typing_until_ms, present_until_ms, own_mark } =
        opened.status;
    Ok(json!({
        "leaf": opened.leaf, "version": version, "chain": [chain.seq, hex(chain.hash)], "received": delivered_seq,
        "read": read_seq, "types until": typing_until_ms, "is there until": present_until_ms,
        "own mark": own_mark.map(|mark| json!([mark.turn, mark.seq])),
    }))
}

fn statuses(area: &mut Area) {
    let key = StatusKey::from_seed(secret(0x31));
    let vault = VaultKey::from_seed(secret(BOB.vault));
    let registers = StatusRegisters::new(&key, ROOM, EPOCH).of_account(&vault);
    let chain = Chain { seq: 8, hash: [0x08; 32] };
    let parts = [&ROOM.as_bytes()[..], &EPOCH.to_be_bytes()];
    let register_key = *expand::<32>(&secret(BOB.device), b"sotto/1 status register", &parts).unwrap();
    let register = register_of(&register_key);
    let with = json!({
        "status secret": hex([0x31; 32]), "room": hex(ROOM.as_bytes()), "epoch": EPOCH, "register": hex(register),
        "vault key": hex([BOB.vault; 32]),
        "roster": [
            { "leaf": 0, "device key": hex(ADA.device().public()) },
            { "leaf": 1, "device key": hex(BOB.device().public()) },
        ],
    });
    let everything = Status {
        delivered_seq: Some(8),
        read_seq: Some(7),
        typing_until_ms: Some(NOW_MS + 5_000),
        present_until_ms: Some(NOW_MS + 60_000),
        own_mark: Some(ReadMark { turn: 1, seq: 6 }),
        ..Status::new(NOW_MS, chain)
    };
    let off = Status::new(5, chain);
    let cases = [
        ("a status with everything", everything),
        ("a status with everything off", Status { own_mark: Some(ReadMark { turn: 0, seq: 7 }), ..off }),
        ("a status without an own mark", off),
    ];
    for (name, status) in cases {
        let write = seal_status(&registers, &BOB.device(), 1, &status, [0x77; 16], [0x79; 28]).unwrap();
        assert_eq!((write.key, write.register), (register_key, register));
        let gives = json!({
            "leaf": 1, "version": status.version, "chain": [8, hex([0x08; 32])], "received": status.delivered_seq,
            "read": status.read_seq, "types until": status.typing_until_ms, "is there until": status.present_until_ms,
            "own mark": status.own_mark.map(|mark| json!([mark.turn, mark.seq])),
        });
        area.value(
            &format!("the sealing of {name}"),
            json!({ "with": with, "device seed": hex([BOB.device; 32]), "salt": hex([0x77; 16]), "bytes where there is no mark": hex([0x79; 28]), "says": gives }),
            json!({ "key of the register": hex(register_key), "register": hex(register), "value": hex(write.value) }),
        );
        area.read(name, "status", with.clone(), &write.value, gives);
    }
    const NAME: &str = "a status with everything";
    area.refuse_changed(NAME, Change::Xor(0, 3), "a later version");
    area.refuse_damaged(NAME, &[(8, "the epoch"), (9, "the salt"), (25, "the ciphertext"), (255, "the tag")]);
    area.refuse_with(NAME, "status secret", hex([0x7f; 32]), "the secret of another epoch");
    // Another account's device reads the same, and finds no mark.
    let mut others = with.clone();
    others["vault key"] = json!(hex([0x7f; 32]));
    let gives = json!({
        "leaf": 1, "version": NOW_MS, "chain": [8, hex([0x08; 32])], "received": 8, "read": 7,
        "types until": NOW_MS + 5_000, "is there until": NOW_MS + 60_000, "own mark": null,
    });
    let write = seal_status(&registers, &BOB.device(), 1, &everything, [0x77; 16], [0x79; 28]).unwrap();
    area.read("a status with everything, to other accounts", "status", others, &write.value, gives);
    area.refuse_with(NAME, "epoch", EPOCH + 1, "another epoch");
    area.refuse_with(NAME, "room", hex([0x12; 16]), "another room");
    area.refuse_with(NAME, "register", hex([0x66; 16]), "another register");
    let alone = json!([{ "leaf": 0, "device key": hex(ADA.device().public()) }]);
    area.refuse_with(NAME, "roster", alone, "the leaf is not in the roster");
    let other =
        seal_status(&registers, &ADA.device(), 0, &Status::new(5, chain), [0x77; 16], [0x79; 28]).unwrap();
    area.refuse_bytes(NAME, &other.value, "the value of another device's register");
    let forged = reseal_for(&key, &other.value, other.register, register);
    area.refuse_bytes(NAME, &forged, "a member seals another device's words for this register");
}

/// What a member can do to another's value: open it, and seal the same words for another register.
fn reseal_for(key: &StatusKey, value: &[u8], from: [u8; 16], to: [u8; 16]) -> Vec<u8> {
    use openmls_traits::{crypto::OpenMlsCrypto as _, types::AeadType};
    use sotto_crypto::testing::Primitives;
    let (header, sealed) = value.split_at(25);
    let okm = |register: [u8; 16]| {
        let parts = [ROOM.as_bytes(), &register[..], &header[9..]];
        expand::<44>(key.seed(), b"sotto/1 status value", &parts).unwrap()
    };
    let aad = |register: [u8; 16]| [header, &register, ROOM.as_bytes()].concat();
    let (old, new) = (okm(from), okm(to));
    let (kind, primitives) = (AeadType::Aes256Gcm, Primitives);
    let plain = primitives.aead_decrypt(kind, &old[..32], sealed, &old[32..], &aad(from)).unwrap();
    let sealed = primitives.aead_encrypt(kind, &new[..32], &plain, &new[32..], &aad(to)).unwrap();
    [header, &sealed].concat()
}
