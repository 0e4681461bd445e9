//! One CBOR map, written in other ways than the one that counts (RFC 8949, section 4.2.1).

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
