//! All of Sotto's cryptography, without I/O: identities, accounts, rooms (MLS, RFC 9420), sealed messages, doors, cards.
//!
//! The construction is `docs/PROTOCOL.md`. Everything that decides whether something is trusted stands in
//! [`room::policy`](crate::room) (commits), [`identity`](crate::identity) (certificates) and
//! [`message`](crate::message) (who said what). Primitives are the RustCrypto and dalek crates'; none is ours.

pub mod account;
pub mod attachment;
mod committed;
mod entry;
mod epoch_mark;
pub mod error;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hygiene;
pub mod identity;
mod kdf;
mod labels;
pub mod link;
pub mod message;
mod padding;
mod provider;
mod random;
pub mod room;
mod secret;
mod seeded;
mod sign;
pub mod status;
mod storage_key;
#[doc(hidden)]
pub mod testing;
mod wrap;

pub use error::CryptoError;
pub use random::{random_array, random_u64};
pub use secret::Secret;
pub use sign::{AccessKey, AdminKey, DeviceKey, JoinKey};
pub use storage_key::StorageKey;
