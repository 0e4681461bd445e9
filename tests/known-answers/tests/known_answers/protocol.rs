//! Sotto's own vectors (`docs/vectors`): the files are what the code makes, and its readers take and refuse what they say.

#[path = "../../examples/vectors/generate/mod.rs"]
mod generate;

use generate::check::faults;
use serde_json::Value;

#[test]
fn the_published_vectors_are_what_the_code_does() {
    const HOW: &str = "if that is meant: cargo run -p sotto-known-answers --example vectors";
    let made = generate::files();
    for (name, text) in &made {
        let published = std::fs::read_to_string(generate::folder().join(name)).unwrap_or_default();
        assert!(published == *text, "docs/vectors/{name} is not what the code makes; {HOW}");
    }
    let published = std::fs::read_dir(generate::folder()).expect("docs/vectors is there");
    let names = published.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let unknown: Vec<_> =
        names.filter(|name| name != "README.md" && !made.iter().any(|(known, _)| known == name)).collect();
    assert!(unknown.is_empty(), "nothing makes {unknown:?}");
}

#[test]
fn readers_take_and_refuse_what_the_published_vectors_say() {
    let (mut good, mut bad, mut found) = (0, 0, Vec::new());
    for (name, _) in generate::files() {
        let text = std::fs::read_to_string(generate::folder().join(&name)).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        found.extend(faults(&file).into_iter().map(|fault| format!("{name}: {fault}")));
        good += file["read"].as_array().unwrap().len();
        bad += file["refuse"].as_array().unwrap().len();
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(good >= 300 && bad >= 700, "{good} good cases, {bad} bad ones");
}

#[test]
fn every_label_of_the_code_stands_in_the_table_of_labels() {
    let root = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("docs/PROTOCOL.md")).unwrap();
    let (_, table) = text.split_once("\n## Labels\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let mut folders = ["crypto/src", "protocol/src", "relay/src"].map(|folder| root.join(folder)).to_vec();
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let code = std::fs::read_to_string(&path).unwrap();
                for label in code.split("\"sotto/1 ").skip(1).filter_map(|rest| rest.split('"').next()) {
                    assert!(
                        table.contains(&format!("`sotto/1 {label}`")),
                        "sotto/1 {label}: {}",
                        path.display()
                    );
                    count += 1;
                }
            }
        }
    }
    assert!(count >= 70, "{count} labels");
}
