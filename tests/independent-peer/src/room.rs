//! A room as the peer has it: created, followed, talked in.

use crate::{
    PeerError,
    capsule::{EpochRecord, capsule_wraps},
    card::{Card, card_key},
    certificate::Device,
    chain::Chain,
    door::{Door, doors},
    encoding::{Bytes32, Id, encode, random},
    entry::{self, Header, Kind},
    leaf_data::LeafData,
    message::{self, Body, Content},
    mls::{Group, client, secret_key, signing_identity},
    past::{CommitData, Past},
    removal_proof::RemovalProof,
    room_state::{History, Role, RoomState},
    roster::{Roster, RosterEntry},
    rules::{self, Commit, View},
    secrets::EpochSecrets,
    wrap::{Place, Wrap},
};
use mls_rs::{
    ExtensionList, MlsMessage,
    extension::built_in::RatchetTreeExt,
    group::{ReceivedMessage, proposal::Proposal},
};
use std::{cmp::Reverse, collections::BTreeSet};

/// A room.
#[derive(Clone)]
pub struct PeerRoom {
    pub(crate) id: Id,
    pub(crate) device: Device,
    pub(crate) group: Group,
    pub(crate) record: Option<EpochRecord>,
}

/// What the writer of a handshake hands to the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// A member's commit, or a newcomer's.
    pub kind: Kind,
    /// The sealed commit.
    pub entry: Vec<u8>,
    /// Access key of the next epoch.
    pub access_key: [u8; 32],
    /// Join key of the next epoch.
    pub join_key: [u8; 32],
    /// Sealed card of the next epoch.
    pub card: Vec<u8>,
    /// Doors of the next epoch.
    pub doors: Vec<Door>,
    /// Sealed capsule of the next epoch, where there is no timer.
    pub capsule: Option<Vec<u8>>,
    /// Its wraps.
    pub capsule_wraps: Vec<Wrap>,
    /// History link: the epoch before, under the next one.
    pub history: Option<Vec<u8>>,
    /// Room-admin keys of owner and admins.
    pub admin_keys: Vec<Bytes32>,
    /// Whether somebody is shut out.
    pub cut: bool,
}

/// What a member's commit changes. The default changes nothing and has a new path.
#[derive(Default)]
pub struct Change {
    /// New state.
    pub state: Option<RoomState>,
    /// Leaves to remove.
    pub removes: Vec<u32>,
    /// New leaf extensions.
    pub leaf_extensions: Option<ExtensionList>,
    /// New certificate.
    pub device: Option<Device>,
    /// Authenticated data: empty, or a removal proof.
    pub authenticated_data: Vec<u8>,
    /// Other proposals (rules forbid them).
    pub proposals: Vec<Proposal>,
}

impl PeerRoom {
    /// A group of one at epoch 0.
    pub fn create(name: &str, device: &Device) -> Result<Self, PeerError> {
        let id: Id = random::<16>()?.into();
        let state = RoomState::new(name, device.body.account(), random::<32>()?.into());
        let group = client(device).create_group_with_id(
            id.to_vec(),
            state.to_extensions()?,
            device.keys.leaf_data(&id, None, 0, random()?.into())?.to_extensions()?,
            None,
        )?;
        let mut room = Self { id, device: device.clone(), group, record: None };
        room.record = Some(room.record_after(&Roster(Default::default()), room.own_leaf(), None)?);
        Ok(room)
    }

    /// Room id.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// Epoch.
    pub fn epoch(&self) -> u64 {
        self.group.current_epoch()
    }

    /// Own leaf.
    pub fn own_leaf(&self) -> u32 {
        self.group.current_member_index()
    }

    /// State.
    pub fn state(&self) -> Result<RoomState, PeerError> {
        RoomState::of(self.group.context().extensions())
    }

    /// Leaves.
    pub fn roster(&self) -> Result<Roster, PeerError> {
        Roster::read(&self.group.roster())
    }

    /// Secrets of the epoch.
    pub fn secrets(&self) -> Result<EpochSecrets, PeerError> {
        EpochSecrets::derive(|label| {
            let secret = self.group.export_secret(label.as_bytes(), &[], 32)?;
            <[u8; 32]>::try_from(secret.as_bytes()).map_err(|_| PeerError::Malformed("exported secret"))
        })
    }

    /// The record of the current epoch.
    pub fn record(&self) -> Result<&EpochRecord, PeerError> {
        self.record.as_ref().ok_or(PeerError::Forbidden("epoch without a record"))
    }

    /// What the record of the next epoch says of those before.
    fn next_past(&self) -> Result<Past, PeerError> {
        Past::after(self.record()?)
    }

