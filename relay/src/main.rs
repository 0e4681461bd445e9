//! Sotto's zero-knowledge relay.

fn main() {}
