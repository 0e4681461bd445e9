//! What waits to be sent: messages, sealed once for each epoch they wait through; and commits, made once each.

use super::{OutboxRecord, OwnInvite, PendingCommit, RoomSlot, record::SealedMessage};
use crate::{ClientError, api::Alarm};
use sotto_crypto::{
    CryptoError,
    message::{self, Content, Draft, MessageId},
    random_array,
    room::{Handshake, RoomChange, policy::Violation},
};
use sotto_protocol::{Append, AppendHandshake, JoinAuthority, RoomId, limits::MESSAGE_CONTENT_MAX_BYTES};

impl RoomSlot {
    /// Puts a text into the outbox.
    pub fn enqueue(&mut self, text: String, now_ms: u64) -> Result<MessageId, ClientError> {
        if text.trim().is_empty() {
            return Err(ClientError::EmptyMessage);
        }
        let actual_bytes = text.len();
        let content = Content::Text(text.into()).encode().map_err(|error| match error {
            CryptoError::OverLimit { max, .. } => {
                ClientError::MessageTooLong { actual_bytes, max_bytes: max }
            }
            _ => ClientError::MessageTooLong { actual_bytes, max_bytes: MESSAGE_CONTENT_MAX_BYTES },
        })?;
        let id = random_array().map_err(|_| ClientError::Bug("the system gives no randomness"))?;
        let position = self.outbox.last_key_value().map_or(0, |(position, _)| position + 1);
        let record = OutboxRecord {
            id,
            content,
            sent_at_ms: now_ms,
            sealed: None,
            acknowledged_seq: None,
            has_failed: false,
            was_sent: false,
        };
        self.outbox.insert(position, record);
        self.touch_outbox(position);
        Ok(id)
    }

    /// Messages to be sent now, sealed for the current epoch: the same bytes again where they were sealed for it before.
    pub fn sendable(
        &mut self,
        is_under_way: impl Fn(&MessageId) -> bool,
    ) -> Result<Vec<(MessageId, Append)>, ClientError> {
        let epoch = self.room.epoch();
        // Epoch 0 has no capsule: what was said in it could not be read on another device.
        if epoch == 0 {
            return Ok(Vec::new());
        }
        let waiting: Vec<u64> = self
            .outbox
            .iter()
            .filter(|(_, record)| {
                record.acknowledged_seq.is_none() && !record.has_failed && !is_under_way(&record.id)
            })
            .map(|(position, _)| *position)
            .collect();
        // What waits is not among what was read up to here: it would have left the outbox.
        let read_seq = self.cursor.chain.seq;
        let mut appends = Vec::with_capacity(waiting.len());
        for position in waiting {
            let Some(record) = self.outbox.get(&position) else { continue };
            let is_sealed = record.sealed.as_ref().is_some_and(|sealed| sealed.epoch == epoch);
            if !is_sealed || !record.was_sent {
                let sealed = if is_sealed { None } else { Some(self.seal(record)?) };
                if let Some(record) = self.outbox.get_mut(&position) {
                    record.sealed = sealed.or(record.sealed.take());
                    record.was_sent = true;
                }
                self.touch_outbox(position);
            }
            if let Some((id, sealed)) =
                self.outbox.get(&position).and_then(|record| Some((record.id, record.sealed.as_ref()?)))
            {
                appends.push((id, Append { room: self.room.id(), entry: sealed.entry.clone(), read_seq }));
            }
        }
        Ok(appends)
    }

    fn seal(&self, record: &OutboxRecord) -> Result<SealedMessage, ClientError> {
        let bug = |_| ClientError::Bug("a message could not be sealed");
        let draft = Draft {
            leaf: self.room.own_leaf(),
            id: record.id,
            sent_at_ms: record.sent_at_ms,
            chain: self.cursor.chain,
            content: &record.content,
        };
        let (secrets, epoch) = (self.room.secrets().map_err(bug)?, self.room.epoch());
        let device = self.room.device();
        let (entry_id, entry) =
            message::seal(&secrets.message, device, &self.room.id(), epoch, &draft).map_err(bug)?;
        Ok(SealedMessage { epoch, entry_id, entry })
    }

    /// The relay says that it has a message, at this place. False where that place is read and holds something else.
    pub fn acknowledge(&mut self, id: &MessageId, seq: u64) -> bool {
        self.change_outbox(id, |record| record.acknowledged_seq = Some(seq));
        !self.take_back_acknowledgements_up_to(self.cursor.chain.seq)
    }

    /// The last place in the log at which the relay says that it has something of this device's outbox.
    pub fn last_acknowledged_seq(&self) -> Option<u64> {
        self.outbox.values().filter_map(|record| record.acknowledged_seq).max()
    }

    /// Takes back acknowledgements of places that were read and hold something else, with an alarm.
    pub(super) fn take_back_acknowledgements_up_to(&mut self, read_seq: u64) -> bool {
        // What was put there is lost: sealed anew, so that the relay cannot point at its old id.
        self.take_back_acknowledgements(|seq| seq <= read_seq, true)
    }

