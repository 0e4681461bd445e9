//! Opening rooms and reading their logs.

use super::{
    Engine,
    connection::{Connection, Purpose},
    link::Phase,
};
use crate::{
    api::{Alarm, Event, Outcome},
    room::RoomPhase,
};
use sotto_protocol::{
    CreateRoom, Direction, ErrorCode, LogEntry, OpenRoom, OpenedRoom, Page, PageRequest, Reply, Request,
    RoomAccess, RoomId, limits::PAGE_MAX_ENTRIES, open_statement,
};

/// How often an entry that does not open is fetched again before the room is left alone until the next connection.
const SUSPECT_TRIES_MAX: u32 = 3;

impl Engine {
    /// Does for every room and join whatever can be done next.
    pub(super) fn advance(&mut self) {
        if self.challenge().is_none() {
            return;
        }
        let now_ms = self.now_ms;
        let mut rooms: Vec<RoomId> = self.rooms.keys().copied().collect();
        // In random order, so that the order of a profile's rooms does not tell one connection from another.
        rooms.sort_by_cached_key(|_| self.random());
        for id in rooms {
            let Some(link) = self.links.get_mut(&id) else { continue };
            if link.retry_at_ms.is_some_and(|at_ms| now_ms < at_ms) {
                continue;
            }
            link.retry_at_ms = None;
            self.advance_room(id);
        }
        self.advance_joins();
    }

    fn advance_room(&mut self, id: RoomId) {
        let (Some(slot), Some(link)) = (self.rooms.get(&id), self.links.get_mut(&id)) else { return };
        match (slot.record.phase, link.phase) {
            (RoomPhase::Creating, Phase::Closed) => self.create_at_relay(id),
            (RoomPhase::Open, Phase::Closed) => self.open(id),
            (RoomPhase::Open, Phase::Live) if link.opened_epoch != slot.room.epoch() => self.open(id),
            (RoomPhase::Open, Phase::Live) if link.head_seq > slot.cursor.chain.seq => {
                link.phase = Phase::Reading;
                self.request_page(id);
            }
            (RoomPhase::Open, Phase::Live) => {
                if !core::mem::replace(&mut link.is_caught_up, true) {
                    self.tell(Event::CaughtUp(id));
                }
                self.send_waiting(id);
            }
            _ => {}
        }
    }

    fn create_at_relay(&mut self, id: RoomId) {
        let Some(secrets) = self.rooms.get(&id).and_then(|slot| slot.room.secrets().ok()) else { return };
        let create = CreateRoom {
            room: id,
            access_key: secrets.access_key().public(),
            join_key: secrets.join_key().public(),
        };
        self.set_phase(id, Phase::Opening);
        self.request(Purpose::Create(id), Request::Create(create));
    }

    pub(super) fn created(&mut self, id: RoomId, reply: &Reply) {
        match reply {
            Reply::Created => {
                if let Some(slot) = self.rooms.get_mut(&id) {
                    slot.record.phase = RoomPhase::Open;
                    slot.touch_record();
                }
                self.set_phase(id, Phase::Closed);
                if let Some(ticket) = self.creations.remove(&id) {
                    self.done(ticket, Ok(Outcome::RoomCreated(id)));
                }
                self.tell(Event::RoomsChanged);
            }
            reply => {
                // Nobody else knows the room: better told and made again than left half made.
                let error = refusal(reply);
                self.rooms.remove(&id);
                self.links.remove(&id);
                self.forgotten.push(id);
                if let Some(ticket) = self.creations.remove(&id) {
                    self.done(ticket, Err(error));
                }
                self.tell(Event::RoomsChanged);
            }
        }
    }

    fn open(&mut self, id: RoomId) {
        let (Some(challenge), Some(slot)) = (self.challenge(), self.rooms.get(&id)) else { return };
        let Ok(secrets) = slot.room.secrets() else { return self.set_phase(id, Phase::Stopped) };
        let epoch = slot.room.epoch();
        let statement = open_statement(self.relay.authority(), &challenge, &id, epoch);
        let open = OpenRoom { room: id, epoch, signature: secrets.access_key().sign(&statement) };
        self.set_phase(id, Phase::Opening);
        self.request(Purpose::Open(id, epoch), Request::Open(open));
    }

