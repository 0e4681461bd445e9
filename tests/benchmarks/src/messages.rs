//! What a message costs: sealed and opened with the epoch's secrets at hand, as a client has them.

use crate::{meter::Meter, people::start, primitives::Sizes, stage::Stage};
use sotto_crypto::{
    message::{self, Content, Draft, OpenedMessage},
    room::{MessageSecret, Room, Suite},
};
use std::hint::black_box;

/// The length of the text, in bytes.
pub const TEXT_BYTES: usize = 256;

/// Medians in nanoseconds.
pub struct MessageCosts {
    /// Of sealing.
    pub seal: Option<f64>,
    /// Of opening.
    pub open: Option<f64>,
    /// What the same primitives are given when they are measured bare.
    pub sizes: Sizes,
}

/// Measures messages in a room of two.
pub fn measure(meter: &mut impl Meter) -> MessageCosts {
    let mut costs = None;
    Stage::grow(Suite::Hybrid, &[2], |stage| costs = Some(measure_in(meter, stage)));
    costs.unwrap()
}

fn measure_in(meter: &mut impl Meter, stage: &Stage) -> MessageCosts {
    let (room, other) = (stage.committer(), stage.other());
    let (secret, others) = (room.secrets().unwrap().message, other.secrets().unwrap().message);
    let content = Content::text(&"x".repeat(TEXT_BYTES)).encode().unwrap();
    let entry = seal(&room, &secret, &content);
    MessageCosts {
        seal: meter.quick("seal", || seal(black_box(&room), &secret, &content)),
        open: meter.quick("open", || open(black_box(&other), &others, &entry)),
        sizes: Sizes::of(&content, &entry),
    }
}

fn seal(room: &Room, secret: &MessageSecret, content: &[u8]) -> Vec<u8> {
    let draft = Draft {
        leaf: room.own_leaf(),
        id: [1; 16],
        sent_at_ms: 1_700_000_000_000,
        chain: start(room),
        content,
    };
    message::seal(secret, room.device(), &room.id(), room.epoch(), &draft).unwrap().1
}

fn open(room: &Room, secret: &MessageSecret, entry: &[u8]) -> OpenedMessage {
    message::open(secret, &room.id(), room.epoch(), room.roster(), entry).unwrap().1
}
