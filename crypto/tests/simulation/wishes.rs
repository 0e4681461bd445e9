//! From wishes to changes: for the second opinion, and for the crate.

use crate::{actions::Wish, people::Who, rules::Change, world::World};
use sotto_crypto::{
    link::{InviteLink, InviteSecret},
    room::{DeviceRemoval, History, Invite, RoomChange},
};

impl World {
    /// What a wish means, now and for this device.
    pub fn change(&mut self, who: Who, wish: &Wish) -> Change {
        let accounts = self.accounts.len();
        match wish {
            Wish::Invite { max, only, expires } => {
                let room = self.relay.room;
                let inviter = self.accounts[who.account].id;
                let epoch = self.clients[&who].room.epoch() + 1;
                self.links.push(InviteLink {
                    room,
                    secret: InviteSecret::generate().unwrap(),
                    inviter,
                    epoch,
                });
                let only = only.map(|only| only.index(accounts));
                Change::Invite { number: self.links.len() - 1, max: *max, only, expires: *expires }
            }
            Wish::CloseInvite(index) if self.links.is_empty() => Change::CloseInvite(index.index(1)),
            Wish::CloseInvite(index) => Change::CloseInvite(index.index(self.links.len())),
            Wish::Rename(number) => Change::Rename(format!("Garden {number}")),
            Wish::Topic(0) => Change::Topic(String::new()),
            Wish::Topic(number) => Change::Topic(format!("Bees {number}")),
            Wish::Role(account, role) => {
                let mut choice: Vec<usize> = (0..accounts).collect();
                let here: Vec<usize> =
                    choice.iter().copied().filter(|other| self.now().has(*other)).collect();
                choice.extend(here.repeat(3));
                Change::Role(choice[account.index(choice.len())], *role)
            }
            Wish::Permissions(permissions) => Change::Permissions(*permissions),
            Wish::Timer(timer) => Change::Timer(*timer),
            Wish::Share(shared) => Change::Share(*shared),
            Wish::TakeOver => Change::TakeOver,
            Wish::Close => Change::Close,
            Wish::Reopen => Change::Reopen,
            Wish::RemoveMember(account) => {
                // Rather those who are here, and those whom this one may remove.
                let mut choice: Vec<usize> = (0..accounts).collect();
                let now = self.now();
                let below: Vec<usize> = choice
                    .iter()
                    .copied()
                    .filter(|other| now.has(*other) && now.role(*other) < now.role(who.account))
                    .collect();
                choice.extend(below.repeat(6));
                Change::RemoveMember(choice[account.index(choice.len())])
            }
            Wish::RemoveDevice(index) => {
                // Own devices first: those of others are mostly refused.
                let mut devices: Vec<Who> = self.now().devices.keys().copied().collect();
                devices.extend(
                    self.now()
                        .leaves_of(who.account)
                        .map(|(other, _)| *other)
                        .filter(|other| *other != who)
                        .collect::<Vec<_>>()
                        .repeat(6),
                );
                Change::RemoveDevice(devices[index.index(devices.len())])
            }
            Wish::Rotate => Change::Rotate,
            Wish::Renew { keys, recovery } => {
                if *keys {
                    self.accounts[who.account].replace_keys();
                }
                if *recovery {
                    self.accounts[who.account].replace_recovery_key();
                }
                let keys = self.trusted_keys(who.account);
                Change::Renew { keys, generation: self.accounts[who.account].generation() }
            }
            Wish::OldLeave(_) if self.statements.is_empty() => Change::Rotate,
            Wish::OldLeave(index) => {
                let (statement, who, whole) = &self.statements[index.index(self.statements.len())];
                Change::Leave { who: *who, stay: statement.stay, whole: *whole }
            }
        }
    }

    /// The same for the crate.
    pub fn translate(&self, by: Who, change: &Change) -> RoomChange {
        match change {
            Change::Invite { number, max, only, expires } => {
                let link = &self.links[*number];
                let mut invite = Invite::of_secret(&link.secret, self.accounts[by.account].id, *max).unwrap();
                if *expires {
                    invite = invite.expiring(1_900_000_000_000);
                }
                if let Some(only) = only {
                    invite = invite.bound_to(self.accounts[*only].id);
                }
                RoomChange::AddInvite(Box::new(invite), 0)
            }
            Change::CloseInvite(number) => RoomChange::RemoveInvite(
                self.links
                    .get(*number)
                    .map_or(sotto_protocol::DoorId::new([9; 16]), |link| link.door().unwrap()),
            ),
            Change::Rename(name) => RoomChange::Rename(name.clone()),
            Change::Topic(topic) => RoomChange::SetTopic(topic.clone()),
            Change::Role(account, role) => RoomChange::SetRole(self.accounts[*account].id, *role),
            Change::Permissions(permissions) => RoomChange::SetPermissions(*permissions),
            Change::Timer(timer) => RoomChange::SetTimer(*timer),
            Change::Share(true) => RoomChange::SetHistory(History::Shared),
            Change::Share(false) => RoomChange::SetHistory(History::SinceJoining),
            Change::TakeOver => RoomChange::TakeOver,
            Change::Close => RoomChange::Close,
            Change::Reopen => RoomChange::Reopen,
            Change::RemoveMember(account) => RoomChange::RemoveMember(self.accounts[*account].id, None),
            Change::RemoveDevice(who) => {
                let device_key = self.accounts[who.account].device(who.device).public();
                let identity = &self.accounts[by.account].identity;
                let word = self.clients[&by].room.sign_device_removal(identity, &[device_key]);
                // Whoever is not in the room has nothing to sign.
                let none = DeviceRemoval { device_keys: vec![device_key.into()], signature: [0; 64] };
                RoomChange::RemoveDevice(word.unwrap_or(none), None)
            }
            Change::Leave { who, stay, whole } => {
                let is_it = |(statement, of, all): &&(sotto_crypto::room::LeaveStatement, Who, bool)| {
                    statement.stay == *stay && of == who && all == whole
                };
                RoomChange::Leave(self.statements.iter().find(is_it).unwrap().0.clone())
            }
            Change::Rotate => RoomChange::Rotate,
            Change::Renew { keys, generation } => {
                RoomChange::Renew(Box::new(self.accounts[by.account].own(by.device, *keys, *generation)))
            }
        }
    }
}
