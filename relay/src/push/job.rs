//! Waking one device: a message to its push service, again if need be, as long as it is still to be woken.

use super::GonePush;
use super::keys::{Owner, PushKeys};
use super::post::{Message, Outcome, Poster};
use super::queue::Woken;
use super::seal::seal;
use super::settings::{PushContact, PushSettings};
use super::target::Target;
use super::vapid::Vapid;
use crate::clock::Clock;
use crate::lock::lock;
use crate::store::{AccountStore, ReadStore};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sotto_protocol::{PushSubscription, RoomId, push_payload};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

/// Messages under way, those that wait for another try included (about 2 KiB each).
const UNDER_WAY_MAX: usize = 4096;
/// Messages that are being posted, and those of them to one service: one that is slow keeps no other waiting.
const POSTING_MAX: usize = 128;
const POSTING_TO_ONE_MAX: usize = 16;
/// Services whose count is remembered.
const SERVICES_MAX: usize = 1024;
/// Tries, and what the pause between them grows to.
const TRIES: u32 = 6;
const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);

/// What all jobs share.
pub(super) struct Jobs {
    keys: Arc<PushKeys>,
    vapid: Vapid,
    poster: Poster,
    settings: PushSettings,
    rooms: ReadStore,
    accounts: AccountStore,
    gone: UnboundedSender<GonePush>,
    /// What is under way, and whether something came since the last try began.
    under_way: Mutex<HashMap<(Owner, [u8; 16]), bool>>,
    places: Arc<Semaphore>,
    posting: Semaphore,
    services: Mutex<HashMap<String, Arc<Semaphore>>>,
    clock: Clock,
}

/// One device.
struct Job {
    woken: Woken,
    owner: Owner,
    id: [u8; 16],
    /// As it is stored.
    sealed: Vec<u8>,
    subscription: PushSubscription,
    target: Target,
}

impl Jobs {
    pub(super) fn new(
        keys: Arc<PushKeys>,
        contact: PushContact,
        settings: PushSettings,
        (rooms, accounts): (ReadStore, AccountStore),
        clock: Clock,
    ) -> (Self, UnboundedReceiver<GonePush>) {
        let (gone, receiver) = mpsc::unbounded_channel();
        let jobs = Self {
            vapid: Vapid::new(Arc::clone(&keys), contact),
            keys,
            poster: Poster::new(settings.clone()),
            settings,
            rooms,
            accounts,
            gone,
            under_way: Mutex::default(),
            places: Arc::new(Semaphore::new(UNDER_WAY_MAX)),
            posting: Semaphore::new(POSTING_MAX),
            services: Mutex::default(),
            clock,
        };
        (jobs, receiver)
    }

