//! The routes and what lies around them. `app(state)` is the whole server but for the socket.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::Semaphore;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument;

use crate::catalogue::Catalogue;
use crate::error::ApiError;
use crate::route::bundle::{self, BundleFiles};
use crate::route::{candidates, health};
use crate::token::TokenKey;

/// What an operator may set.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Candidates in a block when the request names no size.
    pub pool: usize,
    /// Longest life of a block.
    pub block_lifetime_ms: i64,
    /// Time that one request may take.
    pub request_timeout: Duration,
    /// Origins of pages that may read answers; `*` for all.
    pub cors_origins: Vec<HeaderValue>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            pool: 500,
            block_lifetime_ms: 60 * 60 * 1000,
            request_timeout: Duration::from_secs(10),
            cors_origins: Vec::new(),
        }
    }
}

/// The clock, as an argument: Unix milliseconds.
pub type Clock = Box<dyn Fn() -> i64 + Send + Sync>;

/// Everything that requests share; nothing in it changes after the start.
pub struct AppState {
    /// Server half of the bundle.
    pub catalogue: Catalogue,
    /// Client half of all bundles.
    pub bundle_files: BundleFiles,
    /// Key of account tokens; without one no token is taken.
    pub token_key: Option<TokenKey>,
    /// Settings.
    pub settings: Settings,
    /// One permit for each processor that builds blocks.
    pub workers: Arc<Semaphore>,
    clock: Clock,
    started_ms: i64,
}

impl AppState {
    /// State for these parts; `clock` is read once now.
    #[must_use]
    pub fn new(
        catalogue: Catalogue,
        bundle_files: BundleFiles,
        token_key: Option<TokenKey>,
        settings: Settings,
        clock: Clock,
    ) -> AppState {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let started_ms = clock();
        AppState {
            catalogue,
            bundle_files,
            token_key,
            settings,
            workers: Arc::new(Semaphore::new(processors)),
            clock,
            started_ms,
        }
    }

    /// Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// Whole seconds since the start.
    #[must_use]
    pub fn uptime_seconds(&self) -> u64 {
        u64::try_from((self.now_ms() - self.started_ms) / 1000).unwrap_or(0)
    }
}

/// All routes.
pub fn app(state: Arc<AppState>) -> Router {
    let cors = cors(&state.settings.cors_origins);
    Router::new()
        .route("/healthz", get(health::health))
        .route("/v1/candidates", get(candidates::candidates))
        .route("/bundle/current.json", get(bundle::current))
        .route("/bundle/{id}/{*path}", get(bundle::file))
        .fallback(|| async { ApiError::NotFound })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        // From the inside out: the last layer sees a request first.
        .layer(from_fn(refuse_bodies))
        .layer(from_fn_with_state(Arc::clone(&state), limit_time))
        // Half of a block is int8 noise: the fastest level gets nearly all that there is.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(cors)
        .layer(from_fn(trace))
        .with_state(state)
}

fn cors(origins: &[HeaderValue]) -> CorsLayer {
    let origin = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().cloned())
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers([header::AUTHORIZATION, header::ACCEPT, header::IF_NONE_MATCH])
        .expose_headers([header::ETAG, HeaderName::from_static("retry-after")])
        .max_age(Duration::from_secs(24 * 60 * 60))
}

/// No address reads a body, so none is let in: a body is a place where undeclared things could travel.
async fn refuse_bodies(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        next.run(request).await
    } else {
        ApiError::BodyNotAllowed.into_response()
    }
}

async fn limit_time(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    tokio::time::timeout(state.settings.request_timeout, next.run(request))
        .await
        .unwrap_or_else(|_| ApiError::Timeout.into_response())
}

/// One line for each request: method, route, status, time. The query, the token, the address and every other
/// header stay out of the log.
async fn trace(request: Request<Body>, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(none)", MatchedPath::as_str)
        .to_owned();
    let span = tracing::info_span!("request", method = %request.method(), route);
    let started = std::time::Instant::now();
    async move {
        let response = next.run(request).await;
        let micros = started.elapsed().as_micros() as u64;
        tracing::info!(status = response.status().as_u16(), micros, "answered");
        response
    }
    .instrument(span)
    .await
}
