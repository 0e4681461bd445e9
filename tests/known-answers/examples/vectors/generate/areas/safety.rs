//! What people compare: safety numbers and codes, room fingerprints, fingerprints of names.

use super::{ADA, Area, BOB, EPOCH, ROOM, Reader, Refused, With, hex};
use serde_json::{Value, json};
use sotto_crypto::{
    account::UserAddress,
    identity::{
        Comparison, FingerprintCheck, Party, RoomFingerprint, SafetyNumber, compare_safety_qr, safety_qr,
        whole_fingerprint,
    },
};
use sotto_protocol::{Chain, normalize_username};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[
    ("safety code", read_code),
    ("name#fingerprint", read_address),
    ("username", |_, text| {
        let name = core::str::from_utf8(text).ok().and_then(normalize_username);
        name.map(|name| json!({ "name": name })).ok_or_else(|| Refused("no username".to_owned()))
    }),
];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("safety", "Safety numbers and pins; Accounts");
    numbers(&mut area);
    codes(&mut area);
    addresses(&mut area);
    usernames(&mut area);
    area
}

fn numbers(area: &mut Area) {
    let (one, other) = (ADA.identity().public(), BOB.identity().public());
    area.value(
        "a safety number",
        json!({ "identity keys, in either order": [hex(one), hex(other)] }),
        json!({ "number": SafetyNumber::of(&one, &other).digits() }),
    );
    assert_eq!(SafetyNumber::of(&one, &other).digits(), SafetyNumber::of(&other, &one).digits());
    for (suite, length) in [("0x0001", 32), ("0x004E", 48)] {
        let authenticator = vec![0x01; length];
        let chain = Chain { seq: 9, hash: [0x08; 32] };
        let fingerprint = RoomFingerprint::of(&ROOM, EPOCH, &authenticator, &chain);
        let digits = fingerprint.digits();
        assert_eq!(digits.chars().filter(char::is_ascii_digit).count(), 60);
        area.value(
            &format!("a room fingerprint, suite {suite}"),
            json!({
                "room": hex(ROOM.as_bytes()), "epoch": EPOCH, "epoch authenticator": hex(&authenticator), "seq": 9,
                "H_seq": hex([0x08; 32]),
            }),
            json!({ "fingerprint": digits }),
        );
    }
}

fn read_code(with: &With<'_>, bytes: &[u8]) -> Result<Value, Refused> {
    let (own, other) = (with.array("own identity key"), with.array("other identity key"));
    let own = Party { identity_key: &own, name: with.text("own name") };
    let other = Party { identity_key: &other, name: with.text("other name") };
    let finding = match compare_safety_qr(own, other, bytes)? {
        Comparison::Match => "match",
        Comparison::Mismatch => "mismatch",
        Comparison::MismatchOfNamesToo => "mismatch, of names too",
        Comparison::NewerVersion => "the other app is newer",
    };
    Ok(json!({ "finding": finding }))
}

fn codes(area: &mut Area) {
    let (ada, bob) = (ADA.identity().public(), BOB.identity().public());
    let (ada, bob) = (Party { identity_key: &ada, name: "ada" }, Party { identity_key: &bob, name: "bob" });
    let code = safety_qr(ada, bob);
    let stranger = [0x7e; 32];
    let with = json!({
        "own identity key": hex(bob.identity_key), "own name": "bob", "other identity key": hex(ada.identity_key),
        "other name": "ada",
    });
    area.value(
        "the code that Ada shows to Bob",
        json!({
            "own identity key": hex(ada.identity_key), "own name": "ada", "other identity key": hex(bob.identity_key),
            "other name": "bob",
        }),
        json!({ "code": hex(code) }),
    );
    let mut read = |name: &str, with: &Value, code: &[u8]| {
        area.read(name, "safety code", with.clone(), code, read_code(&With(with), code).unwrap());
    };
    read("Bob scans Ada's code", &with, &code);
    let changed = |name: &str, value: Value| {
        let mut with = with.clone();
        with[name] = value;
        with
    };
    read("Bob knows Ada by another name", &changed("other name", json!("ada2")), &code);
    read("Bob has another key of Ada's", &changed("other identity key", hex(stranger)), &code);
    let mut with_another = changed("other identity key", hex(stranger));
    with_another["other name"] = json!("cleo");
    read("Bob thinks that it is Cleo's", &with_another, &code);
    let mut later = code;
    later[0] = 2;
    read("the code of a later version", &with, &later);
    const NAME: &str = "Bob scans Ada's code";
    area.refuse_changed(NAME, super::Change::Cut(1), "the last byte is missing");
    area.refuse_changed(NAME, super::Change::Append(&[0]), "a byte follows");
    area.refuse_changed(NAME, super::Change::Xor(0, 1), "version 0");
    area.refuse_bytes(NAME, b"", "nothing");
}

