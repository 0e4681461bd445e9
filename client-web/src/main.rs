//! Sotto in the browser.

fn main() {}
