//! A room as the peer has it: created, joined, followed, talked in.

use crate::{
    PeerError,
    card::{Card, card_key},
    certificate::Device,
    chain::Chain,
    door::{Door, InviteKeys, doors},
    encoding::{Bytes32, Id, random},
    entry::{self, Header, Kind},
    join_proof::JoinProof,
    leaf_data::LeafData,
    link::InviteLink,
    message::{self, Body, Content},
    mls::{Group, SUITE, client, client_with_suites, secret_key, signing_identity},
    room_state::RoomState,
    roster::Roster,
    rules::{self, Commit, View},
    secrets::EpochSecrets,
};
use mls_rs::{
    CipherSuite, ExtensionList, MlsMessage,
    group::{ReceivedMessage, proposal::Proposal},
};

/// A room.
#[derive(Clone)]
pub struct PeerRoom {
    id: Id,
    device: Device,
    group: Group,
}

/// What the writer of a handshake hands to the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
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
}

/// What a member's commit changes. The default changes nothing and has a new path.
#[derive(Default)]
pub struct Change {
    /// New state.
    pub state: Option<RoomState>,
    /// New leaf extensions (a rule forbids it).
    pub leaf_extensions: Option<ExtensionList>,
    /// New certificate.
    pub device: Option<Device>,
    /// Authenticated data (a rule forbids it).
    pub authenticated_data: Vec<u8>,
    /// Other proposals (rules forbid them).
    pub proposals: Vec<Proposal>,
}

/// A join in preparation; a test may spoil it before it is committed.
pub struct Join {
    /// What the card says.
    pub card: Card,
    /// The door's invite.
    pub invite: Id,
    /// Authenticated data: the proof.
    pub authenticated_data: Vec<u8>,
    /// Leaf extensions: the leaf data.
    pub leaf_extensions: ExtensionList,
    /// The leaf to replace.
    pub replaces: Option<u32>,
    /// Suites that the leaf's capabilities list.
    pub suites: Vec<CipherSuite>,
    room: Id,
    device: Device,
}

impl Join {
    /// Opens wrap and card, and prepares the commit as the document says.
    pub fn prepare(
        link: &InviteLink,
        sealed_card: &[u8],
        wrap: &[u8],
        epoch: u64,
        device: &Device,
    ) -> Result<Self, PeerError> {
        let keys = InviteKeys::of_secret(&link.secret)?;
        let card_key = keys.open_wrap(&link.room, epoch, wrap)?;
        let card = Card::open(&card_key, &link.room, sealed_card)?;
        if card.epoch != epoch || card.epoch < link.epoch {
            return Err(PeerError::Forbidden("card of another epoch"));
        }
        let proof = JoinProof::sign(keys.door, &keys.signature, &link.room, epoch, &device.body);
        Ok(Self {
            card,
            invite: keys.door,
            authenticated_data: proof.to_bytes()?,
            leaf_extensions: LeafData { via: Some(keys.door) }.to_extensions()?,
            replaces: None,
            suites: vec![SUITE],
            room: link.room,
            device: device.clone(),
        })
    }

    /// Makes the external commit. Gives the room in the next epoch, and what goes to the relay.
    pub fn commit(self) -> Result<(PeerRoom, Handshake), PeerError> {
        let chain = self.card.chain.clone();
        let (room, entry) = self.commit_as_it_is()?;
        let handshake = room.handshake(entry, chain)?;
        Ok((room, handshake))
    }

    /// Makes the external commit and does not look at it. Gives the room in the next epoch, and the sealed commit.
    pub fn commit_as_it_is(self) -> Result<(PeerRoom, Vec<u8>), PeerError> {
        let group_info = MlsMessage::from_bytes(&self.card.group_info)?;
        let context = group_info.as_group_info().ok_or(PeerError::Malformed("GroupInfo"))?.group_context();
        if context.group_id[..] != self.room[..] || context.epoch != self.card.epoch {
            return Err(PeerError::Forbidden("GroupInfo of another room or epoch"));
        }
        let mut builder = client_with_suites(&self.device, self.suites)
            .external_commit_builder()?
            .with_authenticated_data(self.authenticated_data)
            .with_leaf_node_extensions(self.leaf_extensions);
        if let Some(leaf) = self.replaces {
            builder = builder.with_removal(leaf);
        }
        let (group, commit) = builder.build(group_info)?;
        let entry = seal_commit(&self.card.handshake, &self.room, self.card.epoch, &commit)?;
        Ok((PeerRoom { id: self.room, device: self.device, group }, entry))
    }
}

