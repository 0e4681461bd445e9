//! Keyboard shortcuts that work everywhere in the page.

use web_sys::KeyboardEvent;

/// What a key means.
#[derive(Clone, Copy)]
pub enum Shortcut {
    /// Close what is open.
    Close,
    /// Open the switcher.
    Switcher,
    /// Open the list of shortcuts.
    Help,
    /// The room above.
    Above,
    /// The room below.
    Below,
}

/// What a key press means, if anything.
pub fn shortcut_of(event: &KeyboardEvent, is_typing: bool) -> Option<Shortcut> {
    let is_command = event.ctrl_key() || event.meta_key();
    match event.key().as_str() {
        "Escape" => Some(Shortcut::Close),
        "k" | "K" if is_command && !event.alt_key() && !event.shift_key() => Some(Shortcut::Switcher),
        "?" if !is_typing && !is_command => Some(Shortcut::Help),
        "ArrowUp" if event.alt_key() && !is_command => Some(Shortcut::Above),
        "ArrowDown" if event.alt_key() && !is_command => Some(Shortcut::Below),
        _ => None,
    }
}
