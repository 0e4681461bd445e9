//! What the relay holds for an epoch, looked at and made again: card, doors, capsule and wraps.
//!
//! All of it follows from the epoch's secrets and state, except the signature in the card's GroupInfo and the salts. So every
//! member can tell what is wrong, and any member can put it right. Each device looks at what is sealed to its own account;
//! whoever commits next looks at all of it.

use super::{
    InviteId, Publication, Room, RosterEntry,
    card::Card,
    door,
    door::Leaves,
    history,
    history::EpochRecord,
    publish::{Epoch, hands_history_on, leaves_of},
};
use crate::{CryptoError, provider::Provider};
use openmls::{
    framing::{MlsMessageBodyIn, MlsMessageIn},
    group::{ProposalStore, PublicGroup},
    messages::group_info::VerifiableGroupInfo,
    prelude::tls_codec::{DeserializeBytes as _, Serialize as _},
};
use openmls_traits::OpenMlsProvider as _;
use sotto_protocol::{Chain, DoorId};

/// With what a GroupInfo ends (RFC 9420, section 12.4.3): the signer's leaf, and an Ed25519 signature with its length.
const SIGNER_AND_SIGNATURE_BYTES: usize = 4 + 2 + 64;

/// Something the relay holds that is not what it should be. Nothing is lost by it to those who are in the room; it keeps others
/// from coming in or reading on until it is repaired. [`Flaw::Chain`] is more than that: an integrity alarm, which outlasts the
/// repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Flaw {
    /// The card does not open, or is not this epoch's.
    #[error("nobody can come into the room")]
    Card,
    /// A door is missing, wrong or too many.
    #[error("a way into the room is missing or wrong")]
    Doors,
    /// The capsule is missing, does not open, or says something else.
    #[error("the epoch's capsule is missing or wrong")]
    Capsule,
    /// A wrap of the capsule is missing, wrong or too many.
    #[error("a key to the epoch's capsule is missing or wrong")]
    CapsuleWraps,
    /// Room-admin keys are not those of owner and admins.
    #[error("the keys of owner and admins are not the registered ones")]
    AdminKeys,
    /// The card's writer had seen another log than this device, or lies about it. Whoever comes in with the card begins there.
    #[error("the log that newcomers are shown is not the one seen here")]
    Chain,
    /// A history link is missing, does not open, says something else, or gives away what newcomers may not read.
    #[error("what newcomers may read of the time before is missing or wrong")]
    History,
}

/// What a device's own log says of a place, for a card's claim about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The chain's hash there, as this device has verified it.
    Hash([u8; 32]),
    /// Before what this device has verified, or not kept any more: nothing is said about the claim.
    Unknown,
    /// After the last entry. The device has read on to the end since it fetched the card, so there is no such entry.
    Ahead,
}

impl Room {
    /// Makes all of it again. `chain` is the last entry that this device has verified.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] where this device is not in the room any more.
    pub fn republish(&self, chain: Chain) -> Result<Publication, CryptoError> {
        self.republish_without(chain, &self.left_out)
    }

    /// The same, without the doors of some invites.
    pub(super) fn republish_without(
        &self,
        chain: Chain,
        left_out: &[InviteId],
    ) -> Result<Publication, CryptoError> {
        let group_info = self
            .group
            .export_group_info(self.provider.crypto(), &self.device, true)
            .map_err(|_| CryptoError::Mls("no GroupInfo"))?
            .tls_serialize_detached()
            .map_err(|_| CryptoError::Mls("serialization"))?;
        self.with_current(|epoch| Epoch { left_out, ..*epoch }.publication(group_info, chain))
    }

    /// Looks at everything that the relay holds for the current epoch. `place` says what this device's own log has at a seq: by
    /// it the card's chain is judged.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] where this device is not in the room any more.
    pub fn audit(
        &self,
        held: &Publication,
        place: impl FnOnce(u64) -> Place,
    ) -> Result<Vec<Flaw>, CryptoError> {
        self.with_current(|epoch| {
            let mut flaws = Vec::new();
            match self.good_card(epoch, &held.card) {
                Some(card) if !self.is_chain_known(&card.chain, place) => flaws.push(Flaw::Chain),
                Some(_) => {}
                None => flaws.push(Flaw::Card),
            }
            if held.doors != epoch.doors()? {
                flaws.push(Flaw::Doors);
            }
            flaws.extend(self.capsule_flaw(epoch, held)?);
            let wraps = if has_capsule(epoch) { epoch.capsule_wraps()? } else { Vec::new() };
            if held.capsule_wraps != wraps {
                flaws.push(Flaw::CapsuleWraps);
            }
            if held.admin_keys != epoch.admin_keys() {
                flaws.push(Flaw::AdminKeys);
            }
            Ok(flaws)
        })
    }

