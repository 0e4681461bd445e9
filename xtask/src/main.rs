//! Set-up and habits: run, test, web, bench.

fn main() {}