fn read_address(with: &With<'_>, text: &[u8]) -> Result<Value, Refused> {
    let text = core::str::from_utf8(text).map_err(|_| Refused("UTF-8".to_owned()))?;
    let address = UserAddress::parse(text)?;
    let finding = match address.check(&with.array("identity key")) {
        None => "unverified",
        Some(FingerprintCheck::Matches) => "as good as a comparison",
        Some(FingerprintCheck::TooShort) => "agrees, and proves nothing",
        Some(FingerprintCheck::Differs) => "somebody else",
    };
    Ok(json!({ "name": address.name.as_str(), "finding": finding }))
}

fn addresses(area: &mut Area) {
    let whole = whole_fingerprint(&ADA.certificate().account());
    let with = json!({ "identity key": hex(ADA.identity().public()) });
    let texts = [
        ("a name", "Ada".to_owned()),
        ("a name with a whole fingerprint", format!("ada#{whole}")),
        ("a name with 8 digits", format!("ada#{}", &whole[..8])),
        ("a name with somebody else's fingerprint", format!("ada#{}", "0".repeat(32))),
    ];
    for (name, text) in texts {
        let gives = read_address(&With(&with), text.as_bytes()).unwrap();
        area.read_text(name, "name#fingerprint", with.clone(), &text, gives);
    }
    let name = "a name with a whole fingerprint";
    area.refuse_text(name, &format!("ada#{}", &whole[..7]), "fewer than 8 digits");
    area.refuse_text(name, &format!("ada#{whole}0"), "more than 32 digits");
    area.refuse_text(name, "ada#abababag", "not hexadecimal");
    area.refuse_text(name, &format!("#{whole}"), "no name");
}

fn usernames(area: &mut Area) {
    for typed in [
        "ada",
        "  Ada.Lovelace ",
        "\u{ff21}\u{ff44}\u{ff41}",
        "Zoe\u{308}",
        "\u{212a}elvin",
        "\u{674e}\u{5c0f}\u{9f99}",
    ] {
        let gives = json!({ "name": normalize_username(typed).unwrap() });
        area.read_text(&format!("username {typed:?}"), "username", json!({}), typed, gives);
    }
    let long = "x".repeat(33);
    for (typed, why) in [
        ("a", "one character"),
        (long.as_str(), "33 characters"),
        ("-ada", "a separator first"),
        ("ada.", "a separator last"),
        ("a b", "a space inside"),
        ("ada#1", "a reserved character"),
        ("ad\u{200b}a", "an invisible character"),
        ("ad\u{202e}a", "a direction mark"),
        ("ad\u{200c}a", "U+200C, which a display name may have"),
        ("ad\u{200d}a", "U+200D, which a display name may have"),
        ("ad\u{34f}a", "a mark that nobody sees, U+034F"),
        ("ad\u{115f}a", "a letter that nobody sees, U+115F"),
        ("ad\u{1160}a", "a letter that nobody sees, U+1160"),
        ("ad\u{3164}a", "a letter that nobody sees, U+3164"),
        ("ad\u{ffa0}a", "a letter that nobody sees, U+FFA0"),
        ("ad\u{17b4}a", "a mark that nobody sees, U+17B4"),
        ("ad\u{17b5}a", "a mark that nobody sees, U+17B5"),
        ("ad\u{180b}a", "a variation selector, U+180B"),
        ("ad\u{180e}a", "a separator that nobody sees, U+180E"),
        ("ad\u{180f}a", "a variation selector, U+180F"),
        ("ad\u{fe0f}a", "a variation selector, U+FE0F"),
        ("ad\u{e0100}a", "a variation selector, U+E0100"),
        ("ad\u{16fe4}a", "a filler, U+16FE4"),
        ("ad\u{1d159}a", "a note head that nobody sees, U+1D159"),
        ("\u{301}ada", "a combining mark first"),
    ] {
        area.refuse_text("username \"ada\"", typed, why);
    }
}
