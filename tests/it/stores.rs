//! Stores for the tests: a file, or, with `REPLY_ROUTER_TEST_STORE=postgres`, a database on a server of this test run's own.
//!
//! The server is PostgreSQL itself, in a folder that goes with it. It ends when this process does, however that ends.

use reply_router::store::{SqlStore, StoreError};
use sha2::{Digest, Sha256};
use std::{
    collections::HashSet,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{LazyLock, Mutex},
    time::{Duration, Instant},
};

/// Which store the tests that serve both run on.
pub(crate) const VARIABLE: &str = "REPLY_ROUTER_TEST_STORE";

/// Whether it is PostgreSQL.
pub(crate) fn on_postgres() -> bool {
    match std::env::var(VARIABLE) {
        Ok(name) if name == "postgres" => true,
        Ok(name) if !name.is_empty() && name != "sqlite" => panic!("{VARIABLE} is postgres or sqlite, not {name}"),
        _ => false,
    }
}

/// The store of a test. The same path is the same store, on a server too.
pub(crate) async fn open(path: &Path) -> Result<SqlStore, StoreError> {
    if on_postgres() { SqlStore::connect(&database_of(path).await).await } else { SqlStore::open(path).await }
}

/// The address of the database that stands for a file.
pub(crate) async fn database_of(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let name = digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect::<String>();
    tokio::task::spawn_blocking(move || SERVER.database(&format!("t{name}"))).await.unwrap()
}

/// The server of this test run.
pub(crate) static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

/// A PostgreSQL server.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    port: u16,
    process: Mutex<Option<Child>>,
    databases: Mutex<HashSet<String>>,
    /// What it is started with beside what all are.
    options: &'static [&'static str],
}

/// Where Debian puts the server's programs; elsewhere they are in the path.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin").join(name)).collect();
    found.retain(|path| path.exists());
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(name))
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    if !rustix::process::getuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

/// A port that nobody has, below those of doors (`proxy`), which may be shut for a while, and those that the system gives to
/// whoever asks for any.
fn free_port() -> u16 {
    let random = uuid::Uuid::new_v4().as_u128();
    let tried = (0..1_000).map(|step| 10_000 + u16::try_from((random + step * 37) % 10_000).unwrap());
    let mut free = tried.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().expect("a port")
}

impl Server {
    /// Makes a server in a folder of its own, and starts it.
    pub(crate) fn start() -> Self {
        Self::start_with_options(&[])
    }

