//! The test vectors of `docs/PROTOCOL.md` are what the code does.

#[path = "../../examples/vectors/generate.rs"]
mod generate;

#[test]
fn the_published_vectors_are_what_the_code_does() {
    let published = std::fs::read_to_string(generate::path()).expect("docs/vectors/v1.json is there");
    let published: serde_json::Value = serde_json::from_str(&published).expect("is JSON");
    let vectors = generate::vectors();
    assert!(vectors.as_object().is_some_and(|vectors| vectors.len() >= 11));
    for (name, now) in vectors.as_object().into_iter().flatten() {
        assert_eq!(published.get(name), Some(now), "{name}: see `examples/vectors`");
    }
    assert_eq!(published, vectors);
}
