//! The first implementation as the other side: people with devices, and the translation between both sides' types.

#![allow(dead_code, reason = "each test uses a part")]

use sotto_crypto::{
    CryptoError, DeviceKey, Secret,
    identity::{Certificate, CertificateRequest, IdentityKey},
    link::InviteLink,
    message::{self, Content, Draft, OpenedMessage},
    room::{Handshake, Invite, JoinRequest, Joining, Room, RoomChange, Suite, Transition},
};
use sotto_independent_peer::{
    PeerError,
    certificate::Device,
    chain::Chain as PeerChain,
    encoding::Id,
    link::InviteLink as PeerLink,
    room::{Handshake as PeerHandshake, Join, PeerRoom},
};
use sotto_protocol::Chain;

/// A person who uses the first implementation.
pub struct Person {
    pub identity: IdentityKey,
    pub device: DeviceKey,
    pub certificate: Certificate,
}

impl Person {
    pub fn new(name: &str) -> Self {
        let (identity, device) = (IdentityKey::generate().unwrap(), DeviceKey::generate().unwrap());
        let request = CertificateRequest {
            device_key: device.public(),
            recovery_key_hash: None,
            display_name: name,
            generation: 0,
            not_before_ms: 1_700_000_000_000,
        };
        let certificate = Certificate::issue(&identity, request).unwrap();
        Self { identity, device, certificate }
    }

    pub fn creates(&self) -> Room {
        Room::create(Suite::Classical, "Garden", &self.certificate, self.device.clone()).unwrap()
    }

    /// Joins by the fragment of a link that the peer made.
    pub fn joins(&self, fragment: &str, offered: &PeerHandshake, epoch: u64) -> Result<Joining, CryptoError> {
        let link = InviteLink::from_fragment(fragment).unwrap();
        let door = link.door().unwrap();
        let wrap = offered.doors.iter().find(|candidate| *candidate.id == *door.as_bytes()).unwrap();
        let request = JoinRequest {
            link: &link,
            card: &offered.card,
            wrap: &wrap.wrap,
            epoch,
            certificate: &self.certificate,
            device: self.device.clone(),
        };
        request.join()
    }

    pub fn says(&self, room: &Room, text: &str) -> Vec<u8> {
        let content = Content::Text(text.into()).encode().unwrap();
        let draft = Draft {
            leaf: room.own_leaf(),
            id: [1; 16],
            sent_at_ms: 1,
            chain: start(room),
            content: &content,
        };
        let secret = room.secrets().unwrap().message;
        message::seal(&secret, &self.device, &room.id(), room.epoch(), &draft).unwrap().1
    }
}

pub fn start(room: &Room) -> Chain {
    Chain::start(&room.id())
}

pub fn peer_start(room: &PeerRoom) -> PeerChain {
    PeerChain::start(room.id())
}

/// Makes an invite and merges it. Gives the link's fragment and what the relay keeps.
pub fn invite(room: &mut Room, by: &Person, max_uses: Option<u32>) -> (String, Handshake) {
    let secret = Secret::random().unwrap();
    let invite = Invite::of_secret(&secret, by.certificate.account(), max_uses).unwrap();
    let handshake = commit(room, &RoomChange::AddInvite(Box::new(invite)));
    let link = InviteLink { room: room.id(), secret, inviter: by.certificate.account(), epoch: room.epoch() };
    (link.to_fragment().to_string(), handshake)
}

pub fn commit(room: &mut Room, change: &RoomChange) -> Handshake {
    let handshake = room.commit(change, start(room)).unwrap();
    room.merge_pending().unwrap();
    handshake
}

/// The first implementation takes in the peer's commit.
pub fn receive(room: &mut Room, handshake: &PeerHandshake) -> Result<Transition, CryptoError> {
    let staged = room.stage(&handshake.entry, &handshake.access_key)?;
    room.merge(staged)
}

pub fn hear(room: &Room, entry: &[u8]) -> Result<OpenedMessage, CryptoError> {
    let secret = room.secrets().unwrap().message;
    message::open(&secret, &room.id(), room.epoch(), room.roster(), entry).map(|(_, opened)| opened)
}

/// The peer opens its door.
pub fn prepare(fragment: &str, offered: &Handshake, device: &Device) -> Result<Join, PeerError> {
    let link = PeerLink::from_fragment(fragment)?;
    let door = sotto_independent_peer::door::InviteKeys::of_secret(&link.secret)?.door;
    let wrap = offered.doors.iter().find(|candidate| *candidate.id.as_bytes() == *door).unwrap();
    let epoch = link.epoch.max(epoch_after(&offered.entry));
    Join::prepare(&link, &offered.card, &wrap.wrap, epoch, device)
}

/// The epoch that a handshake begins.
fn epoch_after(entry: &[u8]) -> u64 {
    sotto_independent_peer::entry::Header::read(entry).unwrap().0.epoch + 1
}

/// What the relay keeps of the peer's handshake, as the first implementation names it.
pub fn offered(handshake: &PeerHandshake) -> Vec<(Id, Vec<u8>)> {
    handshake.doors.iter().map(|door| (door.id, door.wrap.clone())).collect()
}

/// Both sides stand in the same epoch and see the same: secrets of every label, state, leaves, doors.
pub fn same_epoch(ours: &Room, peers: &PeerRoom) {
    assert_eq!(ours.epoch(), peers.epoch());
    let (our_secrets, peer_secrets) = (ours.secrets().unwrap(), peers.secrets().unwrap());
    assert_eq!(*our_secrets.message.expose(), peer_secrets.message);
    assert_eq!(*our_secrets.handshake.expose(), peer_secrets.handshake);
    assert_eq!(*our_secrets.access.expose(), peer_secrets.access);
    assert_eq!(*our_secrets.join.expose(), peer_secrets.join);
    assert_eq!(our_secrets.access_key().public(), peer_secrets.access_key());
    assert_eq!(our_secrets.join_key().public(), peer_secrets.join_key());

    // Both encode the same state to the same bytes.
    assert_eq!(
        sotto_protocol::encode(ours.state()),
        sotto_independent_peer::encoding::encode(&peers.state().unwrap()).unwrap()
    );

    let our_roster: Vec<_> = ours
        .roster()
        .iter()
        .map(|(leaf, entry)| {
            let via = entry.via.map(|via| *via.as_bytes());
            (leaf, *entry.account.as_bytes(), entry.device_key, entry.display_name.clone(), via)
        })
        .collect();
    let peer_roster: Vec<_> = peers
        .roster()
        .unwrap()
        .0
        .into_iter()
        .map(|(leaf, entry)| {
            let (account, via) = (*entry.certificate.account(), entry.leaf.via.map(|via| *via));
            (leaf, account, *entry.certificate.device, entry.certificate.display_name, via)
        })
        .collect();
    assert_eq!(our_roster, peer_roster);
}

/// The doors that one side registered are, byte for byte, those that the other side computes: so both have the same wrap
/// secret too.
pub fn same_doors(ours: &Handshake, peers: &PeerRoom) {
    let registered: Vec<_> = ours.doors.iter().map(|door| (*door.id.as_bytes(), door.wrap.clone())).collect();
    let computed: Vec<_> = peers.doors().unwrap().into_iter().map(|door| (*door.id, door.wrap)).collect();
    assert_eq!(registered, computed);
}
