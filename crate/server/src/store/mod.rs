//! What the server keeps: events and what happened to videos since the bundle. One SQLite file in WAL mode.
//!
//! Every write goes through one thread, which commits what has gathered while the last commit was on its way
//! to the disk ([`writer`]); a write is acknowledged after its commit, with `synchronous = FULL`. Readers have
//! connections of their own and wait for nobody. `sqlite3 DIR/upnext.sqlite` shows everything.

pub mod account;
pub mod event;
pub mod report;
mod schema;
pub mod video;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

pub use writer::QUEUE;
use writer::Writer;

/// Name of the database in the data directory.
pub const FILE: &str = "upnext.sqlite";

/// Why something could not be kept or read. No message holds a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened.
    #[error("{path} cannot be used: {reason}")]
    Open {
        /// the file
        path: PathBuf,
        /// what the system or SQLite said
        reason: String,
    },
    /// More writes are waiting than are taken.
    #[error("too many writes are waiting")]
    Busy,
    /// A statement or a commit failed: nothing of the write is kept.
    #[error("the store failed: {reason}")]
    Failed {
        /// what SQLite said
        reason: String,
    },
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        StoreError::Failed {
            reason: error.to_string(),
        }
    }
}

/// The open database. Dropping it finishes the writes that were taken.
pub struct Store {
    writer: Writer,
    readers: Vec<Mutex<Connection>>,
    next_reader: AtomicUsize,
    // Held for as long as the store lives, so that a second server on one directory is refused.
    _lock: std::fs::File,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

/// Locks the file of a directory. A server that is just going lets go of it a moment later, and so does a child process
/// that has the file until it runs a program of its own: half a second is waited for them.
fn take(lock: &std::fs::File) -> bool {
    (0..10).any(|turn| {
        if turn > 0 {
            std::thread::sleep(Duration::from_millis(50));
        }
        lock.try_lock().is_ok()
    })
}

impl Store {
    /// Opens the database of a directory, and makes both where they are not there.
    ///
    /// # Errors
    /// [`StoreError::Open`]: no permission, no database, one of a newer version, or another server has it open.
    pub fn open(directory: &Path) -> Result<Store, StoreError> {
        let path = directory.join(FILE);
        let failed = |reason: String| StoreError::Open {
            path: path.clone(),
            reason,
        };
        std::fs::create_dir_all(directory).map_err(|error| failed(error.to_string()))?;
        let lock = std::fs::File::create(directory.join("lock")).map_err(|error| failed(error.to_string()))?;
        if !take(&lock) {
            return Err(failed(
                "another server has it open; a data directory belongs to one server".to_owned(),
            ));
        }
        let sqlite = |error: rusqlite::Error| failed(error.to_string());
        let connection = Connection::open(&path).map_err(sqlite)?;
        schema::prepare(&connection).map_err(failed)?;
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let readers = (0..count)
            .map(|_| open_reader(&path).map(Mutex::new))
            .collect::<Result<_, _>>()?;
        Ok(Store {
            writer: Writer::start(connection).map_err(|error| failed(error.to_string()))?,
            readers,
            next_reader: AtomicUsize::new(0),
            _lock: lock,
        })
    }

    /// Runs `work` inside a transaction and answers after the commit that made it durable.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when too many writes wait, [`StoreError::Failed`] when nothing was kept.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.writer.write(work).await
    }

    /// Folds the log of all writes into the database and cuts it to nothing, as far as readers let it.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Failed`].
    pub async fn forget_log(&self) -> Result<(), StoreError> {
        self.writer
            .outside(|connection| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
            .await
    }

    /// Runs `work` on a connection that sees all writes that were committed when it began to read, and none after. Blocks: not for
    /// network threads.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let first = self.next_reader.fetch_add(1, Ordering::Relaxed);
        let count = self.readers.len();
        let free = (0..count).find_map(|step| self.readers[(first + step) % count].try_lock().ok());
        let connection = match free {
            Some(connection) => connection,
            // A panic while reading leaves no half-done write behind: the connection is still good.
            None => self.readers[first % count]
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        };
        // One transaction: the log is looked up and locked once, not for each statement.
        let transaction = connection.unchecked_transaction()?;
        let found = work(&transaction)?;
        transaction.commit()?;
        Ok(found)
    }
}

/// A connection that only reads, for a job beside the server.
///
/// # Errors
/// [`StoreError::Open`] where there is no database, or one of another version.
pub fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let failed = |reason: String| StoreError::Open {
        path: path.to_owned(),
        reason,
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failed(error.to_string()))?;
    schema::check(&connection).map_err(failed)?;
    Ok(connection)
}