    /// Commits and merges at once: tests decide who wins a race.
    pub fn commit(&mut self, change: Change, chain: Chain) -> Result<Handshake, PeerError> {
        let (before, state) = (self.roster()?, self.state()?);
        let old_record = self.record()?.clone();
        let past = self.next_past()?;
        let proof = RemovalProof::read(&change.authenticated_data).ok().flatten();
        let cut = !change.removes.is_empty() && !matches!(proof, Some(RemovalProof::Leave(_)));
        let entry = self.commit_as_it_is(change)?;
        self.record = Some(self.record_after(&before, self.own_leaf(), Some(past))?);
        let is_shared = [&state, &self.state()?].iter().all(|state| state.history == History::Shared);
        let history =
            is_shared.then(|| old_record.to_link(&self.id, &self.secrets()?.message)).transpose()?;
        self.handshake((Kind::Handshake, entry), chain, history, cut)
    }

    /// Removes leaves, with the state that follows from it. `proof` is a removal proof, or empty.
    pub fn remove(&mut self, leaves: &[u32], proof: Vec<u8>, chain: Chain) -> Result<Handshake, PeerError> {
        let (state, roster) = (self.state()?, self.roster()?);
        let end = match RemovalProof::read(&proof)? {
            Some(RemovalProof::Leave(_)) => rules::End::Left,
            Some(RemovalProof::Retired(_)) => rules::End::Retired,
            Some(RemovalProof::OwnDevices(_)) | None => rules::End::Removed,
        };
        let next = rules::state_after_removal(&state, &roster, leaves, end);
        let change = Change {
            state: (next != state).then_some(next),
            removes: leaves.to_vec(),
            authenticated_data: proof,
            ..Change::default()
        };
        self.commit(change, chain)
    }

    /// Commits and merges, and does not look at it. Gives the sealed commit.
    pub fn commit_as_it_is(&mut self, change: Change) -> Result<Vec<u8>, PeerError> {
        let (epoch, handshake_secret) = (self.epoch(), self.secrets()?.handshake);
        let own = self.roster()?.0.remove(&self.own_leaf()).ok_or(PeerError::Forbidden("not in the room"))?;
        let leaf = LeafData { updated: epoch.saturating_add(1), ..own.leaf };
        let data = CommitData::write(self.next_past()?, change.authenticated_data)?;
        let mut builder =
            self.group.commit_builder().authenticated_data(data).raw_proposals(change.proposals);
        for leaf in change.removes {
            builder = builder.remove_member(leaf)?;
        }
        if let Some(state) = change.state {
            builder = builder.set_group_context_ext(state.to_extensions()?)?;
        }
        builder = builder.set_leaf_node_extensions(match change.leaf_extensions {
            Some(extensions) => extensions,
            None => leaf.to_extensions()?,
        });
        if let Some(device) = change.device {
            builder = builder.set_new_signing_identity(secret_key(&device), signing_identity(&device));
            self.device = device;
        }
        let output = builder.build()?;
        self.group.apply_pending_commit()?;
        seal_commit(&handshake_secret, Kind::Handshake, (&self.id, epoch), &output.commit_message)
    }

    /// Opens, judges and follows another's commit. If it is refused, the room stays as it is.
    pub fn follow(
        &mut self,
        kind: Kind,
        entry: &[u8],
        registered_access_key: &[u8; 32],
    ) -> Result<(), PeerError> {
        let before = self.view()?;
        let secret = self.secrets()?.handshake;
        let (_, content) = entry::open(&secret, kind, &self.id, before.epoch, entry)?;
        let message = MlsMessage::from_bytes(&content)?;
        let removed = rules::check_message(&message)?;
        let mut next = self.clone();
        let ReceivedMessage::Commit(commit) = next.group.process_incoming_message(message)? else {
            return Err(PeerError::Forbidden("handshake that is no commit"));
        };
        if kind != (if commit.is_external { Kind::Join } else { Kind::Handshake }) {
            return Err(PeerError::Forbidden("kind of an entry"));
        }
        let (proof, reason) = CommitData::read(&commit.authenticated_data, self.next_past()?)?;
        let commit = Commit {
            is_external: commit.is_external,
            committer: commit.committer,
            removed: &removed,
            authenticated_data: &proof,
            reason: reason.as_deref(),
        };
        rules::judge(&before, &next.view()?, &commit)?;
        if next.secrets()?.access_key() != *registered_access_key {
            return Err(PeerError::Forbidden("registered access key"));
        }
        next.record = Some(next.record_after(&before.roster, commit.committer, Some(self.next_past()?))?);
        *self = next;
        Ok(())
    }

    /// Seals a text.
    pub fn say(&self, text: &str, chain: Chain) -> Result<Vec<u8>, PeerError> {
        let body = Body {
            leaf: self.own_leaf(),
            id: random::<16>()?.into(),
            sent_at: 1_750_000_000_000,
            chain,
            content: encode(&Content::text(text)?)?.into(),
        };
        message::seal(&self.secrets()?.message, &self.device.key, &self.id, self.epoch(), &body)
    }

