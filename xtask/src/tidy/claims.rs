//! Every test that a document names as its proof is there.
//!
//! Documents write `where::name`, all in small letters, between backticks.

use std::collections::BTreeSet;

/// Documents that name tests.
const DOCUMENTS: [&str; 2] = ["docs/PROTOCOL.md", "docs/THREAT_MODEL.md"];

/// Names in documents for which there is no function.
pub fn check(files: &[(String, String)]) -> Vec<String> {
    let sources = files.iter().filter(|(path, _)| path.ends_with(".rs"));
    let functions: BTreeSet<&str> = sources.flat_map(|(_, text)| functions(text)).collect();
    let documents = files.iter().filter(|(path, _)| DOCUMENTS.contains(&path.as_str()));
    documents
        .flat_map(|(path, text)| claims(text).map(move |claim| (path, claim)))
        .filter(|(_, (_, name))| !functions.contains(name.rsplit("::").next().unwrap_or_default()))
        .map(|(path, (line, name))| format!("{path}:{line}: there is no test {name}"))
        .collect()
}

fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let (_, rest) = line.split_once("fn ")?;
        rest.split(['(', '<']).next()
    })
}

/// What stands between backticks and is a path in small letters.
fn claims(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(number, line)| {
        let quoted = line.split('`').skip(1).step_by(2);
        quoted.filter(|word| is_claim(word)).map(move |word| (number + 1, word))
    })
}

fn is_claim(word: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
    };
    word != "where::name" && word.contains("::") && word.split("::").all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_is_not_there_is_found() {
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let code = file("crypto/tests/room.rs", "#[test]\nfn people_meet() {}\n");
        let good = file("docs/PROTOCOL.md", "Shown by `room::people_meet`; `Type::method` is none.\n");
        assert!(check(&[code.clone(), good]).is_empty());
        let bad = file("docs/THREAT_MODEL.md", "\nShown by `room::people_part`.\n");
        assert_eq!(check(&[code, bad]), ["docs/THREAT_MODEL.md:2: there is no test room::people_part"]);
    }
}
