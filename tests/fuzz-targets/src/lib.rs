//! Every decoder of foreign bytes, as a function that takes any bytes: it must not panic, must not take memory without bound,
//! and what it decodes must encode to an equal value. Where more can be checked it is: that nothing that was changed opens, that
//! what is sealed by hand with any content is judged by its content, that the order of reading does not matter.
//!
//! One list serves three: `fuzz/` (cargo-fuzz runs each target under libFuzzer), the replay of the committed seeds on stable
//! (`tests/corpus.rs`), and `examples/seeds.rs`, which writes those seeds from real encodings.
//!
//! A new decoder: a function in the module of its part, a line in [`TARGETS`], its real encodings in [`seeds`], a file and a
//! `[[bin]]` in `fuzz/` (a test says so where they are missing), and a run of the example.

mod account;
mod attachment;
mod client;
mod conversation;
mod direct_invite;
mod edits;
mod fixture;
mod history;
mod identity;
mod links;
mod login;
mod message;
mod pairing;
mod protocol;
mod room;
mod sealed;
pub mod seeds;
mod status;
mod typed;
mod vault;
mod ways_in;
mod websocket;

use minicbor::{Decode, Encode};

/// A target: its name in `fuzz/`, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("archive", vault::archive),
    ("attachment_blob", attachment::blob),
    ("attachment_chunk", attachment::chunk),
    ("attachment_ref", attachment::reference),
    ("attachment_snapshot", attachment::snapshot),
    ("capsule", sealed::capsule),
    ("card", ways_in::card),
    ("certificate", identity::certificate),
    ("certificate_body", identity::certificate_body),
    ("client_address", client::address),
    ("client_frame", protocol::client_frame),
    ("client_session", client::session),
    ("client_store", client::store),
    ("commit", room::commit),
    ("committed", sealed::committed),
    ("content", message::content),
    ("conversation", conversation::conversation),
    ("direct_invite", direct_invite::sealed),
    ("direct_invite_body", direct_invite::body),
    ("entry", message::entry),
    ("entry_header", protocol::entry_header),
    ("handshake", room::handshake),
    ("invite_link", ways_in::invite_link),
    ("join_by_anyone", room::join_by_anyone),
    ("join_proof", room::join_proof),
    ("leave_statement", room::leave_statement),
    ("links", links::text),
    ("login_response", login::response),
    ("message_body", message::body),
    ("opened_record", login::opened_record),
    ("padding", message::padding),
    ("pairing", pairing::messages),
    ("pairing_grant", pairing::grant),
    ("pins", account::pins),
    ("public_key", ways_in::public_key),
    ("record", history::record),
    ("record_contents", login::record_contents),
    ("registration_response", login::registration),
    ("relay_frame", protocol::relay_frame),
    ("rewind", room::rewind),
    ("room_state", room::state),
    ("roster", room::roster),
    ("safety_code", typed::safety_code),
    ("sealed_record", account::sealed_record),
    ("status", status::value),
    ("status_body", status::body),
    ("storage_value", account::storage_value),
    ("stored_join", room::stored_join),
    ("stored_room", room::stored_room),
    ("typed_code", typed::code),
    ("typed_name", typed::name),
    ("vault_contents", vault::contents),
    ("vault_index", account::vault_index),
    ("vault_label", vault::label),
    ("vault_value", vault::value),
    ("websocket", websocket::frames),
    ("wrap", ways_in::wrap),
];

/// Runs the target of that name.
///
/// # Panics
/// Where there is no such target, and where the input breaks a property.
pub fn run(name: &str, input: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).expect("is a target");
    target(input);
}

/// Decodes one value; what it gives must survive encoding.
fn survives<T: for<'b> Decode<'b, ()> + Encode<()> + PartialEq>(input: &[u8]) -> Option<T> {
    let value: T = sotto_protocol::decode(input).ok()?;
    let encoded = sotto_protocol::encode(&value);
    let again: T = sotto_protocol::decode(&encoded).expect("what is written can be read");
    assert!(again == value, "a value changed by being written and read");
    assert_eq!(encoded, sotto_protocol::encode(&again), "a value is written in two ways");
    Some(value)
}
