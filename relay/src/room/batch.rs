//! One transaction: judges each operation against the rooms as they are at this very moment, and stores what is right.
//!
//! An operation that is refused changes nothing and fails no other. If the transaction as a whole fails, everything that
//! it would have stored is refused, and what is remembered about the rooms it touched is forgotten.

use super::hub::LiveEntry;
use super::publish::Outcome;
use super::reply::ReplyTo;
use super::writer::{Authority, Handshake, Operation, Queued};
use crate::access::{Grant, RoomHead, handshake_is_next, may_append, room_access};
use crate::store::{NewEntry, StoredEntry, StoredRoom, WriteFault, WriteStore};
use crate::wire;
use sotto_protocol::{
    CreateRoom, EntryHeader, EntryId, EntryKind, ErrorCode, LogEntry, Reply, RoomAccess, RoomId, WireError,
};
use std::collections::{HashMap, HashSet, VecDeque};

/// When to try again while the disk is full.
const FULL_RETRY_MS: u64 = 10_000;

pub(super) struct Batch<'w> {
    store: &'w mut WriteStore,
    rooms: &'w mut HashMap<RoomId, StoredRoom>,
    operations: VecDeque<Queued>,
    touched: HashSet<RoomId>,
    known: HashMap<(i64, EntryId), StoredEntry>,
    /// Messages that are judged, to be written together.
    pending: Vec<NewEntry>,
    live: Vec<(RoomId, LiveEntry)>,
    answers: Vec<Answer>,
}

struct Answer {
    reply_to: ReplyTo,
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
    /// Two entries of one id in one transaction cannot both be judged by what is on disk: the second one is put off.
    pub(super) fn new(
        store: &'w mut WriteStore,
        rooms: &'w mut HashMap<RoomId, StoredRoom>,
        queued: VecDeque<Queued>,
        deferred: &mut VecDeque<Queued>,
    ) -> Self {
        let mut ids = HashSet::new();
        let mut touched = HashSet::new();
        let mut operations = VecDeque::with_capacity(queued.len());
        for next in queued {
            let room = *next.operation.room();
            let is_first = next.operation.header().is_none_or(|header| ids.insert((room, header.id)));
            if is_first {
                touched.insert(room);
                operations.push_back(next);
            } else {
                deferred.push_back(next);
            }
        }
        let answers = Vec::with_capacity(operations.len());
        Self {
            store,
            rooms,
            operations,
            touched,
            known: HashMap::new(),
            pending: Vec::new(),
            live: Vec::new(),
            answers,
        }
    }

    pub(super) async fn run(mut self) -> Outcome {
        match self.write().await {
            Ok(()) => self.succeed(),
            Err(fault) => {
                self.store.roll_back().await;
                self.fail(&fault)
            }
        }
    }

