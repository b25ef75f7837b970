//! DESIGN 9: an answer depends on the declared inputs and on nothing else of a request.

use axum::body::Body;
use axum::http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN, SET_COOKIE};
use axum::http::{Method, Request};

use super::client::{Client, bearer};

/// What a browser or a careless client may add. None of it may change an answer.
const UNDECLARED: [(&str, &str); 8] = [
    ("accept-language", "ja,de;q=0.5"),
    ("user-agent", "a television"),
    ("cookie", "session=1; viewer=ann"),
    ("x-forwarded-for", "203.0.113.7"),
    ("sec-ch-ua-mobile", "?1"),
    ("sec-ch-ua-platform", "\"Android\""),
    ("referer", "https://page.example/watch?v=v001"),
    ("save-data", "on"),
];

#[tokio::test]
async fn undeclared_headers_change_nothing() {
    let client = Client::new();
    let token = bearer("ann");
    for uri in ["/v1/candidates?languages=de&size=20", "/bundle/current.json"] {
        for declared in [vec![], vec![("authorization", token.as_str())]] {
            let plain = client.get(uri, &declared).await;
            let noisy = client.get(uri, &[declared.clone(), UNDECLARED.to_vec()].concat()).await;
            assert_eq!(plain.body, noisy.body, "{uri}");
            assert_eq!(plain.status, noisy.status);
            assert_eq!(plain.headers, noisy.headers);
            assert!(!plain.headers.contains_key(SET_COOKIE));
        }
    }
}

#[tokio::test]
async fn undeclared_parameters_are_refused() {
    let client = Client::new();
    for name in [
        "age", "gender", "lat", "lon", "hour", "device", "surface", "history", "user", "account", "seed", "q",
    ] {
        let answer = client.get(&format!("/v1/candidates?languages=de&{name}=1"), &[]).await;
        assert_eq!(answer.error(), (400, "request-invalid".to_owned()), "{name}");
        let body = String::from_utf8(answer.body).unwrap();
        assert!(!body.contains(&format!("{name}=")), "the refusal does not repeat it");
    }
}

#[tokio::test]
async fn only_declared_origins_read_answers_and_credentials_are_never_asked_for() {
    let client = Client::new();
    let allowed = client
        .get("/v1/candidates", &[("origin", "https://page.example")])
        .await;
    assert_eq!(allowed.header(ACCESS_CONTROL_ALLOW_ORIGIN), "https://page.example");
    assert!(!allowed.headers.contains_key("access-control-allow-credentials"));
    let other = client
        .get("/v1/candidates", &[("origin", "https://other.example")])
        .await;
    assert!(!other.headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    let preflight = Request::builder()
        .method(Method::OPTIONS)
        .uri("/v1/candidates")
        .header("origin", "https://page.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization")
        .body(Body::empty())
        .unwrap();
    let answer = client.send(preflight).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header(ACCESS_CONTROL_ALLOW_HEADERS).contains("authorization"));
}
