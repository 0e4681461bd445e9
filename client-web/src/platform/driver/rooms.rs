//! Keeps what is shown of the rooms up to date.

use super::SessionFailure;
use crate::model::drawing::drawn;
use crate::model::grouping::Me;
use crate::model::recency::heard_at;
use crate::model::window::{PAGE, Window};
use crate::platform::store::IdbStore;
use crate::platform::{clock, dom, prefs};
use crate::state::{Bounced, OpenRoom, Preview, RoomSummary, Ui};
use crate::words::named;
use dioxus::prelude::*;
use sotto_client_core::{ClientError, Session, TimelineBody, TimelineItem};
use sotto_protocol::RoomId;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

type OurSession = Session<IdbStore>;

/// What is kept of each room beside what the engine keeps.
#[derive(Default)]
pub struct Rooms {
    kept: HashMap<RoomId, Kept>,
}

#[derive(Default)]
struct Kept {
    window: Window,
    preview: Option<Preview>,
    unread: usize,
    bounced: Vec<Bounced>,
    stopped: Option<ClientError>,
}

impl Rooms {
    /// Reads the list of rooms, and of rooms not seen before the newest page.
    pub async fn read_all(&mut self, session: &OurSession, ui: Ui) -> Result<(), SessionFailure> {
        for view in session.rooms() {
            if let Entry::Vacant(place) = self.kept.entry(view.id) {
                let window = Window::newest(session.timeline(&view.id, None, PAGE).await?);
                let read = prefs::last_read(&view.id);
                let is_unread =
                    |item: &&TimelineItem| counts(item) && read.is_some_and(|read| item.seq > read);
                let unread = window.items().iter().filter(is_unread).count();
                let preview = window.items().iter().rev().find_map(|item| preview_of(&view.id, item));
                if read.is_none() {
                    // A room is new here: everything in it is old.
                    prefs::set_last_read(&view.id, window.last_seq().unwrap_or(0));
                }
                place.insert(Kept { window, preview, unread, ..Kept::default() });
            }
        }
        self.publish_list(session, ui);
        Ok(())
    }

    /// Opens a room, or none.
    pub async fn show(
        &mut self,
        room: Option<RoomId>,
        session: &OurSession,
        mut ui: Ui,
    ) -> Result<(), SessionFailure> {
        let shown = ui.open.peek().as_ref().map(|open| open.room);
        let Some(room) = room.filter(|room| self.kept.contains_key(room)) else {
            if shown.is_some() {
                ui.open.set(None);
            }
            return Ok(());
        };
        if shown == Some(room) {
            return Ok(());
        }
        let unread = self.kept.get(&room).map_or(0, |kept| kept.unread);
        let unread_after = prefs::last_read(&room).filter(|_| unread > 0);
        let is_at_newest = !ui.places.peek().contains_key(&room);
        ui.is_at_newest.set(is_at_newest);
        if let Some(open) = self.open_room(room, unread_after, session) {
            ui.open.set(Some(open));
        }
        Ok(())
    }

    /// Takes in new entries of a room.
    pub fn arrived(&mut self, room: RoomId, items: Vec<TimelineItem>, session: &OurSession, ui: Ui) {
        let kept = self.kept.entry(room).or_default();
        if let Some(preview) = items.iter().rev().find_map(|item| preview_of(&room, item)) {
            kept.preview = Some(preview);
        }
        let read = prefs::last_read(&room).unwrap_or(0);
        kept.unread += items.iter().filter(|item| counts(item) && item.seq > read).count();
        kept.window.arrive(items);
        self.mark_read_if_seen(ui);
        self.changed(room, session, ui);
    }

    /// Reads again what the engine says about a room.
    pub fn changed(&mut self, room: RoomId, session: &OurSession, mut ui: Ui) {
        self.publish_list(session, ui);
        let unread_after = match &*ui.open.peek() {
            Some(open) if open.room == room => open.unread_after,
            _ => return,
        };
        if let Some(kept) = self.kept.get_mut(&room) {
            // A member who came, left or changed a name may look like one who spoke before.
            session.tag(&room, kept.window.items_mut());
        }
        let Some(open) = self.open_room(room, unread_after, session) else { return };
        if ui.open.peek().as_ref() != Some(&open) {
            ui.open.set(Some(open));
        }
    }

    /// Shows older entries of the open room.
    pub async fn load_older(&mut self, session: &OurSession, ui: Ui) -> Result<(), SessionFailure> {
        let Some((room, kept)) = self.current(ui) else { return Ok(()) };
        if kept.window.has_older() {
            let before = kept.window.first_seq();
            kept.window.prepend(session.timeline(&room, before, PAGE).await?);
            self.changed(room, session, ui);
        }
        Ok(())
    }

    /// Shows newer entries of the open room, where they had been let go.
    pub async fn load_newer(&mut self, session: &OurSession, ui: Ui) -> Result<(), SessionFailure> {
        let Some((room, kept)) = self.current(ui) else { return Ok(()) };
        if kept.window.has_newer() {
            let last = kept.window.last_seq().unwrap_or(0);
            // The engine gives the newest before a place: a place one page on, or the end.
            let page = u64::try_from(PAGE).unwrap_or(u64::MAX);
            let newer = session.timeline(&room, Some(last.saturating_add(page + 1)), PAGE).await?;
            let newest = session.timeline(&room, None, 1).await?.last().map_or(0, |item| item.seq);
            let is_last =
                newer.last().is_none_or(|item| item.seq >= newest) && newest <= last.saturating_add(page);
            if newer.iter().any(|item| item.seq > last) || is_last {
                kept.window.extend(newer, is_last);
            } else {
                kept.window = Window::newest(session.timeline(&room, None, PAGE).await?);
            }
            self.changed(room, session, ui);
        }
        Ok(())
    }

