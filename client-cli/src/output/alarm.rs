//! Alarms of rooms, in words.

use super::{note, one_line, warn};
use sotto_client_core::{Alarm, AlarmView, RoomEnd, RoomView};

/// Warns of a room's alarms, and says how the membership ended if it did.
pub fn warn_of_alarms(room: &RoomView) {
    for view in &room.alarms {
        warn(&alarm_line(room, view));
    }
    if !room.alarms.is_empty() {
        note("`sotto alarms ROOM --put-aside` stops these warnings. New ones are still shown.");
    }
    if let Some(RoomEnd::Removed { by_name, .. }) = &room.end {
        note(&format!("{} removed you from {}.", one_line(by_name), one_line(&room.name)));
    }
}

/// An alarm of a room.
pub fn alarm_line(room: &RoomView, view: &AlarmView) -> String {
    let settled = if view.is_settled {
        " This device has checked since: nothing is missing or changed there."
    } else {
        ""
    };
    format!("{}: {}{settled}", one_line(&room.name), alarm_text(view.alarm))
}

fn alarm_text(alarm: Alarm) -> String {
    match alarm {
        Alarm::HistoryDiverged(seq) => format!(
            "what this device has seen (up to entry {seq}) is not what another member has seen. The relay may show you \
             different histories. Compare notes with the others outside of this room."
        ),
        Alarm::EntryDamaged(seq) => format!(
            "entry {seq} was damaged or forged on its way and cannot be shown. It is read again if the relay repairs it."
        ),
        Alarm::InvalidChange(seq) => format!(
            "at entry {seq} a change that the room's rules do not allow is in the log; nothing after it can be read. \
             Tell the others, and make a new room if it stays so."
        ),
        Alarm::RelayRolledBack(seq) => format!(
            "the relay has lost what this device has seen (up to entry {seq}), perhaps by a restored backup. Ask the \
             operator of the relay."
        ),
        Alarm::BodyMissing(seq) => format!(
            "the relay keeps back what was said at entry {seq}: it says that this was too old to be kept, and by its own \
             words it cannot have been. Ask the others outside of this room what was said, and do not rely on this relay."
        ),
        Alarm::NotInLog(seq) => format!(
            "the relay confirmed something of yours as entry {seq} and then did not keep it. It is sent again by itself. \
             If this comes again, do not rely on this relay."
        ),
    }
}
