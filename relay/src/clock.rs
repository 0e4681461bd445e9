//! The relay's clock, as coarse as each use of it allows.

use std::time::{SystemTime, UNIX_EPOCH};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The hour since 1970: all that is kept of the time of an entry.
pub(crate) const fn hour_of(now_ms: u64) -> u64 {
    now_ms / HOUR_MS
}
