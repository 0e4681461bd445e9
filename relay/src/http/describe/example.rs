//! CBOR made after a schema: right, and wrong in each of its places. Only for tests.

use minicbor::Encoder;
use minicbor::encode::Error;
use serde_json::Value;
use std::convert::Infallible;

/// What is to be read, or refused.
pub(in crate::http) struct Example {
    pub bytes: Vec<u8>,
    pub is_good: bool,
    /// What is about it.
    pub what: String,
}

/// The shape itself, with everything and with what is needed alone; without each field that is needed; and with something else
/// in each field's place.
pub(in crate::http) fn examples(schema: &Value) -> Vec<Example> {
    let mut examples =
        vec![example(schema, &Change::None, "all"), example(schema, &Change::Least, "what is needed")];
    let required: Vec<_> = list(schema, "required").iter().filter_map(Value::as_str).collect();
    for key in schema["properties"].as_object().into_iter().flatten().map(|(key, _)| key.as_str()) {
        let left_out = example(schema, &Change::Without(key), &format!("without {key}"));
        examples.push(Example { is_good: !required.contains(&key), ..left_out });
        let replaced = example(schema, &Change::Wrong(key), &format!("something else as {key}"));
        examples.push(Example { is_good: false, ..replaced });
    }
    examples
}

#[derive(PartialEq)]
enum Change<'k> {
    None,
    Least,
    Without(&'k str),
    Wrong(&'k str),
}

fn example(schema: &Value, change: &Change<'_>, what: &str) -> Example {
    let mut bytes = Vec::new();
    write(schema, change, &mut Encoder::new(&mut bytes)).unwrap();
    Example { bytes, is_good: true, what: what.to_owned() }
}

type Writer<'b> = Encoder<&'b mut Vec<u8>>;

fn write(schema: &Value, change: &Change<'_>, to: &mut Writer<'_>) -> Result<(), Error<Infallible>> {
    let within = if *change == Change::Least { Change::Least } else { Change::None };
    if let Some(first) = list(schema, "oneOf").first() {
        return write(first, &within, to);
    }
    match schema["type"].as_str() {
        Some("object") => {
            let required = list(schema, "required");
            let properties: Vec<_> = schema["properties"].as_object().into_iter().flatten().collect();
            let is_in = |key: &str| match change {
                Change::Without(left_out) => key != *left_out,
                Change::Least => required.iter().any(|needed| needed == key),
                Change::None | Change::Wrong(_) => true,
            };
            let properties: Vec<_> = properties.into_iter().filter(|(key, _)| is_in(key)).collect();
            to.map(properties.len() as u64)?;
            for (key, shape) in properties {
                to.u32(key.parse().unwrap())?;
                match change {
                    // Neither number nor text nor bytes nor list nor map.
                    Change::Wrong(wrong) if wrong == key => {
                        to.f64(0.5)?;
                    }
                    _ => write(shape, &within, to)?,
                }
            }
        }
        Some("array") => {
            let places = list(schema, "prefixItems");
            let item = Some(&schema["items"]).filter(|items| items.is_object());
            let all: Vec<_> = places.iter().chain(item).collect();
            to.array(all.len() as u64)?;
            for shape in all {
                write(shape, &within, to)?;
            }
        }
        Some("string") => match schema["format"].as_str() {
            Some("bytes") => {
                to.bytes(&[7; 5])?;
            }
            Some(format) => {
                let length: usize = format.strip_prefix("bytes-").unwrap().parse().unwrap();
                to.bytes(&vec![7; length])?;
            }
            None => {
                to.str("text")?;
            }
        },
        Some("integer") => {
            let fixed = list(schema, "enum").first().or(Some(&schema["minimum"])).and_then(Value::as_u64);
            to.u64(fixed.unwrap_or(1))?;
        }
        Some("boolean") => {
            to.bool(true)?;
        }
        other => panic!("{other:?} in {schema}"),
    }
    Ok(())
}

fn list<'s>(schema: &'s Value, key: &str) -> &'s [Value] {
    schema[key].as_array().map_or(&[], |items| items)
}
