//! A relay in memory that does what `docs/PROTOCOL.md` says a relay does, and keeps everything for those who attack later.

use sotto_crypto::{
    AccessKey, JoinKey,
    room::{Handshake, Publication},
};
use sotto_protocol::{CapsuleWrap, DoorId, EntryHeader, EntryId, EntryKind, RoomId};
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
}

impl Logged {
    pub const fn kind(&self) -> EntryKind {
        if self.handshake.is_some() { EntryKind::Handshake } else { EntryKind::Message }
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
    join_key: [u8; 32],
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
            join_key: join_key.public(),
            held: None,
            capsules: BTreeMap::new(),
            links: BTreeMap::new(),
        }
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
        self.epoch += 1;
        self.last_handshake = seq;
        self.began.push(seq);
        self.access_keys.push(handshake.access_key);
        self.join_key = handshake.join_key;
        self.capsules.insert(self.epoch, (handshake.capsule.clone(), handshake.capsule_wraps.clone()));
        self.held = Some(handshake.publication());
        Ok(seq)
    }

    /// What whoever opened the room with an epoch's key may read of the handshakes after `from`.
    pub fn handshakes(&self, epoch: u64, key: &AccessKey, from: u64) -> Result<Vec<Logged>, Refusal> {
        if !self.opens(epoch, key) {
            return Err(Refusal::RoomNotOpen);
        }
        let began = self.began[usize::try_from(epoch).unwrap()];
        let mut found = Vec::new();
        for entry in self.log.iter().filter(|entry| entry.seq > began) {
            let Some(handshake) = &entry.handshake else { continue };
            if entry.seq > from {
                found.push(entry.clone());
            }
            // Past a cut an earlier key opens nothing.
            if handshake.cut {
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
        self.log.push(Logged { seq, id: header.id, epoch: header.epoch, bytes, handshake, by_door });
        seq
    }
}
