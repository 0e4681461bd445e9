//! Where in the application someone is, as the address bar has it.
//!
//! Everything is behind the `#`, which browsers keep to themselves: the relay is not told which room is open.

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
    /// Invited by the link that is in the address bar.
    Invited,
    /// Checking what this browser can do.
    Check,
    /// A room.
    Room(RoomId),
    /// A room, with its details.
    Details(RoomId),
}

impl Route {
    /// Reads path and fragment of the page's address. What is not known is [`Route::Home`].
    #[must_use]
    pub fn parse(path: &str, fragment: &str) -> Self {
        let place = fragment.trim_start_matches('#');
        if path == "/join" && !place.is_empty() && !place.starts_with('/') {
            return Self::Invited;
        }
        let mut steps = place.trim_start_matches('/').split('/');
        match (steps.next(), steps.next().and_then(parse_room), steps.next()) {
            (Some("new"), None, _) => Self::NewRoom,
            (Some("join"), None, _) => Self::OpenLink,
            (Some("check"), None, _) => Self::Check,
            (Some("room"), Some(room), None) => Self::Room(room),
            (Some("room"), Some(room), Some("details")) => Self::Details(room),
            _ if path == "/join" => Self::OpenLink,
            _ => Self::Home,
        }
    }

    /// The address of this place. [`Route::Invited`] has none of its own: its link is one already.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Home => "/".to_owned(),
            Self::NewRoom => "/#/new".to_owned(),
            Self::OpenLink | Self::Invited => "/#/join".to_owned(),
            Self::Check => "/#/check".to_owned(),
            Self::Room(room) => format!("/#/room/{}", room_digits(room)),
            Self::Details(room) => format!("/#/room/{}/details", room_digits(room)),
        }
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
    fn every_place_is_found_again_by_its_address() {
        let room = RoomId::new([0xa5; 16]);
        for route in [
            Route::Home,
            Route::NewRoom,
            Route::OpenLink,
            Route::Check,
            Route::Room(room),
            Route::Details(room),
        ] {
            let address = route.address();
            let (path, fragment) = address.split_once('#').unwrap_or((&address, ""));
            assert_eq!(Route::parse(path, fragment), route, "{address}");
        }
    }

    #[test]
    fn an_invite_link_is_told_from_a_place() {
        assert_eq!(Route::parse("/join", "#AbC-_"), Route::Invited);
        assert_eq!(Route::parse("/join", ""), Route::OpenLink);
        assert_eq!(Route::parse("/", "#AbC"), Route::Home);
        assert_eq!(Route::parse("/", "#/room/zz"), Route::Home);
    }
}
