//! Direct invites: an invite link sealed to a person's recovery key, for their inbox. Anonymous outside, signed inside.
//!
//! ```text
//! direct invite = version (1) || HPKE(padded)      5,233 bytes, always
//!     info = "sotto/1 direct invite"; aad = version (1) || recipient's recovery key hash (32)
//! padded    = u32(len(signed)) || signed || zeros, 4,096 bytes
//! signed    = CBOR [body (bytes), signature (64 bytes)]
//! body      = CBOR map { 0: link, 1: sender's certificate, 2: sent at (ms since 1970) }
//! signature = Ed25519 by the sender's device key over label || recipient's account (16) || recovery key hash (32) || body
//! ```
//! The signature names the recipient: nobody can pass an invite on as if its sender had meant another.

use super::keys::RecoveryKeys;
use crate::{
    CryptoError, DeviceKey, Secret,
    identity::{AccountId, Certificate},
    labels, sign, wrap,
};
use core::fmt;
use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};
use sotto_protocol::limits::{DIRECT_INVITE_BYTES, DIRECT_INVITE_LINK_MAX_BYTES};
use zeroize::Zeroizing;

const FORMAT: u8 = 1;
const PADDED_BYTES: usize = 4096;
const _: () = assert!(DIRECT_INVITE_BYTES == 1 + PADDED_BYTES + wrap::OVERHEAD_BYTES);

/// To whom an invite is sealed.
#[derive(Clone, Copy)]
pub struct InviteRecipient<'a> {
    /// Their account.
    pub account: AccountId,
    /// Their recovery public key: 1,216 bytes, whose hash stands in their certificates.
    pub recovery_public: &'a [u8],
}

/// An invite that was opened. Its signature and its sender's certificate have been checked; whether the sender is who the
/// person thinks, pins and safety numbers tell.
#[derive(Clone, PartialEq, Eq)]
pub struct DirectInvite {
    /// Tells it apart from all others: put into the inbox again, it is still this one. See [`super::SeenInvites`].
    pub id: [u8; 16],
    /// The invite link, or its fragment: a secret.
    pub link: Zeroizing<Vec<u8>>,
    /// Who invites.
    pub sender: Certificate,
    /// When, in milliseconds since 1970, by the sender's clock.
    pub sent_at_ms: u64,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Body {
    #[cbor(n(0), with = "crate::secret::bytes")]
    link: Zeroizing<Vec<u8>>,
    #[cbor(n(1), with = "minicbor::bytes")]
    certificate: Vec<u8>,
    #[n(2)]
    sent_at_ms: u64,
}

#[derive(Encode, Decode)]
struct Signed(
    #[cbor(n(0), with = "crate::secret::bytes")] Zeroizing<Vec<u8>>,
    #[cbor(n(1), with = "minicbor::bytes")] [u8; 64],
);

/// Seals an invite link to a person.
///
/// # Errors
/// [`CryptoError::OverLimit`] where the link is too long, [`CryptoError::BadKey`], [`CryptoError::NoRandomness`].
pub fn seal_direct_invite(
    link: &[u8],
    sender: (&DeviceKey, &Certificate),
    recipient: InviteRecipient<'_>,
    sent_at_ms: u64,
) -> Result<Vec<u8>, CryptoError> {
    seal_seeded(link, sender, recipient, sent_at_ms, &Secret::random()?)
}

/// Opens an invite of the own inbox, with the recovery key that it was sealed to. The identity key is not needed.
///
/// # Errors
/// [`CryptoError::DoesNotOpen`] where no recovery key of the account opens it; [`CryptoError::BadSignature`],
/// [`CryptoError::Malformed`], [`CryptoError::NewerVersion`].
pub fn open_direct_invite(recovery: &RecoveryKeys, sealed: &[u8]) -> Result<DirectInvite, CryptoError> {
    let malformed = || CryptoError::Malformed("direct invite");
    let (format, sealed) = sealed.split_first().ok_or_else(malformed)?;
    if *format != FORMAT {
        return Err(CryptoError::NewerVersion);
    }
    if sealed.len() + 1 != DIRECT_INVITE_BYTES {
        return Err(malformed());
    }
    let opened = recovery.keys.iter().find_map(|recovery| {
        let hash = recovery.public_hash();
        let context = additional_data(&hash);
        let padded = recovery.wrap_key().open_bytes(labels::hpke::DIRECT_INVITE, &context, sealed).ok()?;
        Some((hash, padded))
    });
    let (hash, padded) = opened.ok_or(CryptoError::DoesNotOpen)?;
    let Signed(signed, signature) = sotto_protocol::decode(unpad(&padded)?).map_err(|_| malformed())?;
    let body: Body = sotto_protocol::decode(&signed).map_err(|_| malformed())?;
    if body.link.len() > DIRECT_INVITE_LINK_MAX_BYTES {
        return Err(malformed());
    }
    let sender = Certificate::verify(&body.certificate)?;
    sign::verify(sender.device_key(), &statement(recovery.account, &hash, &signed), &signature)?;
    Ok(DirectInvite { id: id_of(&signed), link: body.link, sender, sent_at_ms: body.sent_at_ms })
}

fn id_of(body: &[u8]) -> [u8; 16] {
    let digest: [u8; 32] =
        Sha256::new().chain_update(labels::hash::DIRECT_INVITE_ID).chain_update(body).finalize().into();
    let mut id = [0; 16];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    id
}

impl fmt::Debug for DirectInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectInvite").field("sender", &self.sender).finish_non_exhaustive()
    }
}

