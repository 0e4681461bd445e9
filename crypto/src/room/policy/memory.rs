//! What a room remembers of removals, in lists with a limit: which device keys may not come back, which door keys are known to a
//! removed device.
//!
//! Whoever removes own devices adds to the lists. So that nobody makes a room forget somebody else's, the account that has
//! most in a full list gives up its oldest.

use crate::{identity::AccountId, labels, room::state::remembered};
use minicbor::bytes::ByteArray;

/// How a revoked device key stands in the room state.
#[must_use]
pub fn revocation_hash(account: &AccountId, device_key: &[u8; 32]) -> [u8; 32] {
    remembered(labels::hash::REVOKED_DEVICE, account, device_key)
}

/// Appends; past `max`, the account that has most gives up its oldest; of several, the one whose oldest is the oldest.
pub(super) fn remember(list: &mut Vec<ByteArray<32>>, new: [u8; 32], max: usize) {
    list.push(new.into());
    while list.len() > max {
        let count = |entry: &ByteArray<32>| list.iter().filter(|other| whose(other) == whose(entry)).count();
        let most = list.iter().map(count).max();
        let Some(oldest) = list.iter().position(|entry| Some(count(entry)) == most) else { return };
        list.remove(oldest);
    }
}

fn whose(entry: &ByteArray<32>) -> Option<&[u8]> {
    entry.get(..16)
}
