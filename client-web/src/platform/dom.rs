//! The few things that the views ask of the page itself.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Document, HtmlElement, KeyboardEvent};

/// The page.
pub fn document() -> Option<Document> {
    web_sys::window()?.document()
}

/// The title in the tab.
pub fn set_title(title: &str) {
    if let Some(document) = document() {
        document.set_title(title);
    }
}

/// Whether someone can see this page now.
pub fn is_visible() -> bool {
    document().is_some_and(|document| !document.hidden())
}

/// Takes away what the page showed before the application was there.
pub fn remove_boot_screen() {
    if let Some(boot) = document().and_then(|document| document.get_element_by_id("boot")) {
        boot.remove();
    }
}

/// Puts the keyboard's focus on an element.
pub fn focus(id: &str) {
    if let Some(element) = element(id) {
        let _ = element.focus();
    }
}

/// Selects the text of a field.
pub fn select(id: &str) {
    if let Some(field) = element(id).and_then(|element| element.dyn_into::<web_sys::HtmlInputElement>().ok())
    {
        field.select();
    }
}

/// Opens a dialog element over everything.
pub fn show_modal(id: &str) {
    if let Some(dialog) =
        element(id).and_then(|element| element.dyn_into::<web_sys::HtmlDialogElement>().ok())
    {
        // Fails only where it is open already.
        let _ = dialog.show_modal();
    }
}

/// Whether there is a mouse or the like, and so, most probably, a keyboard.
pub fn has_fine_pointer() -> bool {
    let query = web_sys::window().and_then(|window| window.match_media("(pointer: fine)").ok().flatten());
    query.is_none_or(|query| query.matches())
}

/// Below this width of the window one pane is shown at a time: as the style sheet has it.
const NARROW: &str = "(width < 900px)";

/// Whether the window is narrow now.
pub fn is_narrow() -> bool {
    narrow_query().is_some_and(|query| query.matches())
}

/// Calls when the window becomes narrow or wide.
pub fn on_narrow(mut changed: impl FnMut(bool) + 'static) {
    let Some(query) = narrow_query() else { return };
    let listener = Closure::<dyn FnMut()>::new(move || changed(is_narrow()));
    let _ = query.add_event_listener_with_callback("change", listener.as_ref().unchecked_ref());
    // Both for as long as the page lives: a query that nobody holds may be collected with its listeners.
    listener.forget();
    std::mem::forget(query);
}

fn narrow_query() -> Option<web_sys::MediaQueryList> {
    web_sys::window()?.match_media(NARROW).ok().flatten()
}

/// An element by its id.
pub fn element(id: &str) -> Option<HtmlElement> {
    document()?.get_element_by_id(id)?.dyn_into().ok()
}

/// What has the keyboard's focus.
pub fn focused() -> Option<HtmlElement> {
    document()?.active_element()?.dyn_into().ok()
}

/// Whether the keyboard's focus is in a field that text is typed into.
pub fn is_typing() -> bool {
    focused().is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA"))
}

/// Calls on every key pressed in the page.
pub fn on_key(pressed: impl FnMut(KeyboardEvent) + 'static) {
    let listener = Closure::<dyn FnMut(KeyboardEvent)>::new(pressed);
    if let Some(document) = document() {
        let _ = document.add_event_listener_with_callback("keydown", listener.as_ref().unchecked_ref());
    }
    listener.forget();
}

/// Calls when the page comes into view, and when the network comes back.
pub fn on_return(returned: impl Fn() + 'static) {
    let listener = Closure::<dyn Fn()>::new(returned);
    let callback = listener.as_ref().unchecked_ref();
    if let (Some(window), Some(document)) = (web_sys::window(), document()) {
        let _ = window.add_event_listener_with_callback("online", callback);
        let _ = window.add_event_listener_with_callback("focus", callback);
        let _ = document.add_event_listener_with_callback("visibilitychange", callback);
    }
    listener.forget();
}
