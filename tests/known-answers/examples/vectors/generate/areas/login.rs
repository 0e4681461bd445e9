//! OPAQUE with given randomness, and room tokens.

use super::{Area, Change, Reader, Refused, With, hex};
use opaque_ke::{
    CipherSuite, CredentialFinalization, CredentialRequest, Identifiers, RegistrationRequest,
    RegistrationUpload, Ristretto255, ServerLogin, ServerLoginParameters, ServerRegistration, ServerSetup,
    TripleDh, ksf::Identity,
};
use serde_json::{Value, json};
use sotto_crypto::{
    account::{OPAQUE_CONTEXT, Password},
    testing::{Script, log_in, password_key_secret, register, room_token_request},
};
use sotto_protocol::account::{EvaluatedRoomToken, RoomPolicy};
use voprf::{BlindedElement, Group as _, VoprfServer};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[
    ("registration response", read_registration),
    ("KE2", read_ke2),
    ("evaluated room token", read_evaluated),
];

const AUTHORITY: &str = "relay.example:8443";
const PASSWORD: &str = "correct horse battery staple";

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("login", "Login; The account API");
    opaque(&mut area);
    room_token(&mut area);
    area
}

/// The relay's half stretches nothing.
struct Relay;

impl CipherSuite for Relay {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2_010::Sha512>;
    type Ksf = Identity;
}

/// A scalar of one byte, little-endian.
fn scalar(byte: u8) -> [u8; 32] {
    let mut scalar = [0; 32];
    scalar[0] = byte;
    scalar
}

/// The relay: OPRF seed, private key and the public key for names that it does not know.
fn setup() -> ServerSetup<Relay> {
    let dummy = Ristretto255::serialize_elem(Ristretto255::base_elem());
    ServerSetup::deserialize(&[&[0x81; 64][..], &scalar(0x82), &dummy].concat()).unwrap()
}

/// What the credential identifier is, the relay alone knows: of a name it is an HMAC.
const IDENTIFIER: [u8; 32] = [0x83; 32];

/// A scalar is drawn as 64 bytes and reduced.
fn drawn(scalar: [u8; 32], others: &[&[u8]]) -> Vec<u8> {
    [&scalar[..], &[0; 32], &others.concat()].concat()
}

fn registration_response(request: &[u8]) -> Vec<u8> {
    let request = RegistrationRequest::deserialize(request).unwrap();
    let response = ServerRegistration::<Relay>::start(&setup(), request, &IDENTIFIER).unwrap();
    response.message.serialize().to_vec()
}

fn read_registration(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let password = Password::new(with.text("password"))?;
    let randomness = drawn(with.array("blind"), &[&with.bytes("envelope nonce")]);
    let mut request = Vec::new();
    let registered = register(&password, with.text("authority"), &randomness, |asked| {
        request = asked.to_vec();
        bytes.to_vec()
    })?;
    Ok(json!({
        "registration request": hex(request), "registration record": hex(&registered.record),
        "password key": hex(password_key_secret(&registered.password_key).expose()),
    }))
}

fn read_ke2(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let password = Password::new(with.text("password"))?;
    let others = [with.bytes("client keyshare seed"), with.bytes("client nonce")];
    let randomness = drawn(with.array("blind"), &[&others[0], &others[1]]);
    let mut request = Vec::new();
    let login = log_in(&password, with.text("authority"), &randomness, |asked| {
        request = asked.to_vec();
        bytes.to_vec()
    })?;
    Ok(json!({
        "KE1": hex(request), "KE3": hex(&login.confirmation), "session key": hex(login.session_key.expose()),
        "password key": hex(password_key_secret(&login.password_key).expose()),
    }))
}

/// KE2, and what the relay says to KE3.
fn logs_in(record: &[u8], ke1: &[u8]) -> (Vec<u8>, ServerLogin<Relay>) {
    // What an unknown name would be answered with is always drawn first.
    let randomness = [&[0; 64][..], &[0x84; 32], &[0x85; 32], &[0x86; 32]].concat();
    let upload = RegistrationUpload::deserialize(record).unwrap();
    let started = ServerLogin::start(
        &mut Script::new(&randomness),
        &setup(),
        Some(ServerRegistration::<Relay>::finish(upload)),
        CredentialRequest::deserialize(ke1).unwrap(),
        &IDENTIFIER,
        parameters(),
    )
    .unwrap();
    (started.message.serialize().to_vec(), started.state)
}

fn parameters() -> ServerLoginParameters<'static, 'static> {
    let identifiers = Identifiers { client: None, server: Some(AUTHORITY.as_bytes()) };
    ServerLoginParameters { context: Some(OPAQUE_CONTEXT), identifiers }
}

