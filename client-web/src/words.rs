//! Every word that a person reads in the browser: short, no jargon, the same terms as in the terminal.

use sotto_client_core::Alarm;

/// The product.
pub const SOTTO: &str = "Sotto";
/// What it is, in one line.
pub const TAGLINE: &str = "Rooms that only the people in them can read.";
/// What it does not ask for.
pub const NO_ACCOUNT: &str = "No account, no phone number. Your name is shown only inside a room.";

/// Button: the page about itself.
pub const ABOUT: &str = "About Sotto";
/// Fact.
pub const VERSION: &str = "Version";
/// Fact.
pub const RELAY: &str = "Relay";
/// What it is.
pub const RELAY_HINT: &str = "This server keeps your messages, locked, and passes them on. It cannot read them, but it serves this page: use a relay that you trust to do that honestly.";
/// Fact.
pub const LICENSE: &str = "License";
/// Fact.
pub const SOURCE: &str = "Source code";
/// While the relay is asked for it.
pub const ASKING_RELAY: &str = "Asking the relay…";
/// Where no one names it.
pub const ASK_FOR_SOURCE: &str = "This relay does not say where its source code is. Ask its operator: the license obliges operators who changed the program to offer theirs.";

/// First door.
pub const MAKE_ROOM: &str = "Make a room";
/// What is behind it.
pub const MAKE_ROOM_HINT: &str = "Name it, then invite people with a link.";
/// Second door.
pub const OPEN_LINK: &str = "Open an invite link";
/// What is behind it.
pub const OPEN_LINK_HINT: &str = "Someone sent you one? Join with it.";

/// Field.
pub const ROOM_NAME: &str = "Room name";
/// Example.
pub const ROOM_NAME_EXAMPLE: &str = "Garden";
/// Field.
pub const YOUR_NAME: &str = "Your name in this room";
/// Field.
pub const INVITE_LINK: &str = "Invite link";
/// Button.
pub const MAKE_THE_ROOM: &str = "Make the room";
/// Its progress.
pub const MAKING_THE_ROOM: &str = "Making the room…";
/// Button.
pub const JOIN_THE_ROOM: &str = "Join the room";
/// Its progress.
pub const JOINING: &str = "Joining…";
/// Button.
pub const BACK: &str = "Back";
/// Button.
pub const NOT_NOW: &str = "Not now";
/// Title where the link is known.
pub const INVITED: &str = "You are invited to a room";
/// Why its name is not shown.
pub const INVITED_HINT: &str = "Nobody outside can see its name or who is in it, so you see them once you are in. Those inside see the name that you give here.";
/// Where the room's name is only for its members.
pub const ROOM_NAME_HINT: &str = "Only members see it, and the names of those in it. The relay does not.";

/// Landmark and title.
pub const ROOMS: &str = "Rooms";
/// Nothing is open.
pub const PICK_A_ROOM: &str = "Choose a room";
/// What to do.
pub const PICK_A_ROOM_HINT: &str = "Pick one on the left, or press Ctrl K to find one by name.";
/// A room that is not there.
pub const NO_SUCH_ROOM: &str = "You are not in this room on this device";
/// What to do.
pub const NO_SUCH_ROOM_HINT: &str = "Ask someone in it for an invite link, then open the link here.";
/// Button.
pub const ALL_ROOMS: &str = "All rooms";
/// Before anything was said.
pub const NO_MESSAGES: &str = "Nothing said yet";
/// In the list, before my words.
pub const YOU: &str = "You";
/// A message of a type not known here.
pub const FROM_NEWER_VERSION: &str = "Sent with a newer version of Sotto. Reload the page to update.";

/// An empty room with others in it.
pub const SAY_SOMETHING: &str = "Say the first word";
/// What to do.
pub const SAY_SOMETHING_HINT: &str = "Everyone in the room will see it, and nobody else.";
/// An empty room.
pub const ALONE: &str = "You are the only one here";
/// What to do.
pub const ALONE_HINT: &str =
    "Make an invite link and send it to whoever should be here. They need nothing but a browser.";

