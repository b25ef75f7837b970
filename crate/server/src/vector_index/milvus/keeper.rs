//! Sees to it that a collection is whole: fills it, or waits for the server that does, and notices when it is away and back.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::engine::Engine;
use super::fault::Fault;
use super::{Readiness, Table};

/// Rows that are written at once: some megabytes.
const BATCH: usize = 8192;
/// Between two looks at an engine that answers, and at one that does not.
const PROBE: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_millis(250);
/// Between two signs of life of who fills a collection.
const BEAT: Duration = Duration::from_secs(5);
/// A collection whose maker has given no sign of life for as long is made anew.
const STALLED: Duration = Duration::from_secs(60);

/// Keeps one collection for as long as its index is there.
pub(super) async fn keep(engine: Arc<Engine>, table: Arc<Table>) {
    let mut keeper = Keeper {
        engine: &engine,
        table: &table,
        was_ready: false,
        has_filled: false,
    };
    loop {
        match keeper.make_whole().await {
            Ok(()) => {
                keeper.was_ready = true;
                if table.becomes(Readiness::Ready) {
                    tracing::info!(collection = table.name, rows = table.count, "Milvus is ready");
                }
                engine.tidy().await;
                keeper.watch().await;
            }
            Err(fault) => {
                keeper.waits_for(fault.to_string());
                sleep(AGAIN).await;
            }
        }
    }
}

struct Keeper<'a> {
    engine: &'a Engine,
    table: &'a Table,
    /// Whether the collection could be searched once.
    was_ready: bool,
    /// Whether it was this server that filled it.
    has_filled: bool,
}

impl Keeper<'_> {
    /// Says what is waited for, once.
    fn waits_for(&self, reason: String) {
        let next = match self.was_ready {
            true => Readiness::Away { reason: reason.clone() },
            false => Readiness::Waiting { reason: reason.clone() },
        };
        if self.table.becomes(next) {
            tracing::warn!(collection = self.table.name, reason, "waiting for Milvus");
        }
    }

    /// Until a search fails, or a look at the collection.
    async fn watch(&self) {
        let probe = match self.table.stored.iter().next().and_then(|row| self.table.row(row)) {
            Some(row) => row.to_vec(),
            // Without a row nothing is asked of the engine.
            None => return std::future::pending().await,
        };
        loop {
            // A time-out is the usual end of waiting.
            let _ = timeout(PROBE, self.table.failed.notified()).await;
            let found = self.engine.search(self.table, probe.clone(), 1, String::new()).await;
            match found {
                Ok(rows) if rows.len() == 1 && self.table.readiness() == Readiness::Ready => {}
                // Back already, or never away: whether it is whole is looked at again.
                Ok(_) => return,
                Err(fault) => {
                    self.waits_for(fault.to_string());
                    return;
                }
            }
        }
    }

    /// Returns when all rows can be searched.
    async fn make_whole(&mut self) -> Result<(), Fault> {
        let (engine, table) = (self.engine, self.table);
        if table.count == 0 {
            return Ok(());
        }
        let mut seen = None;
        let mut since = Instant::now();
        loop {
            let Some(found) = engine.describe(&table.name).await? else {
                self.has_filled = false;
                // Somebody else's at the same moment is told apart by its maker.
                let created = engine.create(table).await;
                match engine.describe(&table.name).await? {
                    Some(found) if found.maker == engine.me() => self.fill().await?,
                    Some(_) => sleep(AGAIN).await,
                    None => return created.and(Err(Fault::Missing)),
                }
                continue;
            };
            let is_loaded = engine.is_loaded(&table.name).await?;
            if is_loaded {
                let count = engine.count(&table.name).await?;
                if usize::try_from(count) == Ok(table.count) {
                    return Ok(());
                }
                self.waits_for(
                    Fault::Rows {
                        found: count,
                        wanted: table.count,
                    }
                    .to_string(),
                );
            } else if self.has_filled {
                self.waits_for(Fault::Unloaded.to_string());
                engine.load(&table.name).await?;
                continue;
            }
            let mine = found.maker == engine.me();
            if mine && !self.has_filled {
                tracing::warn!(collection = table.name, "filling was broken off; it begins anew");
                engine.remove(&table.name).await?;
                continue;
            }
            let progress = (found, engine.written(&table.name).await?, is_loaded);
            if !mine && !is_loaded {
                if seen.is_none() {
                    tracing::info!(collection = table.name, "another server fills the collection");
                }
                self.waits_for_quietly(format!(
                    "another server fills Milvus: {} of {} rows",
                    progress.1, table.count
                ));
            }
            if seen.as_ref() != Some(&progress) {
                (seen, since) = (Some(progress), Instant::now());
            } else if since.elapsed() > STALLED {
                tracing::warn!(collection = table.name, "whoever filled it is gone; it is made anew");
                engine.remove(&table.name).await?;
                (seen, since) = (None, Instant::now());
                continue;
            }
            sleep(2 * AGAIN).await;
        }
    }

    /// Writes all rows into the collection that this server has just made, giving signs of life.
    async fn fill(&mut self) -> Result<(), Fault> {
        let (engine, table) = (self.engine, self.table);
        tracing::info!(
            collection = table.name,
            rows = table.count,
            dim = table.dim,
            "filling Milvus"
        );
        let started = Instant::now();
        let work = async {
            let rows: Vec<usize> = table.stored.iter().collect();
            let mut said = Instant::now();
            for (batch, part) in rows.chunks(BATCH).enumerate() {
                // Who seemed gone for a while has to leave it to who came after.
                if engine
                    .describe(&table.name)
                    .await?
                    .is_none_or(|found| found.maker != engine.me())
                {
                    return Err(Fault::Taken);
                }
                engine.insert(table, part).await?;
                let done = batch * BATCH + part.len();
                self.waits_for_quietly(format!("filling Milvus: {done} of {} rows", table.count));
                if said.elapsed() > BEAT {
                    said = Instant::now();
                    tracing::info!(collection = table.name, done, rows = table.count, "filling Milvus");
                }
            }
            self.waits_for_quietly("Milvus indexes and loads the rows".to_owned());
            engine.finish(table).await
        };
        let signs = async {
            for beat in 1.. {
                sleep(BEAT).await;
                if let Err(fault) = engine.beat(&table.name, beat).await {
                    tracing::debug!(%fault, "sign of life");
                }
            }
        };
        tokio::select! {
            done = work => done?,
            () = signs => {}
        }
        self.has_filled = true;
        tracing::info!(
            collection = table.name,
            seconds = started.elapsed().as_secs(),
            "Milvus is filled"
        );
        Ok(())
    }

    /// What is waited for, for who asks `/readyz`.
    fn waits_for_quietly(&self, reason: String) {
        self.table.becomes(match self.was_ready {
            true => Readiness::Away { reason },
            false => Readiness::Waiting { reason },
        });
    }
}
