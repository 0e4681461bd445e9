//! Whole-system tests: stories with a real relay, real clients and a real browser.
