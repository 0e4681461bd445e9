//! `cargo xtask bench`: the benchmarks of the workspace.

mod browser;

use crate::args::Benchmarks;
use crate::report::Report;
use crate::workspace::{call, cargo, metadata};
use anyhow::Result;
use serde_json::Value;

/// Runs them one package after the other, so that none disturbs another's figures.
pub fn run(what: Benchmarks, filter: &[String]) -> Result<()> {
    let mut report = Report::new();
    for (package, bench) in benches(&metadata(&["--no-deps"])?) {
        if includes(what, &package) {
            report.step(&format!("{package}: {bench}"), || {
                call(cargo(&["bench", "--package", &package, "--bench", &bench, "--"]).args(filter))
            })?;
        }
    }
    if matches!(what, Benchmarks::All | Benchmarks::Wasm) {
        browser::run(&mut report)?;
    }
    report.summarise();
    Ok(())
}

fn includes(what: Benchmarks, package: &str) -> bool {
    match what {
        Benchmarks::All => true,
        Benchmarks::Crypto => package == "sotto-benchmarks",
        Benchmarks::Relay => package == "sotto-relay",
        Benchmarks::Wasm => false,
    }
}

fn benches(metadata: &Value) -> Vec<(String, String)> {
    let list =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let text =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for package in list(metadata, "packages") {
        for target in list(&package, "targets") {
            if list(&target, "kind").iter().any(|kind| kind == "bench") {
                found.push((text(&package, "name"), text(&target, "name")));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bench_targets_are_found() {
        let metadata = serde_json::json!({"packages": [{"name": "p", "targets": [
            {"name": "p", "kind": ["lib"]}, {"name": "speed", "kind": ["bench"]}]}]});
        assert_eq!(benches(&metadata), [("p".to_owned(), "speed".to_owned())]);
    }
}
