//! What each address has open and may still do. In memory alone, and only as long as there is something to count.

use super::memory::{Memory, Pool};
use super::peer::network;
use super::rate::Bucket;
use super::{Limits, Rate};
use crate::lock::lock;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How often addresses that have nothing left to count are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// More than that are not remembered: then it is done at once.
const ADDRESSES_MAX: usize = 200_000;

/// All of them.
#[derive(Debug)]
pub(crate) struct Addresses {
    limits: Limits,
    trusted: Vec<IpAddr>,
    connections: AtomicU32,
    memory: Memory,
    known: Mutex<HashMap<IpAddr, Arc<Address>>>,
}

/// One. Who holds it does not learn which.
#[derive(Debug)]
pub(crate) struct Address {
    connections: AtomicU32,
    memory: Memory,
    buckets: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    sockets: Bucket,
    rooms: Bucket,
    opens: Bucket,
    cards: Bucket,
    joins: Bucket,
    bytes: Bucket,
    day_bytes: Bucket,
}

/// An address, told from others, and no more: what is fair by address need not know which.
#[derive(Debug, Clone)]
pub(crate) struct Origin(pub(super) Arc<Address>);

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Origin {}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

/// What counts by address, beside connections and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Makes a room.
    Create,
    /// Shows a signature: to open a room, or to change something by a key that the room knows.
    Prove,
    /// Looks behind a door.
    LookUp,
    /// Comes in by a door.
    Join,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The relay has as many connections as it takes.
    Relay,
    /// The address has.
    Address,
    /// The address comes too often.
    TooOften(Duration),
}

/// A connection that is counted for as long as this is there.
#[derive(Debug, Default)]
pub(crate) struct Place {
    relay: Option<Arc<Addresses>>,
    address: Option<Arc<Address>>,
}

impl Addresses {
    /// Nobody yet. What `trusted` proxies connect for is counted by whom they name.
    pub(crate) fn new(limits: Limits, trusted: &[IpAddr]) -> Arc<Self> {
        Arc::new(Self {
            limits,
            trusted: trusted.iter().map(IpAddr::to_canonical).collect(),
            connections: AtomicU32::new(0),
            memory: Memory::for_all(limits.waiting_bytes),
            known: Mutex::default(),
        })
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Memory for answers to that address.
    pub(super) fn answers_to(&self, address: &Address) -> Pool {
        address.memory.answers(&self.memory)
    }

    /// Memory for files that that address reads.
    pub(super) fn downloads_of(&self, address: &Address) -> Pool {
        address.memory.downloads(&self.memory)
    }

    /// Memory for messages of that address.
    pub(super) fn messages_of(&self, address: &Address) -> Pool {
        address.memory.messages(&self.memory)
    }

    /// Proxies that are believed.
    pub(crate) fn trusted(&self) -> &[IpAddr] {
        &self.trusted
    }

    /// A place for a connection by `peer`.
    pub(crate) fn connect(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Full> {
        if !add(&self.connections, self.limits.connections) {
            return Err(Full::Relay);
        }
        let mut place = Place { relay: Some(Arc::clone(self)), address: None };
        if !self.is_trusted(peer) {
            place.address = Some(self.take_place(network(peer.to_canonical()))?);
        }
        Ok(place)
    }

    /// A place for a socket by whom a request comes from. Whoever came straight has had one since it connected.
    pub(crate) fn begin_socket(&self, peer: IpAddr, client: IpAddr) -> Result<(Arc<Address>, Place), Full> {
        let address = self.find(client);
        address.take(|buckets| &mut buckets.sockets, self.limits.sockets).map_err(Full::TooOften)?;
        let is_counted = !self.is_trusted(peer);
        let place =
            Place { relay: None, address: if is_counted { None } else { Some(self.take_place(client)?) } };
        Ok((address, place))
    }

    #[cfg(test)]
    pub(crate) fn origin_of(&self, client: IpAddr) -> Origin {
        Origin(self.find(client))
    }

    /// Forgets now and then whom there is nothing left to count of.
    pub(crate) fn forget_now_and_then(self: &Arc<Self>) {
        let addresses = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut interval = tokio::time::interval(FORGET_EVERY);
            loop {
                interval.tick().await;
                let Some(addresses) = addresses.upgrade() else { return };
                addresses.forget(&mut lock(&addresses.known), Instant::now());
            }
        });
    }

    /// Whether that is a proxy that is believed.
    pub(crate) fn is_trusted(&self, peer: IpAddr) -> bool {
        self.trusted.contains(&peer.to_canonical())
    }

    fn take_place(&self, client: IpAddr) -> Result<Arc<Address>, Full> {
        let address = self.find(client);
        if add(&address.connections, self.limits.connections_by_address) {
            return Ok(address);
        }
        if self.is_trusted(client) {
            tracing::warn!(
                "a proxy has as many connections as an address may have: does it send X-Forwarded-For? Else raise --connections-per-address"
            );
        }
        Err(Full::Address)
    }

