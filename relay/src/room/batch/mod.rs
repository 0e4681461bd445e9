//! One transaction: judges each operation against the rooms as they are at this very moment, and stores what is right.
//!
//! An operation that is refused changes nothing and fails no other. If the transaction as a whole fails, everything that
//! it would have stored is refused, and what is remembered about the rooms it touched is forgotten.

mod administer;
mod entries;
mod epochs;
mod push;

use super::hub::LiveEntry;
use super::operation::{Operation, Queued};
use super::publish::Outcome;
use super::reply::ReplyTo;
use super::tails::Tails;
use crate::access::{Effect, Grant, Standing, is_in_reach, said_to, standing};
use crate::clock::{Clock, hour_of};
use crate::metrics::metrics;
use crate::store::{Found, Key, NewEntry, StoredEntry, StoredRoom, Wanted, WriteFault, WriteStore};
use crate::wire;
use sotto_protocol::{EntryId, EntryKind, ErrorCode, LogEntry, Reply, RoomId, WireError, entry_hash};
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long one transaction goes on judging; then it writes what it has judged, and the rest comes first in the next.
const JUDGED_WITHIN: Duration = Duration::from_millis(50);
/// Entries of logs that one transaction looks through for what was sent before; what asks for more comes first in the next.
const TAILS_MAX: u64 = 8 * 1024;
/// When to try again while the disk is full.
const FULL_RETRY_MS: u64 = 10_000;

pub(super) struct Batch<'w> {
    store: &'w mut WriteStore,
    rooms: &'w mut HashMap<RoomId, StoredRoom>,
    /// What is known to be written last; nothing where others write, too.
    tails: &'w mut Tails,
    /// What this transaction has written.
    written: Vec<(i64, u64, EntryId)>,
    operations: VecDeque<Queued>,
    /// What this transaction does not come to.
    held_back: VecDeque<Queued>,
    touched: HashSet<RoomId>,
    known: HashMap<Key, Vec<StoredEntry>>,
    /// Ids of messages that come more than once in this transaction, and the entries among those that it has taken.
    repeated: HashSet<EntryId>,
    fresh: HashMap<Key, StoredEntry>,
    /// Messages that are judged, to be written together.
    pending: Vec<NewEntry>,
    live: Vec<(RoomId, LiveEntry)>,
    gone: Vec<RoomId>,
    answers: Vec<Answer>,
    /// The relay's own tasks, to be told once the transaction is committed.
    tasks: Vec<Box<dyn FnOnce() + Send>>,
    /// One moment for all of it, by the clock that is ahead.
    now_ms: u64,
    /// The same moment by the clock that is behind.
    sure_ms: u64,
}

struct Answer {
    /// Nobody, where the relay's own task waits.
    reply_to: Option<ReplyTo>,
    reply: Reply,
    /// Whether it is true even if the transaction fails.
    is_settled: bool,
}

/// What an operation comes to.
enum Verdict {
    /// True whatever becomes of the transaction: it is about what was committed before.
    Settled(Reply),
    /// True once the transaction is committed. Refusals, too: they may rest on what it would have stored.
    Judged(Reply),
}

impl From<ErrorCode> for Verdict {
    fn from(code: ErrorCode) -> Self {
        Self::Judged(Reply::Error(code.into()))
    }
}

impl<'w> Batch<'w> {
    /// Of two entries of one id in one transaction the second is judged by the first.
    pub(super) fn new(
        store: &'w mut WriteStore,
        (rooms, tails): (&'w mut HashMap<RoomId, StoredRoom>, &'w mut Tails),
        operations: VecDeque<Queued>,
        clock: &Clock,
    ) -> Self {
        let (mut ids, mut repeated) = (HashSet::new(), HashSet::new());
        for id in operations.iter().filter_map(|queued| queued.operation.message_id()) {
            if !ids.insert(id) {
                repeated.insert(id);
            }
        }
        Self {
            store,
            rooms,
            tails,
            written: Vec::new(),
            touched: operations.iter().filter_map(|queued| queued.operation.room().copied()).collect(),
            answers: Vec::with_capacity(operations.len()),
            operations,
            held_back: VecDeque::new(),
            known: HashMap::new(),
            repeated,
            fresh: HashMap::new(),
            pending: Vec::new(),
            live: Vec::new(),
            gone: Vec::new(),
            tasks: Vec::new(),
            now_ms: clock.latest_ms(),
            sure_ms: clock.earliest_ms(),
        }
    }

