//! The program that the browser loads.

#[cfg(target_arch = "wasm32")]
fn main() {
    sotto_client_web::launch();
}

/// Views exist only in the browser.
#[cfg(not(target_arch = "wasm32"))]
fn main() {}
