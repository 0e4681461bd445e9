//! People with devices, for tests: they make rooms, invite each other, and pass entries on by hand.

#![allow(dead_code, reason = "each test uses a part")]

use sotto_crypto::{
    CryptoError, DeviceKey,
    account::{DoorKey, RecoveryKey, VaultKey},
    identity::{AccountId, Certificate, CertificateRequest, IdentityKey},
    link::{InviteLink, InviteSecret},
    message::{self, Content, Draft, OpenedMessage},
    room::{
        AccountJoin, Handshake, HistoryReader, Invite, JoinRequest, Joining, Left, OwnDevice, PastEpoch,
        Place, Room, RoomChange, Suite, Transition,
    },
};
use sotto_protocol::{Chain, EntryKind, Rewind, RoomId};

/// Somebody with one device. `seed` is the recovery key's, of those who have an account.
#[derive(Clone)]
pub struct Person {
    pub name: String,
    pub identity: IdentityKey,
    pub recovery: Option<RecoveryKey>,
    pub generation: u32,
    pub own: OwnDevice,
}

impl Person {
    /// A guest.
    pub fn new(name: &str) -> Self {
        Self::with(name, IdentityKey::generate().unwrap(), None, 0, keys(), DeviceKey::generate().unwrap())
    }

    /// Somebody with an account.
    pub fn registered(name: &str) -> Self {
        let recovery = Some(RecoveryKey::generate().unwrap());
        Self::with(
            name,
            IdentityKey::generate().unwrap(),
            recovery,
            1,
            keys(),
            DeviceKey::generate().unwrap(),
        )
    }

    /// The same account on another device.
    pub fn on_another_device(&self) -> Self {
        self.with_device(DeviceKey::generate().unwrap())
    }

    /// The same device after it has registered, or changed its recovery key.
    pub fn with_new_recovery_key(&self) -> Self {
        let keys = (self.own.vault_key.clone(), self.own.door_key.clone());
        let recovery = Some(RecoveryKey::generate().unwrap());
        let device = self.own.device.clone();
        Self::with(&self.name, self.identity.clone(), recovery, self.generation + 1, keys, device)
    }

    /// The same device after its account has replaced vault key and door key.
    pub fn with_new_account_keys(&self) -> Self {
        let device = self.own.device.clone();
        let recovery = self.recovery.clone();
        Self::with(&self.name, self.identity.clone(), recovery, self.generation, keys(), device)
    }

    /// The account's keys as this device has them, on another one's device.
    pub fn with_device_of(&self, other: &Self) -> Self {
        self.with_device(other.own.device.clone())
    }

    fn with_device(&self, device: DeviceKey) -> Self {
        let keys = (self.own.vault_key.clone(), self.own.door_key.clone());
        Self::with(&self.name, self.identity.clone(), self.recovery.clone(), self.generation, keys, device)
    }

    fn with(
        name: &str,
        identity: IdentityKey,
        recovery: Option<RecoveryKey>,
        generation: u32,
        (vault_key, door_key): (VaultKey, DoorKey),
        device: DeviceKey,
    ) -> Self {
        let recovery_key = recovery.as_ref().map(RecoveryKey::public);
        let certificate = certificate(&identity, &device, name, recovery.as_ref(), generation);
        let own = OwnDevice { certificate, device, vault_key, door_key, recovery_key };
        Self { name: name.to_owned(), identity, recovery, generation, own }
    }

    /// This device's change that removes another one of the account, as the identity key signs it.
    pub fn removes(&self, room: &Room, device: &Self) -> RoomChange {
        let word = room.sign_device_removal(&self.identity, &[device.own.device.public()]);
        RoomChange::RemoveDevice(word.unwrap(), None)
    }

    pub fn account(&self) -> AccountId {
        self.own.certificate.account()
    }

    pub fn creates(&self, suite: Suite) -> Room {
        Room::create(suite, "Garden", &self.own).unwrap()
    }

    pub fn tries_to_join(
        &self,
        link: &InviteLink,
        held: &Handshake,
        epoch: u64,
    ) -> Result<Joining, CryptoError> {
        let door = link.door().unwrap();
        let wrap = held.doors.iter().find(|candidate| candidate.id == door).expect("the door is listed");
        JoinRequest { link, card: &held.card, wrap: &wrap.wrap, epoch, own: &self.own }.join()
    }

    /// Comes in by the door of their own account.
    pub fn tries_to_return(
        &self,
        room: RoomId,
        held: &Handshake,
        epoch: u64,
    ) -> Option<Result<Joining, CryptoError>> {
        let door = self.own.door(&room).unwrap();
        let wrap = held.doors.iter().find(|candidate| candidate.id == door)?;
        Some(AccountJoin { room, card: &held.card, wrap: &wrap.wrap, epoch, own: &self.own }.join())
    }

    pub fn returns(&self, room: RoomId, held: &Handshake, epoch: u64) -> Joining {
        self.tries_to_return(room, held, epoch).expect("the account's door is listed").unwrap()
    }

