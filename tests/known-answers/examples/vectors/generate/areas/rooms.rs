//! What all members agree on: room state, leaf data, hashes of what was removed, and the proofs beside a commit.

use super::{
    ADA, Area, BOB, CLEO, CborMap, Change, EPOCH, NOW_MS, ROOM, Reader, Refused, With, diagnostic, hex,
    other_forms, secret,
};
use serde_json::{Value, json};
use sotto_crypto::{
    identity::AccountId,
    link::InviteSecret,
    room::{
        Assistant, DeviceRemoval, History, Invite, InviteId, LeaveScope, LeaveStatement, Past, Permissions,
        Role, RoomState, RosterEntry, RunsAt,
    },
    testing::{
        GivenEpoch, GivenLeaf, GivenSecrets, JoinProof, RemovalProof, join_proof_statement, leaf_data,
        leaf_data_with_avatar, read_commit_data, read_leaf_data, read_proof, read_room_state,
        revocation_hash, suspension_hash, write_commit_data, write_reasoned_commit_data,
    },
};
use sotto_protocol::{DoorId, decode, encode};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[
    ("room-state", read_state),
    ("leaf-data", read_leaf),
    ("commit-data", read_data_of_commit),
    ("join-proof", read_join_proof),
    ("removal-proof", read_removal_proof),
];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("rooms", "Inside the room; MLS; Rules of rooms, version 1");
    state_of_a_new_room(&mut area);
    full_state(&mut area);
    leaf(&mut area);
    hashes(&mut area);
    data_of_commits(&mut area);
    proofs(&mut area);
    area
}

/// The secrets of the epoch that the vectors are about.
pub fn given_secrets() -> GivenSecrets {
    GivenSecrets {
        message: secret(0x02),
        handshake: secret(0x20),
        access: secret(0x09),
        join: secret(0x0a),
        status: secret(0x31),
        wrap: secret(0x07),
    }
}

/// The same, as the files have them.
pub fn secrets_json() -> Value {
    let given = given_secrets();
    json!({
        "message": hex(given.message.expose()), "handshake": hex(given.handshake.expose()),
        "access": hex(given.access.expose()), "join": hex(given.join.expose()),
        "status": hex(given.status.expose()), "wrap": hex(given.wrap.expose()),
    })
}

/// An epoch with these leaves, whose owner is Ada.
pub fn epoch_of(leaves: Vec<GivenLeaf>) -> GivenEpoch {
    let state = new_state();
    let secrets = given_secrets().into();
    let past = Some(Past { last: [0x73; 32], whole: [0x74; 32] });
    GivenEpoch { room: ROOM, number: EPOCH, secrets, state, leaves, gone: Vec::new(), committer: 0, past }
}

/// The stay of a leaf that came in with this epoch.
pub const fn stay(joined: u64) -> [u8; 16] {
    [0x80 | joined as u8; 16]
}

/// A leaf that has not committed since it came in.
pub fn leaf_of(leaf: u32, person: &super::Person, via: Option<InviteId>, joined: u64) -> GivenLeaf {
    GivenLeaf { leaf, own: person.own(), via, joined, stay: stay(joined), updated: joined }
}

/// The state of a new room.
pub fn new_state() -> RoomState {
    RoomState {
        policy_version: 1,
        name: "Room".to_owned(),
        owner: ADA.certificate().account(),
        invites: Vec::new(),
        revoked: Vec::new(),
        decoy_seed: [0x09; 32].into(),
        topic: String::new(),
        avatar: None,
        admins: Vec::new(),
        permissions: Permissions::default(),
        timer_s: None,
        history: History::default(),
        suspended_doors: Vec::new(),
        is_closed: false,
        speakers: Vec::new(),
        by_approval: false,
        retention_s: None,
        assistants: Vec::new(),
    }
}

/// An invite whose link's secret is one byte, 32 times.
pub fn invite(byte: u8) -> Invite {
    let secret = InviteSecret::from_seed(secret(byte));
    Invite::of_secret(&secret, ADA.certificate().account(), None).unwrap()
}

fn read_state(_: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let state = read_room_state(bytes)?;
    Ok(json!({ "shows": diagnostic(&encode(&state)) }))
}

fn read_leaf(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let door = read_leaf_data(bytes, &AccountId::new(with.array("account")))?;
    Ok(json!({ "shows": diagnostic(bytes), "door id": hex(door.as_bytes()) }))
}

