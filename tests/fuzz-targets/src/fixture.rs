//! A small real room, made anew in every process: what Ada and Bob have, send and store.
//!
//! Everything that names the room's interface stands here, so that a change of it is met in one place.

use crate::ways_in;
use sotto_crypto::{
    DeviceKey, Secret,
    identity::{Certificate, CertificateRequest, IdentityKey},
    link::InviteLink,
    room::{Handshake, Invite, JoinRequest, Room, RoomChange, Suite},
    testing::open_entry,
};
use sotto_protocol::{Chain, EntryKind};

/// Ada's room with an open invite, and what others could send to it.
pub struct Fixture {
    /// Ada's room, in the epoch that the invite began.
    pub room: Room,
    /// Ada's device.
    pub device: DeviceKey,
    /// The invite's link.
    pub link: InviteLink,
    /// The commit that made the invite, with card and doors.
    pub invite: Handshake,
    /// A newcomer.
    pub newcomer: (Certificate, DeviceKey),
    /// Commits of this epoch as MLS messages: a newcomer's join.
    pub commits: Vec<Vec<u8>>,
    /// The content of the invite's card.
    pub card: Vec<u8>,
    /// The newcomer's join as it is stored.
    pub stored_join: Vec<u8>,
}

thread_local! {
    static FIXTURES: [Fixture; 2] = [Fixture::make(Suite::Classical), Fixture::make(Suite::Hybrid)];
}

impl Fixture {
    /// Works with the classical room: its commits are small, so edits hit more of what matters.
    pub fn with<T>(work: impl FnOnce(&Self) -> T) -> T {
        FIXTURES.with(|[classical, _]| work(classical))
    }

    /// Works with both rooms, the classical one first.
    pub fn with_both<T>(work: impl FnOnce(&[Self; 2]) -> T) -> T {
        FIXTURES.with(work)
    }

    fn make(suite: Suite) -> Self {
        let (certificate, device) = person("Ada");
        let mut room = Room::create(suite, "Garden", &certificate, device.clone()).expect("makes a room");
        let secret = Secret::random().expect("has randomness");
        let invite = Invite::of_secret(&secret, certificate.account(), None).expect("makes an invite");
        let change = RoomChange::AddInvite(Box::new(invite));
        let invite = room.commit(&change, Chain::start(&room.id())).expect("commits");
        room.merge_pending().expect("merges");
        let link =
            InviteLink { room: room.id(), secret, inviter: certificate.account(), epoch: room.epoch() };
        let card = ways_in::open_card(&link, &invite, room.epoch());
        let newcomer = person("Bob");
        let joining = join(&link, &invite.card, &wrap_of(&link, &invite), room.epoch(), &newcomer)
            .expect("the newcomer comes in");
        let (_, commit) = open_entry(
            &room.secrets().expect("has secrets").handshake,
            &room.id(),
            EntryKind::Handshake,
            room.epoch(),
            &joining.handshake.entry,
        )
        .expect("opens");
        let stored_join = joining.save().expect("is stored").to_vec();
        Self { room, device, link, invite, newcomer, commits: vec![commit.to_vec()], card, stored_join }
    }

    /// Ada's room, as a copy: what is fuzzed must not change what comes after.
    pub fn copy(&self) -> Room {
        let saved = self.room.save().expect("is stored");
        Room::load(self.room.id(), self.device.clone(), &saved).expect("is loaded")
    }
}

/// A newcomer's join, whatever comes of it.
pub fn join(
    link: &InviteLink,
    card: &[u8],
    wrap: &[u8],
    epoch: u64,
    newcomer: &(Certificate, DeviceKey),
) -> Result<sotto_crypto::room::Joining, sotto_crypto::CryptoError> {
    JoinRequest { link, card, wrap, epoch, certificate: &newcomer.0, device: newcomer.1.clone() }.join()
}

/// The wrap at the link's door.
pub fn wrap_of(link: &InviteLink, handshake: &Handshake) -> Vec<u8> {
    let door = link.door().expect("has a door");
    let found = handshake.doors.iter().find(|candidate| candidate.id == door);
    found.expect("the door is listed").wrap.clone()
}

fn person(name: &str) -> (Certificate, DeviceKey) {
    let device = DeviceKey::generate().expect("has randomness");
    let request = CertificateRequest {
        device_key: device.public(),
        recovery_key_hash: None,
        display_name: name,
        generation: 0,
        not_before_ms: 1_700_000_000_000,
    };
    let identity = IdentityKey::generate().expect("has randomness");
    (Certificate::issue(&identity, request).expect("is issued"), device)
}
