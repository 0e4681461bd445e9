//! A real relay, as its own process, that can be killed and started again on the same address and data.

use crate::{PATIENCE, program};
use sotto_test_services::lasting_port;
use std::{
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
};
use tempfile::TempDir;

/// A relay with its data and its log.
pub struct Relay {
    child: Option<Child>,
    port: u16,
    folder: TempDir,
    options: Vec<String>,
}

impl Relay {
    /// Starts a relay on a free port.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a relay with further options.
    pub fn start_with(options: &[&str]) -> Self {
        let mut relay = Self::prepare();
        relay.options = options.iter().map(|option| (*option).to_owned()).collect();
        relay.start_again();
        relay
    }

    /// A relay that is not running yet, with an address of its own.
    pub fn prepare() -> Self {
        let port = lasting_port().expect("a free port");
        Self { child: None, port, folder: TempDir::new().expect("a folder"), options: Vec::new() }
    }

    /// Starts the relay on the same port with the same data.
    pub fn start_again(&mut self) {
        assert!(self.child.is_none(), "the relay is running");
        let log = OpenOptions::new().create(true).append(true).open(self.log()).expect("a log file");
        let mut child = Command::new(program("sotto-relay"))
            .args(["serve", "--listen", &format!("127.0.0.1:{}", self.port), "--data"])
            .arg(self.data())
            .args(&self.options)
            .env("RUST_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(Stdio::from(log))
            .stdin(Stdio::null())
            .spawn()
            .expect("the relay starts");
        let stdout = child.stdout.take().expect("its output");
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        self.child = Some(child);
        match receiver.recv_timeout(PATIENCE) {
            Ok(line) => assert!(line.contains(&self.address()), "the relay says {line:?}"),
            Err(_) => panic!("the relay does not get ready:\n{}", self.log_text()),
        }
    }

    /// Other options for the next start.
    pub fn set_options(&mut self, options: &[&str]) {
        self.options = options.iter().map(|option| (*option).to_owned()).collect();
    }

    /// `http://127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its database.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Everything that it has logged, at the most talkative level.
    pub fn log_text(&self) -> String {
        let bytes = std::fs::read(self.log()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
        }
    }

    /// SIGTERM; it must end well.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let status = Command::new("kill").arg(child.id().to_string()).status().expect("kill runs");
        assert!(status.success());
        assert!(child.wait().expect("it ends").success(), "{}", self.log_text());
    }

    /// The bytes of every file that belongs to its data, by name.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        fn collect(folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                if entry.path().is_dir() {
                    collect(&entry.path(), files);
                } else {
                    let mut bytes = Vec::new();
                    let mut file = File::open(entry.path()).expect("a file");
                    std::io::Read::read_to_end(&mut file, &mut bytes).expect("its bytes");
                    files.push((entry.path().display().to_string(), bytes));
                }
            }
        }
        let mut files = Vec::new();
        collect(&self.data(), &mut files);
        files
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.kill();
    }
}
