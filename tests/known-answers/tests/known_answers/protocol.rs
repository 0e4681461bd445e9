//! Sotto's own vectors (`docs/vectors`): the files are what the code makes, and its readers take and refuse what they say.

#[path = "../../examples/vectors/generate/mod.rs"]
mod generate;

use generate::{
    areas,
    case::{Refused, With},
};
use serde_json::{Map, Value};

fn published() -> Vec<(String, Value)> {
    let folder = std::fs::read_dir(generate::folder()).expect("docs/vectors is there");
    let mut files: Vec<_> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), serde_json::from_str(&text).unwrap())
        })
        .collect();
    files.sort_by(|(one, _), (other, _)| one.cmp(other));
    files
}

#[test]
fn the_published_vectors_are_what_the_code_does() {
    const HOW: &str = "if that is meant: cargo run -p sotto-known-answers --example vectors";
    let made = generate::files();
    for (name, text) in &made {
        let published = std::fs::read_to_string(generate::folder().join(name)).unwrap_or_default();
        assert!(published == *text, "docs/vectors/{name} is not what the code makes; {HOW}");
    }
    let names: Vec<_> = published().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), made.len(), "docs/vectors holds a file that nothing makes: {names:?}");
}

#[test]
fn readers_take_every_good_case_of_the_published_vectors() {
    let mut count = 0;
    for (file, area) in published() {
        for case in area["read"].as_array().unwrap() {
            let found = read(case).unwrap_or_else(|Refused(why)| panic!("{file}, {}: {why}", case["name"]));
            assert_eq!(found, case["gives"], "{file}, {}", case["name"]);
            count += 1;
        }
    }
    assert!(count >= 15, "{count} cases");
}

#[test]
fn readers_refuse_every_bad_case_of_the_published_vectors() {
    let mut count = 0;
    for (file, area) in published() {
        for bad in area["refuse"].as_array().unwrap() {
            let good = area["read"].as_array().unwrap().iter().find(|good| good["name"] == bad["of"]);
            let case = changed(good.unwrap_or_else(|| panic!("{file}: {} is nowhere", bad["of"])), bad);
            assert!(read(&case).is_err(), "{file}, {}, is taken, though: {}", bad["of"], bad["why"]);
            count += 1;
        }
    }
    assert!(count >= 60, "{count} cases");
}

fn read(case: &Value) -> Result<Value, Refused> {
    let name = case["as"].as_str().unwrap();
    let reader = areas::reader(name).unwrap_or_else(|| panic!("there is no reader {name}"));
    let bytes = case["text"].as_str().map_or_else(
        || hex::decode(case["bytes"].as_str().unwrap()).unwrap(),
        |text| text.as_bytes().to_vec(),
    );
    reader(&With(&case["with"]), &bytes)
}

/// A good case with what a bad one changes, as `docs/vectors/README.md` describes it.
fn changed(good: &Value, bad: &Value) -> Value {
    let mut case = good.clone();
    for instead in ["bytes", "text"] {
        if !bad[instead].is_null() {
            case[instead] = bad[instead].clone();
        }
    }
    for (name, value) in bad["with"].as_object().unwrap_or(&Map::new()) {
        case["with"][name] = value.clone();
    }
    let change = &bad["change"];
    if !change.is_null() {
        let mut bytes = hex::decode(case["bytes"].as_str().unwrap()).unwrap();
        if let Some(bits) = change["xor"].as_str() {
            bytes[change["at"].as_u64().unwrap() as usize] ^= hex::decode(bits).unwrap()[0];
        }
        bytes.truncate(bytes.len() - change["cut"].as_u64().unwrap_or_default() as usize);
        bytes.extend(hex::decode(change["append"].as_str().unwrap_or_default()).unwrap());
        case["bytes"] = Value::String(hex::encode(bytes));
    }
    case
}