    /// Opens the capsule of the epoch that is to be read next, which `held` began.
    pub fn opens_capsule(
        &self,
        reader: &mut HistoryReader,
        held: &Handshake,
    ) -> Result<PastEpoch, CryptoError> {
        let tag = *reader.tag();
        let wrap = held.capsule_wraps.iter().find(|wrap| wrap.tag == tag).ok_or(CryptoError::DoesNotOpen)?;
        let capsule = held.capsule.as_ref().ok_or(CryptoError::DoesNotOpen)?;
        reader.open_capsule(self.recovery.as_ref().expect("an account"), capsule, &wrap.wrap)
    }
}

fn keys() -> (VaultKey, DoorKey) {
    (VaultKey::generate().unwrap(), DoorKey::generate().unwrap())
}

pub fn certificate(
    identity: &IdentityKey,
    device: &DeviceKey,
    name: &str,
    recovery: Option<&RecoveryKey>,
    generation: u32,
) -> Certificate {
    let request = CertificateRequest {
        device_key: device.public(),
        recovery_key_hash: recovery.map(RecoveryKey::public_hash),
        display_name: name,
        generation,
        not_before_ms: 1_700_000_000_000,
        operator: None,
        devices: None,
    };
    Certificate::issue(identity, request).unwrap()
}

pub fn start(room: &Room) -> Chain {
    Chain::start(&room.id())
}

/// Makes an invite and merges it. Gives the link and what the relay keeps.
pub fn invite(room: &mut Room, by: &Person, max_uses: Option<u32>) -> (InviteLink, Handshake) {
    let secret = InviteSecret::generate().unwrap();
    let invite = Invite::of_secret(&secret, by.account(), max_uses).unwrap();
    let handshake = commit(room, &RoomChange::AddInvite(Box::new(invite), 0));
    let link = InviteLink { room: room.id(), secret, inviter: by.account(), epoch: room.epoch() };
    (link, handshake)
}

/// Makes a change and merges it.
pub fn commit(room: &mut Room, change: &RoomChange) -> Handshake {
    let handshake = room.commit(change, start(room)).unwrap();
    room.merge_pending().unwrap();
    handshake
}

pub fn receive(room: &mut Room, handshake: &Handshake) -> Result<Transition, CryptoError> {
    let staged = room.stage(handshake.kind, &handshake.entry, &handshake.access_key)?;
    room.merge(staged)
}

/// A room of `people`, the first of whom made it; each came in by the same link. Gives their rooms and what the relay keeps.
pub fn room_of(suite: Suite, people: &[&Person]) -> (Vec<Room>, Handshake, InviteLink) {
    let (first, others) = people.split_first().unwrap();
    let mut rooms = vec![first.creates(suite)];
    let (link, mut held) = invite(&mut rooms[0], first, None);
    for person in others {
        let joining = person.tries_to_join(&link, &held, rooms[0].epoch()).unwrap();
        for room in &mut rooms {
            receive(room, &joining.handshake).unwrap();
        }
        held = joining.handshake;
        rooms.push(joining.room);
    }
    (rooms, held, link)
}

/// Passes a commit to everyone else.
pub fn pass_on(rooms: &mut [Room], handshake: &Handshake, except: usize) {
    for (index, room) in rooms.iter_mut().enumerate() {
        if index != except {
            receive(room, handshake).unwrap();
        }
    }
}

/// The same, and gives what was committed.
pub fn change(rooms: &mut [Room], who: usize, change: &RoomChange) -> Handshake {
    let handshake = commit(&mut rooms[who], change);
    pass_on(rooms, &handshake, who);
    handshake
}

pub fn say(room: &Room, text: &str) -> Vec<u8> {
    let content = Content::Text(text.into()).encode().unwrap();
    let draft =
        Draft { leaf: room.own_leaf(), id: [1; 16], sent_at_ms: 1, chain: start(room), content: &content };
    message::seal(&room.secrets().unwrap().message, room.device(), &room.id(), room.epoch(), &draft)
        .unwrap()
        .1
}

pub fn hear(room: &Room, entry: &[u8]) -> Result<OpenedMessage, CryptoError> {
    let secret = room.secrets()?.message;
    message::open(&secret, &room.id(), room.epoch(), room.roster(), entry).map(|(_, opened)| opened)
}

pub fn hear_later(room: RoomId, past: &PastEpoch, entry: &[u8]) -> Result<OpenedMessage, CryptoError> {
    message::open(&past.message, &room, past.epoch, &past.roster, entry).map(|(_, opened)| opened)
}

pub fn same_epoch(one: &Room, other: &Room) {
    assert_eq!(one.epoch(), other.epoch());
    assert_eq!(one.secrets().unwrap(), other.secrets().unwrap());
    assert_eq!(one.roster(), other.roster());
    assert_eq!(one.state(), other.state());
    assert_eq!(one.epoch_authenticator(), other.epoch_authenticator());
}

pub fn other_room() -> RoomId {
    RoomId::new([0xee; 16])
}

/// The log of somebody who has just the handshake that a rewind names.
pub fn logged(rewind: &Rewind, entry: &[u8], came_by_door: bool) -> impl FnOnce(u64) -> Option<Left> {
    let left = Left { seq: rewind.bad_seq, entry: entry.to_vec(), kind: EntryKind::of_commit(came_by_door) };
    move |_| Some(left)
}

/// The log of somebody who has nothing to say about a card's chain.
pub const fn no_log(_: u64) -> Place {
    Place::Unknown
}
