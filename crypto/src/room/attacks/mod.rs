//! Malicious members and joiners: they have the MLS library in hand, and make every commit that it lets through.
//!
//! Each test says who attacks, and what the others find. [`Forged`] is what the relay would put into the log.

mod cards;
mod entries;
mod evil;
mod healing;
mod joins;
mod leaves;
mod paths;
mod proposals;
mod removals;
mod rewinds;
mod rules;
mod states;

use super::process::read_commit;
use super::{
    Handshake, Invite, JoinRequest, OwnDevice, Room, RoomChange, Suite, card::Card, config, door,
    leaf::LeafData, past::CommitData, policy::Violation,
};
use crate::{
    CryptoError, DeviceKey,
    account::{DoorKey, VaultKey},
    entry,
    identity::{Certificate, CertificateRequest, IdentityKey},
    link::{InviteLink, InviteSecret},
    provider::Provider,
    random_array,
};
use openmls::{
    framing::{MlsMessageBodyIn, MlsMessageIn},
    group::{CommitBuilder, Initial, MlsGroup},
    prelude::{
        LeafNodeParameters,
        tls_codec::{DeserializeBytes as _, Serialize as _},
    },
};
use openmls_traits::{OpenMlsProvider as _, crypto::OpenMlsCrypto};
use sotto_protocol::{Chain, EntryId, EntryKind};

/// Somebody with one device; a guest.
#[derive(Clone)]
struct Person {
    identity: IdentityKey,
    own: OwnDevice,
}

impl Person {
    fn new(name: &str) -> Self {
        let identity = IdentityKey::generate().unwrap();
        let own = own_device(&identity, name, VaultKey::generate().unwrap(), DoorKey::generate().unwrap());
        Self { identity, own }
    }

    /// The same account's next device.
    fn next_device(&self) -> Self {
        let (vault_key, door_key) = (self.own.vault_key.clone(), self.own.door_key.clone());
        let own = own_device(&self.identity, self.own.certificate.display_name(), vault_key, door_key);
        Self { identity: self.identity.clone(), own }
    }

    fn account(&self) -> crate::identity::AccountId {
        self.own.certificate.account()
    }
}

fn own_device(identity: &IdentityKey, name: &str, vault_key: VaultKey, door_key: DoorKey) -> OwnDevice {
    let device = DeviceKey::generate().unwrap();
    let request = CertificateRequest {
        device_key: device.public(),
        recovery_key_hash: None,
        display_name: name,
        generation: 0,
        not_before_ms: 1,
        operator: None,
        devices: None,
    };
    let certificate = Certificate::issue(identity, request).unwrap();
    OwnDevice { certificate, device, vault_key, door_key, recovery_key: None }
}

/// A room in which the first of `people` is the owner, and all others came in by one link, in order.
struct World {
    people: Vec<Person>,
    rooms: Vec<Room>,
    held: Handshake,
    link: InviteLink,
}

/// The owner, and whoever attacks.
const ADA: usize = 0;
const MALLORY: usize = 1;

impl World {
    /// Of Ada, Mallory and others.
    fn new(suite: Suite, others: usize) -> Self {
        let names = ["Ada", "Mallory"].into_iter().map(str::to_owned);
        let people: Vec<_> = names
            .chain((0..others).map(|number| format!("Person {number}")))
            .map(|name| Person::new(&name))
            .collect();
        let mut ada = Room::create(suite, "Garden", &people[ADA].own).unwrap();
        let secret = InviteSecret::generate().unwrap();
        let invite = Invite::of_secret(&secret, people[ADA].account(), None).unwrap();
        let held = ada.commit(&RoomChange::AddInvite(Box::new(invite), 0), Chain::start(&ada.id())).unwrap();
        ada.merge_pending().unwrap();
        let link = InviteLink { room: ada.id(), secret, inviter: people[ADA].account(), epoch: 1 };
        let mut world = Self { people: people[..1].to_vec(), rooms: vec![ada], held, link };
        for person in &people[1..] {
            world.joins(person);
        }
        world
    }

    fn three() -> Self {
        Self::new(Suite::Classical, 1)
    }

