//! A second opinion: the rules of rooms as `docs/PROTOCOL.md` tells them, over plain numbers, with nothing of the crate's code.
//!
//! Where the crate refuses and this does not, or the other way round, one of the two is wrong.

use crate::people::Who;
use sotto_crypto::room::{Permissions, Role};
use std::collections::{BTreeMap, BTreeSet};

/// A device in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The number of the invite through which its account came in.
    pub via: Option<usize>,
    /// The epoch that began when it came in.
    pub joined: u64,
    /// What it drew when it came in: zeros until it is known.
    pub stay: [u8; 16],
    pub generation: usize,
    /// Which of its account's vault and door keys it publishes.
    pub keys: usize,
}

/// An open invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    pub by: usize,
    pub max: Option<u32>,
    pub spent: u32,
    pub only: Option<usize>,
    pub expires: bool,
}

/// What a member may want changed.
#[derive(Debug, Clone)]
pub enum Change {
    Invite { number: usize, max: Option<u32>, only: Option<usize>, expires: bool },
    CloseInvite(usize),
    Rename(String),
    Topic(String),
    Role(usize, Role),
    Permissions(Permissions),
    Timer(Option<u32>),
    Share(bool),
    TakeOver,
    Close,
    Reopen,
    RemoveMember(usize),
    RemoveDevice(Who),
    Leave { who: Who, stay: [u8; 16], whole: bool },
    Rotate,
    Renew { keys: usize, generation: usize },
}

impl Change {
    /// For the tally.
    pub const fn kind(&self, is_made: bool) -> &'static str {
        match (self, is_made) {
            (_, false) => "changes refused",
            (Self::Invite { .. } | Self::CloseInvite(_), _) => "invites changed",
            (Self::Role(..) | Self::Permissions(_) | Self::TakeOver, _) => "roles changed",
            (Self::RemoveMember(_), _) => "members removed",
            (Self::RemoveDevice(_), _) => "devices removed",
            (Self::Leave { .. }, _) => "leavings committed",
            (Self::Renew { .. }, _) => "keys renewed",
            (Self::Timer(_), _) => "timers set",
            (Self::Share(_), _) => "history policies set",
            (Self::Close | Self::Reopen, _) => "closed or reopened",
            _ => "other changes",
        }
    }
}

/// A room in one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    pub epoch: u64,
    pub devices: BTreeMap<Who, Leaf>,
    pub owner: usize,
    pub admins: BTreeSet<usize>,
    pub permissions: Permissions,
    pub name: String,
    pub topic: String,
    pub timer: Option<u32>,
    pub shared: bool,
    pub closed: bool,
    pub invites: BTreeMap<usize, Invitation>,
    pub revoked: BTreeSet<Who>,
    /// Account and number of its keys, to which nothing is sealed.
    pub suspended: BTreeSet<(usize, usize)>,
}

impl Rules {
    pub fn new(creator: Who, name: &str, leaf: Leaf) -> Self {
        Self {
            epoch: 0,
            devices: [(creator, leaf)].into(),
            owner: creator.account,
            admins: BTreeSet::new(),
            permissions: Permissions::default(),
            name: name.to_owned(),
            topic: String::new(),
            timer: None,
            shared: false,
            closed: false,
            invites: BTreeMap::new(),
            revoked: BTreeSet::new(),
            suspended: BTreeSet::new(),
        }
    }

    pub fn has(&self, account: usize) -> bool {
        self.devices.keys().any(|who| who.account == account)
    }

    pub fn leaves_of(&self, account: usize) -> impl Iterator<Item = (&Who, &Leaf)> {
        self.devices.iter().filter(move |(who, _)| who.account == account)
    }

    pub fn role(&self, account: usize) -> Role {
        match account {
            _ if account == self.owner => Role::Owner,
            _ if self.admins.contains(&account) => Role::Admin,
            _ => Role::Member,
        }
    }

    /// How many uses of an invite count.
    pub fn uses(&self, number: usize, except: Option<Who>) -> u32 {
        let came: BTreeSet<usize> = self
            .devices
            .iter()
            .filter(|(who, leaf)| leaf.via == Some(number) && except.is_none_or(|gone| gone != **who))
            .map(|(who, _)| who.account)
            .collect();
        u32::try_from(came.len()).unwrap() + self.invites.get(&number).map_or(0, |invite| invite.spent)
    }

    /// Whether an invite has a door.
    pub fn is_invite_listed(&self, number: usize) -> bool {
        self.invites.contains_key(&number) && !self.is_used_up(number)
    }

    fn is_used_up(&self, number: usize) -> bool {
        let max = self.invites.get(&number).and_then(|invite| invite.max);
        max.is_some_and(|max| self.uses(number, None) >= max)
    }

