//! One group's MLS state, in memory, saved and loaded as one value.
//!
//! Values are postcard, but for the join configuration (CBOR: it needs a self-describing format). Every value is wiped
//! when it is replaced or dropped. Standalone proposals, key packages and PSKs do not occur in Sotto's rooms (`docs/PROTOCOL.md`);
//! they are stored all the same, as the trait demands.

use core::cell::RefCell;
use minicbor::{Decode, Encode};
use openmls_traits::storage::{CURRENT_VERSION as V, StorageProvider, traits};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The version of the saved form.
const FORMAT: u8 = 1;

/// A value that cannot be written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored MLS state is damaged or of another version")]
pub struct StateError;

/// What a value is. Stored: never renumbered.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Slot {
    JoinConfig = 1,
    OwnLeafNodes = 2,
    Proposals = 3,
    Tree = 4,
    InterimTranscriptHash = 5,
    Context = 6,
    ConfirmationTag = 7,
    GroupState = 8,
    MessageSecrets = 9,
    ResumptionPsks = 10,
    OwnLeafIndex = 11,
    EpochSecrets = 12,
    SignatureKeyPair = 13,
    EncryptionKeyPair = 14,
    EpochKeyPairs = 15,
    KeyPackage = 16,
    Psk = 17,
}

type Values = BTreeMap<Vec<u8>, Zeroizing<Vec<u8>>>;

/// One group's state.
#[derive(Default)]
pub struct GroupState {
    values: RefCell<Values>,
}

#[derive(Encode, Decode)]
struct Saved {
    #[n(0)]
    format: u8,
    #[n(1)]
    values: Vec<SavedValue>,
}

#[derive(Encode, Decode)]
struct SavedValue(
    #[cbor(n(0), with = "minicbor::bytes")] Vec<u8>,
    #[cbor(n(1), with = "crate::secret::bytes")] Zeroizing<Vec<u8>>,
);

impl GroupState {
    /// The state as one value.
    pub fn save(&self) -> Result<Zeroizing<Vec<u8>>, StateError> {
        let values = self.values.try_borrow().map_err(|_| StateError)?;
        let length = values.iter().map(|(key, value)| key.len() + value.len() + 16).sum::<usize>() + 16;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        let mut encoder = minicbor::Encoder::new(&mut *bytes);
        let ok = (|| {
            encoder.array(2)?.u8(FORMAT)?.array(values.len() as u64)?;
            for (key, value) in values.iter() {
                encoder.array(2)?.bytes(key)?.bytes(value)?;
            }
            Ok::<_, minicbor::encode::Error<core::convert::Infallible>>(())
        })();
        ok.map_err(|_| StateError)?;
        Ok(bytes)
    }

    /// Reads what [`GroupState::save`] wrote.
    pub fn load(bytes: &[u8]) -> Result<Self, StateError> {
        let saved: Saved = minicbor::decode(bytes).map_err(|_| StateError)?;
        if saved.format != FORMAT {
            return Err(StateError);
        }
        let values = saved.values.into_iter().map(|SavedValue(key, value)| (key, value)).collect();
        Ok(Self { values: RefCell::new(values) })
    }

    fn key(slot: Slot, key: &impl Serialize) -> Result<Vec<u8>, StateError> {
        let mut bytes = vec![slot as u8];
        bytes.extend(postcard::to_allocvec(key).map_err(|_| StateError)?);
        Ok(bytes)
    }

    fn write(&self, slot: Slot, key: &impl Serialize, value: &impl Serialize) -> Result<(), StateError> {
        let value = match slot {
            Slot::JoinConfig => minicbor_serde::to_vec(value).map_err(|_| StateError)?,
            _ => postcard::to_allocvec(value).map_err(|_| StateError)?,
        };
        let mut values = self.values.try_borrow_mut().map_err(|_| StateError)?;
        values.insert(Self::key(slot, key)?, Zeroizing::new(value));
        Ok(())
    }

    fn read<T: DeserializeOwned>(&self, slot: Slot, key: &impl Serialize) -> Result<Option<T>, StateError> {
        let values = self.values.try_borrow().map_err(|_| StateError)?;
        let Some(value) = values.get(&Self::key(slot, key)?) else { return Ok(None) };
        match slot {
            Slot::JoinConfig => minicbor_serde::from_slice(value).map(Some).map_err(|_| StateError),
            _ => postcard::from_bytes(value).map(Some).map_err(|_| StateError),
        }
    }

    fn read_list<T: DeserializeOwned>(&self, slot: Slot, key: &impl Serialize) -> Result<Vec<T>, StateError> {
        let items: Option<Vec<Zeroizing<Vec<u8>>>> = self.read(slot, key)?;
        let decode = |item: Zeroizing<Vec<u8>>| postcard::from_bytes(&item).map_err(|_| StateError);
        items.unwrap_or_default().into_iter().map(decode).collect()
    }

