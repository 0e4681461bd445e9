//! Takes a written file up again: readers take its good cases, and refuse the others.

use super::{
    areas,
    case::{Refused, With},
};
use serde_json::{Map, Value};

/// What is wrong with a file; nothing where readers take and refuse as it says.
pub fn faults(file: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let good = file["read"].as_array().expect("has good cases");
    for case in good {
        match read(case) {
            Ok(found) if found == case["gives"] => {}
            Ok(found) => faults.push(format!("{}: gives {found}, and not {}", case["name"], case["gives"])),
            Err(Refused(why)) => faults.push(format!("{} is refused: {why}", case["name"])),
        }
    }
    for bad in file["refuse"].as_array().expect("has bad cases") {
        match good.iter().find(|case| case["name"] == bad["of"]) {
            None => faults.push(format!("{} is no case", bad["of"])),
            Some(case) if read(&changed(case, bad)).is_ok() => {
                faults.push(format!("{} is taken, though: {}", bad["of"], bad["why"]));
            }
            Some(_) => {}
        }
    }
    faults
}

fn read(case: &Value) -> Result<Value, Refused> {
    let name = case["as"].as_str().expect("names its reader");
    let reader = areas::reader(name).unwrap_or_else(|| panic!("there is no reader {name}"));
    let bytes = case["text"].as_str().map_or_else(
        || hex::decode(case["bytes"].as_str().expect("has bytes")).expect("is hex"),
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
        let mut bytes = hex::decode(case["bytes"].as_str().expect("has bytes")).expect("is hex");
        if let Some(bits) = change["xor"].as_str() {
            let at = change["at"].as_u64().expect("says where") as usize;
            bytes[at] ^= hex::decode(bits).expect("is hex")[0];
        }
        bytes.truncate(bytes.len() - change["cut"].as_u64().unwrap_or_default() as usize);
        bytes.extend(hex::decode(change["append"].as_str().unwrap_or_default()).expect("is hex"));
        case["bytes"] = Value::String(hex::encode(bytes));
    }
    case
}

/// A file without what it says: names of cases and of everything in them, and what kind of value each is.
pub fn shape(file: &Value) -> Value {
    match file {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(name, value)| {
                    let is_told =
                        matches!(name.as_str(), "name" | "as" | "of" | "why" | "area" | "section" | "basis");
                    (name.clone(), if is_told { value.clone() } else { shape(value) })
                })
                .collect(),
        ),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(_) => Value::String("text".to_owned()),
        Value::Number(_) => Value::String("number".to_owned()),
        other => other.clone(),
    }
}
