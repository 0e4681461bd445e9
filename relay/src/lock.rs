//! Locking without the ceremony of poisoning.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. No code of this crate panics while it holds a lock, and what the locks protect is consistent between any two
/// statements, so that a poisoned lock would carry no information.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
