//! The dependency graph of each of our crates, as `cargo tree` tells it: with the features that are really on, and without
//! development dependencies, which reach no user. (`cargo metadata` mixes the features of both.)

use crate::workspace::{cargo, metadata};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A package of the workspace or of a registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Who depends on whom, from one of our crates on.
pub type Tree = BTreeMap<Package, BTreeSet<Package>>;

/// The trees of all our crates.
#[derive(Default)]
pub struct Graph {
    trees: BTreeMap<String, (Package, Tree)>,
}

impl Graph {
    /// Asks cargo.
    pub fn read() -> Result<Self> {
        let metadata = metadata(&["--no-deps"])?;
        let packages =
            metadata.get("packages").and_then(Value::as_array).context("cargo lists no packages")?;
        let mut graph = Self::default();
        for name in packages.iter().filter_map(|package| package.get("name")?.as_str()) {
            let args = [
                "tree",
                "--package",
                name,
                "--edges",
                "normal,build",
                "--target",
                "all",
                "--prefix",
                "depth",
            ];
            let output =
                cargo(&args).args(["--format", "{p}"]).output().context("cargo tree does not start")?;
            if !output.status.success() {
                bail!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr));
            }
            graph.add(&String::from_utf8_lossy(&output.stdout))?;
        }
        Ok(graph)
    }

    /// Adds the tree of one crate: a line each, its depth before its name.
    fn add(&mut self, lines: &str) -> Result<()> {
        let mut tree = Tree::new();
        let mut path: Vec<Package> = Vec::new();
        for line in lines.lines() {
            let (depth, package) = parse(line).with_context(|| format!("cargo tree says `{line}`"))?;
            path.truncate(depth);
            if let Some(parent) = path.last() {
                tree.entry(parent.clone()).or_default().insert(package.clone());
            }
            tree.entry(package.clone()).or_default();
            path.push(package);
        }
        if let Some(root) = path.into_iter().next() {
            self.trees.insert(root.name.clone(), (root, tree));
        }
        Ok(())
    }

    /// Our crates, by name.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.trees.keys().map(String::as_str)
    }

    /// The names of what one of our crates depends on directly.
    pub fn direct(&self, member: &str) -> BTreeSet<&str> {
        let next = self.trees.get(member).and_then(|(root, tree)| tree.get(root));
        next.into_iter().flatten().map(|package| package.name.as_str()).collect()
    }

    /// Everything that one of our crates depends on, itself included, near and far.
    pub fn closure(&self, member: &str) -> impl Iterator<Item = &Package> {
        self.trees.get(member).into_iter().flat_map(|(_, tree)| tree.keys())
    }

    /// Names of the packages that depend directly on a package, as far as one of our crates reaches them.
    pub fn dependents(&self, member: &str, wanted: &Package) -> BTreeSet<&str> {
        let tree = self.trees.get(member).map(|(_, tree)| tree);
        let named = tree.into_iter().flatten().filter(|(_, next)| next.contains(wanted));
        named.map(|(package, _)| package.name.as_str()).collect()
    }
}

/// `2sha2 v0.11.1 (proc-macro) (*)`
fn parse(line: &str) -> Option<(usize, Package)> {
    let name_at = line.find(|c: char| !c.is_ascii_digit())?;
    let (depth, rest) = line.split_at_checked(name_at)?;
    let mut words = rest.split_whitespace();
    let name = words.next()?.to_owned();
    let version = words.next()?.strip_prefix('v')?.to_owned();
    Some((depth.parse().ok()?, Package { name, version }))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A graph from the trees of our crates, each as `cargo tree` prints it.
    pub fn graph_of(trees: &[&str]) -> Graph {
        let mut graph = Graph::default();
        for tree in trees {
            graph.add(tree).expect("is a tree");
        }
        graph
    }

    #[test]
    fn a_tree_is_read_with_its_repetitions() {
        let graph =
            graph_of(&["0a v1.0.0 (/x/a)\n1b v2.0.0\n2c v3.0.0 (proc-macro)\n1c v3.0.0 (proc-macro) (*)\n"]);
        assert_eq!(graph.direct("a"), BTreeSet::from(["b", "c"]));
        assert_eq!(graph.closure("a").count(), 3);
        let c = Package { name: "c".into(), version: "3.0.0".into() };
        assert_eq!(graph.dependents("a", &c), BTreeSet::from(["a", "b"]));
    }
}
