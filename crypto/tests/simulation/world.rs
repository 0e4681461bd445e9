//! The world: accounts, their devices, one room at one relay, and what happens to them.

use crate::{
    actions::{Action, Fate, Wish},
    client::{Client, Notes, Stored, Waiting},
    joins::Way,
    people::{Account, Who},
    relay::Relay,
    rules::{Invitation, Leaf, Rules},
};
use proptest::sample::Index;
use sotto_crypto::{
    link::InviteLink,
    message::{MessageId, conversation::Conversation},
    room::{InviteId, Joining, LeaveStatement, Role, Room, Suite},
};
use sotto_protocol::Chain;
use std::collections::BTreeMap;

/// Devices that an account has in the room, at most.
const DEVICES: usize = 3;

/// What somebody said, as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    pub account: usize,
    pub id: MessageId,
    pub text: String,
}

/// A copy of a device's storage in somebody else's hands.
pub struct Copy {
    pub who: Who,
    pub stored: Stored,
    /// The epoch of the copy, and the leaf that the device had.
    pub epoch: u64,
    pub stay: [u8; 16],
}

/// A join that was made and did not arrive.
pub struct Late {
    pub joining: Joining,
    /// The last handshake when it was made.
    pub last_handshake: u64,
}

/// All there is.
pub struct World {
    pub accounts: Vec<Account>,
    pub clients: BTreeMap<Who, Client>,
    pub relay: Relay,
    /// The second opinion on the room, by epoch.
    pub rules: Vec<Rules>,
    /// Every link that was ever made, by number, and whether the invite got into the room.
    pub links: Vec<InviteLink>,
    pub statements: Vec<(LeaveStatement, Who, bool)>,
    /// By place in the log.
    pub said: BTreeMap<u64, Meant>,
    pub copies: Vec<Copy>,
    pub late: Vec<Late>,
    /// The epoch for which what the relay holds was last checked.
    pub audited: u64,
    /// How often what happened.
    pub tally: BTreeMap<&'static str, u32>,
    /// By account, how many of its keys a device knew that was removed.
    known_to_removed: BTreeMap<usize, usize>,
}

impl World {
    /// Somebody has made a room and is there with two devices, as are `here` accounts in all; a third of them are guests.
    pub fn new(suite: Suite, accounts: usize, here: usize, is_shared: bool) -> Self {
        let mut accounts: Vec<_> = (0..accounts).map(|number| Account::new(number % 3 != 2)).collect();
        let device = accounts[0].add_device();
        let who = Who { account: 0, device };
        let generation = accounts[0].generation();
        let room = Room::create(suite, "Garden", &accounts[0].own(device, 0, generation)).unwrap();
        let secrets = room.secrets().unwrap();
        let relay = Relay::create(room.id(), &secrets.access_key(), &secrets.join_key());
        let (_, own) = room.roster().iter().next().unwrap();
        let leaf = Leaf { via: None, joined: 0, stay: own.stay, generation, keys: 0 };
        let rules = Rules::new(who, "Garden", leaf);
        let chain = Chain::start(&room.id());
        let client = Client::new(who, room, notes(chain, 0, 0, generation));
        let mut world = Self {
            accounts,
            clients: [(who, client)].into(),
            relay,
            rules: vec![rules],
            links: Vec::new(),
            statements: Vec::new(),
            said: BTreeMap::new(),
            copies: Vec::new(),
            late: Vec::new(),
            audited: 0,
            tally: BTreeMap::new(),
            known_to_removed: BTreeMap::new(),
        };
        assert!(world.prepare(who, &crate::rules::Change::Rotate));
        world.deliver(who, Fate::Arrives);
        if is_shared {
            assert!(world.prepare(who, &crate::rules::Change::Share(true)));
            world.deliver(who, Fate::Arrives);
        }
        let invite = Wish::Invite { max: None, only: None, expires: false };
        let change = world.change(who, &invite);
        world.prepare(who, &change);
        world.deliver(who, Fate::Arrives);
        for account in 1..here {
            let device = world.accounts[account].add_device();
            world.come_in(Who { account, device }, Way::Invite(0), 0, Fate::Arrives).unwrap();
        }
        for account in 0..2 {
            let device = world.accounts[account].add_device();
            world.come_in(Who { account, device }, Way::Door(0), 0, Fate::Arrives).unwrap();
        }
        world
    }