    /// Opens a message of the current epoch.
    pub fn hear(&self, entry: &[u8]) -> Result<(Body, Content), PeerError> {
        let roster = self.roster()?;
        let key = |leaf| -> Option<Bytes32> { Some(roster.0.get(&leaf)?.certificate.device) };
        message::open(&self.secrets()?.message, &self.id, self.epoch(), key, entry)
    }

    /// The doors of the current epoch.
    pub fn doors(&self) -> Result<Vec<Door>, PeerError> {
        let (state, secrets) = (self.state()?, self.secrets()?);
        doors(&self.place(&state, &secrets), &state, &self.roster()?)
    }

    /// The capsule wraps of the current epoch; none in a room with a timer.
    pub fn capsule_wraps(&self) -> Result<Vec<Wrap>, PeerError> {
        let (state, secrets) = (self.state()?, self.secrets()?);
        if state.timer.is_some() {
            return Ok(vec![]);
        }
        capsule_wraps(&self.place(&state, &secrets), &self.roster()?)
    }

    /// Room-admin keys of owner and admins.
    pub fn admin_keys(&self) -> Result<Vec<Bytes32>, PeerError> {
        let (state, roster) = (self.state()?, self.roster()?);
        let leaves = roster
            .0
            .values()
            .filter(|entry| state.role(&entry.certificate.account()) >= Role::Admin)
            .filter(|entry| !state.suspended.contains(&entry.suspension_hash()));
        let leaves: Vec<_> = leaves.collect();
        let list = |entry: &&&RosterEntry| entry.certificate.devices.map_or(0, |list| list.version);
        let of_owner = leaves.iter().filter(|entry| entry.certificate.account() == state.owner);
        let owner = of_owner
            .max_by_key(|entry| (list(entry), Reverse(entry.leaf.admin_key)))
            .map(|entry| entry.leaf.admin_key);
        let keys: BTreeSet<Bytes32> = leaves.iter().map(|entry| entry.leaf.admin_key).collect();
        Ok(owner.into_iter().chain(keys.into_iter().filter(|key| Some(*key) != owner)).collect())
    }

    /// The record of the current epoch, from the leaves before it.
    pub(crate) fn record_after(
        &self,
        before: &Roster,
        committer: u32,
        past: Option<Past>,
    ) -> Result<EpochRecord, PeerError> {
        let leaves = (before, &self.roster()?);
        Ok(EpochRecord::of(self.epoch(), &self.secrets()?, &self.state()?, leaves, committer, past))
    }

    /// What goes to the relay with the commit that began the current epoch.
    pub(crate) fn handshake(
        &self,
        (kind, entry): (Kind, Vec<u8>),
        chain: Chain,
        history: Option<Vec<u8>>,
        cut: bool,
    ) -> Result<Handshake, PeerError> {
        let secrets = self.secrets()?;
        let card = Card {
            epoch: self.epoch(),
            group_info: self.group_info()?.into(),
            handshake: secrets.handshake.into(),
            join: secrets.join.into(),
            chain,
            access_key: secrets.access_key().into(),
            past: self.next_past()?,
        };
        let has_capsule = self.state()?.timer.is_none();
        let capsule = has_capsule.then(|| self.record()?.to_capsule(&self.id, &secrets)).transpose()?;
        Ok(Handshake {
            kind,
            entry,
            access_key: secrets.access_key(),
            join_key: secrets.join_key(),
            card: card.seal(&card_key(&secrets.wrap)?, &self.id)?,
            doors: self.doors()?,
            capsule,
            capsule_wraps: self.capsule_wraps()?,
            history,
            admin_keys: self.admin_keys()?,
            cut,
        })
    }

    /// The library appends `external_pub` and then replaces or appends the tree; the document wants the tree first.
    fn group_info(&self) -> Result<Vec<u8>, PeerError> {
        let mut extensions = ExtensionList::new();
        let tree_data = self.group.export_tree().into_owned();
        extensions
            .set_from(RatchetTreeExt { tree_data })
            .map_err(|_| PeerError::Malformed("ratchet tree"))?;
        let message = self.group.group_info_message_allowing_ext_commit_with_extensions(true, extensions)?;
        Ok(message.to_bytes()?)
    }

    fn place<'a>(&'a self, state: &'a RoomState, secrets: &'a EpochSecrets) -> Place<'a> {
        Place { room: &self.id, epoch: self.epoch(), decoy_seed: &state.decoy_seed, secrets }
    }

    fn view(&self) -> Result<View, PeerError> {
        Ok(View { room: self.id, epoch: self.epoch(), state: self.state()?, roster: self.roster()? })
    }
}

/// Seals a commit as a handshake entry of the epoch that it leaves.
pub(crate) fn seal_commit(
    secret: &[u8; 32],
    kind: Kind,
    (room, left_epoch): (&Id, u64),
    commit: &MlsMessage,
) -> Result<Vec<u8>, PeerError> {
    entry::seal(secret, kind, room, Header::fresh(left_epoch)?, &commit.to_bytes()?)
}
