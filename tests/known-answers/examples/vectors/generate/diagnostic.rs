//! CBOR as people read it (RFC 8949, section 8), for the files alone: long byte strings are shown by their beginning.

use minicbor::{Decoder, data::Type};
use serde_json::Value;

/// Longest byte string that is shown whole.
const WHOLE_BYTES: usize = 64;

/// One CBOR value, as text.
pub fn diagnostic(bytes: &[u8]) -> Value {
    let mut decoder = Decoder::new(bytes);
    let text = show(&mut decoder);
    assert_eq!(decoder.position(), bytes.len(), "one value");
    Value::String(text)
}

fn show(decoder: &mut Decoder<'_>) -> String {
    match decoder.datatype().unwrap() {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => decoder.u64().unwrap().to_string(),
        Type::Bool => decoder.bool().unwrap().to_string(),
        Type::Null => {
            decoder.null().unwrap();
            "null".to_owned()
        }
        Type::String => format!("{:?}", decoder.str().unwrap()),
        Type::Bytes => {
            let bytes = decoder.bytes().unwrap();
            match bytes.get(..8).filter(|_| bytes.len() > WHOLE_BYTES) {
                Some(beginning) => format!("h'{}…' /{} bytes/", hex::encode(beginning), bytes.len()),
                None => format!("h'{}'", hex::encode(bytes)),
            }
        }
        Type::Array => {
            let length = decoder.array().unwrap().unwrap();
            let items: Vec<_> = (0..length).map(|_| show(decoder)).collect();
            format!("[{}]", items.join(", "))
        }
        Type::Map => {
            let length = decoder.map().unwrap().unwrap();
            let items: Vec<_> =
                (0..length).map(|_| format!("{}: {}", show(decoder), show(decoder))).collect();
            format!("{{{}}}", items.join(", "))
        }
        other => panic!("{other} is nowhere in this protocol"),
    }
}