    async fn write(&mut self) -> Result<(), WriteFault> {
        self.store.begin().await?;
        self.load().await?;
        while let Some(Queued { operation, reply_to }) = self.operations.pop_front() {
            let verdict = match operation {
                Operation::Create(create) => self.create(&create).await,
                Operation::Append { room, grant, header, entry } => {
                    Ok(self.append(room, grant, header, entry))
                }
                Operation::Handshake(handshake) => self.handshake(*handshake).await,
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
        }
        self.flush().await?;
        self.store.commit().await
    }

    /// Reads what the judgements need and memory does not have.
    async fn load(&mut self) -> Result<(), WriteFault> {
        let is_shared = self.store.is_shared();
        let missing: Vec<_> =
            self.touched.iter().filter(|room| is_shared || !self.rooms.contains_key(room)).copied().collect();
        self.rooms.extend(self.store.rooms(&missing).await?);
        let wanted: Vec<_> = self
            .operations
            .iter()
            .filter_map(|queued| {
                let room = self.rooms.get(queued.operation.room())?;
                Some((room.row, queued.operation.header()?.id))
            })
            .collect();
        self.known = self.store.known_entries(&wanted).await?;
        Ok(())
    }

    async fn create(&mut self, create: &CreateRoom) -> Result<Verdict, WriteFault> {
        if !self.rooms.contains_key(&create.room)
            && let Some(room) = self.store.insert_room(create).await?
        {
            self.rooms.insert(create.room, room);
            return Ok(Verdict::Judged(Reply::Created));
        }
        // It was there already, or another relay has made it since this transaction read the rooms.
        self.rooms.extend(self.store.rooms(&[create.room]).await?);
        let Some(room) = self.rooms.get(&create.room) else { return Ok(ErrorCode::Internal.into()) };
        let keys = self.store.first_keys(room.row).await?;
        let is_same = keys == (create.access_key, create.join_key);
        Ok(if is_same { Verdict::Judged(Reply::Created) } else { ErrorCode::RoomExists.into() })
    }

    fn append(&mut self, room_id: RoomId, grant: Grant, header: EntryHeader, entry: Vec<u8>) -> Verdict {
        let Some(room) = self.rooms.get_mut(&room_id) else { return ErrorCode::UnknownRoom.into() };
        if let Some(known) = self.known.get(&(room.row, header.id)) {
            return sent_before(known, EntryKind::Message, &entry);
        }
        if let Err(code) = may_append(grant, header.epoch, room.head) {
            return code.into();
        }
        room.head.head_seq += 1;
        let (row, seq, kind) = (room.row, room.head.head_seq, EntryKind::Message);
        let log_entry = LogEntry { seq, kind, entry, access_key: None };
        self.announce(room_id, header.epoch, &log_entry);
        let entry = log_entry.entry;
        self.pending.push(NewEntry { row, seq, kind, epoch: header.epoch, id: header.id, entry });
        Verdict::Judged(Reply::Appended(seq))
    }

    async fn handshake(&mut self, handshake: Handshake) -> Result<Verdict, WriteFault> {
        let Handshake { room: room_id, known_seq, header, entry, record, authority } = handshake;
        let Some(room) = self.rooms.get(&room_id).copied() else { return Ok(ErrorCode::UnknownRoom.into()) };
        if let Some(known) = self.known.get(&(room.row, header.id)) {
            return Ok(sent_before(known, EntryKind::Handshake, &entry));
        }
        if let Err(code) = handshake_is_next(known_seq, header.epoch, room.head) {
            return Ok(code.into());
        }
        let is_allowed = match authority {
            Authority::Member(grant) => match room_access(grant, room.head) {
                RoomAccess::Full => Ok(()),
                RoomAccess::Handshakes => Err(ErrorCode::RoomNotOpen),
            },
            Authority::Joiner { join_key, .. } if join_key != room.join_key => Err(ErrorCode::BadSignature),
            Authority::Joiner { door, .. } if !self.store.has_door(room.row, &door).await? => {
                Err(ErrorCode::DoorClosed)
            }
            Authority::Joiner { .. } => Ok(()),
        };
        if let Err(code) = is_allowed {
            return Ok(code.into());
        }
        self.flush().await?;
        let (seq, epoch) = (room.head.head_seq + 1, room.head.epoch + 1);
        let head = RoomHead { epoch, head_seq: seq, last_handshake_seq: seq };
        let kind = EntryKind::Handshake;
        let log_entry = LogEntry { seq, kind, entry, access_key: Some(record.access_key) };
        self.announce(room_id, header.epoch, &log_entry);
        self.rooms.insert(room_id, StoredRoom { row: room.row, head, join_key: record.join_key });
        let new =
            NewEntry { row: room.row, seq, kind, epoch: header.epoch, id: header.id, entry: log_entry.entry };
        self.store.insert_entries(vec![new]).await?;
        self.store.begin_epoch(room.row, epoch, seq, record).await?;
        Ok(Verdict::Judged(Reply::Appended(seq)))
    }

    fn announce(&mut self, room: RoomId, epoch: u64, entry: &LogEntry) {
        let frame = wire::entry(&room, entry);
        self.live.push((room, LiveEntry { seq: entry.seq, kind: entry.kind, epoch, frame }));
    }

    async fn flush(&mut self) -> Result<(), WriteFault> {
        self.store.insert_entries(std::mem::take(&mut self.pending)).await
    }

    fn succeed(self) -> Outcome {
        let mut outcome = Outcome::default();
        let mut places = HashMap::new();
        for (room, entry) in self.live {
            let head = self.rooms.get(&room).map(|room| room.head).unwrap_or_default();
            let place = *places.entry(room).or_insert_with(|| {
                outcome.rooms.push((room, head, Vec::new()));
                outcome.rooms.len() - 1
            });
            if let Some((_, _, entries)) = outcome.rooms.get_mut(place) {
                entries.push(entry);
            }
        }
        outcome.answers = self.answers.into_iter().map(|answer| (answer.reply_to, answer.reply)).collect();
        outcome
    }

    fn fail(self, fault: &WriteFault) -> Outcome {
        match fault {
            WriteFault::Full => tracing::warn!("the disk is full: nothing is stored until there is space"),
            WriteFault::Unreachable(_) | WriteFault::Failed(_) | WriteFault::Damaged(_) => {
                tracing::error!(error = %fault, "a transaction failed")
            }
        }
        for room in &self.touched {
            self.rooms.remove(room);
        }
        let refused = || Reply::Error(error_of(fault));
        let judged = self
            .answers
            .into_iter()
            .map(|answer| (answer.reply_to, if answer.is_settled { answer.reply } else { refused() }));
        let unjudged = self.operations.into_iter().map(|queued| (queued.reply_to, refused()));
        Outcome { rooms: Vec::new(), answers: judged.chain(unjudged).collect() }
    }
}

/// The answer to an entry whose id is in the log.
fn sent_before(known: &StoredEntry, kind: EntryKind, entry: &[u8]) -> Verdict {
    if known.kind == kind && known.entry == entry {
        Verdict::Settled(Reply::Appended(known.seq))
    } else {
        ErrorCode::EntryIdReused.into()
    }
}

fn error_of(fault: &WriteFault) -> WireError {
    match fault {
        WriteFault::Full => {
            WireError { retry_after_ms: Some(FULL_RETRY_MS), ..WireError::new(ErrorCode::StorageFull) }
        }
        WriteFault::Unreachable(_) | WriteFault::Failed(_) | WriteFault::Damaged(_) => {
            ErrorCode::Internal.into()
        }
    }
}
