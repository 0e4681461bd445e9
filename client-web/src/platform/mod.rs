//! The browser as the engine's platform.

pub mod address;
pub mod clipboard;
pub mod clock;
pub mod dom;
pub mod driver;
mod locks;
pub mod prefs;
pub mod relay_about;
mod socket;
pub mod store;
pub mod web_address;
