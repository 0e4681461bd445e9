//! What a reader knows of everyone's status: the newest that each device has signed, across epochs.

use super::{OpenedStatus, PRESENT_MAX_MS, ReadMark, Status, TYPING_MAX_MS};
use crate::{identity::AccountId, room::Roster};
use std::collections::{BTreeMap, BTreeSet};

/// The last good status of each device of a room. A device is known by its key, so that another device at the same leaf is
/// another device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusBoard {
    devices: BTreeMap<[u8; 32], (AccountId, Status)>,
    own_mark: Option<ReadMark>,
}

impl StatusBoard {
    /// Takes a status in, at a time by the relay's clock. Says whether it is newer than what was known: one that is as old
    /// or older is ignored. Nobody is believed to type or be there for longer than the limits.
    pub fn take(&mut self, opened: &OpenedStatus, now_ms: u64) -> bool {
        let OpenedStatus { sender, mut status, .. } = opened.clone();
        self.take_own_mark(status.own_mark);
        if self.get(&sender.device_key).is_some_and(|known| known.version >= status.version) {
            return false;
        }
        let within = |until: Option<u64>, max: u64| until.map(|until| until.min(now_ms.saturating_add(max)));
        status.typing_until_ms = within(status.typing_until_ms, TYPING_MAX_MS);
        status.present_until_ms = within(status.present_until_ms, PRESENT_MAX_MS);
        self.devices.insert(sender.device_key, (sender.account, status));
        true
    }

    /// Takes in how far the account has read, from wherever: the greatest mark counts, and outlasts the device that wrote it.
    pub fn take_own_mark(&mut self, mark: Option<ReadMark>) {
        self.own_mark = self.own_mark.max(mark);
    }

    /// How far the account has read, on any of its devices.
    #[must_use]
    pub const fn own_mark(&self) -> Option<ReadMark> {
        self.own_mark
    }

    /// What is known of a device.
    #[must_use]
    pub fn get(&self, device_key: &[u8; 32]) -> Option<&Status> {
        self.devices.get(device_key).map(|(_, status)| status)
    }

    /// Forgets devices that are not in the room any more. What is known of the others stays good in the new epoch.
    pub fn enter_epoch(&mut self, roster: &Roster) {
        let present: BTreeSet<_> = roster.iter().map(|(_, entry)| entry.device_key).collect();
        self.devices.retain(|device_key, _| present.contains(device_key));
    }

    /// Who types.
    #[must_use]
    pub fn typing(&self, now_ms: u64) -> BTreeSet<AccountId> {
        self.accounts(|status| status.typing_until_ms.is_some_and(|until| until > now_ms))
    }

    /// Who is there.
    #[must_use]
    pub fn present(&self, now_ms: u64) -> BTreeSet<AccountId> {
        self.accounts(|status| status.present_until_ms.is_some_and(|until| until > now_ms))
    }

    /// Who has received an entry, on any device.
    #[must_use]
    pub fn delivered(&self, seq: u64) -> BTreeSet<AccountId> {
        self.accounts(|status| status.delivered_seq.is_some_and(|up_to| up_to >= seq))
    }

    /// Who has read an entry, on any device.
    #[must_use]
    pub fn read(&self, seq: u64) -> BTreeSet<AccountId> {
        self.accounts(|status| status.read_seq.is_some_and(|up_to| up_to >= seq))
    }

    fn accounts(&self, is_so: impl Fn(&Status) -> bool) -> BTreeSet<AccountId> {
        let those = self.devices.values().filter(|(_, status)| is_so(status));
        those.map(|(account, _)| *account).collect()
    }
}