    /// A database that is away may leave its end of a connection open, and say nothing more: `within` bounds the wait for it.
    pub(super) async fn run(mut self, within: Duration) -> Outcome {
        let written = match self.store.is_shared() {
            true => timeout(within, self.write()).await,
            false => Ok(self.write().await),
        };
        match written {
            Ok(Ok(())) => self.succeed(),
            Ok(Err(fault)) => {
                self.store.roll_back(&fault, within).await;
                self.fail(&fault)
            }
            Err(_) => {
                self.store.give_up_connection();
                self.fail(&WriteFault::Silent)
            }
        }
    }

    async fn write(&mut self) -> Result<(), WriteFault> {
        self.store.begin().await?;
        self.load().await?;
        let began = Instant::now();
        while let Some(Queued { operation, reply_to }) = self.operations.pop_front() {
            let verdict = match operation {
                Operation::Create { create, token } => self.create(&create, token).await,
                Operation::Append { room, grant, header, read_seq, entry } => {
                    self.append(room, grant, (header, read_seq), entry).await
                }
                Operation::Handshake(handshake) => self.handshake(*handshake).await,
                Operation::Rewind(rewind) => self.rewind(*rewind).await,
                Operation::Confirm(confirm) => self.confirm(&confirm).await,
                Operation::Repair(repair) => self.repair(*repair).await,
                Operation::DropWraps { grant, drop } => self.drop_wraps(grant, &drop).await,
                Operation::Delete { room, grant, admin_key } => self.delete(room, grant, &admin_key).await,
                Operation::Retain { room, grant, admin_key, seconds } => {
                    self.retain(room, (grant, &admin_key), seconds).await
                }
                Operation::Subscribe { room, grant, push } => self.subscribe(room, grant, &push).await,
                Operation::Unsubscribe { room, grant, id } => self.unsubscribe(room, grant, &id).await,
                Operation::ForgetPush(gone) => self.forget_push(&gone).await,
                Operation::Registers { registers, done } => self.registers(registers, done).await,
                Operation::Sweep { sweep, done } => self.sweep(sweep, done).await,
            };
            let (reply, is_settled, fault) = match verdict {
                Ok(Verdict::Settled(reply)) => (reply, true, None),
                Ok(Verdict::Judged(reply)) => (reply, false, None),
                Err(fault) => (Reply::Error(error_of(&fault)), false, Some(fault)),
            };
            self.answers.push(Answer { reply_to, reply, is_settled });
            if let Some(fault) = fault {
                return Err(fault);
            }
            // Whatever an operation costs: who comes in the next transaction does not wait for more of them.
            if began.elapsed() > JUDGED_WITHIN {
                break;
            }
        }
        self.flush().await?;
        self.store.commit().await
    }

    /// Reads what the judgements need and memory does not have.
    async fn load(&mut self) -> Result<(), WriteFault> {
        let is_shared = self.store.is_shared();
        if !is_shared && !self.touched.is_empty() && self.store.notice_changes().await? {
            self.rooms.clear();
            self.tails.clear();
        }
        let missing: Vec<_> =
            self.touched.iter().filter(|room| is_shared || !self.rooms.contains_key(room)).copied().collect();
        for room in &missing {
            // Another relay may have deleted it.
            self.rooms.remove(room);
        }
        self.store.hold_makings(self.operations.iter().flat_map(making_numbers).collect()).await?;
        self.rooms.extend(self.store.rooms(&missing).await?);
        self.hold_back();
        let wanted: Vec<_> = self
            .operations
            .iter()
            .filter_map(|queued| {
                let Operation::Append { room, header, read_seq, entry, .. } = &queued.operation else {
                    return None;
                };
                let StoredRoom { row, head, .. } = *self.rooms.get(room)?;
                let wanted = Wanted { row, id: header.id, read_seq: *read_seq, length_bytes: entry.len() };
                // What is out of reach now is so when it is judged, too.
                let is_known_not = self.tails.has_not(row, header.id, (*read_seq, head.head_seq));
                (!is_known_not && is_in_reach(*read_seq, head).is_ok()).then_some(wanted)
            })
            .collect();
        self.known = self.store.known_entries(&wanted).await?;
        Ok(())
    }

