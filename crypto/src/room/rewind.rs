//! Wedge and repair: what to do with a handshake that the relay has taken and nobody, or not everybody, can follow.
//!
//! The relay cannot judge a handshake. One that breaks the rules still moves its epoch on, and the room would stand still. A
//! *rewind* is a signed entry of the log that voids everything from the bad one on and makes the epoch before current again. A
//! join through a door can be voided by any member of the epoch before, until one of them *confirms* it; any other handshake only
//! by owner or admins.

use super::{Checkpoint, InviteId, KnownRoom, Publication, Room, policy};
use crate::{AdminKey, CryptoError, entry, link::InviteLink};
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};
use sotto_protocol::{Chain, EntryKind, Rewind, RewindAuthority, confirm_statement, entry_hash};

/// The handshake that left an epoch, as a device's own log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its place.
    pub seq: u64,
    /// The entry.
    pub entry: Vec<u8>,
    /// Its kind: a member's commit, or a join.
    pub kind: EntryKind,
}

/// What a rewind means for this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RewindEffect {
    /// It had not followed the bad handshake, and goes on from where it stands.
    Unmoved,
    /// It had, and is back in the epoch before. What it said since is to be sent anew.
    Restored,
    /// This device came in by what is voided, or later: it is not in the room any more, and comes in again the way it came. What
    /// it said is to be sent anew.
    JoinUndone(UndoneJoin),
}

/// A join of this device that was voided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoneJoin {
    /// How to come in again.
    pub way: WayIn,
    /// What the card must fit, for [`JoinRequest::join_again`](super::JoinRequest::join_again) and
    /// [`AccountJoin::heal`](super::AccountJoin::heal). `None` where the epoch from which this device came in was voided as well:
    /// it had seen another room than the members have.
    pub known: Option<Box<KnownRoom>>,
}

/// How a device came in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum WayIn {
    /// By an invite.
    #[n(0)]
    Link(#[n(0)] Box<InviteLink>),
    /// By the door of its account.
    #[n(1)]
    AccountDoor,
}

/// A device's own join, until it is known to be good: who may void it, and how to come in again.
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct OwnJoin {
    /// The epoch that the join left.
    #[n(0)]
    pub epoch: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub entry_hash: [u8; 32],
    /// The public access key of that epoch, by the card.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub access_key: [u8; 32],
    #[n(3)]
    pub way: WayIn,
    /// The room in that epoch, by the card.
    #[n(4)]
    pub known: Box<KnownRoom>,
}

/// A member's word that a join is good: the relay then forgets what it kept for voiding it.
#[derive(Clone, PartialEq, Eq)]
pub struct Confirm {
    /// By the access key of the epoch before the join.
    pub signature: [u8; 64],
}

impl core::fmt::Debug for Confirm {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Confirm(…)")
    }
}

impl Room {
    /// Confirms the join that this device merged last, at `seq`. `None` where there is nothing to confirm.
    ///
    /// # Errors
    /// [`CryptoError::Malformed`] only for a fault in here.
    pub fn confirm(&self, seq: u64, entry_hash: &[u8; 32]) -> Result<Option<Confirm>, CryptoError> {
        let Some(before) = self.before_last()? else { return Ok(None) };
        let key = before.secrets()?.access_key();
        Ok(Some(Confirm { signature: key.sign(&confirm_statement(&self.id, seq, entry_hash)) }))
    }

    /// Forgets the epoch before the last join, or the way by which this device came in: that is confirmed.
    pub fn forget_checkpoint(&mut self) {
        self.checkpoint = None;
        self.own_join = None;
    }

    /// Voids a handshake that left this device's epoch and that it cannot follow. Gives the entry, and what the relay is to keep
    /// for the epoch from then on. With an admin key anything can be voided, without one only what came through a door.
    ///
    /// # Errors
    /// [`CryptoError::Mls`] where this device is not in the room any more.
    pub fn make_rewind(
        &self,
        bad_seq: u64,
        bad_entry: &[u8; 32],
        admin: Option<&AdminKey>,
        chain: Chain,
    ) -> Result<(Rewind, Publication), CryptoError> {
        let publication = self.republish(chain)?;
        self.sign_rewind((bad_seq, bad_entry), admin, None, publication)
    }

