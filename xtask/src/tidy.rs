//! The house rules that a machine can check.
//!
//! Each check returns what it found, one line a finding; a rule without findings says nothing.

mod arrows;
mod claims;
mod generations;
mod graph;
mod project_files;
mod sources;

use crate::report::Report;
use anyhow::{Result, bail};
use graph::Graph;

/// `cargo xtask tidy`
pub fn run() -> Result<()> {
    Report::new().step("house rules", check)
}

/// Checks every rule and prints what breaks one.
pub fn check() -> Result<()> {
    let graph = Graph::read()?;
    let mut findings = arrows::check(&graph);
    findings.extend(generations::check(&graph));
    let files = sources::read()?;
    findings.extend(sources::check(&files));
    findings.extend(claims::check(&files));
    findings.extend(project_files::check(&files));
    for finding in &findings {
        println!("    {finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("1 finding"),
        many => bail!("{many} findings"),
    }
}
