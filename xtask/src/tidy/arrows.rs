//! Dependency arrows go one way, and only some crates do I/O or name the group protocol.
//!
//! ```text
//! protocol <- crypto <- client-core <- client-cli | client-web
//! protocol <- relay, framing <- relay
//! ```

use super::graph::Graph;

/// Our own crates that each of our crates may name. Crates that are not listed may name any: stories and these tasks.
///
/// The independent peer knows the documents only; its tests may name what it is tested against.
const ALLOWED: [(&str, &[&str]); 8] = [
    ("sotto-protocol", &[]),
    ("sotto-crypto", &["sotto-protocol"]),
    ("sotto-client-core", &["sotto-protocol", "sotto-crypto"]),
    ("sotto-client-cli", &["sotto-protocol", "sotto-crypto", "sotto-client-core"]),
    ("sotto-client-web", &["sotto-protocol", "sotto-crypto", "sotto-client-core"]),
    ("sotto-framing", &["sotto-protocol"]),
    ("sotto-relay", &["sotto-protocol", "sotto-framing"]),
    ("sotto-independent-peer", &[]),
];

/// What the relay must not even reach through others: it holds no key, so it needs none of it.
const KEPT_FROM_RELAY: [&str; 2] = ["sotto-crypto", "sotto-client-core"];

/// Crates of the group protocol, and the only one that may name them.
const GROUP_PROTOCOL_PREFIX: &str = "openmls";
const GROUP_PROTOCOL_HOME: &str = "sotto-crypto";

/// Crates that talk to disks, networks, browsers and terminals, and those of ours that may name them.
const OUTSIDE_WORLD: [&str; 20] = [
    "async-nats",
    "axum",
    "clap",
    "crossterm",
    "dioxus",
    "hyper",
    "idb",
    "js-sys",
    "ratatui",
    "reqwest",
    "rust-embed",
    "socket2",
    "sqlx",
    "tempfile",
    "tokio",
    "tokio-tungstenite",
    "tracing-subscriber",
    "wasm-bindgen",
    "wasm-bindgen-futures",
    "web-sys",
];
const INNER: [&str; 4] = ["sotto-protocol", "sotto-framing", "sotto-crypto", "sotto-client-core"];

/// What breaks the arrows.
pub fn check(graph: &Graph) -> Vec<String> {
    let mut findings = Vec::new();
    let members: Vec<&str> = graph.members().collect();
    for (member, allowed) in ALLOWED {
        for dependency in graph.direct(member) {
            if members.contains(&dependency) && !allowed.contains(&dependency) {
                findings.push(format!("{member} must not depend on {dependency}"));
            }
        }
    }
    for package in graph.closure("sotto-relay") {
        if KEPT_FROM_RELAY.contains(&package.name.as_str()) || package.name.starts_with(GROUP_PROTOCOL_PREFIX)
        {
            findings.push(format!("sotto-relay must not reach {}", package.name));
        }
    }
    for member in &members {
        for dependency in graph.direct(member) {
            if dependency.starts_with(GROUP_PROTOCOL_PREFIX) && *member != GROUP_PROTOCOL_HOME {
                findings
                    .push(format!("{member} must not name {dependency}: only {GROUP_PROTOCOL_HOME} does"));
            }
            if INNER.contains(member) && OUTSIDE_WORLD.contains(&dependency) {
                findings.push(format!("{member} must not name {dependency}: it does no I/O"));
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
    fn the_intended_arrows_pass() {
        let graph = graph_of(&[
            "0sotto-protocol v1",
            "0sotto-crypto v1\n1sotto-protocol v1\n1openmls v1",
            "0sotto-relay v1\n1sotto-protocol v1\n1tokio v1",
        ]);
        assert_eq!(check(&graph), Vec::<String>::new());
    }

    #[test]
    fn each_forbidden_arrow_is_found() {
        let graph = graph_of(&[
            "0sotto-protocol v1\n1tokio v1",
            "0sotto-crypto v1\n1openmls v1",
            "0sotto-client-cli v1\n1openmls v1",
            "0sotto-relay v1\n1sotto-crypto v1\n2openmls v1",
        ]);
        let found = check(&graph).join("\n");
        for expected in [
            "sotto-relay must not depend on sotto-crypto",
            "sotto-relay must not reach sotto-crypto",
            "sotto-relay must not reach openmls",
            "sotto-client-cli must not name openmls",
            "sotto-protocol must not name tokio",
        ] {
            assert!(found.contains(expected), "{expected} is missing from:\n{found}");
        }
    }
}