    /// Leaves to the next transaction what asks for more of the logs than one looks through: a client that names places far back, in however many
    /// rooms, does not hold up others for long.
    fn hold_back(&mut self) {
        let mut tails: HashMap<RoomId, u64> = HashMap::new();
        let mut in_all = 0;
        let is_too_much = |queued: &Queued| {
            let Operation::Append { room, header, read_seq, .. } = &queued.operation else { return false };
            let Some(StoredRoom { row, head, .. }) = self.rooms.get(room) else { return false };
            let is_looked_up = is_in_reach(*read_seq, *head).is_ok()
                && !self.tails.has_not(*row, header.id, (*read_seq, head.head_seq));
            let tail = if is_looked_up { head.head_seq - read_seq } else { 0 };
            let known = tails.entry(*room).or_default();
            in_all += tail.saturating_sub(*known);
            *known = tail.max(*known);
            in_all > TAILS_MAX
        };
        if let Some(first) = self.operations.iter().position(is_too_much) {
            self.held_back = self.operations.split_off(first);
        }
    }

    /// The answer to a message whose id came after what its sender has read, or was taken a moment ago.
    fn sent_before(&self, key: Key, read_seq: u64, entry: &[u8]) -> Option<Verdict> {
        let among = |known: &[StoredEntry]| StoredEntry::found_among(known, read_seq, entry);
        let verdict = |found, verdict: fn(Reply) -> Verdict| match found {
            Found::Same(seq) => verdict(Reply::Appended(seq)),
            Found::Other => ErrorCode::EntryIdReused.into(),
        };
        let known =
            self.known.get(&key).and_then(|known| among(known)).map(|found| verdict(found, Verdict::Settled));
        let fresh = || among(self.fresh.get(&key).map(std::slice::from_ref)?);
        known.or_else(|| fresh().map(|found| verdict(found, Verdict::Judged)))
    }

    /// That an id is taken by another entry is said to whom the room has not ended.
    async fn said_of(
        &mut self,
        verdict: Verdict,
        grant: Grant,
        room: &StoredRoom,
    ) -> Result<Verdict, WriteFault> {
        if matches!(verdict, Verdict::Settled(_) | Verdict::Judged(Reply::Appended(_))) {
            return Ok(verdict);
        }
        Ok(said_to(self.standing(grant, room).await?, ErrorCode::EntryIdReused).into())
    }

    /// Remembers a message that was taken, if more of that id comes.
    fn note_taken(&mut self, key: Key, seq: u64, entry: &[u8]) {
        if self.repeated.contains(&key.1) {
            let taken = StoredEntry { seq, hash: Some(entry_hash(entry)) };
            self.fresh.insert(key, taken);
        }
    }

    /// What a connection may still do in a room, as it is in this transaction.
    async fn standing(&mut self, grant: Grant, room: &StoredRoom) -> Result<Standing, WriteFault> {
        if grant.room != room.row {
            return Ok(Standing::Ended);
        }
        if standing(grant, room.head, None) == Standing::Current {
            return Ok(Standing::Current);
        }
        let ended_seq = self.store.epochs().limit(room.row, grant.began_seq).await?;
        Ok(standing(grant, room.head, ended_seq))
    }

    fn announce(&mut self, room: RoomId, epoch: u64, entry: &LogEntry, effect: Effect) {
        let frame = wire::entry(&room, entry);
        self.live.push((room, LiveEntry { seq: entry.seq, kind: entry.kind, epoch, effect, frame }));
    }

    /// Writes the messages that are judged, so that what comes now finds them.
    async fn flush(&mut self) -> Result<(), WriteFault> {
        let pending = std::mem::take(&mut self.pending);
        self.insert(pending).await
    }