/// As [`seal_direct_invite`], with the randomness of the sealing from a seed that is used once.
pub(super) fn seal_seeded(
    link: &[u8],
    (device, certificate): (&DeviceKey, &Certificate),
    recipient: InviteRecipient<'_>,
    sent_at_ms: u64,
    seed: &Secret,
) -> Result<Vec<u8>, CryptoError> {
    if link.len() > DIRECT_INVITE_LINK_MAX_BYTES {
        return Err(CryptoError::OverLimit {
            what: "link",
            actual: link.len(),
            max: DIRECT_INVITE_LINK_MAX_BYTES,
        });
    }
    let hash: [u8; 32] = Sha256::digest(recipient.recovery_public).into();
    let link = Zeroizing::new(link.to_vec());
    let body = Body { link, certificate: certificate.as_bytes().to_vec(), sent_at_ms };
    let body = sotto_protocol::encode_secret(&body);
    let signature = device.sign(&statement(recipient.account, &hash, &body));
    let padded = pad(&sotto_protocol::encode_secret(&Signed(body, signature)))?;
    let context = additional_data(&hash);
    let sealed =
        wrap::seal_seeded(recipient.recovery_public, labels::hpke::DIRECT_INVITE, &context, &padded, seed)?;
    Ok([[FORMAT].as_slice(), &sealed].concat())
}

fn statement(recipient: AccountId, recovery_hash: &[u8; 32], body: &[u8]) -> Zeroizing<Vec<u8>> {
    let parts: [&[u8]; 4] = [labels::signature::DIRECT_INVITE, recipient.as_bytes(), recovery_hash, body];
    Zeroizing::new(parts.concat())
}

fn additional_data(recovery_hash: &[u8; 32]) -> Vec<u8> {
    [[FORMAT].as_slice(), recovery_hash].concat()
}

fn pad(content: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let length = u32::try_from(content.len()).map_err(|_| CryptoError::Malformed("direct invite"))?;
    let mut padded = Zeroizing::new(Vec::with_capacity(PADDED_BYTES));
    padded.extend_from_slice(&length.to_be_bytes());
    padded.extend_from_slice(content);
    if padded.len() > PADDED_BYTES {
        return Err(CryptoError::OverLimit {
            what: "direct invite",
            actual: padded.len(),
            max: PADDED_BYTES,
        });
    }
    padded.resize(PADDED_BYTES, 0);
    Ok(padded)
}

