//! OPAQUE with given randomness, and room tokens.

use super::{AUTHORITY, Area, Change, Reader, Refused, With, hex, relay, relay_id, relay_keys};
use opaque_ke::{
    CipherSuite, CredentialFinalization, CredentialRequest, Identifiers, RegistrationRequest,
    RegistrationUpload, Ristretto255, ServerLogin, ServerLoginParameters, ServerRegistration, ServerSetup,
    TripleDh, ksf::Identity,
};
use serde_json::{Value, json};
use sotto_crypto::{
    account::{Password, Username},
    testing::{Script, log_in, password_key_secret, register, room_token_request, stretched},
};
use sotto_protocol::account::{EvaluatedRoomToken, RelayId, RelayKeys, login_context};
use voprf::{BlindedElement, Group as _};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[
    ("registration response", read_registration),
    ("KE2", read_ke2),
    ("evaluated room token", read_evaluated),
];

const USERNAME: &str = "ada";
const PASSWORD: &str = "correct horse battery staple";

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("login", "Login; The account API");
    stretching(&mut area);
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

fn ada() -> Username {
    Username::parse(USERNAME).unwrap()
}

/// Whose password it is, as the reader knows it.
fn account(with: &With<'_>) -> Result<(RelayId, Username), Refused> {
    Ok((RelayId::new(with.array("relay id")), Username::parse(with.text("username"))?))
}

fn stretching(area: &mut Area) {
    for (name, typed) in [("ada", USERNAME), ("a name in another script", "\u{674e}\u{5c0f}\u{9f99}")] {
        let username = Username::parse(typed).unwrap();
        let (salt, output) = stretched(&relay_id(), &username, [0x92; 64]).unwrap();
        area.value(
            &format!("salt and stretching for {name}"),
            json!({
                "relay id": hex(relay_id().as_bytes()), "username": username.as_str(), "64 bytes": hex([0x92; 64]),
            }),
            json!({ "salt": hex(salt), "stretched": hex(output) }),
        );
    }
    area.value(
        "the context of a login",
        json!({ "authority": "Relay.EXAMPLE:8443" }),
        json!({ "context": hex(login_context("Relay.EXAMPLE:8443")) }),
    );
}

fn registration_response(request: &[u8]) -> Vec<u8> {
    let request = RegistrationRequest::deserialize(request).unwrap();
    let response = ServerRegistration::<Relay>::start(&setup(), request, &IDENTIFIER).unwrap();
    response.message.serialize().to_vec()
}

