//! Reading the log: every entry in order, hashed into the chain, opened, and shown.
//!
//! Handshakes may be taken in ahead of the messages before them ([`RoomSlot::catch_up`]): a device that was away has to, because
//! only the current epoch's key opens messages at the relay. The secrets of the epochs in between are kept until the cursor
//! has passed them, and then erased.

use super::{
    Bodiless, Cursor, Damage, EpochEvent, EpochRecord, LogRecord, RoomSlot, encode, log_key, seen_key,
};
use crate::{
    ClientError,
    api::{Alarm, RoomEnd},
    store::{Change, Table},
    timeline::{TimelineBody, TimelineItem},
};
use sotto_crypto::{
    CryptoError,
    identity::AccountId,
    message::{self, Content, MessageId, OpenedMessage},
    room::Transition,
};
use sotto_protocol::{Chain, EntryHeader, EntryKind, LogEntry, entry_hash};
use std::collections::HashMap;
use zeroize::Zeroizing;

/// An entry that does not open: its place and hash. If the relay gives the same bytes again, that is what the log holds.
pub type Suspect = (u64, [u8; 32]);

/// How far reading came.
#[derive(Debug, Default)]
pub struct Reading {
    /// Entries read, for [`RoomSlot::settle`].
    pub rows: Vec<Row>,
    /// An entry that does not open and should be fetched once more.
    pub suspect: Option<Suspect>,
    /// Whether an entry before these is missing here.
    pub has_gap: bool,
    /// Whether the epoch changed, so that the room must be opened anew.
    pub has_new_epoch: bool,
    /// Messages of this device that the log has.
    pub own: Vec<MessageId>,
    /// Messages whose bodies the relay has dropped.
    pub bodiless: Option<Bodiless>,
}

/// An entry that was read.
#[derive(Debug)]
pub struct Row {
    chain: Chain,
    item: Option<TimelineItem>,
    /// For a message: what has to be looked up before it is shown.
    pub check: Option<Check>,
}

/// What has to be looked up in storage about a message.
#[derive(Debug)]
pub struct Check {
    /// In [`Table::Seen`]: where the message was shown before.
    pub seen_key: Vec<u8>,
    /// In [`Table::Log`]: the hash that this device has at the place that the sender had verified.
    pub claim_key: Vec<u8>,
    claim: Chain,
    is_mine: bool,
    /// What was found in [`Table::Seen`].
    pub seen_at: Option<u64>,
    /// What was found in [`Table::Log`].
    pub known_hash: Option<[u8; 32]>,
}

impl Reading {
    /// What storage does not know yet, because it was read together with it.
    pub fn look_up_among_themselves(&mut self) {
        let hashes: HashMap<u64, [u8; 32]> =
            self.rows.iter().map(|row| (row.chain.seq, row.chain.hash)).collect();
        let mut seen: HashMap<Vec<u8>, u64> = HashMap::new();
        for row in &mut self.rows {
            let Some(check) = &mut row.check else { continue };
            check.known_hash = hashes.get(&check.claim.seq).copied().or(check.known_hash);
            match seen.get(&check.seen_key) {
                Some(seq) => check.seen_at = check.seen_at.or(Some(*seq)),
                None => {
                    seen.insert(check.seen_key.clone(), row.chain.seq);
                }
            }
        }
    }
}

impl RoomSlot {
    /// Reads entries in the log's order, as far as they follow on what was read.
    pub fn read(&mut self, entries: &[LogEntry], suspect: Option<Suspect>) -> Reading {
        let mut reading = Reading::default();
        for entry in entries {
            if entry.seq <= self.cursor.chain.seq {
                continue;
            }
            let Some(chain) = entry.extend(&self.cursor.chain) else {
                reading.has_gap = true;
                break;
            };
            let row = match self.read_entry(entry, &mut reading) {
                Ok((item, check)) => {
                    // That the relay has dropped a damaged entry does not make it good.
                    if entry.dropped.is_none() {
                        self.settle_damage(entry.seq);
                    }
                    self.unblock(|seq| seq <= entry.seq);
                    Row { chain, item, check }
                }
                Err(Fault::Blocked) => break,
                Err(Fault::Unreadable) => {
                    let here = (entry.seq, entry_hash(&entry.entry));
                    if suspect != Some(here) {
                        reading.suspect = Some(here);
                        break;
                    }
                    self.note_damage(entry.seq);
                    Row { chain, item: None, check: None }
                }
            };
            self.cursor.chain = chain;
            self.dirty.cursor = true;
            reading.rows.push(row);
        }
        reading
    }

