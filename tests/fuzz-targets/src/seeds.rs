//! Real encodings for every target: what the committed seeds are made of.

use crate::{
    account, attachment, client, conversation, edits, identity, links, login, message, pairing, protocol,
    room, status, typed, vault, ways_in, websocket,
};

/// Real inputs of a target.
///
/// # Panics
/// Where the target has none: every target needs them, or fuzzing begins from nothing.
#[must_use]
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let edited = |count| (0..count).map(|index| edits::unchanged(index).to_vec()).collect();
    let encode_all = |frames: Vec<_>| frames.iter().map(sotto_protocol::encode).collect();
    let [state, proof, roster, handshake] = room::real();
    match target {
        "archive" | "attachment_blob" | "attachment_snapshot" => edited(2),
        "attachment_chunk" => attachment::real_chunks(),
        "attachment_ref" => attachment::real_references(),
        "capsule" => vec![vec![0, 1], vec![1, 1]],
        "card" | "commit" => edited(2),
        "certificate" => vec![identity::real().0],
        "certificate_body" => vec![identity::real().1],
        "client_address" => client::real_addresses(),
        "client_session" => client::real_sessions(),
        "client_store" => client::real_stores(),
        "client_frame" => encode_all(protocol::client_frames()),
        "committed" | "login_response" | "opened_record" | "registration_response" => edited(1),
        "conversation" => conversation::real_talks(),
        "content" => goldens(include_str!("../../../crypto/tests/goldens/content-v1.hex")),
        "direct_invite" | "direct_invite_body" | "pairing_grant" => edited(1),
        "entry" | "entry_header" => vec![message::real_entry()],
        "handshake" => vec![handshake],
        "invite_link" => vec![ways_in::real_link().0, ways_in::real_link().1],
        "join_by_anyone" => vec![room::real_join(1), room::real_join(2)],
        "join_proof" => vec![proof],
        "links" => links::real_texts(),
        "leave_statement" => vec![room::real_statements()[1].clone()],
        "message_body" => vec![message::real_body()],
        "padding" => vec![message::real_padded()],
        "pairing" => pairing::real_messages(),
        "pins" => goldens(include_str!("../../../crypto/tests/goldens/pins-v1.hex")),
        "public_key" => vec![ways_in::real_public_key()],
        "relay_frame" => protocol::relay_frames().iter().map(sotto_protocol::encode).collect(),
        "record" => edited(1),
        "record_contents" => login::real_contents(),
        "rewind" => vec![room::real_statements()[0].clone()],
        "room_state" => vec![state],
        "roster" => vec![roster],
        "safety_code" => edited(2),
        "sealed_record" => goldens(include_str!("../../../crypto/tests/goldens/sealed-record-v1.hex")),
        "status" => edited(1),
        "status_body" => vec![status::real_body()],
        "storage_value" => vec![account::stored()],
        "stored_join" | "stored_room" => edited(1),
        "typed_code" => typed::real_codes(),
        "typed_name" => typed::real_names(),
        "vault_contents" => vault::real_contents(),
        "vault_label" => vault::real_labels(),
        "vault_value" => edited(1),
        "websocket" => websocket::real_frames(),
        "vault_index" => goldens(include_str!("../../../crypto/tests/goldens/vault-v1.hex")),
        "wrap" => vec![ways_in::real_wrap()],
        unknown => panic!("{unknown} has no real encodings: add them to `seeds::of`"),
    }
}

/// Golden bytes as real inputs: a value a line where lines have names, else one value.
fn goldens(text: &str) -> Vec<Vec<u8>> {
    let lines = || text.lines().filter(|line| !line.starts_with('#'));
    let named: Vec<_> =
        lines().filter_map(|line| line.split_once(" = ")).map(|(_, hex)| unhex(hex)).collect();
    if named.is_empty() { vec![unhex(&lines().collect::<String>())] } else { named }
}

fn unhex(hex: &str) -> Vec<u8> {
    let pair =
        |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("is ASCII"), 16).expect("is hex");
    hex.trim().as_bytes().chunks(2).map(pair).collect()
}

/// A real input, cut in the middle, and with one bit flipped in each quarter: with the ending of the name of each.
#[must_use]
pub fn variants(real: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut variants = vec![("", real.to_vec()), ("-cut", real[..real.len() / 2].to_vec())];
    for (quarter, ending) in ["-flip-1", "-flip-2", "-flip-3", "-flip-4"].into_iter().enumerate() {
        let mut flipped = real.to_vec();
        if let Some(byte) = flipped.get_mut(real.len() * quarter / 4) {
            *byte ^= 1 << quarter;
            variants.push((ending, flipped));
        }
    }
    variants
}
