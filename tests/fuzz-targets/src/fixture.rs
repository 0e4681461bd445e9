//! A small real room, made anew in every process: what Ada and Bob have, send and store.
//!
//! Everything that names the room's interface stands here, so that a change of it is met in one place.

use crate::{history, sealed, status, ways_in};
use core::cell::RefCell;
use sotto_crypto::{
    CryptoError, DeviceKey, Secret,
    account::{DoorKey, RecoveryKey, VaultKey},
    identity::{Certificate, CertificateRequest, IdentityKey},
    link::{InviteLink, InviteSecret},
    room::{Handshake, HistoryReader, Invite, JoinRequest, Joining, OwnDevice, Room, RoomChange, Suite},
    testing::open_entry,
};
use sotto_protocol::{Chain, EntryKind};

/// Seed of Ada's recovery key.
pub const ADAS_RECOVERY: [u8; 32] = [0xa0; 32];
/// Seed of Bob's recovery key.
pub const BOBS_RECOVERY: [u8; 32] = [0xb0; 32];

/// Ada's room with an open invite, and what others could send to it.
pub struct Fixture {
    /// Ada's room, in the epoch that the invite began.
    pub room: Room,
    /// The room as it is stored.
    pub saved: Vec<u8>,
    /// Ada's device.
    pub own: OwnDevice,
    /// The invite's link.
    pub link: InviteLink,
    /// The commit that made the invite, with card and doors.
    pub invite: Handshake,
    /// A newcomer.
    pub newcomer: OwnDevice,
    /// A commit of this epoch, as an MLS message: a newcomer's join.
    pub commit: Vec<u8>,
    /// The content of the invite's card.
    pub card: Vec<u8>,
    /// The GroupInfo in it.
    pub group_info: Vec<u8>,
    /// A wrap at the link's door of the key under which cards are sealed here.
    pub wrap: Vec<u8>,
    /// The record in the invite's capsule.
    pub record: Vec<u8>,
    /// The newcomer's reader of what came before, and the secret under which history links are sealed to it.
    pub history: (HistoryReader, Secret),
    /// That record as a capsule for the newcomer, and the wrap of its key.
    pub capsule: [Vec<u8>; 2],
    /// The newcomer's join as it is stored.
    pub stored_join: Vec<u8>,
    /// What Ada has in her status register.
    pub status: Vec<u8>,
}

thread_local! {
    static CLASSICAL: RefCell<Fixture> = RefCell::new(Fixture::make(Suite::Classical));
    static HYBRID: RefCell<Fixture> = RefCell::new(Fixture::make(Suite::Hybrid));
}

impl Fixture {
    /// Works with the classical room: it is faster, and its commits are small, so edits hit more of what matters.
    pub fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        CLASSICAL.with_borrow_mut(work)
    }

    /// Works with the room of the suite that an input's first byte says: every fourth is hybrid.
    pub fn of_input<T>(input: &[u8], work: impl FnOnce(&mut Self) -> T) -> T {
        if Self::is_hybrid(input) { HYBRID.with_borrow_mut(work) } else { CLASSICAL.with_borrow_mut(work) }
    }

    /// Whether an input is one for the hybrid room.
    pub fn is_hybrid(input: &[u8]) -> bool {
        input.first().is_some_and(|first| first % 4 == 2)
    }

    fn make(suite: Suite) -> Self {
        let own = person("Ada", ADAS_RECOVERY);
        let mut room = Room::create(suite, "Garden", &own).expect("makes a room");
        let secret = InviteSecret::generate().expect("has randomness");
        let invite = Invite::of_secret(&secret, own.certificate.account(), None).expect("makes an invite");
        let change = RoomChange::AddInvite(Box::new(invite), 0);
        let invite = room.commit(&change, Chain::start(&room.id())).expect("commits");
        room.merge_pending().expect("merges");
        let link =
            InviteLink { room: room.id(), secret, inviter: own.certificate.account(), epoch: room.epoch() };
        let card = ways_in::open_card(&link, &invite, room.epoch());
        let newcomer = person("Bob", BOBS_RECOVERY);
        let joining = join(&link, &invite.card, &wrap_of(&link, &invite), room.epoch(), &newcomer)
            .expect("the newcomer comes in");
        let (_, commit) = open_entry(
            room.secrets().expect("has secrets").handshake.seed(),
            &room.id(),
            EntryKind::Join,
            room.epoch(),
            &joining.handshake.entry,
        )
        .expect("opens");
        let stored_join = joining.save().expect("is stored").to_vec();
        let record = history::open_capsule(&room, own.certificate.account(), &invite);
        let next = joining.room.secrets().expect("has secrets").message.seed().clone();
        let history = (joining.history().expect("has a history"), next);
        let capsule = sealed::seal_capsule(&history.0, &room.id(), &record);
        let status = status::real_value(&room, &own.device);
        let saved = room.save().expect("is stored").to_vec();
        let wrap = ways_in::wrap_card_key(&link, room.epoch());
        let (commit, group_info) = (commit.to_vec(), ways_in::group_info(&card));
        Self {
            room,
            saved,
            own,
            link,
            invite,
            newcomer,
            commit,
            card,
            group_info,
            wrap,
            record,
            history,
            capsule,
            stored_join,
            status,
        }
    }
}

/// A newcomer's join, whatever comes of it.
pub fn join(
    link: &InviteLink,
    card: &[u8],
    wrap: &[u8],
    epoch: u64,
    own: &OwnDevice,
) -> Result<Joining, CryptoError> {
    JoinRequest { link, card, wrap, epoch, own }.join()
}

/// The wrap at the link's door.
pub fn wrap_of(link: &InviteLink, handshake: &Handshake) -> Vec<u8> {
    let door = link.door().expect("has a door");
    let found = handshake.doors.iter().find(|candidate| candidate.id == door);
    found.expect("the door is listed").wrap.clone()
}

fn person(name: &str, recovery_seed: [u8; 32]) -> OwnDevice {
    let random = || Secret::random().expect("has randomness");
    let (identity, device) = (IdentityKey::from_seed(&random()), DeviceKey::from_seed(&random()));
    let recovery_key = RecoveryKey::from_seed(Secret::new(recovery_seed));
    let request = CertificateRequest {
        device_key: device.public(),
        recovery_key_hash: Some(recovery_key.public_hash()),
        display_name: name,
        generation: 1,
        not_before_ms: 1_700_000_000_000,
        operator: None,
        devices: None,
    };
    let certificate = Certificate::issue(&identity, request).expect("is issued");
    let (vault_key, door_key) = (VaultKey::from_seed(random()), DoorKey::from_seed(random()));
    OwnDevice { certificate, device, vault_key, door_key, recovery_key: Some(recovery_key.public()) }
}