fn read_join_proof(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    match read_proof::<JoinProof>(bytes)? {
        JoinProof::Account(door) => Ok(json!({ "door id": hex(door.as_bytes()) })),
        JoinProof::Invite(id, signature) => {
            let joiner = RosterEntry {
                account: AccountId::new(with.array("account")),
                device_key: with.array("device key"),
                ..entry(&super::BOB, 4)
            };
            let room = sotto_protocol::RoomId::new(with.array("room"));
            let statement = join_proof_statement(&room, with.number("epoch"), &joiner);
            sotto_crypto::testing::verify(&with.array("invite signature key"), &statement, &signature)?;
            Ok(json!({ "invite": hex(id.as_bytes()), "statement": hex(statement) }))
        }
    }
}

fn read_removal_proof(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let room = sotto_protocol::RoomId::new(with.array("room"));
    match read_proof::<RemovalProof>(bytes)? {
        RemovalProof::Leave(statement) => {
            statement.verify(&room)?;
            let scope = u8::from(statement.scope == LeaveScope::Account);
            Ok(
                json!({ "device key": hex(statement.device_key), "stay": hex(statement.stay), "scope": scope }),
            )
        }
        proof @ (RemovalProof::OwnDevices(_) | RemovalProof::Retired(_)) => {
            let committer = with.at("committer");
            let committer = RosterEntry {
                account: AccountId::new(committer.array("account")),
                identity_key: committer.array("identity key"),
                device_key: committer.array("device key"),
                stay: committer.array("stay"),
                ..entry(&ADA, 2)
            };
            let removal = match proof {
                RemovalProof::Retired(removal) => {
                    removal.verify_retirement(&room, &committer)?;
                    removal
                }
                RemovalProof::OwnDevices(removal) => {
                    removal.verify(&room, &committer)?;
                    removal
                }
                RemovalProof::Leave(_) => return Err(Refused("another proof".to_owned())),
            };
            let keys: Vec<_> = removal.device_keys.iter().map(|key| hex(**key)).collect();
            Ok(json!({ "device keys": keys }))
        }
    }
}

fn entry(person: &super::Person, joined: u64) -> RosterEntry {
    let leaf = leaf_of(0, person, None, joined);
    epoch_of(vec![leaf]).roster().unwrap().get(0).unwrap().clone()
}

