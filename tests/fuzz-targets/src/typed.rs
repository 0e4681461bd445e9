//! What people type, read aloud or scan: codes, names, addresses, and the payload behind a safety number.

use crate::{direct_invite::sha256, edits, pairing::ALPHABET};
use sotto_crypto::{
    account::{KnownWords, NewPassword, PairingOffer, Password, RecoveryCode, UserAddress, Username},
    identity::{
        AccountId, Comparison, FingerprintCheck, Party, SAFETY_QR_BYTES, check_display_name,
        check_fingerprint, check_room_name, check_topic, compare_safety_qr, safety_qr, whole_fingerprint,
    },
};

const ADAS_KEY: [u8; 32] = [1; 32];
const BOBS_KEY: [u8; 32] = [2; 32];

/// A recovery code or a pairing offer, as text; and any symbols with the right check symbols behind them.
pub fn code(input: &[u8]) {
    if let Ok(text) = core::str::from_utf8(input) {
        if let Ok(code) = RecoveryCode::parse(text) {
            let written = code.to_text();
            assert_eq!(RecoveryCode::parse(&written).expect("is a code").to_text(), written);
        }
        if let Ok(offer) = PairingOffer::parse(text) {
            assert_eq!(PairingOffer::parse(&offer.to_text()), Ok(offer));
        }
    }
    let Some(random) = input.first_chunk::<26>() else { return };
    let random = random.map(|byte| byte & 31);
    let [a, b, c, ..] = sha256(&[b"sotto/1 recovery check", &random]);
    let check = [a >> 3, (a & 7) << 2 | b >> 6, b >> 1 & 31, (b & 1) << 4 | c >> 4];
    let text = |symbols: &[u8]| -> String {
        symbols.iter().map(|symbol| char::from(ALPHABET[usize::from(*symbol)])).collect()
    };
    let good = text(&[random.as_slice(), &check].concat());
    assert_eq!(RecoveryCode::parse(&good).expect("is a code").to_text().replace('-', ""), good);
    for place in 0..30 {
        let mut mistyped = [random.as_slice(), &check].concat();
        mistyped[place] ^= 1 + input[place % 26] % 31;
        let is_taken = RecoveryCode::parse(&text(&mistyped)).is_ok();
        // 20 bits of check: one in a million of what is mistyped in the random part comes through.
        assert!(place < 26 || !is_taken, "a wrong check symbol is taken");
    }
}

/// Names and addresses: what is taken stays as it is when it is read again.
pub fn name(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    if let Ok(name) = Username::parse(text) {
        assert_eq!(Username::parse(name.as_str()).as_ref(), Ok(&name), "a normalised name changed");
        assert!(!name.as_str().contains('#'));
    }
    if let Ok(address) = UserAddress::parse(text) {
        let checked = address.check(&ADAS_KEY);
        assert_eq!(checked.is_some(), text.contains('#'));
        let whole = whole_fingerprint(&AccountId::of(&ADAS_KEY));
        let is_whole =
            || text.split_once('#').is_some_and(|(_, typed)| typed.trim().to_ascii_lowercase() == whole);
        assert_eq!(checked == Some(FingerprintCheck::Matches), is_whole());
    }
    assert!(check_fingerprint(text, &ADAS_KEY) != FingerprintCheck::Matches || text.len() == 32);
    for check in [check_display_name, check_room_name, check_topic] {
        if let Ok(name) = check(text) {
            assert_eq!(check(&name).as_ref(), Ok(&name), "a name that the rule wrote changed");
            assert!(!name.chars().any(char::is_control));
        }
    }
    if let Ok(password) = Password::new(text) {
        let again = Password::new(password.expose()).map(|again| again.expose().to_owned());
        // NFC may make a text longer than a password may be.
        assert!(again.is_err() || again.as_deref() == Ok(password.expose()), "a prepared password changed");
        let username = Username::parse("ada").unwrap();
        let known = KnownWords { username: &username, display_name: text, others: &[text] };
        let chosen = NewPassword::chosen(&password, &known);
        assert!(chosen.is_err(), "its own text is known");
    }
}

/// The payload of a scanned code: it matches only where both keys are right.
pub fn safety_code(input: &[u8]) {
    let scanned = edits::apply(input, &real_safety_codes());
    let (ada, bob) = parties();
    if let Ok(comparison) = compare_safety_qr(ada, bob, &scanned) {
        let is_first_version = scanned.first() == Some(&1);
        assert_eq!(comparison == Comparison::NewerVersion, !is_first_version);
        let keys_are_right = is_first_version && scanned[1..33] == BOBS_KEY && scanned[41..73] == ADAS_KEY;
        assert_eq!(comparison == Comparison::Match, keys_are_right);
        assert!(!is_first_version || scanned.len() == SAFETY_QR_BYTES);
    }
}

const fn parties() -> (Party<'static>, Party<'static>) {
    (Party { identity_key: &ADAS_KEY, name: "ada" }, Party { identity_key: &BOBS_KEY, name: "bob" })
}

/// What Bob shows, and what another shows who takes himself for Bob.
fn real_safety_codes() -> [Vec<u8>; 2] {
    let (ada, bob) = parties();
    let other = Party { identity_key: &[3; 32], name: "bob" };
    [safety_qr(bob, ada).to_vec(), safety_qr(other, ada).to_vec()]
}

/// A code, an offer, and what is near them.
pub fn real_codes() -> Vec<Vec<u8>> {
    let texts = ["BBBBB-BBBBB-BBBBB-BBBBB-BBBBB-B7G33", "bbbb bbbb bbbb bbbb", "oOiI lL01 2345 6789"];
    texts.map(|text| text.as_bytes().to_vec()).into()
}

/// Names of all kinds.
pub fn real_names() -> Vec<Vec<u8>> {
    let whole = whole_fingerprint(&AccountId::of(&ADAS_KEY));
    let texts = [
        "  Ada.Lovelace ",
        "ＡＤＡ１",
        "Zoe\u{308}",
        "\u{130}stanbul",
        "李小龙",
        "Ω\u{345}a",
        "correct horse battery",
    ];
    let address = format!("Ada # {}", whole.to_uppercase()).into_bytes();
    texts.into_iter().map(|text| text.as_bytes().to_vec()).chain([address]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_code_is_read_and_matches() {
        assert!(RecoveryCode::parse("BBBBB-BBBBB-BBBBB-BBBBB-BBBBB-B7G33").is_ok());
        let (ada, bob) = parties();
        let [bobs, others] = real_safety_codes();
        assert_eq!(compare_safety_qr(ada, bob, &bobs), Ok(Comparison::Match));
        assert_eq!(compare_safety_qr(ada, bob, &others), Ok(Comparison::Mismatch));
    }
}