    /// By the link.
    fn joins(&mut self, person: &Person) {
        let joining = self.tries_to_join(person).unwrap();
        self.take(person, joining);
    }

    fn tries_to_join(&self, person: &Person) -> Result<super::Joining, CryptoError> {
        let wrap = self.wrap(self.link.door().unwrap());
        let epoch = self.rooms[ADA].epoch();
        JoinRequest { link: &self.link, card: &self.held.card, wrap, epoch, own: &person.own }.join()
    }

    /// By the door of their own account.
    fn returns(&mut self, person: &Person) {
        let room = self.rooms[ADA].id();
        let wrap = self.wrap(person.own.door(&room).unwrap());
        let epoch = self.rooms[ADA].epoch();
        let join =
            super::AccountJoin { room, card: &self.held.card, wrap, epoch, own: &person.own }.join().unwrap();
        self.take(person, join);
    }

    fn wrap(&self, door: sotto_protocol::DoorId) -> &[u8] {
        &self.held.doors.iter().find(|held| held.id == door).expect("the door is open").wrap
    }

    fn take(&mut self, person: &Person, joining: super::Joining) {
        for room in &mut self.rooms {
            let staged = room
                .stage(joining.handshake.kind, &joining.handshake.entry, &joining.handshake.access_key)
                .unwrap();
            room.merge(staged).unwrap();
        }
        self.held = joining.handshake;
        self.people.push(person.clone());
        self.rooms.push(joining.room);
    }

    /// An honest change, which everybody follows.
    fn change(&mut self, who: usize, change: &RoomChange) {
        let chain = Chain::start(&self.rooms[who].id());
        let held = self.rooms[who].commit(change, chain).unwrap();
        self.rooms[who].merge_pending().unwrap();
        for (index, room) in self.rooms.iter_mut().enumerate().filter(|(index, _)| *index != who) {
            let staged = room.stage(held.kind, &held.entry, &held.access_key);
            let staged = staged.unwrap_or_else(|error| panic!("{index}: {error}"));
            room.merge(staged).unwrap();
        }
        self.held = held;
    }

    /// Somebody removes a device of their account.
    fn removes_device(&mut self, who: usize, gone: &Person) {
        let word = self.rooms[who].sign_device_removal(&gone.identity, &[gone.own.device.public()]).unwrap();
        self.change(who, &RoomChange::RemoveDevice(word, None));
    }

    /// What everybody but Mallory finds.
    fn verdicts(&mut self, forged: &Forged) -> Vec<Option<CryptoError>> {
        let others = self.rooms.iter_mut().enumerate().filter(|(index, _)| *index != MALLORY);
        others.map(|(_, room)| room.stage(forged.kind, &forged.entry, &forged.access_key).err()).collect()
    }

    /// Everybody but Mallory finds the same.
    fn all_refuse(&mut self, what: &str, forged: &Forged, expected: &CryptoError) {
        let epoch = self.rooms[ADA].epoch();
        for verdict in self.verdicts(forged) {
            assert_eq!(verdict.as_ref(), Some(expected), "{what}");
        }
        assert_eq!(self.rooms[ADA].epoch(), epoch, "{what}: nobody moved");
    }

    fn all_forbid(&mut self, what: &str, forged: &Forged, violation: Violation) {
        self.all_refuse(what, forged, &CryptoError::Forbidden(violation));
    }
}

/// A commit in the log, with the access key that was registered with it.
#[derive(Clone)]
struct Forged {
    kind: EntryKind,
    entry: Vec<u8>,
    access_key: [u8; 32],
}

impl Forged {
    fn seal(room: &Room, commit: &[u8], access_key: [u8; 32]) -> Self {
        let is_of_newcomer = read_commit(commit).is_ok_and(|commit| commit.is_external());
        Self::seal_as(EntryKind::of_commit(is_of_newcomer), room, commit, access_key)
    }

    fn seal_as(kind: EntryKind, room: &Room, commit: &[u8], access_key: [u8; 32]) -> Self {
        let handshake = room.secrets().unwrap().handshake;
        let id = EntryId::new(random_array().unwrap());
        let entry = entry::seal(handshake.seed(), &room.id(), kind, room.epoch(), id, commit).unwrap();
        Self { kind, entry, access_key }
    }
}