/// Landmark.
pub const MESSAGES: &str = "Messages";
/// Button.
pub const JUMP_TO_NEWEST: &str = "Jump to the newest message";
/// Line.
pub const NEW_MESSAGES: &str = "New messages";
/// At the beginning of a room.
pub const BEGINNING: &str = "This is where the room begins for you.";
/// While older messages are read.
pub const LOADING_OLDER: &str = "Loading older messages…";
/// Day.
pub const TODAY: &str = "Today";
/// Day.
pub const YESTERDAY: &str = "Yesterday";
/// State of a message.
pub const QUEUED: &str = "Waiting to be sent";
/// State of a message.
pub const SENT: &str = "Sent";
/// State of a message.
pub const NOT_SENT: &str = "Not sent";
/// Button.
pub const TRY_AGAIN: &str = "Try again";
/// Button: draws the rest of a long message.
pub const SHOW_WHOLE: &str = "Show the whole message";
/// Beside a link whose letters can be mistaken for others.
pub const REAL_HOST: &str = "This is where the link leads";
/// Button: puts the text back into the field.
pub const EDIT: &str = "Edit";
/// Button.
pub const DISCARD: &str = "Discard";
/// Field.
pub const MESSAGE: &str = "Message";
/// Button.
pub const SEND: &str = "Send";

/// Title of the third pane.
pub const DETAILS: &str = "Details";
/// Button.
pub const OPEN_DETAILS: &str = "Members, invite links and security";
/// Button.
pub const CLOSE: &str = "Close";
/// Section.
pub const MEMBERS: &str = "Members";
/// Mark.
pub const MADE_THE_ROOM: &str = "made the room";
/// Section.
pub const INVITE_PEOPLE: &str = "Invite people";
/// What a link does.
pub const INVITE_HINT: &str =
    "Whoever has the link can join. Send it only to those who should be here, and revoke it when they are.";
/// Button.
pub const MAKE_INVITE: &str = "Make an invite link";
/// Button, where there is one already.
pub const MAKE_ANOTHER_INVITE: &str = "Make another link";
/// Its progress.
pub const MAKING_INVITE: &str = "Making the link…";
/// Button.
pub const COPY: &str = "Copy";
/// Confirmation.
pub const COPIED: &str = "Copied";
/// Where the browser does not let us copy.
pub const COPY_BY_HAND: &str = "Press Ctrl C to copy";
/// Button.
pub const REVOKE: &str = "Revoke";
/// Section.
pub const SECURITY: &str = "Security";
/// In a word.
pub const ENCRYPTED: &str = "End-to-end encrypted";
/// In a sentence.
pub const ENCRYPTED_HINT: &str = "Messages are locked on your device and unlocked on those of the members. The relay in between keeps them without being able to read them, the room's name, or who is in it.";
/// In a word.
pub const POST_QUANTUM: &str = "Post-quantum";
/// In a sentence.
pub const POST_QUANTUM_HINT: &str = "Keys are agreed by two methods at once, X25519 and ML-KEM-768. What is recorded today stays closed to a quantum computer later.";
/// In a word.
pub const CLASSICAL: &str = "Classical keys";
/// In a sentence.
pub const CLASSICAL_HINT: &str = "Keys are agreed by X25519, for large rooms. Someone who records the traffic today could open it with a quantum computer later.";
/// In a word.
pub const CHECKED: &str = "History is checked";
/// In a sentence.
pub const CHECKED_HINT: &str = "Every message carries a fingerprint of all before it. If the relay hid, changed or reordered something, this room would say so.";

/// A room that cannot be read on.
pub const ROOM_STOPPED: &str = "This room stands still for now.";

/// While the connection is made.
pub const CONNECTING: &str = "Connecting…";
/// Without a connection.
pub const OFFLINE: &str = "Offline. You can read and write; messages go out when the connection is back.";
/// Button.
pub const TRY_NOW: &str = "Try now";
/// While what was missed is read.
pub const CATCHING_UP: &str = "Catching up…";

