//! From a bundle directory to a socket that answers, and to an end in which no request is cut off.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use upnext_core::disclosure::week::week_of;

use crate::admin::AdminKey;
use crate::app::{AppState, Clock, Settings, app};
use crate::catalogue::Loading;
use crate::error::StartError;
use crate::serving::Serving;
use crate::store::event::forget_before;
use crate::store::report;
use crate::store::video::{VideoRow, all};
use crate::store::{Store, StoreError};
use crate::token::TokenKey;
use crate::vector_index::{Readiness, Searcher};

/// How often an engine is looked at that the next bundle waits for.
const ENGINE_INTERVAL: Duration = Duration::from_millis(200);

/// Loads the bundle at `root`, those of an experiment's arms, the one at the root `shadow` to score beside, what happened to
/// their videos since, and puts the state together, with this clock.
///
/// # Errors
/// [`StartError`] for a bundle that is missing, corrupt or contradictory, or a store that cannot be read.
pub fn load(
    root: &Path,
    shadow: Option<&Path>,
    token_key: Option<TokenKey>,
    settings: Settings,
    store: Option<Store>,
    admin_key: Option<AdminKey>,
    clock: Clock,
) -> Result<AppState, StartError> {
    let since = changes(store.as_ref())?;
    let audience = &settings.audience;
    let loading = Loading {
        searcher: Searcher::new(&settings.index)?,
        map_from: settings.map_from,
    };
    let mut serving = Serving::load_with(root, &since, audience, loading)?;
    if let Some(experiment) = &settings.experiment {
        serving = serving.with_arms(root, experiment, &since, audience)?;
    }
    if let Some(next) = shadow {
        serving = serving.with_shadow(next, &since, audience)?;
    }
    serving.loading.searcher.serves(serving.ids());
    let state = AppState::new(serving, token_key, settings, clock);
    Ok(state.keeping(store, admin_key)?)
}

fn changes(store: Option<&Store>) -> Result<Vec<VideoRow>, StartError> {
    Ok(store.map(|store| store.read(all)).transpose()?.unwrap_or_default())
}

/// Looks whether the pointer names another bundle, and serves that from then on. A bundle that does not verify is
/// refused, and what is served stays. Answers whether something changed.
///
/// # Errors
/// [`StartError`]: why the bundle was refused.
pub async fn renew(root: &Path, state: &Arc<AppState>) -> Result<bool, StartError> {
    if crate::catalogue::current_id(root)? == state.serving().current.catalogue.bundle_id {
        return Ok(false);
    }
    let serving = state.serving();
    let of = root.to_owned();
    let Some(next) = in_background(move || serving.load_next(&of)).await? else {
        return Ok(false);
    };
    // An engine is given its rows first: until it has them, the bundle before is served with all its sources.
    while let Readiness::Waiting { .. } = next.readiness() {
        tokio::time::sleep(ENGINE_INTERVAL).await;
        if crate::catalogue::current_id(root)? != next.id() {
            return Ok(false);
        }
    }
    // No video changes while the next bundle learns of the changes so far.
    let _turn = state.lifecycle.lock().await;
    let state = Arc::clone(state);
    in_background(move || {
        let since = changes(state.store.as_ref())?;
        let next = state.serving().with_next(next, &since, &state.settings.audience)?;
        state.metrics.bundle(true);
        tracing::info!(bundle = next.current.catalogue.bundle_id, "serving another bundle");
        next.loading.searcher.serves(next.ids());
        state.serve_from_now_on(next);
        Ok(true)
    })
    .await
}

/// Runs what takes long where it keeps nobody waiting.
async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StartError> + Send + 'static,
) -> Result<T, StartError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // A panic while loading: the old bundle stays, as after any other fault.
        Err(error) => Err(StartError::FileUnreadable {
            path: PathBuf::from("bundle"),
            reason: error.to_string(),
        }),
    }
}

/// Calls [`renew`] every `interval`, for as long as the server runs.
pub async fn watch_pointer(root: PathBuf, state: Arc<AppState>, interval: Duration) {
    let mut refused = String::new();
    loop {
        tokio::time::sleep(interval).await;
        match renew(&root, &state).await {
            Ok(_) => refused.clear(),
            Err(error) => {
                let reason = error.to_string();
                // Said once, not every second.
                if reason != refused {
                    state.metrics.bundle(false);
                    tracing::error!(code = error.code().as_str(), %error, "the next bundle is refused, the old one stays");
                    refused = reason;
                }
            }
        }
    }
}

