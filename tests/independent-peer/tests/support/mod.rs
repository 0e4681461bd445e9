//! The first implementation as the other side: people with devices, and the translation between both sides' types.

#![allow(dead_code, reason = "each test uses a part")]

use sotto_crypto::{
    CryptoError, DeviceKey,
    account::{DoorKey, RecoveryKey, VaultKey},
    identity::{Certificate, CertificateRequest, IdentityKey},
    link::{InviteLink, InviteSecret},
    message::{self, Content, Draft, OpenedMessage},
    room::{
        AccountJoin, Handshake, Invite, JoinRequest, Joining, OwnDevice, Place, Publication, Room,
        RoomChange, RosterEntry, Suite, Transition,
    },
};
use sotto_independent_peer::{
    PeerError,
    capsule::{EpochRecord, capsule_key},
    certificate::Device,
    chain::Chain as PeerChain,
    door::{Door as PeerDoor, InviteKeys},
    encoding,
    entry::{Header, Kind},
    join::Join,
    link::InviteLink as PeerLink,
    room::{Change, Handshake as PeerHandshake, PeerRoom},
    roster::RosterEntry as PeerEntry,
    wrap::Wrap,
};
use sotto_protocol::{CapsuleWrap, Chain, Door, DoorId, EntryKind, RoomId};
use std::collections::BTreeSet;

/// What the relay keeps of a handshake, whoever wrote it.
#[derive(Clone)]
pub struct Offered {
    pub kind: EntryKind,
    pub entry: Vec<u8>,
    pub access_key: [u8; 32],
    pub join_key: [u8; 32],
    pub card: Vec<u8>,
    pub doors: Vec<ListedDoor>,
    pub capsule: Option<Vec<u8>>,
    pub capsule_wraps: Vec<Listed>,
    pub history: Option<Vec<u8>>,
    pub admin_keys: Vec<[u8; 32]>,
    pub cut: bool,
}

/// A capsule wrap: its tag, and the wrap.
pub type Listed = ([u8; 16], Vec<u8>);

/// A door: its id, its wrap, and the key by which it is looked behind.
pub type ListedDoor = ([u8; 16], Vec<u8>, [u8; 32]);

impl From<Handshake> for Offered {
    fn from(handshake: Handshake) -> Self {
        Self {
            kind: handshake.kind,
            entry: handshake.entry,
            access_key: handshake.access_key,
            join_key: handshake.join_key,
            card: handshake.card,
            doors: handshake
                .doors
                .into_iter()
                .map(|door| (*door.id.as_bytes(), door.wrap, door.key))
                .collect(),
            capsule: handshake.capsule,
            capsule_wraps: handshake.capsule_wraps.into_iter().map(|wrap| (wrap.tag, wrap.wrap)).collect(),
            history: handshake.history,
            admin_keys: handshake.admin_keys.into_iter().map(|key| *key).collect(),
            cut: handshake.cut,
        }
    }
}

impl From<PeerHandshake> for Offered {
    fn from(handshake: PeerHandshake) -> Self {
        Self {
            kind: EntryKind::from_code(handshake.kind as u8).unwrap(),
            entry: handshake.entry,
            access_key: handshake.access_key,
            join_key: handshake.join_key,
            card: handshake.card,
            doors: listed_doors(handshake.doors),
            capsule: handshake.capsule,
            capsule_wraps: listed(handshake.capsule_wraps),
            history: handshake.history,
            admin_keys: handshake.admin_keys.into_iter().map(|key| *key).collect(),
            cut: handshake.cut,
        }
    }
}

fn listed_doors(doors: Vec<PeerDoor>) -> Vec<ListedDoor> {
    doors.into_iter().map(|door| (*door.wrap.id, door.wrap.wrap, *door.key)).collect()
}

fn listed(wraps: Vec<Wrap>) -> Vec<Listed> {
    wraps.into_iter().map(|wrap| (*wrap.id, wrap.wrap)).collect()
}

impl Offered {
    /// The epoch that the handshake began.
    pub fn epoch(&self) -> u64 {
        Header::read(&self.entry).unwrap().0.epoch + 1
    }

    /// What is listed for a door.
    pub fn wrap(&self, door: &[u8; 16]) -> &[u8] {
        &self.doors.iter().find(|(id, ..)| id == door).expect("the door is listed").1
    }
}

/// A person who uses the first implementation.
pub struct Person {
    pub identity: IdentityKey,
    pub recovery: Option<RecoveryKey>,
    pub own: OwnDevice,
}

impl Person {
    /// A guest.
    pub fn new(name: &str) -> Self {
        let keys = (VaultKey::generate().unwrap(), DoorKey::generate().unwrap());
        Self::with(name, IdentityKey::generate().unwrap(), None, keys)
    }

