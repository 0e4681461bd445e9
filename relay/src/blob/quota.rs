//! How much one address may upload, and how much of what is free it may take, alone and with its network. In memory only, and
//! forgotten when there is nothing left to count.

use super::settings::BlobRates;
use crate::lock::lock;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// More than that are not remembered.
const ADDRESSES_MAX: usize = 100_000;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// By then an upload has ended, one way or the other.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(2 * 24 * 60 * 60);
/// In which requests fill up again.
const REQUESTS_IN: Duration = Duration::from_secs(10);

/// All addresses.
#[derive(Debug)]
pub(super) struct Quota {
    rates: BlobRates,
    known: Mutex<HashMap<IpAddr, Address>>,
    /// What networks have uploaded.
    networks: Mutex<HashMap<IpAddr, Lately>>,
}

/// Fills up again to its size in a certain time.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
    size: f64,
    fills_in: Duration,
}

/// What was uploaded in a day that began with the first of it.
#[derive(Debug, Clone, Copy)]
struct Lately {
    bytes: u64,
    since: Instant,
}

#[derive(Debug)]
struct Address {
    requests: Bucket,
    uploads: Bucket,
    bytes: Bucket,
    lately: Lately,
    segments: u32,
    downloads: u32,
    /// Uploads begun here that may be unfinished, by their ids' hashes, and when they were begun.
    unfinished: HashMap<[u8; 32], Instant>,
}

/// Why an upload may not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotNow {
    /// Later.
    Wait(Duration),
    /// As long as these are unfinished.
    Unfinished(Vec<[u8; 32]>),
    /// Until more is free, or the day is over.
    Share,
}

/// What is counted while it lasts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Transfer {
    /// A part of an upload.
    Segment,
    /// A download.
    Download,
}

/// A transfer under way.
#[derive(Debug)]
pub(super) struct UnderWay {
    quota: Arc<Quota>,
    address: IpAddr,
    transfer: Transfer,
}

impl Quota {
    pub(super) fn new(rates: BlobRates) -> Self {
        Self { rates, known: Mutex::default(), networks: Mutex::default() }
    }

    /// Counts a request, or says how long to wait with it.
    pub(super) fn count_request(&self, address: IpAddr) -> Result<(), Duration> {
        self.with(address, |known, now| known.requests.take(1.0, now))
    }

    /// Counts an upload that begins, where so much is free of the place for all of them.
    pub(super) fn begin(
        &self,
        address: IpAddr,
        id_hash: [u8; 32],
        (length, free): (u64, u64),
    ) -> Result<(), NotNow> {
        let max = self.rates.unfinished as usize;
        // For an address; a network has twice as much.
        let share = self.rates.free_parts.map(|parts| free / u64::from(parts.max(1)));
        let in_network = self.with_network(address, |network, now| network.bytes(now));
        let begun = self.with(address, |known, now| {
            if known.unfinished.len() >= max && !known.unfinished.contains_key(&id_hash) {
                return Err(NotNow::Unfinished(known.unfinished.keys().copied().collect()));
            }
            let is_past = |before: u64, share: u64| before.saturating_add(length) > share;
            let lately = known.lately.bytes(now);
            if share
                .is_some_and(|share| is_past(lately, share) || is_past(in_network, share.saturating_mul(2)))
            {
                return Err(NotNow::Share);
            }
            known
                .uploads
                .check(1.0, now)
                .and_then(|()| known.bytes.take(length as f64, now))
                .map_err(NotNow::Wait)?;
            known.uploads.take(1.0, now).map_err(NotNow::Wait)?;
            known.unfinished.insert(id_hash, now);
            known.lately.add(length, now);
            Ok(())
        });
        if begun.is_ok() {
            self.with_network(address, |network, now| network.add(length, now));
        }
        begun
    }

    /// It did not begin after all: it does not count for the day.
    pub(super) fn give_back(&self, address: IpAddr, length: u64) {
        self.with(address, |known, now| {
            known.uploads.give_back(1.0, now);
            known.bytes.give_back(length as f64, now);
            known.lately.take_back(length);
        });
        self.with_network(address, |network, _| network.take_back(length));
    }

    /// An upload is whole or gone, wherever it was begun.
    pub(super) fn end(&self, address: IpAddr, id_hash: &[u8; 32]) {
        if let Some(known) = lock(&self.known).get_mut(&address) {
            known.unfinished.remove(id_hash);
        }
    }

    /// Counts a transfer for as long as it is under way; none if there are too many.
    pub(super) fn begin_transfer(self: &Arc<Self>, address: IpAddr, transfer: Transfer) -> Option<UnderWay> {
        let max = match transfer {
            Transfer::Segment => self.rates.segments,
            Transfer::Download => self.rates.downloads,
        };
        self.with(address, |known, _| {
            let count = known.count_of(transfer);
            *count = count.checked_add(1).filter(|count| *count <= max)?;
            Some(UnderWay { quota: Arc::clone(self), address, transfer })
        })
    }

