//! Nothing but tests: see `tests/stories`.
