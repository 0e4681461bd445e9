//! Our MLS provider against the stock one (`openmls_rust_crypto`), which stands on other crates (its HPKE is `hpke-rs`, its
//! generation of the primitives the one before), in both directions and both suites of Sotto's rooms.

use crate::stock::{Stock, labeled};
use openmls::{
    framing::{MlsMessageBodyIn, MlsMessageIn, ProcessedMessageContent, ProtocolMessage},
    group::{GroupId, MlsGroup, MlsGroupJoinConfig, PURE_PLAINTEXT_WIRE_FORMAT_POLICY},
    prelude::{
        BasicCredential, Capabilities, Ciphersuite, CredentialWithKey, LeafNodeIndex, LeafNodeParameters,
        tls_codec::{DeserializeBytes as _, Serialize as _},
    },
};
use openmls_traits::{
    OpenMlsProvider,
    crypto::OpenMlsCrypto as _,
    types::{AeadType, HashType, HpkeAeadType, HpkeConfig, HpkeKdfType, HpkeKemType, SignatureScheme},
};
use sotto_crypto::{
    DeviceKey,
    testing::{CLASSICAL, HYBRID, Provider},
};

const SUITES: [Ciphersuite; 2] = [HYBRID, CLASSICAL];

/// A device in a group, on one of the two providers.
struct Member<P> {
    provider: P,
    group: MlsGroup,
    device: DeviceKey,
}

fn credential(device: &DeviceKey) -> CredentialWithKey {
    CredentialWithKey {
        credential: BasicCredential::new(b"who".to_vec()).into(),
        signature_key: device.public().to_vec().into(),
    }
}

fn capabilities(suite: Ciphersuite) -> Capabilities {
    Capabilities::builder().ciphersuites(vec![suite]).build()
}

impl<P: OpenMlsProvider + Default> Member<P> {
    fn creates(suite: Ciphersuite) -> Self {
        let (provider, device) = (P::default(), DeviceKey::generate().unwrap());
        let group = MlsGroup::builder()
            .with_group_id(GroupId::from_slice(b"group"))
            .ciphersuite(suite)
            .with_capabilities(capabilities(suite))
            .with_wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .use_ratchet_tree_extension(true)
            .build(&provider, &device, credential(&device))
            .unwrap();
        Self { provider, group, device }
    }

    fn group_info(&self) -> Vec<u8> {
        let info = self.group.export_group_info(self.provider.crypto(), &self.device, true).unwrap();
        info.tls_serialize_detached().unwrap()
    }

    /// Joins by an external commit; gives the commit for the others.
    fn joins(suite: Ciphersuite, group_info: &[u8]) -> (Self, Vec<u8>) {
        let (provider, device) = (P::default(), DeviceKey::generate().unwrap());
        let message = MlsMessageIn::tls_deserialize_exact_bytes(group_info).unwrap();
        let MlsMessageBodyIn::GroupInfo(group_info) = message.extract() else { panic!("is a GroupInfo") };
        let config = MlsGroupJoinConfig::builder()
            .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .use_ratchet_tree_extension(true)
            .build();
        let leaf = LeafNodeParameters::builder().with_capabilities(capabilities(suite)).build();
        let (group, bundle) = MlsGroup::external_commit_builder()
            .with_config(config)
            .build_group(&provider, group_info, credential(&device))
            .unwrap()
            .leaf_node_parameters(leaf)
            .load_psks(provider.storage())
            .unwrap()
            .build(provider.rand(), provider.crypto(), &device, |_| true)
            .unwrap()
            .finalize(&provider)
            .unwrap();
        let commit = bundle.commit().tls_serialize_detached().unwrap();
        (Self { provider, group, device }, commit)
    }

    /// Commits new keys, and the removal of a leaf where one is named.
    fn commits(&mut self, removed: Option<LeafNodeIndex>) -> Vec<u8> {
        let bundle = self
            .group
            .commit_builder()
            .force_self_update(true)
            .propose_removals(removed)
            .load_psks(self.provider.storage())
            .unwrap()
            .build(self.provider.rand(), self.provider.crypto(), &self.device, |_| true)
            .unwrap()
            .stage_commit(&self.provider)
            .unwrap();
        let commit = bundle.commit().tls_serialize_detached().unwrap();
        self.group.merge_pending_commit(&self.provider).unwrap();
        commit
    }