impl PeerRoom {
    /// A group of one at epoch 0.
    pub fn create(name: &str, device: &Device) -> Result<Self, PeerError> {
        let id: Id = random::<16>()?.into();
        let state = RoomState::new(name, device.body.account(), random::<32>()?.into());
        let group = client(device).create_group_with_id(
            id.to_vec(),
            state.to_extensions()?,
            LeafData::default().to_extensions()?,
            None,
        )?;
        Ok(Self { id, device: device.clone(), group })
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

    /// Commits and merges at once: tests decide who wins a race.
    pub fn commit(&mut self, change: Change, chain: Chain) -> Result<Handshake, PeerError> {
        let entry = self.commit_as_it_is(change)?;
        self.handshake(entry, chain)
    }

    /// Commits and merges, and does not look at it. Gives the sealed commit.
    pub fn commit_as_it_is(&mut self, change: Change) -> Result<Vec<u8>, PeerError> {
        let (epoch, handshake_secret) = (self.epoch(), self.secrets()?.handshake);
        let mut builder = self
            .group
            .commit_builder()
            .authenticated_data(change.authenticated_data)
            .raw_proposals(change.proposals);
        if let Some(state) = change.state {
            builder = builder.set_group_context_ext(state.to_extensions()?)?;
        }
        if let Some(extensions) = change.leaf_extensions {
            builder = builder.set_leaf_node_extensions(extensions);
        }
        if let Some(device) = change.device {
            builder = builder.set_new_signing_identity(secret_key(&device), signing_identity(&device));
            self.device = device;
        }
        let output = builder.build()?;
        self.group.apply_pending_commit()?;
        seal_commit(&handshake_secret, &self.id, epoch, &output.commit_message)
    }

    /// Opens, judges and follows another's commit. If it is refused, the room stays as it is.
    pub fn follow(&mut self, entry: &[u8], registered_access_key: &[u8; 32]) -> Result<(), PeerError> {
        let before = self.view()?;
        let secret = self.secrets()?.handshake;
        let (_, content) = entry::open(&secret, Kind::Handshake, &self.id, before.epoch, entry)?;
        let message = MlsMessage::from_bytes(&content)?;
        rules::check_message(&message)?;
        let mut next = self.clone();
        let ReceivedMessage::Commit(commit) = next.group.process_incoming_message(message)? else {
            return Err(PeerError::Forbidden("handshake that is no commit"));
        };
        let commit = Commit {
            is_external: commit.is_external,
            committer: commit.committer,
            authenticated_data: &commit.authenticated_data,
        };
        rules::judge(&before, &next.view()?, &commit)?;
        if next.secrets()?.access_key() != *registered_access_key {
            return Err(PeerError::Forbidden("registered access key"));
        }
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
            content: crate::encoding::encode(&Content::text(text)?)?.into(),
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
        doors(&self.id, self.epoch(), &self.state()?, &self.roster()?, &self.secrets()?)
    }

    /// What goes to the relay with the commit that began the current epoch.
    fn handshake(&self, entry: Vec<u8>, chain: Chain) -> Result<Handshake, PeerError> {
        let secrets = self.secrets()?;
        let card = Card {
            epoch: self.epoch(),
            group_info: self.group.group_info_message_allowing_ext_commit(true)?.to_bytes()?.into(),
            handshake: secrets.handshake.into(),
            join: secrets.join.into(),
            chain,
        };
        Ok(Handshake {
            entry,
            access_key: secrets.access_key(),
            join_key: secrets.join_key(),
            card: card.seal(&card_key(&secrets.wrap)?, &self.id)?,
            doors: self.doors()?,
        })
    }

    fn view(&self) -> Result<View, PeerError> {
        Ok(View { room: self.id, epoch: self.epoch(), state: self.state()?, roster: self.roster()? })
    }
}

fn seal_commit(
    secret: &[u8; 32],
    room: &Id,
    left_epoch: u64,
    commit: &MlsMessage,
) -> Result<Vec<u8>, PeerError> {
    entry::seal(secret, Kind::Handshake, room, Header::fresh(left_epoch)?, &commit.to_bytes()?)
}
