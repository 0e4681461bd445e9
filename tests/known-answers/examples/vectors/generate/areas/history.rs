//! Reading back: an epoch's record, its capsule and the wraps of its key, and history links.

use super::{
    ADA, Area, BOB, CLEO, Change, EPOCH, ROOM, Reader, Refused, With, diagnostic, hex, rooms, secret,
};
use serde_json::{Value, json};
use sotto_crypto::{
    Secret,
    account::RecoveryKey,
    room::{History, MessageSecret},
    testing::{GivenEpoch, WrapKey, expand, read_capsule, read_history_link},
};
use sotto_protocol::{CapsuleWrap, RoomId, entry_hash};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] =
    &[("capsule", read_sealed_capsule), ("capsule's wrap", read_wrap), ("history link", read_link)];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("history", "Doors, cards, capsules, links; Inside the room");
    records(&mut area);
    without_null(&mut area);
    wraps(&mut area);
    area
}

fn read_sealed_capsule(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let room = RoomId::new(with.array("room"));
    let record = read_capsule(&with.secret("capsule key"), &room, with.number("epoch"), bytes)?;
    Ok(json!({ "shows": diagnostic(&record) }))
}

fn read_link(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let room = RoomId::new(with.array("room"));
    let next = MessageSecret::from_seed(with.secret("next message secret"));
    let record = read_history_link(&next, &room, with.number("epoch"), bytes)?;
    Ok(json!({ "shows": diagnostic(&record) }))
}

fn read_wrap(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let tag: [u8; 16] = with.array("tag");
    let context = [&with.bytes("room")[..], &with.number("epoch").to_be_bytes(), &tag].concat();
    let key =
        WrapKey::from_seed(&with.secret("recovery seed")).open(b"sotto/1 capsule wrap", &context, bytes)?;
    Ok(json!({ "capsule key": hex(key.expose()) }))
}

/// Bob was removed by Ada at the beginning of `number`; Cleo is there, too.
fn epoch(number: u64) -> GivenEpoch {
    let leaf = |leaf, person: super::Person, joined| rooms::leaf_of(leaf, &person, None, joined);
    let mut epoch = rooms::epoch_of(vec![leaf(0, ADA, 1), leaf(1, CLEO, 2)]);
    epoch.number = number;
    epoch.gone = vec![leaf(2, BOB, 2)];
    epoch.state.history = History::Shared;
    epoch.state.admins = vec![CLEO.certificate().account()];
    epoch
}

fn capsule_key() -> Secret {
    Secret::new(*expand::<32>(&secret(0x07), b"sotto/1 capsule", &[]).unwrap())
}

fn records(area: &mut Area) {
    for (name, number) in [("an epoch", EPOCH), ("an epoch with everybody", 64)] {
        let next = MessageSecret::from_seed(secret(0x30));
        let [record, capsule, link] = epoch(number).record(&next, &[0x55; 16]).unwrap();
        let history = Secret::new(*expand::<32>(next.seed(), b"sotto/1 history", &[]).unwrap());
        area.value(
            &format!("the record of {name}"),
            json!({
                "room": hex(ROOM.as_bytes()), "epoch": number, "secrets": rooms::secrets_json(),
                "committer": { "leaf": 0, "joined": 1, "person": ADA.to_json() },
                "removed": { "leaf": 2, "joined": 2, "person": BOB.to_json() },
                "also there": { "leaf": 1, "joined": 2, "person": CLEO.to_json() },
                "owner": hex(ADA.certificate().account().as_bytes()),
                "admins": [hex(CLEO.certificate().account().as_bytes())],
                "next message secret": hex(next.seed().expose()), "salt of either sealing": hex([0x55; 16]),
            }),
            json!({
                "epoch-record": hex(&record), "capsule key": hex(capsule_key().expose()),
                "key of the history link": hex(history.expose()),
            }),
        );
        let gives = json!({ "shows": diagnostic(&record) });
        let with = json!({ "room": hex(ROOM.as_bytes()), "epoch": number, "capsule key": hex(capsule_key().expose()) });
        area.read(&format!("the capsule of {name}"), "capsule", with, &capsule, gives.clone());
        let with = json!({ "room": hex(ROOM.as_bytes()), "epoch": number, "next message secret": hex(next.seed().expose()) });
        area.read(&format!("the history link of {name}"), "history link", with, &link, gives);
    }
    for (name, key) in
        [("the capsule of an epoch", "capsule key"), ("the history link of an epoch", "next message secret")]
    {
        area.refuse_changed(name, Change::Xor(0, 3), "a later version");
        area.refuse_damaged(name, &[(1, "the salt"), (17, "the commitment"), (49, "the ciphertext")]);
        area.refuse_with(name, key, hex([0x7f; 32]), "the key of another epoch");
        area.refuse_with(name, "room", hex([0x12; 16]), "another room");
        area.refuse_with(name, "epoch", EPOCH + 1, "another epoch");
    }
    // Sealed for one epoch, and of another.
    let [record, _, _] = epoch(EPOCH).record(&MessageSecret::from_seed(secret(0x30)), &[0x55; 16]).unwrap();
    let context = [&ROOM.as_bytes()[..], &(EPOCH + 1).to_be_bytes()].concat();
    let moved = sotto_crypto::testing::seal_committed_with_salt(
        &capsule_key(),
        b"sotto/1 capsule sealing",
        &context,
        &record,
        &[0x55; 16],
    )
    .unwrap();
    let with = json!({ "room": hex(ROOM.as_bytes()), "epoch": EPOCH + 1, "capsule key": hex(capsule_key().expose()) });
    let [next_record, next_capsule, _] =
        epoch(EPOCH + 1).record(&MessageSecret::from_seed(secret(0x30)), &[0x55; 16]).unwrap();
    let gives = json!({ "shows": diagnostic(&next_record) });
    area.read("the capsule of the next epoch", "capsule", with, &next_capsule, gives);
    area.refuse_bytes(
        "the capsule of the next epoch",
        &moved,
        "it opens, and the record in it is of another epoch",
    );
}

