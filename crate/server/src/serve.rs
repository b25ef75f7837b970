//! From a bundle directory to a socket that answers, and to an end in which no request is cut off.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app::{AppState, Settings, app};
use crate::catalogue::Catalogue;
use crate::error::StartError;
use crate::route::bundle::BundleFiles;
use crate::token::TokenKey;

/// Loads the bundle at `root` and puts the state together.
///
/// # Errors
/// [`StartError`] for a bundle that is missing, corrupt or contradictory.
pub fn load(root: PathBuf, token_key: Option<TokenKey>, settings: Settings) -> Result<AppState, StartError> {
    let catalogue = Catalogue::load(&root)?;
    let bundle_files = BundleFiles::scan(&root, &catalogue.bundle_id)?;
    Ok(AppState::new(
        catalogue,
        bundle_files,
        token_key,
        settings,
        Box::new(system_clock),
    ))
}

/// Unix milliseconds of the system's clock.
#[must_use]
pub fn system_clock() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Serves until `stop` resolves, then takes no new connection, finishes the requests in flight and returns;
/// after `grace` it returns even if one is not finished.
///
/// # Errors
/// What the system says about the socket.
pub async fn serve(
    listener: TcpListener,
    state: Arc<AppState>,
    stop: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) -> std::io::Result<()> {
    let (stopping, mut stopped) = watch::channel(false);
    let server = axum::serve(listener, app(state)).with_graceful_shutdown(async move {
        stop.await;
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
