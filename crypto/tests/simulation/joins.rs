//! Coming in: by an invite, by one's account's door, and after everything was lost.

use crate::{
    actions::Fate,
    people::Who,
    relay::By,
    rules::Rules,
    world::{Late, World},
};
use proptest::sample::Index;
use sotto_crypto::{
    CryptoError,
    room::{AccountJoin, HistoryReader, JoinRequest, Joining},
};

/// How somebody tries to come in.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// By the invite of that number.
    Invite(usize),
    /// By its account's door, with these keys.
    Door(usize),
}

impl World {
    pub fn join(&mut self, account: Index, invite: Index, fate: Fate) {
        if self.links.is_empty() {
            return;
        }
        // Rather those who are not here, and invites that are open.
        let mut accounts: Vec<usize> = (0..self.accounts.len()).collect();
        let absent: Vec<usize> =
            accounts.iter().copied().filter(|account| !self.now().has(*account)).collect();
        accounts.extend(absent.repeat(4));
        let account = accounts[account.index(accounts.len())];
        let mut numbers: Vec<usize> = (0..self.links.len()).collect();
        let open: Vec<usize> =
            numbers.iter().copied().filter(|number| self.now().is_invite_listed(*number)).collect();
        numbers.extend(open.repeat(4));
        let number = numbers[invite.index(numbers.len())];
        let device = self.device_for(account, None);
        let keys = self.trusted_keys(account);
        self.come_in(Who { account, device }, Way::Invite(number), keys, fate);
    }

    pub fn come_back(&mut self, account: Index, device: Index, fate: Fate) {
        let account = account.index(self.accounts.len());
        let device = self.device_for(account, Some(device));
        self.come_in_by_any_door(Who { account, device }, fate);
    }

    /// Every device of an account is lost. A new one comes in by the account's door and reads with the recovery key.
    pub fn lose(&mut self, account: Index) {
        let account = account.index(self.accounts.len());
        let lost: Vec<Who> = self.clients.keys().filter(|who| who.account == account).copied().collect();
        for who in lost {
            self.copy(who);
            self.clients.remove(&who);
        }
        let device = self.accounts[account].add_device();
        if let Some(reader) = self.come_in_by_any_door(Who { account, device }, Fate::Arrives) {
            let read = self.check_capsules(account, reader);
            *self.tally.entry("capsules read").or_default() += read;
        }
    }

    pub fn come_in_by_any_door(&mut self, who: Who, fate: Fate) -> Option<HistoryReader> {
        for keys in (0..=self.accounts[who.account].latest_keys()).rev() {
            if let Some(reader) = self.come_in(who, Way::Door(keys), keys, fate) {
                return Some(reader);
            }
        }
        None
    }

    /// A join that was lost on the way arrives after all.
    pub fn arrive_late(&mut self, index: Index) {
        if self.late.is_empty() {
            let account = index.index(self.accounts.len());
            let device = self.device_for(account, Some(index));
            for keys in 0..=self.accounts[account].latest_keys() {
                if let Some((joining, _)) = self.try_way(Who { account, device }, Way::Door(keys), keys) {
                    self.late.push(Late { joining, last_handshake: self.relay.last_handshake });
                }
            }
            return;
        }
        let late = self.late.swap_remove(index.index(self.late.len()));
        if late.last_handshake != self.relay.last_handshake {
            let (key, last) = (late.joining.join_key(), self.relay.last_handshake);
            let by = By::Door(&key, late.joining.door);
            // An epoch that a rewind has made current again takes what was made for it.
            let is_over = late.joining.epoch != self.relay.epoch;
            for last in [late.last_handshake].into_iter().chain(is_over.then_some(last)) {
                assert!(self.relay.append_handshake(&by, last, &late.joining.handshake).is_err(), "too late");
            }
            self.count("late joins refused");
        }
    }

    /// Tries to come in, as the second opinion says.
    pub fn come_in(&mut self, who: Who, way: Way, keys: usize, fate: Fate) -> Option<HistoryReader> {
        let Some((joining, after)) = self.try_way(who, way, keys) else {
            self.count("joins refused");
            return None;
        };
        self.count(match way {
            Way::Invite(_) => "joins by invite",
            Way::Door(_) => "joins by door",
        });
        let reader = joining.history().unwrap();
        let saved = joining.save().unwrap();
        let reload = || {
            Joining::load(joining.room.id(), joining.room.device().clone(), &saved).expect("what was saved")
        };
        let joining = match fate {
            Fate::DiesUnstored => return None,
            Fate::IsLost => {
                self.late.push(Late { joining, last_handshake: self.relay.last_handshake });
                return None;
            }
            Fate::DiesUnsent => reload(),
            _ => joining,
        };
        let send = |world: &mut Self, joining: &Joining| {
            let (key, last) = (joining.join_key(), world.relay.last_handshake);
            world.relay.append_handshake(&By::Door(&key, joining.door), last, &joining.handshake)
        };
        let seq = send(self, &joining).expect("nobody else was faster");
        self.enter(after);
        let joining = match fate {
            Fate::AnswerIsLost | Fate::DiesSent | Fate::ArrivesTwice => {
                let again = Joining::load(joining.room.id(), joining.room.device().clone(), &saved).unwrap();
                assert_eq!(send(self, &again), Ok(seq), "the same bytes, the same answer");
                again
            }
            _ => joining,
        };
        self.settle(who, joining, seq, keys);
        self.read_links(who, reader.clone());
        Some(reader)
    }

    /// Opens the card, if there is a door, and makes the join, if it is allowed.
    pub fn try_way(&self, who: Who, way: Way, keys: usize) -> Option<(Joining, Rules)> {
        let now = self.now();
        let generation = self.accounts[who.account].generation();
        let own = self.accounts[who.account].own(who.device, keys, generation);
        let own_key = own.certificate.device_key();
        let (door, is_listed, after) = match way {
            Way::Invite(number) => (
                self.links[number].door().unwrap(),
                now.is_invite_listed(number),
                now.after_invite(who, number, keys, generation),
            ),
            Way::Door(keys) => (
                own.door(&self.relay.room).unwrap(),
                now.is_account_listed(who.account, keys),
                now.after_door(who, keys, generation),
            ),
        };
        let found = self.relay.card(&door);
        assert_eq!(found.is_some(), is_listed, "{who:?} by {way:?}: the door");
        let (held, wrap) = found?;
        let (room, card, epoch) = (self.relay.room, held.card.as_slice(), self.relay.epoch);
        let made: Result<Joining, CryptoError> = match way {
            Way::Invite(number) => {
                JoinRequest { link: &self.links[number], card, wrap, epoch, own: &own }.join()
            }
            Way::Door(_) => AccountJoin { room, card, wrap, epoch, own: &own }.join(),
        };
        match (made, after) {
            (Ok(joining), Some(mut after)) => {
                let (_, own) =
                    joining.room.roster().iter().find(|(_, entry)| entry.device_key == *own_key).unwrap();
                after.devices.get_mut(&who).unwrap().stay = own.stay;
                Some((joining, after))
            }
            (Err(_), None) => None,
            (made, after) => {
                panic!("{who:?} by {way:?}: {:?}, and the second opinion is {after:?}", made.map(|_| "made"))
            }
        }
    }
}
