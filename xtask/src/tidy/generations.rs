//! One generation of each cryptographic crate in what is shipped: two would mean two sets of bugs, and twice the code.

use super::graph::{Graph, Package};
use std::collections::{BTreeMap, BTreeSet};

/// Members that are not shipped.
const NOT_SHIPPED: [&str; 7] = [
    "sotto-account-stories",
    "sotto-benchmarks",
    "sotto-fuzz-targets",
    "sotto-independent-peer",
    "sotto-known-answers",
    "sotto-tests",
    "xtask",
];

const SINGLE: [&str; 8] =
    ["aes-gcm", "curve25519-dalek", "ed25519-dalek", "hkdf", "hpke", "ml-kem", "sha2", "x25519-dalek"];

/// A second generation that is there for a stated reason: crate, beginning of its version, the only crates that may bring it.
const ACCEPTED: [(&str, &str, &[&str]); 3] = [
    // sqlx recognises a migration that was changed by its hash; no message passes through it. OPAQUE hashes with it.
    ("sha2", "0.10.", &["sqlx-core", "sqlx-macros-core", "opaque-ke", "voprf"]),
    // OPAQUE alone: its only finished implementation has not moved to the newer generation yet.
    ("curve25519-dalek", "4.", &["opaque-ke", "voprf"]),
    ("hkdf", "0.12.", &["opaque-ke"]),
];

/// Crates that are there in more than one generation.
pub fn check(graph: &Graph) -> Vec<String> {
    SINGLE.iter().flat_map(|name| check_one(graph, name)).collect()
}

fn check_one(graph: &Graph, name: &str) -> Vec<String> {
    let mut brought_by: BTreeMap<&Package, BTreeSet<&str>> = BTreeMap::new();
    for member in graph.members().filter(|member| !NOT_SHIPPED.contains(member)) {
        for package in graph.closure(member).filter(|package| package.name == name) {
            brought_by.entry(package).or_default().extend(graph.dependents(member, package));
        }
    }
    brought_by.retain(|package, by| !is_accepted(package, by));
    if brought_by.len() < 2 {
        return Vec::new();
    }
    let finding = |(package, by): (&Package, BTreeSet<&str>)| {
        let by: Vec<_> = by.into_iter().collect();
        format!("more than one generation: {name} {} (by {})", package.version, by.join(", "))
    };
    brought_by.into_iter().map(finding).collect()
}

fn is_accepted(package: &Package, by: &BTreeSet<&str>) -> bool {
    ACCEPTED.iter().any(|(name, version, only_by)| {
        package.name == *name
            && package.version.starts_with(version)
            && by.iter().all(|by| only_by.contains(by))
    })
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::graph_of;
    use super::*;

    #[test]
    fn a_second_generation_is_found_with_who_brings_it() {
        let graph = graph_of(&["0sotto-crypto v1\n1sha2 v0.11.1\n1old v1\n2sha2 v0.10.9"]);
        assert_eq!(
            check(&graph),
            [
                "more than one generation: sha2 0.10.9 (by old)",
                "more than one generation: sha2 0.11.1 (by sotto-crypto)"
            ]
        );
    }

    #[test]
    fn an_accepted_one_passes_only_where_its_usual_crates_bring_it() {
        let usual = "0sotto-relay v1\n1sha2 v0.11.1\n1sqlx-core v1\n2sha2 v0.10.9";
        assert_eq!(check(&graph_of(&[usual])), Vec::<String>::new());
        let other = format!("{usual}\n1other v1\n2sha2 v0.10.9 (*)");
        assert_eq!(check(&graph_of(&[&other])).len(), 2);
    }
}
