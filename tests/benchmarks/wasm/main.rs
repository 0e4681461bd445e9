//! What the cryptography costs in a browser: the cases of the native benchmarks, measured by the page's own clock.
//!
//! `cargo xtask bench wasm` builds it as the web client is built, serves it, opens it in Chromium and prints what it sends
//! back. Natively there is nothing to do.

#[cfg(target_arch = "wasm32")]
mod browser_meter;
#[cfg(target_arch = "wasm32")]
mod page;

fn main() {
    #[cfg(target_arch = "wasm32")]
    page::start();
}
