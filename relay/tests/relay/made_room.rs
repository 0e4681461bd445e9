//! A room as a test makes it: keys, handshakes, rewinds and words for joins.

use super::{Client, door, public, published, random, signing_key};
use ed25519_dalek::{Signer as _, SigningKey};
use sotto_protocol::{
    AppendHandshake, AppendRewind, ConfirmJoin, CreateRoom, DoorId, EntryHeader, EntryId, Handover,
    JoinAuthority, Published, Rewind, RewindAuthority, RoomId, confirm_statement, encode, entry_hash,
    handover_statement, join_statement, open_statement,
};

/// An entry of that epoch with a fresh id.
pub fn entry(epoch: u64, body: &[u8]) -> Vec<u8> {
    entry_with_id(epoch, EntryId::new(random()), body)
}

pub fn entry_with_id(epoch: u64, id: EntryId, body: &[u8]) -> Vec<u8> {
    let mut entry = EntryHeader { epoch, id }.to_bytes().to_vec();
    entry.extend_from_slice(body);
    entry.extend_from_slice(&[0; 16]);
    entry
}

/// The keys of a room's epochs, as a member has them.
#[derive(Clone)]
pub struct Room {
    pub id: RoomId,
    pub access: Vec<SigningKey>,
    pub join: Vec<SigningKey>,
    pub last_handshake_seq: u64,
    /// The room-admin key that counts, as far as it was handed over here.
    pub admin: SigningKey,
}

impl Room {
    pub fn new() -> Self {
        let (id, admin) = (RoomId::new(random()), signing_key());
        let mut room = Self { id, access: Vec::new(), join: Vec::new(), last_handshake_seq: 0, admin };
        room.next_keys();
        room
    }

    pub fn epoch(&self) -> u64 {
        self.access.len() as u64 - 1
    }

    fn next_keys(&mut self) {
        self.access.push(SigningKey::from_bytes(&random()));
        self.join.push(SigningKey::from_bytes(&random()));
    }

    pub fn access_key(&self, epoch: u64) -> [u8; 32] {
        self.access[epoch as usize].verifying_key().to_bytes()
    }

    pub fn creation(&self) -> CreateRoom {
        CreateRoom {
            room: self.id,
            access_key: self.access_key(0),
            join_key: self.join[0].verifying_key().to_bytes(),
            token: None,
            admin_key: public(&self.admin),
        }
    }

    /// Has the room administered by others from that handshake on.
    pub fn hand_over(&mut self, commit: &mut AppendHandshake, to: &[&SigningKey]) {
        commit.handover = Some(self.handover(commit, &self.admin, to));
        self.admin = to[0].clone();
    }

    /// The same word by any key.
    pub fn handover(&self, commit: &AppendHandshake, by: &SigningKey, to: &[&SigningKey]) -> Handover {
        let (header, _) = EntryHeader::split(&commit.entry).unwrap();
        // The owner's first.
        let mut keys: Vec<_> = to.iter().map(|key| public(key).into()).collect();
        keys[1..].sort_unstable();
        let statement = handover_statement(&self.id, header.epoch, &entry_hash(&commit.entry), &keys);
        Handover { keys, signer: public(by), signature: by.sign(&statement).to_bytes() }
    }

    /// What leads the room into its next epoch. The room here goes there at once.
    pub fn commit(&mut self, doors: &[DoorId]) -> AppendHandshake {
        let entry = entry(self.epoch(), b"commit");
        let last_handshake_seq = self.last_handshake_seq;
        self.next_keys();
        let doors = doors.iter().copied().map(door);
        AppendHandshake {
            room: self.id,
            last_handshake_seq,
            entry,
            access_key: self.access_key(self.epoch()),
            join_key: self.join[self.epoch() as usize].verifying_key().to_bytes(),
            card: format!("card of epoch {}", self.epoch()).into_bytes(),
            doors: doors.collect(),
            join: None,
            capsule: None,
            capsule_wraps: None,
            history: None,
            handover: None,
            cut: None,
        }
    }

