//! An owner or admin who attacks: with keys that count at the relay, against what others have followed.

use crate::{people::Who, world::World};
use proptest::sample::Index;
use sotto_crypto::{
    CryptoError,
    room::{Left, RewindEffect},
};
use sotto_protocol::{Rewind, RewindAuthority};

impl World {
    /// Owner or an admin voids a handshake that others have followed, so many epochs back. The relay would take it. Nobody is moved but
    /// those for whom it is their own join, or the last join, and not known to be good.
    pub fn attack(&mut self, by: Index, back: u64) {
        let admins: Vec<Who> =
            self.clients.keys().copied().filter(|who| self.admin_of(*who).is_some()).collect();
        let Some(by) = admins.get(by.index(admins.len().max(1))).copied() else { return };
        let Some(epoch) = self.relay.epoch.checked_sub(1 + back) else { return };
        let bad = self.relay.entry(self.relay.began[usize::try_from(epoch + 1).unwrap()]).clone();
        let key = self.admin_of(by).unwrap();
        let published = self.relay.held.clone().unwrap().into_published();
        let mut rewind = Rewind {
            bad_seq: bad.seq,
            epoch,
            bad_entry: sotto_protocol::entry_hash(&bad.bytes),
            access_key: self.relay.access_key(epoch),
            published_hash: published.hash(),
            authority: RewindAuthority::Admin(key.public().into()),
            left_out: None,
            signature: [0; 64],
        };
        rewind.signature = key.sign(&rewind.statement(&self.relay.room));
        let others: Vec<Who> = self.clients.keys().copied().filter(|who| *who != by).collect();
        let mut moved = 0;
        for who in others {
            let client = self.clients.get_mut(&who).unwrap();
            if client.is_gone() || client.room.epoch() <= epoch {
                continue;
            }
            client.store();
            let (stands_in, before) = (client.room.epoch(), client.saved());
            let joined = client.room.roster().get(client.room.own_leaf()).unwrap().joined;
            let left = Left { seq: bad.seq, entry: bad.bytes.clone(), kind: bad.kind() };
            match client.room.rewind(&rewind, |number| (number == epoch).then_some(left)) {
                Err(CryptoError::Forbidden(_)) => {
                    assert!(client.saved() == before, "a refused rewind leaves the room as it was");
                }
                // It goes back to what it kept itself, or comes in again and compares.
                Ok(RewindEffect::Restored) => {
                    assert!(bad.by_door && stands_in == epoch + 1, "{who:?} went back to {epoch}");
                    moved += 1;
                }
                Ok(RewindEffect::JoinUndone(undone)) => {
                    assert!(joined > epoch, "{who:?} joined in {joined} and is undone back to {epoch}");
                    assert_eq!(undone.known.is_some(), joined == epoch + 1);
                    moved += 1;
                }
                other => panic!("{who:?} takes the voiding of what it has followed for {other:?}"),
            }
            client.crash();
        }
        self.count("attacks by an admin");
        if moved > 0 {
            self.count("attacks by an admin on a join in doubt");
        }
    }
}