    /// Somebody with an account.
    pub fn registered(name: &str) -> Self {
        let keys = (VaultKey::generate().unwrap(), DoorKey::generate().unwrap());
        Self::with(name, IdentityKey::generate().unwrap(), Some(RecoveryKey::generate().unwrap()), keys)
    }

    /// The same account on another device.
    pub fn on_another_device(&self) -> Self {
        let keys = (self.own.vault_key.clone(), self.own.door_key.clone());
        let name = self.own.certificate.display_name();
        Self::with(name, self.identity.clone(), self.recovery.clone(), keys)
    }

    fn with(
        name: &str,
        identity: IdentityKey,
        recovery: Option<RecoveryKey>,
        (vault_key, door_key): (VaultKey, DoorKey),
    ) -> Self {
        let device = DeviceKey::generate().unwrap();
        let recovery_key = recovery.as_ref().map(RecoveryKey::public);
        let request = CertificateRequest {
            device_key: device.public(),
            recovery_key_hash: recovery.as_ref().map(RecoveryKey::public_hash),
            display_name: name,
            generation: u32::from(recovery.is_some()),
            not_before_ms: 1_700_000_000_000,
            operator: None,
            devices: None,
        };
        let certificate = Certificate::issue(&identity, request).unwrap();
        let own = OwnDevice { certificate, device, vault_key, door_key, recovery_key };
        Self { identity, recovery, own }
    }

    /// Comes in by the door of the account.
    pub fn returns(&self, room: RoomId, offered: &Offered) -> Result<Joining, CryptoError> {
        let wrap = offered.wrap(self.own.door(&room).unwrap().as_bytes());
        AccountJoin { room, card: &offered.card, wrap, epoch: offered.epoch(), own: &self.own }.join()
    }

    pub fn creates(&self) -> Room {
        Room::create(Suite::Classical, "Garden", &self.own).unwrap()
    }

    /// Joins by the fragment of a link.
    pub fn joins(&self, fragment: &str, offered: &Offered) -> Result<(Room, Offered), CryptoError> {
        self.joins_at(fragment, offered, offered.epoch())
    }

    /// The same, with an epoch that the relay says.
    pub fn joins_at(
        &self,
        fragment: &str,
        offered: &Offered,
        epoch: u64,
    ) -> Result<(Room, Offered), CryptoError> {
        let link = InviteLink::from_fragment(fragment).unwrap();
        let request = JoinRequest {
            link: &link,
            card: &offered.card,
            wrap: offered.wrap(link.door().unwrap().as_bytes()),
            epoch,
            own: &self.own,
        };
        request.join().map(|joining| (joining.room, joining.handshake.into()))
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
        message::seal(&secret, &self.own.device, &room.id(), room.epoch(), &draft).unwrap().1
    }
}

pub fn start(room: &Room) -> Chain {
    Chain::start(&room.id())
}

pub fn peer_start(room: &PeerRoom) -> PeerChain {
    PeerChain::start(room.id())
}

/// Makes an invite and merges it. Gives the link's fragment too.
pub fn invite(room: &mut Room, by: &Person, max_uses: Option<u32>) -> (String, Offered) {
    let secret = InviteSecret::generate().unwrap();
    let invite = Invite::of_secret(&secret, by.own.certificate.account(), max_uses).unwrap();
    let offered = commit(room, &RoomChange::AddInvite(Box::new(invite), 0));
    let link =
        InviteLink { room: room.id(), secret, inviter: by.own.certificate.account(), epoch: room.epoch() };
    (link.to_fragment().to_string(), offered)
}

pub fn commit(room: &mut Room, change: &RoomChange) -> Offered {
    let handshake = room.commit(change, start(room)).unwrap();
    room.merge_pending().unwrap();
    handshake.into()
}

/// The first implementation takes in a commit.
pub fn receive(room: &mut Room, offered: &Offered) -> Result<Transition, CryptoError> {
    let staged = room.stage(offered.kind, &offered.entry, &offered.access_key)?;
    room.merge(staged)
}

pub fn hear(room: &Room, entry: &[u8]) -> Result<OpenedMessage, CryptoError> {
    let secret = room.secrets().unwrap().message;
    message::open(&secret, &room.id(), room.epoch(), room.roster(), entry).map(|(_, opened)| opened)
}

/// The peer opens its door.
pub fn prepare(fragment: &str, offered: &Offered, device: &Device) -> Result<Join, PeerError> {
    let link = PeerLink::from_fragment(fragment)?;
    let door = InviteKeys::of_secret(&link.secret)?.door;
    Join::by_invite(&link, &offered.card, offered.wrap(&door), offered.epoch(), device)
}

