//! The one thread that writes. While a commit is on its way to the disk, requests gather; the next commit takes
//! them all: one `fsync` for many, and each is answered only after it.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::StoreError;

/// Writes that may wait; more are refused.
pub const QUEUE: usize = 1024;
/// Most writes of one commit: bounds how long the first of them waits for the last.
const MAX_GROUP: usize = 128;

/// What waits for the writer.
enum Job {
    /// A write inside a transaction.
    Write(Work),
    /// Something between two transactions.
    Outside(Box<dyn FnOnce(&Connection) + Send>),
}

/// What follows the commit: told whether it came about.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// A write: whether its statements succeeded, and what follows.
type Work = Box<dyn FnOnce(&Connection) -> (bool, Answer) + Send>;

pub struct Writer {
    // `None` only while it is being dropped.
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub fn start(connection: Connection) -> std::io::Result<Writer> {
        let (queue, works) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&connection, &works))?;
        Ok(Writer {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel::<Result<T, StoreError>>();
        let work: Work = Box::new(move |connection| {
            let result = work(connection);
            let succeeded = result.is_ok();
            let answer: Answer = Box::new(move |committed| {
                // Nobody listens any more when the request was given up: what was committed stays.
                let _ = reply.send(
                    result
                        .map_err(StoreError::from)
                        .and_then(|value| committed.map(|()| value)),
                );
            });
            (succeeded, answer)
        });
        self.send(Job::Write(work))?;
        answer.await.map_err(|_| ended())?
    }

    /// Runs `work` between two transactions.
    pub async fn outside<F>(&self, work: F) -> Result<(), StoreError>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Outside(Box::new(move |connection| {
            // As with a write: somebody who does not wait any more is told nothing.
            let _ = reply.send(work(connection).map_err(StoreError::from));
        })))?;
        answer.await.map_err(|_| ended())?
    }

    fn send(&self, job: Job) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().ok_or_else(ended)?;
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => ended(),
        })
    }
}

fn ended() -> StoreError {
    StoreError::Failed {
        reason: "its writer has ended".to_owned(),
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the writer has been answered as `Failed` already.
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, jobs: &Receiver<Job>) {
    let mut next = None;
    loop {
        let Some(job) = next.take().or_else(|| jobs.recv().ok()) else {
            return;
        };
        let first = match job {
            Job::Write(work) => work,
            Job::Outside(work) => {
                work(connection);
                continue;
            }
        };
        let mut group = vec![first];
        while group.len() < MAX_GROUP && next.is_none() {
            match jobs.try_recv() {
                Ok(Job::Write(work)) => group.push(work),
                Ok(outside) => next = Some(outside),
                Err(_) => break,
            }
        }
        let mut answers = Vec::new();
        let committed = commit(connection, group, &mut answers);
        if let Err(error) = &committed {
            tracing::error!(%error, "a commit failed");
            // Where the transaction is over already, this says so and nothing more.
            let _ = connection.execute_batch("ROLLBACK");
        }
        for answer in answers {
            answer(committed.clone());
        }
    }
}

fn commit(connection: &Connection, group: Vec<Work>, answers: &mut Vec<Answer>) -> Result<(), StoreError> {
    // Works of a transaction that does not begin are dropped, and each asker is told that the writer failed it.
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for work in group {
        connection.execute_batch("SAVEPOINT one")?;
        let (succeeded, answer) = work(connection);
        answers.push(answer);
        // A write that fails half way leaves nothing, and the others of its group are not its business.
        connection.execute_batch(if succeeded {
            "RELEASE one"
        } else {
            "ROLLBACK TO one; RELEASE one"
        })?;
    }
    connection.execute_batch("COMMIT")?;
    Ok(())
}
