//! Sotto in the terminal.

fn main() {}
