//! CBOR maps taken apart and put together again, so that cases are made from what the code writes, whatever fields that has.

use minicbor::{Decoder, Encoder};

/// A map with small keys: each key with its value as it is written.
#[derive(Clone)]
pub struct CborMap(Vec<(u8, Vec<u8>)>);

impl CborMap {
    /// Takes a map apart.
    pub fn read(map: &[u8]) -> Self {
        let mut decoder = Decoder::new(map);
        let count = decoder.map().unwrap().unwrap();
        let fields = (0..count).map(|_| {
            let key = decoder.u8().unwrap();
            let start = decoder.position();
            decoder.skip().unwrap();
            (key, map[start..decoder.position()].to_vec())
        });
        Self(fields.collect())
    }

    /// The value of a key, as it is written.
    pub fn raw(&self, key: u8) -> &[u8] {
        let (_, value) = self.0.iter().find(|(known, _)| *known == key).expect("has the key");
        value
    }

    /// The byte string of a key.
    pub fn bytes(&self, key: u8) -> Vec<u8> {
        Decoder::new(self.raw(key)).bytes().unwrap().to_vec()
    }

    /// The same with another value of a key, which need not have been there.
    pub fn with(&self, key: u8, value: &impl minicbor::Encode<()>) -> Self {
        let mut fields = self.0.clone();
        fields.retain(|(known, _)| *known != key);
        fields.push((key, minicbor::to_vec(value).unwrap()));
        fields.sort();
        Self(fields)
    }

    /// The same without a key.
    pub fn without(&self, key: u8) -> Self {
        Self(self.0.iter().filter(|(known, _)| *known != key).cloned().collect())
    }

    /// The map, in its one form.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes);
        encoder.map(self.0.len() as u64).unwrap();
        for (key, value) in &self.0 {
            Encoder::new(&mut bytes).u8(*key).unwrap();
            bytes.extend_from_slice(value);
        }
        bytes
    }
}

/// The same map in forms that a reader of exact bytes refuses. `map` begins with its head and with key 0, whose value is one byte.
pub fn other_forms(map: &[u8]) -> Vec<(Vec<u8>, &'static str)> {
    let fields = map[0] & 0x1f;
    let head = |count: u8| 0xa0 | count;
    vec![
        ([&[map[0], 0x00, 0x18], &map[2..]].concat(), "an integer that is not written in its shortest form"),
        ([&[0xbf], &map[1..], &[0xff]].concat(), "a map of indefinite length"),
        ([&[head(fields + 1)], &map[1..], &[0x17, 0x00]].concat(), "a key that this version does not know"),
        ([&[head(fields + 1)], &map[1..3], &map[1..]].concat(), "a key twice"),
        ([&map[..1], &map[3..], &map[1..3]].concat(), "keys that do not ascend"),
        ([&[head(fields - 1)], &map[3..]].concat(), "a key that is missing"),
        ([&[0xc1], map].concat(), "a tag before it"),
    ]
}