    /// Takes handshakes in, without reading the messages between them; gives how many were new. Their places are the relay's word:
    /// which ones are new, their bytes tell.
    pub fn catch_up(&mut self, handshakes: &[LogEntry]) -> Result<usize, ClientError> {
        let mut taken = 0;
        for entry in handshakes {
            if entry.seq > self.cursor.chain.seq && !self.has_taken(&entry.hash()) {
                self.take_handshake(entry)?;
                taken += 1;
            }
        }
        Ok(taken)
    }

    fn has_taken(&self, hash: &[u8; 32]) -> bool {
        self.record.epochs.values().any(|epoch| epoch.entry_hash == *hash)
    }

    /// What stands at a place was read: whatever stopped the room there is gone.
    fn unblock(&mut self, is_there: impl Fn(u64) -> bool) {
        if let Some(seq) = self.record.blocked_seq.take_if(|seq| is_there(*seq)) {
            self.dirty.record = true;
            self.settle_alarms(|alarm| *alarm == Alarm::InvalidChange(seq));
        }
    }

    /// Writes rows whose checks were looked up, and gives what is new to a person.
    pub fn settle(&mut self, rows: Vec<Row>) -> Vec<TimelineItem> {
        let mut fresh = Vec::new();
        for Row { chain, mut item, check } in rows {
            let mut is_new = item.is_some();
            if let Some(check) = check {
                match check.seen_at {
                    Some(seq) if seq == chain.seq => is_new = false,
                    Some(_) => {
                        item = None;
                        is_new = false;
                    }
                    None => {
                        let seq = Zeroizing::new(chain.seq.to_be_bytes().to_vec());
                        self.dirty.changes.push(Change::Put(Table::Seen, check.seen_key.clone(), seq));
                    }
                }
                self.compare(&check, chain.seq);
            }
            let record = LogRecord { hash: chain.hash, item: item.clone() };
            let key = log_key(&self.room.id(), chain.seq);
            self.dirty.changes.push(Change::Put(Table::Log, key, encode(&record)));
            fresh.extend(item.filter(|_| is_new));
        }
        self.take_back_acknowledgements_up_to(self.cursor.chain.seq);
        fresh
    }

    fn read_entry(
        &mut self,
        entry: &LogEntry,
        reading: &mut Reading,
    ) -> Result<(Option<TimelineItem>, Option<Check>), Fault> {
        if let Some(join) = self.record.awaited_join {
            if !entry.kind.is_handshake() || entry.hash() != join {
                return Ok((None, None));
            }
            self.record.awaited_join = None;
            self.dirty.record = true;
            return self.pass_handshake(entry).map(|item| (item, None));
        }
        match entry.kind {
            EntryKind::Message if entry.dropped.is_some() => {
                let this = Bodiless::of(entry.seq, self.cursor.end);
                reading.bodiless = Some(reading.bodiless.map_or(this, |earlier| earlier.and(this)));
                Ok((Some(self.read_dropped(entry, reading)), None))
            }
            EntryKind::Message => {
                self.read_message(entry, reading).map(|(item, check)| (Some(item), Some(check)))
            }
            // Rewinds are not followed yet: the room stands still at them.
            EntryKind::Handshake | EntryKind::Join | EntryKind::Rewind => {
                if !self.record.epochs.contains_key(&(self.cursor.epoch + 1)) {
                    self.take_handshake(entry).map_err(|_| Fault::Blocked)?;
                    reading.has_new_epoch = true;
                }
                self.pass_handshake(entry).map(|item| (item, None))
            }
        }
    }

