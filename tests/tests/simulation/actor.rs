//! VMS, or another writer to its database: a connection on a thread of its own, so that it can write at any
//! point of the daemon's work.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};

/// Time to wait for a lock.
const TIMEOUT: Duration = Duration::from_secs(5);

type Question = (String, Sender<Result<Vec<String>, String>>);

#[derive(Debug)]
pub(crate) struct Actor {
    questions: Option<Sender<Question>>,
    thread: Option<JoinHandle<()>>,
}

impl Actor {
    pub(crate) fn open(path: &Path) -> Self {
        let (questions, asked) = channel();
        let url = format!("sqlite://{}?mode=rw", path.display());
        let thread = std::thread::spawn(move || serve(url, &asked));
        Self { questions: Some(questions), thread: Some(thread) }
    }

    /// Executes statements, which must succeed.
    pub(crate) fn execute(&self, sql: &str) {
        self.texts(&format!("!{sql}"));
    }

    /// Executes statements without waiting for a lock; false when another connection holds it.
    pub(crate) fn execute_unless_locked(&self, sql: &str) -> bool {
        self.execute("PRAGMA busy_timeout = 0");
        let answer = self.ask(&format!("!{sql}"));
        self.execute(&format!("PRAGMA busy_timeout = {}", TIMEOUT.as_millis()));
        match answer {
            Ok(_) => true,
            Err(error) if error.contains("database is locked") => false,
            Err(error) => panic!("VMS cannot do its work: {error}: {sql}"),
        }
    }

    /// Returns the first column of a query, as text.
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        self.ask(sql).unwrap_or_else(|error| panic!("VMS cannot do its work: {error}: {sql}"))
    }

    fn ask(&self, sql: &str) -> Result<Vec<String>, String> {
        let (answer, answered) = channel();
        self.questions.as_ref().unwrap().send((sql.to_owned(), answer)).unwrap();
        answered.recv().unwrap()
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.texts(&format!("SELECT CAST(({sql}) AS TEXT)"))[0].parse().unwrap()
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.questions = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported to the caller already.
            let _ = thread.join();
        }
    }
}

fn serve(url: String, asked: &Receiver<Question>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut options = ConnectOptions::new(url);
        options
            .max_connections(1)
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(|sqlite| sqlite.foreign_keys(false).busy_timeout(TIMEOUT));
        let connection = Database::connect(options).await.unwrap();
        while let Ok((sql, answer)) = asked.recv() {
            let _ = answer.send(ask(&connection, &sql).await.map_err(|error| error.to_string()));
        }
        let _ = connection.close().await;
    });
}

async fn ask(connection: &DatabaseConnection, sql: &str) -> Result<Vec<String>, sea_orm::DbErr> {
    if let Some(statements) = sql.strip_prefix('!') {
        connection.execute_unprepared(statements).await?;
        return Ok(Vec::new());
    }
    let rows = connection.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await?;
    rows.iter().map(|row| row.try_get_by_index::<Option<String>>(0).map(Option::unwrap_or_default)).collect()
}