    pub(super) fn find(&self, client: IpAddr) -> Arc<Address> {
        let now = Instant::now();
        let mut known = lock(&self.known);
        if known.len() >= ADDRESSES_MAX && !known.contains_key(&client) {
            self.forget(&mut known, now);
            if known.len() >= ADDRESSES_MAX {
                tracing::warn!(
                    "more addresses than can be remembered: limits begin anew for who is not connected"
                );
                known.retain(|_, address| Arc::strong_count(address) > 1);
            }
        }
        let fresh = || {
            let memory = Memory::for_address(self.limits.waiting_bytes);
            Arc::new(Address { connections: AtomicU32::new(0), memory, buckets: self.full(now).into() })
        };
        Arc::clone(known.entry(client).or_insert_with(fresh))
    }

    fn full(&self, now: Instant) -> Buckets {
        let Limits { sockets, rooms, opens, cards, joins, bytes_by_address, day_bytes_by_address, .. } =
            self.limits;
        let full = |rate| Bucket::full(rate, now);
        Buckets {
            sockets: full(sockets),
            rooms: full(rooms),
            opens: full(opens),
            cards: full(cards),
            joins: full(joins),
            bytes: full(bytes_by_address),
            day_bytes: full(day_bytes_by_address),
        }
    }

    fn forget(&self, known: &mut HashMap<IpAddr, Arc<Address>>, now: Instant) {
        let Limits { sockets, rooms, opens, cards, joins, bytes_by_address, day_bytes_by_address, .. } =
            self.limits;
        known.retain(|_, address| {
            let buckets = lock(&address.buckets);
            let is_as_new = buckets.sockets.is_full(sockets, now)
                && buckets.rooms.is_full(rooms, now)
                && buckets.opens.is_full(opens, now)
                && buckets.cards.is_full(cards, now)
                && buckets.joins.is_full(joins, now)
                && buckets.bytes.is_full(bytes_by_address, now)
                && buckets.day_bytes.is_full(day_bytes_by_address, now);
            !is_as_new || Arc::strong_count(address) > 1
        });
    }
}

impl Address {
    /// Counts a deed, or says how long to wait with it.
    pub(super) fn count(&self, deed: Deed, limits: &Limits) -> Result<(), Duration> {
        match deed {
            Deed::Create => self.take(|buckets| &mut buckets.rooms, limits.rooms),
            Deed::Prove => self.take(|buckets| &mut buckets.opens, limits.opens),
            Deed::LookUp => self.take(|buckets| &mut buckets.cards, limits.cards),
            Deed::Join => self.take(|buckets| &mut buckets.joins, limits.joins),
        }
    }

    /// Counts bytes that were taken in, and says how long not to take in more.
    pub(super) fn count_bytes(&self, bytes: usize, limits: &Limits, now: Instant) -> Option<Duration> {
        let mut buckets = lock(&self.buckets);
        buckets.bytes.owe(bytes, limits.bytes_by_address, now);
        buckets.day_bytes.owe(bytes, limits.day_bytes_by_address, now);
        let debt = buckets.bytes.debt(limits.bytes_by_address, now);
        debt.max(buckets.day_bytes.debt(limits.day_bytes_by_address, now))
    }

    fn take(&self, which: impl FnOnce(&mut Buckets) -> &mut Bucket, rate: Rate) -> Result<(), Duration> {
        which(&mut lock(&self.buckets)).take(rate, Instant::now())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(relay) = &self.relay {
            relay.connections.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(address) = &self.address {
            address.connections.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn add(count: &AtomicU32, max: u32) -> bool {
    let more = |count: u32| (count < max).then(|| count + 1);
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::Strictness;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_counted_by_address_and_all_in_all_and_given_back() {
        let limits = Limits { connections: 3, connections_by_address: 2, ..Limits::new(Strictness::Off) };
        let addresses = Addresses::new(limits, &[address("10.0.0.1")]);
        let connect = |text: &str| addresses.connect(address(text));
        let (first, second) = (connect("192.0.2.1").unwrap(), connect("192.0.2.1").unwrap());
        assert_eq!(connect("192.0.2.1").err(), Some(Full::Address));
        let third = connect("2001:db8::1").unwrap();
        assert_eq!(connect("192.0.2.3").err(), Some(Full::Relay), "what was refused is not counted");
        drop(second);
        let again = connect("192.0.2.1").unwrap();
        drop((first, third, again));
        // A proxy has no limit of its own; those for whom it connects have.
        let proxied: Vec<_> = (0..3).map(|_| connect("10.0.0.1").unwrap()).collect();
        let begin = || addresses.begin_socket(address("10.0.0.1"), address("192.0.2.1"));
        let sockets = [begin().unwrap(), begin().unwrap()];
        assert_eq!(begin().err(), Some(Full::Address));
        drop((proxied, sockets));
        assert!(begin().is_ok());
    }

    #[test]
    fn an_address_is_forgotten_when_there_is_nothing_left_to_count() {
        let limits = Limits { rooms: Rate::per_second(2, 1.0), ..Limits::new(Strictness::Off) };
        let addresses = Addresses::new(limits, &[]);
        let known = addresses.find(address("192.0.2.1"));
        assert_eq!(known.count(Deed::Create, &limits), Ok(()));
        let (now, later) = (Instant::now(), Instant::now() + Duration::from_secs(5));
        let count = |at| {
            addresses.forget(&mut lock(&addresses.known), at);
            lock(&addresses.known).len()
        };
        assert_eq!(count(later), 1, "somebody is connected");
        drop(known);
        assert_eq!(count(now), 1, "a room was made");
        assert_eq!(count(later), 0);
    }
}
