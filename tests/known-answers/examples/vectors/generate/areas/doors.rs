//! Invites and their links, doors of accounts, decoys, an epoch's list of doors, and the card behind them.

use super::{
    ADA, Area, BOB, CLEO, Change, EPOCH, NOW_MS, ROOM, Reader, Refused, With, diagnostic, hex, rooms, secret,
};
use serde_json::{Value, json};
use sotto_crypto::{
    Secret,
    link::{InviteLink, InviteSecret},
    room::Invite,
    testing::{GivenEpoch, WrapKey, expand, read_card},
};
use sotto_protocol::{Chain, Door, RoomId};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] =
    &[("link", read_link), ("card", read_sealed_card), ("door's wrap", read_wrap)];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("doors", "Doors, cards, capsules, links");
    invite(&mut area);
    link(&mut area);
    list(&mut area);
    decoys(&mut area);
    card(&mut area);
    area
}

fn read_link(_: &With<'_>, text: &[u8]) -> Result<Value, Refused> {
    let text = core::str::from_utf8(text).map_err(|_| Refused("UTF-8".to_owned()))?;
    let link = InviteLink::from_fragment(text)?;
    Ok(json!({
        "room": hex(link.room.as_bytes()), "s": hex(link.secret.seed().expose()),
        "inviter": hex(link.inviter.as_bytes()), "epoch": link.epoch,
    }))
}

fn read_sealed_card(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let room = RoomId::new(with.array("room"));
    let card = read_card(&with.secret("card key"), &room, with.number("epoch"), bytes)?;
    Ok(json!({ "shows": diagnostic(&card) }))
}

fn read_wrap(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let context = context(with.array("room"), with.number("epoch"), with.array("door id"));
    let key = WrapKey::from_seed(&with.secret("seed")).open(b"sotto/1 door wrap", &context, bytes)?;
    Ok(json!({ "card key": hex(key.expose()) }))
}

fn context(room: [u8; 16], epoch: u64, door: [u8; 16]) -> Vec<u8> {
    [&room[..], &epoch.to_be_bytes(), &door].concat()
}

fn derived(secret: &Secret, label: &[u8], parts: &[&[u8]]) -> Secret {
    Secret::new(*expand::<32>(secret, label, parts).unwrap())
}

fn invite(area: &mut Area) {
    let invite = rooms::invite(0x05);
    let s = secret(0x05);
    area.value(
        "the keys of an invite",
        json!({ "s": hex(s.expose()) }),
        json!({
            "seed of the signature key": hex(derived(&s, b"sotto/1 invite signature key", &[]).expose()),
            "signature key": hex(invite.signature_key),
            "seed of the X-Wing key": hex(derived(&s, b"sotto/1 invite wrap key", &[]).expose()),
            "X-Wing key": hex(&invite.wrap_key), "door id": hex(invite.id.as_bytes()),
        }),
    );
}

fn link(area: &mut Area) {
    const NAME: &str = "a link";
    let inviter = ADA.certificate().account();
    let link =
        InviteLink { room: ROOM, secret: InviteSecret::from_seed(secret(0x05)), inviter, epoch: EPOCH };
    let fragment = link.to_fragment();
    let gives = json!({
        "room": hex(ROOM.as_bytes()), "s": hex([0x05; 32]), "inviter": hex(inviter.as_bytes()), "epoch": EPOCH,
    });
    area.read_text(NAME, "link", json!({}), &fragment, gives);
    area.refuse_text(NAME, &fragment[..fragment.len() - 1], "its last character is missing");
    area.refuse_text(NAME, &format!("{}A", fragment.as_str()), "a character follows");
    area.refuse_text(NAME, &format!("{}=", fragment.as_str()), "padding");
    let swapped = |from: usize, to: char| {
        let mut characters: Vec<_> = fragment.chars().collect();
        characters[from] = to;
        characters.into_iter().collect::<String>()
    };
    let other = |at: usize| if fragment.as_bytes()[at] == b'A' { 'B' } else { 'A' };
    for at in [1, 40, 80, 99] {
        area.refuse_text(NAME, &swapped(at, other(at)), "a character was mistyped: the checksum is another");
    }
    // 77 bytes are 102 characters and 4 bits: the last character has two bits that mean nothing and must be 0.
    let last = fragment.len() - 1;
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = alphabet.iter().position(|known| *known == fragment.as_bytes()[last]).unwrap();
    let unused = swapped(last, char::from(alphabet[place + 1]));
    area.refuse_text(NAME, &unused, "base64's unused bits are not zero");
    area.refuse_text(NAME, &swapped(5, '+'), "the other alphabet of base64");
}