/// A member's commit of any shape, left pending.
fn try_forge(
    room: &mut Room,
    crypto: &impl OpenMlsCrypto,
    aad: &[u8],
    shape: impl for<'a> FnOnce(CommitBuilder<'a, Initial>) -> CommitBuilder<'a, Initial>,
) -> Result<Forged, String> {
    room.group.set_aad(CommitData::new(room.next_past, aad.to_vec()).to_bytes());
    let data =
        LeafData { updated: room.epoch() + 1, ..LeafData::of(room.group.own_leaf().unwrap()).unwrap() };
    let leaf = LeafNodeParameters::builder().with_extensions(data.to_extensions().unwrap()).build();
    let builder = room.group.commit_builder().force_self_update(true).leaf_node_parameters(leaf);
    let builder = shape(builder);
    let bundle = builder
        .load_psks(room.provider.storage())
        .map_err(|error| format!("{error:?}"))?
        .build(room.provider.rand(), crypto, &room.device, |_| true)
        .map_err(|error| format!("{error:?}"))?
        .stage_commit(&room.provider)
        .map_err(|error| format!("{error:?}"))?;
    let commit = bundle.into_commit().tls_serialize_detached().unwrap();
    let pending = room.group.pending_commit().unwrap();
    let next = super::EpochSecrets::export(|label| {
        pending.export_secret(room.provider.crypto(), label, &[], 32).ok()
    });
    Ok(Forged::seal(room, &commit, next.unwrap().access_key().public()))
}

/// The same; Mallory stays where she is.
fn forge(
    room: &mut Room,
    aad: &[u8],
    shape: impl for<'a> FnOnce(CommitBuilder<'a, Initial>) -> CommitBuilder<'a, Initial>,
) -> Forged {
    let forged = try_forge(room, &crate::provider::Primitives, aad, shape).unwrap();
    room.discard_pending().unwrap();
    forged
}

/// A commit that changes only its own leaf.
fn forge_leaf(room: &mut Room, leaf: LeafNodeParameters) -> Forged {
    forge(room, &[], |builder| builder.leaf_node_parameters(leaf))
}

/// An external commit of any shape, with a card that somebody has opened.
struct ForgedJoin<'a> {
    own: &'a OwnDevice,
    certificate: &'a Certificate,
    data: LeafData,
    aad: Vec<u8>,
}

impl ForgedJoin<'_> {
    fn make(&self, world: &World, crypto: &impl OpenMlsCrypto) -> Forged {
        let room = &world.rooms[ADA];
        let key = door::card_key(&room.secrets().unwrap()).unwrap();
        let card = Card::open(&key, &room.id(), &world.held.card).unwrap();
        let message = MlsMessageIn::tls_deserialize_exact_bytes(&card.group_info).unwrap();
        let MlsMessageBodyIn::GroupInfo(info) = message.extract() else { panic!("not a GroupInfo") };
        let leaf = LeafNodeParameters::builder()
            .with_capabilities(config::capabilities(room.suite()))
            .with_extensions(self.data.to_extensions().unwrap())
            .build();
        let mut credential = config::credential(self.certificate);
        credential.signature_key = self.own.device.public().to_vec().into();
        let provider = Provider::default();
        let (group, bundle) = MlsGroup::external_commit_builder()
            .with_config(config::join_config())
            .with_aad(CommitData::new(card.past, self.aad.clone()).to_bytes())
            .skip_lifetime_validation()
            .build_group(&provider, info, credential)
            .unwrap()
            .leaf_node_parameters(leaf)
            .load_psks(provider.storage())
            .unwrap()
            .build(provider.rand(), crypto, &self.own.device, |_| true)
            .unwrap()
            .finalize(&provider)
            .unwrap();
        let commit = bundle.commit().tls_serialize_detached().unwrap();
        let next =
            super::EpochSecrets::export(|label| group.export_secret(provider.crypto(), label, &[], 32).ok());
        Forged::seal(room, &commit, next.unwrap().access_key().public())
    }
}
