//! Measures, and sends each table to where the page came from: `/table`, at last `/done`, or else `/failed`.

use crate::browser_meter::BrowserMeter;
use sotto_benchmarks::{
    attachments, messages, primitives, rooms,
    stage::{SUITES, Stage},
    table,
};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, js_sys::Promise, spawn_local};
use web_sys::RequestInit;

const ROOM_SIZES: [usize; 2] = [10, 100];
const FILE_BYTES: usize = 8 * 1024 * 1024;

/// Begins.
pub fn start() {
    std::panic::set_hook(Box::new(|panic| drop(post("/failed", &panic.to_string()))));
    spawn_local(measure());
}

async fn measure() {
    let mut meter = BrowserMeter::new();
    let ours = messages::measure(&mut meter);
    let bare = primitives::measure(&mut meter, ours.sizes);
    send("/table", &table::messages(&ours, &bare, &[])).await;
    send("/table", &attachments::table(&attachments::measure(&mut meter, FILE_BYTES))).await;
    for (name, suite) in SUITES {
        let mut costs = Vec::new();
        Stage::grow(suite, &ROOM_SIZES, |stage| costs.push(rooms::measure(&mut meter, stage)));
        send("/table", &rooms::table(name, &costs)).await;
    }
    send("/done", "").await;
}

async fn send(path: &str, text: &str) {
    JsFuture::from(post(path, text)).await.unwrap();
}

fn post(path: &str, text: &str) -> Promise {
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_body(&JsValue::from_str(text));
    web_sys::window().unwrap().fetch_with_str_and_init(path, &request)
}