/// A leaf that is gone ends with null. Some encoders leave it out.
fn without_null(area: &mut Area) {
    const NAME: &str = "the capsule of an epoch";
    let [record, _, _] = epoch(EPOCH).record(&MessageSecret::from_seed(secret(0x30)), &[0x55; 16]).unwrap();
    // [… [2, leaf-record, null]], 3: …: the change of leaf 2 is the last one.
    let last = [0xf6, 0x03, 0xa4];
    let end = record.windows(last.len()).position(|window| window == last).unwrap();
    let start = record[..end].windows(3).rposition(|window| window == [0x83, 0x02, 0x82]).unwrap();
    let shorter = [&record[..start], &[0x82], &record[start + 1..end], &record[end + 1..]].concat();
    let context = [&ROOM.as_bytes()[..], &EPOCH.to_be_bytes()].concat();
    let sealed = sotto_crypto::testing::seal_committed_with_salt(
        &capsule_key(),
        b"sotto/1 capsule sealing",
        &context,
        &shorter,
        &[0x55; 16],
    )
    .unwrap();
    area.refuse_bytes(NAME, &sealed, "a leaf-change of two values, without its null");
}

fn wraps(area: &mut Area) {
    let mut epoch = epoch(EPOCH);
    // A third account makes four wraps, of which one is a decoy.
    let dan = super::Person {
        name: "Dan",
        identity: 0x53,
        device: 0x54,
        recovery: Some(0x71),
        vault: 0x73,
        door: 0x72,
    };
    epoch.leaves.push(rooms::leaf_of(2, &dan, None, 2));
    let wraps = epoch.capsule_wraps().unwrap();
    assert_eq!(wraps.len(), 4);
    let tag = |person: &super::Person| epoch.capsule_tag(&person.certificate().account()).unwrap();
    let people = [ADA, CLEO, dan];
    let tags: Vec<_> = people
        .iter()
        .map(|person| json!({ "account": hex(person.certificate().account().as_bytes()), "tag": hex(tag(person)) }))
        .collect();
    let shown = |wrap: &CapsuleWrap| json!({ "tag": hex(wrap.tag), "SHA-256 of the wrap": hex(entry_hash(&wrap.wrap)) });
    area.value(
        "the capsule wraps of an epoch",
        json!({
            "room": hex(ROOM.as_bytes()), "epoch": EPOCH, "wrap secret": hex([0x07; 32]),
            "decoy seed": hex([0x09; 32]), "people": people.map(super::Person::to_json),
        }),
        json!({
            "tags": tags, "capsule key": hex(capsule_key().expose()),
            "capsule wraps": wraps.iter().map(shown).collect::<Vec<_>>(),
        }),
    );
    const NAME: &str = "an account's wrap of a capsule";
    let own = wraps.iter().find(|wrap| wrap.tag == tag(&ADA)).unwrap();
    let with = json!({
        "recovery seed": hex(RecoveryKey::from_seed(secret(0x21)).seed().expose()), "room": hex(ROOM.as_bytes()),
        "epoch": EPOCH, "tag": hex(own.tag),
    });
    area.read(NAME, "capsule's wrap", with, &own.wrap, json!({ "capsule key": hex(capsule_key().expose()) }));
    area.refuse_damaged(NAME, &[(10, "the encapsulated key"), (1125, "the ciphertext")]);
    area.refuse_with(NAME, "recovery seed", hex([0x61; 32]), "another account's recovery key");
    area.refuse_with(NAME, "room", hex([0x12; 16]), "another room");
    area.refuse_with(NAME, "epoch", EPOCH + 1, "another epoch");
    area.refuse_with(NAME, "tag", hex(tag(&CLEO)), "another account's tag");
}
