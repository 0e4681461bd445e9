//! One generation of each cryptographic crate in what is shipped: two would mean two sets of bugs, and twice the code.

use super::graph::Graph;

/// Members that are not shipped.
const NOT_SHIPPED: [&str; 2] = ["sotto-tests", "xtask"];

const SINGLE: [&str; 8] =
    ["aes-gcm", "curve25519-dalek", "ed25519-dalek", "hkdf", "hpke", "ml-kem", "sha2", "x25519-dalek"];

/// A second generation that is there for a stated reason: crate, version prefix, the only crates that may bring it.
const ACCEPTED: [(&str, &str, &[&str]); 0] = [];

/// Crates that are there in more than one generation.
pub fn check(graph: &Graph) -> Vec<String> {
    let shipped: Vec<&str> = graph.members().filter(|member| !NOT_SHIPPED.contains(member)).collect();
    let mut findings = Vec::new();
    for name in SINGLE {
        let versions: Vec<_> = graph
            .closure(&shipped)
            .into_iter()
            .filter(|package| package.name == name)
            .filter(|package| {
                let dependents = graph.dependents(&shipped, package);
                !ACCEPTED.iter().any(|(accepted, version, by)| {
                    *accepted == name
                        && package.version.starts_with(version)
                        && dependents.iter().all(|dependent| by.contains(dependent))
                })
            })
            .collect();
        if versions.len() > 1 {
            for package in versions {
                let by: Vec<_> = graph.dependents(&shipped, package).into_iter().collect();
                findings.push(format!(
                    "more than one generation: {name} {} (by {})",
                    package.version,
                    by.join(", ")
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::graph_of;
    use super::*;

    #[test]
    fn a_second_generation_is_found_with_who_brings_it() {
        let graph = graph_of(&[
            ("sotto-crypto", "1", &["sha2 0.11", "old 1"]),
            ("old", "1", &["sha2 0.10"]),
            ("sha2", "0.11", &[]),
            ("sha2", "0.10", &[]),
        ]);
        assert_eq!(
            check(&graph),
            [
                "more than one generation: sha2 0.10 (by old)",
                "more than one generation: sha2 0.11 (by sotto-crypto)"
            ]
        );
    }
}