    pub fn act(&mut self, action: &Action) {
        match action {
            Action::Join { account, invite, fate } => self.join(*account, *invite, *fate),
            Action::Return { account, device, fate } => self.come_back(*account, *device, *fate),
            Action::Commit { by, wish, fate, is_late } => {
                let Some(who) = self.pick_committer(*by) else { return };
                if !is_late {
                    self.sync(who);
                }
                let change = self.change(who, wish);
                if self.prepare(who, &change) {
                    self.deliver(who, *fate);
                }
            }
            Action::Race { one, other, wishes } => {
                let (Some(one), Some(other)) = (self.pick(*one), self.pick(*other)) else { return };
                self.sync(one);
                self.sync(other);
                for (who, wish) in [one, other].into_iter().zip(wishes) {
                    let change = self.change(who, wish);
                    self.prepare(who, &change);
                }
                self.deliver(one, Fate::Arrives);
                self.deliver(other, Fate::Arrives);
            }
            Action::Say { by, fate, twice } => {
                if let Some(who) = self.pick(*by) {
                    self.say(who, *fate, *twice);
                }
            }
            Action::Leave { who, by, whole } => self.leave(*who, *by, *whole),
            Action::Sync(who) => {
                if let Some(who) = self.pick(*who) {
                    self.sync(who);
                }
            }
            Action::Die(who, most) => {
                if let Some(who) = self.pick(*who) {
                    let client = self.clients.get_mut(&who).unwrap();
                    client.follow(&mut self.relay, *most);
                    client.crash();
                }
            }
            Action::Replay { to, entry, flip, lies } => self.replay(*to, *entry, *flip, *lies),
            Action::Late(join) => self.arrive_late(*join),
            Action::Fork { to, by, is_swapped } => self.fork(*to, *by, *is_swapped),
            Action::Wedge { bad, by, who, followers, is_confirmed } => {
                self.wedge(*bad, *by, *who, *followers, *is_confirmed);
            }
            Action::Attack { by, back } => self.attack(*by, *back),
            Action::Damage { by, what, place } => self.damage(*by, *what, *place),
            Action::Lose(account) => self.lose(*account),
            Action::Steal(who) => {
                if let Some(who) = self.pick(*who) {
                    self.copy(who);
                }
            }
        }
    }

    /// Notes that something happened.
    pub fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    pub fn now(&self) -> &Rules {
        self.rules.last().unwrap()
    }

    pub fn at(&self, epoch: u64) -> &Rules {
        &self.rules[usize::try_from(epoch).unwrap()]
    }

    /// Whose device has that key.
    pub fn who_has(&self, key: &[u8; 32]) -> Who {
        self.accounts
            .iter()
            .enumerate()
            .find_map(|(account, of)| of.find_device(key).map(|device| Who { account, device }))
            .expect("a device of this world")
    }

    pub fn invite_number(&self, id: &InviteId) -> usize {
        self.links.iter().position(|link| link.door().unwrap() == *id).expect("an invite of this world")
    }

    /// Somebody who has not learnt that they are gone.
    pub fn pick(&self, index: Index) -> Option<Who> {
        let living: Vec<Who> =
            self.clients.values().filter(|client| !client.is_gone()).map(|client| client.who).collect();
        (!living.is_empty()).then(|| living[index.index(living.len())])
    }

    /// The same, rather one who may do something.
    fn pick_committer(&self, index: Index) -> Option<Who> {
        let mut living = Vec::new();
        for client in self.clients.values().filter(|client| !client.is_gone()) {
            let times = if self.now().role(client.who.account) > Role::Member { 4 } else { 1 };
            living.extend([client.who].repeat(times));
        }
        (!living.is_empty()).then(|| living[index.index(living.len())])
    }

    /// Catches up, sends what waits, and catches up.
    pub fn sync(&mut self, who: Who) {
        // Whoever is removed keeps what there was before.
        if !self.now().devices.contains_key(&who) {
            self.copy(who);
        }
        let client = self.clients.get_mut(&who).unwrap();
        client.catch_up(&mut self.relay);
        client.store();
        if client.is_gone() {
            self.copy(who);
            return;
        }
        if client.notes.pending.is_some() {
            self.deliver(who, Fate::Arrives);
        }
        self.send_outbox(who);
        let client = self.clients.get_mut(&who).unwrap();
        client.catch_up(&mut self.relay);
        client.store();
    }

