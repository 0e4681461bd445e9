//! What the relay says about itself.

use crate::model::source::RELAY_ABOUT_PATH;
use js_sys::Reflect;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// The address of the source of what it runs, if it names one. Offline, or at a relay that does not say, there is none.
pub async fn source() -> Option<String> {
    let window = web_sys::window()?;
    let response: Response =
        JsFuture::from(window.fetch_with_str(RELAY_ABOUT_PATH)).await.ok()?.dyn_into().ok()?;
    if !response.ok() {
        return None;
    }
    let about = JsFuture::from(response.json().ok()?).await.ok()?;
    Reflect::get(&about, &"source".into()).ok()?.as_string()
}