    /// A message whose body the relay has dropped: a gap that stays visible, unless it is one that waits here.
    fn read_dropped(&mut self, entry: &LogEntry, reading: &mut Reading) -> TimelineItem {
        let hash = entry.hash();
        let own = self.outbox.values().find_map(|record| {
            let is_this = record.sealed.as_ref().is_some_and(|sealed| entry_hash(&sealed.entry) == hash);
            is_this.then(|| (record.id, record.sent_at_ms, Content::decode(&record.content)))
        });
        let own_name =
            self.room.roster().get(self.room.own_leaf()).map(|own| (own.account, own.display_name.clone()));
        let (Some((id, sent_at_ms, Ok(Content::Text(text)))), Some((account, sender_name))) = (own, own_name)
        else {
            return TimelineItem {
                seq: entry.seq,
                id: [0; 16],
                sender: [0; 16],
                sender_name: String::new(),
                sender_tag: None,
                sent_at_ms: None,
                is_mine: false,
                body: TimelineBody::Gap,
            };
        };
        self.drop_from_outbox(&id);
        reading.own.push(id);
        let seen_key = seen_key(&self.room.id(), &account, &id);
        let seq = Zeroizing::new(entry.seq.to_be_bytes().to_vec());
        self.dirty.changes.push(Change::Put(Table::Seen, seen_key, seq));
        TimelineItem {
            seq: entry.seq,
            id,
            sender: *account.as_bytes(),
            sender_name,
            sender_tag: None,
            sent_at_ms: Some(sent_at_ms),
            is_mine: true,
            body: TimelineBody::Text(text.text),
        }
    }

    fn read_message(
        &mut self,
        entry: &LogEntry,
        reading: &mut Reading,
    ) -> Result<(TimelineItem, Check), Fault> {
        let epoch = self.record.epochs.get(&self.cursor.epoch).ok_or(Fault::Unreadable)?;
        let room = self.room.id();
        let opened =
            message::open(&epoch.message_secret, &room, self.cursor.epoch, &self.record.roster, &entry.entry);
        let (_, OpenedMessage { sender, id, sent_at_ms, chain: claim, content }) =
            opened.map_err(|_| Fault::Unreadable)?;
        let is_mine = self.own_device() == sender.device_key;
        if is_mine {
            self.drop_from_outbox(&id);
            reading.own.push(id);
        }
        let body = match content {
            Content::Text(text) => TimelineBody::Text(text.text),
            _ => TimelineBody::FromNewerVersion,
        };
        let item = TimelineItem {
            seq: entry.seq,
            id,
            sender: *sender.account.as_bytes(),
            sender_name: sender.display_name,
            sender_tag: None,
            sent_at_ms: Some(sent_at_ms),
            is_mine,
            body,
        };
        let check = Check {
            seen_key: seen_key(&room, &sender.account, &id),
            claim_key: log_key(&room, claim.seq),
            claim,
            is_mine,
            seen_at: None,
            known_hash: None,
        };
        Ok((item, check))
    }

    /// Moves the cursor over a handshake that has taken effect: into the epoch that it began.
    fn pass_handshake(&mut self, entry: &LogEntry) -> Result<Option<TimelineItem>, Fault> {
        let next = self.cursor.epoch + 1;
        let record =
            self.record.epochs.get_mut(&next).filter(|record| record.entry_hash == entry_hash(&entry.entry));
        let Some(record) = record else {
            // Not the entry that took effect: the relay shows another one in its place.
            self.raise(Alarm::HistoryDiverged(entry.seq));
            return Err(Fault::Blocked);
        };
        let event = record.event.take();
        let change = core::mem::take(&mut record.change);
        self.record.past_names.note(&self.record.roster, &change);
        self.record.roster.apply(&change);
        self.record.epochs.retain(|epoch, _| *epoch >= next);
        self.cursor.epoch = next;
        self.record.verified_handshake_seq = entry.seq;
        if next == self.room.epoch() {
            self.record.last_handshake_seq = entry.seq;
        }
        self.dirty.record = true;
        let Some(EpochEvent { account, name, body }) = event else { return Ok(None) };
        let id =
            EntryHeader::split(&entry.entry).map(|(header, _)| *header.id.as_bytes()).unwrap_or_default();
        Ok(Some(TimelineItem {
            seq: entry.seq,
            id,
            sender: *account.as_bytes(),
            sender_name: name,
            sender_tag: None,
            sent_at_ms: None,
            is_mine: self.own_account() == Some(account),
            body,
        }))
    }