fn state_of_a_new_room(area: &mut Area) {
    const NAME: &str = "room-state of a new room";
    let state = new_state();
    let bytes = encode(&state);
    area.read(NAME, "room-state", json!({}), &bytes, json!({ "shows": diagnostic(&bytes) }));
    area.refuse_changed(NAME, Change::Cut(1), "the last byte is missing");
    area.refuse_changed(NAME, Change::Append(&[0]), "a byte follows");
    area.refuse_changed(NAME, Change::Xor(2, 1), "no version of the rules");
    for (other, why) in other_forms(&bytes) {
        area.refuse_bytes(NAME, &other, why);
    }
    let (ada, bob) = (state.owner, BOB.certificate().account());
    let admins = |admins: Vec<AccountId>| RoomState { admins, ..new_state() };
    let (low, high) = if bob < CLEO.certificate().account() {
        (bob, CLEO.certificate().account())
    } else {
        (CLEO.certificate().account(), bob)
    };
    let mut wrong_id = invite(0x05);
    wrong_id.id = DoorId::new([0x66; 16]);
    let mut bad_key = invite(0x05);
    bad_key.wrap_key[1184..].fill(0);
    let mut used_up = invite(0x05);
    used_up.max_uses = Some(0);
    let invites = |invites: Vec<Invite>| RoomState { invites, ..new_state() };
    let many = many_accounts(65);
    let assistants = |assistants| RoomState { assistants, ..new_state() };
    let cases = [
        (RoomState { name: String::new(), ..new_state() }, "an empty name"),
        (RoomState { name: " Room".to_owned(), ..new_state() }, "a name that is not in its one form"),
        (RoomState { name: "x".repeat(257), ..new_state() }, "a name of more than 256 bytes"),
        (RoomState { topic: "x".repeat(1025), ..new_state() }, "a topic of more than 1,024 bytes"),
        (RoomState { avatar: Some(vec![0; 513]), ..new_state() }, "an avatar of more than 512 bytes"),
        (admins(vec![high, low]), "admins that do not ascend"),
        (admins(vec![low, low]), "an admin twice"),
        (admins(vec![ada]), "the owner among the admins"),
        (admins(many), "more than 64 admins"),
        (RoomState { timer_s: Some(59), ..new_state() }, "a timer of less than a minute"),
        (RoomState { timer_s: Some(366 * 86_400 + 1), ..new_state() }, "a timer of more than 366 days"),
        (
            RoomState { timer_s: Some(60), history: History::Shared, ..new_state() },
            "a timer, and history that is shared",
        ),
        (RoomState { revoked: vec![[0; 32].into(); 257], ..new_state() }, "more than 256 revoked devices"),
        (
            RoomState { suspended_doors: vec![[0; 32].into(); 257], ..new_state() },
            "more than 256 suspended doors",
        ),
        (invites(vec![wrong_id]), "an invite whose id is not its signature key's"),
        (invites(vec![bad_key]), "an invite whose X-Wing key has low order"),
        (invites(vec![used_up]), "an invite for nobody"),
        (invites(vec![invite(0x05), invite(0x05)]), "an invite twice"),
        (RoomState { is_closed: true, ..invites(vec![invite(0x05)]) }, "closed, with an invite"),
        (
            RoomState { by_approval: true, ..invites(vec![invite(0x05)]) },
            "by approval, with an invite for anyone",
        ),
        (RoomState { speakers: vec![high, low], ..new_state() }, "speakers that do not ascend"),
        (RoomState { speakers: many_accounts(65), ..new_state() }, "more than 64 speakers"),
        (RoomState { retention_s: Some(59), ..new_state() }, "a retention of less than a minute"),
        (RoomState { retention_s: Some(316_224_001), ..new_state() }, "a retention of more than ten years"),
        (assistants(vec![assistant(high), assistant(low)]), "assistants that do not ascend"),
        (assistants(many_accounts(9).into_iter().map(assistant).collect()), "more than 8 assistants"),
        (
            assistants(vec![Assistant { operator: String::new(), ..assistant(low) }]),
            "an assistant without an operator",
        ),
        (
            assistants(vec![Assistant { model: " Model".to_owned(), ..assistant(low) }]),
            "a model's name that is not in its one form",
        ),
    ];
    for (state, why) in cases {
        area.refuse_bytes(NAME, &encode(&state), why);
    }
}

fn many_accounts(count: u8) -> Vec<AccountId> {
    (0..count).map(|number| AccountId::new([number; 16])).collect()
}

fn assistant(account: AccountId) -> Assistant {
    let (operator, model) = ("Ada".to_owned(), "Model 1".to_owned());
    Assistant { account, operator, model, runs_at: RunsAt::Network, kept_s: 3600 }
}

fn full_state(area: &mut Area) {
    let everything = RoomState {
        name: "Garden \u{1f33b}".to_owned(),
        topic: "What grows where".to_owned(),
        avatar: Some(vec![0xa0]),
        admins: vec![BOB.certificate().account()],
        permissions: Permissions {
            invite: Role::Admin,
            remove: Role::Owner,
            rename: Role::Member,
            pin: Role::Admin,
            delete: Role::Owner,
            post: Role::Admin,
        },
        history: History::Shared,
        invites: vec![
            invite(0x05),
            Invite { max_uses: Some(3), spent: 1, ..invite(0x15) }.expiring(NOW_MS),
            invite(0x16).bound_to(CLEO.certificate().account()),
        ],
        revoked: vec![[0x71; 32].into()],
        suspended_doors: vec![[0x72; 32].into()],
        speakers: vec![CLEO.certificate().account()],
        retention_s: Some(86_400),
        assistants: vec![assistant(AccountId::new([0x75; 16]))],
        ..new_state()
    };
    let by_name = RoomState {
        by_approval: true,
        invites: vec![invite(0x16).bound_to(CLEO.certificate().account())],
        ..new_state()
    };
    let vanishing = RoomState { timer_s: Some(86_400), ..new_state() };
    let closed = RoomState { is_closed: true, ..new_state() };
    let cases = [
        ("room-state with everything in it", everything),
        ("room-state with a timer", vanishing),
        ("room-state of a closed room", closed),
        ("room-state of a room whose admins let each newcomer in by name", by_name),
        (
            "room-state of a room that has moved to rules 2 just now",
            RoomState { policy_version: 2, ..new_state() },
        ),
    ];
    for (name, state) in cases {
        let bytes = encode(&state);
        area.read(name, "room-state", json!({}), &bytes, json!({ "shows": diagnostic(&bytes) }));
    }
    let moved = encode(&RoomState { policy_version: 2, ..new_state() });
    let later = CborMap::read(&moved).with(18, &1);
    area.refuse_bytes("room-state of a new room", &later.write(), "of later rules, with what these know");
}

