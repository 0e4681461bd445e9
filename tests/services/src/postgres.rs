//! A PostgreSQL cluster of the system's own binaries.

use crate::program::{PATIENCE, ServiceError, free_port, is_root, not_as_root, program, run, serve};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// Says where the cluster is that the whole test run shares: `host:port`.
const SHARED: &str = "SOTTO_TEST_POSTGRES";
/// Debian's user for it.
const USER: &str = "postgres";
/// A cluster for tests outlives the relay's crashes, not the machine's: nothing waits for the disk.
const FAST: [&str; 3] = ["fsync=off", "full_page_writes=off", "max_connections=300"];
/// A cluster as people run it.
const DURABLE: [&str; 1] = ["max_connections=300"];
/// Between two tries of what is not ready yet.
const PAUSE: Duration = Duration::from_millis(50);

/// A cluster that stops and vanishes when this is dropped.
pub struct Postgres {
    server: Option<Child>,
    folder: TempDir,
    port: u16,
    settings: &'static [&'static str],
}

impl Postgres {
    /// A cluster that is quick, and loses data if the machine crashes.
    ///
    /// # Errors
    /// [`ServiceError`], with the remedy.
    pub fn start() -> Result<Self, ServiceError> {
        Self::start_with(&FAST)
    }

    /// A cluster with PostgreSQL's own settings: what is committed is on disk.
    ///
    /// # Errors
    /// [`ServiceError`], with the remedy.
    pub fn start_durable() -> Result<Self, ServiceError> {
        Self::start_with(&DURABLE)
    }