    /// Makes a commit and keeps it pending, or is refused as the second opinion says.
    pub fn prepare(&mut self, who: Who, change: &crate::rules::Change) -> bool {
        let epoch = self.clients[&who].room.epoch();
        let room_change = self.translate(who, change);
        let expected = self.at(epoch).after(who, change);
        let client = self.clients.get_mut(&who).unwrap();
        let before = client.saved();
        let made = client.room.commit(&room_change, client.notes.cursor);
        *self.tally.entry(change.kind(made.is_ok())).or_default() += 1;
        let is_free = client.notes.pending.is_none() && !client.is_gone();
        match (made, expected.filter(|_| is_free)) {
            (Ok(handshake), Some(after)) => {
                let last_handshake = client.notes.last_handshake;
                client.notes.pending = Some(crate::client::Pending { handshake, last_handshake, after });
                true
            }
            (Err(_), None) => {
                assert!(client.saved() == before, "a refused change leaves the room as it was");
                false
            }
            (made, expected) => panic!(
                "{who:?} wants {change:?} in epoch {epoch}: {:?}, and the second opinion is {expected:?}",
                made.map(|_| "made")
            ),
        }
    }

    /// Stores a pending commit and sends it.
    pub fn deliver(&mut self, who: Who, fate: Fate) {
        let client = self.clients.get_mut(&who).unwrap();
        if fate == Fate::DiesUnstored {
            return client.crash();
        }
        client.store();
        match fate {
            Fate::DiesUnsent => return client.crash(),
            Fate::IsLost => return,
            _ => {}
        }
        let head = self.relay.head();
        let Some(answer) = client.send_pending(&mut self.relay) else { return };
        if answer.is_err() {
            *self.tally.entry("commits that lost a race").or_default() += 1;
        }
        if fate == Fate::ArrivesTwice {
            assert_eq!(client.send_pending(&mut self.relay), Some(answer), "the same bytes, the same answer");
        }
        if answer.is_ok_and(|seq| seq > head) {
            let after = client.notes.pending.as_ref().unwrap().after.clone();
            self.enter(after);
        }
        let client = self.clients.get_mut(&who).unwrap();
        match fate {
            Fate::DiesSent => client.crash(),
            Fate::AnswerIsLost => {}
            _ => {
                client.catch_up(&mut self.relay);
                client.store();
            }
        }
    }

    /// The relay has taken a handshake.
    pub fn enter(&mut self, after: Rules) {
        self.count("handshakes taken");
        if !self.now().devices.keys().all(|who| after.devices.contains_key(who)) {
            self.count("removals taken");
        }
        for who in after.revoked.difference(&self.now().revoked).copied().collect::<Vec<_>>() {
            self.known_to_removed.insert(who.account, self.accounts[who.account].latest_keys());
        }
        assert_eq!(after.epoch, self.relay.epoch);
        self.rules.push(after);
    }

    /// Keys that no removed device knows: an account that lost trust in a device replaces them.
    pub fn trusted_keys(&mut self, account: usize) -> usize {
        let latest = self.accounts[account].latest_keys();
        let is_known = self.known_to_removed.get(&account).is_some_and(|known| *known >= latest);
        if is_known { self.accounts[account].replace_keys() } else { latest }
    }

    /// A device of the account that may come in: none that was removed.
    pub fn device_for(&mut self, account: usize, index: Option<Index>) -> usize {
        let here: Vec<usize> = self.now().leaves_of(account).map(|(who, _)| who.device).collect();
        match index {
            // Half of the time one that is here, to heal; always so when there are enough.
            Some(index) if !here.is_empty() => {
                let slots = if here.len() < DEVICES { here.len() * 2 } else { here.len() };
                let slot = index.index(slots);
                here.get(slot).copied().unwrap_or_else(|| self.accounts[account].add_device())
            }
            _ => {
                if let [only] = here.as_slice() {
                    return *only;
                }
                let last = self.accounts[account].device_count().checked_sub(1);
                let is_good =
                    |device: &usize| !self.now().revoked.contains(&Who { account, device: *device });
                last.filter(is_good).unwrap_or_else(|| self.accounts[account].add_device())
            }
        }
    }

