//! Someone in a terminal: a profile of their own, and the real `sotto`.

use crate::{PATIENCE, program, wait_until};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};
use tempfile::TempDir;

/// What a run of `sotto` gave.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Someone in a terminal.
pub struct Person {
    name: String,
    relay: String,
    folder: TempDir,
}

impl Person {
    /// A new person, who uses the relay at this address.
    pub fn new(name: &str, relay: &str) -> Self {
        Self { name: name.into(), relay: relay.into(), folder: TempDir::new().expect("a folder") }
    }

    /// The profile's folder.
    pub fn profile(&self) -> PathBuf {
        self.folder.path().join("profile")
    }

    /// `sotto` with arguments, ready to be run.
    pub fn command(&self, args: &[&str]) -> Command {
        command_of(&self.profile(), &self.relay, args)
    }

    /// Runs `sotto`.
    pub fn runs(&self, args: &[&str]) -> Ran {
        self.runs_with_input(args, "")
    }

    /// Runs `sotto` with something on its standard input.
    pub fn runs_with_input(&self, args: &[&str], input: &str) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().expect("sotto starts");
        child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// Runs `sotto`, which must succeed, and gives its output.
    pub fn does(&self, args: &[&str]) -> String {
        let ran = self.runs(args);
        assert_eq!(ran.code, 0, "sotto {args:?}: {}", ran.stderr);
        ran.stdout.trim_end().to_owned()
    }

    /// Makes a room.
    pub fn creates(&self, room: &str) {
        self.does(&["rooms", "create", room, "--as", &self.name]);
    }

    /// Makes a link.
    pub fn invites(&self, room: &str) -> String {
        self.does(&["invite", room])
    }

    /// Joins by a link.
    pub fn joins(&self, link: &str) {
        let ran = Ran { ..self.join(link) };
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }

    /// Tries to join by a link: the link says at which relay.
    pub fn join(&self, link: &str) -> Ran {
        self.runs(&["join", link, "--as", &self.name])
    }

    /// Says something.
    pub fn says(&self, room: &str, text: &str) {
        self.does(&["send", room, text]);
    }

    /// Everything said, as JSON objects.
    pub fn history(&self, room: &str) -> Vec<Value> {
        objects(&self.does(&["history", room, "--json"]))
    }

    /// What was said, in order.
    pub fn texts(&self, room: &str) -> Vec<String> {
        self.history(room)
            .iter()
            .filter(|item| item["kind"] == "text")
            .map(|item| text_of(item, "text"))
            .collect()
    }

    /// Who is in the room, sorted.
    pub fn members(&self, room: &str) -> Vec<String> {
        let mut names: Vec<_> = objects(&self.does(&["members", room, "--json"]))
            .iter()
            .map(|member| text_of(member, "name"))
            .collect();
        names.sort();
        names
    }

    /// Begins to listen to all rooms.
    pub fn listens(&self) -> Listener {
        let mut child =
            self.command(&["listen", "--json"]).stdin(Stdio::null()).spawn().expect("sotto starts");
        let stdout = child.stdout.take().expect("its output");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = Arc::clone(&heard);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                hearing.lock().expect("lock").push(serde_json::from_str(&line).expect("JSON"));
            }
        });
        Listener { child, heard }
    }
}

fn command_of(profile: &Path, relay: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program("sotto"));
    command
        .args(["--profile"])
        .arg(profile)
        .args(args)
        .env("TZ", "UTC")
        .env("NO_COLOR", "1")
        .env_remove("RUST_BACKTRACE")
        .env("SOTTO_RELAY", relay)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// One JSON object a line.
pub fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A string member of an object.
pub fn text_of(object: &Value, key: &str) -> String {
    object[key].as_str().unwrap_or_else(|| panic!("no {key} in {object}")).to_owned()
}

/// A running `sotto listen`.
pub struct Listener {
    child: Child,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Listener {
    /// What was said, so far.
    pub fn texts(&self) -> Vec<String> {
        let heard = self.heard.lock().expect("lock");
        heard.iter().filter(|item| item["kind"] == "text").map(|item| text_of(item, "text")).collect()
    }

    /// Who came in, so far.
    pub fn joined(&self) -> Vec<String> {
        let heard = self.heard.lock().expect("lock");
        heard.iter().filter(|item| item["kind"] == "joined").map(|item| text_of(item, "sender")).collect()
    }

    /// Waits until a text was heard.
    pub fn hears(&self, text: &str) {
        wait_until(&format!("hearing {text:?} within {PATIENCE:?}"), || {
            self.texts().iter().any(|heard| heard == text)
        });
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