    fn start_with(settings: &'static [&'static str]) -> Result<Self, ServiceError> {
        let folder = |source| ServiceError::Folder { program: "postgres", source };
        let dir = tempfile::Builder::new().prefix("sotto-postgres-").tempdir().map_err(folder)?;
        if is_root() {
            run("chown", Command::new("chown").arg(USER).arg(dir.path()))?;
        }
        let mut make = not_as_root(&program("initdb")?, USER);
        make.arg("--pgdata").arg(dir.path().join("data")).args(["--username", USER, "--auth", "trust"]);
        make.args(["--encoding", "UTF8", "--no-locale", "--no-sync"]);
        run("initdb", &mut make)?;
        let mut postgres = Self { server: None, folder: dir, port: free_port("postgres")?, settings };
        postgres.resume()?;
        Ok(postgres)
    }

    /// Starts the server again after [`Postgres::stop`] or [`Postgres::kill`], and waits until it takes people in: it may have
    /// its log to read first. While something of the server before is not gone yet, it does not start, and is started again.
    ///
    /// # Errors
    /// [`ServiceError`], with the remedy.
    pub fn resume(&mut self) -> Result<(), ServiceError> {
        let mut command = not_as_root(&program("postgres")?, USER);
        command.arg("-D").arg(self.folder.path().join("data")).args(["-p", &self.port.to_string()]);
        command.arg("-k").arg(self.folder.path()).args(["-h", "127.0.0.1"]);
        for setting in self.settings {
            command.args(["-c", setting]);
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            match serve("postgres", &mut command, self.port) {
                Ok(server) => break self.server = Some(server),
                Err(ServiceError::Failed { .. }) if Instant::now() < deadline => sleep(PAUSE),
                Err(error) => return Err(error),
            }
        }
        self.run_sql("SELECT 1")
    }

    /// Stops the server; connections are cut, and what was committed stays.
    pub fn stop(&mut self) {
        self.thaw();
        let Some(mut server) = self.server.take() else { return };
        let data = self.folder.path().join("data");
        if let Ok(pg_ctl) = program("pg_ctl") {
            let mut stop = not_as_root(&pg_ctl, USER);
            stop.arg("stop").arg("--pgdata").arg(data).args(["--mode", "immediate", "--wait"]);
            // If it does not, it is killed next.
            let _ = run("pg_ctl", &mut stop);
        }
        // It is gone already, unless pg_ctl failed.
        let _ = server.kill();
        let _ = server.wait();
    }

    /// Kills the server with all its processes at once, as a machine that loses power does, but for what the system has not
    /// written to the disk yet.
    pub fn kill(&mut self) {
        // Stopped, it can neither make further processes nor clean up after those that die.
        self.freeze();
        let children = self.server.as_ref().map(|server| children_of(server.id())).unwrap_or_default();
        self.signal("-KILL");
        if let Some(mut server) = self.server.take() {
            let _ = server.wait();
        }
        // One that waits for the disk dies later, and while it has the memory that they share no other server starts.
        let deadline = Instant::now() + PATIENCE;
        while children.iter().any(|child| is_alive(child)) && Instant::now() < deadline {
            sleep(PAUSE);
        }
    }

    /// Lets it stand still: its connections stay open, and nothing comes.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on after [`Postgres::freeze`].
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// The server itself comes first, so that it makes no further processes meanwhile.
    fn signal(&self, signal: &str) {
        let Some(server) = &self.server else { return };
        let parent = server.id().to_string();
        let is_deadly = signal == "-KILL";
        if !is_deadly {
            let _ = run("kill", Command::new("kill").args([signal, &parent]));
        }
        let mut kill = Command::new("kill");
        kill.arg(signal).args(children_of(server.id()));
        // Some may have ended by themselves.
        let _ = run("kill", kill.arg(&parent));
    }

    /// `host:port`, as the test run's own variable names it.
    #[must_use]
    pub fn variable(&self) -> (&'static str, String) {
        (SHARED, format!("127.0.0.1:{}", self.port))
    }

    /// A new, empty database: its address.
    ///
    /// # Errors
    /// [`ServiceError`], with the remedy.
    pub fn new_database(&self) -> Result<String, ServiceError> {
        new_database(&format!("127.0.0.1:{}", self.port))
    }

    /// A new, empty database whose files are in a folder of its own below this one.
    ///
    /// # Errors
    /// [`ServiceError`], with the remedy.
    pub fn new_database_at(&self, place: &Path) -> Result<String, ServiceError> {
        let folder = place.join("tablespace");
        std::fs::create_dir(&folder)
            .map_err(|source| ServiceError::Folder { program: "postgres", source })?;
        if is_root() {
            run("chown", Command::new("chown").arg(USER).arg(&folder))?;
        }
        self.run_sql(&format!("CREATE TABLESPACE elsewhere LOCATION '{}'", folder.display()))?;
        let place = format!("127.0.0.1:{}", self.port);
        new_database_with(&place, "TEMPLATE template0 TABLESPACE elsewhere")
    }

    /// A new, empty database in the cluster that the test run shares; without one, in a cluster of this process.
    ///
    /// # Errors
    /// [`ServiceError`], with the remedy.
    pub fn new_shared_database() -> Result<String, ServiceError> {
        static OWN: OnceLock<Result<Postgres, ServiceError>> = OnceLock::new();
        if let Ok(place) = std::env::var(SHARED) {
            return new_database(&place);
        }
        match OWN.get_or_init(|| Self::start().and_then(Self::outlived_by_nothing)) {
            Ok(own) => own.new_database(),
            Err(error) => Err(ServiceError::Failed { program: "postgres", text: error.to_string() }),
        }
    }

    /// What is static is never dropped: a shell waits for the end of this process, however it comes, and cleans up.
    fn outlived_by_nothing(self) -> Result<Self, ServiceError> {
        const WATCH: &str = r#"cat; kill -INT "$1"; while kill -0 "$1"; do sleep 0.1; done; rm -rf "$2""#;
        let Some(server) = &self.server else { return Ok(self) };
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "sh", &server.id().to_string()]).arg(self.folder.path());
        watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watch = watch.spawn().map_err(|source| ServiceError::Start { program: "sh", source })?;
        // The pipe to it stays open as long as this process lives.
        std::mem::forget(watch);
        Ok(self)
    }

    /// Runs a statement in the cluster's own database.
    ///
    /// # Errors
    /// [`ServiceError`], with what PostgreSQL said.
    pub fn run_sql(&self, sql: &str) -> Result<(), ServiceError> {
        psql(&format!("127.0.0.1:{}", self.port), sql)
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

fn new_database(place: &str) -> Result<String, ServiceError> {
    new_database_with(place, "TEMPLATE template0")
}

fn new_database_with(place: &str, how: &str) -> Result<String, ServiceError> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let name = format!("test_{}_{now}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    psql(place, &format!("CREATE DATABASE {name} {how}"))?;
    Ok(format!("postgres://{USER}@{place}/{name}"))
}

/// Asked again while the server starts.
fn psql(place: &str, sql: &str) -> Result<(), ServiceError> {
    let psql = program("psql")?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut command = Command::new(&psql);
        command.args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--set",
            "ON_ERROR_STOP=1",
            "--command",
            sql,
        ]);
        match run("psql", command.arg(format!("postgres://{USER}@{place}/postgres"))) {
            Err(ServiceError::Failed { text, .. }) if Instant::now() < deadline && is_starting(&text) => {}
            outcome => return outcome,
        }
        sleep(PAUSE);
    }
}

/// Whether the server is up, and reads its log before it takes anybody in.
fn is_starting(text: &str) -> bool {
    text.contains("starting up") || text.contains("not yet accepting")
}

/// Whether a process still does anything.
fn is_alive(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|fields| fields.split_ascii_whitespace().next());
    state.is_some_and(|state| !matches!(state, "Z" | "X"))
}

/// The processes that this one has started, as Linux lists them.
fn children_of(parent: u32) -> Vec<String> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_child = |process: &String| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // Behind the name, which may contain anything: state and parent.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        fields.split_ascii_whitespace().nth(1).and_then(|id| id.parse().ok()) == Some(parent)
    };
    all.filter_map(|entry| entry.file_name().into_string().ok()).filter(is_child).collect()
}
