//! The routes and what lies around them. `app(state)` is the whole server but for the socket.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::body::HttpBody as _;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use tokio::sync::Semaphore;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument;

use crate::admin::AdminKey;
use crate::edition::Audience;
use crate::error::ApiError;
use crate::event::MAX_BODY_BYTES;
use crate::experiment::{Arm, Experiment};
use crate::file_bytes::MAP_FROM;
use crate::limit::Limits;
use crate::metrics::Metrics;
use crate::pulse::Pulse;
use crate::route::{accounts, bundle, candidates, events, health, metrics, online, openapi, recent, reports, videos};
use crate::serving::Serving;
use crate::shadow::Shadow;
use crate::store::event::each_beat;
use crate::store::{Store, StoreError};
use crate::token::TokenKey;
use crate::vector_index::Search;
use crate::video;

/// Blocks for each processor that are built at once where most of the time is an engine's.
const WAITING: usize = 8;

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
    /// Requests of one account in a second, in the long run.
    pub account_rate: u32,
    /// Days after which events are deleted; `None`: they stay until their account is erased.
    pub keep_days: Option<u32>,
    /// Requests of one account at once.
    pub account_burst: u32,
    /// Requests that are answered at once; more are turned away.
    pub most_in_flight: usize,
    /// Of this many requests of accounts one is searched again by hand, for the metrics; 0: none.
    pub recall_every: u64,
    /// Whom the server serves.
    pub audience: Audience,
    /// The experiment that runs.
    pub experiment: Option<Experiment>,
    /// Of this many requests for candidates one is scored with the shadow's bundle too, where there is one; at least 1.
    pub shadow_every: u64,
    /// What nearest videos are searched with.
    pub index: Search,
    /// Files of the server's half of this many bytes and more are mapped, smaller ones are read.
    pub map_from: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            pool: 500,
            block_lifetime_ms: 60 * 60 * 1000,
            request_timeout: Duration::from_secs(10),
            cors_origins: Vec::new(),
            account_rate: 10,
            account_burst: 100,
            most_in_flight: 256,
            recall_every: 1000,
            index: Search::default(),
            map_from: MAP_FROM,
            keep_days: None,
            audience: Audience::default(),
            experiment: None,
            shadow_every: 10,
        }
    }
}

/// The clock, as an argument: Unix milliseconds.
pub type Clock = Box<dyn Fn() -> i64 + Send + Sync>;

/// Everything that requests share.
pub struct AppState {
    serving: RwLock<Arc<Serving>>,
    /// What is shown and found relevant now.
    pub pulse: Pulse,
    /// What is counted.
    pub metrics: Metrics,
    /// How much one account may ask.
    pub limits: Limits,
    /// Requests of accounts so far.
    pub account_requests: AtomicU64,
    /// Whether the server is about to end, and wants no new requests.
    pub is_draining: AtomicBool,
    /// Held while videos or bundles change.
    pub lifecycle: tokio::sync::Mutex<()>,
    /// Key of account tokens; without one no token is taken.
    pub token_key: Option<TokenKey>,
    /// What is written down; without it nothing is.
    pub store: Option<Store>,
    /// Key of those who may write for everybody; without one nobody may.
    pub admin_key: Option<AdminKey>,
    /// Settings.
    pub settings: Settings,
    /// One permit for each processor that builds blocks; more where an engine searches.
    pub workers: Arc<Semaphore>,
    /// Where requests go that are scored with another bundle too.
    pub shadow: Shadow,
    clock: Clock,
    started_ms: i64,
}

impl AppState {
    /// State for these parts; `clock` is read once now.
    #[must_use]
    pub fn new(serving: Serving, token_key: Option<TokenKey>, settings: Settings, clock: Clock) -> AppState {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        // Who waits for an engine needs no processor meanwhile.
        let workers = match serving.loading.searcher.is_elsewhere() {
            true => WAITING * processors,
            false => processors,
        };
        let started_ms = clock();
        AppState {
            serving: RwLock::new(Arc::new(serving)),
            pulse: Pulse::new(started_ms),
            metrics: Metrics::default(),
            limits: Limits::new(settings.account_rate, settings.account_burst),
            account_requests: AtomicU64::new(0),
            is_draining: AtomicBool::new(false),
            lifecycle: tokio::sync::Mutex::default(),
            token_key,
            store: None,
            admin_key: None,
            shadow: Shadow::new(settings.shadow_every),
            settings,
            workers: Arc::new(Semaphore::new(workers)),
            clock,
            started_ms,
        }
    }

