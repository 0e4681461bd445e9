//! Criterion as a meter: its medians are read from what it writes.

use criterion::{BatchSize, BenchmarkGroup, Criterion, SamplingMode, measurement::WallTime};
use sotto_benchmarks::meter::Meter;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where criterion writes.
const FOLDER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/criterion");

/// A median needs fewer resamples than criterion's confidence intervals, and is there at once.
const RESAMPLES: usize = 2_000;

/// Measures with criterion, group by group.
pub struct CriterionMeter {
    criterion: Criterion,
    group: String,
}

impl CriterionMeter {
    /// With the filter of the command line.
    pub fn from_args() -> Self {
        let criterion = Criterion::default()
            .output_directory(Path::new(FOLDER))
            .warm_up_time(Duration::from_millis(300))
            .nresamples(RESAMPLES)
            .configure_from_args();
        Self { criterion, group: String::new() }
    }

    /// What comes next belongs to this group.
    pub fn begin(&mut self, group: &str) {
        group.clone_into(&mut self.group);
    }

    fn measure(
        &mut self,
        name: &str,
        samples: usize,
        time: Duration,
        mode: SamplingMode,
        bench: impl FnOnce(&mut BenchmarkGroup<'_, WallTime>),
    ) -> Option<f64> {
        let results = self.folder(name);
        // What an earlier run left must not be taken for this one's.
        let _ = fs::remove_dir_all(&results);
        let mut group = self.criterion.benchmark_group(&self.group);
        group.sample_size(samples).measurement_time(time).sampling_mode(mode);
        bench(&mut group);
        group.finish();
        let estimates = fs::read(results.join("new/estimates.json")).ok()?;
        let estimates: serde_json::Value = serde_json::from_slice(&estimates).ok()?;
        estimates.get("median")?.get("point_estimate")?.as_f64()
    }

    fn folder(&self, name: &str) -> PathBuf {
        Path::new(FOLDER).join(file_name(&self.group)).join(file_name(name))
    }
}

impl Meter for CriterionMeter {
    fn quick<T>(&mut self, name: &str, run: impl FnMut() -> T) -> Option<f64> {
        let mut run = run;
        self.measure(name, 50, Duration::from_millis(1_000), SamplingMode::Auto, |group| {
            group.bench_function(name, |bencher| bencher.iter(&mut run));
        })
    }

    fn quick_with<S, T>(
        &mut self,
        name: &str,
        prepare: impl FnMut() -> S,
        run: impl FnMut(S) -> T,
    ) -> Option<f64> {
        let (mut prepare, mut run) = (prepare, run);
        self.measure(name, 50, Duration::from_millis(1_000), SamplingMode::Auto, |group| {
            group.bench_function(name, |bencher| {
                bencher.iter_batched(&mut prepare, &mut run, BatchSize::SmallInput);
            });
        })
    }

    fn slow<S, T>(&mut self, name: &str, prepare: impl FnMut() -> S, run: impl FnMut(S) -> T) -> Option<f64> {
        let (mut prepare, mut run) = (prepare, run);
        self.measure(name, 10, Duration::from_millis(1_500), SamplingMode::Flat, |group| {
            group.bench_function(name, |bencher| {
                bencher.iter_batched(&mut prepare, &mut run, BatchSize::PerIteration);
            });
        })
    }
}

/// As criterion makes a file's name.
fn file_name(name: &str) -> String {
    name.replace(['?', '"', '/', '\\', '*', '<', '>', ':', '|', '^'], "_")
}
