//! The address bar: where we are, going elsewhere, and the browser's back button.
//!
//! An invite is a secret, and browsers keep addresses. `boot.js` takes it out of the address bar before anything else is loaded, into the
//! storage of this tab alone: there it outlasts a reload, and is forgotten with the tab, after the join, or when it is put aside.

use crate::model::route::{Route, is_invite};
use wasm_bindgen::JsCast;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use web_sys::Storage;

/// Under this name `boot.js` keeps the invite.
const INVITE: &str = "sotto.invite";

/// Scheme, host and port of this page: the relay's.
pub fn origin() -> String {
    location().and_then(|location| location.origin().ok()).unwrap_or_default()
}

/// The whole link that this tab was opened with, if it was one.
pub fn invite_link() -> Option<String> {
    // Where the browser refuses storage, it is still in the address bar.
    let invite = fragment().filter(|place| is_invite(place)).or_else(stored_invite)?;
    Some(format!("{}/join#{invite}", origin()))
}

/// Forgets it.
pub fn forget_invite() {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(INVITE);
    }
}

/// Where we are.
pub fn current() -> Route {
    let Some(location) = location() else { return Route::Home };
    let note = history().and_then(|history| history.state().ok()?.as_string());
    if let Some(route) = note.and_then(|note| Route::recall(&note)) {
        return route;
    }
    let path = location.pathname().unwrap_or_default();
    let route = Route::parse(&path, &fragment().unwrap_or_default(), stored_invite().is_some());
    if route.room().is_some() {
        replace(&route);
    }
    route
}

/// Goes somewhere; the back button leads back here.
pub fn push(route: &Route) {
    if let Some(history) = history() {
        // Refused only for another origin, or when called hundreds of times a second.
        let _ = history.push_state_with_url(&note(route), "", Some(route.address()));
    }
}

/// Goes somewhere in place of here: the address that was here leaves the history.
pub fn replace(route: &Route) {
    if let Some(history) = history() {
        let _ = history.replace_state_with_url(&note(route), "", Some(route.address()));
    }
}

/// Calls whenever the browser went elsewhere by itself: back, forward, or an address typed in.
pub fn on_change(mut changed: impl FnMut(Route) + 'static) {
    let Some(window) = web_sys::window() else { return };
    let listener = Closure::<dyn FnMut()>::new(move || changed(current()));
    for event in ["popstate", "hashchange"] {
        let _ = window.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref());
    }
    // For as long as the page lives.
    listener.forget();
}

fn note(route: &Route) -> JsValue {
    route.note().map_or(JsValue::NULL, JsValue::from)
}

fn fragment() -> Option<String> {
    let hash = location()?.hash().ok()?;
    Some(hash.trim_start_matches('#').to_owned())
}

fn stored_invite() -> Option<String> {
    storage()?.get_item(INVITE).ok().flatten()
}

/// The storage of this tab alone.
fn storage() -> Option<Storage> {
    web_sys::window()?.session_storage().ok().flatten()
}

fn location() -> Option<web_sys::Location> {
    web_sys::window().map(|window| window.location())
}

fn history() -> Option<web_sys::History> {
    web_sys::window()?.history().ok()
}
