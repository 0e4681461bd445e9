//! What finding links costs: a message of twice the length takes about twice as long, whatever it is made of.

use sotto_client_core::links::split;
use std::time::{Duration, Instant};

/// The shortest of several runs: what else the machine does makes a run longer, never shorter.
fn cost(text: &str) -> Duration {
    let run = || {
        let begin = Instant::now();
        std::hint::black_box(split(std::hint::black_box(text)));
        begin.elapsed()
    };
    (0..4).map(|_| run()).min().unwrap_or_default()
}

#[test]
fn a_message_of_twice_the_length_costs_about_twice_as_much() {
    // Where cost grows with the square, sixteen times the length costs 256 times as much; with the cube 4096 times.
    const TIMES: usize = 16;
    const WORST: u32 = 80;
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
            let text = |count: usize| format!("{before}{}{behind}", piece.repeat(count));
            let (short, long) = (cost(&text(count)), cost(&text(TIMES * count)));
            let floor = short.max(Duration::from_micros(20));
            assert!(long < floor * WORST, "{before:?} {piece:?}: {short:?} and then {long:?}");
        }
    }
}

/// The message that froze the browser: half of it beginnings of links, half of it closing brackets.
#[test]
fn the_longest_message_is_read_at_once() {
    for half in ["http:///", "http://a.bc/(", "a://b/"] {
        let text = format!("{}{}", half.repeat(32_768 / half.len()), ")".repeat(32_768));
        assert!(cost(&text) < Duration::from_millis(250), "{half:?}: {:?}", cost(&text));
    }
}
