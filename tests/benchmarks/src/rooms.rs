//! What a commit and a join cost, by the size of the room.

use crate::{
    meter::Meter,
    people::receive,
    stage::{Stage, rotate},
    table::{self, Table},
};
use sotto_crypto::room::Handshake;
use sotto_protocol::{AppendHandshake, encode};

/// One size of one suite.
pub struct RoomCosts {
    devices: usize,
    commit: Option<f64>,
    wraps: Option<f64>,
    commit_judged: Option<f64>,
    join: Option<f64>,
    join_judged: Option<f64>,
    bytes: Bytes,
}

/// Of a commit that only renews keys.
struct Bytes {
    commit: usize,
    card: usize,
    doors: usize,
    capsule: usize,
    capsule_wraps: usize,
    append: usize,
    stored: usize,
}

/// Measures a room.
pub fn measure(meter: &mut impl Meter, stage: &Stage) -> RoomCosts {
    let commit = meter.slow("commit: make", || stage.committer(), |mut room| rotate(&mut room));
    let wraps = meter.slow("wraps alone", || stage.committer(), |room| room.audit_own(None, None).unwrap());
    let handshake = rotate(&mut stage.committer());
    let judged = meter.slow(
        "commit: judge and merge",
        || stage.other(),
        |mut room| receive(&mut room, &handshake).unwrap(),
    );
    let join = meter.slow("join: make", || (), |()| stage.join());
    let joining = stage.join().handshake;
    let join_judged = meter.slow(
        "join: judge and merge",
        || stage.other(),
        |mut room| receive(&mut room, &joining).unwrap(),
    );
    RoomCosts {
        devices: stage.devices,
        commit,
        wraps,
        commit_judged: judged,
        join,
        join_judged,
        bytes: Bytes::of(stage, handshake),
    }
}

/// One suite, a column for each size.
pub fn table(name: &str, rooms: &[RoomCosts]) -> String {
    let sizes = rooms.iter().map(|room| room.devices.to_string());
    let mut table = Table::new([format!("{name}, devices")].into_iter().chain(sizes));
    let mut time = |what: &str, of: fn(&RoomCosts) -> Option<f64>| {
        table.row([what.to_owned()].into_iter().chain(rooms.iter().map(|room| table::time(of(room)))));
    };
    time("commit: make, with all that goes out beside it", |room| room.commit);
    time("of that: wraps, for doors and capsule", |room| room.wraps);
    time("commit: judge and merge", |room| room.commit_judged);
    time("external join: make, with card and wraps", |room| room.join);
    time("external join: judge and merge", |room| room.join_judged);
    let mut bytes = |what: &str, of: fn(&Bytes) -> usize| {
        table
            .row([what.to_owned()].into_iter().chain(rooms.iter().map(|room| table::bytes(of(&room.bytes)))));
    };
    bytes("commit entry, bytes", |bytes| bytes.commit);
    bytes("card", |bytes| bytes.card);
    bytes("doors", |bytes| bytes.doors);
    bytes("capsule", |bytes| bytes.capsule);
    bytes("capsule wraps", |bytes| bytes.capsule_wraps);
    bytes("whole append", |bytes| bytes.append);
    bytes("stored room", |bytes| bytes.stored);
    table.to_string()
}

impl Bytes {
    fn of(stage: &Stage, handshake: Handshake) -> Self {
        let append = AppendHandshake {
            room: stage.committer().id(),
            last_handshake_seq: 1,
            entry: handshake.entry,
            access_key: handshake.access_key,
            join_key: handshake.join_key,
            card: handshake.card,
            doors: handshake.doors,
            join: None,
            capsule: handshake.capsule,
            capsule_wraps: Some(handshake.capsule_wraps),
            history: handshake.history,
            handover: handshake.handover,
            cut: Some(handshake.cut),
        };
        Self {
            commit: append.entry.len(),
            card: append.card.len(),
            doors: encode(&append.doors).len(),
            capsule: append.capsule.as_ref().map_or(0, Vec::len),
            capsule_wraps: encode(&append.capsule_wraps).len(),
            append: encode(&append).len(),
            stored: stage.stored_bytes(),
        }
    }
}