fn opaque(area: &mut Area) {
    let password = Password::new(PASSWORD).unwrap();
    let relay = json!({
        "OPRF seed": hex([0x81; 64]), "relay's private key": hex(scalar(0x82)), "credential identifier": hex(IDENTIFIER),
    });
    let with = json!({
        "password": PASSWORD, "authority": AUTHORITY, "blind": hex(scalar(0x87)), "envelope nonce": hex([0x88; 32]),
    });
    let mut response = Vec::new();
    let randomness = drawn(scalar(0x87), &[&[0x88; 32]]);
    let registered = register(&password, AUTHORITY, &randomness, |request| {
        response = registration_response(request);
        response.clone()
    })
    .unwrap();
    let gives = read_registration(&With(&with), &response).unwrap();
    assert_eq!(gives["registration record"], hex(&registered.record));
    area.value("the relay of these messages", relay, json!({ "registration response": hex(&response) }));
    area.read("registration response", "registration response", with, &response, gives);
    area.refuse_changed("registration response", Change::Cut(1), "the last byte is missing");
    area.refuse_changed("registration response", Change::Append(&[0]), "a byte follows");
    let not_a_point = [&[0xff; 32][..], &response[32..]].concat();
    area.refuse_bytes("registration response", &not_a_point, "not an element of the group");
    logging_in(area, &registered.record);
}

fn logging_in(area: &mut Area, record: &[u8]) {
    const NAME: &str = "KE2";
    let password = Password::new(PASSWORD).unwrap();
    let with = json!({
        "password": PASSWORD, "authority": AUTHORITY, "blind": hex(scalar(0x89)),
        "client keyshare seed": hex([0x8a; 32]), "client nonce": hex([0x8b; 32]),
    });
    let randomness = drawn(scalar(0x89), &[&[0x8a; 32], &[0x8b; 32]]);
    let mut answered = None;
    let login = log_in(&password, AUTHORITY, &randomness, |ke1| {
        let (ke2, state) = logs_in(record, ke1);
        answered = Some((ke2.clone(), state));
        ke2
    })
    .unwrap();
    let (ke2, state) = answered.unwrap();
    // The relay takes KE3.
    state.finish(CredentialFinalization::deserialize(&login.confirmation).unwrap(), parameters()).unwrap();
    let from = json!({
        "masking nonce": hex([0x84; 32]), "server keyshare seed": hex([0x85; 32]), "server nonce": hex([0x86; 32]),
    });
    area.value("the relay's randomness of a login", from, json!({ "KE2": hex(&ke2) }));
    let gives = json!({
        "KE1": read_ke2(&With(&with), &ke2).unwrap()["KE1"], "KE3": hex(&login.confirmation),
        "session key": hex(login.session_key.expose()),
        "password key": hex(password_key_secret(&login.password_key).expose()),
    });
    area.read(NAME, "KE2", with, &ke2, gives);
    area.refuse_damaged(NAME, &[(70, "the masked response"), (300, "the relay's MAC")]);
    area.refuse_with(NAME, "password", "correct horse battery stable", "another password");
    area.refuse_with(NAME, "authority", "other.example", "it was passed on under another relay's name");
}

fn policy(period: u32) -> (RoomPolicy, VoprfServer<Ristretto255>) {
    let info = [&b"sotto/1 room token key"[..], &period.to_be_bytes()].concat();
    let server = VoprfServer::<Ristretto255>::new_from_seed(&[0x8c; 32], &info).unwrap();
    let public_key = Ristretto255::serialize_elem(server.get_public_key()).as_slice().try_into().unwrap();
    (RoomPolicy { takes_token: true, period, public_key }, server)
}

fn read_evaluated(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let policy = RoomPolicy {
        takes_token: true,
        period: with.number("period") as u32,
        public_key: with.array("relay's public key"),
    };
    let request = room_token_request(policy, with.array("nonce"), &drawn(with.array("blind"), &[]))?;
    let answer: EvaluatedRoomToken = sotto_protocol::decode(bytes)?;
    let token = request.finish(&answer)?;
    Ok(json!({ "blinded": hex(request.call().blinded), "room-token": hex(sotto_protocol::encode(&token)) }))
}

fn room_token(area: &mut Area) {
    const NAME: &str = "evaluated room token";
    let (policy, server) = policy(656);
    let with = json!({
        "period": 656, "relay's public key": hex(policy.public_key), "nonce": hex([0x8d; 32]), "blind": hex(scalar(0x8e)),
    });
    let request = room_token_request(policy, [0x8d; 32], &drawn(scalar(0x8e), &[])).unwrap();
    let blinded = BlindedElement::deserialize(&request.call().blinded).unwrap();
    let evaluated = server.blind_evaluate(&mut Script::new(&drawn(scalar(0x8f), &[])), &blinded);
    let answer = EvaluatedRoomToken {
        evaluated: evaluated.message.serialize().as_slice().try_into().unwrap(),
        proof: evaluated.proof.serialize().as_slice().try_into().unwrap(),
    };
    let bytes = sotto_protocol::encode(&answer);
    area.value(
        "the relay's half of a room token",
        json!({ "seed": hex([0x8c; 32]), "period": 656, "blinded": hex(request.call().blinded), "scalar of the proof": hex(scalar(0x8f)) }),
        json!({ "public key": hex(policy.public_key), "evaluated, proof": hex(&bytes) }),
    );
    let gives = json!({
        "blinded": hex(request.call().blinded),
        "room-token": hex(sotto_protocol::encode(&request.finish(&answer).unwrap())),
    });
    area.read(NAME, NAME, with, &bytes, gives);
    area.refuse_damaged(NAME, &[(bytes.len() - 1, "the proof")]);
    let (other, _) = super::login::policy(657);
    area.refuse_with(
        NAME,
        "relay's public key",
        hex(other.public_key),
        "another key than everybody is given",
    );
    area.refuse_with(NAME, "blind", hex(scalar(0x90)), "the answer to another request");
}
