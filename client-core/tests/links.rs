//! What finding links costs: a message of twice the length takes about twice as long, whatever it is made of.

use rustix::time::{ClockId, clock_gettime};
use sotto_client_core::links::split;
use std::time::Duration;

/// How much longer the second message is. Where cost grows with the square it costs 256 times as much; with the cube 4096 times.
const TIMES: usize = 16;
const WORST: u32 = 80;

/// Processor time of this thread, the least of several runs: what else the machine does counts for nothing.
fn cost(text: &str) -> Duration {
    let spent = || {
        let spent = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or_default())
    };
    let run = || {
        let begin = spent();
        std::hint::black_box(split(std::hint::black_box(text)));
        spent().saturating_sub(begin)
    };
    (0..4).map(|_| run()).min().unwrap_or_default()
}

#[test]
fn a_message_of_twice_the_length_costs_about_twice_as_much() {
    let pieces = [
        "http:///",
        "http://",
        "https://a",
        "http://.",
        "http://a.bc/",
        "http://a.bc/(",
        "http://a.bc/'",
        "a://b/",
        "a://https://",
        "x.http://",
        "http://a@",
        "http://a:",
        "://",
        ":",
        ")",
        "(",
        "'",
        "\"",
        ".",
        "a",
        "é",
        "é://",
        "http://a.bc\u{a0}",
        "http://a.bc/?!",
        "http://a.bc/]",
        "http://1.",
        "http://a-.",
        "http://_",
    ];
    for piece in pieces {
        for (before, behind) in
            [("", ""), ("http://a.example/", ")"), ("a://", "http://a.example"), ("http:///", "@")]
        {
            let count = 4096 / piece.len();
            check(&format!("{before:?} {piece:?} {behind:?}"), count, |count| {
                format!("{before}{}{behind}", piece.repeat(count))
            });
        }
    }
    // What froze the browser once: half of it beginnings of links, half of it closing brackets.
    for piece in ["http:///", "http://a.bc/(", "a://b/"] {
        check(&format!("{piece:?} and brackets"), 2048 / piece.len(), |count| {
            format!("{}{}", piece.repeat(count), ")".repeat(count * piece.len()))
        });
    }
}

#[track_caller]
fn check(what: &str, count: usize, text: impl Fn(usize) -> String) {
    let (short, long) = (cost(&text(count)), cost(&text(TIMES * count)));
    let floor = short.max(Duration::from_micros(20));
    assert!(long < floor * WORST, "{what}: {short:?} and then {long:?}");
}
