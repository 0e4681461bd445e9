//! Where a subscription leads, and whether the relay goes there. Whoever subscribes chooses the address: it must not become a
//! way into the relay's own network.

use super::settings::PushSettings;
use sotto_protocol::limits::PUSH_ENDPOINT_MAX_BYTES;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use tokio::task::spawn_blocking;
use url::{Host, Url};

/// An endpoint that was looked at.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Whether it is `https`; else nobody asked for that but the operator.
    pub is_tls: bool,
    /// A name, or an address as the operator permits it.
    pub host: String,
    pub port: u16,
    /// `host[:port]`.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// Whom a token is for.
    pub origin: String,
}

impl Target {
    /// Reads an endpoint; nothing where the relay does not post there.
    pub(super) fn of(endpoint: &str, settings: &PushSettings) -> Option<Self> {
        if endpoint.len() > PUSH_ENDPOINT_MAX_BYTES {
            return None;
        }
        let url = Url::parse(endpoint).ok()?;
        let is_tls = url.scheme() == "https";
        let is_plain = settings.reaches_private && url.scheme() == "http";
        if !(is_tls || is_plain) || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let host = match url.host()? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) if settings.reaches_private => address.to_string(),
            Host::Ipv6(address) if settings.reaches_private => address.to_string(),
            Host::Ipv4(_) | Host::Ipv6(_) => return None,
        };
        let port = url.port_or_known_default()?;
        if !(settings.reaches_private || settings.hosts.allow(&host, port)) {
            return None;
        }
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let origin = url.origin().ascii_serialization();
        let authority = origin.split_once("://")?.1.to_owned();
        Some(Self { is_tls, host, port, authority, path, origin })
    }

    /// Addresses to connect to: those to which the name leads now and which are anybody's to reach. `held` is held until the
    /// system has given the name up, which may be long after this was waited for.
    pub(super) async fn addresses<H: Send + 'static>(
        &self,
        settings: &PushSettings,
        held: H,
    ) -> io::Result<Vec<SocketAddr>> {
        let name = (self.host.clone(), self.port);
        let found = spawn_blocking(move || {
            let found = name.to_socket_addrs();
            drop(held);
            found
        });
        let found = found.await.map_err(io::Error::other)??;
        Ok(found.filter(|address| settings.reaches_private || is_public(address.ip())).collect())
    }
}

/// Whether an address is anybody's: not of this machine, of a private network, or of those that mean something else (IANA's
/// registries of special-purpose addresses, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    const SPECIAL: [(Ipv4Addr, u32); 16] = [
        (Ipv4Addr::new(0, 0, 0, 0), 8),
        (Ipv4Addr::new(10, 0, 0, 0), 8),
        (Ipv4Addr::new(100, 64, 0, 0), 10),
        (Ipv4Addr::new(127, 0, 0, 0), 8),
        (Ipv4Addr::new(169, 254, 0, 0), 16),
        (Ipv4Addr::new(172, 16, 0, 0), 12),
        (Ipv4Addr::new(192, 0, 0, 0), 24),
        (Ipv4Addr::new(192, 0, 2, 0), 24),
        (Ipv4Addr::new(192, 31, 196, 0), 24),
        (Ipv4Addr::new(192, 88, 99, 0), 24),
        (Ipv4Addr::new(192, 168, 0, 0), 16),
        (Ipv4Addr::new(198, 18, 0, 0), 15),
        (Ipv4Addr::new(198, 51, 100, 0), 24),
        (Ipv4Addr::new(203, 0, 113, 0), 24),
        (Ipv4Addr::new(224, 0, 0, 0), 4),
        (Ipv4Addr::new(240, 0, 0, 0), 4),
    ];
    let is_in =
        |(network, bits): (Ipv4Addr, u32)| (address.to_bits() ^ network.to_bits()) >> (32 - bits) == 0;
    !SPECIAL.into_iter().any(is_in)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let [a, b, c, d, e, f, g, h] = address.segments();
    // NAT64 (RFC 6052): the last 32 bits are an address of IPv4.
    if [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return is_public_v4(Ipv4Addr::from_bits(u32::from(g) << 16 | u32::from(h)));
    }
    match a {
        // Teredo, benchmarks, ORCHID and the like; documentation.
        0x2001 => b >= 0x200 && b != 0xdb8,
        // 6to4 leads to any address of IPv4.
        0x2002 => false,
        // Documentation.
        0x3fff => b >= 0x1000,
        // Global unicast is all of 2000::/3, and nothing else.
        _ => a & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::PushHosts;

    #[test]
    fn only_addresses_of_the_internet_are_anybodys() {
        for (address, expected) in [
            ("142.250.74.106", true),
            ("1.1.1.1", true),
            ("172.32.0.1", true),
            ("100.128.0.1", true),
            ("2a00:1450:4001:80b::200a", true),
            ("2001:4860:4860::8888", true),
            ("64:ff9b::8.8.8.8", true),
            ("::ffff:8.8.8.8", true),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("100.64.0.1", false),
            ("127.0.0.1", false),
            ("127.8.8.8", false),
            ("169.254.169.254", false),
            ("172.31.255.255", false),
            ("192.168.1.1", false),
            ("198.19.0.1", false),
            ("203.0.113.9", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("::127.0.0.1", false),
            ("64:ff9b::10.0.0.1", false),
            ("64:ff9b:1::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::1", false),
            ("3fff:fff::1", false),
            ("fc00::1", false),
            ("fd12:3456::1", false),
            ("fe80::1", false),
            ("ff02::1", false),
            ("100::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn an_endpoint_is_https_and_of_a_name_that_is_spoken_to() {
        let settings = PushSettings { hosts: PushHosts::Any, ..PushSettings::default() };
        let good = Target::of("https://Push.example/a/b?c=d#e", &settings).unwrap();
        assert!(good.is_tls);
        let parts = [good.host, good.authority, good.path, good.origin];
        assert_eq!(parts, ["push.example", "push.example", "/a/b?c=d", "https://push.example"]);
        for bad in [
            "",
            "push.example/x",
            "http://push.example/x",
            "ftp://push.example/x",
            "file:///etc/passwd",
            "https://push.example:8443/x",
            "https://push.example:80/x",
            "https://user@push.example/x",
            "https://user:word@push.example/x",
            "https://127.0.0.1/x",
            "https://2130706433/x",
            "https://0x7f.1/x",
            "https://8.8.8.8/x",
            "https://[::1]/x",
            "https://[2a00:1450::1]/x",
            "https://",
        ] {
            assert!(Target::of(bad, &settings).is_none(), "{bad}");
        }
        let long = format!("https://push.example/{}", "x".repeat(PUSH_ENDPOINT_MAX_BYTES));
        assert!(Target::of(&long, &settings).is_none());
        let usual = PushSettings::default();
        assert!(Target::of("https://push.example/x", &usual).is_none());
        assert!(Target::of("https://fcm.googleapis.com/fcm/send/x", &usual).is_some());
        let own = PushSettings { hosts: "push.example:8443".parse().unwrap(), ..PushSettings::default() };
        let target = Target::of("https://push.example:8443/x", &own).unwrap();
        assert_eq!((target.port, target.authority.as_str()), (8443, "push.example:8443"));
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_leads_nowhere() {
        let settings = PushSettings { hosts: PushHosts::Any, ..PushSettings::default() };
        let target = Target::of("https://localhost/x", &settings).unwrap();
        assert_eq!(target.addresses(&settings, ()).await.unwrap(), []);
        let private = PushSettings { reaches_private: true, ..settings };
        assert!(!target.addresses(&private, ()).await.unwrap().is_empty());
    }
}