    /// Looks at what is sealed to this device's own account: its door and its wrap of the capsule. `wrap_of_door` and
    /// `wrap_of_capsule` are what the relay gives for [`Room::own_door`] and [`Room::own_capsule_tag`].
    ///
    /// # Errors
    /// [`CryptoError::Mls`] where this device is not in the room any more.
    pub fn audit_own(
        &self,
        wrap_of_door: Option<&[u8]>,
        wrap_of_capsule: Option<&[u8]>,
    ) -> Result<Vec<Flaw>, CryptoError> {
        self.with_current(|epoch| {
            let own = self.own_entry()?;
            let mut flaws = Vec::new();
            let doors = epoch.doors()?;
            let door = doors.iter().find(|door| door.id == own.door).map(|door| door.wrap.as_slice());
            if door != wrap_of_door {
                flaws.push(Flaw::Doors);
            }
            let tag = history::capsule_tag(&self.state, &own.account)?;
            let wraps = if has_capsule(epoch) { epoch.capsule_wraps()? } else { Vec::new() };
            let wrap = wraps.iter().find(|wrap| wrap.tag == tag).map(|wrap| wrap.wrap.as_slice());
            if wrap != wrap_of_capsule {
                flaws.push(Flaw::CapsuleWraps);
            }
            Ok(flaws)
        })
    }

    /// The door of this device's account.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] where this device is not in the room any more.
    pub fn own_door(&self) -> Result<DoorId, CryptoError> {
        self.own_entry().map(|entry| entry.door)
    }

    /// By which this device's account finds its wrap of a capsule.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] where this device is not in the room any more.
    pub fn own_capsule_tag(&self) -> Result<[u8; 16], CryptoError> {
        history::capsule_tag(&self.state, &self.own_entry()?.account)
    }

    /// The history link that belongs beside the commit which began the epoch, where newcomers may read on and this device was
    /// here before it. Whoever comes in cannot make it: a member adds it.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] where this device is not in the room any more.
    pub fn history_link(&self) -> Result<Option<Vec<u8>>, CryptoError> {
        let message = self.secrets()?.message;
        let link = |record: &EpochRecord| record.to_link(&message, &self.id);
        let is_shared = hands_history_on(&self.state, &self.state);
        self.previous.as_ref().filter(|_| is_shared).map(link).transpose()
    }

    /// Looks at the history link beside the commit that began the epoch; `None` where the relay holds none. Whoever came in with
    /// the epoch does not know the one before, and finds nothing.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] where this device is not in the room any more.
    pub fn audit_history(&self, held: Option<&[u8]>) -> Result<Option<Flaw>, CryptoError> {
        if self.own_entry()?.joined >= self.epoch() {
            return Ok(None);
        }
        let is_good = match (&self.previous, held) {
            (Some(record), Some(link)) => {
                let opened = EpochRecord::open_link(&self.secrets()?.message, &self.id, record.epoch, link);
                opened.is_ok_and(|opened| opened == *record)
            }
            (None, None) => true,
            _ => false,
        };
        Ok((!is_good).then_some(Flaw::History))
    }

    fn own_entry(&self) -> Result<&RosterEntry, CryptoError> {
        self.roster.get(self.own_leaf()).ok_or(CryptoError::Mls("not in the room"))
    }

    /// The room-admin keys of owner and admins, ascending: those that the relay should have. Where it has others, owner or an admin
    /// [hands over](super::Handshake::hand_over) with the next commit.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] where this device is not in the room any more.
    pub fn admin_keys(&self) -> Result<Vec<[u8; 32]>, CryptoError> {
        self.with_current(|epoch| Ok(epoch.admin_keys()))
    }