fn read_data_of_commit(_: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let (past, proof, reason) = read_commit_data(bytes)?;
    Ok(json!({
        "last": hex(past.last), "whole": hex(past.whole), "proof": hex(proof), "reason": reason,
    }))
}

fn data_of_commits(area: &mut Area) {
    const NAME: &str = "commit-data without a proof";
    let past = Past { last: [0x73; 32], whole: [0x74; 32] };
    let proof = encode(&JoinProof::Account(DoorId::new([0x76; 16])));
    for (name, bytes, proof, reason) in [
        (NAME, write_commit_data(past, &[]), Vec::new(), None),
        ("commit-data with a proof", write_commit_data(past, &proof), proof.clone(), None),
        (
            "commit-data of a removal with a reason",
            write_reasoned_commit_data(past, "Spam"),
            Vec::new(),
            Some("Spam"),
        ),
    ] {
        let gives = json!({
            "last": hex(past.last), "whole": hex(past.whole), "proof": hex(proof), "reason": reason,
        });
        area.read(name, "commit-data", json!({}), &bytes, gives);
    }
    let good = write_commit_data(past, &[]);
    for (other, why) in other_forms(&good) {
        area.refuse_bytes(NAME, &other, why);
    }
    let empty = CborMap::read(&good).with(1, &minicbor::bytes::ByteVec::from(Vec::new()));
    area.refuse_bytes(NAME, &empty.write(), "a proof that is empty");
}

fn leaf(area: &mut Area) {
    for (name, person, via, joined) in
        [("leaf-data of an account", ADA, None, 1), ("leaf-data of a guest", BOB, Some(invite(0x05).id), 4)]
    {
        let bytes = leaf_data(&ROOM, &leaf_of(0, &person, via, joined)).unwrap();
        let account = person.certificate().account();
        let door = person.own().door(&ROOM).unwrap();
        area.value(
            &format!("the making of {name}"),
            json!({
                "person": person.to_json(), "room": hex(ROOM.as_bytes()),
                "via": via.map(|via| hex(via.as_bytes())), "joined": joined,
                "stay": hex(stay(joined)), "updated": joined,
            }),
            json!({
                "seed of the door's key": hex(expanded(person.vault, b"sotto/1 account door")),
                "room-admin seed": hex(expanded(person.vault, b"sotto/1 room admin")),
                "room-admin key": hex(person.own().admin_key(&ROOM).unwrap().public()),
                "door id": hex(door.as_bytes()), "leaf-data": hex(&bytes),
            }),
        );
        let gives = json!({ "shows": diagnostic(&bytes), "door id": hex(door.as_bytes()) });
        area.read(name, "leaf-data", json!({ "account": hex(account.as_bytes()) }), &bytes, gives);
    }
    let leaf = leaf_of(0, &ADA, None, 1);
    let bytes = leaf_data_with_avatar(&ROOM, &leaf, &[0xa0]).unwrap();
    let (account, door) = (ADA.certificate().account(), ADA.own().door(&ROOM).unwrap());
    let gives = json!({ "shows": diagnostic(&bytes), "door id": hex(door.as_bytes()) });
    let with = json!({ "account": hex(account.as_bytes()) });
    area.read("leaf-data with a picture", "leaf-data", with, &bytes, gives);
    const NAME: &str = "leaf-data of an account";
    for (avatar, why) in [(vec![], "an empty picture"), (vec![0; 513], "a picture of more than 512 bytes")] {
        let bytes = leaf_data_with_avatar(&ROOM, &leaf, &avatar).unwrap();
        area.refuse_bytes(NAME, &bytes, why);
    }
    let leaf = leaf_of(0, &ADA, None, 1);
    let bytes = leaf_data(&ROOM, &leaf).unwrap();
    area.refuse_changed(NAME, Change::Cut(1), "the last byte is missing");
    area.refuse_changed(NAME, Change::Append(&[0]), "a byte follows");
    for (other, why) in other_forms(&bytes) {
        area.refuse_bytes(NAME, &other, why);
    }
    let low_order = |key: &[u8], why: &str, area: &mut Area| {
        let at = bytes.windows(key.len()).position(|window| window == key).unwrap();
        let mut changed = bytes.clone();
        changed[at + 1184..at + 1216].fill(0);
        area.refuse_bytes(NAME, &changed, why);
    };
    low_order(&leaf.own.door_key.public(), "a door key of low order", area);
    low_order(&ADA.recovery_public().unwrap(), "a recovery key of low order", area);
}

