//! Names: what is typed made into its one form, and what is refused in a signed one; passwords.

use super::{Area, Reader, Refused, With, hex};
use serde_json::{Value, json};
use sotto_crypto::{
    account::Password,
    identity::{check_display_name, check_room_name, check_topic, is_display_name},
};

/// Readers of this area.
pub const READERS: &[(&str, Reader)] = &[
    ("typed name", read_typed),
    ("signed name", |_, text| {
        let name = core::str::from_utf8(text).ok().filter(|name| is_display_name(name));
        name.map(|_| json!({})).ok_or_else(|| Refused("not in its one form".to_owned()))
    }),
    ("typed password", |_, text| {
        let typed = core::str::from_utf8(text).map_err(|_| Refused("UTF-8".to_owned()))?;
        Ok(json!({ "prepared": hex(Password::new(typed)?.expose()) }))
    }),
];

/// The file.
pub fn area() -> Area {
    let mut area = Area::new("names", "Names; Accounts");
    typed(&mut area);
    signed(&mut area);
    passwords(&mut area);
    area
}

fn read_typed(with: &With<'_>, text: &[u8]) -> Result<Value, Refused> {
    let text = core::str::from_utf8(text).map_err(|_| Refused("UTF-8".to_owned()))?;
    let name = match with.text("of") {
        "a person" => check_display_name(text),
        "a room" => check_room_name(text),
        _ => check_topic(text),
    };
    let name = name.map_err(|error| Refused(format!("{error:?}")))?;
    Ok(json!({ "name": name, "UTF-8": hex(&name) }))
}

fn typed(area: &mut Area) {
    for (of, text) in [
        ("a person", "  Ada\u{a0}\u{2003}Lovelace "),
        ("a person", "Zoe\u{308}"),
        ("a person", "\u{1f469}\u{200d}\u{1f680} Ada"),
        ("a person", "\u{915}\u{94d}\u{200d}\u{937}"),
        ("a room", "Garden \u{1f33b}"),
        ("a room", "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}"),
        ("a topic", "What grows where, and when"),
    ] {
        let with = json!({ "of": of });
        let gives = read_typed(&With(&with), text.as_bytes()).unwrap();
        area.read_text(&format!("name of {of}, typed {text:?}"), "typed name", with, text, gives);
    }
    const NAME: &str = "name of a room, typed \"Garden \u{1f33b}\"";
    for (text, why) in [
        ("", "empty"),
        (" \t ", "nothing but white space"),
        ("Gar\u{202e}den", "a direction mark"),
        ("Gar\u{0}den", "a control character"),
        ("Gar\u{2800}den", "a character that shows nothing"),
        ("\u{301}Garden", "a mark without a base"),
        ("x\u{301}\u{301}", "two marks alike on one base"),
        ("x\u{300}\u{301}\u{302}\u{303}\u{304}", "five marks on one base"),
        ("Gar\u{e0061}den", "a tag character outside a flag"),
        ("Gar\u{10ffff}den", "a noncharacter"),
    ] {
        area.refuse_text(NAME, text, why);
    }
    area.refuse_text(NAME, &"x".repeat(257), "more than 256 bytes");
}

fn signed(area: &mut Area) {
    const NAME: &str = "a signed name";
    area.read_text(NAME, "signed name", json!({}), "Zo\u{eb} \u{1f33b}", json!({}));
    for (text, why) in [
        ("Zoe\u{308}", "not in NFC"),
        (" Zo\u{eb}", "white space before it"),
        ("Zo\u{eb}  A", "two spaces in a row"),
        ("Zo\u{eb}\u{a0}A", "another space than U+0020"),
        ("\u{1f33b}\u{fe0f}", "U+FE0F where it shows nothing"),
        ("Zo\u{200d}\u{eb}", "U+200D between letters"),
    ] {
        area.refuse_text(NAME, text, why);
    }
    area.refuse_text(NAME, &"x".repeat(129), "more than 128 bytes");
}

fn passwords(area: &mut Area) {
    const NAME: &str = "a password";
    for (name, typed) in [
        (NAME, "correct horse battery staple"),
        ("a password with other spaces", "Zoe\u{308}\u{a0}\u{3000}Horse"),
    ] {
        let gives = json!({ "prepared": hex(Password::new(typed).unwrap().expose()) });
        area.read_text(name, "typed password", json!({}), typed, gives);
    }
    area.refuse_text(NAME, "", "empty");
    area.refuse_text(NAME, "correct\u{7}horse", "a control character");
    area.refuse_text(NAME, &"x".repeat(1025), "more than 1,024 bytes");
}
