//! `cargo xtask bench`: every benchmark of the workspace.

use crate::report::Report;
use crate::workspace::{call, cargo, metadata};
use anyhow::Result;
use serde_json::Value;

/// Runs them one package after the other, so that none disturbs another's figures.
pub fn run(filter: &[String]) -> Result<()> {
    let mut report = Report::new();
    for (package, bench) in benches(&metadata(&["--no-deps"])?) {
        report.step(&format!("{package}: {bench}"), || {
            call(cargo(&["bench", "--package", &package, "--bench", &bench, "--"]).args(filter))
        })?;
    }
    report.summarise();
    Ok(())
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