fn expanded(vault: u8, label: &[u8]) -> [u8; 32] {
    *sotto_crypto::testing::expand::<32>(&secret(vault), label, &[ROOM.as_bytes()]).unwrap()
}

fn hashes(area: &mut Area) {
    let entry = entry(&ADA, 1);
    area.value(
        "what is remembered of a removed device (rule 18)",
        json!({
            "account": hex(entry.account.as_bytes()), "device key": hex(entry.device_key),
            "SHA-256 of the door key": hex(entry.door_key_hash),
        }),
        json!({
            "revocation hash": hex(revocation_hash(&entry.account, &entry.device_key)),
            "suspension hash": hex(suspension_hash(&entry)),
        }),
    );
}

fn proofs(area: &mut Area) {
    by_invite(area);
    let door = ADA.own().door(&ROOM).unwrap();
    let bytes = encode(&JoinProof::Account(door));
    let gives = json!({ "door id": hex(door.as_bytes()) });
    area.read("join-proof by an account's door", "join-proof", json!({}), &bytes, gives);
    area.refuse_changed("join-proof by an account's door", Change::Append(&[0]), "a byte follows");
    leaving(area);
    own_devices(area);
    retired_devices(area);
}

fn by_invite(area: &mut Area) {
    const NAME: &str = "join-proof by an invite";
    let (joiner, id) = (entry(&BOB, EPOCH + 1), invite(0x05).id);
    let statement = join_proof_statement(&ROOM, EPOCH, &joiner);
    let seed =
        sotto_crypto::testing::expand::<32>(&secret(0x05), b"sotto/1 invite signature key", &[]).unwrap();
    let key = sotto_crypto::AccessKey::from_seed(&sotto_crypto::Secret::new(*seed));
    assert_eq!(key.public(), invite(0x05).signature_key);
    let bytes = encode(&JoinProof::Invite(id, key.sign(&statement)));
    let with = json!({
        "room": hex(ROOM.as_bytes()), "epoch": EPOCH, "account": hex(joiner.account.as_bytes()),
        "device key": hex(joiner.device_key), "invite signature key": hex(key.public()),
    });
    let gives = json!({ "invite": hex(id.as_bytes()), "statement": hex(&statement) });
    area.read(NAME, "join-proof", with, &bytes, gives);
    area.refuse_damaged(NAME, &[(bytes.len() - 1, "the signature")]);
    area.refuse_with(NAME, "room", hex([0x12; 16]), "another room");
    area.refuse_with(NAME, "epoch", EPOCH + 1, "another epoch");
    area.refuse_with(NAME, "account", hex(ADA.certificate().account().as_bytes()), "another account");
    area.refuse_with(NAME, "device key", hex(ADA.device().public()), "another device");
    area.refuse_with(NAME, "invite signature key", hex(invite(0x15).signature_key), "another invite");
    let longer = [&bytes[..1], &[0x18], &bytes[1..]].concat();
    area.refuse_bytes(NAME, &longer, "an integer that is not written in its shortest form");
}

