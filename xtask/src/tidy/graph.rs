//! The dependency graph, as `cargo metadata` tells it: without development dependencies, which reach no user.

use anyhow::{Context, Result};
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

/// Who depends on whom.
#[derive(Default)]
pub struct Graph {
    packages: BTreeMap<String, Package>,
    edges: BTreeMap<String, BTreeSet<String>>,
    members: Vec<String>,
}

impl Graph {
    /// Reads the output of `cargo metadata`.
    pub fn read(metadata: &Value) -> Result<Self> {
        let mut graph = Self::default();
        for package in list(metadata, "packages") {
            let package_name = Package { name: text(package, "name"), version: text(package, "version") };
            graph.packages.insert(text(package, "id"), package_name);
        }
        let resolve = metadata.get("resolve").context("cargo metadata has no resolved graph")?;
        for node in list(resolve, "nodes") {
            let reached =
                list(node, "deps").iter().filter(|dep| reaches_users(dep)).map(|dep| text(dep, "pkg"));
            graph.edges.insert(text(node, "id"), reached.collect());
        }
        graph.members =
            list(metadata, "workspace_members").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(graph)
    }

    /// The workspace's packages, by name.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.members.iter().filter_map(|id| self.packages.get(id)).map(|package| package.name.as_str())
    }

    /// The names of what a member depends on directly.
    pub fn direct(&self, member: &str) -> BTreeSet<&str> {
        self.id_of(member).map(|id| self.names(self.next(id))).unwrap_or_default()
    }

    /// Everything that some members depend on, themselves included, near and far.
    pub fn closure(&self, members: &[&str]) -> BTreeSet<&Package> {
        let mut open: Vec<&str> = members.iter().filter_map(|member| self.id_of(member)).collect();
        let mut seen: BTreeSet<&str> = open.iter().copied().collect();
        while let Some(id) = open.pop() {
            for next in self.next(id) {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen.into_iter().filter_map(|id| self.packages.get(id)).collect()
    }

    /// Names of the packages that some members reach which depend directly on a package.
    pub fn dependents(&self, members: &[&str], wanted: &Package) -> BTreeSet<&str> {
        let reached = self.closure(members);
        let of = |id: &String| self.next(id).any(|next| self.packages.get(next) == Some(wanted));
        let named = self.edges.keys().filter(|id| of(id)).filter_map(|id| self.packages.get(id));
        named.filter(|package| reached.contains(package)).map(|package| package.name.as_str()).collect()
    }

    fn id_of(&self, member: &str) -> Option<&str> {
        self.members
            .iter()
            .find(|id| self.packages.get(*id).is_some_and(|p| p.name == member))
            .map(String::as_str)
    }

    fn next<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.edges.get(id).into_iter().flatten().map(String::as_str)
    }

    fn names<'a>(&'a self, ids: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
        ids.filter_map(|id| self.packages.get(id)).map(|package| package.name.as_str()).collect()
    }
}

fn reaches_users(dep: &Value) -> bool {
    list(dep, "dep_kinds").iter().any(|kind| kind.get("kind").and_then(Value::as_str) != Some("dev"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A graph of workspace members from `(name, version, names it depends on)`.
    pub fn graph_of(packages: &[(&str, &str, &[&str])]) -> Graph {
        let mut graph = Graph::default();
        for (name, version, depends_on) in packages {
            let id = format!("{name} {version}");
            graph.packages.insert(id.clone(), Package { name: (*name).into(), version: (*version).into() });
            graph.edges.insert(id.clone(), depends_on.iter().map(|&dep| dep.to_owned()).collect());
            graph.members.push(id);
        }
        graph
    }

    #[test]
    fn development_dependencies_are_left_out() {
        let metadata = serde_json::json!({
            "packages": [{"id": "a", "name": "a", "version": "1"}, {"id": "b", "name": "b", "version": "1"}],
            "workspace_members": ["a"],
            "resolve": {"nodes": [{"id": "a", "deps": [{"pkg": "b", "dep_kinds": [{"kind": "dev"}]}]}]},
        });
        let graph = Graph::read(&metadata).expect("reads");
        assert!(graph.direct("a").is_empty());
        assert_eq!(graph.closure(&["a"]).len(), 1);
    }
}
