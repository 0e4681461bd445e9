//! A relay in memory that does what `docs/PROTOCOL.md` says a relay does, and keeps everything for those who attack later.

use sotto_crypto::{
    AccessKey, JoinKey,
    room::{Confirm, Handshake, Publication},
};
use sotto_protocol::{
    CapsuleWrap, DoorId, EntryHeader, EntryId, EntryKind, Rewind, RewindAuthority, RoomId, confirm_statement,
    entry_hash,
};
use std::collections::BTreeMap;

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    RoomNotOpen,
    StaleEpoch,
    Conflict,
    EntryIdReused,
    DoorClosed,
    BadSignature,
    /// It is not the last handshake, or not as it is in the log.
    NotTheLast,
    /// By an access key, what came by no door or is confirmed.
    NotTheirs,
}

/// An entry of the log.
#[derive(Clone)]
pub struct Logged {
    pub seq: u64,
    pub id: EntryId,
    /// By its header: for a handshake the epoch that it leaves.
    pub epoch: u64,
    pub bytes: Vec<u8>,
    /// What went with it, for a handshake.
    pub handshake: Option<Box<Handshake>>,
    /// Whether it was appended through a door.
    pub by_door: bool,
    /// What it voids, for a rewind.
    pub rewind: Option<Box<Rewind>>,
    /// Whether a rewind has voided it.
    pub is_void: bool,
    /// Whether nobody can follow it.
    pub is_garbage: bool,
}

impl Logged {
    pub const fn kind(&self) -> EntryKind {
        match (&self.handshake, &self.rewind) {
            (Some(_), _) => EntryKind::of_commit(self.by_door),
            (None, Some(_)) => EntryKind::Rewind,
            (None, None) => EntryKind::Message,
        }
    }
}