fn read_registration(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let password = Password::new(with.text("password"))?;
    let randomness = drawn(with.array("blind"), &[&with.bytes("envelope nonce")]);
    let (relay, username) = account(with)?;
    let mut request = Vec::new();
    let registered = register(&password, (&relay, &username), &randomness, |asked| {
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
    let (relay, username) = account(with)?;
    let mut request = Vec::new();
    let login = log_in(&password, (&relay, with.text("authority"), &username), &randomness, |asked| {
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
    let (context, relay) = (login_context(AUTHORITY), relay_id());
    // What an unknown name would be answered with is always drawn first.
    let randomness = [&[0; 64][..], &[0x84; 32], &[0x85; 32], &[0x86; 32]].concat();
    let upload = RegistrationUpload::deserialize(record).unwrap();
    let started = ServerLogin::start(
        &mut Script::new(&randomness),
        &setup(),
        Some(ServerRegistration::<Relay>::finish(upload)),
        CredentialRequest::deserialize(ke1).unwrap(),
        &IDENTIFIER,
        parameters(&context, &relay),
    )
    .unwrap();
    (started.message.serialize().to_vec(), started.state)
}

fn parameters<'a>(context: &'a [u8], relay: &'a RelayId) -> ServerLoginParameters<'a, 'a> {
    let identifiers = Identifiers { client: None, server: Some(relay.as_bytes()) };
    ServerLoginParameters { context: Some(context), identifiers }
}

fn opaque(area: &mut Area) {
    let password = Password::new(PASSWORD).unwrap();
    let relay = json!({
        "OPRF seed": hex([0x81; 64]), "relay's private key": hex(scalar(0x82)), "credential identifier": hex(IDENTIFIER),
    });
    let with = json!({
        "password": PASSWORD, "relay id": hex(relay_id().as_bytes()), "username": USERNAME,
        "blind": hex(scalar(0x87)), "envelope nonce": hex([0x88; 32]),
    });
    let mut response = Vec::new();
    let randomness = drawn(scalar(0x87), &[&[0x88; 32]]);
    let registered = register(&password, (&relay_id(), &ada()), &randomness, |request| {
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
        "password": PASSWORD, "relay id": hex(relay_id().as_bytes()), "authority": AUTHORITY, "username": USERNAME,
        "blind": hex(scalar(0x89)),
        "client keyshare seed": hex([0x8a; 32]), "client nonce": hex([0x8b; 32]),
    });
    let randomness = drawn(scalar(0x89), &[&[0x8a; 32], &[0x8b; 32]]);
    let mut answered = None;
    let login = log_in(&password, (&relay_id(), AUTHORITY, &ada()), &randomness, |ke1| {
        let (ke2, state) = logs_in(record, ke1);
        answered = Some((ke2.clone(), state));
        ke2
    })
    .unwrap();
    let (ke2, state) = answered.unwrap();
    // The relay takes KE3.
    let finalization = CredentialFinalization::deserialize(&login.confirmation).unwrap();
    state.finish(finalization, parameters(&login_context(AUTHORITY), &relay_id())).unwrap();
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
    area.refuse_with(NAME, "authority", "other.example", "it was passed on under another address");
    area.refuse_with(NAME, "relay id", hex([0x93; 32]), "the password was set at another relay");
    area.refuse_with(NAME, "username", "adam", "another name, and so another salt");
}

fn read_evaluated(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let relay = RelayKeys { signing: relay_keys().signing, tokens: with.array("key of room tokens") };
    let period = with.number("period") as u32;
    let request = room_token_request(relay, period, with.array("nonce"), &drawn(with.array("blind"), &[]))?;
    let answer: EvaluatedRoomToken = sotto_protocol::decode(bytes)?;
    let token = request.finish(&answer)?;
    Ok(json!({ "blinded": hex(request.call().blinded), "room-token": hex(sotto_protocol::encode(&token)) }))
}

/// The public part of a token's evaluation.
fn info(period: u32) -> Vec<u8> {
    [&b"sotto/1 room token period"[..], &period.to_be_bytes()].concat()
}

/// The relay's half, with a key from that seed, in that period.
fn evaluated(seed: u8, period: u32, blinded: &[u8]) -> EvaluatedRoomToken {
    let blinded = BlindedElement::deserialize(blinded).unwrap();
    let scalar = drawn(scalar(0x8f), &[]);
    let mut randomness = Script::new(&scalar);
    let evaluated =
        relay::tokens(seed).blind_evaluate(&mut randomness, &blinded, Some(&info(period))).unwrap();
    EvaluatedRoomToken {
        evaluated: evaluated.message.serialize().as_slice().try_into().unwrap(),
        proof: evaluated.proof.serialize().as_slice().try_into().unwrap(),
    }
}

fn room_token(area: &mut Area) {
    const NAME: &str = "evaluated room token";
    const PERIOD: u32 = 656;
    let tokens = relay_keys().tokens;
    let with = json!({
        "period": PERIOD, "key of room tokens": hex(tokens), "nonce": hex([0x8d; 32]), "blind": hex(scalar(0x8e)),
    });
    let request = room_token_request(relay_keys(), PERIOD, [0x8d; 32], &drawn(scalar(0x8e), &[])).unwrap();
    let blinded = request.call().blinded;
    let answer = evaluated(0x8c, PERIOD, &blinded);
    let bytes = sotto_protocol::encode(&answer);
    area.value(
        "the relay's half of a room token",
        json!({
            "seed of the key of room tokens": hex([0x8c; 32]), "period": PERIOD, "blinded": hex(blinded),
            "scalar of the proof": hex(scalar(0x8f)),
        }),
        json!({
            "key of room tokens": hex(tokens), "info": hex(info(PERIOD)), "evaluated, proof": hex(&bytes),
        }),
    );
    let token = request.finish(&answer).unwrap();
    // What the relay computes of the nonce when the token is used.
    let output = relay::tokens(0x8c).evaluate(&[0x8d; 32], Some(&info(PERIOD))).unwrap();
    assert_eq!(output.as_slice(), token.output);
    area.value(
        "the relay checks a room token",
        json!({ "seed of the key of room tokens": hex([0x8c; 32]), "period": PERIOD, "nonce": hex([0x8d; 32]) }),
        json!({ "output": hex(output) }),
    );
    let gives = json!({ "blinded": hex(blinded), "room-token": hex(sotto_protocol::encode(&token)) });
    area.read(NAME, NAME, with, &bytes, gives);
    area.refuse_damaged(NAME, &[(10, "the evaluated element"), (bytes.len() - 1, "the proof")]);
    area.refuse_with(NAME, "key of room tokens", hex(relay::keys(0x8b, 0x8d).tokens), "another relay's key");
    area.refuse_with(NAME, "period", PERIOD + 1, "another period");
    area.refuse_with(NAME, "blind", hex(scalar(0x90)), "the answer to another request");
    let mut other = |answer: EvaluatedRoomToken, why: &str| {
        area.refuse_bytes(NAME, &sotto_protocol::encode(&answer), why);
    };
    let own = evaluated(0x8d, PERIOD, &blinded);
    other(own, "evaluated with a key for this account alone");
    other(EvaluatedRoomToken { proof: answer.proof, ..own }, "the proof is of another evaluation");
    other(evaluated(0x8c, PERIOD + 1, &blinded), "evaluated for another period");
    other(EvaluatedRoomToken { evaluated: [0xff; 32], ..answer }, "not an element of the group");
}
