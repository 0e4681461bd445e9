//! The client's engine: addresses and links, what it has stored, and what a relay sends it.

use crate::{edits, protocol};
use pollster::block_on;
use sotto_client_core::{
    Change, Command, Event, Input, MemoryStore, Outcome, RelayAddress, RoomId, RoomSuite, Scan, Session,
    Store as _, Table, Transaction as _, parse_link,
};
use sotto_protocol::{
    Challenge, ClientFrame, EntryKind, Incarnation, LogEntry, OpenedRoom, Page, RelayFrame, Reply, Request,
    RoomAccess, Welcome,
};
use zeroize::Zeroizing;

const NOW_MS: u64 = 1_790_000_000_000;

type Row = (Table, Vec<u8>, Vec<u8>);

thread_local! {
    static REAL: Profile = Profile::make();
}

/// A relay's address, and a whole link: what is read is written alike and read again.
pub fn address(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    if let Ok(address) = RelayAddress::parse(text) {
        assert_eq!(
            RelayAddress::parse(address.origin()).as_ref(),
            Ok(&address),
            "an address is not in its one form"
        );
        assert!(address.origin().ends_with(address.authority()) && !address.authority().is_empty());
        assert!(address.socket_url().starts_with("ws"));
    }
    if let Ok((address, invite)) = parse_link(text) {
        assert_eq!(parse_link(&address.link(&invite)), Ok((address, invite)));
    }
}

/// What a device with a room, a commit that is under way and an unsent message has stored, and what the relay says to it.
struct Profile {
    rows: Vec<Row>,
    room: RoomId,
    frames: Vec<Vec<u8>>,
}

/// `input = row (1) || edits of its value`: opening gives a session or an error, and all that is shown can be shown.
pub fn store(input: &[u8]) {
    let (row, edited) = input.split_first().unwrap_or((&0, &[]));
    REAL.with(|real| {
        let mut rows = real.rows.clone();
        let index = usize::from(*row) % rows.len();
        rows[index].2 = edits::apply(edited, &[rows[index].2.clone()]);
        let Ok(mut session) = block_on(Session::open(fill(rows), relay(), NOW_MS)) else { return };
        show(&session, &real.room);
        for frame in &real.frames {
            // A damaged value is an answer.
            let _ = block_on(session.handle(Input::Received(frame.clone()), NOW_MS));
        }
        show(&session, &real.room);
    });
}

/// `input = frames, each: length (1) || edits of a real frame`: a session goes on, whatever a relay sends.
pub fn session(input: &[u8]) {
    REAL.with(|real| {
        let mut session = block_on(Session::open(fill(real.rows.clone()), relay(), NOW_MS)).expect("opens");
        let mut handle = |input| block_on(session.handle(input, NOW_MS)).expect("nothing stored is damaged");
        handle(Input::Connecting);
        handle(Input::Connected);
        handle(Input::Received(real.frames[0].clone()));
        let mut rest = input;
        for _ in 0..16 {
            let Some((length, more)) = rest.split_first() else { break };
            let (edited, more) = more.split_at(usize::from(*length).min(more.len()));
            handle(Input::Received(edits::apply(edited, &real.frames)));
            rest = more;
        }
        show(&session, &real.room);
    });
}

fn show(session: &Session<MemoryStore>, room: &RoomId) {
    let _ = (session.rooms(), session.members(room), session.invites(room), session.outbox(room));
    // A damaged value is an answer.
    let _ = block_on(session.timeline(room, None, 50));
}

impl Profile {
    fn make() -> Self {
        let store = MemoryStore::default();
        let mut session = block_on(Session::open(store.clone(), relay(), NOW_MS)).expect("opens");
        let ticket = session.next_ticket();
        let mut handle = |input| block_on(session.handle(input, NOW_MS)).expect("is taken");
        let received = |frame: &RelayFrame| Input::Received(sotto_protocol::encode(frame));
        handle(Input::Connecting);
        handle(Input::Connected);
        handle(received(&welcome()));
        let (name, display_name) = ("Garden".to_owned(), "Ada".to_owned());
        let suite = RoomSuite::Classical;
        let step = handle(Input::Command(ticket, Command::CreateRoom { name, display_name, suite }));
        let (mut frames, mut outgoing) = (vec![sotto_protocol::encode(&welcome())], step.frames);
        let (mut events, mut commit) = (step.events, None);
        while let Some(frame) = outgoing.pop() {
            let request = read_request(&frame);
            let Some(reply) = answer(&request.body) else {
                commit = Some(request.body);
                continue;
            };
            let reply = RelayFrame::Reply(request.request, reply);
            frames.push(sotto_protocol::encode(&reply));
            let step = handle(received(&reply));
            outgoing.extend(step.frames);
            events.extend(step.events);
        }
        let created = events.iter().find_map(|event| match event {
            Event::Done(_, Ok(Outcome::RoomCreated(room))) => Some(*room),
            _ => None,
        });
        let room = created.expect("the room is made");
        let Some(Request::AppendHandshake(append)) = commit else { panic!("no commit is sent") };
        let text = "unsent".to_owned();
        handle(Input::Command(ticket, Command::Send { room, text }));
        let access_key = Some(append.access_key);
        let entry =
            LogEntry { seq: 1, kind: EntryKind::Handshake, entry: append.entry, access_key, dropped: None };
        frames.push(sotto_protocol::encode(&RelayFrame::Entry(room, entry)));
        frames.extend(protocol::relay_frames().iter().map(sotto_protocol::encode));
        frames.push(sotto_protocol::encode(&RelayFrame::Behind(room)));
        Self { rows: rows_of(&store), room, frames }
    }
}

