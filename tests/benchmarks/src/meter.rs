//! Something that measures: criterion natively, a loop of our own in a browser.

/// Medians, in nanoseconds; `None` for what a filter left out.
pub trait Meter {
    /// What takes microseconds: measured many at a time.
    fn quick<T>(&mut self, name: &str, run: impl FnMut() -> T) -> Option<f64>;

    /// The same, with something prepared for each run that is not measured.
    fn quick_with<S, T>(
        &mut self,
        name: &str,
        prepare: impl FnMut() -> S,
        run: impl FnMut(S) -> T,
    ) -> Option<f64>;

    /// What takes milliseconds, prepared and measured one by one.
    fn slow<S, T>(&mut self, name: &str, prepare: impl FnMut() -> S, run: impl FnMut(S) -> T) -> Option<f64>;
}
