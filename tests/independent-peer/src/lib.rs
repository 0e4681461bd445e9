//! A second client of the room protocol, to test the first against.
//!
//! It was written from `docs/PROTOCOL.md` and nothing else, on another implementation of RFC 9420 (`mls-rs`), and names
//! none of our crates. Each file is a section of that document. It speaks the classical suite (0x0001) only.
//!
//! It is a test's counterpart, not a client: it keeps nothing, erases nothing, and judges only what
//! [`rules`] says.

pub mod capsule;
pub mod card;
pub mod certificate;
pub mod chain;
pub mod door;
pub mod encoding;
pub mod entry;
pub mod error;
pub mod expand;
pub mod join;
pub mod join_proof;
pub mod labels;
pub mod leaf_data;
pub mod leave;
pub mod link;
pub mod message;
pub mod mls;
pub mod name;
pub mod padding;
pub mod past;
pub mod removal_proof;
pub mod room;
pub mod room_state;
pub mod roster;
pub mod rules;
pub mod sealed;
pub mod secrets;
pub mod statement;
pub mod status;
pub mod wrap;

pub use error::PeerError;