/// Three accounts, two invites and the decoys that make the list's length a power of two.
fn epoch() -> GivenEpoch {
    let leaves = [(0, ADA, 1), (1, CLEO, 2), (2, BOB, 3)]
        .map(|(leaf, person, joined)| rooms::leaf_of(leaf, &person, None, joined));
    let mut epoch = rooms::epoch_of(leaves.into());
    epoch.state.invites = vec![
        rooms::invite(0x05).expiring(NOW_MS),
        rooms::invite(0x15),
        // Nobody came in by it; it is spent, so it has no door.
        Invite { max_uses: Some(1), spent: 1, ..rooms::invite(0x16) },
    ];
    epoch
}

fn epoch_json(epoch: &GivenEpoch) -> Value {
    let people: Vec<_> = [(0, ADA, 1), (1, CLEO, 2), (2, BOB, 3)]
        .map(|(leaf, person, joined)| json!({ "leaf": leaf, "joined": joined, "stay": hex(rooms::stay(joined)), "updated": joined, "person": person.to_json() }))
        .into();
    json!({
        "room": hex(ROOM.as_bytes()), "epoch": EPOCH, "secrets": rooms::secrets_json(),
        "room-state": hex(sotto_protocol::encode(&epoch.state)), "leaves": people,
        "invites": [
            { "s": hex([0x05; 32]) }, { "s": hex([0x15; 32]) }, { "s": hex([0x16; 32]), "used up": true },
        ],
    })
}

fn door_json(door: &Door) -> Value {
    json!({
        "id": hex(door.id.as_bytes()), "key": hex(door.key), "closes at": door.expires_at_ms,
        "SHA-256 of the wrap": hex(sotto_protocol::entry_hash(&door.wrap)),
    })
}

fn list(area: &mut Area) {
    let epoch = epoch();
    let doors = epoch.doors().unwrap();
    assert_eq!(doors.len(), 8);
    let owners = [ADA, CLEO, BOB].map(|person| person.own().door(&ROOM).unwrap());
    let links = [0x05, 0x15].map(|byte| rooms::invite(byte).id);
    let is_decoy = |door: &&Door| !owners.contains(&door.id) && !links.contains(&door.id);
    let decoys: Vec<_> = doors.iter().filter(is_decoy).map(door_json).collect();
    let admin_keys: Vec<_> = epoch.admin_keys().unwrap().iter().map(hex).collect();
    area.value(
        "the doors of an epoch",
        epoch_json(&epoch),
        json!({
            "card key": hex(card_key().expose()), "doors": doors.iter().map(door_json).collect::<Vec<_>>(),
            "of which decoys": decoys, "room-admin keys": admin_keys,
        }),
    );
    for (name, id, seed) in [
        ("the wrap at an account's door", owners[0], secret(ADA.door)),
        ("the wrap at an invite's door", links[0], derived(&secret(0x05), b"sotto/1 invite wrap key", &[])),
    ] {
        let door = doors.iter().find(|door| door.id == id).unwrap();
        let with = json!({
            "seed": hex(seed.expose()), "room": hex(ROOM.as_bytes()), "epoch": EPOCH, "door id": hex(id.as_bytes()),
        });
        let randomness = derived(&secret(0x07), b"sotto/1 door randomness", &[id.as_bytes()]);
        let bytes = expand::<64>(&randomness, b"sotto/1 door randomness", &[&0_u32.to_be_bytes()]).unwrap();
        area.value(
            &format!("the randomness of {name}"),
            json!({ "wrap secret": hex([0x07; 32]), "door id": hex(id.as_bytes()) }),
            json!({ "seed of one wrap": hex(randomness.expose()), "encapsulation randomness": hex(bytes.as_slice()) }),
        );
        area.read(name, "door's wrap", with, &door.wrap, json!({ "card key": hex(card_key().expose()) }));
        area.refuse_damaged(name, &[(10, "the encapsulated key"), (1125, "the ciphertext")]);
        area.refuse_with(name, "epoch", EPOCH + 1, "another epoch");
        area.refuse_with(name, "room", hex([0x12; 16]), "another room");
        area.refuse_with(name, "door id", hex([0x66; 16]), "another door");
        area.refuse_with(name, "seed", hex([0x7f; 32]), "the key of another door");
    }
    // A door whose key is suspended is not in the list, nor is its leaf's room-admin key.
    let mut suspended = super::doors::epoch();
    let hash = sotto_crypto::testing::suspension_hash(suspended.roster().unwrap().get(0).unwrap());
    suspended.state.suspended_doors = vec![hash.into()];
    let doors = suspended.doors().unwrap();
    assert!(!doors.iter().any(|door| door.id == owners[0]));
    area.value(
        "the doors where an account's door is suspended",
        json!({ "as": "the doors of an epoch, but", "suspended doors": [hex(hash)] }),
        json!({ "doors": doors.iter().map(door_json).collect::<Vec<_>>(), "room-admin keys": [] }),
    );
    assert!(suspended.admin_keys().unwrap().is_empty());
}

