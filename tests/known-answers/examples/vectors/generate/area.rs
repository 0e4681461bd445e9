//! One file of vectors: values that are computed, bytes that a reader takes, and bytes that it refuses.
//!
//! `docs/vectors/README.md` says how the files are read.

use serde_json::{Map, Value, json};

/// One file.
pub struct Area {
    /// Name of the file, without its ending.
    pub name: &'static str,
    section: &'static str,
    values: Vec<Value>,
    read: Vec<Value>,
    refuse: Vec<Value>,
}

/// A change of bytes, by which a good case becomes one that is refused.
#[derive(Clone, Copy)]
pub enum Change<'a> {
    /// The byte at this place gets these bits flipped.
    Xor(usize, u8),
    /// So many bytes are missing at the end.
    Cut(usize),
    /// These bytes stand after the end.
    Append(&'a [u8]),
}

impl Area {
    /// A file about a section of `docs/PROTOCOL.md`.
    pub const fn new(name: &'static str, section: &'static str) -> Self {
        Self { name, section, values: Vec::new(), read: Vec::new(), refuse: Vec::new() }
    }

    /// A computation: what goes in, and what comes out.
    pub fn value(&mut self, name: &str, from: Value, gives: Value) {
        self.values.push(json!({ "name": name, "from": from, "gives": gives }));
    }

    /// Bytes that a reader takes, with what it must know and what it finds.
    pub fn read(&mut self, name: &str, reader: &str, with: Value, bytes: &[u8], gives: Value) {
        self.read.push(
            json!({ "name": name, "as": reader, "with": with, "bytes": hex::encode(bytes), "gives": gives }),
        );
    }

    /// Text that a reader takes.
    pub fn read_text(&mut self, name: &str, reader: &str, with: Value, text: &str, gives: Value) {
        self.read.push(json!({ "name": name, "as": reader, "with": with, "text": text, "gives": gives }));
    }

    /// A good case that is refused once it is changed.
    pub fn refuse_changed(&mut self, of: &str, change: Change<'_>, why: &str) {
        let change = match change {
            Change::Xor(at, bits) => json!({ "at": at, "xor": hex::encode([bits]) }),
            Change::Cut(bytes) => json!({ "cut": bytes }),
            Change::Append(bytes) => json!({ "append": hex::encode(bytes) }),
        };
        self.refuse.push(json!({ "of": of, "change": change, "why": why }));
    }

    /// A good case that is refused where one thing that the reader knows is another.
    pub fn refuse_with(&mut self, of: &str, name: &str, value: impl Into<Value>, why: &str) {
        let mut with = Map::new();
        with.insert(name.to_owned(), value.into());
        self.refuse.push(json!({ "of": of, "with": with, "why": why }));
    }

    /// A good case in whose place these bytes are refused.
    pub fn refuse_bytes(&mut self, of: &str, bytes: &[u8], why: &str) {
        self.refuse.push(json!({ "of": of, "bytes": hex::encode(bytes), "why": why }));
    }

    /// A good case in whose place these bytes are refused, where one thing that the reader knows is another.
    pub fn refuse_bytes_with(
        &mut self,
        of: &str,
        name: &str,
        value: impl Into<Value>,
        bytes: &[u8],
        why: &str,
    ) {
        self.refuse_with(of, name, value, why);
        if let Some(refused) = self.refuse.last_mut() {
            refused["bytes"] = hex::encode(bytes).into();
        }
    }

    /// A good case in whose place this text is refused.
    pub fn refuse_text(&mut self, of: &str, text: &str, why: &str) {
        self.refuse.push(json!({ "of": of, "text": text, "why": why }));
    }

    /// Refused wherever one bit is flipped in one of these parts, and where the end is missing or something follows.
    pub fn refuse_damaged(&mut self, of: &str, parts: &[(usize, &str)]) {
        for (at, part) in parts {
            self.refuse_changed(of, Change::Xor(*at, 1), &format!("a bit is flipped: {part}"));
        }
        self.refuse_changed(of, Change::Cut(1), "the last byte is missing");
        self.refuse_changed(of, Change::Append(&[0]), "a byte follows");
    }

    /// A good case.
    pub fn case(&self, name: &str) -> &Value {
        self.read.iter().find(|case| case["name"] == name).expect("is a case")
    }

    /// The file's content.
    pub fn to_json(&self) -> Value {
        json!({
            "area": self.name, "section": self.section, "values": self.values, "read": self.read,
            "refuse": self.refuse,
        })
    }
}

/// Bytes as the files have them.
pub fn hex(bytes: impl AsRef<[u8]>) -> Value {
    Value::String(hex::encode(bytes))
}
