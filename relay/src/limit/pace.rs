//! What one connection may still do: requests, bytes, and its share of what its address may.

use super::address::{Address, Addresses, Deed, Full, Origin, Place};
use super::memory::Pool;
use super::rate::Bucket;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The limits of a connection. Where it comes from is not to be found out from this.
#[derive(Debug)]
pub(crate) struct Pace {
    addresses: Arc<Addresses>,
    address: Arc<Address>,
    /// Counts the connection; nothing reads it.
    _place: Place,
    requests: Bucket,
    bytes: Bucket,
    read_again: Option<Instant>,
}

impl Pace {
    /// A new connection, on the request of `client` by way of `peer`.
    pub(crate) fn begin(addresses: &Arc<Addresses>, peer: IpAddr, client: IpAddr) -> Result<Self, Full> {
        let (address, place) = addresses.begin_socket(peer, client)?;
        let (limits, now) = (addresses.limits(), Instant::now());
        Ok(Self {
            address,
            _place: place,
            requests: Bucket::full(limits.requests, now),
            bytes: Bucket::full(limits.bytes, now),
            read_again: None,
            addresses: Arc::clone(addresses),
        })
    }

    /// Counts a request, or says how long to wait with it.
    pub(crate) fn count_request(&mut self) -> Result<(), Duration> {
        self.requests.take(self.addresses.limits().requests, Instant::now())
    }

    /// Counts what a request does, or says how long to wait with it.
    pub(crate) fn count(&self, deed: Deed) -> Result<(), Duration> {
        self.address.count(deed, self.addresses.limits())
    }

    /// Where the connection comes from, as far as it can be told from other places.
    pub(crate) fn origin(&self) -> Origin {
        Origin(Arc::clone(&self.address))
    }

    /// Memory for answers on this connection.
    pub(crate) fn answers(&self) -> Pool {
        self.addresses.answers_to(&self.address)
    }

    /// Memory for long messages that come on it.
    pub(crate) fn messages(&self) -> Pool {
        self.addresses.messages_of(&self.address)
    }

    /// Counts bytes that were read.
    pub(crate) fn count_bytes(&mut self, bytes: usize, now: Instant) {
        let limits = self.addresses.limits();
        self.bytes.owe(bytes, limits.bytes, now);
        let of_address = self.address.count_bytes(bytes, limits, now);
        let wait = self.bytes.debt(limits.bytes, now).max(of_address);
        self.read_again = wait.map(|wait| now + wait);
    }

    /// When to read again, if not now.
    pub(crate) fn waits_until(&mut self) -> Option<Instant> {
        let again = self.read_again?;
        if again <= Instant::now() {
            self.read_again = None;
        }
        self.read_again
    }
}
