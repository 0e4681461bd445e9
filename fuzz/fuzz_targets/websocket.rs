//! See `tests/fuzz-targets`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sotto_fuzz_targets::run("websocket", input));