    /// Forgets whom there is nothing left to count of.
    pub(super) fn forget(&self) {
        let now = Instant::now();
        forget(&mut lock(&self.known), now);
        lock(&self.networks).retain(|_, network| network.bytes(now) > 0);
    }

    fn with_network<T>(&self, address: IpAddr, work: impl FnOnce(&mut Lately, Instant) -> T) -> T {
        let (now, network) = (Instant::now(), network_of(address));
        let mut known = lock(&self.networks);
        if known.len() >= ADDRESSES_MAX && !known.contains_key(&network) {
            known.retain(|_, network| network.bytes(now) > 0);
            if known.len() >= ADDRESSES_MAX {
                known.clear();
            }
        }
        work(known.entry(network).or_insert(Lately { bytes: 0, since: now }), now)
    }

    fn with<T>(&self, address: IpAddr, work: impl FnOnce(&mut Address, Instant) -> T) -> T {
        let now = Instant::now();
        let mut known = lock(&self.known);
        if known.len() >= ADDRESSES_MAX && !known.contains_key(&address) {
            forget(&mut known, now);
            if known.len() >= ADDRESSES_MAX {
                tracing::warn!(
                    "more addresses than can be remembered: those that have little here begin anew"
                );
                forget_half(&mut known, now);
            }
        }
        work(known.entry(address).or_insert_with(|| Address::new(self.rates, now)), now)
    }
}

impl Address {
    fn new(rates: BlobRates, now: Instant) -> Self {
        Self {
            requests: Bucket::full(f64::from(rates.requests), REQUESTS_IN, now),
            uploads: Bucket::full(f64::from(rates.uploads_per_day), DAY, now),
            bytes: Bucket::full(rates.bytes_per_day as f64, DAY, now),
            lately: Lately { bytes: 0, since: now },
            segments: 0,
            downloads: 0,
            unfinished: HashMap::new(),
        }
    }

    fn count_of(&mut self, transfer: Transfer) -> &mut u32 {
        match transfer {
            Transfer::Segment => &mut self.segments,
            Transfer::Download => &mut self.downloads,
        }
    }

    fn is_busy(&self) -> bool {
        self.segments > 0 || self.downloads > 0
    }

    /// The part that is used up of what is used up most.
    fn used(&self, now: Instant) -> f64 {
        let buckets = [&self.requests, &self.uploads, &self.bytes];
        buckets.iter().map(|bucket| 1.0 - bucket.level(now) / bucket.size.max(1.0)).fold(0.0, f64::max)
    }

    fn is_as_new(&self, now: Instant) -> bool {
        let buckets = [&self.requests, &self.uploads, &self.bytes];
        !self.is_busy()
            && self.unfinished.is_empty()
            && self.lately.bytes(now) == 0
            && buckets.iter().all(|bucket| bucket.level(now) >= bucket.size)
    }
}

impl Lately {
    fn bytes(&self, now: Instant) -> u64 {
        if now.saturating_duration_since(self.since) < DAY { self.bytes } else { 0 }
    }

    fn add(&mut self, length: u64, now: Instant) {
        let before = self.bytes(now);
        if before == 0 {
            self.since = now;
        }
        self.bytes = before.saturating_add(length);
    }

    fn take_back(&mut self, length: u64) {
        self.bytes = self.bytes.saturating_sub(length);
    }
}

impl Bucket {
    fn full(size: f64, fills_in: Duration, now: Instant) -> Self {
        Self { left: size, at: now, size, fills_in }
    }

    fn take(&mut self, amount: f64, now: Instant) -> Result<(), Duration> {
        self.check(amount, now)?;
        (self.left, self.at) = (self.level(now) - amount, now);
        Ok(())
    }

    fn check(&self, amount: f64, now: Instant) -> Result<(), Duration> {
        let missing = amount - self.level(now);
        if missing <= 0.0 {
            return Ok(());
        }
        let part = missing / self.size.max(1.0);
        Err(Duration::try_from_secs_f64(part * self.fills_in.as_secs_f64()).unwrap_or(DAY))
    }

    fn give_back(&mut self, amount: f64, now: Instant) {
        (self.left, self.at) = ((self.level(now) + amount).min(self.size), now);
    }

    fn level(&self, now: Instant) -> f64 {
        let part = now.saturating_duration_since(self.at).as_secs_f64() / self.fills_in.as_secs_f64();
        (self.left + part * self.size).min(self.size)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(known) = lock(&self.quota.known).get_mut(&self.address) {
            let count = known.count_of(self.transfer);
            *count = count.saturating_sub(1);
        }
    }
}

/// A network in which one client may have many addresses.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            IpAddr::from([a, b, c, 0])
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            IpAddr::from([a, b, c, 0, 0, 0, 0, 0])
        }
    }
}

