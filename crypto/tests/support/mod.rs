//! People with devices, for tests: they make rooms, invite each other, and pass entries on by hand.

#![allow(dead_code, reason = "each test uses a part")]

use sotto_crypto::{
    CryptoError, DeviceKey, Secret,
    identity::{AccountId, Certificate, CertificateRequest, IdentityKey},
    link::InviteLink,
    message::{self, Content, Draft, OpenedMessage},
    room::{Handshake, Invite, JoinRequest, Joining, Room, RoomChange, Suite, Transition},
};
use sotto_protocol::{Chain, RoomId};

pub struct Person {
    pub identity: IdentityKey,
    pub device: DeviceKey,
    pub certificate: Certificate,
}

impl Person {
    pub fn new(name: &str) -> Self {
        let (identity, device) = (IdentityKey::generate().unwrap(), DeviceKey::generate().unwrap());
        Self { certificate: certificate(&identity, &device, name), identity, device }
    }

    pub fn account(&self) -> AccountId {
        self.certificate.account()
    }

    pub fn creates(&self, suite: Suite) -> Room {
        Room::create(suite, "Garden", &self.certificate, self.device.clone()).unwrap()
    }

    pub fn tries_to_join(
        &self,
        link: &InviteLink,
        card: &Handshake,
        epoch: u64,
    ) -> Result<Joining, CryptoError> {
        let door = link.door().unwrap();
        let wrap = card.doors.iter().find(|candidate| candidate.id == door).expect("the door is listed");
        let request = JoinRequest {
            link,
            card: &card.card,
            wrap: &wrap.wrap,
            epoch,
            certificate: &self.certificate,
            device: self.device.clone(),
        };
        request.join()
    }
}

pub fn certificate(identity: &IdentityKey, device: &DeviceKey, name: &str) -> Certificate {
    let request = CertificateRequest {
        device_key: device.public(),
        recovery_key_hash: None,
        display_name: name,
        generation: 0,
        not_before_ms: 1_700_000_000_000,
    };
    Certificate::issue(identity, request).unwrap()
}

pub fn start(room: &Room) -> Chain {
    Chain::start(&room.id())
}

/// Makes an invite and merges it. Gives the link and what the relay keeps.
pub fn invite(room: &mut Room, by: &Person, max_uses: Option<u32>) -> (InviteLink, Handshake) {
    let secret = Secret::random().unwrap();
    let invite = Invite::of_secret(&secret, by.account(), max_uses).unwrap();
    let handshake = room.commit(&RoomChange::AddInvite(Box::new(invite)), start(room)).unwrap();
    room.merge_pending().unwrap();
    let link = InviteLink { room: room.id(), secret, inviter: by.account(), epoch: room.epoch() };
    (link, handshake)
}

pub fn receive(room: &mut Room, handshake: &Handshake) -> Result<Transition, CryptoError> {
    let staged = room.stage(&handshake.entry, &handshake.access_key)?;
    room.merge(staged)
}

pub fn say(room: &Room, who: &Person, text: &str) -> Vec<u8> {
    let content = Content::Text(text.into()).encode().unwrap();
    let draft =
        Draft { leaf: room.own_leaf(), id: [1; 16], sent_at_ms: 1, chain: start(room), content: &content };
    message::seal(&room.secrets().unwrap().message, &who.device, &room.id(), room.epoch(), &draft).unwrap().1
}

pub fn hear(room: &Room, entry: &[u8]) -> Result<OpenedMessage, CryptoError> {
    let secret = room.secrets().unwrap().message;
    message::open(&secret, &room.id(), room.epoch(), room.roster(), entry).map(|(_, opened)| opened)
}

pub fn same_epoch(one: &Room, other: &Room) {
    assert_eq!(one.epoch(), other.epoch());
    assert_eq!(one.secrets().unwrap(), other.secrets().unwrap());
    assert_eq!(one.roster(), other.roster());
    assert_eq!(one.state(), other.state());
}

pub fn other_room() -> RoomId {
    RoomId::new([0xee; 16])
}