    /// The same for a join, and nobody comes in any more by the invite through which it came: its door is closed while this epoch
    /// lasts, and any member may close the invite.
    ///
    /// # Errors
    /// As [`Room::make_rewind`]; [`CryptoError::Malformed`] where there is no such invite.
    pub fn make_rewind_leaving_out(
        &self,
        bad_seq: u64,
        bad_entry: &[u8; 32],
        (invite, admin): (InviteId, Option<&AdminKey>),
        chain: Chain,
    ) -> Result<(Rewind, Publication), CryptoError> {
        if self.state.invite(&invite).is_none() {
            return Err(CryptoError::Malformed("invite"));
        }
        let left_out = [&self.left_out[..], &[invite]].concat();
        let publication = self.republish_without(chain, &left_out)?;
        self.sign_rewind((bad_seq, bad_entry), admin, Some(invite), publication)
    }

    /// A step back from far: voids what came after an epoch to which this device has never come, where the relay voids no more at once.
    /// `left` is what left that epoch, and `access_key` what was registered with the handshake that began it. Nothing is published for
    /// it, since nobody is in it.
    #[must_use]
    pub fn make_step_back(
        &self,
        left: (u64, u64, &[u8; 32]),
        access_key: &[u8; 32],
        admin: &AdminKey,
    ) -> (Rewind, Publication) {
        let (bad_seq, epoch, bad_entry) = left;
        let nothing = Publication {
            card: Vec::new(),
            doors: Vec::new(),
            capsule: None,
            capsule_wraps: Vec::new(),
            admin_keys: Vec::new(),
        };
        let mut rewind = Rewind {
            bad_seq,
            epoch,
            bad_entry: *bad_entry,
            access_key: *access_key,
            published_hash: nothing.clone().into_published().hash(),
            authority: RewindAuthority::Admin(admin.public().into()),
            left_out: None,
            signature: [0; 64],
        };
        rewind.signature = admin.sign(&rewind.statement(&self.id));
        (rewind, nothing)
    }

    fn sign_rewind(
        &self,
        (bad_seq, bad_entry): (u64, &[u8; 32]),
        admin: Option<&AdminKey>,
        left_out: Option<InviteId>,
        publication: Publication,
    ) -> Result<(Rewind, Publication), CryptoError> {
        let access = self.secrets()?.access_key();
        let authority = match admin {
            Some(key) => RewindAuthority::Admin(key.public().into()),
            None => RewindAuthority::Access,
        };
        let mut rewind = Rewind {
            bad_seq,
            epoch: self.epoch(),
            bad_entry: *bad_entry,
            access_key: access.public(),
            published_hash: publication.clone().into_published().hash(),
            authority,
            left_out,
            signature: [0; 64],
        };
        let statement = rewind.statement(&self.id);
        rewind.signature = admin.map_or_else(|| access.sign(&statement), |key| key.sign(&statement));
        Ok((rewind, publication))
    }

    /// Follows a rewind. `left_by` gives the handshake that left an epoch, by this device's own log; `None` where that has none,
    /// or none that is not voided already. The rewind must name this very handshake.
    ///
    /// # Errors
    /// [`CryptoError::Forbidden`] where it names another handshake or another access key than the epoch's, or is not signed by
    /// who may; [`CryptoError::WrongEpoch`] where this device has not come to that epoch yet. The room stays as it is then.
    pub fn rewind(
        &mut self,
        rewind: &Rewind,
        left_by: impl FnOnce(u64) -> Option<Left>,
    ) -> Result<RewindEffect, CryptoError> {
        self.check_rules()?;
        if self.epoch() < rewind.epoch {
            return Err(CryptoError::WrongEpoch { expected: rewind.epoch, found: self.epoch() });
        }
        if let Some(undone) = self.undone_with_more(rewind)? {
            return Ok(RewindEffect::JoinUndone(undone));
        }
        let left = left_by(rewind.epoch)
            .filter(|left| left.seq == rewind.bad_seq && entry_hash(&left.entry) == rewind.bad_entry)
            .ok_or(FORBIDDEN)?;
        if self.epoch() == rewind.epoch {
            self.judge_rewind_here(rewind, left.kind)?;
            if self.has_pending_commit() {
                self.discard_pending()?;
            }
            self.remember_voided(&left)?;
            self.leave_out(rewind);
            return Ok(RewindEffect::Unmoved);
        }
        let is_of_it = self.checkpoint.as_ref().is_some_and(|before| before.entry_hash == rewind.bad_entry);
        let before = self.before_last()?.filter(|before| is_of_it && before.epoch() == rewind.epoch);
        if let Some(mut before) = before {
            before.judge_rewind_here(rewind, left.kind)?;
            // What was pending then lost its race; as for those who did not move, nothing is pending now.
            if before.has_pending_commit() {
                before.discard_pending()?;
            }
            before.remember_voided(&left)?;
            before.leave_out(rewind);
            *self = before;
            return Ok(RewindEffect::Restored);
        }
        self.judge_undone_join(rewind)
    }

