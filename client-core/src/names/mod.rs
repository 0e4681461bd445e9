//! Names of people and rooms: how they are looked up, and how those that look alike are told apart.
//!
//! Which names are possible at all is decided in `sotto_crypto::identity`, for everyone alike. Here is what each client does with
//! them; nothing here changes what is signed.

mod alike;
mod book;
mod lookup;
mod past;

pub use book::NameBook;
pub use lookup::{lookup_key, starts_with};
pub(crate) use past::PastNames;
