//! How often something may be done.

/// How much an address, or a name, may do: so many at once, and then one every so many seconds.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// Seconds for one more.
    pub every_s: f64,
}