    fn receives(&mut self, commit: &[u8]) {
        let message = MlsMessageIn::tls_deserialize_exact_bytes(commit).unwrap();
        let MlsMessageBodyIn::PublicMessage(message) = message.extract() else {
            panic!("is a PublicMessage")
        };
        let processed = self.group.process_message(&self.provider, ProtocolMessage::from(message)).unwrap();
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            panic!("is a commit")
        };
        self.group.merge_staged_commit(&self.provider, *staged).unwrap();
    }

    fn exported(&self) -> Vec<u8> {
        self.group.export_secret(self.provider.crypto(), "sotto/1 message", b"", 32).unwrap()
    }
}

/// All that two devices of one epoch must have in common.
fn agree<A: OpenMlsProvider + Default, B: OpenMlsProvider + Default>(one: &Member<A>, other: &Member<B>) {
    assert_eq!(one.group.epoch(), other.group.epoch());
    assert_eq!(one.exported(), other.exported());
    assert_eq!(one.group.epoch_authenticator().as_slice(), other.group.epoch_authenticator().as_slice());
    assert_eq!(
        one.group.public_group().group_context().tree_hash(),
        other.group.public_group().group_context().tree_hash()
    );
}

fn live_together<A: OpenMlsProvider + Default, B: OpenMlsProvider + Default>(suite: Ciphersuite) {
    let mut first = Member::<A>::creates(suite);
    let (mut second, join) = Member::<B>::joins(suite, &first.group_info());
    first.receives(&join);
    agree(&first, &second);

    // The third comes in by the second's GroupInfo, so that each provider reads one of the other's.
    let (mut third, join) = Member::<A>::joins(suite, &second.group_info());
    first.receives(&join);
    second.receives(&join);
    agree(&first, &second);
    agree(&second, &third);

    let mut seen = vec![first.exported()];
    for _ in 0..2 {
        let commit = first.commits(None);
        second.receives(&commit);
        third.receives(&commit);
        agree(&first, &second);
        let commit = second.commits(None);
        first.receives(&commit);
        third.receives(&commit);
        agree(&first, &second);
        agree(&second, &third);
        assert!(!seen.contains(&first.exported()), "each epoch has its own secrets");
        seen.push(first.exported());
    }
    let commit = second.commits(Some(third.group.own_leaf_index()));
    first.receives(&commit);
    agree(&first, &second);
    assert_ne!(first.exported(), third.exported());
}

#[test]
fn groups_of_both_providers_agree_whoever_makes_them() {
    for suite in SUITES {
        live_together::<Provider, Stock>(suite);
        live_together::<Stock, Provider>(suite);
    }
}

fn hpke_of(suite: Ciphersuite) -> HpkeConfig {
    match suite {
        HYBRID => HpkeConfig(HpkeKemType::XWingKemDraft6, HpkeKdfType::HkdfSha384, HpkeAeadType::AesGcm256),
        _ => HpkeConfig(HpkeKemType::DhKem25519, HpkeKdfType::HkdfSha256, HpkeAeadType::AesGcm128),
    }
}

/// X25519 ignores five bits of a private key, which one crate keeps as they are and the other sets.
fn clamp(suite: Ciphersuite, private: &[u8]) -> Vec<u8> {
    let mut private = private.to_vec();
    if suite == CLASSICAL {
        private[0] &= 248;
        private[31] = (private[31] & 127) | 64;
    }
    private
}

