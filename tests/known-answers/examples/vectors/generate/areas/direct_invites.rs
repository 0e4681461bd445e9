//! Direct invites.

use super::{
    ADA, Area, CLEO, Change, NOW_MS, Person, Reader, Refused, With, diagnostic, encapsulation, hex, secret,
};
use serde_json::{Value, json};
use sotto_crypto::{
    account::{InviteRecipient, open_direct_invite},
    testing::{WrapKey, account_keys, seal_direct_invite_seeded, seal_to},
};
use sotto_protocol::entry_hash;

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[("direct invite", read_invite)];

const LINK: &[u8] = b"https://relay.example/join#fragment";
const INFO: &[u8] = b"sotto/1 direct invite";

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("direct-invites", "Direct invites");
    invites(&mut area);
    area
}

fn read_invite(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let older = with.list("older recovery seeds");
    let previous = older.iter().map(|seed| {
        sotto_crypto::Secret::new(hex::decode(seed.0.as_str().unwrap()).unwrap().try_into().unwrap())
    });
    let recovery = (with.secret("recovery seed"), 1, previous.collect());
    let keys = account_keys(&with.secret("identity seed"), recovery, secret(0), secret(0));
    let invite = open_direct_invite(&keys, bytes)?;
    Ok(json!({
        "link": hex(&*invite.link), "sender's certificate": hex(invite.sender.as_bytes()), "sent at": invite.sent_at_ms,
    }))
}

fn seal(sender: &Person, signer: &Person, to: &Person) -> Vec<u8> {
    let recovery_public = to.recovery_public().unwrap();
    let recipient =
        InviteRecipient { account: to.certificate().account(), recovery_public: &recovery_public };
    let (device, certificate) = (signer.device(), sender.certificate());
    seal_direct_invite_seeded(LINK, (&device, &certificate), recipient, NOW_MS, &secret(0x57)).unwrap()
}

/// What is sealed, padding included, and its additional data.
fn inside(to: &Person, sealed: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let hash = entry_hash(&to.recovery_public().unwrap());
    let aad = [&[1][..], &hash].concat();
    let key = WrapKey::from_seed(&secret(to.recovery.unwrap()));
    (key.open_bytes(INFO, &aad, &sealed[1..]).unwrap().to_vec(), aad)
}

fn invites(area: &mut Area) {
    const NAME: &str = "a direct invite";
    let sealed = seal(&ADA, &ADA, &CLEO);
    let (padded, aad) = inside(&CLEO, &sealed);
    let length = u32::from_be_bytes(padded[..4].try_into().unwrap()) as usize;
    let signed = &padded[4..4 + length];
    let mut decoder = minicbor::Decoder::new(signed);
    decoder.array().unwrap();
    let (body, signature) = (decoder.bytes().unwrap(), decoder.bytes().unwrap());
    area.value(
        "the sealing of a direct invite",
        json!({
            "link": hex(LINK), "sender": ADA.to_json(), "recipient": CLEO.to_json(), "sent at": NOW_MS,
            "encapsulation randomness": hex(encapsulation(0x57)),
        }),
        json!({
            "body": hex(body), "shows": diagnostic(body), "signature": hex(signature), "signed": hex(signed),
            "additional data": hex(&aad), "direct invite": hex(&sealed),
        }),
    );
    let with = |recovery: u8, older: &[u8]| {
        let older: Vec<_> = older.iter().map(|seed| hex([*seed; 32])).collect();
        json!({
            "identity seed": hex([CLEO.identity; 32]), "recovery seed": hex([recovery; 32]),
            "older recovery seeds": older,
        })
    };
    let gives = json!({
        "link": hex(LINK), "sender's certificate": hex(ADA.certificate().as_bytes()), "sent at": NOW_MS,
    });
    area.read(NAME, "direct invite", with(0x61, &[]), &sealed, gives.clone());
    let older = "a direct invite to an older recovery key";
    area.read(older, "direct invite", with(0x7c, &[0x7d, 0x61]), &sealed, gives);
    area.refuse_changed(NAME, Change::Xor(0, 3), "a later version");
    area.refuse_damaged(NAME, &[(10, "the encapsulated key"), (1122, "the ciphertext")]);
    area.refuse_with(NAME, "recovery seed", hex([0x7c; 32]), "another recovery key");
    area.refuse_with(NAME, "identity seed", hex([ADA.identity; 32]), "the recipient is another account");
    area.refuse_bytes(
        NAME,
        &seal(&ADA, &CLEO, &CLEO),
        "the certificate is one's, and another one's device signed",
    );
    let public = CLEO.recovery_public().unwrap();
    let mut again = |padded: &[u8], why: &str| {
        let sealed = seal_to(&public, INFO, &aad, padded, &secret(0x57)).unwrap();
        area.refuse_bytes(NAME, &[&[1][..], &sealed].concat(), why);
    };
    let (for_ada, _) = inside(&ADA, &seal(&ADA, &ADA, &ADA));
    again(&for_ada, "an invite for somebody else is sealed on");
    let mut changed = padded.clone();
    changed[20] ^= 1;
    again(&changed, "the link was changed after it was signed");
    changed = padded.clone();
    changed[4095] = 1;
    again(&changed, "padding that is not zero");
    changed = padded.clone();
    changed[..4].copy_from_slice(&4093_u32.to_be_bytes());
    again(&changed, "a length beyond the end");
    again(&[&padded[..], &[0]].concat(), "another length than that of all invites");
}
