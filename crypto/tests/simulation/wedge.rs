//! Handshakes that are voided, or nearly so: a join that is confirmed or not, and garbage by a member or at a door.

use crate::{
    actions::{Bad, Fate},
    client::{Client, Pending, Waiting},
    joins::Way,
    people::Who,
    relay::{By, Refusal},
    rules::{Change, Rules},
    world::{Meant, World},
};
use proptest::sample::Index;
use sotto_crypto::{
    AdminKey, CryptoError, Secret,
    message::MessageId,
    room::{Handshake, Joining, Left, Role, RoomChange},
};
use sotto_protocol::{EntryKind, entry_hash};

/// A handshake that the relay takes and that may be voided.
struct Doubtful {
    handshake: Handshake,
    /// Who made it.
    who: Who,
    /// For a join: how, with which keys, and what the second opinion makes of it.
    joining: Option<(Box<Joining>, usize, Rules)>,
}

impl World {
    /// A handshake is taken; some follow it, and perhaps talk; a member who has not followed voids it, or one who has confirms it.
    pub fn wedge(&mut self, bad: Bad, by: Index, who: Index, followers: u8, is_confirmed: bool) {
        let Some(by) = self.rewinder(bad, by) else { return };
        let Some(mut doubtful) = self.doubtful(bad, by, who) else { return };
        if !bad.is_good() {
            // Whoever heals is removed by the join, and has no key to compare.
            spoil(&mut doubtful.handshake, if bad.is_join() { followers & !1 } else { followers });
        }
        let seq = self.take_doubtful(&doubtful);
        self.relay.log.last_mut().unwrap().is_garbage = !bad.is_good();
        let left = self.relay.epoch - 1;
        let there: Vec<Who> = self
            .clients
            .values()
            .filter(|client| !client.is_gone() && client.room.epoch() == left && client.who != by)
            .map(|client| client.who)
            .collect();
        let heals = |who: &Who| doubtful.joining.is_some() && *who == doubtful.who;
        let makes = |who: &Who| bad == Bad::Commit && *who == doubtful.who;
        let follow: Vec<Who> = (0..8_u8)
            .zip(&there)
            .filter(|(bit, who)| !heals(who) && (makes(who) || followers >> bit & 1 == 1))
            .map(|(_, who)| *who)
            .collect();
        for who in &follow {
            self.follow_doubtful(*who, bad.is_good());
        }
        let confirms = follow.first().filter(|_| is_confirmed && bad == Bad::Join).copied();
        if let Some(confirms) = confirms {
            return self.confirm(confirms, by, seq, doubtful);
        }
        self.void(bad, by, seq);
        for who in there.into_iter().chain([by]) {
            let client = self.clients.get_mut(&who).unwrap();
            client.catch_up(&mut self.relay);
            client.store();
        }
        // Whoever followed a member's commit has forgotten the epoch before.
        let lost: Vec<Who> =
            self.clients.values().filter(|client| client.is_lost).map(|client| client.who).collect();
        assert!(lost.is_empty() || bad == Bad::Commit, "a join is undone by everybody");
        for who in lost {
            self.clients.remove(&who);
            self.count("devices that had to return");
            self.come_in_by_any_door(who, Fate::Arrives);
        }
    }

    /// Somebody who stands in the current epoch and may void such a thing.
    fn rewinder(&mut self, bad: Bad, by: Index) -> Option<Who> {
        let may: Vec<Who> = self
            .clients
            .values()
            .filter(|client| !client.is_gone() && (bad.is_join() || self.admin_of(client.who).is_some()))
            .map(|client| client.who)
            .collect();
        let by = *may.get(by.index(may.len().max(1)))?;
        self.sync(by);
        let client = &self.clients[&by];
        let is_there = !client.is_gone() && client.room.epoch() == self.relay.epoch;
        (is_there && (bad.is_join() || self.admin_of(by).is_some())).then_some(by)
    }

    /// The key with which a device acts as owner or admin, where its account is that and no removed device knows the key.
    pub fn admin_of(&self, who: Who) -> Option<AdminKey> {
        let leaf = self.now().devices.get(&who)?;
        let may = self.now().role(who.account) >= Role::Admin
            && !self.now().suspended.contains(&(who.account, leaf.keys));
        may.then(|| self.admin_key(who, leaf.keys))
    }

