//! Who the relay is, said to push services (RFC 8292): a token for each, signed by the key that subscriptions are bound to.

use super::keys::PushKeys;
use super::settings::PushContact;
use crate::clock::now_ms;
use crate::lock::lock;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// How long a token is good: at most a day (RFC 8292, section 2).
const GOOD_S: u64 = 12 * 60 * 60;
/// How long before its end another one is made.
const RENEW_S: u64 = 60 * 60;
/// Push services whose tokens are remembered.
const REMEMBERED_MAX: usize = 1000;

/// Makes the header by which push services know the relay.
pub(super) struct Vapid {
    keys: Arc<PushKeys>,
    contact: PushContact,
    known: Mutex<HashMap<String, (String, u64)>>,
}

impl Vapid {
    pub(super) fn new(keys: Arc<PushKeys>, contact: PushContact) -> Self {
        Self { keys, contact, known: Mutex::default() }
    }

    /// `Authorization` for a push service, by its origin.
    pub(super) fn authorization(&self, origin: &str) -> Option<String> {
        let now_s = now_ms() / 1000;
        if let Some((header, until_s)) = lock(&self.known).get(origin)
            && now_s + RENEW_S < *until_s
            // A clock that was set back must not leave a token that is good for too long.
            && *until_s <= now_s + GOOD_S
        {
            return Some(header.clone());
        }
        let until_s = now_s + GOOD_S;
        let input = signing_input(origin, until_s, self.contact.as_str());
        let signature = URL_SAFE_NO_PAD.encode(self.keys.sign(input.as_bytes())?);
        let key = URL_SAFE_NO_PAD.encode(self.keys.public());
        let header = format!("vapid t={input}.{signature}, k={key}");
        let mut known = lock(&self.known);
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        known.insert(origin.to_owned(), (header.clone(), until_s));
        Some(header)
    }
}

/// Head and claims (RFC 7519). Neither an origin nor a contact has anything in it that JSON writes otherwise.
fn signing_input(origin: &str, until_s: u64, contact: &str) -> String {
    let head = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"ES256"}"#);
    let claims = format!(r#"{{"aud":"{origin}","exp":{until_s},"sub":"{contact}"}}"#);
    format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims))
}

#[cfg(test)]
mod tests {
    use super::super::keys::tests::keys;
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    /// Input and whether the signature is the key's, of a header.
    fn read(header: &str) -> (String, bool) {
        let (token, key) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        let (input, signature) = token.rsplit_once('.').unwrap();
        let bytes = |text| URL_SAFE_NO_PAD.decode(text).unwrap();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes(key));
        (input.to_owned(), key.verify(input.as_bytes(), &bytes(signature)).is_ok())
    }

    #[test]
    fn the_example_of_rfc_8292_is_written_and_read_alike() {
        let example = "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
        let input = signing_input("https://push.example.net", 1_453_523_768, "mailto:push@example.com");
        assert_eq!(read(example), (input, true));
    }

    #[test]
    fn each_service_gets_one_token_of_its_own_for_hours() {
        let vapid = Vapid::new(Arc::new(keys()), "mailto:ops@example.org".parse().unwrap());
        let one = vapid.authorization("https://push.example").unwrap();
        let (input, is_signed) = read(&one);
        assert!(is_signed);
        let claims = URL_SAFE_NO_PAD.decode(input.split_once('.').unwrap().1).unwrap();
        let claims = String::from_utf8(claims).unwrap();
        assert!(claims.starts_with(r#"{"aud":"https://push.example","exp":"#), "{claims}");
        assert!(claims.ends_with(r#","sub":"mailto:ops@example.org"}"#), "{claims}");
        assert_eq!(vapid.authorization("https://push.example").unwrap(), one, "made once");
        assert_ne!(vapid.authorization("https://other.example").unwrap(), one);
    }
}