    /// A rewind to the very epoch that this is.
    fn judge_rewind_here(&self, rewind: &Rewind, kind: EntryKind) -> Result<(), CryptoError> {
        let access_key = self.secrets()?.access_key().public();
        // With another one nobody would get at the room any more.
        if rewind.access_key != access_key {
            return Err(FORBIDDEN);
        }
        Ok(policy::judge_rewind(&self.before(), &access_key, rewind, kind)?)
    }

    /// A rewind to an epoch that is gone, which this device has followed from. Nobody may void that: it would have to believe the
    /// card of the one who does, for all that was decided since. Only of its own join, while that is not known to be good, a device
    /// knows who may void it: of the room it has the card's word anyway.
    fn judge_undone_join(&self, rewind: &Rewind) -> Result<RewindEffect, CryptoError> {
        let is_it = |join: &&OwnJoin| join.epoch == rewind.epoch && join.entry_hash == rewind.bad_entry;
        let join = self.own_join.as_ref().filter(is_it).ok_or(FORBIDDEN)?;
        if join.access_key != rewind.access_key {
            return Err(FORBIDDEN);
        }
        let then = policy::Before { epoch: rewind.epoch, ..self.before() };
        policy::judge_rewind(&then, &join.access_key, rewind, EntryKind::Join)?;
        let known = Some(join.known.clone());
        Ok(RewindEffect::JoinUndone(UndoneJoin { way: join.way.clone(), known }))
    }

    /// Where the epoch itself is voided from which this device came in, all that it knows of the room is void, who may say so included.
    /// But it came in on a card's word, and by that word only owner or an admin undoes what others have followed: so one of these must
    /// have signed, or a relay could throw a newcomer out with bytes of its own, again and again. It comes in again then, and its person
    /// is told that it may be another room.
    fn undone_with_more(&self, rewind: &Rewind) -> Result<Option<UndoneJoin>, CryptoError> {
        let Some(join) = self.own_join.as_ref().filter(|join| rewind.epoch < join.epoch) else {
            return Ok(None);
        };
        if !matches!(rewind.authority, RewindAuthority::Admin(_)) {
            return Err(FORBIDDEN);
        }
        let then = policy::Before { epoch: rewind.epoch, ..self.before() };
        policy::judge_rewind(&then, &rewind.access_key, rewind, EntryKind::Join)?;
        Ok(Some(UndoneJoin { way: join.way.clone(), known: None }))
    }

    fn leave_out(&mut self, rewind: &Rewind) {
        let invite = rewind.left_out.filter(|invite| self.state.invite(invite).is_some());
        self.left_out.extend(invite.filter(|invite| !self.left_out.contains(invite)));
    }

    /// Of what opens: so that nobody appends the same commit again, under another entry id.
    fn remember_voided(&mut self, left: &Left) -> Result<(), CryptoError> {
        let handshake = self.secrets()?.handshake;
        let opened = entry::open(handshake.seed(), &self.id, left.kind, self.epoch(), &left.entry);
        if let Ok((_, commit)) = opened {
            self.voided.push(<[u8; 32]>::from(Sha256::digest(&*commit)).into());
        }
        Ok(())
    }

    /// A commit that was voided in this epoch.
    pub(super) fn refuse_voided(&self, commit: &[u8]) -> Result<(), CryptoError> {
        let hash = <[u8; 32]>::from(Sha256::digest(commit));
        if self.voided.iter().any(|voided| **voided == hash) { Err(FORBIDDEN) } else { Ok(()) }
    }

    fn before_last(&self) -> Result<Option<Self>, CryptoError> {
        let load = |checkpoint: &Checkpoint| Self::load(self.id, self.device.clone(), &checkpoint.room);
        self.checkpoint.as_ref().map(load).transpose()
    }
}

const FORBIDDEN: CryptoError = CryptoError::Forbidden(policy::Violation::Rewind);
