//! The served document says what the server does: its addresses, its bounds, its codes.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Request};
use serde_json::Value;
use upnext_core::block::{MAX_ARM_BYTES, MAX_CANDIDATES};
use upnext_core::disclosure::{Metric, Terms};
use upnext_core::request::{MAX_LANGUAGES, MAX_RECENT};
use upnext_core::{EventKind, Purposes};
use upnext_server::event::MAX_EVENTS;
use upnext_server::json_block::JsonBlock;

use super::client::Client;

async fn document(client: &Client) -> Value {
    let answer = client.get("/openapi.json", &[]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header(CONTENT_TYPE)),
        (200, "application/json")
    );
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn every_address_that_is_named_answers_and_those_methods_alone() {
    let client = Client::keeping();
    let document = document(&client).await;
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let uri = path.replace("{id}", "x").replace("{path}", "y");
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH"] {
            let named = item.get(method.to_lowercase()).is_some();
            let request = Request::builder()
                .method(Method::from_bytes(method.as_bytes()).unwrap())
                .uri(&uri)
                .body(Body::empty())
                .unwrap();
            let answer = client.send(request).await;
            assert_eq!(answer.status != 405, named, "{method} {path}: {}", answer.status);
            if !named {
                continue;
            }
            routes.insert(path.clone());
            let responses = &item[method.to_lowercase()]["responses"];
            assert!(
                responses.get(answer.status.as_str()).is_some(),
                "{method} {path}: {}",
                answer.status
            );
        }
    }
    // The source is the list of routes: none is missing from the document.
    let source = include_str!("../../src/app.rs");
    let in_source = source.matches(".route(").count();
    assert_eq!(routes.len(), in_source);
}

#[tokio::test]
async fn its_bounds_are_those_of_the_code() {
    let document = document(&Client::new()).await;
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["Events"]["properties"]["events"]["maxItems"], MAX_EVENTS);
    let kinds: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let report = &schemas["Report"]["properties"];
    for metric in Metric::ALL {
        assert_eq!(report[metric.as_str()]["maximum"], metric.buckets().len() - 1);
    }
    assert_eq!(report["form"]["enum"], serde_json::json!([Terms::CURRENT.form]));
    assert_eq!(schemas["Event"]["properties"]["type"]["enum"], serde_json::json!(kinds));
    let purposes = &schemas["Event"]["properties"]["purposes"]["items"]["enum"];
    assert_eq!(*purposes, serde_json::json!(Purposes::ALL.names()));
    let parameters = document["paths"]["/v1/candidates"]["get"]["parameters"]
        .as_array()
        .unwrap();
    let schema = |name: &str| &parameters.iter().find(|p| p["name"] == name).unwrap()["schema"];
    assert_eq!(schema("size")["maximum"], MAX_CANDIDATES);
    assert_eq!(schema("languages")["maxItems"], MAX_LANGUAGES);
    assert_eq!(parameters.len(), 3, "there are no other declared inputs");
    let recent = &document["paths"]["/v1/candidates"]["post"];
    assert_eq!(recent["parameters"].as_array(), Some(parameters));
    let named = &schemas["Recent"];
    assert_eq!(named["properties"]["recent"]["maxItems"], MAX_RECENT);
    assert_eq!(
        named["properties"].as_object().unwrap().len(),
        1,
        "nor beside the videos"
    );
    assert_eq!(schemas["Block"]["properties"]["arm"]["maxLength"], MAX_ARM_BYTES);
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn a_block_and_an_error_have_the_shapes_that_it_says() {
    let client = Client::new();
    let document = document(&client).await;
    let answer = client
        .get("/v1/candidates?size=2", &[("accept", "application/json")])
        .await;
    let block: JsonBlock = serde_json::from_slice(&answer.body).unwrap();
    let block = serde_json::to_value(block).unwrap();
    let error = serde_json::from_slice::<Value>(&client.get("/none", &[]).await.body).unwrap();
    for (name, value) in [("Block", &block), ("Error", &error)] {
        for field in document["components"]["schemas"][name]["required"].as_array().unwrap() {
            assert!(value.get(field.as_str().unwrap()).is_some(), "{name} lacks {field}");
        }
    }
}
