//! The whole server but for the socket, and requests to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use http_body_util::BodyExt;
use tempfile::TempDir;
use tower::ServiceExt;
use upnext_core::bundle::Role;
use upnext_server::admin::AdminKey;
use upnext_server::app::{AppState, Settings, app};
use upnext_server::error::ErrorBody;
use upnext_server::serving::Serving;
use upnext_server::store::Store;
use upnext_server::store::video::{VideoRow, all};
use upnext_server::token::TokenKey;

use super::fixture::{World, write_bundle};

pub const NOW: i64 = 1_700_000_123_456;
/// Admin key of the tests.
pub const ADMIN: &str = "the admin key of the tests, 32 b+";
pub const SECRET: &[u8] = b"a secret of the tests, 32 bytes+";

pub struct Client {
    pub router: Router,
    pub id: String,
    pub root: TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: impl Into<HeaderName>) -> &str {
        self.headers
            .get(name.into())
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn error(&self) -> (u16, String) {
        let body: ErrorBody = serde_json::from_slice(&self.body).unwrap();
        (self.status.as_u16(), body.code)
    }
}

fn serving(root: &std::path::Path, since: &[VideoRow], settings: &Settings) -> Serving {
    let serving = Serving::load(root, since, &settings.audience).unwrap();
    match &settings.experiment {
        Some(experiment) => serving.with_arms(root, experiment, since, &settings.audience).unwrap(),
        None => serving,
    }
}

pub fn state(root: &std::path::Path, settings: Settings, now: i64) -> AppState {
    AppState::new(
        serving(root, &[], &settings),
        Some(TokenKey::new(SECRET).unwrap()),
        settings,
        Box::new(move || now),
    )
}

impl Client {
    pub fn new() -> Client {
        Client::with(
            Settings {
                cors_origins: vec!["https://page.example".parse().unwrap()],
                ..Settings::default()
            },
            NOW,
        )
    }

    pub fn with(settings: Settings, now: i64) -> Client {
        let (root, id) = super::fixture::root_with(&World::small());
        let router = app(Arc::new(state(root.path(), settings, now)));
        Client { router, id, root }
    }

    /// A server that keeps what it is told, in `data` below the root of its bundle.
    pub fn keeping() -> Client {
        Client::keeping_with(Settings::default())
    }

    /// The same with these settings.
    pub fn keeping_with(settings: Settings) -> Client {
        let (root, id) = super::fixture::root_with(&World::small());
        let router = app(Arc::new(keeping_with(root.path(), settings, NOW)));
        Client { router, id, root }
    }

    /// The same on a bundle of these files.
    pub fn keeping_files(files: &BTreeMap<Role, Vec<u8>>) -> Client {
        let root = tempfile::tempdir().unwrap();
        let id = write_bundle(root.path(), files, "files");
        let router = app(Arc::new(keeping(root.path(), NOW)));
        Client { router, id, root }
    }

    /// Puts or deletes with the admin key.
    pub async fn admin(&self, method: Method, uri: &str, body: impl ToString) -> Answer {
        self.with_body(method, uri, &[("x-upnext-admin-key", ADMIN)], body)
            .await
    }

    /// The same bundle and data in another process.
    pub fn restarted(self) -> Client {
        let Client { router, id, root } = self;
        drop(router);
        let router = app(Arc::new(keeping(root.path(), NOW)));
        Client { router, id, root }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub async fn get(&self, uri: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(Method::GET).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn with_body(&self, method: Method, uri: &str, headers: &[(&str, &str)], body: impl ToString) -> Answer {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// Posts events for an account.
    pub async fn post(&self, account: &str, events: serde_json::Value) -> Answer {
        let token = bearer(account);
        let body = serde_json::json!({ "events": events });
        self.with_body(Method::POST, "/v1/events", &[("authorization", &token)], body)
            .await
    }
}

pub fn keeping(root: &std::path::Path, now: i64) -> AppState {
    keeping_with(root, Settings::default(), now)
}

pub fn keeping_with(root: &std::path::Path, settings: Settings, now: i64) -> AppState {
    let store = Store::open(&root.join("data")).unwrap();
    let since = store.read(all).unwrap();
    let serving = serving(root, &since, &settings);
    let key = TokenKey::new(SECRET).unwrap();
    AppState::new(serving, Some(key), settings, Box::new(move || now))
        .keeping(Some(store), Some(AdminKey::new(ADMIN.as_bytes()).unwrap()))
        .unwrap()
}

/// `Authorization` value for an account.
pub fn bearer(account: &str) -> String {
    format!(
        "Bearer {}",
        TokenKey::new(SECRET).unwrap().sign(account, NOW + 60_000).unwrap()
    )
}
