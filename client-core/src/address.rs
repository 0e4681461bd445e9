//! Where a relay is, and whole invite links: `http[s]://host[:port]/join#fragment`.

use crate::ClientError;
use core::net::{Ipv4Addr, Ipv6Addr};
use sotto_crypto::link::InviteLink;
use sotto_protocol::ROOM_SOCKET_PATH;

const JOIN_PATH: &str = "/join";

/// A relay's address, in the one form in which it is compared and signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayAddress {
    origin: String,
    scheme_len: usize,
    is_secure: bool,
}

impl RelayAddress {
    /// Reads an address: `http://` or `https://`, a host, perhaps a port, nothing more.
    ///
    /// # Errors
    /// [`ClientError::BadAddress`].
    pub fn parse(address: &str) -> Result<Self, ClientError> {
        let address = address.trim().trim_end_matches('/').to_ascii_lowercase();
        let (scheme, authority) = address.split_once("://").ok_or(ClientError::BadAddress)?;
        let (is_secure, default_port) = match scheme {
            "http" => (false, ":80"),
            "https" => (true, ":443"),
            _ => return Err(ClientError::BadAddress),
        };
        if !is_authority(authority) {
            return Err(ClientError::BadAddress);
        }
        let authority = authority.strip_suffix(default_port).unwrap_or(authority);
        Ok(Self { origin: format!("{scheme}://{authority}"), scheme_len: scheme.len(), is_secure })
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Host and port: what the client sends as `Host` and signs.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.origin.get(self.scheme_len + 3..).unwrap_or_default()
    }

    /// Whether what is said to the relay goes over a network that strangers may share, without TLS.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        !self.is_secure && !is_near(host_of(self.authority()))
    }

    /// The address of the room socket.
    #[must_use]
    pub fn socket_url(&self) -> String {
        let scheme = if self.is_secure { "wss" } else { "ws" };
        format!("{scheme}://{}{ROOM_SOCKET_PATH}", self.authority())
    }

    /// The whole link of an invite at this relay.
    #[must_use]
    pub fn link(&self, invite: &InviteLink) -> String {
        format!("{}{JOIN_PATH}#{}", self.origin, *invite.to_fragment())
    }
}

/// The host of an authority, without brackets.
fn host_of(authority: &str) -> &str {
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// Whether a host is this machine, one in the same network, or an onion service, which has a protection of its own.
fn is_near(host: &str) -> bool {
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return is_near_v4(address);
    }
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        return address.to_ipv4_mapped().map_or_else(
            || address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
            is_near_v4,
        );
    }
    const NEAR: [&str; 6] = [".localhost", ".local", ".lan", ".internal", ".home.arpa", ".onion"];
    // A number is an address in another form: who resolves names takes it as one.
    let is_plain_name = !host.contains('.') && !host.starts_with(|c: char| c.is_ascii_digit());
    is_plain_name || NEAR.iter().any(|end| host.ends_with(end))
}

const fn is_near_v4(address: Ipv4Addr) -> bool {
    let shared = matches!(address.octets(), [100, 64..=127, ..]);
    address.is_loopback() || address.is_private() || address.is_link_local() || shared
}

/// A host or a bracketed IPv6 address, perhaps with one port.
fn is_authority(authority: &str) -> bool {
    let (host, port, is_bracketed) = match authority.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((host, port))) => (host, port, true),
        Some(None) => return false,
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            (host, port, false)
        }
    };
    let is_host_character = |c: char| {
        let is_of_name = c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        c == '.' || if is_bracketed { c.is_ascii_hexdigit() || c == ':' } else { is_of_name }
    };
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    !host.is_empty() && host.chars().all(is_host_character) && is_port && !port.contains('+')
}

/// Reads a whole link.
///
/// # Errors
/// [`ClientError::BadLink`].
pub fn parse_link(link: &str) -> Result<(RelayAddress, InviteLink), ClientError> {
    let (address, fragment) = link.trim().split_once('#').ok_or(ClientError::BadLink)?;
    let address = address.trim_end_matches('/').strip_suffix(JOIN_PATH).ok_or(ClientError::BadLink)?;
    let address = RelayAddress::parse(address).map_err(|_| ClientError::BadLink)?;
    let invite = InviteLink::from_fragment(fragment).map_err(|_| ClientError::BadLink)?;
    Ok((address, invite))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_crypto::{Secret, identity::AccountId};
    use sotto_protocol::RoomId;

    #[test]
    fn addresses() {
        let cases = [
            ("http://127.0.0.1:8080", Some(("127.0.0.1:8080", "ws://127.0.0.1:8080/v1/rooms"))),
            ("https://Chat.Example.org/", Some(("chat.example.org", "wss://chat.example.org/v1/rooms"))),
            ("https://chat.example.org:443", Some(("chat.example.org", "wss://chat.example.org/v1/rooms"))),
            ("http://[::1]:8080", Some(("[::1]:8080", "ws://[::1]:8080/v1/rooms"))),
            ("chat.example.org", None),
            ("ftp://chat.example.org", None),
            ("http://", None),
            ("http://user@host", None),
            ("http://host/path", None),
            ("http://host:80:80", None),
            ("http://host:", None),
            ("http://host:+80", None),
            ("http://host:65536", None),
            ("http://[::1", None),
            ("http://[::1]:80", Some(("[::1]", "ws://[::1]/v1/rooms"))),
        ];
        for (text, expected) in cases {
            let address = RelayAddress::parse(text).ok();
            let got = address.as_ref().map(|address| (address.authority(), address.socket_url()));
            assert_eq!(got, expected.map(|(authority, url)| (authority, url.to_owned())), "{text}");
        }
    }

    #[test]
    fn without_tls_only_near_hosts_are_not_exposed() {
        let near = [
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://localhost",
            "http://relay:8080",
            "http://192.168.1.7",
            "http://10.0.0.1",
            "http://172.16.0.1",
            "http://100.64.0.1",
            "http://[fd00::1]",
            "http://[fe80::1]",
            "http://[::ffff:10.0.0.1]",
            "http://chat.local",
            "http://chat.home.arpa",
            "http://abc.onion",
        ];
        let exposed = [
            "http://chat.example.org",
            "http://203.0.113.7",
            "http://[2001:db8::1]:8080",
            "http://172.32.0.1",
            "http://127.0.0.1.example.org",
            "http://localhost.example.org",
            "http://[::ffff:203.0.113.7]",
            "http://8.8.8.8",
            "http://3405803783",
            "http://0xcb007107:80",
        ];
        for (addresses, expected) in [(near.as_slice(), false), (exposed.as_slice(), true)] {
            for address in addresses {
                let exposed = RelayAddress::parse(address).map(|relay| relay.is_exposed());
                assert_eq!(exposed, Ok(expected), "{address}");
            }
        }
        assert!(!RelayAddress::parse("https://chat.example.org").unwrap().is_exposed());
    }

    #[test]
    fn a_link_survives_and_a_cut_one_is_refused() {
        let relay = RelayAddress::parse("http://127.0.0.1:8080").unwrap();
        let invite = InviteLink {
            room: RoomId::new([1; 16]),
            secret: sotto_crypto::link::InviteSecret::from_seed(Secret::new([2; 32])),
            inviter: AccountId::new([3; 16]),
            epoch: 4,
        };
        let link = relay.link(&invite);
        assert_eq!(parse_link(&format!("  {link}\n")).unwrap(), (relay, invite));
        for cut in 0..link.len() {
            assert_eq!(parse_link(&link[..cut]).err(), Some(ClientError::BadLink), "cut at {cut}");
        }
    }
}
