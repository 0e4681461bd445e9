//! A peer: MLS's own application messages, by `openmls` with its stock provider.

use openmls::prelude::{
    BasicCredential, Capabilities, Ciphersuite, CredentialWithKey, KeyPackage, KeyPackageBundle, MlsGroup,
    MlsGroupCreateConfig, MlsGroupJoinConfig, MlsMessageBodyIn, MlsMessageIn, ProtocolMessage, StagedWelcome,
    tls_codec::{DeserializeBytes as _, Serialize as _},
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use sotto_benchmarks::{messages::TEXT_BYTES, meter::Meter};
use std::cell::RefCell;

struct Member {
    provider: OpenMlsRustCrypto,
    signer: SignatureKeyPair,
    credential: CredentialWithKey,
    suite: Ciphersuite,
}

/// Creates and processes the same text in a group of `size`; each message is processed once, in order.
pub fn measure(
    meter: &mut impl Meter,
    name: &str,
    suite: Ciphersuite,
    size: usize,
) -> (Option<f64>, Option<f64>) {
    let (sender, receiver) = (Member::new(suite), Member::new(suite));
    let (from, mut to) = group_of(&sender, &receiver, size);
    let from = RefCell::new(from);
    let text = vec![b'x'; TEXT_BYTES];
    let create = || {
        let message = from.borrow_mut().create_message(&sender.provider, &sender.signer, &text).unwrap();
        message.tls_serialize_detached().unwrap()
    };
    let title = |what: &str| format!("openmls, {size} members, {name}: {what}");
    // Processing first: a receiver follows a sender's ratchet only so far.
    let open = meter.quick_with(&title("process"), create, |bytes| {
        to.process_message(&receiver.provider, read(&bytes)).unwrap()
    });
    let seal = meter.quick(&title("create"), create);
    (seal, open)
}

/// A group as its maker has it, and as one of the others.
fn group_of(maker: &Member, other: &Member, size: usize) -> (MlsGroup, MlsGroup) {
    let config = MlsGroupCreateConfig::builder()
        .ciphersuite(maker.suite)
        .capabilities(maker.capabilities())
        .use_ratchet_tree_extension(true)
        .build();
    let mut group = MlsGroup::new(&maker.provider, &maker.signer, &config, maker.credential.clone()).unwrap();
    let mut packages = vec![other.key_package()];
    packages.extend((2..size).map(|_| Member::new(maker.suite).key_package()));
    let packages: Vec<KeyPackage> = packages.iter().map(|bundle| bundle.key_package().clone()).collect();
    let (_, welcome, _) = group.add_members(&maker.provider, &maker.signer, &packages).unwrap();
    group.merge_pending_commit(&maker.provider).unwrap();
    let bytes = welcome.tls_serialize_detached().unwrap();
    let MlsMessageBodyIn::Welcome(welcome) =
        MlsMessageIn::tls_deserialize_exact_bytes(&bytes).unwrap().extract()
    else {
        unreachable!("a welcome");
    };
    let joined =
        StagedWelcome::new_from_welcome(&other.provider, &MlsGroupJoinConfig::default(), welcome, None)
            .unwrap()
            .into_group(&other.provider)
            .unwrap();
    (group, joined)
}

fn read(bytes: &[u8]) -> ProtocolMessage {
    MlsMessageIn::tls_deserialize_exact_bytes(bytes).unwrap().try_into_protocol_message().unwrap()
}

impl Member {
    fn new(suite: Ciphersuite) -> Self {
        let provider = OpenMlsRustCrypto::default();
        let signer = SignatureKeyPair::new(suite.signature_algorithm()).unwrap();
        let credential = CredentialWithKey {
            credential: BasicCredential::new(b"member".to_vec()).into(),
            signature_key: signer.to_public_vec().into(),
        };
        Self { provider, signer, credential, suite }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new(None, Some(&[self.suite]), None, None, None)
    }

    fn key_package(&self) -> KeyPackageBundle {
        KeyPackage::builder()
            .leaf_node_capabilities(self.capabilities())
            .build(self.suite, &self.provider, &self.signer, self.credential.clone())
            .unwrap()
    }
}