    /// With settings such as `work_mem=8MB`.
    pub(crate) fn start_with_options(options: &'static [&'static str]) -> Self {
        Self::make(options, |folder| {
            let mut made = as_postgres(&program("initdb"));
            made.args(["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]);
            made.arg("--pgdata").arg(folder.join("data"));
            made
        })
    }

    /// Another server, with all that this one has confirmed so far.
    pub(crate) fn copy(&self) -> Self {
        let copied = Self::make(self.options, |folder| {
            let mut made = as_postgres(&program("pg_basebackup"));
            made.args(["--host=127.0.0.1", "--port", &self.port.to_string(), "--username=postgres"]);
            made.args(["--checkpoint=fast", "--no-sync", "--pgdata"]).arg(folder.join("data"));
            made
        });
        copied.databases.lock().unwrap().extend(self.databases.lock().unwrap().iter().cloned());
        copied
    }

    fn make(options: &'static [&'static str], make: impl FnOnce(&Path) -> Command) -> Self {
        let folder = tempfile::Builder::new().prefix("reply-router-postgres-").tempdir().unwrap();
        if rustix::process::getuid().is_root() {
            let owned = Command::new("chown").arg("postgres").arg(folder.path()).status();
            assert!(owned.unwrap().success(), "there is no user postgres: run tests/setup.sh");
        }
        let made = make(folder.path()).current_dir("/").output();
        let made = made.expect("PostgreSQL is not installed: run tests/setup.sh");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut server = Self { port: 0, process: Mutex::default(), folder, databases: Mutex::default(), options };
        // Somebody else may take the port first: then another one is tried.
        for _ in 0..5 {
            server.port = free_port();
            *server.process.lock().unwrap() = Some(server.run());
            if server.starts() {
                return server;
            }
            server.let_go();
        }
        panic!("PostgreSQL does not start: {}", server.log());
    }

    /// When its standard input ends, as it does with this process, the server ends, and its folder goes. A line instead of
    /// that end leaves both as they are.
    fn run(&self) -> Child {
        let (folder, port) = (self.folder.path(), self.port);
        // What runs beside a script has no input of its own: it is handed over. The signal is repeated because a server that
        // has just begun does not heed it.
        let script = "folder=$1; shift; exec 3<&0; \"$@\" >&2 3<&- & server=$!
            (read -r _ <&3 && exit; while kill -INT $server; do sleep 0.2; done; rm -rf \"$folder\") 2>/dev/null &
            wait $server";
        let mut command = as_postgres(Path::new("bash"));
        command.args(["-c", script, "bash"]).arg(folder);
        command.arg(program("postgres")).arg("-D").arg(folder.join("data"));
        for option in [
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", folder.display()),
            "fsync=off".to_owned(),
            "max_connections=400".to_owned(),
            "shared_buffers=64MB".to_owned(),
            "max_wal_size=2GB".to_owned(),
        ] {
            command.arg("-c").arg(option);
        }
        for option in self.options {
            command.arg("-c").arg(option);
        }
        let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    /// Waits until it answers; `false` if it ends instead.
    fn starts(&self) -> bool {
        let began = Instant::now();
        let mut process = self.process.lock().unwrap();
        while !self.is_ready() {
            if process.as_mut().is_none_or(|process| process.try_wait().unwrap().is_some()) {
                return false;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "PostgreSQL does not answer: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        true
    }

    fn is_ready(&self) -> bool {
        let mut asked = Command::new(program("pg_isready"));
        asked.args(["--host=127.0.0.1", "--port", &self.port.to_string()]);
        let answers = asked.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        // Its own file tells that it is this one that answers there.
        let own = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap_or_default();
        answers && own.lines().nth(3) == Some(self.port.to_string().as_str())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Kills it, and starts it again.
    pub(crate) fn restart(&self) {
        self.kill();
        self.start_again();
    }

    /// Kills it. Until it is started again nobody reaches it.
    pub(crate) fn kill(&self) {
        assert!(Command::new("kill").args(["-9", &self.pid().to_string()]).status().unwrap().success());
        self.let_go();
    }

    /// Waits for a process that ends, whose folder is still needed.
    fn let_go(&self) {
        if let Some(mut process) = self.process.lock().unwrap().take() {
            // One that has ended does not read it.
            let _ = process.stdin.as_mut().unwrap().write_all(b"\n");
            process.wait().unwrap();
        }
    }

    /// Starts one that was killed.
    pub(crate) fn start_again(&self) {
        // The others of the server notice by themselves; a new one waits for them.
        let began = Instant::now();
        loop {
            *self.process.lock().unwrap() = Some(self.run());
            if self.starts() {
                return;
            }
            self.let_go();
            assert!(began.elapsed() < Duration::from_secs(30), "{}", self.log());
        }
    }

    /// From now on connections may be encrypted.
    pub(crate) fn encrypt(&self, certificate: &str, key: &str) {
        let data = self.folder.path().join("data");
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            std::fs::write(data.join(name), text).unwrap();
            std::fs::set_permissions(data.join(name), PermissionsExt::from_mode(0o600)).unwrap();
            if rustix::process::getuid().is_root() {
                assert!(Command::new("chown").arg("postgres").arg(data.join(name)).status().unwrap().success());
            }
        }
        self.query("postgres", "ALTER SYSTEM SET ssl = on");
        self.query("postgres", "SELECT pg_reload_conf()");
    }

    /// The process that the others of the server belong to.
    pub(crate) fn pid(&self) -> u32 {
        let own = std::fs::read_to_string(self.folder.path().join("data/postmaster.pid")).unwrap();
        own.lines().next().unwrap().parse().unwrap()
    }

    /// The port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The address of a database of that name; it is made if it is not there.
    pub(crate) fn database(&self, name: &str) -> String {
        let mut databases = self.databases.lock().unwrap();
        if databases.insert(name.to_owned()) {
            self.query("postgres", &format!("CREATE DATABASE {name}"));
        }
        format!("postgres://postgres@127.0.0.1:{}/{name}?sslmode=disable", self.port)
    }

    /// What a statement answers, a row a line.
    pub(crate) fn query(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new(program("psql"))
            .args(["--host=127.0.0.1", "--port", &self.port.to_string(), "--username=postgres", "--quiet"])
            .args(["--no-psqlrc", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", database])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        psql.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
        let mut out = String::new();
        psql.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let ended = psql.wait_with_output().unwrap();
        assert!(ended.status.success(), "{sql}: {}", String::from_utf8_lossy(&ended.stderr));
        out.trim_end().to_owned()
    }
}