    fn admin_key(&self, who: Who, keys: usize) -> AdminKey {
        let account = &self.accounts[who.account];
        account.own(who.device, keys, account.generation()).admin_key(&self.relay.room).unwrap()
    }

    fn doubtful(&mut self, bad: Bad, by: Who, who: Index) -> Option<Doubtful> {
        if bad.is_join() {
            let account = who.index(self.accounts.len());
            let device = self.device_for(account, Some(who));
            let who = Who { account, device };
            let keys = self.trusted_keys(account);
            let doors = (0..=self.accounts[account].latest_keys()).rev().map(|keys| (Way::Door(keys), keys));
            let invites = (0..self.links.len()).map(|number| (Way::Invite(number), keys));
            let found = doors.chain(invites).find_map(|(way, keys)| {
                self.try_way(who, way, keys).map(|(joining, after)| (joining, keys, after))
            });
            let (joining, keys, after) = found.filter(|_| who != by)?;
            let handshake = joining.handshake.clone();
            return Some(Doubtful { handshake, who, joining: Some((Box::new(joining), keys, after)) });
        }
        let makers: Vec<Who> = self
            .clients
            .values()
            .filter(|client| {
                let is_there = !client.is_gone() && client.room.epoch() == self.relay.epoch;
                is_there && client.notes.pending.is_none() && client.who != by
            })
            .map(|client| client.who)
            .collect();
        let who = *makers.get(who.index(makers.len().max(1)))?;
        let after = self.now().after(who, &Change::Rotate)?;
        let client = self.clients.get_mut(&who).unwrap();
        let handshake = client.room.commit(&RoomChange::Rotate, client.notes.cursor).unwrap();
        if bad == Bad::Commit {
            let last_handshake = client.notes.last_handshake;
            client.notes.pending = Some(Pending { handshake: handshake.clone(), last_handshake, after });
            client.store();
        } else {
            client.room.discard_pending().unwrap();
        }
        Some(Doubtful { handshake, who, joining: None })
    }

    fn take_doubtful(&mut self, doubtful: &Doubtful) -> u64 {
        let (last, handshake) = (self.relay.last_handshake, &doubtful.handshake);
        let taken = match &doubtful.joining {
            Some((joining, ..)) => {
                self.relay.append_handshake(&By::Door(&joining.join_key(), joining.door), last, handshake)
            }
            None => {
                let key = self.clients[&doubtful.who].room.secrets().unwrap().access_key();
                self.relay.append_handshake(&By::Member(&key), last, handshake)
            }
        };
        taken.expect("the relay cannot judge a handshake")
    }

    fn follow_doubtful(&mut self, who: Who, is_good: bool) {
        let client = self.clients.get_mut(&who).unwrap();
        client.catch_up(&mut self.relay);
        client.store();
        if is_good && !client.is_gone() {
            assert_eq!(client.room.epoch(), self.relay.epoch);
            self.speak(who);
        }
    }

    /// Says something, and hears it.
    pub fn speak(&mut self, who: Who) {
        let client = self.clients.get_mut(&who).unwrap();
        let id: MessageId = sotto_crypto::random_array().unwrap();
        let text = format!("message {} of {who:?}, in doubt", self.said.len());
        client.notes.outbox.push(Waiting { id, text, sealed: None });
        self.send_outbox(who);
        let client = self.clients.get_mut(&who).unwrap();
        client.catch_up(&mut self.relay);
        client.store();
    }