    fn with_current<T>(
        &self,
        act: impl FnOnce(&Epoch<'_>) -> Result<T, CryptoError>,
    ) -> Result<T, CryptoError> {
        let secrets = self.secrets()?;
        let leaves: Leaves = leaves_of(&self.group)?;
        let certificates = |leaf| self.certificate_at(leaf);
        act(&self.current(&secrets, &leaves, &certificates))
    }

    /// The card, where all of it but its chain is as this device would write it.
    fn good_card(&self, epoch: &Epoch<'_>, sealed: &[u8]) -> Option<Card> {
        let card = Card::open(&door::card_key(epoch.secrets).ok()?, &self.id, sealed).ok()?;
        let is_ours = card.epoch == epoch.number
            && card.handshake == epoch.secrets.handshake
            && card.join == epoch.secrets.join
            && card.access_key == epoch.secrets.access_key().public()
            && card.past == self.next_past
            && self.is_group_info_good(&card.group_info);
        is_ours.then_some(card)
    }

    /// The beginning of the chain is known to everyone.
    fn is_chain_known(&self, claim: &Chain, place: impl FnOnce(u64) -> Place) -> bool {
        if claim.seq == 0 {
            return *claim == Chain::start(&self.id);
        }
        match place(claim.seq) {
            Place::Hash(hash) => hash == claim.hash,
            Place::Unknown => true,
            Place::Ahead => false,
        }
    }

    /// Whether a GroupInfo is of this very group, at this very point: same context, tree, external key and confirmation tag.
    fn is_group_info_good(&self, bytes: &[u8]) -> bool {
        let Ok(message) = MlsMessageIn::tls_deserialize_exact_bytes(bytes) else { return false };
        let MlsMessageBodyIn::GroupInfo(theirs) = message.extract() else { return false };
        let Ok(ours) = self.group.export_group_info(self.provider.crypto(), &self.device, true) else {
            return false;
        };
        let Ok(our_bytes) = ours.tls_serialize_detached() else { return false };
        let Ok(ours) = MlsMessageIn::tls_deserialize_exact_bytes(&our_bytes) else { return false };
        let MlsMessageBodyIn::GroupInfo(ours) = ours.extract() else { return false };
        // In any order: writers differ in it, and nothing depends on it.
        let has_all = |one: &VerifiableGroupInfo, other: &VerifiableGroupInfo| {
            one.extensions().iter().all(|extension| other.extensions().iter().any(|found| found == extension))
        };
        // The library does not show the tag. With a wrong one whoever comes in makes a commit that everyone refuses.
        let tag = |bytes: &[u8]| {
            let (before, _) = bytes.split_at_checked(bytes.len().checked_sub(SIGNER_AND_SIGNATURE_BYTES)?)?;
            let start = before.len().checked_sub(self.group.ciphersuite().hash_length())?;
            before.get(start..).map(<[u8]>::to_vec)
        };
        let is_same = theirs.group_context() == ours.group_context()
            && has_all(&theirs, &ours)
            && has_all(&ours, &theirs)
            && tag(bytes).is_some()
            && tag(bytes) == tag(&our_bytes);
        if !is_same {
            return false;
        }
        // Its signature is checked as whoever comes in will check it.
        let Some(tree) = theirs.extensions().ratchet_tree().map(|tree| tree.ratchet_tree().clone()) else {
            return false;
        };
        let provider = Provider::default();
        let (crypto, storage) = (provider.crypto(), provider.storage());
        PublicGroup::from_external(crypto, storage, tree, theirs, ProposalStore::new()).is_ok()
    }

    fn capsule_flaw(&self, epoch: &Epoch<'_>, held: &Publication) -> Result<Option<Flaw>, CryptoError> {
        let Some(sealed) = &held.capsule else { return Ok(has_capsule(epoch).then_some(Flaw::Capsule)) };
        let key = history::capsule_key(epoch.secrets)?;
        let record = EpochRecord::open_capsule(&key, &self.id, epoch.number, sealed);
        let is_good = has_capsule(epoch) && record.is_ok_and(|record| record == epoch.record());
        Ok((!is_good).then_some(Flaw::Capsule))
    }
}

const fn has_capsule(epoch: &Epoch<'_>) -> bool {
    epoch.state.timer_s.is_none()
}