    /// Begins to wake each device. `false` where the database cannot say whom.
    pub(super) async fn start(self: &Arc<Self>, woken: Woken, tasks: &mut JoinSet<()>) -> bool {
        let Some(stored) = self.stored(woken).await else { return false };
        let mut endpoints = HashSet::new();
        for (owner, sealed) in stored {
            let Some(job) = self.job(woken, owner, sealed) else { continue };
            // One endpoint is woken once, however many subscriptions of the room lead to it.
            if !endpoints.insert(job.subscription.endpoint.clone()) || self.joins_one_under_way(&job) {
                continue;
            }
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                tracing::warn!("more wake-ups are under way than can be kept: some devices are not woken");
                lock(&self.under_way).remove(&(job.owner, job.id));
                return true;
            };
            let jobs = Arc::clone(self);
            tasks.spawn(async move { jobs.run(&job, place).await });
        }
        true
    }

    async fn stored(&self, woken: Woken) -> Option<Vec<(Owner, Vec<u8>)>> {
        let today = self.clock.latest_day();
        match woken {
            Woken::Room(row, _) => match self.rooms.pushes(row, today).await {
                Ok(pushes) => Some(pushes.into_iter().map(|sealed| (Owner::Room(row), sealed)).collect()),
                Err(error) => {
                    tracing::warn!(%error, "push subscriptions cannot be read");
                    None
                }
            },
            Woken::Account(account) => match self.accounts.pushes(account, today).await {
                Ok(pushes) => {
                    Some(pushes.into_iter().map(|push| (Owner::Session(push.session), push.sealed)).collect())
                }
                Err(fault) => {
                    tracing::warn!(%fault, "push subscriptions cannot be read");
                    None
                }
            },
        }
    }

    fn job(&self, woken: Woken, owner: Owner, sealed: Vec<u8>) -> Option<Job> {
        let subscription = self.keys.open(owner, &sealed)?;
        // The operator may have changed where the relay posts.
        let target = Target::of(&subscription.endpoint, &self.settings)?;
        let id = self.keys.id(owner, &subscription.tag);
        Some(Job { woken, owner, id, sealed, subscription, target })
    }

    fn joins_one_under_way(&self, job: &Job) -> bool {
        let mut under_way = lock(&self.under_way);
        match under_way.get_mut(&(job.owner, job.id)) {
            Some(is_again) => {
                *is_again = true;
                true
            }
            None => {
                under_way.insert((job.owner, job.id), false);
                false
            }
        }
    }

    async fn run(&self, job: &Job, place: OwnedSemaphorePermit) {
        while self.deliver(job).await {
            // Something came while the message was on its way.
            tokio::time::sleep(self.settings.every).await;
        }
        drop(place);
    }

    /// Tries until it is done. Whether there is something to wake for again.
    async fn deliver(&self, job: &Job) -> bool {
        let key = (job.owner, job.id);
        for attempt in 0..TRIES {
            let outcome = {
                let service = self.service(&job.target.origin);
                let (Ok(_one), Ok(_all)) = (service.acquire().await, self.posting.acquire().await) else {
                    break;
                };
                if !self.is_still_wanted(job).await {
                    break;
                }
                lock(&self.under_way).insert(key, false);
                let Some(message) = self.message(job) else { break };
                self.poster.post(&job.target, &message).await
            };
            match outcome {
                Outcome::Taken => {
                    let mut under_way = lock(&self.under_way);
                    let is_again = under_way.get(&key).copied().unwrap_or(false);
                    if !is_again {
                        under_way.remove(&key);
                    }
                    return is_again;
                }
                Outcome::Gone => {
                    self.forget(job).await;
                    break;
                }
                Outcome::Refused => {
                    tracing::debug!("a push service refuses a message");
                    break;
                }
                Outcome::Later(after) => {
                    let pause = self.settings.retry_after.saturating_mul(1 << attempt).min(PAUSE_MAX);
                    tokio::time::sleep(after.unwrap_or(pause).max(pause)).await;
                }
            }
        }
        lock(&self.under_way).remove(&key);
        false
    }

    fn message(&self, job: &Job) -> Option<Message> {
        let PushSubscription { p256dh, auth, tag, .. } = &job.subscription;
        Some(Message {
            authorization: self.vapid.authorization(&job.target.origin)?,
            topic: URL_SAFE_NO_PAD.encode(self.keys.topic(job.owner, tag)),
            body: seal(p256dh, auth, &push_payload(tag))?,
        })
    }

    /// Whether the subscription is still as it was: it may have ended, with the epoch or the session that it was made in.
    async fn is_still_wanted(&self, job: &Job) -> bool {
        match job.woken {
            Woken::Room(row, _) => self.rooms.has_push(row, &job.id, &job.sealed).await.unwrap_or(false),
            Woken::Account(_) => {
                let Owner::Session(session) = job.owner else { return false };
                self.accounts.has_push(session, &job.sealed).await.unwrap_or(false)
            }
        }
    }

    async fn forget(&self, job: &Job) {
        match (job.woken, job.owner) {
            (Woken::Room(row, room), _) => {
                let room = (RoomId::new(room), row);
                // Nobody listens when the relay stops.
                let _ = self.gone.send(GonePush { room, id: job.id, sealed: job.sealed.clone() });
            }
            (Woken::Account(_), Owner::Session(session)) => {
                if let Err(fault) = self.accounts.forget_push(session, &job.sealed).await {
                    tracing::warn!(%fault, "a push subscription that is gone cannot be removed");
                }
            }
            (Woken::Account(_), Owner::Room(_)) => {}
        }
    }

    fn service(&self, origin: &str) -> Arc<Semaphore> {
        let mut services = lock(&self.services);
        if services.len() >= SERVICES_MAX && !services.contains_key(origin) {
            services.retain(|_, service| Arc::strong_count(service) > 1);
        }
        let service = services.entry(origin.to_owned());
        Arc::clone(service.or_insert_with(|| Arc::new(Semaphore::new(POSTING_TO_ONE_MAX))))
    }
}