    fn append(&self, slot: Slot, key: &impl Serialize, item: &impl Serialize) -> Result<(), StateError> {
        let mut items: Vec<Zeroizing<Vec<u8>>> = self.read(slot, key)?.unwrap_or_default();
        items.push(Zeroizing::new(postcard::to_allocvec(item).map_err(|_| StateError)?));
        self.write(slot, key, &items)
    }

    fn delete(&self, slot: Slot, key: &impl Serialize) -> Result<(), StateError> {
        let mut values = self.values.try_borrow_mut().map_err(|_| StateError)?;
        values.remove(&Self::key(slot, key)?);
        Ok(())
    }
}

/// Writes a trait method that stores one value under one key.
macro_rules! writer {
    ($method:ident, $slot:ident, $key:ident, $value:ident) => {
        fn $method<K: traits::$key<V>, T: traits::$value<V>>(
            &self,
            key: &K,
            value: &T,
        ) -> Result<(), StateError> {
            self.write(Slot::$slot, key, value)
        }
    };
}

/// Writes a trait method that reads one value; the trait names key and value in either order.
macro_rules! reader {
    ($method:ident, $slot:ident, $key:ident, $value:ident) => {
        fn $method<K: traits::$key<V>, T: traits::$value<V>>(
            &self,
            key: &K,
        ) -> Result<Option<T>, StateError> {
            self.read(Slot::$slot, key)
        }
    };
    ($method:ident, $slot:ident, $key:ident, $value:ident, value_first) => {
        fn $method<T: traits::$value<V>, K: traits::$key<V>>(
            &self,
            key: &K,
        ) -> Result<Option<T>, StateError> {
            self.read(Slot::$slot, key)
        }
    };
}

/// Writes a trait method that removes the value under a key.
macro_rules! deleter {
    ($method:ident, $slot:ident, $key:ident) => {
        fn $method<K: traits::$key<V>>(&self, key: &K) -> Result<(), StateError> {
            self.delete(Slot::$slot, key)
        }
    };
}

impl StorageProvider<V> for GroupState {
    type Error = StateError;

    writer!(write_mls_join_config, JoinConfig, GroupId, MlsGroupJoinConfig);
    writer!(write_tree, Tree, GroupId, TreeSync);
    writer!(write_interim_transcript_hash, InterimTranscriptHash, GroupId, InterimTranscriptHash);
    writer!(write_context, Context, GroupId, GroupContext);
    writer!(write_confirmation_tag, ConfirmationTag, GroupId, ConfirmationTag);
    writer!(write_message_secrets, MessageSecrets, GroupId, MessageSecrets);
    writer!(write_resumption_psk_store, ResumptionPsks, GroupId, ResumptionPskStore);
    writer!(write_own_leaf_index, OwnLeafIndex, GroupId, LeafNodeIndex);
    writer!(write_group_epoch_secrets, EpochSecrets, GroupId, GroupEpochSecrets);
    writer!(write_signature_key_pair, SignatureKeyPair, SignaturePublicKey, SignatureKeyPair);
    writer!(write_encryption_key_pair, EncryptionKeyPair, EncryptionKey, HpkeKeyPair);
    writer!(write_key_package, KeyPackage, HashReference, KeyPackage);
    writer!(write_psk, Psk, PskId, PskBundle);

    fn write_group_state<T: traits::GroupState<V>, K: traits::GroupId<V>>(
        &self,
        key: &K,
        value: &T,
    ) -> Result<(), StateError> {
        self.write(Slot::GroupState, key, value)
    }

    reader!(mls_group_join_config, JoinConfig, GroupId, MlsGroupJoinConfig);
    reader!(tree, Tree, GroupId, TreeSync);
    reader!(group_context, Context, GroupId, GroupContext);
    reader!(interim_transcript_hash, InterimTranscriptHash, GroupId, InterimTranscriptHash);
    reader!(confirmation_tag, ConfirmationTag, GroupId, ConfirmationTag);
    reader!(group_state, GroupState, GroupId, GroupState, value_first);
    reader!(message_secrets, MessageSecrets, GroupId, MessageSecrets);
    reader!(resumption_psk_store, ResumptionPsks, GroupId, ResumptionPskStore);
    reader!(own_leaf_index, OwnLeafIndex, GroupId, LeafNodeIndex);
    reader!(group_epoch_secrets, EpochSecrets, GroupId, GroupEpochSecrets);
    reader!(signature_key_pair, SignatureKeyPair, SignaturePublicKey, SignatureKeyPair);
    reader!(encryption_key_pair, EncryptionKeyPair, EncryptionKey, HpkeKeyPair, value_first);
    reader!(key_package, KeyPackage, HashReference, KeyPackage);
    reader!(psk, Psk, PskId, PskBundle, value_first);