fn seal_from_one_to_the_other<A: OpenMlsProvider + Default, B: OpenMlsProvider + Default>(
    suite: Ciphersuite,
) {
    let (sender, receiver, config) = (A::default(), B::default(), || hpke_of(suite));
    let (sender, receiver) = (sender.crypto(), receiver.crypto());
    let ikm = [0x42; 32];
    let key = receiver.derive_hpke_keypair(config(), &ikm).unwrap();
    let same = sender.derive_hpke_keypair(config(), &ikm).unwrap();
    assert_eq!(key.public, same.public);
    assert_eq!(clamp(suite, &key.private), clamp(suite, &same.private));

    let sealed = sender.hpke_seal(config(), &key.public, b"info", b"aad", b"plaintext").unwrap();
    assert_eq!(receiver.hpke_open(config(), &sealed, &key.private, b"info", b"aad").unwrap(), b"plaintext");
    assert!(receiver.hpke_open(config(), &sealed, &key.private, b"Info", b"aad").is_err());
    assert!(receiver.hpke_open(config(), &sealed, &key.private, b"info", b"Aad").is_err());

    let (encapsulated, sent) =
        sender.hpke_setup_sender_and_export(config(), &key.public, b"info", b"context", 48).unwrap();
    let received = receiver
        .hpke_setup_receiver_and_export(config(), &encapsulated, &key.private, b"info", b"context", 48)
        .unwrap();
    assert_eq!((sent.len(), &*sent), (48, &*received));
}

#[test]
fn what_one_provider_seals_by_hpke_the_other_opens() {
    for suite in SUITES {
        seal_from_one_to_the_other::<Provider, Stock>(suite);
        seal_from_one_to_the_other::<Stock, Provider>(suite);
    }
}

/// If this fails, the stock provider has gone over to draft-ietf-hpke-pq, and `stock` is not needed any more.
#[test]
fn the_untouched_stock_provider_still_derives_key_pairs_in_the_older_way() {
    let (ours, stock) = (Provider::default(), openmls_rust_crypto::OpenMlsRustCrypto::default());
    let derive = |ikm: &[u8]| stock.crypto().derive_hpke_keypair(hpke_of(HYBRID), ikm).unwrap().public;
    let expected = ours.crypto().derive_hpke_keypair(hpke_of(HYBRID), b"ikm").unwrap().public;
    assert_ne!(derive(b"ikm"), expected);
    assert_eq!(derive(&labeled(b"ikm")), expected);
}

#[test]
fn the_primitives_of_both_providers_give_the_same() {
    let (ours, stock) = (Provider::default(), Stock::default());
    let (ours, stock) = (ours.crypto(), stock.crypto());
    for hash in [HashType::Sha2_256, HashType::Sha2_384, HashType::Sha2_512] {
        assert_eq!(ours.hash(hash, b"data").unwrap(), stock.hash(hash, b"data").unwrap());
        assert_eq!(ours.hmac(hash, b"key", b"data").unwrap(), stock.hmac(hash, b"key", b"data").unwrap());
        let prk = ours.hkdf_extract(hash, b"salt", b"ikm").unwrap();
        assert_eq!(prk, stock.hkdf_extract(hash, b"salt", b"ikm").unwrap());
        let expanded = ours.hkdf_expand(hash, prk.as_slice(), b"info", 77).unwrap();
        assert_eq!(expanded, stock.hkdf_expand(hash, prk.as_slice(), b"info", 77).unwrap());
    }
    for (algorithm, key) in [(AeadType::Aes128Gcm, vec![1; 16]), (AeadType::Aes256Gcm, vec![1; 32])] {
        let sealed = ours.aead_encrypt(algorithm, &key, b"text", &[2; 12], b"aad").unwrap();
        assert_eq!(sealed, stock.aead_encrypt(algorithm, &key, b"text", &[2; 12], b"aad").unwrap());
        assert_eq!(ours.aead_decrypt(algorithm, &key, &sealed, &[2; 12], b"aad").unwrap(), b"text");
        assert!(ours.aead_decrypt(algorithm, &key, &sealed, &[3; 12], b"aad").is_err());
    }
    let (private, public) = stock.signature_key_gen(SignatureScheme::ED25519).unwrap();
    let signature = stock.sign(SignatureScheme::ED25519, b"statement", &private).unwrap();
    ours.verify_signature(SignatureScheme::ED25519, b"statement", &public, &signature).unwrap();
    let (private, public) = ours.signature_key_gen(SignatureScheme::ED25519).unwrap();
    let signature = ours.sign(SignatureScheme::ED25519, b"statement", &private).unwrap();
    stock.verify_signature(SignatureScheme::ED25519, b"statement", &public, &signature).unwrap();
}