    /// Whether an account has a door with these keys.
    pub fn is_account_listed(&self, account: usize, keys: usize) -> bool {
        self.leaves_of(account).any(|(_, leaf)| leaf.keys == keys)
            && !self.suspended.contains(&(account, keys))
    }

    /// The generation whose recovery key opens the epoch's capsule for an account.
    pub fn capsule_generation(&self, account: usize) -> Option<usize> {
        let latest = self.leaves_of(account).map(|(_, leaf)| leaf.generation).max()?;
        (latest > 0 && self.timer.is_none()).then_some(latest)
    }

    /// The room after a member's commit; `None` where the rules forbid it.
    pub fn after(&self, by: Who, change: &Change) -> Option<Self> {
        let own = self.devices.get(&by)?;
        let mut next = Self { epoch: self.epoch + 1, ..self.clone() };
        let role = self.role(by.account);
        match change {
            Change::Rotate => return Some(next),
            Change::Renew { keys, generation } => {
                let leaf = Leaf { keys: *keys, generation: *generation, ..own.clone() };
                next.devices.insert(by, leaf);
                return (*generation >= own.generation).then_some(next);
            }
            Change::RemoveMember(account) => {
                let gone: BTreeSet<Who> = self.leaves_of(*account).map(|(who, _)| *who).collect();
                return self.after_removal(by, &gone);
            }
            Change::RemoveDevice(who) => {
                // The identity key signs for its own account alone.
                return (who.account == by.account && self.devices.contains_key(who))
                    .then_some(())
                    .and_then(|()| self.after_removal(by, &[*who].into()));
            }
            Change::Leave { who, stay, whole } => return self.after_leaving(by, *who, *stay, *whole),
            // Everything else replaces the state.
            Change::Reopen if self.closed => {
                next.closed = false;
                return (role == Role::Owner).then_some(next);
            }
            _ if self.closed => return None,
            _ => {}
        }
        let allowed = next.replace(self, by.account, role, change);
        // Whoever changes nothing needs no right.
        let same = Self { epoch: self.epoch + 1, ..self.clone() };
        (allowed == Verdict::Allowed || allowed == Verdict::IfSame && same == next).then_some(next)
    }

    fn replace(&mut self, old: &Self, by: usize, role: Role, change: &Change) -> Verdict {
        let allowed_if = |is_allowed| if is_allowed { Verdict::Allowed } else { Verdict::IfSame };
        match change {
            Change::Invite { number, max, only, expires } => {
                let invite = Invitation { by, max: *max, spent: 0, only: *only, expires: *expires };
                self.invites.retain(|number, _| !old.is_used_up(*number));
                self.invites.insert(*number, invite);
                let own = self.invites.values().filter(|invite| invite.by == by).count();
                let has_place = match role {
                    Role::Member => own <= 4 && self.invites.len() <= 12,
                    Role::Admin => self.invites.len() <= 14,
                    Role::Owner => self.invites.len() <= 16,
                };
                allowed_if(role >= old.permissions.invite && has_place)
            }
            Change::CloseInvite(number) => {
                let closed = self.invites.remove(number);
                let may = |invite: Invitation| {
                    role >= Role::Admin || invite.by == by || invite.expires || old.is_used_up(*number)
                };
                allowed_if(closed.is_some_and(may))
            }
            Change::Rename(name) => {
                self.name.clone_from(name);
                allowed_if(role >= old.permissions.rename)
            }
            Change::Topic(topic) => {
                self.topic.clone_from(topic);
                allowed_if(role >= old.permissions.rename)
            }
            Change::Permissions(permissions) => {
                self.permissions = *permissions;
                allowed_if(role == Role::Owner)
            }
            Change::Timer(timer) => {
                self.timer = *timer;
                self.shared &= timer.is_none();
                if timer.is_some_and(|timer| timer < 60) {
                    return Verdict::Never;
                }
                allowed_if(role >= Role::Admin)
            }
            Change::Share(shared) => {
                self.shared = *shared;
                if *shared && self.timer.is_some() {
                    return Verdict::Never;
                }
                allowed_if(role >= Role::Admin)
            }
            Change::Close => {
                self.closed = true;
                self.invites.clear();
                allowed_if(role == Role::Owner)
            }
            Change::TakeOver => {
                self.owner = by;
                self.admins.remove(&by);
                let has_admin = old.admins.iter().any(|admin| old.has(*admin));
                allowed_if(!old.has(old.owner) && (role == Role::Admin || !has_admin))
            }
            Change::Role(account, new) => self.name_role(old, by, role, *account, *new),
            _ => Verdict::IfSame,
        }
    }