    async fn insert(&mut self, entries: Vec<NewEntry>) -> Result<(), WriteFault> {
        self.written.extend(entries.iter().map(|entry| (entry.row, entry.seq, entry.id)));
        self.store.insert_entries(entries, hour_of(self.now_ms)).await
    }

    async fn insert_handshake(&mut self, entry: NewEntry, hash: [u8; 32]) -> Result<(), WriteFault> {
        self.written.push((entry.row, entry.seq, entry.id));
        self.store.insert_handshake(entry, &hash, hour_of(self.now_ms)).await
    }

    fn succeed(mut self) -> Outcome {
        self.operations.append(&mut self.held_back);
        if !self.store.is_shared() {
            self.written.iter().for_each(|(row, seq, id)| self.tails.note(*row, *seq, *id));
        }
        let mut outcome = Outcome { gone: self.gone, put_off: self.operations, ..Outcome::default() };
        for tell in self.tasks {
            tell();
        }
        let mut places = HashMap::new();
        for (room, entry) in self.live {
            let stored = self.rooms.get(&room);
            let head = stored.map(|room| room.head).unwrap_or_default();
            if let Some(stored) = stored
                && entry.kind == EntryKind::Message
                && outcome.woken.last() != Some(&(room, stored.row))
            {
                outcome.woken.push((room, stored.row));
            }
            let place = *places.entry(room).or_insert_with(|| {
                outcome.rooms.push((room, head, Vec::new()));
                outcome.rooms.len() - 1
            });
            if let Some((_, _, entries)) = outcome.rooms.get_mut(place) {
                entries.push(entry);
            }
        }
        let answers = self.answers.into_iter();
        outcome.answers = answers.filter_map(|answer| Some((answer.reply_to?, answer.reply))).collect();
        outcome
    }

    fn fail(mut self, fault: &WriteFault) -> Outcome {
        self.operations.append(&mut self.held_back);
        metrics().failed_batches.inc();
        match fault {
            WriteFault::Full => tracing::warn!("the disk is full: nothing is stored until there is space"),
            WriteFault::Unwritable(_) => {
                tracing::error!(error = %fault, "nothing is stored until the disk can be written")
            }
            WriteFault::Moved => {
                tracing::error!("{fault}: nothing is stored until it is back, or the relay was started again")
            }
            WriteFault::Unreachable(_)
            | WriteFault::Silent
            | WriteFault::Failed(_)
            | WriteFault::Damaged(_) => {
                tracing::error!(error = %fault, "a transaction failed")
            }
        }
        for room in &self.touched {
            if let Some(forgotten) = self.rooms.remove(room) {
                self.tails.forget(forgotten.row);
            }
        }
        let refused = || Reply::Error(error_of(fault));
        let judged = self.answers.into_iter().filter_map(|answer| {
            Some((answer.reply_to?, if answer.is_settled { answer.reply } else { refused() }))
        });
        let unjudged = self.operations.into_iter().filter_map(|queued| Some((queued.reply_to?, refused())));
        Outcome { answers: judged.chain(unjudged).collect(), ..Outcome::default() }
    }
}

/// By what other relays know that a room is being made, and that its token is being used.
fn making_numbers(queued: &Queued) -> impl Iterator<Item = i64> + use<> {
    let begin = |bytes: &[u8]| bytes.first_chunk().map(|begin| i64::from_be_bytes(*begin));
    let (room, token) = match &queued.operation {
        Operation::Create { create, token } => {
            (begin(create.room.as_bytes()), token.as_ref().and_then(|token| begin(&token.hash)))
        }
        _ => (None, None),
    };
    room.into_iter().chain(token)
}

fn error_of(fault: &WriteFault) -> WireError {
    match fault {
        WriteFault::Full | WriteFault::Unwritable(_) => {
            WireError { retry_after_ms: Some(FULL_RETRY_MS), ..WireError::new(ErrorCode::StorageFull) }
        }
        WriteFault::Moved
        | WriteFault::Unreachable(_)
        | WriteFault::Silent
        | WriteFault::Failed(_)
        | WriteFault::Damaged(_) => ErrorCode::Internal.into(),
    }
}
