//! The whole server but for the socket, and requests to it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use http_body_util::BodyExt;
use tempfile::TempDir;
use tower::ServiceExt;
use upnext_server::app::{AppState, Settings, app};
use upnext_server::catalogue::Catalogue;
use upnext_server::error::ErrorBody;
use upnext_server::route::bundle::BundleFiles;
use upnext_server::token::TokenKey;

use super::fixture::World;

pub const NOW: i64 = 1_700_000_123_456;
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

pub fn state(root: &std::path::Path, settings: Settings, now: i64) -> AppState {
    let catalogue = Catalogue::load(root).unwrap();
    let files = BundleFiles::scan(root, &catalogue.bundle_id).unwrap();
    AppState::new(
        catalogue,
        files,
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
}

/// `Authorization` value for an account.
pub fn bearer(account: &str) -> String {
    format!(
        "Bearer {}",
        TokenKey::new(SECRET).unwrap().sign(account, NOW + 60_000).unwrap()
    )
}
