//! Web push: wakes devices that are not connected, and tells them and the push service no more than that.
//!
//! ```text
//! Rooms, Accounts ──wake──> queue ──> store: who? ──> job: seal, vapid, post ──> push service
//! settings  what an operator can choose
//! services  what is known of push services, and what each may hold
//! target    where an endpoint leads, and whether the relay goes there
//! keys      what lies in the file of secrets; subscriptions sealed for the database
//! ```
//!
//! # Invariants
//!
//! - Whoever wakes never waits: what is due is a mark in a map, and everything else happens in tasks of its own.
//! - Nobody's subscriptions keep those of others waiting: rooms and push services have shares, and names that lead nowhere rest.
//! - A subscription is looked up again before each try: one that was dropped meanwhile is woken no more.
//! - Endpoints, keys and tags are in memory only while a message is under way, and never in the log.

mod job;
mod keys;
mod post;
mod queue;
mod seal;
mod services;
mod settings;
mod target;
mod vapid;

pub(crate) use keys::{Owner, PUSH_KEYS_BYTES, PushKeys};
pub(crate) use queue::Woken;
pub use settings::{PushContact, PushHost, PushHosts, PushSettings};

use crate::clock::Clock;
use crate::limit::{Attempts, Rate};
use crate::store::{AccountStore, NewPush, ReadStore};
use job::Jobs;
use queue::Queue;
use sotto_protocol::PushSubscription;
use sotto_protocol::limits::{PUSH_DAYS, PUSH_KEY_BYTES};
use std::sync::Arc;
use std::time::Duration;
use target::Target;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

/// What one connection may subscribe: as many rooms as it may have open, and then one in so many seconds.
const SUBSCRIBING: Rate = Rate { burst: 1000, every_s: 10.0 };

/// A room's subscription that its push service does not know any more.
#[derive(Debug)]
pub(crate) struct GonePush {
    /// Which room, and the relay's number of it.
    pub room: (sotto_protocol::RoomId, i64),
    /// What the subscription is called there.
    pub id: [u8; 16],
    /// As it was stored.
    pub sealed: Vec<u8>,
}

/// Why a subscription is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPush {
    /// The relay does not post there.
    Endpoint,
    /// The key is no point of the curve.
    Key,
    /// The relay has no randomness.
    Fault,
}

/// Wakes devices, where the operator wants it.
#[derive(Clone)]
pub(crate) struct Push {
    keys: Arc<PushKeys>,
    settings: Arc<PushSettings>,
    queue: Arc<Queue>,
    subscribing: Arc<Attempts<u64>>,
    clock: Clock,
}

/// The task that sends; it ends, with everything under way, when this is dropped.
pub(crate) struct Pushing(JoinHandle<()>);

impl Drop for Pushing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Push {
    /// Starts sending; nothing where the operator has named no contact. Subscriptions that push services do not know any more
    /// come out of the receiver.
    pub(crate) fn start(
        keys: Arc<PushKeys>,
        settings: PushSettings,
        stores: (ReadStore, AccountStore),
        clock: Clock,
    ) -> Option<(Self, Pushing, UnboundedReceiver<GonePush>)> {
        let contact = settings.contact.clone()?;
        let queue = Arc::new(Queue::new(settings.every));
        let (jobs, gone) = Jobs::new(Arc::clone(&keys), contact, settings.clone(), stores, clock.clone());
        let task = tokio::spawn(Arc::clone(&queue).run(Arc::new(jobs)));
        let subscribing = Arc::new(Attempts::new(SUBSCRIBING));
        Some((Self { keys, settings: Arc::new(settings), queue, subscribing, clock }, Pushing(task), gone))
    }

    /// By which push services know the relay.
    pub(crate) fn public_key(&self) -> &[u8; PUSH_KEY_BYTES] {
        self.keys.public()
    }

    /// Wakes whoever is to be woken: soon, and once for all that comes meanwhile.
    pub(crate) fn wake(&self, woken: Woken) {
        self.queue.wake(woken);
    }

    /// Counts a subscription made on a connection, or says how long to wait.
    pub(crate) fn count(&self, connection: u64) -> Result<(), Duration> {
        self.subscribing.take(connection)
    }

    /// What a subscription of that tag is called in its place.
    pub(crate) fn id(&self, owner: Owner, tag: &[u8; 16]) -> [u8; 16] {
        self.keys.id(owner, tag)
    }

    /// A subscription as it is kept, if the relay can wake anybody by it.
    pub(crate) fn take(&self, owner: Owner, subscription: &PushSubscription) -> Result<NewPush, NoPush> {
        Target::of(&subscription.endpoint, &self.settings).ok_or(NoPush::Endpoint)?;
        if !seal::is_key(&subscription.p256dh) {
            return Err(NoPush::Key);
        }
        let sealed = self.keys.seal(owner, subscription).ok_or(NoPush::Fault)?;
        let until_day = self.clock.earliest_day().saturating_add(PUSH_DAYS);
        Ok(NewPush { id: self.keys.id(owner, &subscription.tag), until_day, sealed })
    }
}