    /// Shows the newest entries of the open room.
    pub async fn load_newest(&mut self, session: &OurSession, ui: Ui) -> Result<(), SessionFailure> {
        let Some((room, kept)) = self.current(ui) else { return Ok(()) };
        if kept.window.has_newer() {
            kept.window = Window::newest(session.timeline(&room, None, PAGE).await?);
            self.changed(room, session, ui);
        }
        Ok(())
    }

    /// Counts the open room as read, if someone is looking at its end.
    pub fn mark_read_if_seen(&mut self, mut ui: Ui) {
        if !*ui.is_at_newest.peek() || !dom::is_visible() {
            return;
        }
        let Some((room, kept)) = self.current(ui) else { return };
        if let Some(last) = kept.window.last_seq().filter(|_| !kept.window.has_newer()) {
            prefs::set_last_read(&room, last);
        }
        if kept.unread > 0 {
            kept.unread = 0;
            if let Some(summary) = ui.rooms.write().iter_mut().find(|summary| summary.view.id == room) {
                summary.unread = 0;
            }
        }
    }

    /// Keeps a message that was refused.
    pub fn bounced(&mut self, room: RoomId, text: String, why: ClientError, mut ui: Ui) {
        let kept = self.kept.entry(room).or_default();
        kept.bounced.push(Bounced { text, why });
        let bounced = kept.bounced.clone();
        if let Some(open) = ui.open.write().as_mut().filter(|open| open.room == room) {
            open.bounced = bounced;
        }
    }

    /// Says of a room that nothing more of it can be read or sent for now.
    pub fn stopped(&mut self, room: RoomId, why: ClientError, mut ui: Ui) {
        self.kept.entry(room).or_default().stopped = Some(why.clone());
        if let Some(open) = ui.open.write().as_mut().filter(|open| open.room == room) {
            open.stopped = Some(why);
        }
    }

    /// Takes it back for all rooms: a new connection is a new attempt.
    pub fn started_again(&mut self, mut ui: Ui) {
        self.kept.values_mut().for_each(|kept| kept.stopped = None);
        if ui.open.peek().as_ref().is_some_and(|open| open.stopped.is_some())
            && let Some(open) = ui.open.write().as_mut()
        {
            open.stopped = None;
        }
    }

    /// Forgets a refused message of the open room.
    pub fn discard(&mut self, text: &str, mut ui: Ui) {
        let Some((_, kept)) = self.current(ui) else { return };
        if let Some(at) = kept.bounced.iter().position(|bounced| bounced.text == text) {
            kept.bounced.remove(at);
        }
        let bounced = kept.bounced.clone();
        if let Some(open) = ui.open.write().as_mut() {
            open.bounced = bounced;
        }
    }

    fn current(&mut self, ui: Ui) -> Option<(RoomId, &mut Kept)> {
        let room = ui.open.peek().as_ref()?.room;
        Some((room, self.kept.get_mut(&room)?))
    }

    fn open_room(&self, room: RoomId, unread_after: Option<u64>, session: &OurSession) -> Option<OpenRoom> {
        let kept = self.kept.get(&room)?;
        let members = session.members(&room);
        let me = members.iter().find(|member| member.is_me);
        let me = me
            .map(|me| Me { account: me.account, name: named(&me.display_name, me.tag.as_deref()) })
            .unwrap_or_default();
        Some(OpenRoom {
            room,
            window: kept.window.clone(),
            unread_after,
            outbox: session.outbox(&room),
            bounced: kept.bounced.clone(),
            stopped: kept.stopped.clone(),
            invites: session.invites(&room),
            members,
            me,
        })
    }

    fn publish_list(&self, session: &OurSession, mut ui: Ui) {
        let mut list: Vec<RoomSummary> = session.rooms().into_iter().map(|view| self.summary(view)).collect();
        // What was said last comes first; rooms without a word stay in the engine's order behind.
        list.sort_by_key(|summary| std::cmp::Reverse(summary.preview.as_ref().map(|preview| preview.at_ms)));
        if *ui.rooms.peek() != list {
            ui.rooms.set(list);
        }
    }

    fn summary(&self, view: sotto_client_core::RoomView) -> RoomSummary {
        let kept = self.kept.get(&view.id);
        RoomSummary {
            preview: kept.and_then(|kept| kept.preview.clone()),
            unread: kept.map_or(0, |kept| kept.unread),
            view,
        }
    }
}

/// Whether an entry is worth a number beside the room.
fn counts(item: &TimelineItem) -> bool {
    !item.is_mine && matches!(item.body, TimelineBody::Text(_) | TimelineBody::FromNewerVersion)
}

fn preview_of(room: &RoomId, item: &TimelineItem) -> Option<Preview> {
    let text = match &item.body {
        TimelineBody::Text(text) => Some(drawn(&text.chars().take(120).collect::<String>()).into_owned()),
        TimelineBody::FromNewerVersion => None,
        TimelineBody::Joined | TimelineBody::Renamed(_) | TimelineBody::Gap => return None,
    };
    let who = (!item.is_mine).then(|| named(&item.sender_name, item.sender_tag.as_deref()));
    let sent_ms = item.sent_at_ms.unwrap_or_default();
    let heard = heard_at(sent_ms, clock::now_ms(), prefs::first_seen(room, item.seq));
    if heard.is_to_be_remembered {
        prefs::set_first_seen(room, item.seq, heard.at_ms);
    }
    Some(Preview { who, text, at_ms: heard.at_ms })
}
