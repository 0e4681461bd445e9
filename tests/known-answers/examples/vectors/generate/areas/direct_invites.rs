//! Direct invites.

use super::{
    ADA, Area, CLEO, Change, NOW_MS, Person, Reader, Refused, With, diagnostic, encapsulation, hex, secret,
};
use serde_json::{Value, json};
use sotto_crypto::{
    account::{AccountKeys, InviteRecipient, SeenInvites, Taken, open_direct_invite},
    testing::{WrapKey, account_keys, seal_direct_invite_seeded, seal_to},
};
use sotto_protocol::entry_hash;

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[("direct invite", read_invite), ("seen-invites", read_seen)];

const LINK: &[u8] = b"https://relay.example/join#fragment";
const INFO: &[u8] = b"sotto/1 direct invite";

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("direct-invites", "Direct invites");
    invites(&mut area);
    taken(&mut area);
    area
}

fn read_invite(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let older = with.list("older recovery seeds");
    let previous = older.iter().map(|seed| {
        sotto_crypto::Secret::new(hex::decode(seed.0.as_str().unwrap()).unwrap().try_into().unwrap())
    });
    let recovery = (with.secret("recovery seed"), 1, previous.collect());
    let keys = account_keys(&with.secret("identity seed"), recovery, secret(0), secret(0), 1);
    let invite = open_direct_invite(&keys.recovery_keys_alone(), bytes)?;
    Ok(json!({
        "invite id": hex(invite.id), "link": hex(&*invite.link), "sender's certificate": hex(invite.sender.as_bytes()), "sent at": invite.sent_at_ms,
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
    let id = &entry_hash(&[b"sotto/1 direct invite id", body].concat())[..16];
    let gives = json!({
        "invite id": hex(id), "link": hex(LINK), "sender's certificate": hex(ADA.certificate().as_bytes()), "sent at": NOW_MS,
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

/// What the account remembers, and what it says to an invite that comes.
fn read_seen(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let mut seen = SeenInvites::from_bytes(bytes)?;
    let invite = open_direct_invite(&cleo().recovery_keys_alone(), &with.bytes("direct invite"))?;
    let finding = match seen.take(&invite, with.number("now")) {
        Taken::New => "new",
        Taken::Repeated => "repeated",
        Taken::TooOldToTell => "perhaps repeated",
    };
    Ok(
        json!({ "the invite is": finding, "SHA-256 of seen-invites afterwards": hex(entry_hash(&seen.to_bytes())) }),
    )
}

fn cleo() -> AccountKeys {
    CLEO.keys()
}

/// Remembered invites, as bytes: each id of one byte with its time, and the time of the latest forgotten one.
fn seen(version: u8, items: &[(&[u8], u64)], forgotten: Option<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut bytes);
    encoder.map(2 + u64::from(forgotten.is_some())).unwrap();
    encoder.u8(0).unwrap().u8(version).unwrap().u8(1).unwrap().array(items.len() as u64).unwrap();
    for (id, sent) in items {
        encoder.array(2).unwrap().bytes(id).unwrap().u64(*sent).unwrap();
    }
    if let Some(forgotten) = forgotten {
        encoder.u8(2).unwrap().u64(forgotten).unwrap();
    }
    bytes
}

fn taken(area: &mut Area) {
    const NAME: &str = "invites that were taken, and one that is new";
    let invite = seal(&ADA, &ADA, &CLEO);
    let id = open_direct_invite(&cleo().recovery_keys_alone(), &invite).unwrap().id;
    let with = json!({
        "direct invite": hex(&invite), "its recipient": CLEO.to_json(), "now": NOW_MS - 86_400_000,
    });
    let (low, high) = ([0x00; 16], [0xff; 16]);
    let one_of = |forgotten| seen(1, &[(&low, NOW_MS - 5), (&high, NOW_MS + 5)], forgotten);
    let with_it = seen(1, &[(&low, NOW_MS - 5), (&id, NOW_MS), (&high, NOW_MS + 5)], None);
    let full: Vec<_> =
        (0..1024_u64).map(|at| ([&[0; 8][..], &at.to_be_bytes()].concat(), NOW_MS - 2000 + at)).collect();
    let full: Vec<_> = full.iter().map(|(id, sent)| (id.as_slice(), *sent)).collect();
    let cases = [
        (NAME, one_of(Some(NOW_MS - 10)), "new"),
        ("invites that were taken, and one of them again", with_it, "repeated"),
        (
            "invites that were taken, and one sent when a forgotten one was",
            one_of(Some(NOW_MS)),
            "perhaps repeated",
        ),
        ("1,024 invites that were taken, and one more", seen(1, &full, None), "new"),
    ];
    for (name, bytes, finding) in cases {
        let gives = read_seen(&With(&with), &bytes).unwrap();
        assert_eq!(gives["the invite is"], finding);
        area.read(name, "seen-invites", with.clone(), &bytes, gives);
    }
    let mut refuse = |bytes: &[u8], why: &str| area.refuse_bytes(NAME, bytes, why);
    refuse(&seen(2, &[], None), "a later version");
    refuse(&seen(1, &[(&high, 1), (&low, 1)], None), "ids that do not ascend");
    refuse(&seen(1, &[(&low, 1), (&low, 2)], None), "an id twice");
    refuse(&seen(1, &[(&[0; 15], 1)], None), "an id of 15 bytes");
    let last = [0xee; 16];
    refuse(&seen(1, &[&full[..], &[(&last, 1)]].concat(), None), "more than 1,024");
    area.refuse_changed(NAME, Change::Cut(1), "the last byte is missing");
    area.refuse_changed(NAME, Change::Append(&[0]), "a byte follows");
}