fn card_key() -> Secret {
    derived(&secret(0x07), b"sotto/1 card", &[])
}

/// How a decoy comes to its id, its X-Wing key and its signature key.
fn decoys(area: &mut Area) {
    let (decoy_seed, wrap_secret) = (secret(0x09), secret(0x07));
    let ids: Vec<_> = (5..8_u64)
        .map(|index| {
            let id =
                *expand::<16>(&decoy_seed, b"sotto/1 door decoy", &[b"id", &index.to_be_bytes()]).unwrap();
            let seed = derived(&wrap_secret, b"sotto/1 door decoy", &[b"key", &index.to_be_bytes()]);
            let candidates: Vec<_> = (0..=u8::MAX)
                .map(|count| {
                    *expand::<32>(&decoy_seed, b"sotto/1 door decoy", &[b"point", &id, &[count]]).unwrap()
                })
                .scan(false, |is_found, candidate| {
                    let wanted = !*is_found;
                    *is_found = is_point(&candidate);
                    wanted.then(|| hex(candidate))
                })
                .collect();
            json!({
                "index": index, "id": hex(id), "seed of its X-Wing key": hex(seed.expose()),
                "candidates for its key, the last one taken": candidates,
            })
        })
        .collect();
    let from = json!({ "decoy seed": hex([0x09; 32]), "wrap secret": hex([0x07; 32]), "room": hex(ROOM.as_bytes()) });
    area.value(
        "decoys, step by step: of five real doors the first is number 5",
        from,
        json!({ "decoys": ids }),
    );
}

/// Whether these bytes are a point that is not of small order: a signature key that is neither fails otherwise.
fn is_point(bytes: &[u8; 32]) -> bool {
    sotto_crypto::testing::verify(bytes, b"", &[0; 64]) != Err(sotto_crypto::CryptoError::BadKey)
}

fn card(area: &mut Area) {
    const NAME: &str = "a card";
    let epoch = epoch();
    let chain = Chain { seq: 8, hash: [0x08; 32] };
    let (content, sealed) = epoch.card(b"MLSMessage(GroupInfo)".to_vec(), chain, &[0x55; 16]).unwrap();
    area.value(
        "the making of a card",
        json!({
            "room": hex(ROOM.as_bytes()), "epoch": EPOCH, "secrets": rooms::secrets_json(),
            "GroupInfo": hex(b"MLSMessage(GroupInfo)"), "chain": [8, hex([0x08; 32])], "salt": hex([0x55; 16]),
        }),
        json!({
            "card key": hex(card_key().expose()), "card": hex(&content), "shows": diagnostic(&content),
            "sealed card": hex(&sealed),
        }),
    );
    let with = json!({ "card key": hex(card_key().expose()), "room": hex(ROOM.as_bytes()), "epoch": EPOCH });
    area.read(NAME, "card", with, &sealed, json!({ "shows": diagnostic(&content) }));
    area.refuse_changed(NAME, Change::Xor(0, 3), "a later version");
    area.refuse_damaged(NAME, &[(1, "the salt"), (17, "the commitment"), (49, "the ciphertext")]);
    area.refuse_with(NAME, "card key", hex([0x7f; 32]), "another card key");
    area.refuse_with(NAME, "room", hex([0x12; 16]), "another room");
    area.refuse_with(NAME, "epoch", EPOCH + 1, "the relay says that it is of another epoch");
}