    /// The same state, with a place to write to and the key of those who may; what was written there counts.
    ///
    /// # Errors
    /// [`StoreError::Failed`] where it cannot be read.
    pub fn keeping(self, store: Option<Store>, admin_key: Option<AdminKey>) -> Result<AppState, StoreError> {
        if let Some(store) = &store {
            let pulse = &self.pulse;
            store.read(|connection| each_beat(connection, |beat| pulse.beat([beat])))?;
        }
        Ok(AppState {
            store,
            admin_key,
            ..self
        })
    }

    /// What is served now.
    #[must_use]
    pub fn serving(&self) -> Arc<Serving> {
        Arc::clone(&self.serving.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Serves something else from now on; requests in flight keep what they began with.
    pub fn serve_from_now_on(&self, serving: Serving) {
        *self.serving.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(serving);
    }

    /// The arm of an account, while an experiment runs.
    #[must_use]
    pub fn arm(&self, account: Option<&str>) -> Option<&Arm> {
        self.settings.experiment.as_ref()?.arm(account?)
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
    let reads = Router::new()
        .route("/healthz", get(health::health))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(openapi::openapi))
        .route("/v1/metrics/online", get(online::online))
        .route("/bundle/current.json", get(bundle::current))
        .route("/bundle/{id}/{*path}", get(bundle::file))
        .route_layer(from_fn(refuse_bodies));
    let bodies = Router::new()
        .route(
            "/v1/candidates",
            get(candidates::candidates)
                .route_layer(from_fn(refuse_bodies))
                .post(recent::candidates)
                .layer(DefaultBodyLimit::max(recent::MAX_BODY_BYTES)),
        )
        .route(
            "/v1/events",
            post(events::events).layer(DefaultBodyLimit::max(MAX_BODY_BYTES)),
        )
        .route(
            "/v1/metrics/reports",
            post(reports::reports).layer(DefaultBodyLimit::max(reports::MAX_REPORT_BYTES)),
        )
        .route(
            "/v1/videos/{id}",
            put(videos::put)
                .delete(videos::delete)
                .layer(DefaultBodyLimit::max(video::MAX_BODY_BYTES)),
        )
        .route("/v1/accounts/{id}", get(accounts::get).delete(accounts::delete));
    reads
        .merge(bodies)
        .fallback(|| async { ApiError::NotFound })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        // From the inside out: the last layer sees a request first.
        .layer(from_fn_with_state(Arc::clone(&state), limit_time))
        .layer(from_fn_with_state(Arc::clone(&state), shed))
        // Half of a block is int8 noise: the fastest level gets nearly all that there is.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(cors)
        .layer(from_fn_with_state(Arc::clone(&state), trace))
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
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::ACCEPT,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
        ])
        .expose_headers([header::ETAG, HeaderName::from_static("retry-after")])
        .max_age(Duration::from_secs(24 * 60 * 60))
}

/// What only reads has no body, so none is let in: a body is a place where undeclared things could travel.
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

/// Turns requests away beyond the number that is answered at once: those that are taken keep their time. What tells
/// how the server does is never turned away.
async fn shed(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    if matches!(request.uri().path(), "/healthz" | "/readyz" | "/metrics") {
        return next.run(request).await;
    }
    match state.metrics.begin(state.settings.most_in_flight) {
        Some(_in_flight) => next.run(request).await,
        None => ApiError::Overloaded.into_response(),
    }
}

/// One line for each request: method, route, status, time. The query, the token, the address and every other
/// header stay out of the log.
async fn trace(State(state): State<Arc<AppState>>, request: Request<Body>, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(none)", MatchedPath::as_str)
        .to_owned();
    let span = tracing::info_span!("request", method = %request.method(), route);
    // Methods beyond the usual ones are the caller's words, and no label.
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    };
    let started = std::time::Instant::now();
    async move {
        let response = next.run(request).await;
        let (status, took) = (response.status().as_u16(), started.elapsed());
        state.metrics.answered(&route, &method, status, took);
        tracing::info!(status, micros = took.as_micros() as u64, "answered");
        response
    }
    .instrument(span)
    .await
}
