//! Nothing but tests: see `tests/joining.rs`.