    /// Back where the room was in that epoch, after a rewind at `rewind_seq`.
    pub fn go_back(&mut self, epoch: u64, rewind_seq: u64) {
        self.access.truncate(epoch as usize + 1);
        self.join.truncate(epoch as usize + 1);
        self.last_handshake_seq = rewind_seq;
    }

    /// Voids a handshake that left `epoch`.
    pub fn rewind(
        &self,
        epoch: u64,
        (bad_seq, bad_entry): (u64, &[u8]),
        by: Option<&SigningKey>,
    ) -> AppendRewind {
        self.rewind_with(epoch, (bad_seq, bad_entry), by, published(&[], b"card after the rewind"))
    }

    /// The same, with what is to be kept for the epoch that is current again.
    pub fn rewind_with(
        &self,
        epoch: u64,
        (bad_seq, bad_entry): (u64, &[u8]),
        by: Option<&SigningKey>,
        published: Published,
    ) -> AppendRewind {
        self.sign_rewind(epoch, (bad_seq, bad_entry), by, (None, published))
    }

    /// The same, by the access key, without the door through which the join came.
    pub fn rewind_leaving_out(
        &self,
        epoch: u64,
        (bad_seq, bad_entry): (u64, &[u8]),
        left_out: Option<DoorId>,
        published: Published,
    ) -> AppendRewind {
        self.sign_rewind(epoch, (bad_seq, bad_entry), None, (left_out, published))
    }

    fn sign_rewind(
        &self,
        epoch: u64,
        (bad_seq, bad_entry): (u64, &[u8]),
        by: Option<&SigningKey>,
        (left_out, published): (Option<DoorId>, Published),
    ) -> AppendRewind {
        let access = &self.access[epoch as usize];
        let mut rewind = Rewind {
            bad_seq,
            epoch,
            bad_entry: entry_hash(bad_entry),
            access_key: self.access_key(epoch),
            published_hash: published.hash(),
            authority: by.map_or(RewindAuthority::Access, |key| {
                RewindAuthority::Admin(key.verifying_key().to_bytes().into())
            }),
            left_out,
            signature: [0; 64],
        };
        rewind.signature = by.unwrap_or(access).sign(&rewind.statement(&self.id)).to_bytes();
        AppendRewind { room: self.id, rewind: encode(&rewind), published }
    }

    /// A word by the access key of `epoch` for a join.
    pub fn confirm(&self, epoch: u64, seq: u64, entry: &[u8]) -> ConfirmJoin {
        let statement = confirm_statement(&self.id, seq, &entry_hash(entry));
        let signature = self.access[epoch as usize].sign(&statement).to_bytes();
        ConfirmJoin { room: self.id, seq, signature, admin_key: None }
    }

    /// The same by a room-admin key.
    pub fn confirm_by(&self, admin: &SigningKey, seq: u64, entry: &[u8]) -> ConfirmJoin {
        let signature = admin.sign(&confirm_statement(&self.id, seq, &entry_hash(entry))).to_bytes();
        let admin_key = Some(admin.verifying_key().to_bytes().into());
        ConfirmJoin { room: self.id, seq, signature, admin_key }
    }

    pub fn open_signature(&self, client: &Client, epoch: u64) -> [u8; 64] {
        let statement = open_statement(&client.authority, &client.welcome.challenge, &self.id, epoch);
        self.access[epoch as usize].sign(&statement).to_bytes()
    }

    /// Makes a commit a join: `epoch` is the one it leaves.
    pub fn join(&self, client: &Client, epoch: u64, door: DoorId, commit: &mut AppendHandshake) {
        let statement = join_statement(
            &client.authority,
            &client.welcome.challenge,
            &self.id,
            epoch,
            &door,
            &commit.entry,
        );
        let signature = self.join[epoch as usize].sign(&statement).to_bytes();
        commit.join = Some(JoinAuthority { door, signature });
    }
}
