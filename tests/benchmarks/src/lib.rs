//! What the cryptography costs: the cases, the same natively (`benches/crypto`, with criterion) and in a browser
//! (`wasm/main.rs`), and the tables that show what was measured.
//!
//! Targets stand in the tables. Nothing here fails because a machine is slow.

pub mod attachments;
pub mod messages;
pub mod meter;
#[path = "../../../crypto/tests/support/mod.rs"]
pub mod people;
pub mod primitives;
pub mod rooms;
pub mod stage;
pub mod table;