    fn name_role(&mut self, old: &Self, by: usize, role: Role, account: usize, new: Role) -> Verdict {
        let is_owner = account == old.owner;
        match new {
            Role::Owner if !is_owner => {
                self.admins.remove(&account);
                self.admins.insert(old.owner);
                self.owner = account;
            }
            Role::Admin if is_owner => return Verdict::Never,
            Role::Admin => {
                self.admins.insert(account);
            }
            Role::Member => {
                self.admins.remove(&account);
            }
            Role::Owner => {}
        }
        let lays_down = account == by && role == Role::Admin && new == Role::Member;
        let names = role == Role::Owner && (new == Role::Member || old.has(account));
        if names || lays_down { Verdict::Allowed } else { Verdict::IfSame }
    }

    fn after_removal(&self, by: Who, gone: &BTreeSet<Who>) -> Option<Self> {
        if gone.is_empty() || gone.contains(&by) {
            return None;
        }
        let role = self.role(by.account);
        for account in gone.iter().map(|who| who.account).filter(|account| *account != by.account) {
            let is_whole = self.leaves_of(account).all(|(who, _)| gone.contains(who));
            if !is_whole || role < self.permissions.remove || self.role(account) >= role {
                return None;
            }
        }
        let mut next = Self { epoch: self.epoch + 1, ..self.clone() };
        for who in gone {
            next.suspended.extend(self.leaves_of(who.account).map(|(who, leaf)| (who.account, leaf.keys)));
            next.devices.remove(who)?;
            next.revoked.insert(*who);
        }
        next.invites.clear();
        next.drop_absent_admins(gone);
        Some(next)
    }

    fn after_leaving(&self, by: Who, who: Who, stay: [u8; 16], whole: bool) -> Option<Self> {
        if self.devices.get(&who)?.stay != stay {
            return None;
        }
        let gone: BTreeSet<Who> =
            if whole { self.leaves_of(who.account).map(|(who, _)| *who).collect() } else { [who].into() };
        if gone.contains(&by) {
            return None;
        }
        let via = self.devices.get(&who)?.via;
        let mut next = Self { epoch: self.epoch + 1, ..self.clone() };
        next.devices.retain(|who, _| !gone.contains(who));
        if let Some(invite) = via.and_then(|via| next.invites.get_mut(&via)) {
            invite.spent += u32::from(!next.devices.keys().any(|other| other.account == who.account));
        }
        next.drop_absent_admins(&gone);
        Some(next)
    }

    /// The room after somebody came in by an invite; `None` where the rules forbid it.
    pub fn after_invite(&self, who: Who, number: usize, keys: usize, generation: usize) -> Option<Self> {
        let invite = self.invites.get(&number)?;
        let is_alone = self.leaves_of(who.account).all(|(other, _)| *other == who);
        let has_moved = self.devices.get(&who).is_some_and(|leaf| leaf.via != Some(number));
        let is_for = invite.only.is_none_or(|only| only == who.account);
        let is_free = invite.max.is_none_or(|max| self.uses(number, Some(who)) < max);
        let leaf = Leaf { via: Some(number), joined: self.epoch + 1, stay: [0; 16], generation, keys };
        (!self.closed && is_alone && !has_moved && is_for && is_free)
            .then_some(())
            .and_then(|()| self.after_join(who, leaf))
    }

    /// The room after a device came in by its account's door; `None` where the rules forbid it.
    pub fn after_door(&self, who: Who, keys: usize, generation: usize) -> Option<Self> {
        if !self.is_account_listed(who.account, keys) {
            return None;
        }
        let (_, sibling) = self.leaves_of(who.account).find(|(_, leaf)| leaf.keys == keys)?;
        let leaf = Leaf { via: sibling.via, joined: self.epoch + 1, stay: [0; 16], generation, keys };
        self.after_join(who, leaf)
    }

    fn after_join(&self, who: Who, leaf: Leaf) -> Option<Self> {
        if self.revoked.contains(&who)
            || self.leaves_of(who.account).any(|(_, other)| leaf.generation < other.generation)
        {
            return None;
        }
        let mut next = Self { epoch: self.epoch + 1, ..self.clone() };
        next.devices.insert(who, leaf);
        Some(next)
    }

    fn drop_absent_admins(&mut self, gone: &BTreeSet<Who>) {
        let departed: BTreeSet<usize> =
            gone.iter().map(|who| who.account).filter(|account| !self.has(*account)).collect();
        self.admins.retain(|admin| !departed.contains(admin));
    }
}

#[derive(PartialEq, Eq)]
enum Verdict {
    Allowed,
    /// Only if it changes nothing.
    IfSame,
    Never,
}