    deleter!(delete_group_config, JoinConfig, GroupId);
    deleter!(delete_own_leaf_nodes, OwnLeafNodes, GroupId);
    deleter!(delete_tree, Tree, GroupId);
    deleter!(delete_confirmation_tag, ConfirmationTag, GroupId);
    deleter!(delete_group_state, GroupState, GroupId);
    deleter!(delete_context, Context, GroupId);
    deleter!(delete_interim_transcript_hash, InterimTranscriptHash, GroupId);
    deleter!(delete_message_secrets, MessageSecrets, GroupId);
    deleter!(delete_all_resumption_psk_secrets, ResumptionPsks, GroupId);
    deleter!(delete_own_leaf_index, OwnLeafIndex, GroupId);
    deleter!(delete_group_epoch_secrets, EpochSecrets, GroupId);
    deleter!(delete_signature_key_pair, SignatureKeyPair, SignaturePublicKey);
    deleter!(delete_encryption_key_pair, EncryptionKeyPair, EncryptionKey);
    deleter!(delete_key_package, KeyPackage, HashReference);
    deleter!(delete_psk, Psk, PskId);

    fn append_own_leaf_node<K: traits::GroupId<V>, T: traits::LeafNode<V>>(
        &self,
        key: &K,
        leaf: &T,
    ) -> Result<(), StateError> {
        self.append(Slot::OwnLeafNodes, key, leaf)
    }

    fn own_leaf_nodes<K: traits::GroupId<V>, T: traits::LeafNode<V>>(
        &self,
        key: &K,
    ) -> Result<Vec<T>, StateError> {
        self.read_list(Slot::OwnLeafNodes, key)
    }

    fn queue_proposal<K: traits::GroupId<V>, R: traits::ProposalRef<V>, P: traits::QueuedProposal<V>>(
        &self,
        key: &K,
        reference: &R,
        proposal: &P,
    ) -> Result<(), StateError> {
        self.append(Slot::Proposals, key, &(reference, proposal))
    }

    fn queued_proposal_refs<K: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        key: &K,
    ) -> Result<Vec<R>, StateError> {
        // The reference comes first, and postcard stops reading where the type ends.
        let items: Vec<Zeroizing<Vec<u8>>> = self.read(Slot::Proposals, key)?.unwrap_or_default();
        let reference =
            |item: Zeroizing<Vec<u8>>| postcard::take_from_bytes(&item).map(|(reference, _)| reference);
        items.into_iter().map(reference).collect::<Result<_, _>>().map_err(|_| StateError)
    }

    fn queued_proposals<K: traits::GroupId<V>, R: traits::ProposalRef<V>, P: traits::QueuedProposal<V>>(
        &self,
        key: &K,
    ) -> Result<Vec<(R, P)>, StateError> {
        self.read_list(Slot::Proposals, key)
    }

    fn remove_proposal<K: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        key: &K,
        reference: &R,
    ) -> Result<(), StateError> {
        let reference = postcard::to_allocvec(reference).map_err(|_| StateError)?;
        let mut items: Vec<Zeroizing<Vec<u8>>> = self.read(Slot::Proposals, key)?.unwrap_or_default();
        items.retain(|item| !item.starts_with(&reference));
        self.write(Slot::Proposals, key, &items)
    }

    fn clear_proposal_queue<K: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        key: &K,
    ) -> Result<(), StateError> {
        self.delete(Slot::Proposals, key)
    }

    fn write_encryption_epoch_key_pairs<
        K: traits::GroupId<V>,
        E: traits::EpochKey<V>,
        P: traits::HpkeKeyPair<V>,
    >(
        &self,
        key: &K,
        epoch: &E,
        leaf_index: u32,
        key_pairs: &[P],
    ) -> Result<(), StateError> {
        self.write(Slot::EpochKeyPairs, &(key, epoch, leaf_index), &key_pairs)
    }

    fn encryption_epoch_key_pairs<
        K: traits::GroupId<V>,
        E: traits::EpochKey<V>,
        P: traits::HpkeKeyPair<V>,
    >(
        &self,
        key: &K,
        epoch: &E,
        leaf_index: u32,
    ) -> Result<Vec<P>, StateError> {
        Ok(self.read(Slot::EpochKeyPairs, &(key, epoch, leaf_index))?.unwrap_or_default())
    }

    fn delete_encryption_epoch_key_pairs<K: traits::GroupId<V>, E: traits::EpochKey<V>>(
        &self,
        key: &K,
        epoch: &E,
        leaf_index: u32,
    ) -> Result<(), StateError> {
        self.delete(Slot::EpochKeyPairs, &(key, epoch, leaf_index))
    }
}
