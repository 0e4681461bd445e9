//! Sotto in the browser: views over the engine of `sotto-client-core`, and the browser as its platform.
//!
//! - `model`: what the views show, as plain data; builds and is tested anywhere.
//! - `platform`: storage, socket, clock, address bar; the loop that feeds the engine.
//! - `state`: what the loop publishes and the views read.
//! - `views`: one component a file.
//!
//! The views decide nothing about the protocol; secrets and content never reach the console.

pub mod model;
pub mod words;

#[cfg(target_arch = "wasm32")]
mod platform;
#[cfg(target_arch = "wasm32")]
mod state;
#[cfg(target_arch = "wasm32")]
mod views;

/// Opens the application in the page.
#[cfg(target_arch = "wasm32")]
pub fn launch() {
    dioxus::launch(views::App);
}
