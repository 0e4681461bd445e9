//! Says which step is under way and how long each took.

use anyhow::Result;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// The steps of one task.
pub struct Report {
    started: Instant,
    steps: Vec<Step>,
    is_coloured: bool,
}

struct Step {
    name: String,
    took: Duration,
    failure: Option<String>,
}

impl Report {
    /// An empty report; the clock starts now.
    pub fn new() -> Self {
        let is_coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { started: Instant::now(), steps: Vec::new(), is_coloured }
    }

    /// Runs one step, says that it begins and ends, and passes its outcome on.
    pub fn step<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("{} {name}", self.paint("36", "==>"));
        let started = Instant::now();
        let outcome = work();
        let took = started.elapsed();
        let failure = outcome.as_ref().err().map(|error| format!("{error:#}"));
        match &failure {
            None => println!("    {} {name} ({})", self.paint("32", "done:"), seconds(took)),
            Some(why) => println!("    {} {name} ({}): {why}", self.paint("31", "failed:"), seconds(took)),
        }
        self.steps.push(Step { name: name.to_owned(), took, failure });
        outcome
    }

    /// How many steps have failed.
    pub fn failures(&self) -> usize {
        self.steps.iter().filter(|step| step.failure.is_some()).count()
    }

    /// Prints every step with its time.
    pub fn summarise(&self) {
        let width = self.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or(0);
        println!();
        for step in &self.steps {
            let mark =
                if step.failure.is_some() { self.paint("31", "FAIL") } else { self.paint("32", "  ok") };
            println!("{mark}  {:width$}  {:>9}", step.name, seconds(step.took));
        }
        println!("      {:width$}  {:>9}", "all together", seconds(self.started.elapsed()));
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.is_coloured { format!("\x1b[1;{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A duration as a person reads it.
pub fn seconds(took: Duration) -> String {
    let tenths = took.as_millis() / 100;
    if tenths < 600 {
        format!("{}.{} s", tenths / 10, tenths % 10)
    } else {
        format!("{} min {:02} s", tenths / 600, tenths % 600 / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_readable() {
        assert_eq!(seconds(Duration::from_millis(1_234)), "1.2 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }
}
