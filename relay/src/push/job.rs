//! Waking one device: a message to its push service, again if need be, as long as it is still to be woken.

use super::GonePush;
use super::keys::{Owner, PushKeys};
use super::post::{Message, Outcome, Poster};
use super::queue::Woken;
use super::seal::seal;
use super::services::Services;
use super::settings::{PushContact, PushSettings};
use super::target::Target;
use super::vapid::Vapid;
use crate::clock::Clock;
use crate::lock::lock;
use crate::store::{AccountStore, ReadStore};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{StreamExt as _, stream};
use sotto_protocol::{PushSubscription, RoomId, push_payload};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

/// Devices that are being woken or wait for it (about 3 KiB each).
const WAITING_MAX: usize = 16 * 1024;
/// Once half of that is taken, one room or account gets so many of the rest.
const WAITING_OF_ONE_MAX: usize = 64;
/// Devices of one room that are woken at one time; the others follow.
const AT_ONCE_OF_ONE: usize = 128;
/// Tries, and what the pause between them grows to.
const TRIES: u32 = 6;
const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);

/// What all jobs share.
pub(super) struct Jobs {
    keys: Arc<PushKeys>,
    vapid: Vapid,
    poster: Poster,
    settings: PushSettings,
    services: Arc<Services>,
    rooms: ReadStore,
    accounts: AccountStore,
    gone: UnboundedSender<GonePush>,
    /// What is under way, and whether something came since the last try began.
    under_way: Mutex<HashMap<(Owner, [u8; 16]), bool>>,
    waiting: Arc<Semaphore>,
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
        let services = Arc::new(Services::new(settings.clone()));
        let jobs = Self {
            vapid: Vapid::new(Arc::clone(&keys), contact),
            keys,
            poster: Poster::new(settings.clone(), Arc::clone(&services)),
            services,
            settings,
            rooms,
            accounts,
            gone,
            under_way: Mutex::default(),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            clock,
        };
        (jobs, receiver)
    }

    /// Begins to wake each device. `false` where the database cannot say whom.
    pub(super) async fn start(self: &Arc<Self>, woken: Woken, tasks: &mut JoinSet<()>) -> bool {
        let Some(stored) = self.stored(woken).await else { return false };
        let is_scarce = self.waiting.available_permits() < WAITING_MAX / 2;
        let most = if is_scarce { WAITING_OF_ONE_MAX } else { usize::MAX };
        let mut endpoints = HashSet::new();
        let mut begun = Vec::new();
        for (owner, sealed) in stored {
            let Some(job) = self.job(woken, owner, sealed) else { continue };
            // One endpoint is woken once, however many subscriptions of the room lead to it.
            if self.services.rests(&job.target)
                || !endpoints.insert(job.subscription.endpoint.clone())
                || self.joins_one_under_way(&job)
            {
                continue;
            }
            let place = Arc::clone(&self.waiting).try_acquire_owned().ok().filter(|_| begun.len() < most);
            let Some(place) = place else {
                tracing::warn!("more wake-ups are under way than can be kept: some devices are not woken");
                lock(&self.under_way).remove(&(job.owner, job.id));
                break;
            };
            begun.push((job, place));
        }
        let jobs = Arc::clone(self);
        // Of one room no more at once than a share, so that it keeps no other waiting.
        tasks.spawn(async move {
            stream::iter(begun)
                .for_each_concurrent(AT_ONCE_OF_ONE, async |(job, place)| jobs.run(&job, place).await)
                .await;
        });
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

    async fn run(&self, job: &Job, waiting: OwnedSemaphorePermit) {
        while self.deliver(job).await {
            // Something came while the message was on its way.
            tokio::time::sleep(self.settings.every).await;
        }
        drop(waiting);
    }

    /// Tries until it is done. Whether there is something to wake for again.
    async fn deliver(&self, job: &Job) -> bool {
        let key = (job.owner, job.id);
        // The name may have turned out to lead nowhere while this one waited.
        let tries = if self.services.rests(&job.target) { 0 } else { TRIES };
        let _place = if tries > 0 { self.services.place(&job.target).await } else { None };
        for attempt in 0..tries {
            let outcome = {
                let Some(_turn) = self.services.turn(&job.target).await else { break };
                if self.services.rests(&job.target) || !self.is_still_wanted(job).await {
                    break;
                }
                lock(&self.under_way).insert(key, false);
                let Some(message) = self.message(job) else { break };
                self.poster.post(&job.target, &message).await
            };
            // Of a service that works a name may be lost for a while; of any other, there is nothing to wait for.
            let is_lost = outcome == Outcome::Nowhere && !self.services.has_answered(&job.target);
            match outcome {
                Outcome::Nowhere if is_lost => self.services.note_nowhere(&job.target),
                Outcome::Nowhere => {}
                Outcome::Silent => self.services.note_silence(&job.target),
                _ => self.services.note_answer(&job.target),
            }
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
                Outcome::Nowhere if is_lost => break,
                Outcome::Nowhere | Outcome::Silent | Outcome::Later(_) => {
                    let after = if let Outcome::Later(after) = outcome { after } else { None };
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
}
