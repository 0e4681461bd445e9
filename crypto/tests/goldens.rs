//! Golden bytes of what devices seal, sign and store, and today's readers on the goldens of every version so far.
//!
//! How goldens are written, and when they may be, stands in `protocol/tests/support/golden.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "../../protocol/tests/support/golden.rs"]
mod golden;
mod support;

use sotto_crypto::{
    DeviceKey, Secret, StorageKey,
    account::{DoorKey, VaultKey},
    identity::{AccountId, Certificate, CertificateRequest, IdentityKey},
    link::{InviteLink, InviteSecret},
    message::{self, Content},
    room::{
        DeviceRemoval, Handshake, JoinRequest, LeaveScope, LeaveStatement, MessageSecret, OwnDevice, Room,
        RoomState, Roster, Suite, policy::RemovalProof,
    },
    testing::{WrapKey, expand, open_entry, seal_entry, seal_wrap},
};
use sotto_protocol::{Chain, EntryId, EntryKind, Rewind, RewindAuthority, RoomId};
use support::{Person, invite};

const ROOM: RoomId = RoomId::new([0x01; 16]);
const ENTRY: EntryId = EntryId::new([0x02; 16]);
const EPOCH: u64 = 70_000;

fn secret(byte: u8) -> Secret {
    Secret::new([byte; 32])
}

fn device() -> DeviceKey {
    DeviceKey::from_seed(&secret(0x10))
}

fn certificate(recovery_key_hash: Option<[u8; 32]>, generation: u32) -> Certificate {
    let request = CertificateRequest {
        device_key: device().public(),
        recovery_key_hash,
        display_name: "Ada Lovelace",
        generation,
        not_before_ms: 1_700_000_000_000,
        operator: None,
        devices: None,
    };
    Certificate::issue(&IdentityKey::from_seed(&secret(0x11)), request).unwrap()
}

/// Somebody whose keys are always the same.
fn ada() -> Person {
    let own = OwnDevice {
        certificate: certificate(None, 0),
        device: device(),
        vault_key: VaultKey::from_seed(secret(0x1b)),
        door_key: DoorKey::from_seed(secret(0x1c)),
        recovery_key: None,
    };
    Person {
        name: "Ada".into(),
        identity: IdentityKey::from_seed(&secret(0x11)),
        recovery: None,
        generation: 0,
        own,
    }
}

#[test]
fn certificates() {
    golden::check("certificate-guest.v1", certificate(None, 0).as_bytes());
    golden::check("certificate-account.v1", certificate(Some([0x12; 32]), 1).as_bytes());
    let read = Certificate::verify(&golden::read("certificate-account.v1")).unwrap();
    assert_eq!(read, certificate(Some([0x12; 32]), 1));
    assert_eq!((read.display_name(), read.generation(), read.is_guest()), ("Ada Lovelace", 1, false));
}

#[test]
fn invite_links() {
    let link = InviteLink {
        room: ROOM,
        secret: InviteSecret::from_seed(secret(0x13)),
        inviter: AccountId::new([0x14; 16]),
        epoch: EPOCH,
    };
    golden::check("link-fragment.v1", link.to_fragment().as_bytes());
    let text = String::from_utf8(golden::read("link-fragment.v1")).unwrap();
    assert_eq!(InviteLink::from_fragment(&text), Ok(link.clone()));
    golden::check("link-door.v1", link.door().unwrap().as_bytes());
}

#[test]
fn entries() {
    let sealed = seal_entry(&secret(0x15), &ROOM, EntryKind::Message, EPOCH, ENTRY, b"content").unwrap();
    golden::check("entry.v1", &sealed);
    let kept = golden::read("entry.v1");
    let (header, content) = open_entry(&secret(0x15), &ROOM, EntryKind::Message, EPOCH, &kept).unwrap();
    assert_eq!((header.id, content.as_slice()), (ENTRY, &b"content"[..]));
}

#[test]
fn messages() {
    let content = Content::Text("héllo **you**".into());
    golden::check("content-text.v1", &content.encode().unwrap());
    // Put together by `docs/PROTOCOL.md`: sealing draws its own entry id.
    let mut body = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut body);
    let chain = Chain::start(&ROOM);
    encoder.array(5).unwrap().u32(0).unwrap().bytes(&[0x16; 16]).unwrap().u64(1_700_000_000_000).unwrap();
    encoder.encode(chain).unwrap().bytes(&content.encode().unwrap()).unwrap();
    let label: &[u8] = b"sotto/1 message signature";
    let epoch = EPOCH.to_be_bytes();
    let mark = expand::<32>(&secret(0x15), b"sotto/1 epoch mark", &[ROOM.as_bytes(), &epoch]).unwrap();
    let statement = [label, ROOM.as_bytes(), &epoch, &*mark, ENTRY.as_bytes(), &body].concat();
    let sealed = [device().sign(&statement).as_slice(), &body].concat();
    let entry = seal_entry(&secret(0x15), &ROOM, EntryKind::Message, EPOCH, ENTRY, &sealed).unwrap();
    golden::check("message.v1", &entry);

    let kept = golden::read("message.v1");
    let room = Room::create(Suite::Classical, "Any", &ada().own).unwrap();
    let (_, read) =
        message::open(&MessageSecret::from_seed(secret(0x15)), &ROOM, EPOCH, room.roster(), &kept).unwrap();
    assert_eq!((read.content, read.id, read.chain), (content, [0x16; 16], chain));
}

