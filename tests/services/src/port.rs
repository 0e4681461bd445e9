//! Ports that stay ours while nobody listens on them.
//!
//! A server that is killed and started again wants its port back. One that the system chose (port 0) would be given to somebody
//! else meanwhile now and then, for other tests ask the system for ports all the time. So these lie where it gives none out.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// Below what Linux (from 32768 on) and macOS (from 49152 on) give out, above what services are known by.
const PORTS: std::ops::Range<u16> = 12_000..30_000;
const TRIES: usize = 100;

/// A port of 127.0.0.1 that is free, and that the system gives to nobody.
///
/// # Errors
/// What the system said of the last port that was tried.
pub fn lasting_port() -> io::Result<u16> {
    let mut refused = None;
    for _ in 0..TRIES {
        let chance = RandomState::new().build_hasher().finish() % u64::from(PORTS.end - PORTS.start);
        let port = PORTS.start + u16::try_from(chance).unwrap_or_default();
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => return Ok(port),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_free_and_out_of_the_systems_way() {
        let port = lasting_port().unwrap();
        assert!(PORTS.contains(&port));
        let _ours = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let given = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        assert!(!PORTS.contains(&given), "the system gives out {given}");
    }
}