/// The peer joins.
pub fn peer_joins(
    fragment: &str,
    offered: &Offered,
    device: &Device,
) -> Result<(PeerRoom, Offered), PeerError> {
    prepare(fragment, offered, device)?.commit().map(|(room, handshake)| (room, handshake.into()))
}

/// The peer commits and merges.
pub fn peer_commit(room: &mut PeerRoom, change: Change) -> Offered {
    room.commit(change, peer_start(room)).unwrap().into()
}

/// The peer takes in a commit.
pub fn peer_receive(room: &mut PeerRoom, offered: &Offered) -> Result<(), PeerError> {
    let kind = if offered.kind == EntryKind::Join { Kind::Join } else { Kind::Handshake };
    room.follow(kind, &offered.entry, &offered.access_key)
}

/// What one side sees of an epoch: its number, secrets, state as bytes, and leaves.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    epoch: u64,
    secrets: [[u8; 32]; 5],
    registered: [[u8; 32]; 2],
    state: Vec<u8>,
    leaves: Vec<(u32, Vec<u8>)>,
}

/// What the first implementation sees.
pub fn seen(room: &Room) -> Seen {
    let secrets = room.secrets().unwrap();
    let leaf = |(leaf, entry): (u32, &RosterEntry)| (leaf, sotto_protocol::encode(entry));
    Seen {
        epoch: room.epoch(),
        secrets: [
            *secrets.message.seed().expose(),
            *secrets.handshake.seed().expose(),
            *secrets.access.seed().expose(),
            *secrets.join.seed().expose(),
            *secrets.status.seed().expose(),
        ],
        registered: [secrets.access_key().public(), secrets.join_key().public()],
        state: sotto_protocol::encode(room.state()),
        leaves: room.roster().iter().map(leaf).collect(),
    }
}

/// What the peer sees.
pub fn peer_seen(room: &PeerRoom) -> Seen {
    let secrets = room.secrets().unwrap();
    let leaf = |(leaf, entry): (u32, PeerEntry)| (leaf, encoding::encode(&entry.to_record().entry).unwrap());
    Seen {
        epoch: room.epoch(),
        secrets: [secrets.message, secrets.handshake, secrets.access, secrets.join, secrets.status],
        registered: [secrets.access_key(), secrets.join_key()],
        state: encoding::encode(&room.state().unwrap()).unwrap(),
        leaves: room.roster().unwrap().0.into_iter().map(leaf).collect(),
    }
}

/// Both sides stand in the same epoch and see the same.
pub fn same_epoch(ours: &Room, peers: &PeerRoom) {
    assert_eq!(seen(ours), peer_seen(peers));
}

/// What one side registered is, byte for byte, what the peer computes: so both have the same wrap secret too, and derive
/// everything from it alike. A capsule has a random salt, and says the same.
pub fn same_doors(offered: &Offered, peers: &PeerRoom) {
    assert_eq!(offered.doors, listed_doors(peers.doors().unwrap()));
    assert_eq!(offered.capsule_wraps, listed(peers.capsule_wraps().unwrap()));
    let admin_keys: BTreeSet<[u8; 32]> = peers.admin_keys().unwrap().into_iter().map(|key| *key).collect();
    assert_eq!(offered.admin_keys.iter().copied().collect::<BTreeSet<_>>(), admin_keys);
    let opened = offered.capsule.as_ref().map(|capsule| {
        let key = capsule_key(&peers.secrets().unwrap()).unwrap();
        EpochRecord::of_capsule(&key, peers.id(), peers.epoch(), capsule).unwrap()
    });
    let expected = peers.state().unwrap().timer.is_none().then(|| peers.record().unwrap().clone());
    assert!(opened == expected, "capsule");
}

/// The first implementation finds nothing wrong with what was registered for its epoch.
pub fn audit(ours: &Room, offered: &Offered) {
    let door = |(id, wrap, key): &ListedDoor| Door {
        id: DoorId::new(*id),
        wrap: wrap.clone(),
        expires_at_ms: None,
        key: *key,
    };
    let publication = Publication {
        card: offered.card.clone(),
        doors: offered.doors.iter().map(door).collect(),
        capsule: offered.capsule.clone(),
        capsule_wraps: offered
            .capsule_wraps
            .iter()
            .map(|(tag, wrap)| CapsuleWrap { tag: *tag, wrap: wrap.clone(), owner: None })
            .collect(),
        admin_keys: offered.admin_keys.clone(),
    };
    assert_eq!(ours.audit(&publication, |_| Place::Unknown).unwrap(), vec![]);
}
