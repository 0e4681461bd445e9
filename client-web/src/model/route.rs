//! Where in the application someone is, as the address bar and the history have it.
//!
//! Addresses are kept in lists that outlast the page, so they say no more than which part of the application is open, and that
//! behind the `#`, which browsers keep to themselves. Which room is open stands in a note beside the address, which the browser gives
//! back on reload and on the way back, and forgets with the tab.

use sotto_protocol::RoomId;

/// A place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The rooms, none open.
    Home,
    /// Making a room.
    NewRoom,
    /// Pasting an invite link.
    OpenLink,
    /// Invited by the link that this tab was opened with.
    Invited,
    /// Checking what this browser can do.
    Check,
    /// What this is, and where its source is.
    About,
    /// A room.
    Room(RoomId),
    /// A room, with its details.
    Details(RoomId),
}

impl Route {
    /// Reads path and fragment of the page's address. What is not known is [`Route::Home`].
    #[must_use]
    pub fn parse(path: &str, fragment: &str, has_invite: bool) -> Self {
        let place = fragment.trim_start_matches('#');
        if path == "/join" && (has_invite && place.is_empty() || is_invite(place)) {
            return Self::Invited;
        }
        let mut steps = place.trim_start_matches('/').split('/');
        match (steps.next(), steps.next().and_then(parse_room), steps.next()) {
            (Some("new"), None, _) => Self::NewRoom,
            (Some("join"), None, _) => Self::OpenLink,
            (Some("check"), None, _) => Self::Check,
            (Some("about"), None, _) => Self::About,
            (Some("room"), Some(room), None) => Self::Room(room),
            (Some("room"), Some(room), Some("details")) => Self::Details(room),
            _ if path == "/join" => Self::OpenLink,
            _ => Self::Home,
        }
    }

    /// The address of this place, as it may be kept in a history.
    #[must_use]
    pub const fn address(&self) -> &'static str {
        match self {
            Self::Home | Self::Room(_) | Self::Details(_) => "/",
            Self::NewRoom => "/#/new",
            Self::OpenLink => "/#/join",
            Self::Invited => "/join",
            Self::Check => "/#/check",
            Self::About => "/#/about",
        }
    }

    /// What has to be noted beside the address, so that [`Route::recall`] finds the place again.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        match self {
            Self::Room(room) => Some(format!("/room/{}", room_digits(room))),
            Self::Details(room) => Some(format!("/room/{}/details", room_digits(room))),
            _ => None,
        }
    }

    /// Reads a note.
    #[must_use]
    pub fn recall(note: &str) -> Option<Self> {
        Some(Self::parse("/", note, false)).filter(|route| route.room().is_some())
    }

    /// The address by which another tab finds the place: it takes the room's id out of its address bar at once.
    #[must_use]
    pub fn address_for_another_tab(&self) -> String {
        self.note().map_or_else(|| self.address().to_owned(), |note| format!("/#{note}"))
    }

    /// The room that is open here.
    #[must_use]
    pub const fn room(&self) -> Option<RoomId> {
        match self {
            Self::Room(room) | Self::Details(room) => Some(*room),
            _ => None,
        }
    }
}

/// Whether what stands behind the `#` of `/join` is an invite, not a place.
#[must_use]
pub fn is_invite(place: &str) -> bool {
    !place.is_empty() && !place.starts_with('/')
}

/// A room id in hexadecimal digits.
#[must_use]
pub fn room_digits(room: &RoomId) -> String {
    room.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse_room(digits: &str) -> Option<RoomId> {
    if digits.len() != 2 * RoomId::LEN || !digits.is_ascii() {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
    RoomId::try_from(bytes?.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_again_and_no_address_names_a_room() {
        let room = RoomId::new([0xa5; 16]);
        for route in [
            Route::Home,
            Route::NewRoom,
            Route::OpenLink,
            Route::Check,
            Route::About,
            Route::Room(room),
            Route::Details(room),
        ] {
            let parse = |address: &str| {
                let (path, fragment) = address.split_once('#').unwrap_or((address, ""));
                Route::parse(path, fragment, false)
            };
            let found =
                route.note().and_then(|note| Route::recall(&note)).unwrap_or_else(|| parse(route.address()));
            assert_eq!(found, route);
            assert_eq!(parse(&route.address_for_another_tab()), route);
            assert!(!route.address().contains("a5"));
        }
        assert_eq!(Route::recall("/new"), None);
    }

    #[test]
    fn an_invite_link_is_told_from_a_place() {
        assert_eq!(Route::parse("/join", "#AbC-_", false), Route::Invited);
        assert_eq!(Route::parse("/join", "", true), Route::Invited);
        assert_eq!(Route::parse("/join", "", false), Route::OpenLink);
        assert_eq!(Route::parse("/", "", true), Route::Home);
        assert_eq!(Route::parse("/", "#AbC", false), Route::Home);
        assert_eq!(Route::parse("/", "#/room/zz", false), Route::Home);
    }
}
