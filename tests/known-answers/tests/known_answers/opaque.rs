//! OPAQUE (`opaque-ke`), RFC 9807 appendix C: both real vectors over ristretto255, message by message, on both sides.
//!
//! Sotto's own suite differs in its key stretching alone (Argon2id instead of the vectors' identity).

use crate::{
    replay::Replay,
    vectors::{Vector, parse},
};
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration,
    ClientRegistrationFinishParameters, CredentialFinalization, CredentialRequest, CredentialResponse,
    Identifiers, RegistrationRequest, RegistrationResponse, RegistrationUpload, Ristretto255, ServerLogin,
    ServerLoginParameters, ServerRegistration, ServerSetup, TripleDh, ksf::Identity,
};

struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2_010::Sha512>;
    type Ksf = Identity;
}

/// A blind as this implementation draws it: 64 bytes, reduced modulo the group's order.
fn blind(vector: &Vector, name: &str) -> Vec<u8> {
    let mut blind = vector.bytes(name);
    blind.resize(64, 0);
    blind
}

fn setup(vector: &Vector) -> ServerSetup<Suite> {
    // The last part is the public key that unknown accounts are answered with; any does.
    let parts = ["oprf_seed", "server_private_key", "server_public_key"].map(|name| vector.bytes(name));
    ServerSetup::deserialize(&parts.concat()).unwrap()
}

struct Ids(Option<Vec<u8>>, Option<Vec<u8>>);

impl Ids {
    fn of(vector: &Vector) -> Self {
        Self(vector.get("client_identity"), vector.get("server_identity"))
    }

    fn get(&self) -> Identifiers<'_> {
        Identifiers { client: self.0.as_deref(), server: self.1.as_deref() }
    }
}

fn registers(vector: &Vector) {
    let (ids, password) = (Ids::of(vector), vector.bytes("password"));
    let mut randomness = Replay::new(&[&blind(vector, "blind_registration")]);
    let start = ClientRegistration::<Suite>::start(&mut randomness, &password).unwrap();
    assert_eq!(start.message.serialize().as_slice(), vector.bytes("registration_request"));

    let request = RegistrationRequest::deserialize(&vector.bytes("registration_request")).unwrap();
    let identifier = vector.bytes("credential_identifier");
    let response = ServerRegistration::<Suite>::start(&setup(vector), request, &identifier).unwrap();
    assert_eq!(response.message.serialize().as_slice(), vector.bytes("registration_response"));

    let response = RegistrationResponse::deserialize(&vector.bytes("registration_response")).unwrap();
    let mut randomness = Replay::new(&[&vector.bytes("envelope_nonce")]);
    let parameters = ClientRegistrationFinishParameters::new(ids.get(), None);
    let finish = start.state.finish(&mut randomness, &password, response, parameters).unwrap();
    assert_eq!(finish.message.serialize().as_slice(), vector.bytes("registration_upload"));
    assert_eq!(finish.export_key.as_slice(), vector.bytes("export_key"));
}

fn logs_in(vector: &Vector) {
    let (ids, password, context) = (Ids::of(vector), vector.bytes("password"), vector.bytes("Context"));
    let mut randomness = Replay::new(&[
        &blind(vector, "blind_login"),
        &vector.bytes("client_keyshare_seed"),
        &vector.bytes("client_nonce"),
    ]);
    let client = ClientLogin::<Suite>::start(&mut randomness, &password).unwrap();
    assert_eq!(client.message.serialize().as_slice(), vector.bytes("KE1"));

    let upload = RegistrationUpload::deserialize(&vector.bytes("registration_upload")).unwrap();
    // What an unknown account would be answered with is always drawn first, so that time tells nothing.
    let mut randomness = Replay::new(&[
        &[0; 64],
        &vector.bytes("masking_nonce"),
        &vector.bytes("server_keyshare_seed"),
        &vector.bytes("server_nonce"),
    ]);
    let parameters = || ServerLoginParameters { context: Some(&context), identifiers: ids.get() };
    let server = ServerLogin::start(
        &mut randomness,
        &setup(vector),
        Some(ServerRegistration::<Suite>::finish(upload)),
        CredentialRequest::deserialize(&vector.bytes("KE1")).unwrap(),
        &vector.bytes("credential_identifier"),
        parameters(),
    )
    .unwrap();
    assert_eq!(server.message.serialize().as_slice(), vector.bytes("KE2"));

    let response = CredentialResponse::deserialize(&vector.bytes("KE2")).unwrap();
    let finish_parameters = ClientLoginFinishParameters::new(Some(&context), ids.get(), None);
    let mut none = Replay::new(&[]);
    let finish = client.state.finish(&mut none, &password, response, finish_parameters).unwrap();
    assert_eq!(finish.message.serialize().as_slice(), vector.bytes("KE3"));
    assert_eq!(finish.session_key.as_slice(), vector.bytes("session_key"));
    assert_eq!(finish.export_key.as_slice(), vector.bytes("export_key"));

    let finalization = CredentialFinalization::deserialize(&vector.bytes("KE3")).unwrap();
    let finished = server.state.finish(finalization, parameters()).unwrap();
    assert_eq!(finished.session_key.as_slice(), vector.bytes("session_key"));
}

#[test]
fn rfc_9807_registration_and_login() {
    let vectors = parse(include_str!("../../data/opaque-rfc9807.txt"));
    assert_eq!(vectors.len(), 2);
    for vector in &vectors {
        registers(vector);
        logs_in(vector);
    }
}