    fn say(&mut self, who: Who, fate: Fate, twice: bool) {
        self.sync(who);
        let Some(client) = self.clients.get_mut(&who).filter(|client| !client.is_gone()) else { return };
        let id: MessageId = sotto_crypto::random_array().unwrap();
        let text = format!("message {} of {who:?}", self.said.len());
        client.notes.outbox.push(Waiting { id, text: text.clone(), sealed: None });
        if fate == Fate::DiesUnstored {
            return client.crash();
        }
        client.seal();
        client.store();
        match fate {
            Fate::DiesUnsent => return client.crash(),
            Fate::IsLost => return,
            _ => {}
        }
        if twice {
            // Another process of the device has taken it from the outbox, and sealed it anew.
            let other = client.seal_one(&id, &text);
            let key = client.room.secrets().unwrap().access_key();
            let seq = self.relay.append(&key, &other).unwrap();
            self.said.insert(seq, Meant { account: who.account, id, text });
        }
        self.send_outbox(who);
        if fate == Fate::ArrivesTwice {
            self.send_outbox(who);
        }
        let client = self.clients.get_mut(&who).unwrap();
        match fate {
            Fate::DiesSent => client.crash(),
            Fate::AnswerIsLost => {}
            _ => self.sync(who),
        }
    }

    pub fn send_outbox(&mut self, who: Who) {
        let Some(client) = self.clients.get_mut(&who).filter(|client| !client.is_gone()) else { return };
        client.seal();
        client.store();
        let key = client.room.secrets().unwrap().access_key();
        let mut said = Vec::new();
        for waiting in &client.notes.outbox {
            let Ok(seq) = self.relay.append(&key, waiting.sealed.as_ref().unwrap()) else { continue };
            let meant = Meant { account: who.account, id: waiting.id, text: waiting.text.clone() };
            said.push((seq, meant));
        }
        for (seq, meant) in said {
            self.note_said(seq, meant);
        }
    }

    fn leave(&mut self, who: Index, by: Index, whole: bool) {
        let (Some(who), Some(by)) = (self.pick(who), self.pick(by)) else { return };
        self.sync(who);
        let client = &self.clients[&who];
        if client.is_gone() {
            return;
        }
        let scope = if whole {
            sotto_crypto::room::LeaveScope::Account
        } else {
            sotto_crypto::room::LeaveScope::Device
        };
        let statement = client.room.leave(scope).unwrap();
        let stay = statement.stay;
        self.statements.push((statement, who, whole));
        self.sync(by);
        if self.prepare(by, &crate::rules::Change::Leave { who, stay, whole }) {
            self.deliver(by, Fate::Arrives);
        }
    }

    fn replay(&mut self, to: Index, entry: Index, flip: Option<Index>, lies: bool) {
        let Some(to) = self.pick(to) else { return };
        let handshakes: Vec<_> =
            self.relay.log.iter().filter(|entry| entry.handshake.is_some() && !entry.is_void).collect();
        let entry = handshakes[entry.index(handshakes.len())].clone();
        let mut key = entry.handshake.as_ref().unwrap().access_key;
        let client = self.clients.get_mut(&to).unwrap();
        let mut bytes = entry.bytes.clone();
        let is_next = entry.epoch == client.room.epoch();
        if let Some(flip) = flip {
            let place = flip.index(bytes.len());
            bytes[place] ^= 1;
        } else if is_next && lies {
            // A commit that removes this device gives it nothing to compare.
            if !self.rules[usize::try_from(entry.epoch + 1).unwrap()].devices.contains_key(&to) {
                return;
            }
            key[0] ^= 1;
        } else if is_next {
            return;
        }
        client.refuses(entry.kind(), &bytes, &key);
        self.count("replays refused");
    }

    /// Somebody copies the storage of a device.
    pub fn copy(&mut self, who: Who) {
        let client = &self.clients[&who];
        let stored = client.stored.clone();
        let room = Room::load(client.room.id(), client.room.device().clone(), &stored.room).unwrap();
        let epoch = room.epoch();
        let Some(leaf) = self.at(epoch).devices.get(&who) else { return };
        let stay = leaf.stay;
        self.copies.push(Copy { who, stored, epoch, stay });
    }
}

/// What a device starts with in the room.
pub fn notes(cursor: Chain, joined_seq: u64, keys: usize, generation: usize) -> Notes {
    Notes {
        last_handshake: joined_seq,
        cursor,
        views: BTreeMap::new(),
        chain: [(cursor.seq, cursor.hash)].into(),
        spans: vec![(joined_seq, None)],
        conversation: Conversation::default(),
        pending: None,
        outbox: Vec::new(),
        before: None,
        settled: Vec::new(),
        keys,
        generation,
    }
}

impl Invitation {
    /// Whether it says what the room says of it.
    pub fn is(&self, world: &World, invite: &sotto_crypto::room::Invite) -> bool {
        world.accounts[self.by].id == invite.inviter
            && self.max == invite.max_uses
            && self.spent == invite.spent
            && self.only.map(|only| world.accounts[only].id) == invite.for_account
            && self.expires == invite.expires_at_ms.is_some()
    }
}