/// Page that checks the browser: title.
pub const CHECK: &str = "Storage of this browser";
/// While it is checked.
pub const CHECKING: &str = "Checking…";
/// It is as it must be.
pub const CHECK_PASSED: &str =
    "Everything works: values are kept, encrypted, in order, and tabs wait for each other.";

/// Button.
pub const SHORTCUTS: &str = "Keyboard shortcuts";
/// Field of the switcher.
pub const FIND_ROOM: &str = "Find a room";
/// No room fits.
pub const NO_ROOM_FOUND: &str = "No room has that in its name.";
/// Theme.
pub const THEME_SYSTEM: &str = "Light or dark: as the system";
/// Theme.
pub const THEME_LIGHT: &str = "Light or dark: light";
/// Theme.
pub const THEME_DARK: &str = "Light or dark: dark";
/// Button for the keyboard.
pub const SKIP_TO_MESSAGE: &str = "Skip to the message field";

/// Keys and what they do.
pub const SHORTCUT_LIST: [(&str, &str); 7] = [
    ("Ctrl K", "Find a room"),
    ("Alt ↑", "Room above"),
    ("Alt ↓", "Room below"),
    ("Enter", "Send"),
    ("Shift Enter", "New line"),
    ("Esc", "Close what is open"),
    ("?", "This list"),
];

/// Page that cannot work: title.
pub const BROKEN: &str = "Sotto cannot open here";
/// Button.
pub const RELOAD: &str = "Reload";

/// So many members.
#[must_use]
pub fn members(count: usize) -> String {
    if count == 1 { "1 member".to_owned() } else { format!("{count} members") }
}

/// So many devices.
#[must_use]
pub fn devices(count: usize) -> String {
    if count == 1 { "1 device".to_owned() } else { format!("{count} devices") }
}

/// So many new messages, for the button that leads to them.
#[must_use]
pub fn new_messages(count: usize) -> String {
    if count == 1 { "1 new message".to_owned() } else { format!("{count} new messages") }
}

/// So many unread messages, for the list.
#[must_use]
pub fn unread(count: usize) -> String {
    format!("{count} unread")
}

/// People came in.
#[must_use]
pub fn joined(names: &[String]) -> String {
    const SHOWN: usize = 3;
    match names {
        [] => String::new(),
        [one] => format!("{one} joined"),
        [all @ .., last] if names.len() <= SHOWN => format!("{} and {last} joined", all.join(", ")),
        _ => {
            let shown = names.get(..SHOWN - 1).unwrap_or_default().join(", ");
            format!("{shown} and {} others joined", names.len() - SHOWN + 1)
        }
    }
}

/// A name, with the digits that tell it from others that look like it.
#[must_use]
pub fn named(name: &str, tag: Option<&str>) -> String {
    match tag {
        Some(tag) => format!("{name} #{tag}"),
        None => name.to_owned(),
    }
}

/// The room got a name.
#[must_use]
pub fn renamed(by: &str, name: &str) -> String {
    format!("{by} named the room “{name}”")
}

/// When the next attempt is.
#[must_use]
pub fn next_try(seconds: u64) -> String {
    format!("Trying again in {seconds} s.")
}

/// How long something takes already.
#[must_use]
pub fn still_working(seconds: u64) -> String {
    format!("Still working, {seconds} s so far")
}

/// The message is over the limit.
#[must_use]
pub fn too_long(actual_bytes: usize, max_bytes: usize) -> String {
    format!(
        "This message is too long: {} kB, and {} kB is the most. Send it in parts.",
        actual_bytes.div_ceil(1024),
        max_bytes / 1024
    )
}

/// Under which license this is.
#[must_use]
pub fn license(name: &str) -> String {
    format!(
        "Free software under {name}: you may use, study, share and change it. It comes without any warranty."
    )
}