fn welcome() -> RelayFrame {
    let (challenge, incarnation) = (Challenge::new([2; 32]), Incarnation::new([3; 16]));
    RelayFrame::Welcome(Welcome { version: 1, challenge, incarnation, now_ms: NOW_MS })
}

/// A relay that has an empty room.
fn answer(request: &Request) -> Option<Reply> {
    match request {
        Request::Create(_) => Some(Reply::Created),
        Request::Open(_) => {
            let access = RoomAccess::Full;
            Some(Reply::Opened(Box::new(OpenedRoom {
                access,
                epoch: 0,
                head_seq: 0,
                last_handshake_seq: 0,
                retention: None,
                safe_seq: None,
                behind: None,
                went_on: None,
            })))
        }
        Request::Page(_) => Some(Reply::Page(Page { entries: Vec::new(), more: false })),
        _ => None,
    }
}

fn read_request(frame: &[u8]) -> ClientFrame {
    sotto_protocol::decode(frame).expect("is a frame")
}

fn relay() -> RelayAddress {
    RelayAddress::parse("http://relay.example").expect("is an address")
}

fn rows_of(store: &MemoryStore) -> Vec<Row> {
    block_on(async {
        let mut transaction = store.begin().await.expect("is free");
        let mut rows = Vec::new();
        for table in Table::ALL {
            let found = transaction.scan(Scan::all(table, Vec::new())).await.expect("is there");
            rows.extend(found.into_iter().map(|(key, value)| (table, key, value.to_vec())));
        }
        rows
    })
}

fn fill(rows: Vec<Row>) -> MemoryStore {
    let store = MemoryStore::default();
    let put = |(table, key, value)| Change::Put(table, key, Zeroizing::new(value));
    block_on(async {
        let transaction = store.begin().await.expect("is free");
        transaction.commit(rows.into_iter().map(put).collect()).await.expect("is written");
    });
    store
}

/// Each row unchanged, and each changed in one place.
pub fn real_stores() -> Vec<Vec<u8>> {
    let rows = REAL.with(|real| real.rows.len()) as u8;
    (0..rows).flat_map(|row| [vec![row, 1], vec![row, 1, 0, 9, 1, 8]]).collect()
}

/// All real frames after one another.
pub fn real_sessions() -> Vec<Vec<u8>> {
    let frames = REAL.with(|real| real.frames.len()) as u8;
    let each = |range: core::ops::Range<u8>| range.flat_map(|frame| [1, frame + 1]).collect();
    vec![each(0..frames.min(15)), each(1..4), vec![5, 3, 0, 60, 1, 1, 1, 2]]
}

/// Addresses and a link.
pub fn real_addresses() -> Vec<Vec<u8>> {
    let (_, fragment) = crate::ways_in::real_link();
    let link = [b"https://Chat.example:443/join#".as_slice(), &fragment].concat();
    let addresses = ["http://relay.example", "https://[::1]:8443/", " HTTP://A:80 "];
    addresses.iter().map(|text| text.as_bytes().to_vec()).chain([link]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_profile_opens_with_its_room() {
        REAL.with(|real| {
            let tables: std::collections::BTreeSet<_> = real.rows.iter().map(|(table, ..)| *table).collect();
            assert!(
                [Table::Profile, Table::Room, Table::Group, Table::Cursor, Table::Outbox]
                    .iter()
                    .all(|table| tables.contains(table))
            );
            let session = block_on(Session::open(fill(real.rows.clone()), relay(), NOW_MS)).expect("opens");
            assert_eq!((session.rooms().len(), session.outbox(&real.room).len()), (1, 1));
        });
    }
}
