//! A member without an engine: its hands do what a client does not offer yet, or should never do.

use super::{NOW_MS, World, address};
use sotto_crypto::{
    DeviceKey, Secret,
    account::{DoorKey, VaultKey},
    identity::{AccountId, Certificate, CertificateRequest, IdentityKey},
    link::{InviteLink, InviteSecret},
    room::{Handshake, Invite, OwnDevice, Room, RoomChange, Suite},
};
use sotto_protocol::{AppendHandshake, Chain, ClientFrame, CreateRoom, Request, RoomId, encode};

/// A member, and the room as it has it.
pub struct Member {
    pub account: AccountId,
    pub room: Room,
    relay: World,
    read_seq: u64,
}

impl Member {
    /// Makes a room, and its first commit.
    pub fn with_room(relay: &World, name: &str) -> Self {
        let identity = IdentityKey::generate().unwrap();
        let device = DeviceKey::generate().unwrap();
        let request = CertificateRequest {
            device_key: device.public(),
            recovery_key_hash: None,
            display_name: name,
            generation: 0,
            not_before_ms: NOW_MS,
            operator: None,
            devices: None,
        };
        let own = OwnDevice {
            certificate: Certificate::issue(&identity, request).unwrap(),
            device,
            vault_key: VaultKey::from_seed(Secret::random().unwrap()),
            door_key: DoorKey::from_seed(Secret::random().unwrap()),
            recovery_key: None,
        };
        let room = Room::create(Suite::Hybrid, "Garden", &own).unwrap();
        let secrets = room.secrets().unwrap();
        let create = CreateRoom {
            room: room.id(),
            access_key: secrets.access_key().public(),
            join_key: secrets.join_key().public(),
            token: None,
            admin_key: own.admin_key(&room.id()).unwrap().public(),
        };
        let connection = relay.borrow_mut().connect();
        let frame = encode(&ClientFrame { request: 1, body: Request::Create(create) });
        relay.borrow_mut().receive(connection, &frame);
        let mut member = Self {
            account: AccountId::of(&identity.public()),
            room,
            relay: World::clone(relay),
            read_seq: 0,
        };
        member.commits(&RoomChange::Rotate);
        member
    }

    pub fn id(&self) -> RoomId {
        self.room.id()
    }

    /// A commit that is in the log at once.
    pub fn commits(&mut self, change: &RoomChange) {
        let handshake = self.room.commit(change, Chain::start(&self.id())).unwrap();
        let append = append(self.id(), handshake);
        self.relay.borrow_mut().accept(append);
        self.room.merge_pending().unwrap();
        self.read_seq = self.relay.borrow().rooms[&self.id()].log.len() as u64;
    }

    /// A link that anybody may use.
    pub fn invites(&mut self) -> String {
        let secret = InviteSecret::generate().unwrap();
        let invite = Invite::of_secret(&secret, self.account, None).unwrap();
        let link =
            InviteLink { room: self.id(), secret, inviter: self.account, epoch: self.room.epoch() + 1 };
        self.commits(&RoomChange::AddInvite(Box::new(invite), NOW_MS));
        address().link(&link)
    }

    /// Follows others' commits.
    pub fn reads(&mut self) {
        let log = self.relay.borrow().rooms[&self.id()].log.clone();
        for entry in log.iter().filter(|entry| entry.seq > self.read_seq) {
            if entry.kind.is_handshake() {
                let staged = self.room.stage(entry.kind, &entry.entry, &entry.access_key.unwrap()).unwrap();
                self.room.merge(staged).unwrap();
            }
        }
        self.read_seq = log.len() as u64;
    }

    /// The account of the member with this name.
    pub fn account_of(&self, name: &str) -> AccountId {
        let (_, entry) = self.room.roster().iter().find(|(_, entry)| entry.display_name == name).unwrap();
        entry.account
    }
}

fn append(room: RoomId, handshake: Handshake) -> AppendHandshake {
    AppendHandshake {
        room,
        last_handshake_seq: 0,
        entry: handshake.entry,
        access_key: handshake.access_key,
        join_key: handshake.join_key,
        card: handshake.card,
        doors: handshake.doors,
        join: None,
        capsule: handshake.capsule,
        capsule_wraps: Some(handshake.capsule_wraps),
        history: handshake.history,
        handover: handshake.handover,
        cut: handshake.cut.then_some(true),
    }
}