/// How often an invite was used.
#[must_use]
pub fn uses(uses: u32, max_uses: Option<u32>) -> String {
    match (uses, max_uses) {
        (0, None) => "Not used yet".to_owned(),
        (1, None) => "Used once".to_owned(),
        (many, None) => format!("Used {many} times"),
        (some, Some(most)) => format!("Used {some} of {most} times"),
    }
}

/// The clock differs from the relay's.
#[must_use]
pub fn clock_skew(skew_ms: i64) -> String {
    let minutes = skew_ms.unsigned_abs() / 60_000;
    let amount = match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, _) if hours >= 48 => format!("{} days", hours / 24),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    };
    let direction = if skew_ms > 0 { "ahead of" } else { "behind" };
    format!(
        "This device's clock is {amount} {direction} the relay's, so times may be wrong. Set it to automatic."
    )
}

/// Why a message stands there with buttons.
pub const REFUSED_BY_RELAY: &str = "The relay refused this message.";
/// Before the name of who made an invite.
pub const INVITE_BY: &str = "Made by";
/// Who made an invite, where that is not known any more.
pub const SOMEONE_GONE: &str = "someone who is gone";

/// What is said of an alarm that turned out well.
pub const ALARM_SETTLED: &str = "This device has checked since: nothing is missing or changed there.";
/// The button that puts alarms aside.
pub const PUT_ASIDE: &str = "I have read this";
/// After the name of the member who did it.
pub const REMOVED_YOU: &str = "removed you from this room.";
/// Where a message was that the relay has dropped.
pub const GAP: &str = "Messages from here are no longer on the relay";

/// An integrity alarm: what happened, what it may mean, what to do.
#[must_use]
pub const fn alarm(alarm: Alarm) -> [&'static str; 3] {
    match alarm {
        Alarm::HistoryDiverged(_) => [
            "Members of this room have been shown different histories.",
            "The relay may be hiding or reordering messages.",
            "Compare with the others outside of this room what was said last. If it differs, stop using this relay.",
        ],
        Alarm::EntryDamaged(_) => [
            "Something in this room arrived damaged.",
            "It was changed on its way, by a fault or on purpose.",
            "Reload the page. If this stays, tell whoever runs the relay, and ask the others whether they see it too.",
        ],
        Alarm::InvalidChange(_) => [
            "A change that the room's rules do not allow was put into it.",
            "A member's device may be faulty or taken over, or the relay let someone in who must not be.",
            "This room stands still here. Talk to the others outside of it, then make a new room.",
        ],
        Alarm::RelayRolledBack(_) => [
            "The relay has lost messages that you have already seen.",
            "It may have been restored from an old copy, or be hiding them.",
            "What you see here stays. Ask the operator of the relay what happened before you go on.",
        ],
        Alarm::BodyMissing(_) => [
            "The relay keeps something back that was said in this room.",
            "It says that it was too old to be kept, and by its own words it cannot have been.",
            "Ask the others outside of this room what was said. If this comes again, do not rely on this relay.",
        ],
        Alarm::NotInLog(_) => [
            "The relay confirmed something of yours and then did not keep it.",
            "It has a fault, was restored from an old copy, or is hiding it.",
            "It is sent again by itself. If this comes again, do not rely on this relay.",
        ],
    }
}

/// With a capital at its beginning and a full stop at its end: what the engine says begins small.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_joined_is_said_briefly() {
        let names = |all: &[&str]| joined(&all.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&["Ada"]), "Ada joined");
        assert_eq!(names(&["Ada", "Bo"]), "Ada and Bo joined");
        assert_eq!(names(&["Ada", "Bo", "Cy"]), "Ada, Bo and Cy joined");
        assert_eq!(names(&["Ada", "Bo", "Cy", "Di"]), "Ada, Bo and 2 others joined");
    }

    #[test]
    fn a_wrong_clock_is_named_with_its_direction() {
        assert!(clock_skew(86_400_000).contains("24 h 0 min ahead of"));
        assert!(clock_skew(-360_000).contains("6 min behind"));
    }
}
