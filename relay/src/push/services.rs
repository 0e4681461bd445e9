//! What is known of push services, and what each may hold: a share by site, because a client can invent as many names below
//! one as they like, and a rest for names that lead nowhere.

use super::settings::PushSettings;
use super::target::Target;
use crate::lock::lock;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Messages under way, those that wait for another try included (about 3 KiB each), all in all and to one site.
const UNDER_WAY_MAX: usize = 4096;
const UNDER_WAY_TO_ONE_MAX: usize = 512;
/// Messages that are being posted, all in all and to one site: one that is slow keeps no other waiting.
const POSTING_MAX: usize = 128;
const POSTING_TO_ONE_MAX: usize = 16;
/// Names that are being looked up, all in all and of one site.
const LOOKUPS_MAX: usize = 32;
const LOOKUPS_OF_ONE_MAX: usize = 4;
/// Services and sites that are remembered.
const REMEMBERED_MAX: usize = 4096;
/// How long a name that leads nowhere is not asked for again: first, and at most.
const REST: Duration = Duration::from_secs(30);
const REST_MAX: Duration = Duration::from_secs(60 * 60);

/// All of them.
pub(super) struct Services {
    settings: PushSettings,
    hosts: Mutex<HashMap<String, Host>>,
    sites: Mutex<HashMap<String, Arc<Share>>>,
    all: Share,
    /// Of that, what there is for services that have never answered: the others find the rest free.
    unproven: Share,
}

/// What may be under way, posted and looked up at one time.
pub(super) struct Share {
    under_way: Arc<Semaphore>,
    posting: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
}

