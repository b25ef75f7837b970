//! Every error that a request can meet: status, code, and that the list is complete.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use upnext_server::app::{Settings, app};
use upnext_server::token::TokenKey;

use super::client::{Client, NOW, SECRET, bearer, state};
use super::fixture::{World, root_with};

#[tokio::test]
async fn each_wrong_request_has_its_status_and_code() {
    let client = Client::new();
    let other_secret = TokenKey::new(&[9; 32]).unwrap();
    let forged = format!("Bearer {}", other_secret.sign("ann", NOW + 60_000).unwrap());
    let expired = format!("Bearer {}", TokenKey::new(SECRET).unwrap().sign("ann", NOW).unwrap());
    let other_bundle = format!("/v1/candidates?bundle={}", "0".repeat(64));
    let unknown = bearer("nobody");
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, &'a str);
    let cases: &[Case<'_>] = &[
        ("/v1/candidates?size=0", &[], 400, "request-invalid"),
        ("/v1/candidates?size=many", &[], 400, "request-invalid"),
        ("/v1/candidates?languages=not_a_tag", &[], 400, "request-invalid"),
        ("/v1/candidates?bundle=abc", &[], 400, "request-invalid"),
        ("/v1/candidates?age=33", &[], 400, "request-invalid"),
        (
            "/v1/candidates",
            &[("authorization", "Basic dTpw")],
            401,
            "token-invalid",
        ),
        ("/v1/candidates", &[("authorization", "Bearer")], 401, "token-invalid"),
        (
            "/v1/candidates",
            &[("authorization", "Bearer x.y.z")],
            401,
            "token-invalid",
        ),
        ("/v1/candidates", &[("authorization", &forged)], 401, "token-invalid"),
        ("/v1/candidates", &[("authorization", &expired)], 401, "token-invalid"),
        ("/v1/candidates", &[("authorization", &unknown)], 404, "account-unknown"),
        (&other_bundle, &[], 409, "bundle-mismatch"),
        ("/", &[], 404, "not-found"),
        ("/v2/candidates", &[], 404, "not-found"),
        ("/bundle/nothing/here", &[], 404, "not-found"),
    ];
    let mut seen = BTreeSet::new();
    for (uri, headers, status, code) in cases {
        let answer = client.get(uri, headers).await;
        assert_eq!(answer.error(), (*status, (*code).to_owned()), "{uri} {headers:?}");
        assert_eq!(answer.headers.contains_key("www-authenticate"), *status == 401);
        assert_eq!(answer.header(axum::http::header::CACHE_CONTROL), "no-store");
        seen.insert(*status);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [400, 401, 404, 409]);
}

#[tokio::test]
async fn two_tokens_are_refused() {
    let client = Client::new();
    let token = bearer("ann");
    let answer = client
        .get(
            "/v1/candidates",
            &[("authorization", &token), ("authorization", &token)],
        )
        .await;
    assert_eq!(answer.error(), (401, "token-invalid".to_owned()));
}

#[tokio::test]
async fn the_bundle_that_is_served_is_named_when_another_is_asked_for() {
    let client = Client::new();
    assert_eq!(
        client
            .get(&format!("/v1/candidates?bundle={}", client.id), &[])
            .await
            .status,
        200
    );
    let answer = client
        .get(&format!("/v1/candidates?bundle={}", "0".repeat(64)), &[])
        .await;
    assert!(String::from_utf8(answer.body).unwrap().contains(&client.id));
}

#[tokio::test]
async fn other_methods_and_bodies_are_refused() {
    let client = Client::new();
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let request = Request::builder()
            .method(&method)
            .uri("/v1/candidates")
            .body(Body::empty())
            .unwrap();
        let answer = client.send(request).await;
        assert_eq!(answer.error(), (405, "request-invalid".to_owned()), "{method}");
        assert!(answer.header(axum::http::header::ALLOW).contains("GET"));
    }
    for uri in ["/v1/candidates", "/healthz", "/bundle/current.json"] {
        let request = Request::builder().uri(uri).body(Body::from("{\"age\":33}")).unwrap();
        let answer = client.send(request).await;
        assert_eq!(answer.error(), (413, "request-invalid".to_owned()), "{uri}");
    }
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let client = Client::new();
    let request = Request::builder()
        .method(Method::HEAD)
        .uri("/v1/candidates")
        .body(Body::empty())
        .unwrap();
    let (head, get) = (client.send(request).await, client.get("/v1/candidates", &[]).await);
    assert_eq!(head.status, 200);
    assert!(head.body.is_empty());
    assert_eq!(
        head.header(axum::http::header::ETAG),
        get.header(axum::http::header::ETAG)
    );
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_all_the_same() {
    let (root, id) = root_with(&World::small());
    let settings = Settings {
        request_timeout: Duration::from_millis(20),
        ..Settings::default()
    };
    let state = Arc::new(state(root.path(), settings, NOW));
    let workers = Arc::clone(&state.workers);
    // All workers are busy for as long as this lives.
    let _busy = workers.acquire_many(workers.available_permits() as u32).await.unwrap();
    let router = app(state);
    let answer = Client { router, id, root }.get("/v1/candidates", &[]).await;
    assert_eq!(answer.error(), (503, "server-error".to_owned()));
    assert_eq!(answer.header(axum::http::header::RETRY_AFTER), "1");
}