    /// Takes back acknowledgements of places that are beyond the end of the log, with an alarm.
    pub fn take_back_acknowledgements_after(&mut self, head_seq: u64) -> bool {
        self.take_back_acknowledgements(|seq| seq > head_seq, false)
    }

    fn take_back_acknowledgements(&mut self, is_false: impl Fn(u64) -> bool, unseals: bool) -> bool {
        let is_false = |record: &&OutboxRecord| record.acknowledged_seq.is_some_and(&is_false);
        let found = self.outbox.values().filter(is_false);
        let found: Vec<_> = found.filter_map(|record| Some((record.id, record.acknowledged_seq?))).collect();
        for (id, _) in &found {
            self.change_outbox(id, |record| {
                record.acknowledged_seq = None;
                record.sealed.take_if(|_| unseals);
            });
        }
        let first = found.iter().map(|(_, seq)| *seq).min();
        if let Some(seq) = first {
            self.raise(Alarm::NotInLog(seq));
        }
        first.is_some()
    }

    /// Whether a message waits here, whatever the relay says of it.
    pub fn has_waiting(&self, id: &MessageId) -> bool {
        self.outbox.values().any(|record| record.id == *id)
    }

    /// A message that waits.
    pub fn waiting(&self, id: &MessageId) -> Option<&OutboxRecord> {
        self.outbox.values().find(|record| record.id == *id)
    }

    /// Everything that waits is sealed anew and sent, whatever the relay has acknowledged: readers take a message once.
    pub fn send_again(&mut self) {
        let ids: Vec<MessageId> = self.outbox.values().map(|record| record.id).collect();
        for id in &ids {
            self.change_outbox(id, |record| {
                record.acknowledged_seq = None;
                record.sealed = None;
            });
        }
    }

    /// A person wants a message sent that the relay refused for good.
    pub fn retry(&mut self, id: &MessageId) {
        self.change_outbox(id, |record| {
            if core::mem::take(&mut record.has_failed) {
                record.sealed = None;
            }
        });
    }

    /// The relay refused a message for good: it stays, to be seen.
    pub fn fail(&mut self, id: &MessageId) {
        self.change_outbox(id, |record| record.has_failed = true);
    }

    /// A message has to be sealed anew.
    pub fn unseal(&mut self, id: &MessageId) {
        self.change_outbox(id, |record| record.sealed = None);
    }

    /// A message came back through the log, or is not to be sent.
    pub fn drop_from_outbox(&mut self, id: &MessageId) {
        let position = self.outbox.iter().find(|(_, record)| record.id == *id).map(|(position, _)| *position);
        if let Some(position) = position {
            self.outbox.remove(&position);
            self.touch_outbox(position);
        }
    }

    fn change_outbox(&mut self, id: &MessageId, change: impl FnOnce(&mut OutboxRecord)) {
        let found = self.outbox.iter_mut().find(|(_, record)| record.id == *id);
        if let Some((position, record)) = found {
            let position = *position;
            change(record);
            self.touch_outbox(position);
        }
    }

    /// Makes a commit and keeps it with exactly what will be appended.
    pub fn commit(&mut self, change: &RoomChange, invite: Option<OwnInvite>) -> Result<(), ClientError> {
        let handshake = self.room.commit(change, self.cursor.chain).map_err(|error| match error {
            CryptoError::OverLimit { what: "own open invites", max, .. } => {
                ClientError::TooManyOwnInvites(max)
            }
            CryptoError::OverLimit { max, .. } => ClientError::TooManyInvites(max),
            CryptoError::Forbidden(Violation::InvalidState | Violation::StateChange) => {
                ClientError::NotAllowed
            }
            _ => ClientError::Bug("a change could not be made"),
        })?;
        let last_handshake_seq = self.record.last_handshake_seq;
        self.record.pending = Some(PendingCommit { last_handshake_seq, handshake, invite });
        self.dirty.record = true;
        self.dirty.group = true;
        Ok(())
    }

    /// What is appended for the pending commit.
    pub fn pending_append(&self) -> Option<AppendHandshake> {
        let PendingCommit { last_handshake_seq, handshake, .. } = self.record.pending.clone()?;
        Some(append_handshake(self.room.id(), last_handshake_seq, handshake, None))
    }

    /// Forgets a pending commit that the relay refuses.
    pub fn discard_pending(&mut self) -> Result<(), ClientError> {
        self.room.discard_pending().map_err(|_| ClientError::Bug("a change could not be taken back"))?;
        self.record.pending = None;
        self.dirty.record = true;
        self.dirty.group = true;
        Ok(())
    }
}

/// A handshake as it is appended.
pub fn append_handshake(
    room: RoomId,
    last_handshake_seq: u64,
    handshake: Handshake,
    join: Option<JoinAuthority>,
) -> AppendHandshake {
    AppendHandshake {
        room,
        last_handshake_seq,
        entry: handshake.entry,
        access_key: handshake.access_key,
        join_key: handshake.join_key,
        card: handshake.card,
        doors: handshake.doors,
        join,
        capsule: handshake.capsule,
        capsule_wraps: Some(handshake.capsule_wraps),
        history: handshake.history,
        handover: handshake.handover,
        cut: handshake.cut.then_some(true),
    }
}