/// Deletes events that are older than they may be kept; answers how many that were.
///
/// # Errors
/// [`StoreError`].
pub async fn forget_old(state: &AppState) -> Result<usize, StoreError> {
    let (Some(store), Some(days)) = (&state.store, state.settings.keep_days) else {
        return Ok(0);
    };
    let oldest = state.now_ms().saturating_sub(i64::from(days) * 24 * 3_600_000);
    let deleted = store
        .write(move |connection| {
            report::forget_before(connection, week_of(oldest))?;
            forget_before(connection, oldest)
        })
        .await?;
    if deleted > 0 {
        // The log of the database still holds the rows.
        store.forget_log().await?;
    }
    Ok(deleted)
}

/// Calls [`forget_old`] at once and every `interval`, for as long as the server runs.
pub async fn keep_window(state: Arc<AppState>, interval: Duration) {
    loop {
        match forget_old(&state).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "events that may not be kept any longer"),
            Err(error) => tracing::error!(%error, "old events are still there; tried again"),
        }
        tokio::time::sleep(interval).await;
    }
}

/// Unix milliseconds of the system's clock.
#[must_use]
pub fn system_clock() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Serves until `stop` resolves; then says for `drain` that it wants no new requests (`/readyz`) while it still
/// answers all, takes no new connection, finishes the requests in flight and returns; after `grace` it returns even
/// if one is not finished.
///
/// # Errors
/// What the system says about the socket.
pub async fn serve(
    listener: TcpListener,
    state: Arc<AppState>,
    stop: impl Future<Output = ()> + Send + 'static,
    drain: Duration,
    grace: Duration,
) -> std::io::Result<()> {
    let (stopping, mut stopped) = watch::channel(false);
    let router = app(Arc::clone(&state));
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        stop.await;
        state.is_draining.store(true, Ordering::Relaxed);
        tokio::time::sleep(drain).await;
        tracing::info!("stopping: requests in flight are finished");
        stopping.send_replace(true);
    });
    let deadline = async move {
        // An error means that the server has ended by itself.
        let _ = stopped.wait_for(|stopping| *stopping).await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        result = std::future::IntoFuture::into_future(server) => result,
        () = deadline => {
            tracing::warn!(seconds = grace.as_secs(), "a request was not finished in time");
            Ok(())
        }
    }
}

/// Resolves on ctrl-c, and on SIGTERM where the system has it.
pub async fn stop_signal() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "ctrl-c cannot be heard");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM cannot be heard");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

/// A clock that a simulation sets: the file holds Unix milliseconds as digits. Where it cannot be read for a moment, as
/// while it is replaced, the time stands still.
///
/// # Errors
/// [`StartError::FileUnreadable`] where it cannot be read now.
pub fn file_clock(file: PathBuf) -> Result<Clock, StartError> {
    fn told(file: &Path) -> Result<i64, String> {
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        let told = text.trim().parse::<i64>();
        told.map_err(|_| "it holds no Unix milliseconds".to_owned())
    }
    let first = told(&file).map_err(|reason| StartError::FileUnreadable {
        path: file.clone(),
        reason,
    })?;
    let last = AtomicI64::new(first);
    Ok(Box::new(move || {
        if let Ok(now) = told(&file) {
            last.store(now, Ordering::Relaxed);
        }
        last.load(Ordering::Relaxed)
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use upnext_core::Code;

    #[test]
    fn a_file_tells_the_time_and_time_stands_still_without_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_path_buf();
        let refused = |text: &str| {
            std::fs::write(&path, text).unwrap();
            file_clock(path.clone()).err().map(|error| error.code())
        };
        assert_eq!(refused(""), Some(Code::FileUnreadable));
        assert_eq!(refused("noon"), Some(Code::FileUnreadable));
        assert_eq!(refused("1700000000000\n"), None);
        let clock = file_clock(path.clone()).unwrap();
        assert_eq!(clock(), 1_700_000_000_000);
        std::fs::write(&path, "1700000000001").unwrap();
        assert_eq!(clock(), 1_700_000_000_001);
        std::fs::write(&path, "").unwrap();
        assert_eq!(clock(), 1_700_000_000_001, "half a file is no time");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(clock(), 1_700_000_000_001);
    }
}
