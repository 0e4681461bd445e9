//! What a newcomer and a relay could try: joins that the rules refuse, and cards that lie.

use super::{
    super::{ADA, Area, BOB, CLEO, CborMap, Change, With, hex, rooms, secret},
    Story, link_secret, read_handshake,
};
use sotto_crypto::{
    AccessKey, DeviceKey, Secret,
    room::{Handshake, Invite, Past},
    testing::{
        JoinProof, expand, join_with, leaf_data, open_committed, open_entry, seal_committed_with_salt,
        seal_entry, write_commit_data,
    },
};
use sotto_protocol::{EntryId, EntryKind, RoomId, encode};

/// Joins that are right by MLS, and that the rules refuse.
pub fn bad_joins(area: &mut Area, story: &Story) {
    let name = "a guest comes in by the link (epoch 3): the entry";
    let with = area.case(name)["with"].clone();
    let known = With(&with);
    let (info, room, epoch) = (known.bytes("GroupInfo"), story.room.id(), known.number("epoch"));
    let handshake = known.secret("handshake secret");
    let leaf = |joined, via| rooms::leaf_of(1, &BOB, via, joined);
    let past = known.at("past");
    let past = Past { last: past.array("last"), whole: past.array("whole") };
    let invite = Invite::of_secret(&link_secret(), ADA.certificate().account(), None).unwrap();
    let proof = |seed: u8, epoch, device: [u8; 32]| {
        let seed = expand::<32>(&secret(seed), b"sotto/1 invite signature key", &[]).unwrap();
        let key = AccessKey::from_seed(&Secret::new(*seed));
        let statement = [
            &b"sotto/1 join by invite"[..],
            room.as_bytes(),
            &u64::to_be_bytes(epoch),
            BOB.certificate().account().as_bytes(),
            &device,
        ]
        .concat();
        encode(&JoinProof::Invite(invite.id, key.sign(&statement)))
    };
    let good_data = leaf_data(&room, &leaf(epoch + 1, Some(invite.id))).unwrap();
    let good_proof = proof(0x05, epoch, BOB.device().public());
    let credential = BOB.certificate().as_bytes().to_vec();
    let sealed = |device: &DeviceKey, credential: &[u8], data: &[u8], aad: &[u8]| {
        let commit = join_with(&info, device, credential, data, &write_commit_data(past, aad)).unwrap();
        seal_entry(&handshake, &room, EntryKind::Join, epoch, EntryId::new([0x24; 16]), &commit).unwrap()
    };
    let bob = BOB.device();
    let good = sealed(&bob, &credential, &good_data, &good_proof);
    assert!(read_handshake(&known, &good).is_ok(), "only what is changed below is bad");
    let data = |leaf| leaf_data(&room, &leaf).unwrap();
    let mut bad = |entry: &[u8], why: &str| area.refuse_bytes(name, entry, why);
    bad(
        &sealed(&bob, &credential, &good_data, &proof(0x15, epoch, bob.public())),
        "the join-proof is another invite's",
    );
    bad(
        &sealed(&bob, &credential, &good_data, &proof(0x05, epoch + 1, bob.public())),
        "the join-proof is for another epoch",
    );
    bad(
        &sealed(&bob, &credential, &good_data, &proof(0x05, epoch, CLEO.device().public())),
        "the join-proof is for another device",
    );
    bad(&sealed(&bob, &credential, &good_data, b""), "no join-proof");
    bad(
        &sealed(&bob, &credential, &good_data, &[&good_proof[..], &[0]].concat()),
        "something behind the join-proof",
    );
    bad(
        &sealed(&bob, &credential, &data(leaf(epoch, Some(invite.id))), &good_proof),
        "joined is another epoch",
    );
    bad(&sealed(&bob, &credential, &data(leaf(epoch + 1, None)), &good_proof), "via is not the invite");
    let longer = [&good_data[..1], &[0x18], &good_data[1..]].concat();
    bad(&sealed(&bob, &credential, &longer, &good_proof), "leaf-data in other bytes than its one form");
    bad(
        &sealed(&bob, CLEO.certificate().as_bytes(), &good_data, &good_proof),
        "the certificate is for another device",
    );
    bad(&sealed(&bob, b"", &good_data, &good_proof), "no certificate");
    let own_door = encode(&JoinProof::Account(BOB.own().door(&room).unwrap()));
    bad(
        &sealed(&bob, &credential, &data(leaf(epoch + 1, None)), &own_door),
        "by an account's door that no leaf has",
    );
    area.refuse_changed(name, Change::Xor(30, 1), "a bit of the entry is flipped");
    area.refuse_with(name, "kind", 1, "sealed as a newcomer's commit, and it did not come through a door");
    let (_, commit) = open_entry(&handshake, &room, EntryKind::Join, epoch, &good).unwrap();
    let as_members =
        seal_entry(&handshake, &room, EntryKind::Handshake, epoch, EntryId::new([0x24; 16]), &commit);
    area.refuse_bytes_with(
        name,
        "kind",
        1,
        &as_members.unwrap(),
        "a newcomer's commit, sealed as a member's",
    );
    area.refuse_with(name, "handshake secret", hex([0x7f; 32]), "the handshake secret of another epoch");
    let later = area.case("another newcomer comes in (epoch 4): the entry")["with"]["GroupInfo"].clone();
    area.refuse_with(name, "GroupInfo", later, "on the epoch that it began: a commit is good once");
    let info_case = "the owner opens an invite (epoch 2): the GroupInfo";
    let last = hex::decode(area.case(info_case)["bytes"].as_str().unwrap()).unwrap().len() - 1;
    area.refuse_damaged(
        info_case,
        &[(last, "the signature"), (60, "the GroupContext"), (last / 2, "the middle")],
    );
}

/// A card opens for the link, and what is in it is of another epoch or room.
pub fn cards_that_lie(area: &mut Area, story: &Story, invited: &Handshake) {
    let name =
        "a guest comes in by the link (epoch 3): the card behind the link, as another newcomer reads it";
    let room = story.room.id();
    let card_key = area.case("the owner opens an invite (epoch 2): the card")["with"]["card key"].clone();
    let key = Secret::new(hex::decode(card_key.as_str().unwrap()).unwrap().try_into().unwrap());
    let content = open_committed(&key, b"sotto/1 card sealing", room.as_bytes(), &invited.card).unwrap();
    let seal = |content: &[u8], room: &RoomId| {
        seal_committed_with_salt(&key, b"sotto/1 card sealing", room.as_bytes(), content, &[0x55; 16])
            .unwrap()
    };
    let other_epoch = CborMap::read(&content).with(0, &3).write();
    area.refuse_bytes(
        name,
        &seal(&other_epoch, &room),
        "it opens, and says another epoch than its GroupInfo",
    );
    area.refuse_bytes(name, &seal(&content, &RoomId::new([0x12; 16])), "sealed for another room");
    let mut broken = content.to_vec();
    let middle = broken.len() / 2;
    broken[middle] ^= 1;
    area.refuse_bytes(name, &seal(&broken, &room), "it opens, and a bit of its GroupInfo is flipped");
}