fn forget(known: &mut HashMap<IpAddr, Address>, now: Instant) {
    known.retain(|_, address| {
        address.unfinished.retain(|_, begun| now.saturating_duration_since(*begun) < GIVEN_UP_AFTER);
        !address.is_as_new(now)
    });
}

/// The half that has used up less. An address with an upload in progress is not forgotten.
fn forget_half(known: &mut HashMap<IpAddr, Address>, now: Instant) {
    let mut used: Vec<f64> = known.values().map(|address| address.used(now)).collect();
    let half = used.len() / 2;
    if half == 0 {
        return;
    }
    let (_, median, _) = used.select_nth_unstable_by(half, f64::total_cmp);
    let median = *median;
    let mut to_forget = half;
    known.retain(|_, address| {
        let is_kept = address.is_busy() || address.used(now) > median || to_forget == 0;
        to_forget -= usize::from(!is_kept);
        is_kept
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const FREE: u64 = 1_000_000;

    fn quota() -> Arc<Quota> {
        let rates = BlobRates {
            requests: 2,
            uploads_per_day: 3,
            bytes_per_day: 1000,
            unfinished: 2,
            segments: 1,
            downloads: 1,
            free_parts: None,
        };
        Arc::new(Quota::new(rates))
    }

    #[test]
    fn a_bucket_fills_up_in_its_time() {
        let now = Instant::now();
        let mut bucket = Bucket::full(1000.0, DAY, now);
        assert_eq!(bucket.take(900.0, now), Ok(()));
        assert_eq!(bucket.take(600.0, now), Err(DAY / 2));
        assert_eq!(bucket.take(600.0, now + DAY / 2), Ok(()));
        bucket.give_back(5000.0, now + DAY / 2);
        assert_eq!(bucket.check(1000.0, now + DAY / 2), Ok(()), "no more than its size");
    }

    #[test]
    fn uploads_bytes_and_unfinished_ones_are_counted_apart() {
        let quota = quota();
        assert_eq!(quota.begin(HERE, [1; 32], (400, FREE)), Ok(()));
        assert!(matches!(quota.begin(HERE, [2; 32], (601, FREE)), Err(NotNow::Wait(_))), "bytes");
        assert_eq!(quota.begin(HERE, [2; 32], (100, FREE)), Ok(()));
        assert!(
            matches!(quota.begin(HERE, [3; 32], (1, FREE)), Err(NotNow::Unfinished(all)) if all.len() == 2)
        );
        quota.end(HERE, &[1; 32]);
        assert_eq!(quota.begin(HERE, [3; 32], (500, FREE)), Ok(()));
        quota.end(HERE, &[2; 32]);
        assert!(matches!(quota.begin(HERE, [4; 32], (0, FREE)), Err(NotNow::Wait(_))), "uploads");
        quota.give_back(HERE, 500);
        quota.end(HERE, &[3; 32]);
        assert_eq!(quota.begin(HERE, [4; 32], (500, FREE)), Ok(()), "what did not begin does not count");
    }

    #[test]
    fn no_address_and_no_network_takes_more_than_its_part_of_what_is_free() {
        let rates = BlobRates { free_parts: Some(8), ..BlobRates::new(crate::limit::Strictness::Off) };
        let quota = Arc::new(Quota::new(rates));
        let mut free = 8000;
        let mut upload = |address: [u8; 4], length: u64| {
            let mut id = [0; 32];
            id[..4].copy_from_slice(&address);
            let begun = quota.begin(address.into(), id, (length, free));
            free -= if begun.is_ok() { length } else { 0 };
            begun.is_ok()
        };
        assert!(!upload([192, 0, 2, 1], 1001) && upload([192, 0, 2, 1], 600));
        assert!(!upload([192, 0, 2, 1], 400), "less is free by now");
        assert!(upload([192, 0, 2, 2], 600) && upload([192, 0, 2, 3], 400));
        assert!(!upload([192, 0, 2, 4], 200), "so much for a network");
        assert!(upload([198, 51, 100, 1], 700));
        // However many days one address goes on, there is something left.
        let lately = Lately { bytes: 600, since: Instant::now() };
        assert_eq!((lately.bytes(lately.since), lately.bytes(lately.since + DAY)), (600, 0));
        let [one, other] =
            ["2001:db8:1:2::", "2001:db8:1:3::"].map(|address| network_of(address.parse().unwrap()));
        assert_eq!(one, other);
    }

    #[test]
    fn a_transfer_counts_while_it_is_under_way_and_an_address_while_there_is_something_to_count() {
        let quota = quota();
        for transfer in [Transfer::Segment, Transfer::Download] {
            let first = quota.begin_transfer(HERE, transfer);
            assert!(first.is_some() && quota.begin_transfer(HERE, transfer).is_none());
            quota.forget();
            drop(first);
            assert!(quota.begin_transfer(HERE, transfer).is_some());
        }
        quota.forget();
        assert!(lock(&quota.known).is_empty());
    }
}