/// Taken for as long as this is there.
pub(super) struct Held(#[allow(dead_code, reason = "nothing reads it")] Vec<OwnedSemaphorePermit>);

#[derive(Default, Clone, Copy)]
struct Host {
    has_answered: bool,
    /// In a row.
    failures: u32,
    rests_until: Option<Instant>,
}

impl Share {
    fn new(under_way: usize, posting: usize, lookups: usize) -> Self {
        let [under_way, posting, lookups] =
            [under_way, posting, lookups].map(|count| Arc::new(Semaphore::new(count)));
        Self { under_way, posting, lookups }
    }

    fn to_one() -> Self {
        Self::new(UNDER_WAY_TO_ONE_MAX, POSTING_TO_ONE_MAX, LOOKUPS_OF_ONE_MAX)
    }
}

impl Services {
    pub(super) fn new(settings: PushSettings) -> Self {
        Self {
            settings,
            hosts: Mutex::default(),
            sites: Mutex::default(),
            all: Share::new(UNDER_WAY_MAX, POSTING_MAX, LOOKUPS_MAX),
            unproven: Share::new(UNDER_WAY_MAX / 2, POSTING_MAX / 2, LOOKUPS_MAX / 2),
        }
    }

    /// A place for a message, for as long as it is tried.
    pub(super) async fn place(&self, target: &Target) -> Option<Held> {
        self.hold(target, |share| &share.under_way).await
    }

    /// A turn to post.
    pub(super) async fn turn(&self, target: &Target) -> Option<Held> {
        self.hold(target, |share| &share.posting).await
    }

    /// A turn to look a name up.
    pub(super) async fn lookup(&self, target: &Target) -> Option<Held> {
        self.hold(target, |share| &share.lookups).await
    }

    /// First what is the site's own, so that one that has used up its share takes nothing from others while it waits.
    async fn hold(&self, target: &Target, of: impl Fn(&Share) -> &Arc<Semaphore>) -> Option<Held> {
        let site = self.site(target);
        let unproven = (!self.has_answered(target)).then_some(&self.unproven);
        let mut held = Vec::new();
        for share in [Some(&*site), unproven, Some(&self.all)].into_iter().flatten() {
            // They are never closed: there is always an answer.
            held.push(Arc::clone(of(share)).acquire_owned().await.ok()?);
        }
        Some(Held(held))
    }

    /// Whether the name has led nowhere lately.
    pub(super) fn rests(&self, target: &Target) -> bool {
        let until = lock(&self.hosts).get(&target.origin).and_then(|host| host.rests_until);
        until.is_some_and(|until| Instant::now() < until)
    }

    /// Whether it is a service at all: it has answered, or the operator has named just this one.
    pub(super) fn has_answered(&self, target: &Target) -> bool {
        self.settings.hosts.name_just(&target.host, target.port)
            || lock(&self.hosts).get(&target.origin).is_some_and(|host| host.has_answered)
    }

    /// It has answered, whatever it said.
    pub(super) fn note_answer(&self, target: &Target) {
        self.change(target, |host| *host = Host { has_answered: true, ..Host::default() });
    }

    /// It has said nothing, or could not be connected to.
    pub(super) fn note_silence(&self, target: &Target) {
        self.change(target, |host| host.has_answered = false);
    }

    /// Its name leads nowhere: it rests, each time longer.
    pub(super) fn note_nowhere(&self, target: &Target) {
        self.change(target, |host| {
            let rest = REST.saturating_mul(1 << host.failures.min(8)).min(REST_MAX);
            host.failures = host.failures.saturating_add(1);
            host.rests_until = Some(Instant::now() + rest);
        });
    }

    fn change(&self, target: &Target, change: impl FnOnce(&mut Host)) {
        let mut hosts = lock(&self.hosts);
        if hosts.len() >= REMEMBERED_MAX && !hosts.contains_key(&target.origin) {
            let now = Instant::now();
            hosts.retain(|_, host| host.has_answered || host.rests_until.is_some_and(|until| now < until));
            if hosts.len() >= REMEMBERED_MAX {
                // Those that are forgotten are looked up once more.
                hosts.retain(|_, host| host.has_answered);
            }
            if hosts.len() >= REMEMBERED_MAX {
                hosts.clear();
            }
        }
        change(hosts.entry(target.origin.clone()).or_default());
    }

    fn site(&self, target: &Target) -> Arc<Share> {
        let mut sites = lock(&self.sites);
        let name = site_of(target);
        if sites.len() >= REMEMBERED_MAX && !sites.contains_key(name) {
            let in_use = |share: &Share| {
                let Share { under_way, posting, lookups } = share;
                [under_way, posting, lookups].into_iter().any(|part| Arc::strong_count(part) > 1)
            };
            sites.retain(|_, share| Arc::strong_count(share) > 1 || in_use(share));
        }
        Arc::clone(sites.entry(name.to_owned()).or_insert_with(|| Arc::new(Share::to_one())))
    }
}

/// The domain under which an owner makes names: the last two labels, or all of it where there are no more.
fn site_of(target: &Target) -> &str {
    let host = target.host.trim_end_matches('.');
    if host.parse::<IpAddr>().is_ok() {
        return &target.authority;
    }
    match host.rmatch_indices('.').nth(1) {
        Some((dot, _)) => host.get(dot + 1..).unwrap_or(host),
        None if host.contains('.') => host,
        None => &target.authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::PushHosts;
    use futures_util::FutureExt as _;

    fn services(hosts: &str) -> Services {
        Services::new(PushSettings {
            hosts: hosts.parse().unwrap(),
            reaches_private: true,
            ..PushSettings::default()
        })
    }

    fn target(endpoint: &str) -> Target {
        let settings =
            PushSettings { hosts: PushHosts::Any, reaches_private: true, ..PushSettings::default() };
        Target::of(endpoint, &settings).unwrap()
    }

    #[test]
    fn names_below_one_site_share_what_there_is_for_it() {
        for (endpoint, expected) in [
            ("https://a.b.push.example/x", "push.example"),
            ("https://push.example/x", "push.example"),
            ("https://push.example./x", "push.example"),
            ("https://127.0.0.1:81/x", "127.0.0.1:81"),
            ("https://localhost:82/x", "localhost:82"),
        ] {
            assert_eq!(site_of(&target(endpoint)), expected);
        }
    }

    #[test]
    fn invented_names_leave_turns_to_services_that_answer() {
        let services = services("any");
        let known = target("https://push.example/x");
        services.note_answer(&known);
        let mut held = Vec::new();
        for site in 0..100 {
            for name in 0..40 {
                let invented = target(&format!("https://n{name}.site{site}.example{site}/x"));
                held.extend(services.turn(&invented).now_or_never().flatten());
            }
        }
        assert_eq!(held.len(), POSTING_MAX / 2);
        assert!(services.turn(&known).now_or_never().flatten().is_some());
        held.clear();
        for name in 0..40 {
            let invented = target(&format!("https://n{name}.one.example/x"));
            held.extend(services.turn(&invented).now_or_never().flatten());
        }
        assert_eq!(held.len(), POSTING_TO_ONE_MAX, "one site's share");
        services.note_silence(&known);
        assert!(!services.has_answered(&known));
        let named = self::services("fcm.example,*.push.example");
        assert!(named.has_answered(&target("https://fcm.example/x")));
        assert!(!named.has_answered(&target("https://a.push.example/x")));
    }

    #[test]
    fn a_name_that_leads_nowhere_rests_until_it_answers() {
        let services = services("any");
        let nowhere = target("https://nothing.example/x");
        assert!(!services.rests(&nowhere));
        services.note_nowhere(&nowhere);
        assert!(services.rests(&nowhere) && !services.rests(&target("https://other.example/x")));
        services.note_answer(&nowhere);
        assert!(!services.rests(&nowhere));
        for name in 0..REMEMBERED_MAX * 2 {
            services.note_nowhere(&target(&format!("https://n{name}.example/x")));
        }
        assert!(lock(&services.hosts).len() <= REMEMBERED_MAX);
        assert!(services.has_answered(&nowhere), "who answers is not forgotten for invented ones");
    }
}
