//! The address bar: where we are, going elsewhere, and the browser's back button.

use crate::model::route::Route;
use wasm_bindgen::JsCast;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;

/// Scheme, host and port of this page: the relay's.
pub fn origin() -> String {
    location().and_then(|location| location.origin().ok()).unwrap_or_default()
}

/// The whole address, which is the link where someone was invited.
pub fn link() -> String {
    location().and_then(|location| location.href().ok()).unwrap_or_default()
}

/// Where we are.
pub fn current() -> Route {
    let Some(location) = location() else { return Route::Home };
    Route::parse(&location.pathname().unwrap_or_default(), &location.hash().unwrap_or_default())
}

/// Goes somewhere; the back button leads back here.
pub fn push(route: &Route) {
    if let Some(history) = history() {
        // Refused only for another origin, or when called hundreds of times a second.
        let _ = history.push_state_with_url(&JsValue::NULL, "", Some(&route.address()));
    }
}

/// Goes somewhere in place of here: the address that was here leaves the history.
pub fn replace(route: &Route) {
    if let Some(history) = history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&route.address()));
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

fn location() -> Option<web_sys::Location> {
    web_sys::window().map(|window| window.location())
}

fn history() -> Option<web_sys::History> {
    web_sys::window()?.history().ok()
}
