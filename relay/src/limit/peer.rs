//! Where a request comes from: the address that limits count by. It goes nowhere else.

use axum::extract::Request;
use axum::http::HeaderMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub IpAddr);

/// The client's address: the other end of the connection, or whom a trusted proxy names. Of IPv6 the network of 64 bits, for
/// that is what one customer has.
pub(crate) fn client_address(request: &Request, trusted: &[IpAddr]) -> IpAddr {
    network(forwarded(peer_address(request).to_canonical(), request.headers(), trusted))
}

/// The other end of the connection, of itself.
pub(crate) fn peer_address(request: &Request) -> IpAddr {
    request.extensions().get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0)
}

/// From the right: what a trusted proxy added is believed, and the first that is no trusted proxy is the client. Each proxy is
/// believed once: where it names itself, a client on its own machine connected to it, and the names before that come from this client.
fn forwarded(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|known| known.to_canonical() == *address);
    let named = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = named.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut client = peer;
    let mut believed = Vec::new();
    for name in named.into_iter().rev() {
        if !is_trusted(&client) || believed.contains(&client) {
            break;
        }
        believed.push(client);
        match name.parse::<IpAddr>() {
            Ok(address) => client = address.to_canonical(),
            Err(_) => break,
        }
    }
    client
}

/// The address as far as it counts.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let proxy: IpAddr = "10.0.0.1".parse().unwrap();
        let check = |peer: &str, header: Option<&str>, trusted: &[IpAddr], expected: &str| {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert("x-forwarded-for", header.parse().unwrap());
            }
            let found = forwarded(peer.parse().unwrap(), &headers, trusted);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {header:?}");
        };
        check("192.0.2.9", Some("198.51.100.1"), &[], "192.0.2.9");
        check("192.0.2.9", Some("198.51.100.1"), &[proxy], "192.0.2.9");
        check("10.0.0.1", Some("198.51.100.1"), &[proxy], "198.51.100.1");
        check("10.0.0.1", Some("203.0.113.5, 198.51.100.1"), &[proxy], "198.51.100.1");
        let second = "10.0.0.2".parse().unwrap();
        check("10.0.0.1", Some("203.0.113.5, 198.51.100.1, 10.0.0.2"), &[proxy, second], "198.51.100.1");
        // A tunnel on the proxy's machine: the rest is an invention.
        check("10.0.0.1", Some("198.51.100.1, 10.0.0.1"), &[proxy], "10.0.0.1");
        check("10.0.0.1", Some("nonsense"), &[proxy], "10.0.0.1");
        check("10.0.0.1", None, &[proxy], "10.0.0.1");
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let network_of = |address: &str| network(address.parse().unwrap());
        assert_eq!(network_of("2001:db8:1:2:3:4:5:6"), network_of("2001:db8:1:2:ffff::"));
        assert_ne!(network_of("2001:db8:1:2::1"), network_of("2001:db8:1:3::1"));
        assert_ne!(network_of("192.0.2.1"), network_of("192.0.2.2"));
    }
}