fn leaving(area: &mut Area) {
    for (name, scope) in [("a device leaves", LeaveScope::Device), ("an account leaves", LeaveScope::Account)]
    {
        let statement = LeaveStatement::sign(&ROOM, &BOB.device(), &stay(2), scope);
        let bytes = encode(&RemovalProof::Leave(statement.clone()));
        let scope = u8::from(scope == LeaveScope::Account);
        let signed =
            [b"sotto/1 leave", &ROOM.as_bytes()[..], &BOB.device().public(), &stay(2), &[scope]].concat();
        area.value(
            &format!("the statement of leaving: {name}"),
            json!({ "device seed": hex([BOB.device; 32]), "room": hex(ROOM.as_bytes()), "stay": hex(stay(2)), "scope": scope }),
            json!({
                "statement": hex(signed), "signature": hex(statement.signature),
                "leave-statement": hex(statement.to_bytes()),
            }),
        );
        let with = json!({ "room": hex(ROOM.as_bytes()) });
        let gives = json!({ "device key": hex(BOB.device().public()), "stay": hex(stay(2)), "scope": scope });
        area.read(name, "removal-proof", with, &bytes, gives);
    }
    const NAME: &str = "a device leaves";
    let bytes = encode(&RemovalProof::Leave(LeaveStatement::sign(
        &ROOM,
        &BOB.device(),
        &stay(2),
        LeaveScope::Device,
    )));
    area.refuse_damaged(NAME, &[(bytes.len() - 1, "the signature")]);
    area.refuse_with(NAME, "room", hex([0x12; 16]), "another room");
    let mut statement = LeaveStatement::sign(&ROOM, &BOB.device(), &stay(2), LeaveScope::Device);
    statement.stay = stay(3);
    let back = encode(&RemovalProof::Leave(statement.clone()));
    area.refuse_bytes(NAME, &back, "it names another stay of the device");
    (statement.stay, statement.scope) = (stay(2), LeaveScope::Account);
    let widened = encode(&RemovalProof::Leave(statement));
    area.refuse_bytes(NAME, &widened, "the device signed for itself, and not for its account");
}

fn own_devices(area: &mut Area) {
    const NAME: &str = "an account removes its own devices";
    let committer = entry(&ADA, 2);
    let keys = [BOB.device().public(), CLEO.device().public()];
    let removal = DeviceRemoval::sign(&ADA.identity(), &ROOM, &committer, &keys);
    let bytes = encode(&RemovalProof::OwnDevices(removal.clone()));
    let with = json!({
        "room": hex(ROOM.as_bytes()),
        "committer": {
            "account": hex(committer.account.as_bytes()), "identity key": hex(committer.identity_key),
            "device key": hex(committer.device_key), "stay": hex(stay(2)),
        },
    });
    let keys: Vec<_> = removal.device_keys.iter().map(|key| hex(**key)).collect();
    area.value(
        "the statement of removing devices",
        json!({ "identity seed": hex([ADA.identity; 32]), "with": with, "device keys": keys }),
        json!({ "signature": hex(removal.signature) }),
    );
    area.read(NAME, "removal-proof", with, &bytes, json!({ "device keys": keys }));
    area.refuse_damaged(NAME, &[(bytes.len() - 1, "the signature")]);
    area.refuse_with(NAME, "room", hex([0x12; 16]), "another room");
    let with = |stay: [u8; 16], device: [u8; 32]| {
        json!({
            "account": hex(committer.account.as_bytes()), "identity key": hex(committer.identity_key),
            "device key": hex(device), "stay": hex(stay),
        })
    };
    area.refuse_with(
        NAME,
        "committer",
        with(stay(3), committer.device_key),
        "it names another stay of the committer",
    );
    area.refuse_with(NAME, "committer", with(stay(2), BOB.device().public()), "another device commits");
    let again: RemovalProof = decode(&bytes).unwrap();
    let RemovalProof::OwnDevices(mut removal) = again else { panic!("it was one") };
    area.refuse_bytes(NAME, &encode(&RemovalProof::Retired(removal.clone())), "signed for another end");
    removal.device_keys.reverse();
    area.refuse_bytes(NAME, &encode(&RemovalProof::OwnDevices(removal)), "keys that do not ascend");
}

fn retired_devices(area: &mut Area) {
    const NAME: &str = "an account retires its own devices";
    let committer = entry(&ADA, 2);
    let keys = [BOB.device().public(), CLEO.device().public()];
    let retired = DeviceRemoval::sign_retirement(&ADA.identity(), &ROOM, &committer, &keys);
    let bytes = encode(&RemovalProof::Retired(retired.clone()));
    let with = area.case("an account removes its own devices")["with"].clone();
    let keys: Vec<_> = retired.device_keys.iter().map(|key| hex(**key)).collect();
    area.value(
        "the statement of retiring devices",
        json!({ "identity seed": hex([ADA.identity; 32]), "with": with, "device keys": keys }),
        json!({ "signature": hex(retired.signature) }),
    );
    area.read(NAME, "removal-proof", with, &bytes, json!({ "device keys": keys }));
    area.refuse_damaged(NAME, &[(bytes.len() - 1, "the signature")]);
    area.refuse_with(NAME, "room", hex([0x12; 16]), "another room");
    area.refuse_bytes(NAME, &encode(&RemovalProof::OwnDevices(retired)), "signed for another end");
}