    /// Lets a handshake take effect: this device's own pending one, or another's.
    fn take_handshake(&mut self, entry: &LogEntry) -> Result<(), ClientError> {
        if self.record.awaited_join == Some(entry.hash()) {
            // In effect since this device made it; the cursor meets it at its place.
            self.record.last_handshake_seq = entry.seq;
            self.dirty.record = true;
            return Ok(());
        }
        let own = self.record.pending.as_ref().map(|pending| &pending.handshake);
        let own = own.filter(|handshake| handshake.entry == entry.entry);
        let is_own = own.is_some();
        let result = match own {
            Some(own) if entry.access_key == Some(own.access_key) => self.room.merge_pending(),
            Some(_) => Err(CryptoError::Malformed("handshake")),
            None => self.take_anothers(entry),
        };
        let Ok(transition) = result else {
            self.raise(Alarm::InvalidChange(entry.seq));
            self.record.blocked_seq = Some(entry.seq);
            self.dirty.record = true;
            return Err(ClientError::RoomStopped);
        };
        self.unblock(|_| true);
        // Whoever's it was: a commit of this device that is not in the log by now never will be.
        let pending = self.record.pending.take();
        if let Some(mut invite) = pending.filter(|_| is_own).and_then(|pending| pending.invite) {
            invite.link.epoch = transition.epoch;
            self.record.invites.push(invite);
        }
        self.record
            .invites
            .retain(|invite| invite.link.door().is_ok_and(|door| self.room.state().invite(&door).is_some()));
        self.record.last_handshake_seq = entry.seq;
        self.dirty.record = true;
        self.dirty.group = true;
        self.begin_epoch(transition, entry_hash(&entry.entry))
    }

    fn take_anothers(&mut self, entry: &LogEntry) -> Result<Transition, CryptoError> {
        let access_key = entry.access_key.ok_or(CryptoError::Malformed("handshake"))?;
        let staged = self.room.stage(entry.kind, &entry.entry, &access_key)?;
        self.room.merge(staged)
    }

    fn begin_epoch(&mut self, transition: Transition, entry_hash: [u8; 32]) -> Result<(), ClientError> {
        if transition.is_removed {
            self.end = Some(RoomEnd::Removed {
                by: *transition.committer.account.as_bytes(),
                by_name: transition.committer.display_name,
            });
            return Err(ClientError::Removed);
        }
        let message_secret =
            self.room.secrets().map_err(|_| ClientError::Bug("the room has no secrets"))?.message.clone();
        let body = match transition.renamed {
            Some(name) => Some(TimelineBody::Renamed(name)),
            None => transition.is_join.then_some(TimelineBody::Joined),
        };
        let event = body.map(|body| EpochEvent {
            account: transition.committer.account,
            name: transition.committer.display_name,
            body,
        });
        let record = EpochRecord { message_secret, change: transition.change, event, entry_hash };
        self.record.epochs.insert(transition.epoch, record);
        Ok(())
    }

    /// Compares what the sender of a message had verified with what this device has (`docs/PROTOCOL.md`, "The log").
    fn compare(&mut self, check: &Check, seq: u64) {
        // What this device said shows only what this device has seen.
        if check.is_mine {
            return;
        }
        let known =
            if check.claim.seq == 0 { Some(Chain::start(&self.room.id()).hash) } else { check.known_hash };
        let is_impossible = check.claim.seq >= seq;
        match known {
            // Not the place that is named: that is any number.
            _ if is_impossible => self.raise(Alarm::HistoryDiverged(seq)),
            Some(hash) if hash != check.claim.hash => {
                self.raise(Alarm::HistoryDiverged(check.claim.seq));
                self.go_back_before_damage(check.claim.seq);
            }
            Some(_) => {
                self.forgive_damage(check.claim.seq);
                self.agree_after_rereading(check.claim.seq);
            }
            // Before this device came in: nothing to compare with.
            None => {}
        }
    }