fn unpad(padded: &[u8]) -> Result<&[u8], CryptoError> {
    let malformed = || CryptoError::Malformed("padding");
    let (length, rest) = padded.split_first_chunk::<4>().ok_or_else(malformed)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| malformed())?;
    let (content, zeros) = rest.split_at_checked(length).ok_or_else(malformed)?;
    if zeros.iter().all(|byte| *byte == 0) { Ok(content) } else { Err(malformed()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::{AccountKeys, SeenInvites, Taken},
        golden,
        identity::IdentityKey,
    };

    const GOLDEN: &str = include_str!("../../tests/goldens/direct-invite-v1.hex");

    struct Person {
        keys: AccountKeys,
        device: DeviceKey,
        certificate: Certificate,
    }

    impl Person {
        fn new(name: &str) -> Self {
            let keys = AccountKeys::generate().unwrap();
            let device = DeviceKey::generate().unwrap();
            let certificate = keys.certify(device.public(), name, 1).unwrap();
            Self { keys, device, certificate }
        }

        fn invites(&self, other: &Self, link: &[u8]) -> Result<Vec<u8>, CryptoError> {
            let recovery_public = other.keys.recovery().public();
            let recipient =
                InviteRecipient { account: other.keys.account(), recovery_public: &recovery_public };
            seal_direct_invite(link, (&self.device, &self.certificate), recipient, 5)
        }
    }

    #[test]
    fn the_recipient_alone_opens_it_and_knows_who_invites() {
        let (ada, bob, eve) = (Person::new("Ada"), Person::new("Bob"), Person::new("Eve"));
        let sealed = ada.invites(&bob, b"link").unwrap();
        let invite = open_direct_invite(&bob.keys.recovery_keys_alone(), &sealed).unwrap();
        assert_eq!((invite.link.as_slice(), invite.sent_at_ms), (&b"link"[..], 5));
        assert_eq!(invite.sender, ada.certificate);
        assert_eq!(
            open_direct_invite(&eve.keys.recovery_keys_alone(), &sealed),
            Err(CryptoError::DoesNotOpen)
        );
        assert_eq!(format!("{invite:?}").matches("link").count(), 0);
    }

    #[test]
    fn all_sizes_are_equal_and_nothing_outside_tells_the_sender() {
        let (ada, bob) = (Person::new("Ada"), Person::new(&"B".repeat(128)));
        let long = ada.invites(&bob, &[7; DIRECT_INVITE_LINK_MAX_BYTES]).unwrap();
        let short = bob.invites(&ada, b"").unwrap();
        assert_eq!((long.len(), short.len()), (DIRECT_INVITE_BYTES, DIRECT_INVITE_BYTES));
        assert_eq!(
            open_direct_invite(&bob.keys.recovery_keys_alone(), &long).unwrap().link.len(),
            DIRECT_INVITE_LINK_MAX_BYTES
        );
        let too_long = ada.invites(&bob, &[7; DIRECT_INVITE_LINK_MAX_BYTES + 1]);
        assert!(matches!(too_long, Err(CryptoError::OverLimit { .. })));
        for public in [ada.device.public(), ada.keys.identity_public()] {
            assert!(!long.windows(16).any(|window| public.starts_with(window)));
        }
    }

    #[test]
    fn an_invite_cannot_be_passed_on_or_made_in_anothers_name() {
        let (ada, bob, eve) = (Person::new("Ada"), Person::new("Bob"), Person::new("Eve"));
        // Eve got an invite from Ada, and seals the signed part again, to Bob.
        let sealed = ada.invites(&eve, b"link").unwrap();
        let context = additional_data(&eve.keys.recovery().public_hash());
        let recovery = eve.keys.recovery().wrap_key();
        let padded = recovery.open_bytes(labels::hpke::DIRECT_INVITE, &context, &sealed[1..]).unwrap();
        let context = additional_data(&bob.keys.recovery().public_hash());
        let bobs = bob.keys.recovery().public();
        let passed_on = wrap::seal_fresh(&bobs, labels::hpke::DIRECT_INVITE, &context, &padded).unwrap();
        let passed_on = [&[FORMAT][..], &passed_on].concat();
        assert_eq!(
            open_direct_invite(&bob.keys.recovery_keys_alone(), &passed_on),
            Err(CryptoError::BadSignature)
        );
        // Eve shows Ada's certificate and signs with her own key.
        let forger = Person { device: eve.device, certificate: ada.certificate, keys: eve.keys };
        let forged = forger.invites(&bob, b"link").unwrap();
        assert_eq!(
            open_direct_invite(&bob.keys.recovery_keys_alone(), &forged),
            Err(CryptoError::BadSignature)
        );
    }

    #[test]
    fn an_invite_that_is_put_into_the_inbox_again_is_known() {
        let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
        let open = |sealed: &[u8]| open_direct_invite(&bob.keys.recovery_keys_alone(), sealed).unwrap();
        let sealed = ada.invites(&bob, b"link").unwrap();
        let mut seen = SeenInvites::default();
        assert_eq!(
            (seen.take(&open(&sealed), 9), seen.take(&open(&sealed), 9)),
            (Taken::New, Taken::Repeated)
        );
        let another = ada.invites(&bob, b"another link").unwrap();
        assert_eq!(seen.take(&open(&another), 9), Taken::New);
    }

    #[test]
    fn an_invite_sealed_to_an_older_recovery_key_still_opens() {
        let (ada, mut bob) = (Person::new("Ada"), Person::new("Bob"));
        let sealed = ada.invites(&bob, b"link").unwrap();
        bob.keys = bob.keys.with_new_recovery_key().unwrap();
        assert_eq!(
            open_direct_invite(&bob.keys.recovery_keys_alone(), &sealed).unwrap().sender,
            ada.certificate
        );
    }

    #[test]
    fn cut_changed_and_newer_ones_are_refused() {
        let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
        let sealed = ada.invites(&bob, b"link").unwrap();
        for position in [0, 1, 600, 1088, 1100, 1121, 3000, sealed.len() - 1] {
            let mut flipped = sealed.clone();
            flipped[position] ^= 1;
            assert!(
                open_direct_invite(&bob.keys.recovery_keys_alone(), &flipped).is_err(),
                "byte {position}"
            );
            assert!(
                open_direct_invite(&bob.keys.recovery_keys_alone(), &sealed[..position]).is_err(),
                "cut at {position}"
            );
        }
        assert!(open_direct_invite(&bob.keys.recovery_keys_alone(), &[&sealed[..], &[0]].concat()).is_err());
        let mut newer = sealed;
        newer[0] = 2;
        assert_eq!(
            open_direct_invite(&bob.keys.recovery_keys_alone(), &newer),
            Err(CryptoError::NewerVersion)
        );
        let mut low_order = bob.keys.recovery().public();
        low_order[1184..].fill(0);
        let recipient = InviteRecipient { account: bob.keys.account(), recovery_public: &low_order };
        let refused = seal_direct_invite(b"link", (&ada.device, &ada.certificate), recipient, 5);
        assert_eq!(refused, Err(CryptoError::BadKey));
    }

    #[test]
    fn the_bytes_are_the_golden_ones() {
        let seed = |byte| Secret::new([byte; 32]);
        let mut keys = AccountKeys::register(IdentityKey::from_seed(&seed(1))).unwrap();
        keys.recovery = super::super::RecoveryKey::from_seed(seed(2));
        let device = DeviceKey::from_seed(&seed(3));
        let certificate = keys.certify(device.public(), "Ada", 1).unwrap();
        let public = keys.recovery().public();
        let recipient = InviteRecipient { account: keys.account(), recovery_public: &public };
        let sealed = seal_seeded(b"link", (&device, &certificate), recipient, 5, &seed(4)).unwrap();
        golden::check(GOLDEN, &[("direct invite", sealed)]);
        let invite =
            open_direct_invite(&keys.recovery_keys_alone(), &golden::line(GOLDEN, "direct invite")).unwrap();
        assert_eq!((invite.link.as_slice(), invite.sender), (&b"link"[..], certificate));
    }
}