#[test]
fn wraps() {
    let key = WrapKey::from_seed(&secret(0x17));
    golden::check("wrap-key.v1", &key.public());
    golden::check(
        "wrap.v1",
        &seal_wrap(b"sotto/1 door wrap", &key.public(), b"context", &secret(0x18), &secret(0x19)).unwrap(),
    );
    assert_eq!(key.open(b"sotto/1 door wrap", b"context", &golden::read("wrap.v1")).unwrap(), secret(0x18));
}

#[test]
fn leaving_and_voiding() {
    let leave = LeaveStatement::sign(&ROOM, &device(), &[7; 16], LeaveScope::Account);
    golden::check("leave-statement.v1", &leave.to_bytes());
    assert_eq!(LeaveStatement::from_bytes(&golden::read("leave-statement.v1")), Ok(leave));
    let removal =
        DeviceRemoval { device_keys: vec![[0x22; 32].into(), [0x23; 32].into()], signature: [0x24; 64] };
    let removal = RemovalProof::OwnDevices(removal);
    golden::check("device-removal.v1", &sotto_protocol::encode(&removal));
    assert_eq!(sotto_protocol::decode(&golden::read("device-removal.v1")), Ok(removal));
    let rewind = |authority| Rewind {
        bad_seq: 9,
        epoch: EPOCH,
        bad_entry: [0x1d; 32],
        access_key: [0x1e; 32],
        published_hash: [0x1f; 32],
        authority,
        left_out: Some(sotto_protocol::DoorId::new([0x25; 16])),
        signature: [0x20; 64],
    };
    let by_admin = rewind(RewindAuthority::Admin([0x21; 32].into()));
    golden::check("rewind-by-admin.v1", &by_admin.to_bytes());
    assert_eq!(Rewind::from_bytes(&golden::read("rewind-by-admin.v1")), Ok(by_admin));
    golden::check("rewind-by-access-key.v1", &rewind(RewindAuthority::Access).to_bytes());
}

#[test]
fn stored_values_of_native_clients() {
    let key = StorageKey::new(secret(0x1a));
    golden::write("storage-value.v1", || key.seal(b"place", b"value").unwrap());
    let kept = golden::read("storage-value.v1");
    assert_eq!(key.open(b"place", &kept).unwrap().as_slice(), b"value");
}

/// Rooms are made of randomness; so they were made once, and are only read.
#[test]
fn rooms_and_ways_into_them() {
    let ada = ada();
    if golden::is_writing() {
        let mut room = ada.creates(Suite::Hybrid);
        let (link, handshake) = invite(&mut room, &ada, Some(3));
        golden::write("room-id.v1", || room.id().as_bytes().to_vec());
        golden::write("room-stored.v1", || room.save().unwrap().to_vec());
        golden::write("room-state.v1", || sotto_protocol::encode(room.state()));
        golden::write("roster.v1", || sotto_protocol::encode(room.roster()));
        golden::write("handshake-stored.v1", || sotto_protocol::encode(&handshake));
        golden::write("room-link.v1", || link.to_fragment().as_bytes().to_vec());
    }
    let id = RoomId::try_from(golden::read("room-id.v1").as_slice()).unwrap();
    let mut room = Room::load(id, ada.own.device.clone(), &golden::read("room-stored.v1")).unwrap();
    assert_eq!((room.epoch(), room.suite(), room.state().name.as_str()), (1, Suite::Hybrid, "Garden"));
    let state: RoomState = sotto_protocol::decode(&golden::read("room-state.v1")).unwrap();
    assert_eq!(&state, room.state());
    assert_eq!(sotto_protocol::encode(&state), golden::read("room-state.v1"));
    let roster: Roster = sotto_protocol::decode(&golden::read("roster.v1")).unwrap();
    assert_eq!(&roster, room.roster());

    let handshake: Handshake = sotto_protocol::decode(&golden::read("handshake-stored.v1")).unwrap();
    let link = InviteLink::from_fragment(&String::from_utf8(golden::read("room-link.v1")).unwrap()).unwrap();
    let bob = Person::new("Bob");
    let door = link.door().unwrap();
    let wrap = handshake.doors.iter().find(|listed| listed.id == door).expect("the door is listed");
    let request =
        JoinRequest { link: &link, card: &handshake.card, wrap: &wrap.wrap, epoch: 1, own: &bob.own };
    let joining = request.join().unwrap();
    support::receive(&mut room, &joining.handshake).unwrap();
    support::same_epoch(&room, &joining.room);
}