    pub(super) fn opened(&mut self, id: RoomId, epoch: u64, reply: Reply) {
        let incarnation = match self.connection {
            Connection::Online { incarnation, .. } => incarnation,
            _ => return,
        };
        let (Some(slot), Some(link)) = (self.rooms.get_mut(&id), self.links.get_mut(&id)) else { return };
        match reply {
            Reply::Opened(OpenedRoom { access, head_seq, last_handshake_seq, .. }) => {
                if slot.record.incarnation != Some(incarnation) {
                    slot.record.incarnation = Some(incarnation);
                    slot.touch_record();
                }
                let seen = slot.cursor.chain.seq;
                if head_seq < seen || last_handshake_seq < slot.record.last_handshake_seq {
                    slot.raise(Alarm::RelayRolledBack(seen));
                    link.phase = Phase::Stopped;
                    return;
                }
                slot.note_that_nothing_is_lost();
                if !link.is_caught_up {
                    slot.allow_reading_again();
                }
                link.opened_epoch = epoch;
                link.head_seq = link.head_seq.max(head_seq);
                link.phase = if access == RoomAccess::Full { Phase::Live } else { Phase::Handshakes };
                if access == RoomAccess::Handshakes {
                    self.request_handshakes(id);
                }
            }
            Reply::Error(error) => match error.code {
                ErrorCode::UnknownRoom | ErrorCode::UnknownEpoch => {
                    slot.raise(Alarm::RelayRolledBack(slot.cursor.chain.seq));
                    link.phase = Phase::Stopped;
                }
                code if code.is_passing() => self.pause(id),
                code => {
                    link.phase = Phase::Stopped;
                    self.tell(Event::Problem(crate::ClientError::Refused(code)));
                }
            },
            _ => self.pause(id),
        }
    }

    fn request_handshakes(&mut self, id: RoomId) {
        let Some(slot) = self.rooms.get(&id) else { return };
        let page = PageRequest {
            room: id,
            from: slot.record.last_handshake_seq,
            direction: Direction::Forward,
            limit: PAGE_MAX_ENTRIES,
            handshakes_only: true,
        };
        self.request(Purpose::Handshakes(id), Request::Page(page));
    }

    /// Handshakes up to the current epoch: taken in, then the room is opened with the current key.
    pub(super) fn handshakes(&mut self, id: RoomId, page: &Page) {
        let Some(slot) = self.rooms.get_mut(&id) else { return };
        let before = slot.record.last_handshake_seq;
        let is_blocked = slot.catch_up(&page.entries).is_err() || slot.record.last_handshake_seq == before;
        if is_blocked {
            self.set_phase(id, Phase::Stopped);
        } else if page.more {
            self.request_handshakes(id);
        } else {
            self.set_phase(id, Phase::Closed);
        }
    }

    fn request_page(&mut self, id: RoomId) {
        let Some(slot) = self.rooms.get(&id) else { return };
        let page = PageRequest {
            room: id,
            from: slot.cursor.chain.seq,
            direction: Direction::Forward,
            limit: PAGE_MAX_ENTRIES,
            handshakes_only: false,
        };
        self.request(Purpose::Page(id), Request::Page(page));
    }

    pub(super) fn page(&mut self, id: RoomId, page: &Page) {
        self.set_phase(id, Phase::Live);
        if page.entries.is_empty() {
            // The relay said that there is more, and gives nothing: try again later.
            return self.pause(id);
        }
        self.read(id, &page.entries);
    }

    /// Reads entries of a room that is open. What cannot be read is fetched again, or the room is opened again.
    pub(super) fn read(&mut self, id: RoomId, entries: &[LogEntry]) {
        let (Some(slot), Some(link)) = (self.rooms.get_mut(&id), self.links.get_mut(&id)) else { return };
        let before = slot.cursor.chain.seq;
        let reading = slot.read(entries, link.suspect.take());
        let has_progress = slot.cursor.chain.seq > before;
        let is_news = entries.iter().any(|entry| entry.seq > before);
        if let Some(suspect) = reading.suspect {
            link.suspect_tries += 1;
            if link.suspect_tries > SUSPECT_TRIES_MAX {
                slot.raise(Alarm::EntryDamaged(suspect.0));
                link.phase = Phase::Stopped;
            } else {
                link.suspect = Some(suspect);
                link.reopen();
            }
        } else if reading.has_gap {
            link.reopen();
        } else if is_news && !has_progress {
            link.phase = Phase::Stopped;
        } else if has_progress {
            link.suspect_tries = 0;
        }
        self.readings.push((id, reading));
    }

    pub(super) fn set_phase(&mut self, id: RoomId, phase: Phase) {
        if let Some(link) = self.links.get_mut(&id) {
            link.phase = phase;
        }
    }
}

/// An answer that is not the expected one, as an error.
pub(super) fn refusal(reply: &Reply) -> crate::ClientError {
    match reply {
        Reply::Error(error) => match error.code {
            ErrorCode::DoorClosed => crate::ClientError::InviteClosed,
            ErrorCode::UnknownRoom => crate::ClientError::UnknownRoom,
            code => crate::ClientError::Refused(code),
        },
        _ => crate::ClientError::MalformedFrame,
    }
}
