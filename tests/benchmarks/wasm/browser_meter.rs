//! `performance.now()` as a meter. It is coarse, so what is quick is measured many at a time.

use sotto_benchmarks::meter::Meter;
use std::hint::black_box;
use web_sys::Performance;

/// A batch of quick runs takes at least this long.
const BATCH_MS: f64 = 10.0;
const BATCHES: usize = 25;
/// Slow ones are repeated until both are reached, and no more than `SLOW_MAX_RUNS` times.
const SLOW_MIN_RUNS: usize = 5;
const SLOW_MIN_MS: f64 = 1_500.0;
const SLOW_MAX_RUNS: usize = 25;

/// The page's clock.
pub struct BrowserMeter {
    performance: Performance,
}

impl BrowserMeter {
    /// The clock of this page.
    pub fn new() -> Self {
        Self { performance: web_sys::window().unwrap().performance().unwrap() }
    }

    fn now_ms(&self) -> f64 {
        self.performance.now()
    }

    /// How long all runs of a batch take, nothing else.
    fn batch_ms<S, T>(&self, prepared: Vec<S>, run: &mut impl FnMut(S) -> T) -> f64 {
        let begin = self.now_ms();
        for one in prepared {
            black_box(run(one));
        }
        self.now_ms() - begin
    }
}

impl Meter for BrowserMeter {
    fn quick<T>(&mut self, name: &str, run: impl FnMut() -> T) -> Option<f64> {
        let mut run = run;
        self.quick_with(name, || (), |()| run())
    }

    fn quick_with<S, T>(
        &mut self,
        _: &str,
        prepare: impl FnMut() -> S,
        run: impl FnMut(S) -> T,
    ) -> Option<f64> {
        let (mut prepare, mut run) = (prepare, run);
        let mut prepared = |runs: usize| (0..runs).map(|_| prepare()).collect::<Vec<_>>();
        let mut runs = 1;
        while self.batch_ms(prepared(runs), &mut run) < BATCH_MS {
            runs *= 2;
        }
        let times = (0..BATCHES).map(|_| self.batch_ms(prepared(runs), &mut run) / runs as f64);
        Some(median(times.collect()) * 1e6)
    }

    fn slow<S, T>(&mut self, _: &str, prepare: impl FnMut() -> S, run: impl FnMut(S) -> T) -> Option<f64> {
        let (mut prepare, mut run) = (prepare, run);
        black_box(run(prepare()));
        let mut times = Vec::new();
        while times.len() < SLOW_MIN_RUNS
            || (times.iter().sum::<f64>() < SLOW_MIN_MS && times.len() < SLOW_MAX_RUNS)
        {
            times.push(self.batch_ms(vec![prepare()], &mut run));
        }
        Some(median(times) * 1e6)
    }
}

fn median(times: Vec<f64>) -> f64 {
    let mut times = times;
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