    fn confirm(&mut self, confirms: Who, by: Who, seq: u64, doubtful: Doubtful) {
        let (joining, keys, after) = doubtful.joining.unwrap();
        let entry = doubtful.handshake.entry.clone();
        let hash = entry_hash(&entry);
        let client = self.clients.get_mut(&confirms).unwrap();
        let confirm = client.room.confirm(seq, &hash).unwrap().expect("it keeps the epoch before");
        self.relay.confirm(&confirm).unwrap();
        client.room.forget_checkpoint();
        client.notes.before = None;
        client.stored.room = client.saved();
        client.store();
        let (client, own) = (&self.clients[&by], None);
        let (rewind, held) = client.room.make_rewind(seq, &hash, own, client.notes.cursor).unwrap();
        assert_eq!(self.relay.rewind(&rewind, held), Err(Refusal::NotTheirs), "what is confirmed stays");
        let client = self.clients.get_mut(&confirms).unwrap();
        let refused =
            client.room.rewind(&rewind, |_| Some(Left { seq, entry: entry.clone(), kind: EntryKind::Join }));
        assert!(matches!(refused, Err(CryptoError::Forbidden(_))), "{refused:?}");
        self.enter(after);
        self.settle(doubtful.who, *joining, seq, keys);
        self.count("joins confirmed");
    }

    fn void(&mut self, bad: Bad, by: Who, seq: u64) {
        let hash = entry_hash(&self.relay.entry(seq).bytes);
        let admin = self.admin_of(by).filter(|_| !bad.is_join() || by.device.is_multiple_of(2));
        let client = &self.clients[&by];
        let make =
            |key: Option<&AdminKey>| client.room.make_rewind(seq, &hash, key, client.notes.cursor).unwrap();
        // By no right.
        let mut forged = vec![make(Some(&AdminKey::from_seed(&Secret::random().unwrap())))];
        let stranger = self.now().devices.iter().find(|(who, leaf)| {
            let same = |(other, theirs): (&Who, &crate::rules::Leaf)| {
                other.account == who.account && theirs.keys == leaf.keys && self.admin_of(*other).is_some()
            };
            self.admin_of(**who).is_none() && !self.now().devices.iter().any(same)
        });
        if let Some((who, leaf)) = stranger {
            forged.push(make(Some(&self.admin_key(*who, leaf.keys))));
        }
        if !bad.is_join() {
            forged.push(make(None));
        }
        let entry = self.relay.entry(seq).bytes.clone();
        let left = Left { seq, entry, kind: EntryKind::of_commit(bad.is_join()) };
        let (rewind, held) = make(admin.as_ref());
        let client = self.clients.get_mut(&by).unwrap();
        for (rewind, held) in forged {
            let refused = client.room.rewind(&rewind, |_| Some(left.clone()));
            assert!(matches!(refused, Err(CryptoError::Forbidden(_))), "{refused:?}");
            assert!(self.relay.rewind(&rewind, held).is_err());
        }
        let last = self.relay.last_handshake;
        self.relay.rewind(&rewind, held.clone()).unwrap();
        assert!(self.relay.rewind(&rewind, held).is_err(), "once");
        self.said.retain(|seq, _| *seq < last);
        self.audited = 0;
        self.count(if admin.is_some() { "rewinds by an admin" } else { "rewinds by a member" });
    }

    /// Puts in whoever has joined at `seq`.
    pub fn settle(&mut self, who: Who, joining: Joining, seq: u64, keys: usize) {
        let mut new = crate::world::notes(joining.chain, seq, keys, self.accounts[who.account].generation());
        if let Some(old) = self.clients.remove(&who) {
            new.conversation = old.notes.conversation;
            new.outbox = old.notes.outbox;
            let (last, earlier) = old.notes.spans.split_last().unwrap();
            let last = (last.0, last.1.or(Some(old.notes.cursor.seq)));
            new.spans = [earlier, &[last], &new.spans].concat();
        }
        let mut client = Client::new(who, joining.room, new);
        client.catch_up(&mut self.relay);
        client.store();
        self.clients.insert(who, client);
    }

    /// What was said at a place in the log, as it was meant.
    pub fn note_said(&mut self, seq: u64, meant: Meant) {
        assert_eq!(*self.said.entry(seq).or_insert_with(|| meant.clone()), meant);
    }
}

/// What does not open, or is not what it says.
fn spoil(handshake: &mut Handshake, how: u8) {
    if how.is_multiple_of(2) {
        let last = handshake.entry.len() - 1 - usize::from(how);
        handshake.entry[last] ^= 1;
    } else {
        handshake.access_key[usize::from(how % 32)] ^= 1;
    }
}
