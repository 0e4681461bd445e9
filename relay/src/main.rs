//! `sotto-relay`: the relay as a program. `serve` prints one line with its address when it is ready; logs go to stderr.

mod program;

use std::process::ExitCode;

fn main() -> ExitCode {
    program::run()
}
