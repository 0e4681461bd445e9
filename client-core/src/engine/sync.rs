//! Opening rooms and reading their logs.

use super::{
    Engine,
    connection::{Asked, Connection, Purpose},
    link::Phase,
};
use crate::{
    ClientError,
    api::{Alarm, Event, Outcome},
    room::RoomPhase,
    store::{Change, Table},
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
            (RoomPhase::Creating, Phase::Closed) if !link.is_created => self.create_at_relay(id),
            (_, Phase::Closed) => self.open(id),
            (RoomPhase::Open, Phase::Live) if link.opened_epoch != slot.room.epoch() => self.open(id),
            (RoomPhase::Open, Phase::Live) if link.head_seq > slot.cursor.chain.seq => {
                self.request_page(id);
            }
            (RoomPhase::Open, Phase::Live) if slot.record.awaited_join.is_some() => {
                self.miss_join(id);
            }
            (RoomPhase::Open, Phase::Live) => {
                if !core::mem::replace(&mut link.is_caught_up, true) {
                    self.step.events.push(Event::CaughtUp(id));
                }
                if let Some((seq, at)) = link.opened_end.take()
                    && let Some(slot) = self.rooms.get_mut(&id)
                {
                    slot.see_end(seq, at);
                }
                self.send_waiting(id);
            }
            _ => {}
        }
    }

    fn create_at_relay(&mut self, id: RoomId) {
        let Some(room) = self.rooms.get(&id).map(|slot| &slot.room) else { return };
        let own = room.roster().get(room.own_leaf()).map(|own| own.admin_key);
        let (Ok(secrets), Some(admin_key)) = (room.secrets(), own) else { return };
        let create = CreateRoom {
            room: id,
            access_key: secrets.access_key().public(),
            join_key: secrets.join_key().public(),
            token: None,
            admin_key,
        };
        self.request_in_phase(id, Phase::Opening, Purpose::Create(id), Request::Create(create));
    }

    /// Another process may have made the room that this one was asked to make.
    pub(super) fn finish_creations(&mut self) {
        let is_open =
            |id: &RoomId| self.rooms.get(id).is_some_and(|slot| slot.record.phase == RoomPhase::Open);
        let open: Vec<RoomId> = self.creations.keys().filter(|id| is_open(id)).copied().collect();
        for id in open {
            if let Some(ticket) = self.creations.remove(&id) {
                self.done(ticket, Ok(Outcome::RoomCreated(id)));
            }
        }
    }

    pub(super) fn created(&mut self, id: RoomId, reply: &Reply) {
        match reply {
            // Whether it can be used, too, its opening shows.
            Reply::Created => {
                if let Some(link) = self.links.get_mut(&id) {
                    link.is_created = true;
                    link.reopen();
                }
            }
            Reply::Error(error) if error.code.is_passing() => self.wait(id, error),
            Reply::Error(_) => self.creation_refused(id, refusal(reply)),
            _ => self.pause(id),
        }
    }

    /// The relay refuses to make a room, or to open it at once. What holds nothing is forgotten; what was written into it is kept.
    fn creation_refused(&mut self, id: RoomId, error: ClientError) {
        let Some(slot) = self.rooms.get(&id) else { return };
        if slot.record.phase != RoomPhase::Creating {
            return self.pause(id);
        }
        if slot.outbox.is_empty() {
            self.rooms.remove(&id);
            self.links.remove(&id);
            for table in [Table::Room, Table::Group, Table::Cursor, Table::Revision] {
                self.other_changes.push(Change::Delete(table, id.as_bytes().to_vec()));
            }
            self.tell(Event::RoomsChanged);
        } else {
            self.stop(id, &error);
        }
        if let Some(ticket) = self.creations.remove(&id) {
            self.done(ticket, Err(error));
        }
    }

    fn open(&mut self, id: RoomId) {
        let (Some(challenge), Some(slot), Some(own_link)) =
            (self.challenge(), self.rooms.get(&id), self.links.get(&id))
        else {
            return;
        };
        let Ok(secrets) = slot.room.secrets() else {
            return self.stop(id, &ClientError::Bug("the room has no secrets"));
        };
        let asked = Asked {
            epoch: slot.room.epoch(),
            cursor_seq: slot.cursor.chain.seq,
            last_handshake_seq: slot.record.verified_handshake_seq,
            at: self.moment(),
            acknowledged_seq: slot.last_acknowledged_seq().max(own_link.acknowledged_seq),
        };
        let statement = open_statement(self.relay.authority(), &challenge, &id, asked.epoch);
        let open =
            OpenRoom { room: id, epoch: asked.epoch, signature: secrets.access_key().sign(&statement) };
        self.request_in_phase(id, Phase::Opening, Purpose::Open(id, asked), Request::Open(open));
    }

    pub(super) fn opened(&mut self, id: RoomId, asked: Asked, reply: Reply) {
        let now = self.moment();
        let incarnation = match self.connection {
            Connection::Online { incarnation, .. } => incarnation,
            _ => return,
        };
        let (Some(slot), Some(link)) = (self.rooms.get_mut(&id), self.links.get_mut(&id)) else { return };
        match reply {
            Reply::Opened(opened) => {
                let OpenedRoom { access, head_seq, last_handshake_seq, retention, .. } = *opened;
                if slot.record.incarnation != Some(incarnation) {
                    slot.record.incarnation = Some(incarnation);
                    slot.touch_record();
                }
                if head_seq < asked.cursor_seq || last_handshake_seq < asked.last_handshake_seq {
                    slot.raise(Alarm::RelayRolledBack(asked.cursor_seq));
                    return self.stop(id, &ClientError::RoomStopped);
                }
                if slot.record.phase == RoomPhase::Creating {
                    slot.record.phase = RoomPhase::Open;
                    slot.touch_record();
                    self.step.events.push(Event::RoomsChanged);
                }
                let promise = asked.acknowledged_seq.filter(|seq| *seq > head_seq);
                if let Some(seq) = promise.filter(|_| access == RoomAccess::Full) {
                    if !slot.take_back_acknowledgements_after(head_seq) {
                        slot.raise(Alarm::NotInLog(seq));
                    }
                    link.commit_under_way = None;
                }
                link.opened_epoch = asked.epoch;
                if let Some(retention) = retention.filter(|_| access == RoomAccess::Full) {
                    link.dropped = retention.dropped;
                    link.kept_s = [retention.operator_s, retention.room_s].into_iter().flatten().min();
                    link.opened_end = Some((head_seq, asked.at));
                    if let Some(bodiless) = link.bodiless.take() {
                        slot.judge_bodiless(&bodiless, retention.dropped, now);
                    }
                }
                // What was acknowledged after the question may be beyond the answer: a page has to show it.
                link.acknowledged_seq =
                    link.acknowledged_seq.filter(|seq| Some(*seq) > asked.acknowledged_seq);
                link.head_seq = head_seq.max(link.acknowledged_seq.unwrap_or_default());
                link.handshakes_from = None;
                link.has_progress = false;
                link.phase = Phase::Live;
                if access == RoomAccess::Handshakes {
                    self.request_handshakes(id);
                }
            }
            Reply::Error(error) => match error.code {
                // It was made on this connection a moment ago, and never opened.
                ErrorCode::UnknownRoom if slot.record.phase == RoomPhase::Creating => {
                    link.is_created = false;
                    self.pause(id);
                }
                ErrorCode::BadSignature if slot.record.phase == RoomPhase::Creating => {
                    self.creation_refused(id, ClientError::AddressDiffers);
                }
                // Nobody is told which epochs there are by whose key they do not sign. In the life of the database that has had this one,
                // another host's name was signed; another one has lost it.
                ErrorCode::BadSignature if slot.record.incarnation == Some(incarnation) => {
                    self.stop(id, &ClientError::AddressDiffers);
                }
                ErrorCode::UnknownRoom | ErrorCode::BadSignature => {
                    slot.raise(Alarm::RelayRolledBack(asked.cursor_seq));
                    self.stop(id, &ClientError::RoomStopped);
                }
                code if code.is_passing() => self.wait(id, &error),
                code => self.stop(id, &ClientError::Refused(code)),
            },
            _ => self.pause(id),
        }
    }

    fn request_handshakes(&mut self, id: RoomId) {
        let (Some(slot), Some(link)) = (self.rooms.get(&id), self.links.get(&id)) else { return };
        let page = PageRequest {
            room: id,
            from: link.handshakes_from.unwrap_or(slot.record.verified_handshake_seq),
            direction: Direction::Forward,
            limit: PAGE_MAX_ENTRIES,
            handshakes_only: true,
        };
        self.request_in_phase(id, Phase::Handshakes, Purpose::Handshakes(id), Request::Page(page));
    }

    /// Handshakes up to the current epoch: taken in, then the room is opened with the current key.
    pub(super) fn handshakes(&mut self, id: RoomId, page: &Page) {
        let (Some(slot), Some(link)) = (self.rooms.get_mut(&id), self.links.get_mut(&id)) else { return };
        let has_progress = match slot.catch_up(&page.entries) {
            Ok(taken) => taken > 0,
            // That this device was removed is told once the room has ended.
            Err(_) if slot.end.is_some() => return link.stop(),
            Err(error) => return self.stop(id, &error),
        };
        link.has_progress |= has_progress;
        link.handshakes_from = page.entries.last().map(|entry| entry.seq);
        if page.more && has_progress {
            return self.request_handshakes(id);
        }
        if page.more || slot.room.epoch() == link.opened_epoch {
            // The relay says that there are more, or that the epoch is over, and shows no handshake that is new.
            self.pause(id);
        } else {
            // Taken in by this process or, in the meantime, by another one.
            link.reopen();
            link.backoff.reset();
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
        if let Some(link) = self.links.get_mut(&id) {
            link.page_promise_seq = link.acknowledged_seq;
        }
        self.request_in_phase(id, Phase::Reading, Purpose::Page(id), Request::Page(page));
    }

    pub(super) fn page(&mut self, id: RoomId, page: &Page) {
        self.set_phase(id, Phase::Live);
        let before = self.rooms.get(&id).map(|slot| slot.cursor.chain.seq);
        self.read(id, &page.entries);
        let (Some(slot), Some(link)) = (self.rooms.get_mut(&id), self.links.get_mut(&id)) else { return };
        let seq = slot.cursor.chain.seq;
        if link.phase != Phase::Live || link.suspect.is_some() || slot.end.is_some() {
            return;
        }
        let promise = link.page_promise_seq.take().filter(|promise| *promise > seq && !page.more);
        if let Some(promise) = promise {
            // The log ends before a place at which the relay said that it stored something.
            if !slot.take_back_acknowledgements_after(seq) {
                slot.raise(Alarm::NotInLog(promise));
            }
            link.acknowledged_seq = None;
            link.commit_under_way = None;
            self.pause(id);
        } else if Some(seq) == before {
            // The relay said that there is more, and gives nothing of it: try again later.
            self.pause(id);
        }
    }

    /// The log is read to its end, and the join that the relay acknowledged is not in it.
    fn miss_join(&mut self, id: RoomId) {
        if let Some(slot) = self.rooms.get_mut(&id) {
            slot.raise(Alarm::NotInLog(slot.cursor.chain.seq.saturating_add(1)));
        }
        self.stop(id, &ClientError::RoomStopped);
    }

    /// Reads entries of a room that is open. What cannot be read is fetched again, or the room is opened again.
    pub(super) fn read(&mut self, id: RoomId, entries: &[LogEntry]) {
        let now = self.moment();
        let (Some(slot), Some(link)) = (self.rooms.get_mut(&id), self.links.get_mut(&id)) else { return };
        let before = slot.cursor.chain.seq;
        let reading = slot.read(entries, link.suspect.take());
        let has_progress = slot.cursor.chain.seq > before;
        let is_news = entries.iter().any(|entry| entry.seq > before);
        let mut is_blocked = false;
        if let Some(suspect) = reading.suspect {
            link.suspect_tries = if has_progress { 1 } else { link.suspect_tries + 1 };
            // The head is known to be beyond it, so the next thing is to fetch it once more.
            link.suspect = Some(suspect);
            link.head_seq = link.head_seq.max(suspect.0);
            if link.suspect_tries > SUSPECT_TRIES_MAX {
                slot.raise(Alarm::EntryDamaged(suspect.0));
                is_blocked = true;
            }
        } else if !reading.has_gap {
            link.suspect_tries = 0;
            is_blocked = is_news && !has_progress;
        }
        if has_progress {
            link.has_progress = true;
            link.backoff.reset();
        }
        if let Some(bodiless) = reading.bodiless {
            // What was dropped since the room was opened, the relay says when it is opened again.
            let is_asked_for = link.bodiless.is_some() || !bodiless.is_covered(link.dropped);
            if is_asked_for {
                link.bodiless = Some(link.bodiless.map_or(bodiless, |earlier| earlier.and(bodiless)));
                link.reopen();
            } else {
                slot.judge_bodiless(&bodiless, link.dropped, now);
            }
        }
        let (has_gap, is_over) = (reading.has_gap, slot.end.is_some());
        self.readings.push((id, reading));
        if has_gap {
            self.behind(id);
        }
        if is_blocked && !is_over {
            self.stop(id, &ClientError::RoomStopped);
        }
    }

    /// Nothing more can be done with a room on this connection: whoever waits for something in it is told.
    fn stop(&mut self, id: RoomId, error: &ClientError) {
        if let Some(link) = self.links.get_mut(&id) {
            link.stop();
        }
        self.fail_intents(id, error);
        self.keep_sends(id, error);
        self.tell(Event::Stopped(id, error.clone()));
    }

    pub(super) fn set_phase(&mut self, id: RoomId, phase: Phase) {
        if let Some(link) = self.links.get_mut(&id) {
            link.phase = phase;
        }
    }
}

/// An answer that is not the expected one, as an error.
pub(super) fn refusal(reply: &Reply) -> ClientError {
    match reply {
        Reply::Error(error) => match error.code {
            ErrorCode::DoorClosed => ClientError::InviteClosed,
            ErrorCode::UnknownRoom => ClientError::UnknownRoom,
            code => ClientError::Refused(code),
        },
        _ => ClientError::MalformedFrame,
    }
}