    fn note_damage(&mut self, seq: u64) {
        self.raise(Alarm::EntryDamaged(seq));
        match &mut self.record.damage {
            Some(damage) if damage.seq == seq => damage.was_read_again = true,
            Some(_) => {}
            None => self.record.damage = Some(Damage { seq, before: self.cursor, was_read_again: false }),
        }
        self.dirty.record = true;
    }

    /// Another member has the same bytes there: the entry is what its writer put into the log, and of no use to anyone.
    fn forgive_damage(&mut self, agreed_seq: u64) {
        if self.record.damage.take_if(|damage| damage.seq <= agreed_seq).is_some() {
            self.dirty.record = true;
            self.settle_alarms(|alarm| matches!(alarm, Alarm::EntryDamaged(seq) if *seq <= agreed_seq));
        }
    }

    /// Another member has other bytes there: read again from before the damage, in case the relay has mended it. Once for each
    /// connection, so that a relay that does not mend it is not asked for ever.
    fn go_back_before_damage(&mut self, diverged_seq: u64) {
        let Some(damage) = self.record.damage else { return };
        let can_go_back = !damage.was_read_again && damage.before.epoch == self.cursor.epoch;
        if can_go_back && damage.seq <= diverged_seq {
            self.cursor = damage.before;
            self.dirty.cursor = true;
            // Once on this connection, whatever the relay gives there now.
            if let Some(damage) = &mut self.record.damage {
                damage.was_read_again = true;
                self.dirty.record = true;
            }
        }
    }

    /// A member agrees with what was read again: where that member or another one did not before, the damage was the reason.
    fn agree_after_rereading(&mut self, agreed_seq: u64) {
        if let Some(from) = self.record.reread_from {
            self.settle_alarms(
                |alarm| matches!(alarm, Alarm::HistoryDiverged(at) if (from..=agreed_seq).contains(at)),
            );
        }
    }

    /// The damaged entry opens now. What was read after it is judged again, and only then what was raised because of that.
    fn settle_damage(&mut self, seq: u64) {
        let Some(damage) = self.record.damage.take_if(|damage| damage.seq == seq) else { return };
        self.dirty.record = true;
        self.record.reread_from = Some(damage.seq);
        self.settle_alarms(|alarm| *alarm == Alarm::EntryDamaged(damage.seq));
    }

    /// A new connection: whatever was damaged may be mended by now.
    pub fn allow_reading_again(&mut self) {
        if let Some(damage) = &mut self.record.damage
            && damage.was_read_again
        {
            damage.was_read_again = false;
            self.dirty.record = true;
        }
    }

    /// Raises an alarm.
    pub fn raise(&mut self, alarm: Alarm) {
        self.dirty.record |= self.record.alarms.raise(alarm);
    }

    /// A person has seen the alarms.
    pub fn put_alarms_aside(&mut self, seen: &[Alarm]) {
        self.dirty.record |= self.record.alarms.put_aside(seen);
    }

    fn settle_alarms(&mut self, is_settled: impl Fn(&Alarm) -> bool) {
        self.dirty.record |= self.record.alarms.settle(is_settled);
    }

    /// Whether nothing can be changed here for now.
    pub const fn is_stopped(&self) -> bool {
        self.record.blocked_seq.is_some()
    }

    fn own_device(&self) -> [u8; 32] {
        self.room.roster().get(self.room.own_leaf()).map(|entry| entry.device_key).unwrap_or_default()
    }

    /// This profile's account in the room.
    pub fn own_account(&self) -> Option<AccountId> {
        self.room.roster().get(self.room.own_leaf()).map(|entry| entry.account)
    }

    /// Where reading begins after a join.
    pub const fn cursor_after_join(chain: Chain, left_epoch: u64) -> Cursor {
        Cursor { chain, epoch: left_epoch, end: None }
    }
}

enum Fault {
    /// The entry does not open; the ones after it may.
    Unreadable,
    /// Nothing after it can be read.
    Blocked,
}
