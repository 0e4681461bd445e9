//! What this browser remembers without secrets: light or dark, how far each room was read, and when a message came whose sender's
//! clock cannot be right.
//!
//! In local storage, shared by all tabs. Where the browser refuses, it is forgotten on reload, and nothing else happens.

use crate::model::route::room_digits;
use sotto_protocol::RoomId;
use web_sys::Storage;

const THEME: &str = "sotto.theme";

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

/// The chosen theme.
pub fn theme() -> Theme {
    match read(THEME).as_deref() {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    }
}

/// Remembers the theme and shows it.
pub fn set_theme(theme: Theme) {
    match theme {
        Theme::System => remove(THEME),
        Theme::Light => write(THEME, "light"),
        Theme::Dark => write(THEME, "dark"),
    }
    apply_theme(theme);
}

/// Shows a theme: the style sheet goes by an attribute of the page.
pub fn apply_theme(theme: Theme) {
    let Some(page) = web_sys::window().and_then(|w| w.document()).and_then(|d| d.document_element()) else {
        return;
    };
    // Attributes of a known name cannot be refused.
    let _ = match theme {
        Theme::System => page.remove_attribute("data-theme"),
        Theme::Light => page.set_attribute("data-theme", "light"),
        Theme::Dark => page.set_attribute("data-theme", "dark"),
    };
}

/// The last entry of a room that was read here.
pub fn last_read(room: &RoomId) -> Option<u64> {
    read(&read_key(room))?.parse().ok()
}

/// Remembers how far a room was read.
pub fn set_last_read(room: &RoomId, seq: u64) {
    if last_read(room).is_none_or(|before| before < seq) {
        write(&read_key(room), &seq.to_string());
    }
}

/// When an entry of a room was first seen here, where that was remembered.
pub fn first_seen(room: &RoomId, seq: u64) -> Option<u64> {
    let remembered = read(&seen_key(room))?;
    let (entry, at_ms) = remembered.split_once(' ')?;
    if entry.parse() == Ok(seq) { at_ms.parse().ok() } else { None }
}

/// Remembers it, for one entry of a room: the last one is asked for.
pub fn set_first_seen(room: &RoomId, seq: u64, at_ms: u64) {
    write(&seen_key(room), &format!("{seq} {at_ms}"));
}

fn seen_key(room: &RoomId) -> String {
    format!("sotto.seen.{}", room_digits(room))
}

fn read_key(room: &RoomId) -> String {
    format!("sotto.read.{}", room_digits(room))
}

fn storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok().flatten()
}

fn read(key: &str) -> Option<String> {
    storage()?.get_item(key).ok().flatten()
}

fn write(key: &str, value: &str) {
    if let Some(storage) = storage() {
        // Refused where storage is full or forbidden: see the top of this file.
        let _ = storage.set_item(key, value);
    }
}

fn remove(key: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(key);
    }
}