/// By what right a handshake is appended. Whoever has the key could sign the challenge with it.
pub enum By<'a> {
    Member(&'a AccessKey),
    Door(&'a JoinKey, DoorId),
}

/// One room at the relay.
pub struct Relay {
    pub room: RoomId,
    pub log: Vec<Logged>,
    pub epoch: u64,
    pub last_handshake: u64,
    access_keys: Vec<[u8; 32]>,
    /// By epoch, the seq of the handshake that began it.
    pub began: Vec<u64>,
    /// Those of epochs that a rewind has voided. They open handshakes still.
    void_keys: Vec<[u8; 32]>,
    join_key: [u8; 32],
    /// Before the last handshake: the join key, and the keys of owner and admins.
    before: ([u8; 32], Vec<[u8; 32]>),
    /// Whether a member of the epoch before has confirmed the last handshake.
    is_confirmed: bool,
    pub held: Option<Publication>,
    pub capsules: BTreeMap<u64, (Option<Vec<u8>>, Vec<CapsuleWrap>)>,
    /// History links, by the epoch that they show.
    pub links: BTreeMap<u64, Vec<u8>>,
}

impl Relay {
    pub fn create(room: RoomId, access_key: &AccessKey, join_key: &JoinKey) -> Self {
        Self {
            room,
            log: Vec::new(),
            epoch: 0,
            last_handshake: 0,
            access_keys: vec![access_key.public()],
            began: vec![0],
            void_keys: Vec::new(),
            join_key: join_key.public(),
            before: (join_key.public(), Vec::new()),
            is_confirmed: false,
            held: None,
            capsules: BTreeMap::new(),
            links: BTreeMap::new(),
        }
    }

    /// The access key that is registered for an epoch.
    pub fn access_key(&self, epoch: u64) -> [u8; 32] {
        self.access_keys[usize::try_from(epoch).unwrap()]
    }

    pub fn head(&self) -> u64 {
        self.log.len() as u64
    }

    pub fn entry(&self, seq: u64) -> &Logged {
        &self.log[usize::try_from(seq).unwrap() - 1]
    }

    /// Appends a message.
    pub fn append(&mut self, key: &AccessKey, bytes: &[u8]) -> Result<u64, Refusal> {
        let (header, _) = EntryHeader::split(bytes).unwrap();
        if let Some(known) = self.known(&header, bytes) {
            return known;
        }
        if header.epoch != self.epoch {
            return Err(Refusal::StaleEpoch);
        }
        if !self.opens(self.epoch, key) {
            return Err(Refusal::RoomNotOpen);
        }
        Ok(self.store(header, bytes, None, false))
    }

    /// Appends a handshake by compare-and-swap.
    pub fn append_handshake(
        &mut self,
        by: &By<'_>,
        last_handshake: u64,
        handshake: &Handshake,
    ) -> Result<u64, Refusal> {
        let (header, _) = EntryHeader::split(&handshake.entry).unwrap();
        assert!(handshake.doors.is_empty() || handshake.doors.len().is_power_of_two());
        if let By::Member(key) = by
            && !(0..=self.epoch).any(|epoch| self.opens(epoch, key))
        {
            return Err(Refusal::RoomNotOpen);
        }
        if let Some(known) = self.known(&header, &handshake.entry) {
            return known;
        }
        if let By::Door(_, door) = by
            && self.card(door).is_none()
        {
            return Err(Refusal::DoorClosed);
        }
        if last_handshake != self.last_handshake || header.epoch != self.epoch {
            return Err(Refusal::Conflict);
        }
        match by {
            By::Member(key) if !self.opens(self.epoch, key) => return Err(Refusal::RoomNotOpen),
            By::Door(key, _) if key.public() != self.join_key => return Err(Refusal::BadSignature),
            _ => {}
        }
        let by_door = matches!(by, By::Door(..));
        let seq = self.store(header, &handshake.entry, Some(Box::new(handshake.clone())), by_door);
        if let Some(link) = &handshake.history {
            self.links.insert(self.epoch, link.clone());
        }
        let admins = self.held.as_ref().map_or_else(Vec::new, |held| held.admin_keys.clone());
        self.before = (self.join_key, admins);
        self.is_confirmed = !by_door;
        self.epoch += 1;
        self.last_handshake = seq;
        self.began.push(seq);
        self.access_keys.push(handshake.access_key);
        self.join_key = handshake.join_key;
        self.hold(handshake.publication());
        Ok(seq)
    }

    /// Keeps something else for the current epoch.
    pub fn hold(&mut self, held: Publication) {
        self.capsules.insert(self.epoch, (held.capsule.clone(), held.capsule_wraps.clone()));
        self.held = Some(held);
    }

    /// Notes that a member of the epoch before finds the last join good.
    pub fn confirm(&mut self, confirm: &Confirm) -> Result<(), Refusal> {
        let bad = self.entry(self.last_handshake);
        let statement = confirm_statement(&self.room, bad.seq, &entry_hash(&bad.bytes));
        let key = self.access_keys[usize::try_from(self.epoch).unwrap() - 1];
        verify(&key, &statement, &confirm.signature)?;
        self.is_confirmed = true;
        Ok(())
    }

    /// Voids the last handshake and all after it.
    pub fn rewind(&mut self, rewind: &Rewind, held: Publication) -> Result<u64, Refusal> {
        let bad = self.entry(self.last_handshake);
        let left = usize::try_from(rewind.epoch).unwrap();
        if rewind.bad_seq != bad.seq
            || rewind.bad_entry != entry_hash(&bad.bytes)
            || rewind.epoch + 1 != self.epoch
            || rewind.access_key != self.access_keys[left]
            || rewind.published_hash != held.clone().into_published().hash()
        {
            return Err(Refusal::NotTheLast);
        }
        let key = match &rewind.authority {
            RewindAuthority::Access if self.is_confirmed => return Err(Refusal::NotTheirs),
            RewindAuthority::Access => rewind.access_key,
            RewindAuthority::Admin(key) if self.before.1.contains(key) => **key,
            RewindAuthority::Admin(_) => return Err(Refusal::NotTheirs),
        };
        verify(&key, &rewind.statement(&self.room), &rewind.signature)?;
        for entry in self.log.iter_mut().filter(|entry| entry.seq >= rewind.bad_seq) {
            entry.is_void = true;
        }
        let (bytes, id) = (rewind.to_bytes(), EntryId::new(sotto_crypto::random_array().unwrap()));
        let seq = self.head() + 1;
        self.log.push(Logged {
            seq,
            id,
            epoch: rewind.epoch,
            bytes,
            handshake: None,
            by_door: false,
            rewind: Some(Box::new(rewind.clone())),
            is_void: false,
            is_garbage: false,
        });
        self.capsules.remove(&self.epoch);
        self.links.remove(&rewind.epoch);
        self.epoch = rewind.epoch;
        self.void_keys.extend(self.access_keys.pop());
        self.began.pop();
        self.join_key = self.before.0;
        self.last_handshake = seq;
        self.is_confirmed = true;
        self.hold(held);
        Ok(seq)
    }

    /// What whoever opened the room with an epoch's key may read of the handshakes after `from`.
    pub fn handshakes(&self, epoch: u64, key: &AccessKey, from: u64) -> Result<Vec<Logged>, Refusal> {
        if !self.opens(epoch, key) && !self.void_keys.contains(&key.public()) {
            return Err(Refusal::RoomNotOpen);
        }
        let began = self.began.get(usize::try_from(epoch).unwrap()).copied().unwrap_or(from);
        let mut found = Vec::new();
        for entry in self.log.iter().filter(|entry| entry.seq > began) {
            if entry.kind() == EntryKind::Message {
                continue;
            }
            if entry.seq > from {
                found.push(entry.clone());
            }
            // Past a cut an earlier key opens nothing.
            if !entry.is_void && entry.handshake.as_ref().is_some_and(|handshake| handshake.cut) {
                break;
            }
        }
        Ok(found)
    }

    /// Everything after `from`, for whoever has the current epoch's key.
    pub fn page(&self, key: &AccessKey, from: u64) -> Result<Vec<Logged>, Refusal> {
        if self.opens(self.epoch, key) {
            Ok(self.log.iter().filter(|entry| entry.seq > from).cloned().collect())
        } else {
            Err(Refusal::RoomNotOpen)
        }
    }

    /// The card's key, sealed to a door, where that is open.
    pub fn card(&self, door: &DoorId) -> Option<(&Publication, &[u8])> {
        let held = self.held.as_ref()?;
        held.doors.iter().find(|listed| listed.id == *door).map(|listed| (held, listed.wrap.as_slice()))
    }

    fn opens(&self, epoch: u64, key: &AccessKey) -> bool {
        self.access_keys.get(usize::try_from(epoch).unwrap()) == Some(&key.public())
    }

    fn known(&self, header: &EntryHeader, bytes: &[u8]) -> Option<Result<u64, Refusal>> {
        let entry = self.log.iter().find(|entry| entry.id == header.id)?;
        Some(if entry.bytes == bytes { Ok(entry.seq) } else { Err(Refusal::EntryIdReused) })
    }

    fn store(
        &mut self,
        header: EntryHeader,
        bytes: &[u8],
        handshake: Option<Box<Handshake>>,
        by_door: bool,
    ) -> u64 {
        let seq = self.head() + 1;
        let bytes = bytes.to_vec();
        self.log.push(Logged {
            seq,
            id: header.id,
            epoch: header.epoch,
            bytes,
            handshake,
            by_door,
            rewind: None,
            is_void: false,
            is_garbage: false,
        });
        seq
    }
}

fn verify(key: &[u8; 32], statement: &[u8], signature: &[u8; 64]) -> Result<(), Refusal> {
    sotto_protocol::signature::verify(key, statement, signature).map_err(|_| Refusal::BadSignature)
}
